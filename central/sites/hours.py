"""Opening hours as people write them, read strictly and written one way. Pure.

mon-fri 08:00-12:00 13:30-17:30; sat 08:00-12:00
"""

import re
from itertools import pairwise

from central.errors import BadInput

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")

Span = tuple[int, int]
"""Minutes of a day, from and until; until is at most 1440."""


def read(text: str) -> dict[str, tuple[Span, ...]]:
    """Spans by day, rising; days that are not named are closed, and an empty text says nothing. Raises BadInput with what is wrong."""
    found: dict[str, tuple[Span, ...]] = {}
    for part in (part.split() for part in text.lower().split(";") if part.strip()):
        days = _days(part[0], text)
        spans = tuple(_span(each, text) for each in part[1:])
        if not spans or list(spans) != sorted(spans) or any(one[1] > two[0] for one, two in pairwise(spans)):
            raise _wrong(text, f"{' '.join(part)!r} needs spans of time that rise and do not overlap")
        if again := [day for day in days if day in found]:
            raise _wrong(text, f"{again[0]} stands there twice")
        found |= dict.fromkeys(days, spans)
    return found


def canonical(text: str) -> str:
    """The same hours written the same way: days in order, equal neighbours joined. Raises BadInput."""
    found, parts = read(text), list[str]()
    for start, day in enumerate(DAYS):
        if day not in found or (start and found.get(DAYS[start - 1]) == found[day]):
            continue
        end = start
        while end + 1 < len(DAYS) and found.get(DAYS[end + 1]) == found[day]:
            end += 1
        days = day if end == start else f"{day}-{DAYS[end]}"
        parts.append(" ".join([days, *(f"{_clock(begins)}-{_clock(ends)}" for begins, ends in found[day])]))
    return "; ".join(parts)


def _days(text: str, whole: str) -> tuple[str, ...]:
    first, _, last = text.partition("-")
    last = last or first
    if first not in DAYS or last not in DAYS or DAYS.index(first) > DAYS.index(last):
        raise _wrong(whole, f"{text!r} is no day and no rising range of {', '.join(DAYS)}")
    return DAYS[DAYS.index(first) : DAYS.index(last) + 1]


def _span(text: str, whole: str) -> Span:
    match = _SPAN.fullmatch(text)
    if match is None:
        raise _wrong(whole, f"{text!r} is no span of time")
    hours = [int(part) for part in match.groups()]
    begins, ends = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    if not begins < ends <= 24 * 60:
        raise _wrong(whole, f"{text!r} does not rise; a night is written as two spans, on two days")
    return begins, ends


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _wrong(whole: str, why: str) -> BadInput:
    return BadInput(f"opening hours {whole[:80]!r}: {why}; write for example: mon-fri 08:00-12:00 13:30-17:30; sat 08:00-12:00")
