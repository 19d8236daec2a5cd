"""Hour by hour, what the cameras of the background saw: nearly everything, but for cables that fail and lenses that are wiped."""

import numpy as np
import pyarrow as pa

from scripts.simulating import towns
from scripts.simulating.columns import Ints, Truths, table, text
from scripts.simulating.month import HOUR, SECOND, Month
from scripts.simulating.timetable import Oddity, Timetable
from scripts.simulating.towns import CLOSES, OPENS, SHOP, WINDOWS, Towns

_STREAM = 5
_WIPED_US = 40 * SECOND
_FAILED_US = 12 * 60 * SECOND
_WIPED_SHARE = 0.004
_CAMERAS = (*WINDOWS, ("E1", SHOP))


def coverage(some: Towns, plan: Timetable, month: Month, seed: int) -> pa.Table:
    """Windows in business hours, and the entrance of one pharmacy of each town, which counts more visitors than it settles."""
    return pa.concat_tables([_camera(some, plan, window, site, month, seed) for window, site in _CAMERAS])


def _camera(some: Towns, plan: Timetable, window: str, site: int, month: Month, seed: int) -> pa.Table:
    door, channel = window[0] == "E", int(window[1])
    rng = np.random.default_rng([seed, _STREAM, some.first, site, channel, door])
    town, hour = (part.ravel() for part in np.indices((some.count, month.days * 24)))
    town, site_of = town + some.first, np.full(len(town), site)
    minute = hour % 24 * 60
    open_now = (minute >= OPENS[site]) & (minute < CLOSES[site]) | towns.is_night(town, site_of)
    town, hour, site_of = town[open_now], hour[open_now], site_of[open_now]
    rows, since = len(town), month.start + hour * HOUR
    failed = np.where(_faults(plan, site, channel, month, town, hour) & (not door), _FAILED_US, 0)
    wiped = np.where((rng.random(rows) < _WIPED_SHARE) & (failed == 0), _WIPED_US, 0)
    return table(
        "coverage",
        rows,
        device_id=text("t-", town, f"-{site}"),
        fixmedins_code=towns.site_code(town, site_of),
        window=window,
        role="entrance" if door else "window",
        since=since,
        until=since + HOUR,
        seen_us=HOUR - wiped - failed,
        covered_us=wiped,
        failed_us=failed,
        entered=rng.integers(6, 25, rows) if door else None,
        stayed=rng.integers(0, 4, rows) if door else None,
    )


def _faults(plan: Timetable, site: int, channel: int, month: Month, town: Ints, hour: Ints) -> Truths:
    """Whether in that hour of that town the window was blind by a fault."""
    blind = (plan.oddity == Oddity.BLIND) & (plan.site == site) & (plan.window + 1 == channel)
    hours = month.days * 24
    return np.isin(town * hours + hour, plan.town[blind] * hours + (plan.at[blind] - month.start) // HOUR)
