"""What was seen, as the comparison reads it: captures, coverage, and how far each terminal has told; with the SQL that reads it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    Text,
    and_,
    case,
    cast,
    false,
    func,
    select,
    true,
    tuple_,
    type_coerce,
)

from central.arrow import read_table
from central.captures import store
from central.captures.tables import bindings, captures, coverage, events, heads
from central.db import to_micros
from central.devices import service as devices
from central.hotlist import service as hotlist
from central.inputs import COVERAGE, FOREVER, REPORTS
from contract.events import Outcome

_COLUMNS = (
    *("capture_id", "device_id", "fixmedins_code", "window", "msgid", "psn_no", "opened_at", "closed_at", "closing", "outcome"),
    *("similarity", "liveness", "persons", "frames_seen", "frames_used", "setl_id", "bound_setl_time", "voided"),
    *("face_group", "face_band", "face_similarity", "staff_face", "watched_face", "camera_fault", "manual_reason", "proxy_psn_no"),
    *("clock_error_ms", "received_at"),
)
_BY_HANDS = frozenset({"covered", "moved", "defocused", "dark"})
"""Causes that a hand can make; every other (lost, hung, frozen, looped, overexposed) is of cables, cameras or the sun."""

_AT_ONCE = 400
_SECOND = 1_000_000


def captures_table(db: Connection, sessions: Collection[tuple[str, str]] | None) -> pa.Table:
    """Captures with `distrusted`; of these sessions, or all."""
    if sessions is None:
        return _with_doubts(db, read_table(db, _analysis(_COLUMNS)))
    wanted = list(sessions)
    parts = [read_table(db, _analysis(_COLUMNS, wanted[start : start + _AT_ONCE])) for start in range(0, len(wanted) or 1, _AT_ONCE)]
    return _with_doubts(db, pa.concat_tables(parts))


def coverage_table(db: Connection, sites: Collection[str] | None) -> pa.Table:
    """One row for each hour of a window. Where a device told of an hour twice, its last word counts."""
    told = {(row["device_id"], row["window"], row["since"]): row for row in _coverage_told(db, sites)}
    return pa.Table.from_pylist([_hour(row) for row in told.values()], COVERAGE)


def reports_table(db: Connection, sites: Collection[str] | None) -> pa.Table:
    """Terminals by institution. A revoked one has told all that it ever will."""
    known = devices.enrolled(db, sites)
    until = _told_until(db, None if sites is None else [each.device_id for each in known])
    rows = [
        {
            "fixmedins_code": each.fixmedins_code,
            "source": each.device_id,
            "since": to_micros(each.enrolled_at),
            "until": until.get(each.device_id) if each.revoked_at is None else FOREVER,
        }
        for each in known
    ]
    return pa.Table.from_pylist(rows, REPORTS)


def _with_doubts(db: Connection, table: pa.Table) -> pa.Table:
    doubted = pa.array(sorted(hotlist.doubted_captures(db)), pa.string())
    return table.append_column("distrusted", pc.is_in(table["capture_id"], value_set=doubted))


def _hour(row: Mapping[Any, Any]) -> dict[str, object]:
    people: Mapping[str, Any] = row["people"] or {}
    return {
        **{name: row[name] for name in ("device_id", "fixmedins_code", "window")},
        **{name: to_micros(row[name]) for name in ("since", "until")},
        "role": people.get("role", "window"),
        "seen_us": round(row["seen_s"] * _SECOND),
        "covered_us": _blind_us(row["blind"], by_hands=True),
        "failed_us": _blind_us(row["blind"], by_hands=False),
        "entered": people.get("entered"),
        "stayed": people.get("stayed"),
    }


def _blind_us(blind: Sequence[Mapping[str, Any]], *, by_hands: bool) -> int:
    return sum(round(each["seconds"] * _SECOND) for each in blind if (each["cause"] in _BY_HANDS) is by_hands)


def sessions_of(db: Connection, *, capture_ids: Collection[str] = (), bound: Collection[tuple[str, str]] = ()) -> set[tuple[str, str]]:
    """(fixmedins_code, msgid) of these captures, and of what was bound to these settlements (fixmedins_code, setl_id)."""
    seen = select(captures.c.fixmedins_code, captures.c.msgid).where(captures.c.capture_id.in_(list(capture_ids)))
    told = select(bindings.c.fixmedins_code, bindings.c.msgid).where(tuple_(bindings.c.fixmedins_code, bindings.c.setl_id).in_(list(bound)))
    queries = [query for query, wanted in ((seen, capture_ids), (told, bound)) if wanted]
    return {(row[0], row[1]) for query in queries for row in db.execute(query)}


def _told_until(db: Connection, devices: Collection[str] | None) -> dict[str, int]:
    """Up to which moment (microseconds) everything that a device wrote is here without a gap; one that told nothing is left out."""
    wanted = true() if devices is None else heads.c.device_id.in_(list(devices))
    newest = select(heads.c.device_id, func.max(heads.c.epoch).label("epoch")).where(wanted).group_by(heads.c.device_id).subquery()
    same = and_(newest.c.device_id == heads.c.device_id, newest.c.epoch == heads.c.epoch)
    last = and_(events.c.device_id == heads.c.device_id, events.c.epoch == heads.c.epoch, events.c.seq == heads.c.up_to)
    query = select(heads.c.device_id, type_coerce(events.c.at, BigInteger)).select_from(heads.join(newest, same).join(events, last))
    return {row[0]: row[1] for row in db.execute(query)}


def _coverage_told(db: Connection, sites: Collection[str] | None) -> Sequence[RowMapping]:
    """What windows told of their hours, of these institutions or of all: the newest word about each hour."""
    wanted = true() if sites is None else coverage.c.fixmedins_code.in_(list(sites))
    names = ("device_id", "fixmedins_code", "window", "since", "until", "seen_s", "blind", "people")
    query = select(*(coverage.c[name] for name in names)).where(wanted)
    return db.execute(query.order_by(coverage.c.epoch, coverage.c.seq, coverage.c.place)).mappings().all()


def _analysis(columns: Sequence[str], sessions: store.Sessions | None = None) -> Select[Any]:
    """These columns of every capture, or of those of these sessions. What a clerk stated after it was written counts as if it had been
    stated before."""
    every = store.joined(sessions).subquery("every")
    unjudged = every.c.outcome.in_([Outcome.UNDECIDED.value, Outcome.BLIND.value]) & every.c.opter.is_not(None)
    outcome = case((unjudged, Outcome.MANUAL_VERIFIED.value), else_=every.c.outcome).label("outcome")
    computed = {
        "outcome": outcome,
        "proxy_psn_no": every.c.manual_proxy.label("proxy_psn_no"),
        "staff_face": _says(every.c.reasons, '%"staff_face"%').label("staff_face"),
        "watched_face": _says(every.c.reasons, '%"watched_face"%').label("watched_face"),
        "camera_fault": _says(every.c.reasons, '%"camera_%').label("camera_fault"),
    }
    return select(*(computed[name] if name in computed else every.c[name] for name in columns))


def _says(reasons: ColumnElement[Any], pattern: str) -> ColumnElement[bool]:
    """Whether a code like this stands in a list of them, which both databases keep as JSON text."""
    return func.coalesce(cast(reasons, Text).like(pattern), false())
