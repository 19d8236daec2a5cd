"""STF-02 员工自刷异常: a pharmacy's own staff settle there for themselves more often than people need."""

import ibis
import ibis.expr.types as ir
from pydantic import Field

from central.engines.identifiers import plain, word
from central.rules.base import DAY, IMPLEMENTING_RULES, Explanation, Hit, Limits, Rule, Severity, Tables, china_day
from central.rules.bills import gathered, span_en, span_zh, standing
from central.rules.spans import crowded

_CHRONIC = "14"


class OwnClaimsLimits(Limits):
    """How often staff may settle at their own pharmacy."""

    window_days: int = Field(default=30, ge=1, le=180, description="Days within which own settlements are counted: about a month.")
    most_settlements: int = Field(
        default=4, ge=1, le=1000, description="Own settlements within window_days, one a week; to be set from the site's own history."
    )
    newest_settlements: int = Field(
        default=1000, ge=10, le=10_000, description="Settlements of one person that are looked at, newest first."
    )


def find(tables: Tables, limits: OwnClaimsLimits) -> ir.Table:
    """One row per person and pharmacy. Days count once, for a purchase is often split into bills.

    Hospitals are left out, for their staff are patients there by right; so are prescriptions for chronic diseases (14), which come in
    series, refunds, and who had left or not yet begun.
    """
    bills, staff = standing(tables.settlements), tables.staff
    bills = bills.filter(~bills.med_type.startswith(_CHRONIC).fill_null(False))
    staff = staff.select(site="fixmedins_code", own="psn_no", since="valid_from", until="valid_to")
    own = bills.semi_join(
        staff,
        [
            bills.fixmedins_code == staff.site,
            bills.psn_no == staff.own,
            bills.setl_time >= staff.since,
            bills.setl_time < staff.until,
        ],
    )
    own = own.select(
        *("fixmedins_code", "psn_no", "setl_id", "setl_time", "capture_id"),
        fen=own.net_fund + own.net_acct,
        row_id=own.setl_id,
        day=china_day(own.setl_time),
        needed=ibis.literal(limits.most_settlements + 1, "int64"),
    )
    many = crowded(own, "psn_no", "fixmedins_code", thing="day", us=limits.window_days * DAY, newest=limits.newest_settlements)
    found = gathered(many, "psn_no", "fixmedins_code", days=lambda t: t.day.nunique())
    found = found.filter(word(found.fixmedins_code).startswith("P"))
    return found.mutate(subject_key=plain(found.psn_no) + "/" + word(found.fixmedins_code), sev_deg=ibis.literal(Severity.LOW.value)).drop(
        "persons"
    )


def explain(hit: Hit, limits: OwnClaimsLimits) -> Explanation:
    """Says that staff may buy where they work."""
    days, bills = hit.seen["days"], hit.seen["bills"]
    return Explanation(
        zh=(
            f"{span_zh(hit)}，药店{hit.fixmedins_code}的工作人员{hit.psn_no}以本人凭证在本店结算{bills}笔，分布在{days}天。"
            f"标准：{limits.window_days}日内超过{limits.most_settlements}天。在本店购药本身合法；已剔除退费、门诊慢特病和不在岗期间的结算。"
        ),
        en=(
            f"{span_en(hit)}: {hit.psn_no}, on the staff of pharmacy {hit.fixmedins_code}, settled there {bills} times with the own card, "
            f"on {days} days. Limit: more than {limits.most_settlements} days within {limits.window_days}. Staff may buy where they work; "
            f"refunds, prescriptions for chronic diseases and times before and after the employment are left out."
        ),
    )


RULE = Rule(
    id="STF-02",
    version=1,
    by="psn_no",
    name_zh="员工自刷异常",
    name_en="staff own claims",
    behaviour="员工在本店频繁结算",
    legal_basis=f"《医疗保障基金使用监督管理条例》第四十一条；{IMPLEMENTING_RULES}",
    limits=OwnClaimsLimits,
    find=find,
    explain=explain,
)
