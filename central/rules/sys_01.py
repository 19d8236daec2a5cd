"""SYS-01 设备规避: while a hand kept the window's camera from seeing, settlements went on."""

from typing import Any

import ibis
import ibis.expr.types as ir
from pydantic import Field

from central.engines.identifiers import word
from central.linkage.model import CaptureCode
from central.rules.base import (
    HOUR,
    IMPLEMENTING_RULES,
    MINUTE,
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
from central.rules.bills import gathered, nobody, span_en, span_zh
from central.rules.opening import open_spans

_PLACE = ("fixmedins_code", "device_id", "window", "day")
_HOUR = ("fixmedins_code", "device_id", "window", "hour")


class EvasionLimits(Limits):
    """How long a camera may be covered, and what may pass meanwhile."""

    least_seconds: int = Field(
        default=60, ge=1, le=3600, description="Seconds covered from which an hour counts; a customer's back takes less."
    )
    settlements: int = Field(
        default=3,
        ge=1,
        le=1000,
        description="Unseen settlements at the window on one day that are enough by themselves. To be set from a site.",
    )
    business_minutes: int = Field(
        default=30,
        ge=1,
        le=1440,
        description="Minutes covered within declared business hours of a day that make one unseen settlement enough.",
    )


def find(tables: Tables, limits: EvasionLimits) -> ir.Table:
    """One row per window and day in China.

    Only the agent's own log counts: covered, moved, defocused and dark, as a hand does it. An hour in which the camera was lost, hung or
    frozen for longer than that is excused, and so is what nobody watched: a line, a power cut or a restart shows there. A settlement counts
    if its own capture says that the window was blind, and no clerk verified the person by hand; so this rule looks at blind captures, which
    are no visits. Institutions that declared no hours are measured by settlements alone.
    """
    covered = _covered(tables, limits)
    captures = tables.captures
    blind = captures.filter(captures.code == CaptureCode.BLIND.value, ~captures.distrusted.fill_null(False))
    blind = blind.select(
        *("fixmedins_code", "device_id", "window", "capture_id"),
        setl_id=blind.linked_setl_id,
        hour=blind.closed_at // HOUR,
        day=china_day(blind.closed_at),
    )
    passed = blind.semi_join(covered, _HOUR)
    bills = tables.settlements
    bills = bills.select("fixmedins_code", "setl_id", "psn_no", "setl_time", fen=bills.net_fund + bills.net_acct)
    days = gathered(passed.join(bills, ["fixmedins_code", "setl_id"]), *_PLACE)
    totals = covered.group_by(*_PLACE).agg(
        covered_minutes=covered.covered_us.sum() // MINUTE,
        failed_minutes=covered.failed_us.sum() // MINUTE,
        business_us=covered.covered_us.sum(where=covered.open_then).fill_null(0),
    )
    found = days.join(totals, list(_PLACE))
    found = found.filter((found.bills >= limits.settlements) | (found.business_us > limits.business_minutes * MINUTE))
    rest = [found.device_id, found.window, found.day.cast("string")]
    return found.mutate(
        subject_key=word(found.fixmedins_code) + "/" + rest[0] + ":" + rest[1] + ":" + rest[2],
        psn_no=ibis.null("string"),
        psn_nos=nobody(),
        sev_deg=ibis.literal(Severity.MED.value),
        business_minutes=found.business_us // MINUTE,
    ).drop("business_us", "persons")


def _covered(tables: Tables, limits: EvasionLimits) -> ir.Table:
    """Hours in which a hand kept a window's camera from seeing, rather than a fault; `open_then` if all of it was within business hours."""
    cameras = tables.coverage.filter(tables.coverage.role == "window").mutate(hour=tables.coverage.since // HOUR)
    cameras = cameras.semi_join(cameras.filter(cameras.covered_us > 0), _HOUR)  # few hours, so this goes before the sums
    hours = cameras.group_by(*_HOUR).agg(
        since=cameras.since.min(),
        until=cameras.until.max(),
        covered_us=cameras.covered_us.fill_null(0).sum(),
        failed_us=cameras.failed_us.fill_null(0).sum(),
    )
    by_hand = hours.filter(hours.covered_us >= limits.least_seconds * 1_000_000, hours.covered_us > hours.failed_us)
    by_hand = by_hand.mutate(
        day=china_day(by_hand.since),
        begins=china_minute(by_hand.since),
        ends=china_minute(by_hand.since) + (by_hand.until - by_hand.since) // MINUTE,
    )
    return by_hand.mutate(weekday=china_weekday(by_hand.since)).pipe(_with_hours, tables)


def _with_hours(by_hand: ir.Table, tables: Tables) -> Any:
    declared = tables.hours.filter(tables.hours.opens.notnull(), tables.hours.closes.notnull())
    hours = open_spans(declared).rename(site="fixmedins_code", on="weekday", opens="since", closes="until")
    inside = by_hand.semi_join(
        hours,
        [
            by_hand.fixmedins_code == hours.site,
            by_hand.weekday == hours.on,
            by_hand.begins >= hours.opens,
            by_hand.ends <= hours.closes,
        ],
    )
    always = tables.sites.filter(tables.sites.always_open.fill_null(False)).select("fixmedins_code")
    by_day = inside.select("device_id", "window", "since").union(
        by_hand.semi_join(always, "fixmedins_code").select("device_id", "window", "since"), distinct=True
    )
    opened = by_day.mutate(open_then=ibis.literal(True))
    both = by_hand.left_join(opened, ["device_id", "window", "since"])
    return both.select(*[both[name] for name in by_hand.columns], open_then=both.open_then.fill_null(False))


def explain(hit: Hit, limits: EvasionLimits) -> Explanation:
    """Tells covered from failed, with minutes of each."""
    seen = hit.seen
    window, bills, minutes, failed, business = (
        seen[name] for name in ("window", "bills", "covered_minutes", "failed_minutes", "business_minutes")
    )
    return Explanation(
        zh=(
            f"{span_zh(hit)}，机构{hit.fixmedins_code}的{window}窗口（设备{seen['device_id']}）：设备自身日志记录摄像头当日被遮挡、移动、失焦或调暗共"
            f"{minutes}分钟（其中申报营业时间内{business}分钟），同一时段另有故障{failed}分钟；其间有{bills}笔结算未能看见且无人工核验。标准："
            f"{limits.settlements}笔及以上，或营业时间内遮挡超过{limits.business_minutes}分钟且有结算。断线、死机、画面冻结及停机不算遮挡。"
        ),
        en=(
            f"{span_en(hit)}, window {window} of {hit.fixmedins_code} (device {seen['device_id']}): by the device's own log the camera was "
            f"covered, moved, defocused or dark for {minutes} minutes of that day ({business} of them in declared business hours), and "
            f"failed for {failed} minutes of the same hours; meanwhile {bills} settlements could not be seen and nobody checked them by "
            f"hand. Limits: {limits.settlements} settlements, or more than {limits.business_minutes} minutes in business hours with a "
            f"settlement. A lost line, a hung or frozen camera and times without agent are not covering."
        ),
    )


RULE = Rule(
    id="SYS-01",
    version=1,
    by="fixmedins_code",
    name_zh="设备规避",
    name_en="evasion by outage",
    behaviour="遮挡或规避监控设备",
    legal_basis=f"《医疗保障基金使用监督管理条例》第三十九条；{IMPLEMENTING_RULES}",
    limits=EvasionLimits,
    find=find,
    explain=explain,
)
