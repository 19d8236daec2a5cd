"""The month that is made up: its days, and moments in it. No clock is read anywhere here."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime

from central.china import CHINA
from central.errors import BadInput

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
AHEAD = 8 * HOUR
"""China's time less UTC, in microseconds."""


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month in China. `start` is its beginning in microseconds UTC, `weekday` the first day's (1 is Monday)."""

    year: int
    number: int
    start: int
    days: int
    weekday: int

    @property
    def end(self) -> int:
        """The beginning of the next month."""
        return self.start + self.days * DAY

    def at(self, day: int, minute: float) -> int:
        """A moment: days and minutes of the day, both counted from 0; whole seconds."""
        return self.start + day * DAY + round(minute * 60) * SECOND

    def date(self, day: int) -> str:
        """A day as yyyy-MM-dd."""
        return f"{self.year:04}-{self.number:02}-{day + 1:02}"


def read_month(text: str) -> Month:
    """`yyyy-MM` as a month. Raises BadInput."""
    if not re.fullmatch(r"20[0-9]{2}-(0[1-9]|1[0-2])", text):
        raise BadInput(f"month {text!r} is not one of this century like 2026-06")
    year, number = int(text[:4]), int(text[5:])
    first, days = monthrange(year, number)
    start = int(datetime(year, number, 1, tzinfo=CHINA).timestamp()) * SECOND
    return Month(year=year, number=number, start=start, days=days, weekday=first + 1)
