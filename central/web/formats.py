"""How times, money and numbers of persons are written on a page."""

from datetime import datetime, timedelta
from decimal import Decimal

from central.china import CHINA, local_text

MISSING = "—"


def moment(value: datetime | None) -> str:
    """Date and time in Asia/Shanghai to the second, as the national interface writes it."""
    return MISSING if value is None else local_text(value)


def machine_moment(value: datetime) -> str:
    """The same for the `datetime` attribute."""
    return value.astimezone(CHINA).isoformat(timespec="seconds")


def last_day(value: datetime, back: int = 1) -> str:
    """The last day before an end, in China; with `back` 0 the day of the moment itself."""
    return (value - timedelta(seconds=back)).astimezone(CHINA).date().isoformat()


def yuan(value: Decimal | None) -> str:
    """Money in yuan with two decimals and thousands marks."""
    return MISSING if value is None else f"{value:,.2f}"


def count(value: int) -> str:
    """A whole number with thousands marks."""
    return f"{value:,}"


def score(value: float | None) -> str:
    """A similarity to three decimals."""
    return MISSING if value is None else f"{value:.3f}"


def masked(psn_no: str | None) -> str:
    """The first three and last four characters of a psn_no; of a short one only the first, so that half is always hidden."""
    if psn_no is None:
        return MISSING
    if len(psn_no) < 14:
        return psn_no[:1] + "*" * (len(psn_no) - 1)
    return psn_no[:3] + "*" * (len(psn_no) - 7) + psn_no[-4:]
