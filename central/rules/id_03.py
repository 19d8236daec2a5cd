"""ID-03 实名核验缺失: on a day, too many settlements of an institution that windows watch were seen by none and verified by nobody."""

import ibis
import ibis.expr.types as ir
from pydantic import Field

from central.engines.identifiers import word
from central.linkage.model import SettlementCode
from central.rules.base import HOUR, IMPLEMENTING_RULES, Explanation, Hit, Limits, Rule, Severity, Tables, china_day
from central.rules.bills import at_counter, gathered, nobody, span_en, span_zh
from central.rules.excuses import without_exempt

_VERIFIED = [code.value for code in (SettlementCode.MATCHED, SettlementCode.LATE, SettlementCode.MANUAL, SettlementCode.PROXY)]
_UNSEEN = [
    code.value
    for code in (
        SettlementCode.CLAIM_WITHOUT_CAPTURE,
        SettlementCode.WRONG_SITE,
        SettlementCode.WRONG_PERSON,
        SettlementCode.OFF_TIME,
    )
]


class GapLimits(Limits):
    """Which share of a day's settlements may go unverified."""

    warn_percent: int = Field(default=10, ge=0, le=100, description="Percent of a site-day above which it is low; slips stay below.")
    alert_percent: int = Field(default=30, ge=0, le=100, description="Percent of a site-day above which it is med; no slip any more.")
    least_settlements: int = Field(
        default=3, ge=1, le=10_000, description="Unverified settlements of the day from which a share says anything; one or two are slips."
    )


def find(tables: Tables, limits: GapLimits) -> ir.Table:
    """One row per institution and day in China.

    Verified is what a window saw, or a clerk or proxy verified; who was seen does not matter here. Left out of the share altogether are
    blind windows (told as `blind`), devices that were not to be believed, institutions without terminals, terminals that have not told of
    that time yet, refunds, mobile and self-service payments, inpatient bills, and persons who do not use the face. This rule does not look
    at visits alone: what it looks for has none.
    """
    bills = at_counter(tables.settlements, tables.places)
    bills = bills.filter(~bills.inpatient).mutate(day=china_day(bills.setl_time), fen=bills.net_fund + bills.net_acct)
    unseen = bills.filter(bills.code.isin(_UNSEEN))
    unseen = without_exempt(unseen, tables.exemptions, at="setl_time").mutate(hour=lambda t: t.setl_time // HOUR)
    cameras = tables.coverage.filter(tables.coverage.role == "window")
    watched = cameras.select("fixmedins_code", hour=cameras.since // HOUR, watched=ibis.literal(True)).distinct()
    unseen = unseen.left_join(watched, ["fixmedins_code", "hour"])
    gaps = gathered(unseen, "fixmedins_code", "day", unwatched=lambda t: t.watched.isnull().sum())
    known = bills.filter(bills.code.isin([*_VERIFIED, SettlementCode.BLIND.value]))
    known = known.mutate(blind=known.code == SettlementCode.BLIND.value)
    known = known.group_by("fixmedins_code", "day").agg(blind=known.blind.sum(), verified=(~known.blind).sum())
    days = gaps.filter(gaps.bills >= limits.least_settlements).left_join(known, ["fixmedins_code", "day"])
    days = days.mutate(blind=days.blind.fill_null(0), verified=days.verified.fill_null(0)).drop("fixmedins_code_right", "day_right")
    share = days.bills * 100
    days = days.filter(share > limits.warn_percent * (days.bills + days.verified))
    return days.mutate(
        subject_key=word(days.fixmedins_code) + "/" + days.day.cast("string"),
        psn_no=ibis.null("string"),
        psn_nos=nobody(),
        sev_deg=(share > limits.alert_percent * (days.bills + days.verified)).ifelse(Severity.MED.value, Severity.LOW.value),
    ).drop("persons")


def explain(hit: Hit, limits: GapLimits) -> Explanation:
    """Tells what nobody watched from what was watched and not seen, and what was left out."""
    bills, verified, blind, unwatched = (hit.seen[name] for name in ("bills", "verified", "blind", "unwatched"))
    percent = f"{100 * bills / (bills + verified):.1f}"
    return Explanation(
        zh=(
            f"{span_zh(hit)}，机构{hit.fixmedins_code}有{bills}笔结算既没有可用的窗口画面，也没有人工或代办核验，"
            f"占当日应核验结算（{bills + verified}笔）的{percent}%；其中{unwatched}笔发生时终端没有值守记录。"
            f"标准：超过{limits.warn_percent}%为低，超过{limits.alert_percent}%为中，且不少于{limits.least_settlements}笔。"
            f"窗口不可见的{blind}笔以及退费、移动与自助支付、住院结算、尚待终端上传、设备不可信、不使用人脸人员的结算未计入。"
        ),
        en=(
            f"{span_en(hit)}, {hit.fixmedins_code}: {bills} settlements have neither a usable capture nor a check by hand or proxy, "
            f"{percent} % of the {bills + verified} that should have been verified that day; at {unwatched} of them no terminal said that "
            f"it was watching. Limits: above {limits.warn_percent} % low, above {limits.alert_percent} % med, from "
            f"{limits.least_settlements} settlements. Left out: {blind} at a blind window, refunds, mobile and self-service payments, "
            f"inpatient bills, what terminals have not told of yet, devices not to be believed, and persons who do not use the face."
        ),
    )


RULE = Rule(
    id="ID-03",
    version=1,
    by="fixmedins_code",
    name_zh="实名核验缺失",
    name_en="verification gap",
    behaviour="未按规定核验参保人员身份",
    legal_basis=f"《医疗保障基金使用监督管理条例》第十五条；{IMPLEMENTING_RULES}",
    limits=GapLimits,
    find=find,
    explain=explain,
)
