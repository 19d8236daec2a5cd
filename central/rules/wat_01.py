"""WAT-01 重点人员布控: somebody in view resembles a person on the watch list of this institution; people must look."""

import ibis
import ibis.expr.types as ir
from pydantic import Field

from central.engines.identifiers import listed, word
from central.rules.base import IMPLEMENTING_RULES, Explanation, Hit, Limits, Rule, Severity, Tables
from contract.events import Outcome


class WatchedLimits(Limits):
    """The limit of similarity rises with the length of the list and belongs to the window; here stands how much must have been seen."""

    min_frames_used: int = Field(default=3, ge=1, le=1000, description="Frames good enough to compare; a glimpse recognises nobody.")


def find(tables: Tables, limits: WatchedLimits) -> ir.Table:
    """One row per capture with such a face, settled or not: the person may have come without settling, so this looks at captures.

    The face may be that of anybody in view, so the finding names no insured person and alleges no amount. A capture in which the insured
    person was the only one in view, and was recognised, is named as such in `recognised`.
    """
    captures = tables.captures
    hits = captures.filter(
        captures.watched_face.fill_null(False),
        captures.frames_used >= limits.min_frames_used,
        captures.outcome != Outcome.BLIND.value,
        ~captures.distrusted.fill_null(False),
    )
    return hits.select(
        subject_key=word(hits.fixmedins_code) + "/" + word(hits.capture_id),
        fixmedins_code=hits.fixmedins_code,
        psn_no=ibis.null("string"),
        occurred_at=hits.opened_at,
        sev_deg=ibis.literal(Severity.MED.value),
        amount_fen=ibis.literal(0, "int64"),
        capture_ids=ibis.array([hits.capture_id]),
        setl_ids=listed(hits.linked_setl_id),
        psn_nos=ibis.null("array<string>"),
        window=hits.window,
        persons=hits.persons,
        frames_used=hits.frames_used,
        recognised=(hits.outcome == Outcome.SAME.value) & (hits.persons == 1),
    )


def explain(hit: Hit, limits: WatchedLimits) -> Explanation:
    """Says that resemblance is no identity, and that the card's owner is not meant."""
    window, frames, persons = hit.seen["window"], hit.seen["frames_used"], hit.seen["persons"]
    alone_zh = "画面中只有持卡人本人，且已被识别为本人。" if hit.seen["recognised"] else "被布控的可能是画面中的任何人，不一定是持卡人。"
    alone_en = (
        "The card's owner was the only person in view, and was recognised."
        if hit.seen["recognised"]
        else "It may be anybody in view, not necessarily the card's owner."
    )
    return Explanation(
        zh=(
            f"{hit.local_time}，机构{hit.fixmedins_code}的{window}窗口：画面中（最多同时{persons}人）有人与本机构经书面决定布控的重点人员相似"
            f"（可用画面{frames}帧，要求不少于{limits.min_frames_used}帧）。{alone_zh}相似不等于同一人，须由人工比对后才能使用。"
        ),
        en=(
            f"{hit.local_time} (China), window {window} of {hit.fixmedins_code}: somebody in view (at most {persons} at a time) resembles "
            f"a person whom a written decision put on this institution's watch list ({frames} usable frames, at least "
            f"{limits.min_frames_used} required). {alone_en} Resemblance is no identity: people must compare before anything is done."
        ),
    )


RULE = Rule(
    id="WAT-01",
    version=1,
    by="fixmedins_code",
    name_zh="重点人员布控",
    name_en="watch-list hit",
    behaviour="重点人员出现",
    legal_basis=f"《医疗保障基金使用监督管理条例》第三十条、第四十一条；{IMPLEMENTING_RULES}",
    limits=WatchedLimits,
    find=find,
    explain=explain,
)
