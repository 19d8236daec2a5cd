"""TIM-01 非营业时间结算: settled at a counter that had been closed for longer than clocks and last customers explain."""

import ibis
import ibis.expr.types as ir
from pydantic import Field

from central.engines.identifiers import word
from central.rules.base import (
    IMPLEMENTING_RULES,
    Explanation,
    Hit,
    Limits,
    Rule,
    Severity,
    Tables,
    china_day,
    china_minute,
    china_weekday,
)
from central.rules.bills import at_counter, emergency, gathered, span_en, span_zh, standing
from central.rules.excuses import looked_at
from central.rules.opening import open_spans
from contract.events import Outcome


class AfterHoursLimits(Limits):
    """How far beside the declared hours."""

    slack_minutes: int = Field(
        default=15, ge=0, le=240, description="Minutes before opening and after closing: the last customer pays while the lights go out."
    )


def find(tables: Tables, limits: AfterHoursLimits) -> ir.Table:
    """Institutions and days with settlements outside the declared hours.

    Nothing is said of an institution that declared none, or to be always open, nor of emergencies, bills of stays, payments by phone and
    self-service. A weekday without hours is a closed day where others have some.
    """
    bills = at_counter(standing(tables.settlements), tables.places).filter(lambda t: ~emergency(t), lambda t: ~t.inpatient)
    open_always = tables.sites.filter(tables.sites.always_open.fill_null(False))
    bills = bills.semi_join(tables.hours, "fixmedins_code").anti_join(open_always, "fixmedins_code")
    bills = bills.mutate(weekday=china_weekday(bills.setl_time), minute=china_minute(bills.setl_time), day=china_day(bills.setl_time))
    spans = open_spans(tables.hours, limits.slack_minutes)
    same_day = [bills.fixmedins_code == spans.fixmedins_code, bills.weekday == spans.weekday]
    late = bills.anti_join(spans, [*same_day, bills.minute >= spans.since, bills.minute <= spans.until])
    late = late.mutate(fen=late.net_fund + late.net_acct)
    empty = looked_at(tables).filter(lambda t: t.outcome == Outcome.NO_PERSON.value).select("fixmedins_code", "setl_id", nobody_there=True)
    late = late.left_join(empty, ["fixmedins_code", "setl_id"])
    days = gathered(late, "fixmedins_code", "day", nobody=lambda t: t.nobody_there.fill_null(False).sum())
    return days.mutate(
        subject_key=word(days.fixmedins_code) + "/" + days.day.cast("string"),
        psn_no=ibis.null("string"),
        sev_deg=(days.nobody > 0).ifelse(Severity.HIGH.value, Severity.MED.value),
    )


def explain(hit: Hit, limits: AfterHoursLimits) -> Explanation:
    """Says when, and how many of them the window saw nobody at."""
    bills, nobody = hit.seen["bills"], hit.seen["nobody"]
    nobody_zh = f"，其中{nobody}笔的窗口画面中未见任何人" if nobody else ""
    nobody_en = f"; at {nobody} of them the window saw nobody" if nobody else ""
    return Explanation(
        zh=(
            f"{span_zh(hit)}，机构{hit.fixmedins_code}在申报的营业时间以外（前后各放宽{limits.slack_minutes}分钟）结算{bills}笔{nobody_zh}。"
            f"已剔除急诊、住院、移动支付、自助终端结算，以及已申报24小时营业或未申报营业时间的机构。"
        ),
        en=(
            f"{span_en(hit)}, {hit.fixmedins_code}: {bills} settlements outside the declared hours (by more than {limits.slack_minutes} "
            f"minutes){nobody_en}. Left out: emergencies, bills of stays, payments by phone or at a self-service terminal, and "
            f"institutions that are always open or declared no hours."
        ),
    )


RULE = Rule(
    id="TIM-01",
    version=1,
    by="fixmedins_code",
    name_zh="非营业时间结算",
    name_en="after hours",
    behaviour="非营业时间结算",
    legal_basis=f"《医疗保障基金使用监督管理条例》第四十条；{IMPLEMENTING_RULES}",
    limits=AfterHoursLimits,
    find=find,
    explain=explain,
)
