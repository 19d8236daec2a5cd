"""Days as people write them, in the time of China: a first day counts from its beginning, a last one to its end."""

from datetime import date, datetime, timedelta

from central.china import CHINA
from central.errors import BadInput

LAST_YEAR = 2099


def local_day(day: date) -> datetime:
    """The beginning of a day. Raises BadInput for one that cannot be meant."""
    if not 1900 <= day.year <= LAST_YEAR:
        raise BadInput(f"{day.isoformat()} does not lie between the years 1900 and {LAST_YEAR}")
    return datetime(day.year, day.month, day.day, tzinfo=CHINA)


def after_day(day: date) -> datetime:
    """The end of a day, which is the beginning of the next."""
    return local_day(day) + timedelta(days=1)


def read_day(text: str) -> datetime:
    """The beginning of a day written as 2026-01-31. Raises BadInput."""
    try:
        return local_day(date.fromisoformat(text.strip()))
    except ValueError:
        raise BadInput(f"{text[:40]!r} is not a date like 2026-01-31") from None
