"""STF-01 员工持卡代刷: the living face that settled is a member of staff's, and the card another person's."""

import ibis
import ibis.expr.types as ir
from pydantic import Field

from central.rules.base import IMPLEMENTING_RULES, Explanation, Hit, Limits, Rule, Severity, Tables
from central.rules.faces import sure_faces
from central.rules.staffed import staff_alone
from central.rules.visited import each_visit
from contract.events import Liveness


class StaffSwipeLimits(Limits):
    """How well the face must have been seen: more than where staff were merely all that was in view."""

    min_frames_used: int = Field(
        default=5, ge=1, le=1000, description="Frames good enough to compare: who settles stays before the camera for some seconds."
    )


def find(tables: Tables, limits: StaffSwipeLimits) -> ir.Table:
    """One row per settlement with an accepted face of the staff: alone, living, well seen, and surely grouped.

    Liveness that was not evaluated, or could not be judged, is no acceptance.
    """
    alone = sure_faces(staff_alone(tables, limits.min_frames_used))
    swiped = alone.filter(alone.liveness == Liveness.LIVE.value)
    return each_visit(swiped, "window", "frames_used", "face_group", "opter", sev_deg=ibis.literal(Severity.HIGH.value))


def explain(hit: Hit, limits: StaffSwipeLimits) -> Explanation:
    """Names the clerk of the bill as the bill does; the face says that it was one of the staff, never which."""
    window, frames, setl_id, opter = hit.seen["window"], hit.seen["frames_used"], hit.setl_ids[0], hit.seen["opter"]
    clerk_zh = "" if opter is None else f"，经办人{opter}"
    clerk_en = "" if opter is None else f", clerk {opter}"
    return Explanation(
        zh=(
            f"{hit.local_time}，机构{hit.fixmedins_code}的{window}窗口结算{setl_id}（参保人{hit.psn_no}{clerk_zh}）：在窗口前办理结算的活体人脸为本机构"
            f"工作人员（人脸组{hit.seen['face_group']}，可用画面{frames}帧，要求不少于{limits.min_frames_used}帧），画面中没有其他人。"
            f"已查询：参保人不是本机构工作人员，没有有效的代办人，也不属于不使用人脸的人员。"
        ),
        en=(
            f"{hit.local_time} (China), window {window} of {hit.fixmedins_code}, settlement {setl_id} for insured person "
            f"{hit.psn_no}{clerk_en}: the living face that settled is a member of the institution's staff (face group "
            f"{hit.seen['face_group']}, {frames} usable frames, at least {limits.min_frames_used} required), with nobody else in view. "
            f"Looked up: the insured person is not on the staff there, had no valid proxy, and is not registered as one who does not "
            f"use the face."
        ),
    )


RULE = Rule(
    id="STF-01",
    version=1,
    by="fixmedins_code",
    name_zh="员工持卡代刷",
    name_en="staff swipe",
    behaviour="员工持他人凭证代刷",
    legal_basis=f"《医疗保障基金使用监督管理条例》第四十条第（一）项；{IMPLEMENTING_RULES}",
    limits=StaffSwipeLimits,
    find=find,
    explain=explain,
)
