"""Lines of bills and registers for tests of rules; times are given in China."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.central.analysis import SITE, Row

OTHER, THIRD = "P99999900002", "P99999900003"
_CHINA = timedelta(hours=8)


def china(day: int, hour: int = 12, minute: int = 0, second: int = 0) -> datetime:
    """A moment of January 2026 by China's clocks; the 14th is a Wednesday."""
    return datetime(2026, 1, 1, hour, minute, second, tzinfo=UTC) + timedelta(days=day - 1) - _CHINA


def line(number: int, **changes: Any) -> Row:
    """A line of settlement S-<number>: one pack of a drug for a week."""
    row = {"fixmedins_code": SITE, "setl_id": f"S-{number}", "feedetl_sn": "1", "med_list_codg": "XA1", "list_type": "101", "cnt": 1000}
    return row | {"det_item_fee_sumamt": 3850, "inscp_amt": 2000, "prd_days": 7} | changes


def item(**changes: Any) -> Row:
    """What is known of that drug."""
    return {"med_list_codg": "XA1", "ingredient": "amlodipine", "most_days": None, "per_session": False} | changes


def stay(**changes: Any) -> Row:
    """An inpatient from the 5th to the 12th."""
    row = {"fixmedins_code": SITE, "mdtrt_id": "V-1", "psn_no": "PSN-1", "ward": "W", "adm_bed": "1"}
    return row | {"admitted_at": china(5, 10), "discharged_at": china(12, 9), "dscg_way": "1"} | changes


def round_(day: int, hour: int, outcome: str, **changes: Any) -> Row:
    """A face round at that patient's bed."""
    row = {"fixmedins_code": SITE, "mdtrt_id": "V-1", "psn_no": "PSN-1", "place": "bed", "at": china(day, hour), "outcome": outcome}
    return row | changes


def sign_in(code: str, at: datetime, **changes: Any) -> Row:
    """A sign-in by face."""
    return {"fixmedins_code": SITE, "code": code, "signed_at": at, "left_at": None} | changes


def keys(suspicions: Any) -> list[str]:
    """The subjects of suspicions."""
    return [each.subject_key for each in suspicions]
