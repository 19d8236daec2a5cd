# ruff: noqa: S608 - fixed text and names of our own tables
"""Everything that is compared, at hand in one analysis, and the parts of it that a look is about.

Tables named `all_<name>` hold everything: the inputs, and what linkage made of them. The names that linkage and rules read stand for the
part that is looked at now.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

import pyarrow as pa

from central.changes.model import ChangeKind, Pending
from central.engines.duckdb import DuckDb
from central.inputs import SCHEMAS, Inputs
from central.linkage import service as linkage
from central.linkage.model import LinkLimits
from central.linkage.pairing import Links
from central.reconciliation.parts import ASTRAY, DIFFERING_LINES, LINKED, LINKED_WITH, VALUES, part_with
from central.reconciliation.stored import Fresh

EVERY: frozenset[str] = frozenset({"*"})
"""Not some values but all of them: nobody knows which ones are touched."""

_BILLED = ("settlements", "captures")
_MOST = 5000
"""Values that are looked at one by one; more are looked at as all."""


_OF_SITES = (ChangeKind.SETTLEMENT, ChangeKind.SESSION, ChangeKind.SITE, ChangeKind.WATCH)


class Resident:
    """Not safe to share between threads. After an error in any call nothing in it can be relied on."""

    def __init__(self, analysis: DuckDb) -> None:
        """Take over an analysis in which everything was compared: its tables become what is at hand."""
        self.analysis = analysis
        analysis.do("SET threads = 1")  # parts are small: measured, a look costs a fifth to a third less so
        for name in (*SCHEMAS, *LINKED):
            analysis.do(f'ALTER TABLE "{name}" RENAME TO "all_{name}"')
        self._looked: dict[str, int] = {}

    def close(self) -> None:
        """Forget everything."""
        self.analysis.close()

    def size(self, name: str) -> int:
        """How many rows of a table are at hand."""
        return self._number(f"SELECT COUNT(*) FROM all_{name}")

    def replace(self, fresh: Fresh) -> None:
        """Put rows in the place of those with the same key. What a key named before and does not any more is gone."""
        self.analysis.do("CREATE OR REPLACE TABLE before_details AS SELECT * FROM all_details LIMIT 0")
        lines = fresh.parts.get("details")
        self._list("lines_named", () if lines is None else lines.keys, ("fixmedins_code", "setl_id"))
        for name, part in fresh.parts.items():
            self._list("named", part.keys, part.by)
            named = f"SEMI JOIN named USING ({', '.join(part.by)})"
            if name == "details":
                self.analysis.do(f"CREATE OR REPLACE TABLE before_details AS SELECT * FROM all_details {named}")
            match = " AND ".join(f'a."{column}" = n."{column}"' for column in part.by)
            self.analysis.do(f'DELETE FROM "all_{name}" AS a USING named AS n WHERE {match}')
            self._insert(name, part.rows)
        for name, table in fresh.whole.items():
            self.analysis.do(f'DELETE FROM "all_{name}"')
            self._insert(name, table)

    def touched(self, pending: Pending) -> list[str]:
        """Institutions whose rows are news, and those that share a pair across institutions with them."""
        named = {place for kind in _OF_SITES for place, _ in pending.named(kind) if place}
        self._list("captures_named", [(name,) for _, name in pending.named(ChangeKind.CAPTURE)], ("capture_id",))
        named |= set(self._texts("SELECT DISTINCT fixmedins_code FROM all_captures SEMI JOIN captures_named USING (capture_id)"))
        while True:
            self._list("touched", [(site,) for site in sorted(named)], ("fixmedins_code",))
            more = set(self._texts(ASTRAY))
            if more <= named:
                return sorted(named)
            named |= more

    def link(self, sites: Sequence[str], limits: LinkLimits) -> Links:
        """Link these institutions anew; what they were before stays at hand until `compare_links`."""
        self._list("touched", [(site,) for site in sites], ("fixmedins_code",))
        for name in SCHEMAS:
            keep = self.analysis.keep if name in _BILLED else self._view
            part = "SEMI JOIN touched USING (fixmedins_code)" if "fixmedins_code" in SCHEMAS[name].names else ""
            keep(name, f'SELECT * FROM "all_{name}" {part}')
        links = linkage.link(self.analysis, limits)
        self._looked = {name: self._number(f'SELECT COUNT(*) FROM "{name}"') for name in _BILLED}
        for name in LINKED:
            self.analysis.keep(f"new_{name}", f'SELECT * FROM "{name}"')
        links_before = {
            "settlement_links": "SELECT fixmedins_code, setl_id, code, capture_id FROM all_coded",
            "capture_links": "SELECT capture_id, code, fixmedins_code, linked_setl_id AS setl_id FROM all_coded_captures",
        }
        for name, sql in links_before.items():
            self.analysis.keep(linkage.stored_name(name), f"{sql} SEMI JOIN touched USING (fixmedins_code)")
        return links

    def looked_at(self) -> Mapping[str, int]:
        """How many settlements and captures were linked anew."""
        return self._looked

    def compare_links(self, sites: Sequence[str]) -> None:
        """Find the difference: rows with their codes as they are and were not, and as they were and are not; and put the new at hand."""
        self._list("touched", [(site,) for site in sites], ("fixmedins_code",))
        for name in LINKED:
            now, before = f'SELECT * FROM "new_{name}"', f'SELECT * FROM "all_{name}" SEMI JOIN touched USING (fixmedins_code)'
            self.analysis.keep(f"differing_{name}", f"(({now}) EXCEPT ({before})) UNION ALL (({before}) EXCEPT ({now}))")
            self.analysis.do(f'DELETE FROM "all_{name}" WHERE fixmedins_code IN (SELECT fixmedins_code FROM touched)')
            self.analysis.do(f'INSERT INTO "all_{name}" BY NAME SELECT * FROM "new_{name}"')
        self.analysis.keep("differing_lines", DIFFERING_LINES)

    def show_links(self) -> None:
        """Let the names of what linkage leaves stand for what it left at last."""
        for name in LINKED:
            self.analysis.keep(name, f'SELECT * FROM "new_{name}"')

    def values(self, by: str, pending: Pending) -> frozenset[str]:
        """The values of a column that the news touches, as text; EVERY where nobody knows."""
        query = VALUES.get(by)
        if query is None:
            return EVERY
        self._list("persons_named", [(name,) for _, name in pending.named(ChangeKind.PERSON)], ("psn_no",))
        self._list("codes_named", [(name,) for _, name in pending.named(ChangeKind.STAFF)], ("code",))
        self._list("sites_named", [(place,) for place, _ in pending.named(ChangeKind.SITE)], ("fixmedins_code",))
        values = frozenset(self._texts(query))
        return EVERY if len(values) > _MOST else values

    def show(self, by: str, values: frozenset[str]) -> None:
        """Let the names that rules read stand for the rows with these values, and what belongs to them."""
        self._list("shown_values", [(value,) for value in sorted(values)], ("value",))
        whole = values is EVERY
        for name in LINKED:
            self.analysis.keep(name, f'SELECT * FROM "all_{name}"' if whole else LINKED_WITH[by][name])
        for name in SCHEMAS:
            if name not in _BILLED:
                self._view(name, f'SELECT * FROM "all_{name}" {"" if whole else part_with(name, by)}')

    def shown(self) -> Inputs:
        """The rows that the rules just read, as they were handed in."""
        settled = 'SELECT a.* FROM "all_settlements" AS a SEMI JOIN coded USING (fixmedins_code, setl_id)'
        seen = 'SELECT a.* FROM "all_captures" AS a SEMI JOIN coded_captures USING (capture_id)'
        queries = {name: f'SELECT * FROM "{name}"' for name in SCHEMAS} | {"settlements": settled, "captures": seen}
        return {name: pa.Table.from_batches(self.analysis.rows(sql), SCHEMAS[name]) for name, sql in queries.items()}

    def _view(self, name: str, sql: str) -> None:
        self.analysis.do(f'CREATE OR REPLACE VIEW "{name}" AS {sql}')

    def _insert(self, name: str, rows: pa.Table) -> None:
        self.analysis.load("fresh", rows)
        self.analysis.do(f'INSERT INTO "all_{name}" BY NAME SELECT * FROM fresh')

    def _list(self, name: str, rows: Collection[tuple[str | None, ...]], columns: Sequence[str]) -> None:
        arrays = [pa.array([row[place] for row in rows], pa.string()) for place in range(len(columns))]
        self.analysis.load(name, pa.table(arrays, names=list(columns)))

    def _texts(self, sql: str) -> Iterable[str]:
        return [value for batch in self.analysis.rows(sql) for value in batch.column(0).to_pylist() if value is not None]

    def _number(self, sql: str) -> int:
        return sum(int(batch.column(0)[0].as_py()) for batch in self.analysis.rows(sql))
