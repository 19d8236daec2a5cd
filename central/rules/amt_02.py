"""AMT-02 连续快刷: cards of different persons, one after the other at one device, faster than people can pay."""

import ibis
import ibis.expr.types as ir
from pydantic import Field

from central.engines.identifiers import plain, word
from central.rules.base import IMPLEMENTING_RULES, Explanation, Hit, Limits, Rule, Severity, Tables, china_day
from central.rules.bills import at_counter, gathered, span_en, span_zh, standing
from central.rules.excuses import with_proxy
from contract.events import Outcome

_SECOND = 1_000_000
_BILL = ["fixmedins_code", "setl_id"]
_ROW = ("fixmedins_code", "setl_id", "psn_no", "setl_time", "capture_id", "device", "opter", "fen")
_PRESENT = [outcome.value for outcome in (Outcome.SAME, Outcome.MANUAL_VERIFIED, Outcome.PROXY)]


class RapidSeriesLimits(Limits):
    """How many cards how fast."""

    gap_s: int = Field(
        default=60,
        ge=5,
        le=600,
        description="Seconds between two settlements: reading a card, paying and printing rarely take less. To be set from own days.",
    )
    cards: int = Field(default=3, ge=2, le=1000, description="Cards of different persons in one series; two may be a couple.")


def find(tables: Tables, limits: RapidSeriesLimits) -> ir.Table:
    """Devices and days with such series.

    Who was recognised, verified by hand, or has a registered proxy breaks a series, for somebody stood there; so does a device that several
    windows or clerks share, as an export names one for a whole site. Bills by phone or self-service are none.
    """
    gap = limits.gap_s * _SECOND
    near = _near(tables, gap)
    device = [near.fixmedins_code, near.device]
    order = ibis.window(group_by=device, order_by=[near.setl_time, near.setl_id])
    apart = near.setl_time - near.setl_time.lag().over(order) >= gap
    broken = apart.fill_null(True) | ~near.counts | ~near.counts.lag().over(order).fill_null(False)
    near = near.mutate(broken=broken.cast("int64"))
    until_here = ibis.cumulative_window(group_by=[near.fixmedins_code, near.device], order_by=[near.setl_time, near.setl_id])
    rows = near.mutate(series=near.broken.sum().over(until_here)).filter(near.counts)
    series = rows.group_by("fixmedins_code", "device", "series").agg(
        cards=rows.psn_no.nunique(), windows=rows.window.nunique(), clerks=rows.opter.nunique()
    )
    rapid = series.filter(series.cards >= limits.cards, series.windows <= 1, series.clerks <= 1).drop("windows", "clerks")
    rows = rows.join(rapid, ["fixmedins_code", "device", "series"]).mutate(day=lambda t: china_day(t.setl_time))
    days = gathered(rows, "fixmedins_code", "device", "day", cards=lambda t: t.cards.max(), series=lambda t: t.series.nunique())
    return days.mutate(
        subject_key=word(days.fixmedins_code) + "/" + plain(days.device) + "-" + days.day.cast("string"),
        psn_no=ibis.null("string"),
        sev_deg=ibis.literal(Severity.MED.value),
    )


def _near(tables: Tables, gap: int) -> ir.Table:
    """Settlements at a device with another close by, and whether each `counts`: nobody is known to have stood there."""
    bills = at_counter(standing(tables.settlements), tables.places)
    bills = bills.mutate(device=ibis.coalesce(bills.dev_no, bills.opter), fen=bills.net_fund + bills.net_acct)
    bills = bills.filter(bills.device.notnull(), bills.device != "")
    order = ibis.window(group_by=[bills.fixmedins_code, bills.device], order_by=[bills.setl_time, bills.setl_id])
    apart = bills.select(  # only what is put in order, for hardly a bill is near another
        *_BILL, since=bills.setl_time - bills.setl_time.lag().over(order), until=bills.setl_time.lead().over(order) - bills.setl_time
    )
    near = bills.select(*_ROW).semi_join(apart.filter((apart.since < gap) | (apart.until < gap)), _BILL)
    seen = tables.captures.select("capture_id", "window", "outcome")
    near = near.left_join(seen, "capture_id").drop("capture_id_right")
    represented = with_proxy(tables.settlements, tables.proxies, at="setl_time").select(*_BILL, represented=True).distinct()
    both = near.left_join(represented, _BILL)  # looked up on its own, so that the bills are put in order once
    unknown = both.outcome.isnull() | both.outcome.notin(_PRESENT)
    return both.select(*[both[name] for name in near.columns], counts=unknown & both.represented.isnull())


def explain(hit: Hit, limits: RapidSeriesLimits) -> Explanation:
    """Names the device and the longest series of the day."""
    device, series, cards = hit.seen["device"], hit.seen["series"], hit.seen["cards"]
    return Explanation(
        zh=(
            f"{span_zh(hit)}，机构{hit.fixmedins_code}的设备（或经办人）{device}连续为不同参保人结算{series}组共{hit.seen['bills']}笔，最多一组"
            f"{cards}人，相邻两笔间隔均不足{limits.gap_s}秒。标准：间隔不足{limits.gap_s}秒且连续{limits.cards}人及以上。"
            f"已剔除退费、移动支付、自助终端、本人已识别或人工核验、已登记代办人的结算，以及多个窗口或多名经办人共用的设备号。"
        ),
        en=(
            f"{span_en(hit)}, device (or clerk) {device} of {hit.fixmedins_code}: {hit.seen['bills']} settlements of different persons in "
            f"{series} series, the longest of {cards} persons, each less than {limits.gap_s} seconds after the one before. Limits: "
            f"{limits.cards} persons in a row, less than {limits.gap_s} seconds apart. Left out: refunds, payments by phone or at a "
            f"self-service terminal, persons recognised or verified by hand, registered proxies, and device numbers that several windows "
            f"or clerks share."
        ),
    )


RULE = Rule(
    id="AMT-02",
    version=2,
    by="fixmedins_code",
    name_zh="连续快刷",
    name_en="rapid series",
    behaviour="连续快刷",
    legal_basis=f"《医疗保障基金使用监督管理条例》第四十条；{IMPLEMENTING_RULES}",
    limits=RapidSeriesLimits,
    find=find,
    explain=explain,
)
