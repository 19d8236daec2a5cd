"""Groups of findings: kept up to date, and told with the reason. A group is derived; it hides no finding and decides about none."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping

from central.captures import service as captures
from central.cases import group_store, store
from central.cases.grouping import Facts, Named, Tie, grouped, keys_of, named_persons
from central.cases.model import GroupPage, GroupRow, Shared
from central.claims import service as claims
from central.claims.model import Key, Settlement
from central.errors import BadInput
from central.rules.model import GroupLimits

_MOST_AROUND = 5000
"""Findings that one change looks at; a poster in tens of thousands is looked at in parts, as its groups are parts of it."""

_LARGEST_PAGE = 500
_MOST_SHARED = 12


def regroup(db: Connection, touched: Collection[str], limits: GroupLimits) -> int:
    """Group anew what these findings, and those that no group knows yet, are tied to; how many findings changed their group.

    Held and withdrawn findings name nothing: they stay alone until they are back.
    """
    changed = {*touched, *group_store.ungrouped(db)}
    if not changed:
        return 0
    before = group_store.groups_of(db, changed)
    rows = [row for row in store.rows_of(db, sorted(changed))]
    _name(db, rows)
    around = _around(db, changed | set(group_store.members(db, set(before.values()))))
    now = grouped(_named(db, around), limits)
    known = group_store.groups_of(db, around)
    moved = {jr_id: group_id for jr_id, group_id in now.items() if known.get(jr_id) != group_id}
    group_store.put(db, moved)
    return len(moved)


def list_groups(db: Connection, *, only_open: bool = True, page: int = 1, size: int = 50) -> GroupPage:
    """One page of groups of two and more findings, those that moved last first. Raises BadInput for an impossible page."""
    if page < 1 or not 1 <= size <= _LARGEST_PAGE:
        raise BadInput(f"page {page} of size {size}: pages count from 1 and hold 1 to {_LARGEST_PAGE} groups")
    rows, total = group_store.page(db, only_open=only_open, offset=(page - 1) * size, size=size)
    names = [row["group_id"] for row in rows]
    why, rules, sites = shared(db, names), defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    for row in group_store.particulars(db, names):
        rules[row["group_id"]].add(row["rule_id"])
        sites[row["group_id"]].add(row["fixmedins_code"])
    return GroupPage(rows=tuple(_row(row, rules, sites, why) for row in rows), total=total, page=page, size=size)


def shared(db: Connection, group_ids: Collection[str]) -> dict[str, tuple[Shared, ...]]:
    """Why the findings of each group belong together, the surest reasons first."""
    order = {tie.value: number for number, tie in enumerate(Tie)}
    found: defaultdict[str, list[Shared]] = defaultdict(list)
    for row in group_store.shared(db, group_ids):
        found[row["group_id"]].append(Shared(tie=row["kind"], value=row["value"], findings=row["findings"]))
    for each in found.values():
        each.sort(key=lambda one: (order[one.tie], -one.findings, one.value))
    return {group_id: tuple(each[:_MOST_SHARED]) for group_id, each in found.items()}


def _name(db: Connection, rows: Sequence[RowMapping]) -> None:
    named = [row for row in rows if row["withdrawn_at"] is None and row["held"] is None]
    facts = _facts(db, named)
    keys = [{"jr_id": row["jr_id"], "kind": kind.value, "value": value} for row in named for kind, value in sorted(keys_of(row, facts))]
    group_store.replace_keys(db, [row["jr_id"] for row in rows], keys)


def _facts(db: Connection, rows: Sequence[RowMapping]) -> Facts:
    bills = {(row["fixmedins_code"], setl_id) for row in rows for setl_id in row["vola_evid"]["setl_ids"]}
    shots = sorted({capture_id for row in rows for capture_id in row["vola_evid"]["capture_ids"]})
    said = _said(db, bills)
    away = list(_away(db, rows, {(each["fixmedins_code"], each["setl_id"]): each["psn_no"] for each in said}))
    said += _said(db, {each.key for each in away})
    return Facts(
        clerks={(row["fixmedins_code"], row["setl_id"]): row["opter"] for row in said if row["opter"]},
        doctors={(row["fixmedins_code"], row["setl_id"]): row["dr_codg"] for row in said if row["dr_codg"]},
        faces=captures.face_groups(db, shots),
        elsewhere={(each.psn_no, each.setl_id): each.fixmedins_code for each in away},
    )


def _said(db: Connection, bills: Collection[Key]) -> list[dict[str, Any]]:
    told = claims.analysis_table(db, sorted(bills)) if bills else None
    return [] if told is None else told.select(["fixmedins_code", "setl_id", "psn_no", "opter", "dr_codg"]).to_pylist()


def _away(db: Connection, rows: Sequence[RowMapping], here: Mapping[Key, str]) -> Iterator[Settlement]:
    """Settlements that findings name and their own institutions do not have (`here`: whose those are): of the same persons, at others."""
    missing, persons = set[str](), set[str]()
    for row in rows:
        named = named_persons(row)
        gone = {setl_id for setl_id in row["vola_evid"]["setl_ids"] if here.get((row["fixmedins_code"], setl_id)) not in named}
        if gone and named:
            missing |= gone
            persons |= named
    return claims.of_persons(db, persons, missing)


def _around(db: Connection, start: set[str]) -> set[str]:
    """These findings and all that are tied to them over others, until there are too many."""
    found, fresh, asked = set(start), set(start), set[tuple[str, str]]()
    while fresh and len(found) < _MOST_AROUND + len(start):
        pairs = {(row["value"], row["kind"]) for row in group_store.keys(db, fresh)} - asked
        asked |= pairs
        fresh = set(group_store.naming(db, pairs)) - found
        fresh |= set(group_store.members(db, set(group_store.groups_of(db, fresh).values()))) - found
        found |= fresh
    return found


def _named(db: Connection, jr_ids: set[str]) -> list[Named]:
    keys: defaultdict[str, set[tuple[Tie, str]]] = defaultdict(set)
    for row in group_store.keys(db, jr_ids):
        keys[row["jr_id"]].add((Tie(row["kind"]), row["value"]))
    times = group_store.times(db, jr_ids)
    return [Named(jr_id=row["jr_id"], occurred_at=row["occurred_at"], keys=frozenset(keys[row["jr_id"]])) for row in times]


def _row(row: RowMapping, rules: Mapping[str, set[str]], sites: Mapping[str, set[str]], why: Mapping[str, tuple[Shared, ...]]) -> GroupRow:
    name = row["group_id"]
    return GroupRow(
        group_id=name,
        findings=row["findings"],
        open=row["open"],
        rules=tuple(sorted(rules[name])),
        fixmedins_codes=tuple(sorted(sites[name])),
        first_at=row["first_at"],
        last_at=row["last_at"],
        shared=why.get(name, ()),
    )
