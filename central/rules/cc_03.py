"""CC-03 聚敛凭证: the same face settled with the cards of many insured persons, over all institutions, and no proxy entry explains it."""

import ibis
import ibis.expr.types as ir
from pydantic import Field

from central.rules.base import DAY, IMPLEMENTING_RULES, Explanation, Hit, Limits, Rule, Severity, Tables
from central.rules.bills import gathered, span_en, span_zh
from central.rules.excuses import looked_at
from central.rules.faces import Span, many_cards


class HoardingLimits(Limits):
    """How many cards within how long, wherever they were used."""

    month_days: int = Field(default=30, ge=1, le=180, description="The shorter span in days: cards that are used up one after the other.")
    month_cards: int = Field(
        default=5, ge=2, le=1000, description="Cards of different persons within month_days; known cases had 11 and 119."
    )
    season_days: int = Field(default=90, ge=1, le=366, description="The longer span in days: cards that are spread to stay below.")
    season_cards: int = Field(default=10, ge=2, le=1000, description="Cards of different persons within season_days.")
    newest_settlements: int = Field(
        default=1000, ge=10, le=10_000, description="Settlements of one face that are looked at; a portrait on the wall is in all of them."
    )
    lookalikes: int = Field(
        default=2, ge=1, le=10, description="Persons recognised under one face who count as one: twins. More is no likeness any more."
    )


def find(tables: Tables, limits: HoardingLimits) -> ir.Table:
    """One row per face group with the settlements that made it too many, at the institution of the newest one."""
    hits = many_cards(
        looked_at(tables),
        tables.proxies,
        keys=("face_group",),
        spans=[
            Span(us=limits.month_days * DAY, cards=limits.month_cards),
            Span(us=limits.season_days * DAY, cards=limits.season_cards),
        ],
        newest=limits.newest_settlements,
        lookalikes=limits.lookalikes,
    )
    hits = hits.mutate(fen=hits.net_fund + hits.net_acct)
    newest = ibis.row_number().over(group_by=hits.face_group, order_by=[hits.setl_time.desc(), hits.capture_id])
    last = hits.mutate(newest=newest).filter(lambda t: t.newest == 0).select("face_group", "fixmedins_code")
    faces = gathered(hits, "face_group", sites=lambda t: t.fixmedins_code.nunique()).join(last, "face_group")
    return faces.mutate(
        subject_key=faces.face_group.cast("string") + "/cards",
        psn_no=ibis.null("string"),
        sev_deg=ibis.literal(Severity.HIGH.value),
    )


def explain(hit: Hit, limits: HoardingLimits) -> Explanation:
    """Names the span, the persons and the institutions; a face group says "looks the same", never who it is."""
    face, persons, bills, sites = (hit.seen[name] for name in ("face_group", "persons", "bills", "sites"))
    return Explanation(
        zh=(
            f"{span_zh(hit)}，在{sites}家机构的窗口画面中，同一张人脸（人脸组{face}）出现在{persons}名参保人的{bills}笔结算中，最近一笔在机构"
            f"{hit.fixmedins_code}。标准：{limits.month_days}日内{limits.month_cards}人及以上，或{limits.season_days}日内{limits.season_cards}人及以上。"
            f"已查询代办人登记：互为代办或有共同代办人的参保人只计一人；各自被识别为本人的相像者（不超过{limits.lookalikes}人）也只计一人。"
        ),
        en=(
            f"{span_en(hit)}: the same face (face group {face}) appeared in {bills} settlements of {persons} insured persons at {sites} "
            f"institutions, last at {hit.fixmedins_code}. Limits: {limits.month_cards} persons within {limits.month_days} days, or "
            f"{limits.season_cards} within {limits.season_days} days. The proxy register was consulted: persons of whom one is the other's "
            f"proxy, or who share a proxy, count as one; so do up to {limits.lookalikes} persons who look alike and were each recognised."
        ),
    )


RULE = Rule(
    id="CC-03",
    version=1,
    by="face_group",
    name_zh="聚敛凭证",
    name_en="card hoarding",
    behaviour="聚敛他人医疗保障凭证",
    legal_basis=f"《医疗保障基金使用监督管理条例》第四十条、第四十一条；{IMPLEMENTING_RULES}",
    limits=HoardingLimits,
    find=find,
    explain=explain,
)
