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
from central.reconciliation.parts import ASTRAY, LINKED, WAYS, Way
from central.reconciliation.stored import Fresh

EVERY: frozenset[str] = frozenset({"*"})
"""Not some values but all of them: nobody knows which ones are touched."""

_BILLED = ("settlements", "captures")
_MOST = 5000
"""Values that are looked at one by one; more are looked at as all."""
_OF_SITES = (ChangeKind.SETTLEMENT, ChangeKind.SESSION, ChangeKind.SITE, ChangeKind.WATCH)
_WHOLE = Way(values="")


class Resident:
    """Not safe to share between threads. After an error in any call nothing in it can be relied on."""

    def __init__(self, analysis: DuckDb) -> None:
        """Take over an analysis in which everything was compared: its tables become what is at hand."""
        self.analysis = analysis
        analysis.do("SET threads = 1")  # parts are small: measured, a look costs a fifth to a third less so
        analysis.choose_sides()  # what news touches is joined from either side
        for name in (*SCHEMAS, *LINKED):
            analysis.do(f'ALTER TABLE "{name}" RENAME TO "all_{name}"')
            analysis.keep(f"new_{name}", f'SELECT * FROM "all_{name}" LIMIT 0')
        self._differ: set[str] = set()
        self._delivered: set[str] = set()

    def close(self) -> None:
        """Forget everything."""
        self.analysis.close()

    def size(self, name: str) -> int:
        """How many rows of a table are at hand."""
        return self._number(f"SELECT COUNT(*) FROM all_{name}")

    def replace(self, fresh: Fresh) -> None:
        """Put rows in the place of those with the same key, and note which ones differ. What a key named before and does not any more is
        gone. Rows that say the same stay where they are, so that thousands of looks leave no holes.
        """
        self._differ.clear()
        self._delivered.clear()
        for name in _BILLED:
            self.analysis.keep(f"differing_{name}", f'SELECT * FROM "all_{name}" LIMIT 0')
        for name, part in fresh.parts.items():
            self._list("named", part.keys, part.by)
            self.analysis.load("fresh", part.rows)
            if self._note(name, f'SELECT * FROM "all_{name}" SEMI JOIN named USING ({", ".join(part.by)})', "SELECT * FROM fresh"):
                match = " AND ".join(f'a."{column}" = n."{column}"' for column in part.by)
                self.analysis.do(f'DELETE FROM "all_{name}" AS a USING named AS n WHERE {match}')
                self.analysis.do(f'INSERT INTO "all_{name}" BY NAME SELECT * FROM fresh')
        for name, table in fresh.whole.items():
            self.analysis.load("fresh", table)
            if self._note(name, f'SELECT * FROM "all_{name}"', "SELECT * FROM fresh"):
                self._delivered |= {name} if (self.size(name) == 0) != (table.num_rows == 0) else set()
                self.analysis.keep(f"all_{name}", "SELECT * FROM fresh")

    def touched(self, pending: Pending) -> list[str]:
        """Institutions whose rows are news, and those that share a pair across institutions with them."""
        named = {place for kind in _OF_SITES for place, _ in pending.named(kind) if place}
        if captures := pending.named(ChangeKind.CAPTURE):
            self._list("captures_named", [(name,) for _, name in captures], ("capture_id",))
            named |= set(self._texts("SELECT DISTINCT fixmedins_code FROM all_captures SEMI JOIN captures_named USING (capture_id)"))
        while True:
            self._list("touched", [(site,) for site in sorted(named)], ("fixmedins_code",))
            more = set(self._texts(ASTRAY))
            if more <= named:
                return sorted(named)
            named |= more

    def link(self, sites: Sequence[str], limits: LinkLimits) -> Links:
        """Link these institutions anew; note which rows and codes differ from before, and put the new at hand."""
        self._list("touched", [(site,) for site in sites], ("fixmedins_code",))
        for name in LINKED:
            self.analysis.do(f'DROP VIEW IF EXISTS "{name}"')
        for name in SCHEMAS:
            keep = self.analysis.keep if name in _BILLED else self._view
            part = "SEMI JOIN touched USING (fixmedins_code)" if "fixmedins_code" in SCHEMAS[name].names else ""
            keep(name, f'SELECT * FROM "all_{name}" {part}')
        links = linkage.link(self.analysis, limits)
        links_before = {
            "settlement_links": "SELECT fixmedins_code, setl_id, code, capture_id FROM all_coded",
            "capture_links": "SELECT capture_id, code, fixmedins_code, linked_setl_id AS setl_id FROM all_coded_captures",
        }
        for name, sql in links_before.items():
            self.analysis.keep(linkage.stored_name(name), f"{sql} SEMI JOIN touched USING (fixmedins_code)")
        for name, key in LINKED.items():
            self._take_over(name, key)
        return links

    def looked_at(self) -> Mapping[str, int]:
        """How many settlements and captures were linked anew."""
        return {name: self._number(f'SELECT COUNT(*) FROM "{name}"') for name in _BILLED}

    def show_links(self) -> None:
        """Let the names of what linkage leaves stand for what it left at last."""
        for name in LINKED:
            self._view(name, f'SELECT * FROM "new_{name}"')

    def values(self, by: str, names: Collection[str]) -> dict[str, frozenset[str]]:
        """The values of a column that the differing rows of these tables touch, as text, for each table of which any differ; EVERY where
        nobody knows.
        """
        return {name: self._values(by, name) for name in sorted(self._differ.intersection(names))}

    def show(self, by: str, values: frozenset[str], names: Collection[str]) -> None:
        """Let these names, as rules read them, stand for the rows with these values, and what belongs to them."""
        self._list("shown_values", [(value,) for value in sorted(values)], ("value",))
        ways = {} if values is EVERY else WAYS[by]
        shown: set[str] = set()
        for name in sorted(names):
            self._show(name, ways, shown)

    def empty(self, names: Collection[str]) -> frozenset[str]:
        """Those of these names that stand for no rows now."""
        ordered = sorted(names)
        asked = ", ".join(f'EXISTS (FROM "{name}") AS "{name}"' for name in ordered)
        (batch,) = self.analysis.rows(f"SELECT {asked}")
        return frozenset(name for name, column in zip(ordered, batch.columns, strict=True) if not column[0].as_py())

    def inputs(self, by: str, values: frozenset[str]) -> Inputs:
        """The rows with these values, and what belongs to them, as they were handed in."""
        self.show(by, values, [*LINKED, *(name for name in SCHEMAS if name not in _BILLED)])
        settled = 'SELECT a.* FROM "all_settlements" AS a SEMI JOIN coded USING (fixmedins_code, setl_id)'
        seen = 'SELECT a.* FROM "all_captures" AS a SEMI JOIN coded_captures USING (capture_id)'
        queries = {name: f'SELECT * FROM "{name}"' for name in SCHEMAS} | {"settlements": settled, "captures": seen}
        return {name: pa.Table.from_batches(self.analysis.rows(sql), SCHEMAS[name]) for name, sql in queries.items()}

    def _take_over(self, name: str, key: Sequence[str]) -> None:
        """Note what linkage left differently, and put only that at hand: whole institutions, look after look, would leave holes."""
        self.analysis.do(f'DROP TABLE "new_{name}"')
        self.analysis.do(f'ALTER TABLE "{name}" RENAME TO "new_{name}"')
        if self._note(name, f'SELECT * FROM "all_{name}" SEMI JOIN touched USING (fixmedins_code)', f'SELECT * FROM "new_{name}"'):
            match = " AND ".join(f'a."{column}" = d."{column}"' for column in key)
            self.analysis.do(f'DELETE FROM "all_{name}" AS a USING "differing_{name}" AS d WHERE {match}')
            self.analysis.do(
                f'INSERT INTO "all_{name}" BY NAME SELECT * FROM "new_{name}" SEMI JOIN "differing_{name}" USING ({", ".join(key)})'
            )

    def _note(self, name: str, before: str, now: str) -> bool:
        """Keep the rows that were and are not, and those that are and were not; whether there are any. Equal rows count."""
        both = f"SELECT *, 1 AS more FROM ({before}) UNION ALL SELECT *, -1 AS more FROM ({now})"
        self.analysis.keep(f"differing_{name}", f"SELECT * EXCLUDE (more) FROM ({both}) GROUP BY ALL HAVING sum(more) <> 0")
        differ = self._number(f'SELECT COUNT(*) FROM "differing_{name}"') > 0
        self._differ |= {name} if differ else set()
        return differ

    def _values(self, by: str, name: str) -> frozenset[str]:
        way = WAYS.get(by, {}).get(name)
        if way is None or name in self._delivered:  # whether a register was delivered at all may matter to everybody
            return EVERY
        values = frozenset(self._texts(way.values))
        return EVERY if len(values) > _MOST else values

    def _show(self, name: str, ways: Mapping[str, Way], shown: set[str]) -> None:
        if name in shown:
            return
        shown.add(name)
        way = ways.get(name, _WHOLE)
        for each in way.after:
            self._show(each, ways, shown)
        if way.part:
            self.analysis.keep(f"part_{name}", f'SELECT * FROM "all_{name}" {way.part}')
        self._view(name, f'SELECT * FROM "{"part" if way.part else "all"}_{name}"')

    def _view(self, name: str, sql: str) -> None:
        self.analysis.do(f'CREATE OR REPLACE VIEW "{name}" AS {sql}')

    def _list(self, name: str, rows: Collection[tuple[str | None, ...]], columns: Sequence[str]) -> None:
        arrays = [pa.array([row[place] for row in rows], pa.string()) for place in range(len(columns))]
        self.analysis.load(name, pa.table(arrays, names=list(columns)))

    def _texts(self, sql: str) -> Iterable[str]:
        return [value for batch in self.analysis.rows(sql) for value in batch.column(0).to_pylist() if value is not None]

    def _number(self, sql: str) -> int:
        return sum(int(batch.column(0)[0].as_py()) for batch in self.analysis.rows(sql))
