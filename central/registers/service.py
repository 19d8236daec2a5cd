"""Take registers in, and hand out what claims are compared with: registers from outside, joined with what this centre knows itself.

What is kept here of people (proxies, staff, exceptions) and sites (opening hours) stays the matter of their rooms and is only read.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection

from central.changes.model import Change, ChangeKind, persons, settlements
from central.feeds import service as feeds
from central.feeds.base import Kept, Key
from central.inputs import shaped
from central.people import service as people
from central.registers import store
from central.registers.model import Contradiction, Found
from central.registers.tables import SPECS, TABLES, versions
from central.settings import ClaimSettings
from central.sites import service as sites

_FIRST = 20
_OF_PERSONS = {"persons", "proxies", "exemptions", "filings"}
_OF_SETTLEMENTS = {"details", "places"}
_OF_STAFF = {"staff": 2, "sign_ins": 1}

DATASETS = tuple(SPECS)
"""Every register by name."""


def kept(name: str, settings: ClaimSettings, *, now: datetime) -> Kept:
    """Where a register is kept, and what its columns are. Raises KeyError."""
    spec = feeds.specs(settings, now=now)[name]
    digested = tuple(column.name for column in spec.columns)
    return Kept(spec=spec, table=TABLES[name], versions=versions, digested=digested, news=lambda keys: _news(name, keys))


def tables(db: Connection, *, lines: bool = True) -> dict[str, pa.Table]:
    """Every table of `central.inputs` that comes from registers, in its schema; without `lines` not those whose rows belong to settlements
    (see `lines_of`). Where registers contradict each other, what they say is
    left out or widened so that it excuses; `contradictions` names it."""
    found = {name: shaped(name, store.table(db, name)) for name in TABLES if lines or name not in _OF_SETTLEMENTS}
    found["persons"] = _without(found["persons"], "psn_no", store.alive_after_death(db), "death_date")
    found["staff"] = _without(found["staff"], "code", store.shared_codes(db), "psn_no")
    found["stays"] = _but(found["stays"], store.double_stays(db))
    found["hours"] = _both_hours(found["hours"], _own_hours(db))
    own = {"proxies": people.proxies_table(db), "exemptions": people.exemptions_table(db), "staff": people.staff_table(db)}
    for name, table in own.items():
        found[name] = pa.concat_tables([found[name], shaped(name, table)])
    return found


def lines_of(db: Connection, keys: Sequence[tuple[str, str]]) -> dict[str, pa.Table]:
    """The rows of `details` and `places` that belong to these settlements (fixmedins_code, setl_id)."""
    return {name: shaped(name, store.table(db, name, keys)) for name in sorted(_OF_SETTLEMENTS)}


def contradictions(db: Connection) -> tuple[Found, ...]:
    """How often registers contradict each other, in which ways, and who is meant."""
    declared, own = _spans(store.table(db, "hours")), _own_hours(db)
    differ = sorted(code for code in own if code in declared and declared[code] != own[code])
    stays = [mdtrt_id for _, mdtrt_id in store.double_stays(db)]
    found = {
        Contradiction.ALIVE_AFTER_DEATH: store.alive_after_death(db),
        Contradiction.ONE_CODE_TWO_PERSONS: store.shared_codes(db),
        Contradiction.TWO_STAYS_AT_ONCE: stays,
        Contradiction.TWO_OPENING_HOURS: differ,
    }
    return tuple(Found(kind=kind, count=len(who), examples=tuple(who[:_FIRST])) for kind, who in found.items())


def sizes(db: Connection) -> dict[str, int]:
    """How many rows each register has."""
    return {name: store.size(db, name) for name in TABLES}


def history(db: Connection, name: str, key: Sequence[Any]) -> list[dict[str, Any]]:
    """What was said of a row before, oldest first: the row, the import that stated it, when and by which import it ended, and why."""
    names = ("row_sha256", "row", "import_id", "replaced_at", "replaced_by", "why")
    return [{each: row[each] for each in names} for row in store.history(db, name, feeds.key_text(tuple(key)))]


def _news(name: str, keys: Sequence[Key]) -> list[Change]:
    """What hangs on rows with these keys."""
    if name == "items":
        return [Change(kind=ChangeKind.EVERYTHING)] if keys else []
    if name in _OF_SETTLEMENTS:
        return settlements((str(key[0]), str(key[1])) for key in keys)
    if name in _OF_PERSONS:
        others = [str(key[1]) for key in keys] if name == "proxies" else []
        return persons([*(str(key[0]) for key in keys), *others])
    of_sites = [Change(kind=ChangeKind.SITE, place=str(code)) for code in dict.fromkeys(key[0] for key in keys)]
    if name in _OF_STAFF:
        codes = dict.fromkeys(key[_OF_STAFF[name]] for key in keys)
        return [*of_sites, *(Change(kind=ChangeKind.STAFF, name=str(code)) for code in codes if code)]
    return of_sites


def _without(table: pa.Table, by: str, of: Sequence[str], column: str) -> pa.Table:
    """The table with a column unknown in some rows."""
    if not of:
        return table
    doubtful = pc.is_in(table[by], pa.array(of, pa.string()))
    place = table.column_names.index(column)
    return table.set_column(place, table.schema.field(column), pc.if_else(doubtful, pa.scalar(None, table[column].type), table[column]))


def _but(stays: pa.Table, doubtful: Sequence[tuple[str, str]]) -> pa.Table:
    if not doubtful:
        return stays
    names = pc.binary_join_element_wise(stays["fixmedins_code"], stays["mdtrt_id"], "/")
    return stays.filter(pc.invert(pc.is_in(names, pa.array([f"{code}/{visit}" for code, visit in doubtful]))))


_Spans = frozenset[tuple[int, int, int]]


def _own_hours(db: Connection) -> dict[str, _Spans]:
    """Opening hours as the sites' own entries say: weekday, from, to."""
    found = {}
    for site in sites.all_sites(db):
        spans = frozenset(sites.weekly_hours(site))
        if spans:
            found[site.fixmedins_code] = spans
    return found


def _spans(table: pa.Table) -> dict[str, _Spans]:
    found: dict[str, set[tuple[int, int, int]]] = {}
    for row in table.to_pylist():
        found.setdefault(row["fixmedins_code"], set()).add((row["weekday"], row["opens"], row["closes"]))
    return {code: frozenset(spans) for code, spans in found.items()}


def _both_hours(declared: pa.Table, own: Mapping[str, _Spans]) -> pa.Table:
    """Open whenever one of the two says so; the same span stands once."""
    theirs = _spans(declared)
    more = [(code, *span) for code, spans in own.items() for span in sorted(spans - theirs.get(code, frozenset()))]
    if not more:
        return declared
    rows = [dict(zip(declared.column_names, each, strict=True)) for each in more]
    return pa.concat_tables([declared, pa.Table.from_pylist(rows, schema=declared.schema)])
