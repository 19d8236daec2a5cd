"""AMT-04 结算量与客流不符: more insured persons settled than people came in."""

import ibis
import ibis.expr.types as ir
from pydantic import Field

from central.engines.identifiers import word
from central.rules.base import HOUR, IMPLEMENTING_RULES, Explanation, Hit, Limits, Rule, Severity, Tables, china_day
from central.rules.bills import at_counter, gathered, standing
from contract.events import Outcome

_DAY = ("fixmedins_code", "day")
_ENTRANCE = "entrance"
_MISSED_DAYS = 30


class VisitorsLimits(Limits):
    """How many more, how often, and how well the entrance must have been counted."""

    percent: int = Field(
        default=150, ge=100, le=10_000, description="Persons settled for a hundred who came in: one errand for a neighbour each."
    )
    days: int = Field(default=3, ge=1, le=365, description="Days over percent within window_days that make a finding.")
    window_days: int = Field(default=30, ge=1, le=365, description="Days before and after a day within which others count.")
    one_day_percent: int = Field(
        default=300,
        ge=100,
        le=100_000,
        description="Persons settled for a hundred who came in, for which one day is enough; a case had 650.",
    )
    least_persons: int = Field(
        default=10, ge=1, le=10_000, description="Persons settled on a day below which nothing is said: a family of four is no crowd."
    )
    seen_percent: int = Field(
        default=95, ge=1, le=100, description="Percent of each hour that every entrance camera must have seen while people settled."
    )


def find(tables: Tables, limits: VisitorsLimits) -> ir.Table:
    """Days of institutions with too many. Persons are counted, not bills: one visitor may settle several times.

    Stays, payments by phone and refunds are left out. Of a day whose entrances were not all counted nothing is said. Where windows
    recognised more persons than came in, the counter erred, and those recognised are the least who came.
    """
    days = _settled(tables)
    days = days.join(_counted(tables.coverage, days, limits), _DAY)
    days = days.filter(days.persons >= limits.least_persons)
    own = tables.visits.filter(tables.visits.outcome == Outcome.SAME.value).semi_join(days, "fixmedins_code")
    own = own.group_by("fixmedins_code", day=china_day(own.setl_time)).agg(recognised=own.psn_no.nunique())
    days = days.left_join(own, _DAY)
    days = days.select(*_DAY, "persons", "settled", "entered", recognised=days.recognised.fill_null(0))
    days = days.mutate(came=ibis.greatest(days.entered, days.recognised))
    many = days.filter(days.persons * 100 > days.came * limits.percent)
    around = ibis.range_window(group_by=many.fixmedins_code, order_by=many.day, preceding=limits.window_days, following=limits.window_days)
    many = many.mutate(days=many.persons.count().over(around))
    found = many.filter((many.days >= limits.days) | (many.persons * 100 > many.came * limits.one_day_percent))
    return _found(tables, found.select(*_DAY, "persons", "settled", "came", "days"))


def _bills(tables: Tables) -> ir.Table:
    """Bills of people who came in on that day: at institutions with a counted entrance."""
    entrances = tables.coverage.filter(tables.coverage.role == _ENTRANCE).select("fixmedins_code").distinct()
    bills = standing(tables.settlements).semi_join(entrances, "fixmedins_code")
    bills = at_counter(bills, tables.places).filter(lambda t: ~t.inpatient)
    return bills.mutate(day=china_day(bills.setl_time))


def _settled(tables: Tables) -> ir.Table:
    bills = _bills(tables)
    hour = bills.setl_time // HOUR
    return bills.group_by(*_DAY).agg(persons=bills.psn_no.nunique(), settled=bills.count(), first_hour=hour.min(), last_hour=hour.max())


def _counted(coverage: ir.Table, settled: ir.Table, limits: VisitorsLimits) -> ir.Table:
    """(fixmedins_code, day, entered) of days on which every entrance was counted in every hour from the first settlement to the last.

    A camera is expected from its first day until a month after its last word: one that died is missed, one that was taken away is not.
    """
    cameras = coverage.filter(coverage.role == _ENTRANCE)
    cameras = cameras.mutate(hour=cameras.since // HOUR, day=china_day(cameras.since))
    lives = cameras.group_by("fixmedins_code", "device_id").agg(born=cameras.day.min(), died=cameras.day.max() + _MISSED_DAYS)
    expected = cameras.select(*_DAY).distinct().join(lives, "fixmedins_code")
    expected = (
        expected.filter(expected.day >= expected.born, expected.day <= expected.died).group_by(*_DAY).agg(cameras=lambda t: t.count())
    )
    saw = cameras.seen_us * 100 >= (cameras.until - cameras.since) * limits.seen_percent
    working = cameras.filter(saw, cameras.entered.notnull()).group_by(*_DAY, "hour").agg(working=lambda t: t.device_id.nunique())
    full = working.join(expected, _DAY).filter(lambda t: t.working >= t.cameras)
    full = full.join(settled, _DAY).filter(lambda t: (t.hour >= t.first_hour) & (t.hour <= t.last_hour))
    full = full.group_by(*_DAY, "first_hour", "last_hour").agg(hours=full.count())
    full = full.filter(full.hours == full.last_hour - full.first_hour + 1)
    entered = cameras.group_by(*_DAY).agg(entered=cameras.entered.sum().cast("int64"))
    return full.select(*_DAY).join(entered, _DAY)


def _found(tables: Tables, days: ir.Table) -> ir.Table:
    """Findings with the bills of persons whom no window recognised: those who did come are not named."""
    bills = _bills(tables).join(days, _DAY)
    own = tables.visits.filter(tables.visits.outcome == Outcome.SAME.value)
    bills = bills.anti_join(own, ["fixmedins_code", "setl_id"])
    bills = bills.mutate(fen=bills.net_fund + bills.net_acct, settled_persons=bills.persons).drop("persons")
    keys = (*_DAY, "settled_persons", "settled", "came", "days")
    found = gathered(bills, *keys).drop("psn_nos", "persons")
    return found.mutate(
        subject_key=word(found.fixmedins_code) + "/" + found.day.cast("string"),
        psn_no=ibis.null("string"),
        psn_nos=ibis.null("array<string>"),
        sev_deg=ibis.literal(Severity.HIGH.value),
    )


def explain(hit: Hit, limits: VisitorsLimits) -> Explanation:
    """Names both counts of the day, and how many such days there were."""
    persons, came, days = hit.seen["settled_persons"], hit.seen["came"], hit.seen["days"]
    return Explanation(
        zh=(
            f"{hit.local_time[:10]}，机构{hit.fixmedins_code}为{persons}名参保人结算{hit.seen['settled']}笔，而入口摄像头当日仅见{came}人进入；前后"
            f"{limits.window_days}日内此类日期共{days}日。标准：结算人数超过进入人数的{limits.percent}%达{limits.days}日，或单日超过"
            f"{limits.one_day_percent}%。按人计而不按笔计；住院、移动支付、退费不计；入口未全程可见（不足{limits.seen_percent}%）的日期不比对；"
            f"窗口已识别本人的结算未列入。"
        ),
        en=(
            f"{hit.local_time[:10]}, {hit.fixmedins_code}: {hit.seen['settled']} settlements of {persons} insured persons, while the "
            f"entrance cameras saw {came} people come in; {days} such days within {limits.window_days} days before and after. Limits: "
            f"more than {limits.percent} % of those who came in on {limits.days} days, or more than {limits.one_day_percent} % on one. "
            f"Persons are counted, not bills; stays, payments by phone and refunds are left out; days on which an entrance was seen for "
            f"less than {limits.seen_percent} % are not compared; settlements of recognised persons are not listed."
        ),
    )


RULE = Rule(
    id="AMT-04",
    version=1,
    by="fixmedins_code",
    name_zh="结算量与客流不符",
    name_en="bills and visitors",
    behaviour="结算量与客流不符",
    legal_basis=f"《医疗保障基金使用监督管理条例》第四十条；{IMPLEMENTING_RULES}",
    limits=VisitorsLimits,
    find=find,
    explain=explain,
)
