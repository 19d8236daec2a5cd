"""What others may ask about captures."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256

import pyarrow as pa
from sqlalchemy import Connection

from central.captures import comparing, store
from central.captures.coverage import WindowDay, day_bounds, days
from central.captures.face_groups import Band
from central.captures.model import (
    CaptureView,
    ChainEnd,
    FootageView,
    IrregularityPage,
    IrregularityRow,
    MediaView,
    RejectionRow,
    SignedEvent,
)
from central.captures.verifying import KeptReport, verify_kept
from central.china import CHINA
from central.devices import service as devices
from central.errors import BadInput, NotFound
from central.evidence import service as evidence
from central.evidence.objects import EvidenceStore
from central.sites import service as sites
from central.transparency import service as transparency
from contract.events import Outcome

_LARGEST_PAGE = 500
_AMONG = 500


def analysis_table(db: Connection, sessions: Collection[tuple[str, str]] | None = None) -> pa.Table:
    """Every capture, or those of these sessions (fixmedins_code, msgid), with the newest binding and the face group, for linkage and rules.

    No vector and no picture is in it.
    """
    return comparing.captures_table(db, sessions)


def coverage_table(db: Connection, fixmedins_codes: Collection[str] | None = None) -> pa.Table:
    """How long windows saw, hour by hour, of these institutions or of all, as `inputs.COVERAGE`."""
    return comparing.coverage_table(db, fixmedins_codes)


def reports_table(db: Connection, fixmedins_codes: Collection[str] | None = None) -> pa.Table:
    """How far the terminals of these institutions, or of all, have told, as `inputs.REPORTS`."""
    return comparing.reports_table(db, fixmedins_codes)


def sessions_of(db: Connection, *, capture_ids: Collection[str] = (), bound: Collection[tuple[str, str]] = ()) -> set[tuple[str, str]]:
    """The sessions (fixmedins_code, msgid) of these captures, and of what was bound to these settlements (fixmedins_code, setl_id)."""
    return comparing.sessions_of(db, capture_ids=capture_ids, bound=bound)


def get(db: Connection, capture_id: str) -> CaptureView:
    """One capture with its pictures. Raises NotFound."""
    row = store.one(db, capture_id)
    if row is None:
        raise NotFound(f"capture {capture_id[:100]!r} is not here")
    names = [name for name in CaptureView.__dataclass_fields__ if name not in ("media", "reasons")]
    return CaptureView(
        **{name: row[name] for name in names},
        reasons=tuple(row["reasons"]),
        media=_media(db, capture_id),
    )


def counts(db: Connection, since: datetime) -> dict[str, int]:
    """Captures by outcome since then."""
    return {row["outcome"]: row["n"] for row in store.counts(db, since)}


def daily_outcomes(db: Connection, days: int, *, now: datetime) -> list[tuple[date, str, int]]:
    """(day in China, outcome, number) for the last days, oldest first."""
    since = (now.astimezone(CHINA) - timedelta(days=days - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
    found = Counter((row["opened_at"].astimezone(CHINA).date(), row["outcome"]) for row in store.outcome_times(db, since))
    return [(day, outcome, n) for (day, outcome), n in sorted(found.items())]


def ends(db: Connection) -> dict[str, ChainEnd]:
    """How far the newest chain of each device is here."""
    return {row["device_id"]: ChainEnd(**{name: row[name] for name in ("epoch", "up_to", "highest")}) for row in store.ends(db)}


def rejection_counts(db: Connection) -> list[RejectionRow]:
    """Refused messages by device, reason and day, newest first."""
    return [RejectionRow(**row) for row in store.rejection_rows(db)]


def irregularities(db: Connection, *, kind: str | None = None, page: int = 1, size: int = 50) -> IrregularityPage:
    """What was irregular, losses that devices told included, newest first: for an auditor. Raises BadInput for an impossible page."""
    if page < 1 or not 1 <= size <= _LARGEST_PAGE:
        raise BadInput(f"page {page} of size {size}: pages count from 1 and hold 1 to {_LARGEST_PAGE} rows")
    rows, total = store.irregularity_page(db, kind, offset=(page - 1) * size, size=size)
    return IrregularityPage(rows=tuple(IrregularityRow(**row) for row in rows), total=total, page=page, size=size)


def irregularity_kinds(db: Connection) -> list[str]:
    """Every kind that occurred, for a filter."""
    return store.irregularity_kinds(db)


def footage_of(db: Connection, device_id: str, request: str) -> FootageView | None:
    """What a device answered to a request for film; None if it has not."""
    row = store.footage_of(db, device_id, request)
    if row is None:
        return None
    names = [name for name in FootageView.__dataclass_fields__ if name != "media"]
    media = tuple(each for each in _media(db, row["shown_by"]) if each.media_id in row["media"])
    return FootageView(**{name: row[name] for name in names}, media=media)


def signed_events(db: Connection, capture_ids: Collection[str]) -> tuple[SignedEvent, ...]:
    """The signed events of these captures and every event that explains them, as they were sent, by device, epoch and number.

    Events of other settlements are not among them, though a `coverage` event tells of the device's other windows too.
    """
    keys = set[tuple[str, int, int]]()
    for capture_id in capture_ids:
        row = store.one(db, capture_id)
        if row is not None:
            device_id, epoch, seq = capture_id.rsplit(":", 2)
            keys |= {(device_id, int(epoch), int(seq)), *store.numbers_about(db, row)}
    names = SignedEvent.__dataclass_fields__
    return tuple(SignedEvent(**{name: row[name] for name in names}) for row in store.signed_events(db, sorted(keys)))


def seen_by_device(db: Connection, device_id: str, since: datetime, until: datetime) -> list[tuple[str, str | None]]:
    """(capture_id, psn_no) of all that a device saw in a span; film of a roll-call has no psn_no."""
    return store.seen_between(db, "device_id", device_id, since, until)


def seen_at_site(db: Connection, fixmedins_code: str, since: datetime, until: datetime) -> list[tuple[str, str | None]]:
    """The same for all devices of a site."""
    return store.seen_between(db, "fixmedins_code", fixmedins_code, since, until)


_NOT_THE_INSURED = frozenset({Outcome.DIFFERENT, Outcome.ATTACK, Outcome.PROXY, Outcome.NO_PERSON})
_SURE = (Band.FIRST.value, Band.SAME.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonCapture:
    """A capture with a person's card, as the person may be told of it. `shows` says whether the face there may be theirs."""

    capture_id: str
    fixmedins_code: str
    opened_at: datetime
    outcome: str
    shows: bool
    media: tuple[MediaView, ...]


def of_person(db: Connection, psn_no: str) -> tuple[PersonCapture, ...]:
    """Every capture with this person's card, the newest first."""
    return tuple(
        PersonCapture(
            **{name: row[name] for name in ("capture_id", "fixmedins_code", "opened_at", "outcome")},
            shows=row["outcome"] not in _NOT_THE_INSURED,
            media=_media(db, row["capture_id"]),
        )
        for row in store.of_person(db, psn_no)
    )


def showing(db: Connection, psn_no: str) -> tuple[str, ...]:
    """Captures that may show this person's face: with the own card where nobody else was seen, and wherever the same face was seen again.

    A face that was called another one with this person's card is not theirs to erase.
    """
    rows = store.of_person(db, psn_no)
    own = {row["capture_id"] for row in rows if row["outcome"] not in _NOT_THE_INSURED}
    groups = {row["face_group"] for row in rows if row["outcome"] == Outcome.SAME and row["band"] in _SURE}
    return tuple(sorted(own | set(store.in_groups(db, groups, _SURE) if groups else ())))


def erase_faces(
    db: Connection, files: EvidenceStore, capture_ids: Collection[str], *, why: str, actor: str, now: datetime
) -> list[dict[str, str]]:
    """Erase vector, signed bytes and pictures of these captures; what went, by hash. The rest stays: when, where, which outcome.

    The caller has made sure that nothing holds them. Ingest workers forget a vector when they next read theirs, within the hour.
    """
    gone: list[dict[str, str]] = []
    for capture_id in capture_ids:
        sealed = store.sealed_vector(db, capture_id)
        device_id, epoch, seq = capture_id.rsplit(":", 2)
        store.erase_face(db, capture_id, (device_id, int(epoch), int(seq)), now=now)
        transparency.forget(db, "event", f"{device_id}/{epoch}/{seq}")
        held = [row["media_id"] for row in evidence.of_capture(db, capture_id)]
        pictures = evidence.erase(db, files, held, why=why, actor=actor, now=now)
        gone += [] if sealed is None else [{"what": "capture_vector", "sha256": sha256(sealed).hexdigest()}]
        gone += [{"what": "capture_picture", "sha256": name} for name in pictures]
    return gone


def face_groups(db: Connection, capture_ids: Sequence[str]) -> dict[str, int]:
    """The face group of each of these captures that surely belongs to one."""
    found: dict[str, int] = {}
    for start in range(0, len(capture_ids), _AMONG):
        rows = store.face_groups(db, capture_ids[start : start + _AMONG], _SURE)
        found.update((row["capture_id"], row["face_group"]) for row in rows)
    return found


def erased_since(db: Connection, moment: datetime) -> bool:
    """Whether a vector was erased on request since then: whoever holds vectors in memory reads them again."""
    return store.erased_since(db, moment)


def count_strangers(db: Connection) -> int:
    """Different faces among captures that were never recognised as the insured person."""
    return store.count_strangers(db)


def coverage(db: Connection, fixmedins_code: str, day: date, *, now: datetime) -> list[WindowDay]:
    """How much each window of a site saw on a day in China. Raises NotFound for an unknown site, BadInput for an impossible day."""
    sites.require_site(db, fixmedins_code)
    rows = store.coverage_rows(db, fixmedins_code, *day_bounds(day))
    return days(devices.posts(db, fixmedins_code), rows, day, now=now)


def kept(db: Connection, device_id: str) -> KeptReport:
    """Check again everything that a device ever told; see `verifying`. Raises NotFound."""
    return verify_kept(db, device_id)


def _media(db: Connection, capture_id: str) -> tuple[MediaView, ...]:
    rows = evidence.of_capture(db, capture_id)
    return tuple(
        MediaView(media_id=row["media_id"], role=row["role"], stored=evidence.is_here(row), erased=row["erased_at"] is not None)
        for row in rows
    )
