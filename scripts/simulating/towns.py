"""Towns of the background: each a hospital and two pharmacies, their staff and hours. All of it is arithmetic on the town's number."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from central.inputs import CLAIMS, FOREVER
from scripts.simulating.columns import Ints, Reals, Truths, padded, person, table, text, where
from scripts.simulating.month import DAY, HOUR, MINUTE, Month

COUNTIES = 40
HOSPITAL, SHOP, LATE_SHOP = 0, 1, 2
SITES = 3
DOCTORS = 4
NIGHT_EVERY = 3
OPENS = (8 * 60, 8 * 60, 8 * 60)
CLOSES = (18 * 60, 21 * 60, 21 * 60)
WINDOWS = (("W1", HOSPITAL), ("W2", HOSPITAL), ("W3", HOSPITAL), ("W1", SHOP), ("W1", LATE_SHOP))
"""Windows of a town; W3 is where stays are settled."""

_STAFF_FROM = 3 << 36
_CLERKS = 4
_STREAM = 1


@dataclass(frozen=True, slots=True)
class Towns:
    """The towns numbered from `first` to `first + count`."""

    first: int
    count: int

    @property
    def numbers(self) -> Ints:
        """Their numbers."""
        return np.arange(self.first, self.first + self.count, dtype=np.int64)


def region(town: Ints) -> Ints:
    """The admdvs of a town."""
    county = town % COUNTIES
    return 330_101 + county % 10 * 100 + county // 10


def site_code(town: Ints, site: Ints) -> pa.Array:
    """fixmedins_code."""
    kind = pa.array(["H", "P", "P"]).take(pa.array(site))
    return text(kind, region(town), padded(town // COUNTIES * SITES + site + 1, 5))


def place(town: Ints, site: Ints) -> tuple[Reals, Reals]:
    """Latitude and longitude: towns on a grid of twenty kilometres, a town's institutions within one."""
    return (2_700_000 + town % 100 * 18_000 + site * 300) / 100_000, (10_400_000 + town // 100 % 80 * 20_000 + site * 200) / 100_000


def is_night(town: Ints, site: Ints) -> Truths:
    """Pharmacies that are open all night; half of them say so by their hours, half are registered as always open."""
    night: Truths = (site == LATE_SHOP) & (town % NIGHT_EVERY == 0)
    return night


def doctor_code(town: Ints, site: Ints, who: Ints) -> pa.Array:
    """The national code of a doctor of a hospital, or of the pharmacist of a pharmacy."""
    return text(pa.array(["D", "Y", "Y"]).take(pa.array(site)), region(town), padded(town // COUNTIES * 12 + site * DOCTORS + who, 5))


def registers(towns: Towns, month: Month, seed: int) -> dict[str, pa.Table]:
    """Sites, hours, reports, staff and sign-ins of towns."""
    rng = np.random.default_rng([seed, _STREAM, towns.first])
    return {
        "sites": _sites(towns, month),
        "hours": _hours(towns),
        "reports": _reports(towns, month),
        "staff": _staff(towns, month),
        "sign_ins": _sign_ins(towns, month, rng),
    }


def _sites(towns: Towns, month: Month) -> pa.Table:
    town, site = np.repeat(towns.numbers, SITES), np.tile(np.arange(SITES), towns.count)
    latitude, longitude = place(town, site)
    return table(
        "sites",
        len(town),
        fixmedins_code=site_code(town, site),
        kind=pa.array(["H", "P", "P"]).take(pa.array(site)),
        level=pa.array(["2", "1", None]).take(pa.array((town + site) % 3)),
        admdvs=text(region(town)),
        latitude=latitude,
        longitude=longitude,
        watched_from=month.start - 60 * DAY,
        always_open=is_night(town, site) & (town % (2 * NIGHT_EVERY) == 0),
    )


def _reports(towns: Towns, month: Month) -> pa.Table:
    """Every terminal, and the claims of every institution, have told of all of the month."""
    town, site = np.repeat(towns.numbers, SITES), np.tile(np.arange(SITES), towns.count)
    code, rows = site_code(town, site), len(town)
    watching = {"since": month.start - 60 * DAY, "until": month.end}
    terminals = table("reports", rows, fixmedins_code=code, source=text("t-", town, "-", site), **watching)
    return pa.concat_tables([terminals, table("reports", rows, fixmedins_code=code, source=CLAIMS, since=month.start, until=month.end)])


def _hours(towns: Towns) -> pa.Table:
    town = np.repeat(towns.numbers, SITES * 7)
    site, weekday = np.tile(np.repeat(np.arange(SITES), 7), towns.count), np.tile(np.arange(1, 8), towns.count * SITES)
    night = is_night(town, site)
    declared = ~(night & (town % (2 * NIGHT_EVERY) == 0))
    hours = table(
        "hours",
        len(town),
        fixmedins_code=site_code(town, site),
        weekday=weekday,
        opens=np.where(night, 0, np.array(OPENS)[site]),
        closes=np.where(night, 24 * 60, np.array(CLOSES)[site]),
    )
    return hours.filter(pa.array(declared))


def _staff(towns: Towns, month: Month) -> pa.Table:
    """Four doctors of the hospital, a pharmacist in each pharmacy, and clerks without a code; some towns do not say who they are."""
    site = np.array([HOSPITAL] * DOCTORS + [SHOP, LATE_SHOP] + [HOSPITAL, HOSPITAL, SHOP, LATE_SHOP])
    who = np.array([*range(DOCTORS), 0, 0, *range(_CLERKS)])
    role = ["doctor"] * DOCTORS + ["pharmacist"] * 2 + ["clerk"] * _CLERKS
    each = len(site)
    town, site, who = np.repeat(towns.numbers, each), np.tile(site, towns.count), np.tile(who, towns.count)
    coded = np.tile(np.arange(each) < DOCTORS + 2, towns.count)
    return table(
        "staff",
        len(town),
        fixmedins_code=site_code(town, site),
        psn_no=where(town % 7 != 6, person(_STAFF_FROM + town * each + np.tile(np.arange(each), towns.count))),
        role=pa.array(role * towns.count),
        code=where(coded, doctor_code(town, site, who)),
        valid_from=month.start - 400 * DAY,
        valid_to=FOREVER,
    )


def _sign_ins(towns: Towns, month: Month, rng: np.random.Generator) -> pa.Table:
    """Everybody with a code signs in before both halves of every day; some towns do not say when they left."""
    site, who = np.array([HOSPITAL] * DOCTORS + [SHOP, LATE_SHOP]), np.array([*range(DOCTORS), 0, 0])
    shape = (towns.count, len(site), month.days, 2)
    rows = int(np.prod(shape))
    town, person_of, day, half = (part.ravel() for part in np.indices(shape))
    signed = np.where(half == 0, 7 * HOUR + 30 * MINUTE, 12 * HOUR + 5 * MINUTE) + rng.integers(0, 24 * 60, rows) * (MINUTE // 60)
    left = np.where(half == 0, 12 * HOUR, np.array(CLOSES)[site[person_of]] * MINUTE + 5 * MINUTE)
    begins = month.start + day * DAY
    return table(
        "sign_ins",
        rows,
        fixmedins_code=site_code(towns.first + town, site[person_of]),
        code=doctor_code(towns.first + town, site[person_of], who[person_of]),
        signed_at=begins + signed,
        left_at=where((towns.first + town) % 5 != 4, begins + left),
    )
