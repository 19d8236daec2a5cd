"""GEO-01 一人同时两地: one card settled at two institutions, sooner than anybody can get from one to the other."""

import ibis
import ibis.expr.types as ir
from pydantic import Field

from central.china import local_text
from central.db import from_micros
from central.engines.identifiers import listed, plain, word
from central.rules.base import IMPLEMENTING_RULES, MINUTE, Explanation, Hit, Limits, Rule, Severity, Tables
from central.rules.presence import came_in_person, known_places
from central.rules.travel import km, needed_us

_SECOND = 1_000_000
_LAST = ("fixmedins_code", "setl_id", "setl_time", "capture_id")


class TwoPlacesLimits(Limits):
    """How far, how fast, and how far clocks may be wrong."""

    least_minutes: int = Field(
        default=30,
        ge=0,
        le=1440,
        description="Minutes that a way between two institutions and being served take at least; Quanzhou's model.",
    )
    km_per_h: int = Field(default=80, ge=10, le=1000, description="Kilometres an hour by road.")
    near_km: int = Field(
        default=5, ge=0, le=1000, description="Kilometres within which nothing is said: from the doctor to the pharmacy round the corner."
    )
    clock_s: int = Field(
        default=120,
        ge=0,
        le=86_400,
        description="Seconds that the clock of either settlement may be wrong, or more where its window says so.",
    )


def find(tables: Tables, limits: TwoPlacesLimits) -> ir.Table:
    """One row per settlement that came too soon after the person's one before, at another institution.

    Between neighbours in time only: if a later one is impossible too, so is one between. Where the place of an institution is not known,
    nothing is said. That one face was at two places is not looked at: a living face cannot be, so it would speak of the grouping alone.
    """
    bills = came_in_person(tables)
    bills = bills.select("fixmedins_code", "setl_id", "psn_no", "setl_time", "capture_id", fen=bills.net_fund + bills.net_acct)
    spread = bills.group_by("psn_no").agg(low=bills.fixmedins_code.min(), high=bills.fixmedins_code.max())
    places = known_places(tables.sites)
    bills = bills.semi_join(spread.filter(spread.low != spread.high), "psn_no").semi_join(places, "fixmedins_code")
    order = ibis.window(group_by=bills.psn_no, order_by=[bills.setl_time, bills.fixmedins_code, bills.setl_id])
    moved = bills.mutate(**{f"last_{name}": bills[name].lag().over(order) for name in _LAST})
    moved = moved.filter(moved.fixmedins_code != moved.last_fixmedins_code).join(places, "fixmedins_code")
    moved = moved.join(places.rename(lambda name: f"last_{name}"), "last_fixmedins_code")
    moved = moved.mutate(
        distance=km(moved.latitude, moved.longitude, moved.last_latitude, moved.last_longitude),
        gap_us=moved.setl_time - moved.last_setl_time,
    )
    moved = moved.mutate(needed=needed_us(moved.distance, limits.least_minutes, limits.km_per_h))
    near = moved.filter(moved.distance > float(limits.near_km), moved.gap_us < moved.needed)
    timed = _with_clocks(near, tables, limits)
    fast = timed.filter(timed.gap_us.cast("float64") + timed.errors_us < timed.needed)
    return fast.select(
        subject_key=plain(fast.psn_no) + "/" + word(fast.fixmedins_code) + ":" + word(fast.setl_id),
        fixmedins_code=fast.fixmedins_code,
        psn_no=fast.psn_no,
        occurred_at=fast.setl_time,
        sev_deg=ibis.literal(Severity.HIGH.value),
        amount_fen=fast.fen,
        capture_ids=listed(fast.last_capture_id, fast.capture_id),
        setl_ids=ibis.array([fast.last_setl_id, fast.setl_id]),
        psn_nos=ibis.array([fast.psn_no]),
        setl_id=fast.setl_id,
        last_site=fast.last_fixmedins_code,
        last_setl_id=fast.last_setl_id,
        last_at=fast.last_setl_time,
        gap_minutes=fast.gap_us // MINUTE,
        distance_km=fast.distance.round(),
        errors_s=(fast.errors_us / _SECOND).round(),
    )


def _with_clocks(moved: ir.Table, tables: Tables, limits: TwoPlacesLimits) -> ir.Table:
    """With errors_us: how far both times together may be off, each as the device of its window knows, and at least clock_s."""
    clocks = tables.captures.filter(tables.captures.clock_error_ms.notnull())
    clocks = clocks.select(seen="capture_id", error_us=clocks.clock_error_ms.abs() * 1000)
    asked = moved.select("capture_id").union(moved.select(capture_id="last_capture_id"))
    clocks = clocks.semi_join(asked, clocks.seen == asked.capture_id)  # few, so that they stand on the right
    second = clocks.rename(last_seen="seen", last_error_us="error_us")
    both = moved.left_join(clocks, moved.capture_id == clocks.seen)
    both = both.left_join(second, both.last_capture_id == second.last_seen)
    least = float(limits.clock_s * _SECOND)
    errors = [error.fill_null(0.0).clip(lower=least) for error in (both.error_us, both.last_error_us)]
    return both.mutate(errors_us=errors[0] + errors[1])


def explain(hit: Hit, limits: TwoPlacesLimits) -> Explanation:
    """Names both settlements, the way, the time, and what clocks were allowed."""
    seen = hit.seen
    last_at, gap = local_text(from_micros(seen["last_at"])), seen["gap_minutes"]
    distance, errors = f"{seen['distance_km']:.0f}", f"{seen['errors_s']:.0f}"
    return Explanation(
        zh=(
            f"参保人{hit.psn_no}的凭证{last_at}在机构{seen['last_site']}结算（{seen['last_setl_id']}），{gap}分钟后（{hit.local_time}）"
            f"又在相距约{distance}公里（直线）的机构{hit.fixmedins_code}结算（{seen['setl_id']}）。"
            f"标准：间隔短于{limits.least_minutes}分钟与按每小时{limits.km_per_h}公里所需时间中的较长者，{limits.near_km}公里以内不计；"
            f"已按时钟误差{errors}秒放宽。已查询：结算时没有有效的代办人，也不是移动支付、住院结算或已退费的结算。"
        ),
        en=(
            f"The card of insured person {hit.psn_no} settled at {seen['last_site']} on {last_at} ({seen['last_setl_id']}), and {gap} "
            f"minutes later, on {hit.local_time} (China), at {hit.fixmedins_code} ({seen['setl_id']}), about {distance} km away in a "
            f"straight line. Limit: sooner than the longer of {limits.least_minutes} minutes and the way at {limits.km_per_h} km/h; "
            f"nothing is said within {limits.near_km} km; {errors} s were allowed for clocks. Looked up: no valid proxy at those times; "
            f"neither is a mobile payment, the bill of a stay, or refunded."
        ),
    )


RULE = Rule(
    id="GEO-01",
    version=1,
    by="psn_no",
    name_zh="一人同时两地",
    name_en="two places at once",
    behaviour="同一凭证短时间异地使用",
    legal_basis=f"《医疗保障基金使用监督管理条例》第四十一条；{IMPLEMENTING_RULES}",
    limits=TwoPlacesLimits,
    find=find,
    explain=explain,
)
