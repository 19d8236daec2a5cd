"""What a site's windows saw on one day: seen, blind and why, and the time in which nobody watched. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import RowMapping

from central.china import CHINA
from central.devices.model import Post
from central.errors import BadInput

Row = RowMapping | Mapping[str, Any]
HOUR = timedelta(hours=1)
NEARLY = 0.95
"""The share of an hour that counts as all of it: a start or a short outage is no hour lost."""


class Hour(StrEnum):
    """How a window fared in one hour of the clock."""

    SEEN = "seen"
    PARTLY = "partly"
    BLIND = "blind"
    UNWATCHED = "unwatched"
    NOT_DUE = "not_due"
    """Not over yet, or the device was not enrolled then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Faces that were counted before a camera; no numbers of different persons."""

    role: str
    entered: int
    stayed: int
    most_at_once: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowDay:
    """One window on one day, in seconds. `expected_s` is the time that is due: from enrolment on, whole hours that are over.

    A report of an earlier time counts too. `unwatched_s` is what of all this no report accounts for: the agent did not run, or has not
    told it yet.
    """

    device_id: str
    window: str
    expected_s: float
    seen_s: float
    blind_s: Mapping[str, float]
    unwatched_s: float
    hours: tuple[Hour, ...]
    people: People | None


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """A day in China, from its first moment to the first of the next. Raises BadInput for one before or long after our time."""
    if not 2000 <= day.year < 2100:
        raise BadInput(f"day {day}: no terminal has watched before 2000, and none is asked about 2100")
    start = datetime.combine(day, time(), CHINA)
    return start, start + timedelta(days=1)


def days(posts: Sequence[Post], rows: Iterable[Row], day: date, *, now: datetime) -> list[WindowDay]:
    """Each window of the site on this day, also one that reported nothing; those that were not enrolled on it are left out."""
    told: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        told.setdefault((row["device_id"], row["window"]), []).append(row)
    known = {(post.device_id, post.window): post for post in posts}
    start, end = day_bounds(day)
    found = []
    for place in sorted(told.keys() | known.keys()):
        post = known.get(place)
        reports = told.get(place, [])
        since = min([start if post is None else max(start, post.enrolled_at), *(row["since"] for row in reports)])
        until = end if post is None or post.revoked_at is None else min(end, post.revoked_at)
        if reports or since < min(until, now):
            found.append(_window_day(place, reports, start, since, min(until, _hour_of(now))))
    return found


def _window_day(place: tuple[str, str], rows: Sequence[Row], start: datetime, since: datetime, until: datetime) -> WindowDay:
    due = [row for row in rows if row["since"] < until]
    expected = max(0.0, (until - since).total_seconds())
    blind: dict[str, float] = {}
    for row in due:
        for each in row["blind"]:
            blind[each["cause"]] = blind.get(each["cause"], 0.0) + each["seconds"]
    seen = sum(row["seen_s"] for row in due)
    return WindowDay(
        device_id=place[0],
        window=place[1],
        expected_s=expected,
        seen_s=seen,
        blind_s=dict(sorted(blind.items(), key=lambda each: -each[1])),
        unwatched_s=max(0.0, expected - seen - sum(blind.values())),
        hours=tuple(_hour(due, start + number * HOUR, since, until) for number in range(24)),
        people=_people(rows),
    )


def _hour(rows: Sequence[Row], begin: datetime, since: datetime, until: datetime) -> Hour:
    expected = (min(begin + HOUR, until) - max(begin, since)).total_seconds()
    if expected <= 0:
        return Hour.NOT_DUE
    here = [row for row in rows if begin <= row["since"] < begin + HOUR]
    seen = sum(row["seen_s"] for row in here)
    blind = sum(each["seconds"] for row in here for each in row["blind"])
    if seen >= NEARLY * expected:
        return Hour.SEEN
    if seen > (1 - NEARLY) * expected:
        return Hour.PARTLY
    return Hour.BLIND if blind > (1 - NEARLY) * expected else Hour.UNWATCHED


def _people(rows: Sequence[Row]) -> People | None:
    counted = [row["people"] for row in rows if row["people"] is not None]
    if not counted:
        return None
    sums = {name: sum(each[name] for each in counted) for name in ("entered", "stayed")}
    return People(role=counted[-1]["role"], most_at_once=max(each["most_at_once"] for each in counted), **sums)


def _hour_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
