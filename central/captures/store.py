"""All SQL about events, heads, captures, faces, bindings, film, coverage and refusals."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    Subquery,
    Table,
    and_,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    tuple_,
    update,
)

from central.captures.model import Head
from central.captures.tables import (
    bindings,
    captures,
    coverage,
    events,
    faces,
    footage,
    heads,
    irregularities,
    manual_checks,
    rejections,
    voids,
)
from central.db import insert_new, upsert
from contract.events import Outcome

_KEY = ["device_id", "epoch", "seq"]


def hashes_of(db: Connection, keys: Sequence[tuple[str, int, int]]) -> dict[tuple[str, int, int], str]:
    """The hash of each of these events that is here already."""
    if not keys:
        return {}
    condition = tuple_(events.c.device_id, events.c.epoch, events.c.seq).in_(list(keys))
    rows = db.execute(select(events.c.device_id, events.c.epoch, events.c.seq, events.c.sha256).where(condition))
    return {(row.device_id, row.epoch, row.seq): row.sha256 for row in rows}


def add_events(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store signed events; one that another worker stored meanwhile stays as it is."""
    insert_new(db, events, rows, _KEY)


def head(db: Connection, device_id: str, epoch: int) -> Head | None:
    """How far the chain is."""
    row = db.execute(select(heads).where(heads.c.device_id == device_id, heads.c.epoch == epoch)).mappings().first()
    return None if row is None else Head(**row)


def put_head(db: Connection, new: Head) -> None:
    """Insert or move a head."""
    row = {name: getattr(new, name) for name in ("device_id", "epoch", "up_to", "head")}
    upsert(db, heads, [row], ["device_id", "epoch"])


def numbers_after(db: Connection, device_id: str, epoch: int, seq: int, limit: int) -> Sequence[RowMapping]:
    """(seq, prev, sha256) of the next events that are here, in order."""
    condition = (events.c.device_id == device_id) & (events.c.epoch == epoch) & (events.c.seq > seq)
    return (
        db.execute(select(events.c.seq, events.c.prev, events.c.sha256).where(condition).order_by(events.c.seq).limit(limit))
        .mappings()
        .all()
    )


def add_irregularity(db: Connection, row: Mapping[str, Any]) -> None:
    """Keep bytes that are signed but wrong, once each."""
    insert_new(db, irregularities, [row], ["kind", "device_id", "sha256"])


def irregularity_page(db: Connection, kind: str | None, *, offset: int, size: int) -> tuple[Sequence[RowMapping], int]:
    """What was irregular, of one kind or all, newest first, and how much there is."""
    names = ("kind", "device_id", "epoch", "seq", "reason", "received_at")
    same = true() if kind is None else irregularities.c.kind == kind
    query = select(*(irregularities.c[name] for name in names)).where(same).order_by(irregularities.c.irregularity_id.desc())
    total = db.scalar(select(func.count()).select_from(irregularities).where(same)) or 0
    return db.execute(query.offset(offset).limit(size)).mappings().all(), total


def irregularity_kinds(db: Connection) -> list[str]:
    """Every kind that occurred."""
    return list(db.scalars(select(irregularities.c.kind).distinct().order_by(irregularities.c.kind)))


def irregular_messages(db: Connection, kind: str, device_id: str) -> Sequence[bytes]:
    """The kept bytes of a device's irregularities of one kind, oldest first."""
    same = (irregularities.c.kind == kind) & (irregularities.c.device_id == device_id)
    return db.scalars(select(irregularities.c.signed).where(same).order_by(irregularities.c.irregularity_id)).all()


def count_rejection(db: Connection, device_id: str, reason: str, *, now: datetime) -> None:
    """Count a refused message."""
    day = now.date().isoformat()
    same = (rejections.c.device_id == device_id) & (rejections.c.reason == reason) & (rejections.c.day == day)
    done = db.execute(update(rejections).where(same).values(count=rejections.c.count + 1, last_at=now))
    if done.rowcount == 0:
        db.execute(insert(rejections).values(device_id=device_id, reason=reason, day=day, count=1, last_at=now))


def rejection_rows(db: Connection) -> Sequence[RowMapping]:
    """Refused messages, newest first."""
    return db.execute(select(rejections).order_by(rejections.c.last_at.desc()).limit(200)).mappings().all()


def add_capture(db: Connection, row: Mapping[str, Any]) -> None:
    """Store what a capture event says."""
    insert_new(db, captures, [row], ["capture_id"])


def add_footage(db: Connection, row: Mapping[str, Any]) -> None:
    """Store what an event with film says."""
    insert_new(db, footage, [row], _KEY)


def footage_of(db: Connection, device_id: str, request: str) -> RowMapping | None:
    """The first film, or word of why there is none, that answers a request."""
    same = (footage.c.device_id == device_id) & (footage.c.request == request)
    return db.execute(select(footage).where(same).order_by(footage.c.epoch, footage.c.seq).limit(1)).mappings().first()


def add_coverage(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store what a device told of its watching."""
    insert_new(db, coverage, rows, [*_KEY, "place"])


def coverage_rows(db: Connection, fixmedins_code: str, since: datetime, until: datetime) -> Sequence[RowMapping]:
    """What a site's devices told of the time between, oldest first."""
    between = (coverage.c.fixmedins_code == fixmedins_code) & (coverage.c.since >= since) & (coverage.c.since < until)
    return db.execute(select(coverage).where(between).order_by(coverage.c.since)).mappings().all()


def capture_of(db: Connection, device_id: str, msgid: str) -> str | None:
    """The newest capture that this device sent of a session."""
    query = select(captures.c.capture_id).where(captures.c.device_id == device_id, captures.c.msgid == msgid)
    return db.scalar(query.order_by(captures.c.received_at.desc(), captures.c.capture_id.desc()).limit(1))


def add_binding(db: Connection, row: Mapping[str, Any]) -> None:
    """Store what a binding event says."""
    insert_new(db, bindings, [row], _KEY)


def add_manual_check(db: Connection, row: Mapping[str, Any]) -> None:
    """Store what a clerk stated."""
    insert_new(db, manual_checks, [row], _KEY)


def add_void(db: Connection, row: Mapping[str, Any]) -> None:
    """Store what a void event says."""
    insert_new(db, voids, [row], _KEY)


def add_face(db: Connection, row: Mapping[str, Any]) -> None:
    """Store a face with its group; the vector stays sealed."""
    insert_new(db, faces, [row], ["capture_id"])


def recent_faces(db: Connection, embedder: str, since: datetime) -> Sequence[RowMapping]:
    """Faces of one network with what is needed to open their seals."""
    return (
        db.execute(
            select(faces.c.sealed_vector, faces.c.face_group, faces.c.seen_at, captures.c.device_id, captures.c.msgid)
            .join(captures)
            .where(faces.c.embedder == embedder, faces.c.seen_at >= since)
            .order_by(faces.c.seen_at)
        )
        .mappings()
        .all()
    )


Sessions = Collection[tuple[str, str]]
"""fixmedins_code and msgid."""


def joined(sessions: Sessions | None = None) -> Select[Any]:
    """Captures with their newest binding, face, what a clerk stated, and whether they were voided; all, or those of these sessions."""
    newest, stated = _newest(bindings, sessions), _newest(manual_checks, sessions)
    voided = exists().where(
        voids.c.fixmedins_code == captures.c.fixmedins_code,
        or_(voids.c.msgid == captures.c.msgid, voids.c.setl_id == newest.c.setl_id),
    )
    return (
        select(
            captures,
            newest.c.setl_id,
            newest.c.setl_time.label("bound_setl_time"),
            stated.c.opter,
            stated.c.reason.label("manual_reason"),
            stated.c.proxy_psn_no.label("manual_proxy"),
            voided.label("voided"),
            faces.c.face_group,
            faces.c.band.label("face_band"),
            faces.c.similarity.label("face_similarity"),
        )
        .select_from(captures.outerjoin(newest, _of_capture(newest)).outerjoin(stated, _of_capture(stated)).outerjoin(faces))
        .where(_among(captures, sessions))
    )


def _among(table: Table, sessions: Sessions | None) -> ColumnElement[bool]:
    return true() if sessions is None else tuple_(table.c.fixmedins_code, table.c.msgid).in_(list(sessions))


def _newest(table: Table, sessions: Sessions | None) -> Subquery:
    """The rows of a table of events, those with rank 1 the newest of their msgid."""
    newest_first = (table.c.epoch.desc(), table.c.seq.desc())
    rank = func.row_number().over(partition_by=(table.c.fixmedins_code, table.c.msgid), order_by=newest_first)
    return select(table, rank.label("rank")).where(_among(table, sessions)).subquery(f"newest_{table.name}")


def _of_capture(newest: Subquery) -> ColumnElement[bool]:
    return and_(newest.c.fixmedins_code == captures.c.fixmedins_code, newest.c.msgid == captures.c.msgid, newest.c.rank == 1)


def one(db: Connection, capture_id: str) -> RowMapping | None:
    """One capture with binding and face, or None."""
    return db.execute(joined().where(captures.c.capture_id == capture_id)).mappings().first()


def counts(db: Connection, since: datetime) -> Sequence[RowMapping]:
    """How many captures ended in each outcome."""
    query = select(captures.c.outcome, func.count().label("n")).where(captures.c.opened_at >= since).group_by(captures.c.outcome)
    return db.execute(query).mappings().all()


def outcome_times(db: Connection, since: datetime) -> Sequence[RowMapping]:
    """(opened_at, outcome) of every capture since then."""
    return db.execute(select(captures.c.opened_at, captures.c.outcome).where(captures.c.opened_at >= since)).mappings().all()


def ends(db: Connection) -> Sequence[RowMapping]:
    """The newest head of each device with the highest number that is here, be there a gap below it or not."""
    newest = select(heads.c.device_id, func.max(heads.c.epoch).label("epoch")).group_by(heads.c.device_id).subquery()
    highest = select(func.max(events.c.seq)).where(events.c.device_id == heads.c.device_id, events.c.epoch == heads.c.epoch)
    same = and_(newest.c.device_id == heads.c.device_id, newest.c.epoch == heads.c.epoch)
    columns = (heads.c.device_id, heads.c.epoch, heads.c.up_to, func.coalesce(highest.scalar_subquery(), 0).label("highest"))
    return db.execute(select(*columns).join(newest, same)).mappings().all()


def newest_epoch(db: Connection, device_id: str) -> int:
    """The epoch of the newest events of a device; 1 if it has sent none."""
    return db.scalar(select(func.max(events.c.epoch)).where(events.c.device_id == device_id)) or 1


def numbers_about(db: Connection, capture: RowMapping) -> list[tuple[str, int, int]]:
    """(device_id, epoch, seq) of every other event that explains a capture, a row of `one`: bound, voided, checked by hand, filmed, and how
    much of its hour its window saw."""
    same_site, number = capture["fixmedins_code"], capture["msgid"]
    conditions: tuple[tuple[Table, ColumnElement[bool]], ...] = (
        (bindings, (bindings.c.fixmedins_code == same_site) & (bindings.c.msgid == number)),
        (manual_checks, (manual_checks.c.fixmedins_code == same_site) & (manual_checks.c.msgid == number)),
        (voids, (voids.c.fixmedins_code == same_site) & or_(voids.c.msgid == number, voids.c.setl_id == capture["setl_id"])),
        (footage, footage.c.shown_by == capture["capture_id"]),
        (coverage, _watched_then(capture)),
    )
    found = [tuple(row) for table, told in conditions for row in db.execute(select(*(table.c[name] for name in _KEY)).where(told))]
    return sorted({(str(device), int(epoch), int(seq)) for device, epoch, seq in found})


def _watched_then(capture: RowMapping) -> ColumnElement[bool]:
    here = (coverage.c.device_id == capture["device_id"]) & (coverage.c.window == capture["window"])
    return and_(here, coverage.c.since < capture["closed_at"], coverage.c.until > capture["opened_at"])


def signed_events(db: Connection, keys: Sequence[tuple[str, int, int]]) -> Sequence[RowMapping]:
    """These events as they were sent, by device, epoch and number."""
    condition = tuple_(events.c.device_id, events.c.epoch, events.c.seq).in_(list(keys))
    return db.execute(select(events).where(condition).order_by(*(events.c[name] for name in _KEY))).mappings().all()


def seen_between(db: Connection, column: str, subject: str, since: datetime, until: datetime) -> list[tuple[str, str | None]]:
    """(capture_id, psn_no) of what a device, or a site's devices, saw in a span; film that belongs to no capture has no psn_no."""
    seen = select(captures.c.capture_id, captures.c.psn_no).where(
        captures.c[column] == subject, captures.c.opened_at < until, captures.c.closed_at >= since
    )
    filmed = select(footage.c.shown_by, literal(None)).where(
        footage.c[column] == subject, footage.c.received_at < until, footage.c.received_at >= since
    )
    return [(row[0], row[1]) for row in db.execute(seen.union_all(filmed))]


def captures_since(db: Connection, since: datetime, device_id: str | None) -> Sequence[RowMapping]:
    """Captures that began since then, of one device or of all."""
    same = true() if device_id is None else captures.c.device_id == device_id
    names = ("capture_id", "device_id", "fixmedins_code", "opened_at", "software")
    query = select(*(captures.c[name] for name in names)).where(captures.c.opened_at >= since, same)
    return db.execute(query.order_by(captures.c.opened_at)).mappings().all()


def manual_checks_since(db: Connection, since: datetime, named: Mapping[str, str]) -> Sequence[RowMapping]:
    """Checks by hand since then with these values."""
    same = and_(manual_checks.c.at >= since, *(manual_checks.c[name] == value for name, value in named.items()))
    return db.execute(select(manual_checks).where(same).order_by(manual_checks.c.at)).mappings().all()


def of_person(db: Connection, psn_no: str) -> Sequence[RowMapping]:
    """Every capture with this person's card, the newest first, with the face group where there is one."""
    joined = captures.outerjoin(faces, faces.c.capture_id == captures.c.capture_id)
    query = select(captures, faces.c.face_group, faces.c.band).select_from(joined).where(captures.c.psn_no == psn_no)
    return db.execute(query.order_by(captures.c.opened_at.desc(), captures.c.capture_id)).mappings().all()


def in_groups(db: Connection, groups: Collection[int], bands: Collection[str]) -> list[str]:
    """Captures whose face belongs to one of these groups, as surely as these bands say."""
    wanted = faces.c.face_group.in_(list(groups)) & faces.c.band.in_(list(bands))
    return list(db.scalars(select(faces.c.capture_id).where(wanted).order_by(faces.c.capture_id)))


def sealed_vector(db: Connection, capture_id: str) -> bytes | None:
    """The sealed vector of a capture, or None."""
    found: bytes | None = db.scalar(select(faces.c.sealed_vector).where(faces.c.capture_id == capture_id))
    return found


def erase_face(db: Connection, capture_id: str, key: tuple[str, int, int], *, now: datetime) -> None:
    """Erase the vector of a capture, and the signed bytes that hold it too, here and where something was irregular about them; their hash
    stays, so the chain can still be followed.
    """
    db.execute(delete(faces).where(faces.c.capture_id == capture_id))
    device_id, epoch, seq = key
    one = (events.c.device_id == device_id) & (events.c.epoch == epoch) & (events.c.seq == seq)
    db.execute(update(events).where(one, events.c.erased_at.is_(None)).values(signed=b"", erased_at=now))
    remarked = (irregularities.c.device_id == device_id) & (irregularities.c.epoch == epoch) & (irregularities.c.seq == seq)
    db.execute(update(irregularities).where(remarked).values(signed=b""))


def count_strangers(db: Connection) -> int:
    """Different faces among captures that were never recognised as the insured person."""
    recognised = (
        select(faces.c.face_group).join(captures, captures.c.capture_id == faces.c.capture_id).where(captures.c.outcome == Outcome.SAME)
    )
    return db.scalar(select(func.count(faces.c.face_group.distinct())).where(faces.c.face_group.not_in(recognised))) or 0


def face_groups(db: Connection, capture_ids: Collection[str], bands: Collection[str]) -> Iterator[RowMapping]:
    """(capture_id, face_group) of these captures whose face was grouped within these bands."""
    wanted = faces.c.capture_id.in_(list(capture_ids)) & faces.c.band.in_(list(bands))
    yield from db.execute(select(faces.c.capture_id, faces.c.face_group).where(wanted)).mappings()


def erased_since(db: Connection, moment: datetime) -> bool:
    """Whether a vector was erased on request since then."""
    return db.scalar(select(exists().where(events.c.erased_at >= moment))) or False


def every_event(db: Connection, device_id: str) -> Iterator[RowMapping]:
    """Every event of a device in its order, read some at a time."""
    ordered = select(events).where(events.c.device_id == device_id).order_by(events.c.epoch, events.c.seq)
    yield from db.execution_options(yield_per=500).execute(ordered).mappings()
