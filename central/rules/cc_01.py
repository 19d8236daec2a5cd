"""CC-01 一人多卡: the same face settled with the cards of several insured persons at one institution, and no proxy entry explains it."""

import ibis
import ibis.expr.types as ir
from pydantic import Field

from central.china import local_text
from central.db import from_micros
from central.engines.identifiers import word
from central.rules.base import DAY, IMPLEMENTING_RULES, MINUTE, Explanation, Hit, Limits, Rule, Severity, Stage, Tables
from central.rules.excuses import looked_at
from central.rules.faces import Span, many_cards

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
    lookalikes: int = Field(
        default=2, ge=1, le=10, description="Persons recognised under one face who count as one: twins. More is no likeness any more."
    )


def find(tables: Tables, limits: ManyCardsLimits) -> ir.Table:
    """One row per face group and institution with the settlements that made it too many. Doubtful groupings never count."""
    hits = many_cards(
        looked_at(tables),
        tables.proxies,
        keys=("fixmedins_code", "face_group"),
        spans=[
            Span(us=limits.window_days * DAY, cards=limits.window_cards),
            Span(us=limits.burst_minutes * MINUTE, cards=limits.burst_cards),
        ],
        newest=limits.newest_settlements,
        lookalikes=limits.lookalikes,
    )
    faces = hits.group_by("fixmedins_code", "face_group").agg(
        occurred_at=hits.setl_time.max(),
        first_at=hits.setl_time.min(),
        amount_fen=(hits.net_fund + hits.net_acct).sum(),
        capture_ids=hits.capture_id.collect(distinct=True),
        setl_ids=hits.setl_id.collect(distinct=True),
        psn_nos=hits.psn_no.collect(distinct=True),
        cards=hits.psn_no.nunique(),
        burst=(hits.span_us == limits.burst_minutes * MINUTE).any(),
    )
    return faces.mutate(
        subject_key=word(faces.fixmedins_code) + "/" + faces.face_group.cast("string"),
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
            f"{limits.burst_cards}人及以上。"
            f"已查询代办人登记：互为代办或有共同代办人的参保人只计一人；各自被识别为本人的相像者（不超过{limits.lookalikes}人）也只计一人。不使用人脸者不计。"
        ),
        en=(
            f"{first} to {hit.local_time} (China), {hit.fixmedins_code}: the same face (face group {hit.seen['face_group']}) appeared in "
            f"{len(hit.setl_ids)} settlements of {cards} insured persons{burst_en}. Limits: {limits.window_cards} persons within "
            f"{limits.window_days} days, or {limits.burst_cards} within {limits.burst_minutes} minutes. The proxy register was consulted: "
            f"persons of whom one is the other's proxy, or who share a proxy, count as one; so do up to {limits.lookalikes} persons "
            f"who look alike and were each recognised. Who does not use the face is left out."
        ),
    )


RULE = Rule(
    id="CC-01",
    version=2,
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
