"""When who settles where in the background: every settlement has a number, from which its town, day, window, minute and person follow.

By construction nothing of the catalogue can happen: nobody settles more than twice a month or within a week, two settlements of an
institution lie minutes apart and in its hours, and on one day at one institution at most one goes otherwise than plainly (`Oddity`).
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from scripts.simulating.columns import Ints, Truths
from scripts.simulating.month import DAY, SECOND, Month
from scripts.simulating.towns import HOSPITAL, LATE_SHOP, SHOP, SITES, Towns, is_night

PER_TOWN = 1800
"""Settlements of a town's windows in a month, about."""
FEWEST_PER_TOWN = 1350
"""With fewer, one oddity would be more than a tenth of a pharmacy's day."""
_SHUFFLED = 40
_STREAM = 2
_SITE_OF_TURN = np.array([HOSPITAL, SHOP, HOSPITAL, LATE_SHOP])
_MORNING, _NOON_BREAK_ENDS = 8 * 60 + 5, 12 * 60 + 35


class Oddity(IntEnum):
    """What may happen once a day at an institution, with nobody to blame."""

    NONE = 0
    NO_CAPTURE = 1
    MOBILE = 2
    BLIND = 3
    UNDECIDED = 4
    MANUAL = 5
    PROXY = 6
    REFUND = 7
    PART_REFUND = 8
    DISTRUSTED = 9
    UNBOUND = 10
    CANNOT_JUDGE = 11
    CLOCK = 12


_SHARES = {
    Oddity.NONE: 0.25,
    Oddity.NO_CAPTURE: 0.12,
    Oddity.MOBILE: 0.08,
    Oddity.BLIND: 0.08,
    Oddity.UNDECIDED: 0.13,
    Oddity.MANUAL: 0.06,
    Oddity.PROXY: 0.10,
    Oddity.REFUND: 0.05,
    Oddity.PART_REFUND: 0.02,
    Oddity.DISTRUSTED: 0.01,
    Oddity.UNBOUND: 0.05,
    Oddity.CANNOT_JUDGE: 0.03,
    Oddity.CLOCK: 0.02,
}


@dataclass(frozen=True, slots=True)
class Timetable:
    """Settlements of some towns, one element of each array for each. `number` counts all of the month; `again` is 0 at a person's first
    visit, 1 at the second; `original` is the place (in these arrays) of what a refund takes back, -1 for the rest; `oddity` is told of the
    settlement, or of the refund's original.
    """

    number: Ints
    town: Ints
    day: Ints
    site: Ints
    window: Ints
    turn: Ints
    at: Ints
    person: Ints
    again: Ints
    oddity: Ints
    original: Ints
    morning: Truths


def share(total: int, parts: int, first: int, count: int) -> Ints:
    """How many of `total` fall to each of the parts `first` to `first + count`; all parts differ by at most one."""
    bounds = np.arange(first, first + count + 1, dtype=np.int64) * total // parts
    return np.diff(bounds)


def timetable(towns: Towns, sizes: Ints, month: Month, seed: int, first_number: int) -> Timetable:
    """The settlements of towns that have so many each."""
    rng = np.random.default_rng([seed, _STREAM, towns.first])
    town, visit = _numbered(sizes)
    size = sizes[town]
    day = visit * month.days // size
    place = visit - -(-day * size // month.days)
    of_day = -(-(day + 1) * size // month.days) - -(-day * size // month.days)
    site = _SITE_OF_TURN[place % 4]
    step = np.where(site == HOSPITAL, 2, 4)
    turn = place // step
    turns = (of_day - place % step + step - 1) // step
    minutes, morning = _minutes(site, is_night(towns.first + town, site), (turn + 0.1 + 0.5 * rng.random(len(turn))) / turns)
    person, again = _persons(town, visit, size, rng)
    oddity, original = _oddities(town * month.days + day, site, turn, turns, rng)
    taken_back = original >= 0
    person, again = np.where(taken_back, person[original], person), np.where(taken_back, again[original], again)
    return Timetable(
        number=first_number + np.arange(len(town), dtype=np.int64),
        town=towns.first + town,
        day=day,
        site=site,
        window=np.where(site == HOSPITAL, turn % 2, 0),
        turn=turn,
        at=month.start + day * DAY + (minutes * 60).astype(np.int64) * SECOND,
        person=person + (towns.first + town) * PER_TOWN * 4,
        again=again,
        oddity=oddity,
        original=original,
        morning=morning,
    )


def _numbered(sizes: Ints) -> tuple[Ints, Ints]:
    """(town, visit) of each settlement, both from 0."""
    town = np.repeat(np.arange(len(sizes), dtype=np.int64), sizes)
    begins = np.cumsum(sizes) - sizes
    return town, np.arange(len(town), dtype=np.int64) - begins[town]


def _minutes(site: Ints, night: Truths, part: np.ndarray) -> tuple[np.ndarray, Truths]:
    """The minute of the day at this part of the business day, whose lunch break is spared; and whether it is before noon."""
    ends = np.where(site == HOSPITAL, 17 * 60 + 20, np.where(night, 23 * 60 + 30, 20 * 60 + 40))
    before = 12 * 60 - 10 - _MORNING
    minutes = part * (before + ends - _NOON_BREAK_ENDS)
    morning = minutes < before
    return np.where(morning, _MORNING + minutes, _NOON_BREAK_ENDS + minutes - before), morning


def _persons(town: Ints, visit: Ints, size: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Everybody of the town comes at most twice: in the first half of the month and, half a month later and in another order, once more."""
    people = (size + 1) // 2
    again, place = visit // people, visit % people
    order = np.lexsort((rng.random(len(place)), place // _SHUFFLED, again, town))
    return place[order], again


def _oddities(day_of_town: Ints, site: Ints, turn: Ints, turns: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """What goes otherwise, at most once at each institution and day, and never in its first turn; its last turn is the refund, if any."""
    which = day_of_town * SITES + site
    pairs = int(which.max(initial=-1)) + 1
    kind = rng.choice(np.array(list(_SHARES)), pairs, p=list(_SHARES.values()))
    lucky = rng.random(pairs)
    chosen = 1 + (lucky[which] * (turns - 2)).astype(np.int64)
    here = (turn == chosen) & (turns > 2)
    oddity = np.where(here, kind[which], Oddity.NONE)
    originals = np.full(pairs, -1, np.int64)
    refunded = np.flatnonzero((oddity == Oddity.REFUND) | (oddity == Oddity.PART_REFUND))
    originals[which[refunded]] = refunded
    last = turn == turns - 1
    original = np.where(last, originals[which], -1)
    return np.where(original >= 0, oddity[original], oddity), original
