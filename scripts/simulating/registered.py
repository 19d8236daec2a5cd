"""What is registered of the persons of the background: proxies, filings, exemptions, and where payments by phone were ordered."""

import numpy as np
import pyarrow as pa

from central.inputs import FOREVER
from scripts.simulating import towns
from scripts.simulating.columns import Ints, person, table, text, where
from scripts.simulating.month import DAY, Month
from scripts.simulating.seen import RELATIVES_FROM
from scripts.simulating.timetable import Oddity
from scripts.simulating.visits import Visits, travels


def registered(seen: Visits) -> dict[str, pa.Table]:
    """The persons, some of them exempt, away from home with a filing, or dead by now; the proxies who came; where payers by phone were."""
    plan, month = seen.plan, seen.month
    people, first = np.unique(plan.person, return_index=True)
    region, away = towns.region(plan.town[first]), travels(people)
    proxy, mobile = (plan.oddity == Oddity.PROXY), (plan.oddity == Oddity.MOBILE)
    latitude, longitude = towns.place(plan.town[mobile], plan.site[mobile])
    unknown = plan.number[mobile] % 4 == 0
    near = seen.rng.uniform(-0.008, 0.008, (2, int(mobile.sum())))
    return {
        "persons": _persons(people, month),
        "exemptions": _spans("exemptions", people[people % 401 == 0], month),
        "filings": _spans("filings", people[away], month, region[away]),
        "proxies": table(
            "proxies",
            int(proxy.sum()),
            psn_no=seen.psn_no.filter(pa.array(proxy)),
            proxy_psn_no=person(RELATIVES_FROM + plan.person[proxy]),
            valid_from=month.start - (90 + plan.number[proxy] % 300) * DAY,
            valid_to=FOREVER,
        ),
        "places": table(
            "places",
            int(mobile.sum()),
            fixmedins_code=seen.site.filter(pa.array(mobile)),
            setl_id=seen.setl_id.filter(pa.array(mobile)),
            latitude=np.where(unknown, 0.0, np.round(latitude + near[0], 6)),
            longitude=np.where(unknown, 0.0, np.round(longitude + near[1], 6)),
        ),
    }


def _persons(who: Ints, month: Month) -> pa.Table:
    """One of a thousand died, or was suspended, after the month: registers are younger than claims."""
    died, suspended = month.end + who % 17 * DAY, month.end + 60 * DAY
    gone, barred = where(who % 997 == 0, died), where(who % 991 == 0, died * 0 + suspended)
    return table("persons", len(who), psn_no=person(who), death_date=gone, suspended_until=barred)


def _spans(name: str, who: Ints, month: Month, region: Ints | None = None) -> pa.Table:
    """Entries of a register that hold from before the month until after it."""
    area = {} if region is None else {"mdtrtarea_admvs": text(region)}
    return table(
        name, len(who), psn_no=person(who), **area, valid_from=month.start - 120 * DAY, valid_to=month.end + (who % 9 + 1) * 30 * DAY
    )
