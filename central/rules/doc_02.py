"""DOC-02 一医两地: one doctor or pharmacist signed in at two institutions, sooner than the way between them takes."""

import ibis
import ibis.expr.types as ir
from pydantic import Field

from central.engines.identifiers import plain, word
from central.rules.base import IMPLEMENTING_RULES, MINUTE, Explanation, Hit, Limits, Rule, Severity, Tables, china_day
from central.rules.bills import nobody, span_en, span_zh
from central.rules.presence import known_places
from central.rules.travel import km, needed_us


class TwoPlacesLimits(Limits):
    """How far, how fast."""

    least_minutes: int = Field(default=30, ge=1, le=1440, description="Minutes that any change of institution takes, parking and stairs.")
    km_per_h: int = Field(default=80, ge=10, le=1000, description="Kilometres an hour by road.")
    one_place_m: int = Field(
        default=500,
        ge=0,
        le=100_000,
        description="Metres within which institutions count as one place: a clinic and its pharmacy next door.",
    )


def find(tables: Tables, limits: TwoPlacesLimits) -> ir.Table:
    """Codes, days and pairs of institutions with sign-ins that one person cannot have done both.

    An institution whose place is not known could be next door, so nothing is said of it. When somebody signed out proves nothing: devices
    do that by themselves.
    """
    signed = tables.sign_ins.filter(tables.sign_ins.code.notnull(), tables.sign_ins.signed_at.notnull())
    signed = signed.join(known_places(tables.sites), "fixmedins_code").select(
        "code", "fixmedins_code", "signed_at", "latitude", "longitude"
    )
    order = ibis.window(group_by=signed.code, order_by=[signed.signed_at, signed.fixmedins_code])
    last = {f"last_{name}": signed[name].lag().over(order) for name in ("fixmedins_code", "signed_at", "latitude", "longitude")}
    moved = signed.mutate(**last).filter(lambda t: t.fixmedins_code != t.last_fixmedins_code)
    moved = moved.mutate(distance_km=km(moved.latitude, moved.longitude, moved.last_latitude, moved.last_longitude))
    moved = moved.mutate(gap_us=moved.signed_at - moved.last_signed_at)
    too_fast = moved.gap_us < needed_us(moved.distance_km, limits.least_minutes, limits.km_per_h)
    moved = moved.filter(moved.distance_km * 1000 > limits.one_place_m, too_fast)
    return _found(moved)


def _found(moved: ir.Table) -> ir.Table:
    """One row per code, day and pair of institutions, however often somebody went to and fro."""
    moved = moved.mutate(
        day=china_day(moved.signed_at),
        one=ibis.least(moved.fixmedins_code, moved.last_fixmedins_code),
        other=ibis.greatest(moved.fixmedins_code, moved.last_fixmedins_code),
    )
    days = moved.group_by("code", "day", "one", "other").agg(
        first_at=moved.last_signed_at.min(),
        occurred_at=moved.signed_at.max(),
        fixmedins_code=moved.fixmedins_code.argmax(moved.signed_at),
        gap_minutes=moved.gap_us.min() // MINUTE,
        distance_m=(moved.distance_km.max() * 1000).round().cast("int64"),
        times=moved.count(),
    )
    return days.mutate(
        subject_key=plain(days.code) + "/" + word(days.one) + "-" + word(days.other) + "-" + days.day.cast("string"),
        psn_no=ibis.null("string"),
        sev_deg=ibis.literal(Severity.HIGH.value),
        amount_fen=ibis.literal(0, "int64"),
        capture_ids=nobody(),
        setl_ids=nobody(),
        psn_nos=nobody(),
    )


def explain(hit: Hit, limits: TwoPlacesLimits) -> Explanation:
    """Names both institutions, the way and the time."""
    seen, way = hit.seen, f"{hit.seen['distance_m'] / 1000:.1f}"
    return Explanation(
        zh=(
            f"{span_zh(hit)}，医师（药师）{seen['code']}先后在机构{seen['one']}与{seen['other']}签到{seen['times']}次，两地直线距离{way}公里，最短间隔"
            f"仅{seen['gap_minutes']}分钟。标准：间隔短于{limits.least_minutes}分钟与按每小时{limits.km_per_h}公里所需时间中的较大者。"
            f"相距{limits.one_place_m}米以内的机构视为一处，位置未登记的机构不比对。"
        ),
        en=(
            f"{span_en(hit)}: doctor or pharmacist {seen['code']} signed in at {seen['one']} and {seen['other']}, {way} km apart, "
            f"{seen['times']} times with as little as {seen['gap_minutes']} minutes in between. Limit: less than {limits.least_minutes} "
            f"minutes or than the way takes at {limits.km_per_h} km/h, whichever is more. Institutions within {limits.one_place_m} metres "
            f"count as one place; those whose place is not known are not compared."
        ),
    )


RULE = Rule(
    id="DOC-02",
    version=2,
    by="code",
    name_zh="一医两地",
    name_en="doctor in two places",
    behaviour="一医两地（疑似挂证）",
    legal_basis=f"《医疗保障基金使用监督管理条例》第四十条；《定点医药机构相关人员医保支付资格管理制度》；{IMPLEMENTING_RULES}",
    limits=TwoPlacesLimits,
    find=find,
    explain=explain,
)
