"""ID-01 冒名就医购药: the window saw somebody else than the insured person, and no proxy is registered."""

import ibis
import ibis.expr.types as ir
from pydantic import Field

from central.rules.base import IMPLEMENTING_RULES, Explanation, Hit, Limits, Rule, Severity, Stage, Tables
from central.rules.excuses import looked_at, without_proxy
from central.rules.visited import each_visit
from contract.events import Outcome


class ImpersonationLimits(Limits):
    """The similarity limits belong to the window's model, which decided; here stands how much must have been seen."""

    min_frames_used: int = Field(
        default=3, ge=1, le=1000, description="Frames good enough to compare; fewer is a glimpse, and a glimpse accuses nobody."
    )


def find(tables: Tables, limits: ImpersonationLimits) -> ir.Table:
    """Settlements whose capture says `different`, seen well enough, of persons without a proxy registered at that time.

    `undecided` never counts: similarity between the window's two limits accuses nobody. Where a clerk stated a proxy, ID-02 looks.
    """
    visits = looked_at(tables)
    different = visits.filter(
        visits.outcome == Outcome.DIFFERENT.value, visits.frames_used >= limits.min_frames_used, visits.proxy_psn_no.isnull()
    )
    accused = without_proxy(different, tables.proxies, at="setl_time")
    return each_visit(accused, "window", "similarity", "frames_used", sev_deg=ibis.literal(Severity.HIGH.value))


def explain(hit: Hit, limits: ImpersonationLimits) -> Explanation:
    """Similarity is named for the monitor; the till never sees it."""
    similarity = hit.seen["similarity"]
    score_zh = "" if similarity is None else f"，相似度{similarity:.2f}"
    score_en = "" if similarity is None else f", similarity {similarity:.2f}"
    window, frames, setl_id = hit.seen["window"], hit.seen["frames_used"], hit.setl_ids[0]
    return Explanation(
        zh=(
            f"{hit.local_time}，机构{hit.fixmedins_code}的{window}窗口结算{setl_id}：窗口实拍人脸与参保人{hit.psn_no}的登记人脸比对结果为不一致"
            f"（可用画面{frames}帧，要求不少于{limits.min_frames_used}帧{score_zh}）。已查询代办人登记与不使用人脸登记：结算时该参保人没有有效的代办人，也不属于不使用人脸的人员；摄像头无故障。"
        ),
        en=(
            f"{hit.local_time} (China), window {window} of {hit.fixmedins_code}, settlement {setl_id}: the face at the window was compared "
            f"with the enrolled face of insured person {hit.psn_no} and is different ({frames} usable frames, at least "
            f"{limits.min_frames_used} required{score_en}). The proxy register was consulted: no proxy of this person was valid "
            f"at that time. The person is not registered as one who does not use the face, and the camera had no fault."
        ),
    )


RULE = Rule(
    id="ID-01",
    version=2,
    by="fixmedins_code",
    name_zh="冒名就医购药",
    name_en="impersonation",
    behaviour="冒名就医购药",
    legal_basis=f"《医疗保障基金使用监督管理条例》第十五条、第十七条、第四十条第（一）项、第四十一条；{IMPLEMENTING_RULES}",
    limits=ImpersonationLimits,
    find=find,
    explain=explain,
    stage=Stage.REVIEW,
    stage_reason="in use since the first version: the comparison was measured, and people decide",
)
