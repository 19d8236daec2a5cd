"""All SQL about what is listed besides faces: proxies, watch list, exceptions, doubtful identities, registers read, and counts."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    Table,
    case,
    func,
    insert,
    null,
    or_,
    select,
    true,
    type_coerce,
    union_all,
    update,
)

from central.db import UtcDateTime, insert_new, upsert
from central.inputs import FOREVER
from central.people.model import Proxy
from central.people.tables import (
    bases,
    duplicates,
    exemptions,
    expected_at,
    face_counts,
    gallery_changes,
    proxies,
    register_rows,
    registers,
    templates,
    watch_list,
)
from contract.commands import GalleryRole

Page = tuple[Sequence[RowMapping], int]
"""Rows of one page, and how many there are in all."""


def add_proxy(db: Connection, proxy: Proxy, *, actor: str, now: datetime) -> None:
    """Insert a proxy, or change the end and reason of one that began at the same time."""
    row = {name: getattr(proxy, name) for name in ("psn_no", "proxy_psn_no", "valid_from", "valid_to", "reason")}
    never_ended = {"ended_at": None, "ended_by": None, "ended_why": None}
    upsert(db, proxies, [row | {"registered_at": now, "registered_by": actor} | never_ended], ["psn_no", "proxy_psn_no", "valid_from"])


def end_proxy(db: Connection, proxy: RowMapping, *, why: str, actor: str, now: datetime) -> None:
    """Let one entry end now, or never begin; it stays on record."""
    same = [proxies.c[name] == proxy[name] for name in ("psn_no", "proxy_psn_no", "valid_from")]
    end = max(now, proxy["valid_from"])
    db.execute(update(proxies).where(*same).values(valid_to=end, ended_at=now, ended_by=actor, ended_why=why))


def standing_proxies(db: Connection, now: datetime, *, psn_no: str | None = None, proxy_psn_no: str | None = None) -> Sequence[RowMapping]:
    """Entries that are valid now or will be, of one person and one proxy where given."""
    query = select(proxies).where(proxies.c.valid_to > now, *_same(proxies, psn_no=psn_no, proxy_psn_no=proxy_psn_no))
    return db.execute(query.order_by(proxies.c.psn_no, proxies.c.valid_from)).mappings().all()


def proxies_of(db: Connection, psn_no: str) -> Sequence[RowMapping]:
    """Every entry that names this person, on either side, the newest first, past ones included."""
    mine = or_(proxies.c.psn_no == psn_no, proxies.c.proxy_psn_no == psn_no)
    return db.execute(select(proxies).where(mine).order_by(proxies.c.valid_from.desc())).mappings().all()


def proxy_page(db: Connection, *, offset: int, size: int) -> Page:
    """Every entry, the newest first."""
    return _page(db, proxies, true(), proxies.c.valid_from.desc(), offset=offset, size=size)


def proxy_register() -> Select[Any]:
    """Selects who may settle for whom, when, and since when the proxy's face is registered for that."""
    has_face = (templates.c.psn_no == proxies.c.proxy_psn_no) & templates.c.erased_at.is_(None)
    first = select(func.min(templates.c.enrolled_at)).where(has_face).scalar_subquery()
    known = case((first.is_(None), null()), (first > proxies.c.registered_at, first), else_=proxies.c.registered_at)
    since = type_coerce(known, UtcDateTime).label("known_since")
    return select(proxies.c.psn_no, proxies.c.proxy_psn_no, proxies.c.valid_from, proxies.c.valid_to, since)


def acting_for(db: Connection, psn_nos: Iterable[str], *, now: datetime) -> dict[str, tuple[str, ...]]:
    """For each of these people: whose valid proxy they are now."""
    condition = proxies.c.proxy_psn_no.in_(list(psn_nos)) & (proxies.c.valid_from <= now) & (proxies.c.valid_to > now)
    found: dict[str, tuple[str, ...]] = {}
    for row in db.execute(select(proxies).where(condition).order_by(proxies.c.psn_no)).mappings():
        found[row["proxy_psn_no"]] = (*found.get(row["proxy_psn_no"], ()), row["psn_no"])
    return found


def add_watch(db: Connection, row: Mapping[str, Any]) -> int:
    """Enter somebody, not confirmed yet; the entry's number."""
    return _added(db, watch_list, row)


def watch(db: Connection, watch_id: int) -> RowMapping | None:
    """One entry, locked until the transaction ends, or None."""
    return db.execute(select(watch_list).where(watch_list.c.watch_id == watch_id).with_for_update()).mappings().first()


def change_watch(db: Connection, watch_id: int, **values: Any) -> None:
    """Confirm or end an entry."""
    db.execute(update(watch_list).where(watch_list.c.watch_id == watch_id).values(**values))


def watched_at(db: Connection, fixmedins_code: str, psn_nos: Iterable[str], *, now: datetime) -> dict[str, datetime]:
    """Until when each of these people is watched for at a site: confirmed, not ended, not over."""
    mine = (watch_list.c.fixmedins_code == fixmedins_code) & watch_list.c.psn_no.in_(list(psn_nos))
    until = func.max(watch_list.c.valid_until)
    rows = db.execute(select(watch_list.c.psn_no, until).where(mine, _watched(now)).group_by(watch_list.c.psn_no))
    return {row[0]: row[1] for row in rows}


def watching_sites(db: Connection, psn_no: str, now: datetime) -> list[str]:
    """The sites that watch for this person now."""
    return list(db.scalars(select(watch_list.c.fixmedins_code).where(watch_list.c.psn_no == psn_no, _watched(now)).distinct()))


def watch_page(db: Connection, *, offset: int, size: int, psn_no: str | None = None) -> Page:
    """Every entry, of one person where given, the newest first."""
    return _page(db, watch_list, _all(watch_list, psn_no=psn_no), watch_list.c.watch_id.desc(), offset=offset, size=size)


def add_exemption(db: Connection, row: Mapping[str, Any]) -> int:
    """Enter an exception; its number."""
    return _added(db, exemptions, row)


def exemption(db: Connection, exemption_id: int) -> RowMapping | None:
    """One exception, or None."""
    return db.execute(select(exemptions).where(exemptions.c.exemption_id == exemption_id)).mappings().first()


def end_exemption(db: Connection, exemption_id: int, *, why: str, actor: str, now: datetime) -> None:
    """Let an exception end now."""
    ended = {"ended_at": now, "ended_by": actor, "ended_why": why}
    db.execute(update(exemptions).where(exemptions.c.exemption_id == exemption_id).values(**ended))


def exempt(db: Connection, psn_nos: Iterable[str], *, now: datetime) -> dict[str, list[datetime | None]]:
    """The ends of the exceptions that stand now, by person; an end of None is open."""
    standing = exemptions.c.ended_at.is_(None) & or_(exemptions.c.valid_until.is_(None), exemptions.c.valid_until > now)
    found: dict[str, list[datetime | None]] = {}
    wanted = select(exemptions.c.psn_no, exemptions.c.valid_until).where(standing, exemptions.c.psn_no.in_(list(psn_nos)))
    for row in db.execute(wanted):
        found.setdefault(row[0], []).append(row[1])
    return found


def exemption_register() -> Select[Any]:
    """(psn_no, valid_from, valid_to) of every exception, in microseconds; it holds from when it was entered."""
    since, ended, until = (type_coerce(exemptions.c[name], BigInteger) for name in ("entered_at", "ended_at", "valid_until"))
    return select(exemptions.c.psn_no, since.label("valid_from"), func.coalesce(ended, until, FOREVER).label("valid_to"))


def staff_register() -> Select[Any]:
    """(fixmedins_code, psn_no, role, valid_from, valid_to) of everybody whom a site expects as its staff, in microseconds."""
    since, until = (type_coerce(expected_at.c[name], BigInteger) for name in ("added_at", "valid_until"))
    span = func.coalesce(since, 0).label("valid_from"), func.coalesce(until, FOREVER).label("valid_to")
    staff = expected_at.c.role == GalleryRole.STAFF.value
    return select(expected_at.c.fixmedins_code, expected_at.c.psn_no, expected_at.c.role, *span).where(staff)


def exemption_page(db: Connection, *, offset: int, size: int, psn_no: str | None = None) -> Page:
    """Every exception, of one person where given, the newest first."""
    return _page(db, exemptions, _all(exemptions, psn_no=psn_no), exemptions.c.exemption_id.desc(), offset=offset, size=size)


def add_duplicate(db: Connection, row: Mapping[str, Any]) -> int:
    """Enter a doubtful identity; its number."""
    return _added(db, duplicates, row)


def duplicate(db: Connection, duplicate_id: int) -> RowMapping | None:
    """One entry, locked until the transaction ends, or None."""
    return db.execute(select(duplicates).where(duplicates.c.duplicate_id == duplicate_id).with_for_update()).mappings().first()


def decide_duplicate(db: Connection, duplicate_id: int, **values: Any) -> None:
    """Keep what a person decided."""
    db.execute(update(duplicates).where(duplicates.c.duplicate_id == duplicate_id).values(**values))


def duplicates_about(db: Connection, psn_no: str) -> Sequence[RowMapping]:
    """Every entry that names this person on either side, the newest first."""
    mine = or_(duplicates.c.psn_no == psn_no, duplicates.c.other_psn_no == psn_no)
    return db.execute(select(duplicates).where(mine).order_by(duplicates.c.duplicate_id.desc())).mappings().all()


def duplicate_page(db: Connection, *, undecided: bool, offset: int, size: int) -> Page:
    """Entries, only those that wait for a decision where asked, the newest first."""
    wanted = duplicates.c.verdict.is_(None) if undecided else true()
    return _page(db, duplicates, wanted, duplicates.c.duplicate_id.desc(), offset=offset, size=size)


def register(db: Connection, source: str, sha256: str, *, actor: str, now: datetime) -> RowMapping:
    """The record of reading this very file: the one that is here, or a new one."""
    insert_new(db, registers, [{"source": source, "sha256": sha256, "started_at": now, "started_by": actor}], ["sha256"])
    return db.execute(select(registers).where(registers.c.sha256 == sha256)).mappings().one()


def lines_with(db: Connection, register_id: int, states: Sequence[str]) -> frozenset[int]:
    """The lines of a register that ended in one of these states."""
    wanted = (register_rows.c.register_id == register_id) & register_rows.c.state.in_(list(states))
    return frozenset(db.scalars(select(register_rows.c.line).where(wanted)))


def put_register_row(db: Connection, row: Mapping[str, Any]) -> None:
    """Keep what became of a line."""
    upsert(db, register_rows, [row], ["register_id", "line"])


def finish_register(db: Connection, register_id: int, *, now: datetime) -> None:
    """The register was read to its end."""
    db.execute(update(registers).where(registers.c.register_id == register_id).values(finished_at=now))


def register_states(db: Connection, register_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """How many lines of each register ended in each state."""
    counted = select(register_rows.c.register_id, register_rows.c.state, func.count()).where(register_rows.c.register_id.in_(register_ids))
    found: dict[int, dict[str, int]] = {number: {} for number in register_ids}
    for number, state, lines in db.execute(counted.group_by(register_rows.c.register_id, register_rows.c.state)):
        found[number][state] = lines
    return found


def register_faults(db: Connection, register_id: int) -> Sequence[RowMapping]:
    """The lines that were refused, in order."""
    refused = (register_rows.c.register_id == register_id) & (register_rows.c.state != "enrolled")
    return db.execute(select(register_rows).where(refused).order_by(register_rows.c.line)).mappings().all()


def register_page(db: Connection, *, offset: int, size: int) -> Page:
    """Registers that were read, the newest first."""
    return _page(db, registers, true(), registers.c.register_id.desc(), offset=offset, size=size)


def turned(db: Connection, since: datetime, until: datetime) -> set[tuple[str, str]]:
    """(site, person) of whom something began or ended in this span after their newest change: a proxy, an exception, a basis, a post."""
    moments = union_all(
        *(
            select(table.c[person].label("psn_no"), table.c[moment].label("at")).where(table.c[moment].between(since, until))
            for table, person, moment in (
                (proxies, "proxy_psn_no", "valid_from"),
                (proxies, "proxy_psn_no", "valid_to"),
                (exemptions, "psn_no", "valid_until"),
                (bases, "psn_no", "valid_until"),
                (expected_at, "psn_no", "valid_until"),
            )
        )
    ).subquery("moments")
    mine = (gallery_changes.c.fixmedins_code == expected_at.c.fixmedins_code) & (gallery_changes.c.psn_no == expected_at.c.psn_no)
    told = select(func.max(gallery_changes.c.changed_at)).where(mine).scalar_subquery()
    joined = expected_at.join(moments, moments.c.psn_no == expected_at.c.psn_no)
    query = select(expected_at.c.fixmedins_code, expected_at.c.psn_no).select_from(joined).where(told < moments.c.at).distinct()
    return {(row[0], row[1]) for row in db.execute(query)}


def newest_count(db: Connection) -> RowMapping | None:
    """How many faces were kept when they were last counted."""
    return db.execute(select(face_counts).order_by(face_counts.c.day.desc()).limit(1)).mappings().first()


def put_count(db: Connection, row: Mapping[str, Any]) -> None:
    """Keep the count of a day, the last one of it."""
    upsert(db, face_counts, [row], ["day"])


def _watched(now: datetime) -> ColumnElement[bool]:
    return watch_list.c.confirmed_at.is_not(None) & watch_list.c.ended_at.is_(None) & (watch_list.c.valid_until > now)


def _same(table: Table, **wanted: str | None) -> list[ColumnElement[bool]]:
    return [table.c[name] == value for name, value in wanted.items() if value is not None]


def _all(table: Table, **wanted: str | None) -> ColumnElement[bool]:
    found: ColumnElement[bool] = true()
    for condition in _same(table, **wanted):
        found = condition & found
    return found


def _added(db: Connection, table: Table, row: Mapping[str, Any]) -> int:
    key = db.execute(insert(table).values(**row)).inserted_primary_key
    assert key is not None  # noqa: S101 - these tables number their rows
    return int(key[0])


def _page(db: Connection, table: Table, wanted: ColumnElement[bool], order: ColumnElement[Any], *, offset: int, size: int) -> Page:
    total = db.scalar(select(func.count()).select_from(table).where(wanted)) or 0
    return db.execute(select(table).where(wanted).order_by(order).limit(size).offset(offset)).mappings().all(), total
