"""Whole, valid messages of the contract with every field changeable by keyword."""

from datetime import UTC, datetime, timedelta
from typing import Any

from contract.events import (
    GENESIS,
    Binding,
    Capture,
    Closing,
    EvidenceMode,
    Footage,
    FrameCounts,
    Liveness,
    Loss,
    ManualCheck,
    ManualReason,
    Outcome,
    Software,
    Thinning,
    Void,
)
from contract.receipts import Receipt
from contract.state import Birth, Death, Health

DEVICE = "P99999900001-t1"
SITE = "P99999900001"
EPOCH = 1_767_312_000
AT = datetime(2026, 1, 2, 1, 30, 21, tzinfo=UTC)
MSGID = "P99999900001202601020930210001"
SOFTWARE = Software(
    agent="0.1.0",
    detector="centerface-09189deaaf86",
    embedder="mobilefacenet-d8ba40c0127f",
    limits_sha256="a" * 64,
    settings_sha256="b" * 64,
)
_PLACE: dict[str, Any] = {"device": DEVICE, "epoch": EPOCH, "seq": 1, "prev": GENESIS, "at": AT, "mono_ns": 1, "clock_offset_ms": None}


def capture(**changes: Any) -> Capture:
    """A genuine capture without media."""
    fields: dict[str, Any] = {
        "fixmedins_code": SITE,
        "window": "W1",
        "msgid": MSGID,
        "infno": "2102",
        "psn_no": "PSN-1",
        "mdtrt_cert_type": "03",
        "opened_at": AT - timedelta(seconds=10),
        "closed_at": AT,
        "closing": Closing.BOUND,
        "outcome": Outcome.SAME,
        "reasons": (),
        "similarity": 0.9,
        "liveness": Liveness.NOT_EVALUATED,
        "persons": 1,
        "frames": FrameCounts(seen=30, with_subject=25, used=10),
        "evidence_mode": EvidenceMode.ALL,
        "embedding": None,
        "media": (),
        "software": SOFTWARE,
    }
    return Capture(**(_PLACE | fields | changes))


def binding(**changes: Any) -> Binding:
    """The national reply to that capture."""
    fields: dict[str, Any] = {"msgid": MSGID, "setl_id": "S-1", "mdtrt_id": "M-1", "setl_time": AT, "medfee_sumamt": "38.50"}
    return Binding(**(_PLACE | fields | {"auth_no": None, "out_biz_no": None} | changes))


def manual_check(**changes: Any) -> ManualCheck:
    """A clerk's word for that capture."""
    fields: dict[str, Any] = {"msgid": MSGID, "opter": "C7", "reason": ManualReason.NOT_ENROLLED, "proxy_psn_no": None}
    return ManualCheck(**(_PLACE | fields | changes))


def void(**changes: Any) -> Void:
    """That settlement reversed."""
    return Void(**(_PLACE | {"setl_id": "S-1", "msgid": MSGID} | changes))


def thinning(**changes: Any) -> Thinning:
    """Two pictures given up."""
    return Thinning(**(_PLACE | {"media": ("c" * 64, "d" * 64), "why": "disk_full"} | changes))


def loss(**changes: Any) -> Loss:
    """The word that one number of the epoch is lost."""
    return Loss(**(_PLACE | {"of_epoch": EPOCH, "last_seq": 1, "lost": ((1, 1),), "why": "store_damaged"} | changes))


def footage(**changes: Any) -> Footage:
    """The word that a flagged settlement has no film."""
    fields: dict[str, Any] = {"request": None, "window": "W1", "msgid": MSGID, "since": None, "until": None, "persons": None}
    return Footage(**(_PLACE | fields | {"blurred": False, "media": (), "missing": "film_not_kept"} | changes))


def birth(**changes: Any) -> Birth:
    """The first message of a connection."""
    fields: dict[str, Any] = {"device": DEVICE, "connection": 1, "at": AT, "epoch": EPOCH, "last_seq": 0, "software": SOFTWARE}
    return Birth(**(fields | {"liveness_available": False, "gallery_version": 0, "windows": ("W1",)} | changes))


def health(**changes: Any) -> Health:
    """A regular report."""
    fields: dict[str, Any] = {"device": DEVICE, "connection": 1, "at": AT, "epoch": EPOCH, "last_seq": 0, "backlog": 0}
    return Health(**(fields | {"gallery_version": 0, "cameras": (), "problems": ()} | changes))


def death(**changes: Any) -> Death:
    """The will of a connection."""
    return Death(**({"device": DEVICE, "epoch": EPOCH, "connection": 1, "at": AT} | changes))


def receipt(**changes: Any) -> Receipt:
    """A receipt for four events."""
    fields: dict[str, Any] = {"device": DEVICE, "epoch": EPOCH, "up_to": 4, "head": "c" * 64, "gaps": (), "media_done": (), "at": AT}
    return Receipt(**(fields | changes))
