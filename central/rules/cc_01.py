"""CC-01 一人多卡: the same face settled with the cards of several insured persons at one institution, and no proxy entry explains it."""

import ibis
import ibis.expr.types as ir
from pydantic import Field

from central.china import local_text
from central.db import from_micros
from central.rules.base import DAY, IMPLEMENTING_RULES, MINUTE, Explanation, Hit, Limits, Rule, Severity, Stage, Tables

_DOUBTFUL = "doubtful"


class ManyCardsLimits(Limits):
    """How many cards within how long."""

    window_days: int = Field(
        default=7, ge=1, le=90, description="The longer span in days; errands for a family rarely fall together within it."
    )
    window_cards: int = Field(
        default=3, ge=2, le=1000, description="Cards of different persons within window_days; families often carry two."
    )
    burst_minutes: int = Field(default=30, ge=1, le=1440, description="The shorter span in minutes: one visit to the counter.")
    burst_cards: int = Field(default=2, ge=2, le=1000, description="Cards of different persons within burst_minutes.")
    newest_settlements: int = Field(
        default=1000, ge=10, le=10_000, description="Settlements of one face that are looked at; a portrait on the wall is in all of them."
    )


def find(tables: Tables, limits: ManyCardsLimits) -> ir.Table:
    """One row per face group and institution with the settlements that made it too many.

    Doubtful groupings never count. Persons of whom one is the registered proxy of the other, or who share a registered proxy, count as
    one: the face may be the proxy's.
    """
    seen = _crowded(tables.visits, limits.newest_settlements)
    excuses = _excuses(seen, tables.proxies)
    long = _too_many(seen, excuses, limits.window_days * DAY, limits.window_cards).mutate(burst=ibis.literal(False))
    short = _too_many(seen, excuses, limits.burst_minutes * MINUTE, limits.burst_cards).mutate(burst=ibis.literal(True))
    counted = long.union(short).group_by("capture_id").agg(burst=lambda t: t.burst.any())
    return _per_face(seen.join(counted, "capture_id"))


def _crowded(visits: ir.Table, newest: int) -> ir.Table:
    """The newest visits of faces that used more than one card at the institution; all others cannot count, and most faces used one."""
    known = visits.filter(visits.face_group.notnull(), visits.face_band != _DOUBTFUL)
    crowds = known.group_by("fixmedins_code", "face_group").agg(cards=known.psn_no.nunique())
    crowded = known.semi_join(crowds.filter(crowds.cards > 1), ["fixmedins_code", "face_group"])
    order = [crowded.setl_time.desc(), crowded.capture_id]
    age = ibis.row_number().over(group_by=[crowded.fixmedins_code, crowded.face_group], order_by=order)
    return crowded.mutate(age=age).filter(lambda t: t.age < newest)


def _excuses(seen: ir.Table, proxies: ir.Table) -> ir.Table:
    """(capture_id, excused_by): the first need not be counted where the second is, since one face may use both cards by right."""
    own = seen.select("capture_id", "fixmedins_code", "face_group", "psn_no", holder=seen.psn_no)
    register = proxies.select(
        proxy_of=proxies.psn_no, holder=proxies.proxy_psn_no, valid_from=proxies.valid_from, valid_to=proxies.valid_to
    )
    valid = [seen.psn_no == register.proxy_of, seen.setl_time >= register.valid_from, seen.setl_time < register.valid_to]
    by_proxy = seen.join(register, valid).select("capture_id", "fixmedins_code", "face_group", "psn_no", "holder")
    holders = own.union(by_proxy)
    others = holders.select("fixmedins_code", "face_group", "holder", excused_by=holders.capture_id, other_psn_no=holders.psn_no)
    both = holders.join(others, ["fixmedins_code", "face_group", "holder"])
    return both.filter(both.other_psn_no < both.psn_no).select("capture_id", "excused_by").distinct()


def _too_many(seen: ir.Table, excuses: ir.Table, span_us: int, cards: int) -> ir.Table:
    """capture_id of the visits within a span (in microseconds, ending with some visit) that holds cards of too many persons."""
    last = seen.select("fixmedins_code", "face_group", span=seen.capture_id, until=seen.setl_time)
    within = seen.join(last, ["fixmedins_code", "face_group"])
    within = within.filter(within.setl_time <= within.until, within.setl_time >= within.until - span_us).select(
        "span", "capture_id", "psn_no"
    )
    present = within.select("span", excused_by=within.capture_id)
    excused = within.join(excuses, "capture_id").join(present, ["span", "excused_by"])
    counted = within.anti_join(excused, ["span", "capture_id"])
    full = counted.group_by("span").agg(persons=counted.psn_no.nunique())
    return counted.semi_join(full.filter(full.persons >= cards), "span").select("capture_id").distinct()


def _per_face(hits: ir.Table) -> ir.Table:
    faces = hits.group_by("fixmedins_code", "face_group").agg(
        occurred_at=hits.setl_time.max(),
        first_at=hits.setl_time.min(),
        amount_fen=(hits.net_fund + hits.net_acct).sum().cast("int64"),
        capture_ids=hits.capture_id.collect(distinct=True),
        setl_ids=hits.setl_id.collect(distinct=True),
        psn_nos=hits.psn_no.collect(distinct=True),
        cards=hits.psn_no.nunique(),
        burst=hits.burst.any(),
    )
    return faces.mutate(
        subject_key=faces.fixmedins_code + "/" + faces.face_group.cast("string"),
        psn_no=ibis.null("string"),
        sev_deg=ibis.literal(Severity.MED.value),
    )


def explain(hit: Hit, limits: ManyCardsLimits) -> Explanation:
    """Names the spans and the persons; a face group says "looks the same", never who it is."""
    first, cards = local_text(from_micros(hit.seen["first_at"])), hit.seen["cards"]
    burst_zh = f"，其中有{limits.burst_minutes}分钟内的连续使用" if hit.seen["burst"] else ""
    burst_en = f", some of them within {limits.burst_minutes} minutes" if hit.seen["burst"] else ""
    return Explanation(
        zh=(
            f"{first}至{hit.local_time}，机构{hit.fixmedins_code}的窗口画面中，同一张人脸（人脸组{hit.seen['face_group']}）出现在{cards}名参保人的"
            f"{len(hit.setl_ids)}笔结算中{burst_zh}。标准：{limits.window_days}日内{limits.window_cards}人及以上，或{limits.burst_minutes}分钟内"
            f"{limits.burst_cards}人及以上。已查询代办人登记：互为代办或有共同代办人的参保人只计一人。"
        ),
        en=(
            f"{first} to {hit.local_time} (China), {hit.fixmedins_code}: the same face (face group {hit.seen['face_group']}) appeared in "
            f"{len(hit.setl_ids)} settlements of {cards} insured persons{burst_en}. Limits: {limits.window_cards} persons within "
            f"{limits.window_days} days, or {limits.burst_cards} within {limits.burst_minutes} minutes. The proxy register was consulted: "
            f"persons of whom one is the other's proxy, or who share a proxy, count as one."
        ),
    )


RULE = Rule(
    id="CC-01",
    version=1,
    by="fixmedins_code",
    name_zh="一人多卡",
    name_en="one face, many cards",
    behaviour="一人多卡",
    legal_basis=f"《医疗保障基金使用监督管理条例》第四十条第（一）项、第四十一条；{IMPLEMENTING_RULES}",
    limits=ManyCardsLimits,
    find=find,
    explain=explain,
    stage=Stage.REVIEW,
    stage_reason="in use since the first version: proxies and doubtful faces are left out",
)
