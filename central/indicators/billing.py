"""What claims, details, sign-ins and findings show, counted by institution, doctor and day. Each function gives one table of counts."""

import ibis
import ibis.expr.types as ir

from central.indicators.presence import added, counted, settled
from central.rules.base import DAY, MINUTE, Tables, china_day, china_minute, china_weekday
from central.rules.model import IndicatorLimits
from central.rules.opening import open_spans

_HALF_DAY = DAY // 2
_DRUGS = "101"
_EMERGENCY = "13"


def small_bills(tables: Tables, limits: IndicatorLimits) -> ir.Table:
    """小额占比: of the settlements that stand, those of so little."""
    paid = settled(tables)
    small = (paid.medfee_sumamt > 0) & (paid.medfee_sumamt <= limits.small_bill_yuan * 100)
    return counted(paid, small_bills_n=small, small_bills_of=None)


def quick_refunds(tables: Tables, limits: IndicatorLimits) -> ir.Table:
    """退费率: of all settlements, those with a refund within minutes, in full or in part."""
    bills = tables.settlements
    back = bills.filter(bills.is_refund, bills.init_setl_id.notnull())
    back = back.group_by("fixmedins_code", setl_id=back.init_setl_id).agg(back_at=back.setl_time.min())
    paid = bills.filter(~bills.is_refund)
    paid = paid.mutate(day=china_day(paid.setl_time), dr=paid.dr_codg.fill_null(""))
    both = paid.left_join(back, ["fixmedins_code", "setl_id"])
    quick = (both.back_at >= both.setl_time) & (both.back_at <= both.setl_time + limits.quick_refund_minutes * MINUTE)
    return counted(both, quick_refunds_n=quick, quick_refunds_of=None)


def after_hours(tables: Tables, limits: IndicatorLimits) -> ir.Table:
    """非营业占比: of settlements of institutions that declared hours, those outside. Emergencies and 24 h shops do not count."""
    always = tables.sites.filter(tables.sites.always_open.fill_null(False))
    paid = settled(tables).semi_join(tables.hours, "fixmedins_code").anti_join(always, "fixmedins_code")
    paid = paid.filter(~paid.med_type.fill_null("").startswith(_EMERGENCY))
    paid = paid.mutate(weekday=china_weekday(paid.setl_time), minute=china_minute(paid.setl_time))
    spans = open_spans(tables.hours, limits.hours_slack_minutes)
    within = [
        paid.fixmedins_code == spans.fixmedins_code,
        paid.weekday == spans.weekday,
        paid.minute >= spans.since,
        paid.minute <= spans.until,
    ]
    return added("after_hours", n=(paid.anti_join(spans, within),), of=(paid,))


def doctor_sign_in(tables: Tables, _: IndicatorLimits) -> ir.Table:
    """医师签到匹配率: of the settlements with a doctor, since the first sign-in there, those in half-days that he signed in for."""
    signed = tables.sign_ins
    since = signed.group_by("fixmedins_code").agg(kept_since=signed.signed_at.min())
    until = ibis.ifelse(signed.left_at < signed.signed_at + DAY, signed.left_at, signed.signed_at).fill_null(signed.signed_at)
    halves = signed.select("fixmedins_code", dr=signed.code, half=_half(signed.signed_at)).union(
        signed.select("fixmedins_code", dr=signed.code, half=_half(until))
    )
    present = halves.distinct().mutate(present=1)
    paid = settled(tables).filter(lambda t: t.dr != "").join(since, "fixmedins_code")
    paid = paid.filter(paid.setl_time >= paid.kept_since).mutate(half=lambda t: _half(t.setl_time))
    both = paid.left_join(present, ["fixmedins_code", "dr", "half"])
    return counted(both, doctor_sign_in_n=both.present.notnull(), doctor_sign_in_of=None)


def _half(moment: ir.IntegerValue) -> ir.IntegerValue:
    """Half-days in China since 1970."""
    return (moment + 8 * 60 * MINUTE) // _HALF_DAY


def trace_codes(tables: Tables, _: IndicatorLimits) -> ir.Table:
    """追溯码上传率: of the lines of medicines (list_type 101) in settlements that stand, those with a trace code."""
    lines = tables.details.filter(tables.details.list_type == _DRUGS, tables.details.cnt > 0)
    lines = lines.select("fixmedins_code", "setl_id", "drug_trac_codg")
    both = settled(tables).select("fixmedins_code", "setl_id", "dr", "day").join(lines, ["fixmedins_code", "setl_id"])
    traced = both.drug_trac_codg.fill_null("") != ""
    return counted(both, trace_codes_n=traced, trace_codes_of=None)
