"""AMT-03 刷卡即退: bills that are taken back within minutes, many on a day, or again and again for one person and item."""

import ibis
import ibis.expr.types as ir
from pydantic import Field

from central.engines.identifiers import missing, plain, word
from central.rules.base import DAY, IMPLEMENTING_RULES, MINUTE, Explanation, Hit, Limits, Rule, Severity, Tables, china_day
from central.rules.bills import gathered, span_en, span_zh, standing

_BILL = ("fixmedins_code", "setl_id")


class SettleAndRefundLimits(Limits):
    """How soon, how many, and what a correction looks like."""

    back_minutes: int = Field(
        default=10, ge=1, le=1440, description="Minutes from settlement to refund: nobody went home in between. A known case had ten."
    )
    day_count: int = Field(default=3, ge=2, le=1000, description="Such refunds of an institution on one day; one or two are slips.")
    day_percent: int = Field(
        default=1, ge=0, le=100, description="Percent of the day's settlements they must be besides: large hospitals slip more often."
    )
    loop_days: int = Field(
        default=60, ge=1, le=365, description="Days within which one person's loops are counted; a known case: two months."
    )
    loop_count: int = Field(default=3, ge=2, le=1000, description="Loops of one person with the same item within loop_days.")
    corrected_minutes: int = Field(
        default=30,
        ge=0,
        le=1440,
        description="A bill of the same person that stays, up to so many minutes after the refund, is a correction.",
    )


def find(tables: Tables, limits: SettleAndRefundLimits) -> ir.Table:
    """Days of an institution, and persons at an institution, with too many of them.

    A refund that the right bill followed is a correction and none of them.
    """
    quick = _quick(tables, limits)
    return _days(tables, quick, limits).union(_loops(tables, quick, limits))


def _quick(tables: Tables, limits: SettleAndRefundLimits) -> ir.Table:
    """Settlements taken back in full so soon, and by no correction; `fen` is what the fund and the account paid for a while."""
    bills = tables.settlements
    refunds = bills.filter(bills.is_refund, bills.init_setl_id.notnull())
    refunds = refunds.group_by("fixmedins_code", setl_id="init_setl_id").agg(back_at=refunds.setl_time.max())
    paid = bills.filter(bills.refunded, ~bills.is_refund).mutate(fen=bills.fund_pay_sumamt + bills.acct_pay)
    quick = paid.join(refunds, _BILL)
    quick = quick.filter(quick.back_at >= quick.setl_time, quick.back_at - quick.setl_time <= limits.back_minutes * MINUTE)
    quick = quick.select(*_BILL, "psn_no", "setl_time", "capture_id", "fen", "back_at")
    return _uncorrected(tables, quick, limits.corrected_minutes * MINUTE)


def _uncorrected(tables: Tables, quick: ir.Table, span: int) -> ir.Table:
    """Those without a bill of the same person at the same place that stays, between the settlement and some time after its refund."""
    right = standing(tables.settlements).semi_join(quick, ["fixmedins_code", "psn_no"]).select(*_BILL, "psn_no", "setl_time", right=True)
    told = quick.select(*_BILL, "psn_no", "setl_time", right=False).union(right)
    after = ibis.window(
        group_by=[told.fixmedins_code, told.psn_no], order_by=[told.setl_time, told.right, told.setl_id], preceding=0, following=None
    )
    told = told.mutate(right_at=told.right.ifelse(told.setl_time, None).min().over(after))
    both = quick.join(told.filter(~told.right).select(*_BILL, "right_at"), _BILL)
    return both.filter((both.right_at > both.back_at + span).fill_null(True)).drop("right_at", "back_at")


def _days(tables: Tables, quick: ir.Table, limits: SettleAndRefundLimits) -> ir.Table:
    quick = quick.mutate(day=china_day(quick.setl_time))
    days = gathered(quick, "fixmedins_code", "day")
    days = days.filter(days.bills >= limits.day_count)
    bills = tables.settlements
    all_bills = (
        bills.filter(~bills.is_refund).select("fixmedins_code", day=china_day(bills.setl_time)).semi_join(days, ["fixmedins_code", "day"])
    )
    of_day = all_bills.group_by("fixmedins_code", "day").agg(of=all_bills.count())
    days = days.join(of_day, ["fixmedins_code", "day"])
    days = days.filter(days.bills * 100 >= days.of * limits.day_percent)
    return _hits(days, "day-" + days.day.cast("string"), missing(quick.psn_no), missing(tables.details.med_list_codg))


def _loops(tables: Tables, quick: ir.Table, limits: SettleAndRefundLimits) -> ir.Table:
    """Persons with the same item in several of them; a settlement counts once for an item."""
    items = tables.details.filter(tables.details.med_list_codg.notnull()).select(*_BILL, "med_list_codg")
    lines = quick.join(items, _BILL).distinct()
    same = [lines.fixmedins_code, lines.psn_no, lines.med_list_codg]
    back = ibis.range_window(group_by=same, order_by=lines.setl_time, preceding=limits.loop_days * DAY, following=0)
    lines = lines.mutate(loops=lines.setl_id.count().over(back))
    ahead = ibis.range_window(
        group_by=[lines.fixmedins_code, lines.psn_no, lines.med_list_codg],
        order_by=lines.setl_time,
        preceding=0,
        following=limits.loop_days * DAY,
    )
    lines = lines.mutate(most=lines.loops.max().over(ahead)).filter(lambda t: t.most >= limits.loop_count)
    bills = lines.group_by(*_BILL, "psn_no", "setl_time", "capture_id", "fen").agg(item=lines.med_list_codg.min())
    persons = gathered(bills, "fixmedins_code", "psn_no", item=lambda t: t.item.min())
    persons = persons.mutate(of=persons.bills)
    return _hits(persons, "person-" + plain(persons.psn_no), persons.psn_no, persons.item)


def _hits(rows: ir.Table, rest: ir.StringValue, psn_no: ir.StringValue, item: ir.StringValue) -> ir.Table:
    return rows.select(
        subject_key=word(rows.fixmedins_code) + "/" + rest,
        fixmedins_code=rows.fixmedins_code,
        psn_no=psn_no,
        occurred_at=rows.occurred_at,
        sev_deg=ibis.literal(Severity.MED.value),
        amount_fen=rows.amount_fen,
        capture_ids=rows.capture_ids,
        setl_ids=rows.setl_ids,
        psn_nos=rows.psn_nos,
        first_at=rows.first_at,
        bills=rows.bills,
        of=rows.of,
        item=item,
    )


def explain(hit: Hit, limits: SettleAndRefundLimits) -> Explanation:
    """Of a day it says of how many settlements, of a person which item."""
    bills, of, item = hit.seen["bills"], hit.seen["of"], hit.seen["item"]
    left_zh = f"退费后{limits.corrected_minutes}分钟内同一参保人另有有效结算的视为更正，已剔除。"
    left_en = f"Refunds that another bill of the same person followed within {limits.corrected_minutes} minutes count as corrections."
    if item is None:
        return Explanation(
            zh=(
                f"{span_zh(hit)}，机构{hit.fixmedins_code}有{bills}笔结算在{limits.back_minutes}分钟内全额退费（当日共结算{of}笔）。标准：一日"
                f"{limits.day_count}笔及以上，且不少于当日结算的{limits.day_percent}%。{left_zh}"
            ),
            en=(
                f"{span_en(hit)}, {hit.fixmedins_code}: {bills} settlements were refunded in full within {limits.back_minutes} minutes "
                f"(of {of} on that day). Limits: {limits.day_count} on a day, and at least {limits.day_percent} % of them. {left_en}"
            ),
        )
    return Explanation(
        zh=(
            f"{span_zh(hit)}，参保人{hit.psn_no}在机构{hit.fixmedins_code}有{bills}笔含同一项目（{item}）的结算在{limits.back_minutes}分钟内全额"
            f"退费。标准：{limits.loop_days}日内同一参保人同一项目{limits.loop_count}次及以上。{left_zh}"
        ),
        en=(
            f"{span_en(hit)}, {hit.fixmedins_code}: {bills} settlements of insured person {hit.psn_no} with the same item ({item}) were "
            f"refunded in full within {limits.back_minutes} minutes. Limits: {limits.loop_count} times within {limits.loop_days} days for "
            f"one person and item. {left_en}"
        ),
    )


RULE = Rule(
    id="AMT-03",
    version=1,
    by="fixmedins_code",
    name_zh="刷卡即退",
    name_en="settle and refund",
    behaviour="刷卡即退",
    legal_basis=f"《医疗保障基金使用监督管理条例》第四十条；{IMPLEMENTING_RULES}",
    limits=SettleAndRefundLimits,
    find=find,
    explain=explain,
)
