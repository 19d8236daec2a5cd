"""What others may ask about captures."""

from collections import Counter
from datetime import date, datetime, timedelta

import pyarrow as pa
from sqlalchemy import Connection

from central.arrow import read_table
from central.captures import store
from central.captures.model import CaptureView, ChainEnd, IrregularityRow, MediaView, RejectionRow
from central.china import CHINA
from central.errors import NotFound
from central.evidence import service as evidence

_ANALYSIS = (
    *("capture_id", "device_id", "fixmedins_code", "window", "msgid", "psn_no", "opened_at", "closed_at", "closing", "outcome"),
    *("similarity", "liveness", "persons", "frames_seen", "frames_used", "setl_id", "bound_setl_time", "voided"),
    *("face_group", "face_band", "face_similarity"),
)


def analysis_table(db: Connection) -> pa.Table:
    """Every capture with its newest binding and its face group, for linkage and rules. No vector and no picture is in it."""
    return read_table(db, store.analysis(_ANALYSIS))


def get(db: Connection, capture_id: str) -> CaptureView:
    """One capture with its pictures. Raises NotFound."""
    row = store.one(db, capture_id)
    if row is None:
        raise NotFound(f"capture {capture_id[:100]!r} is not here")
    media = evidence.of_capture(db, capture_id)
    names = [name for name in CaptureView.__dataclass_fields__ if name not in ("media", "reasons")]
    return CaptureView(
        **{name: row[name] for name in names},
        reasons=tuple(row["reasons"]),
        media=tuple(MediaView(media_id=one["media_id"], role=one["role"], stored=one["stored_at"] is not None) for one in media),
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


def irregularity_rows(db: Connection) -> list[IrregularityRow]:
    """What was irregular, losses that devices told included, newest first: for an auditor."""
    return [IrregularityRow(**row) for row in store.irregularity_rows(db)]
