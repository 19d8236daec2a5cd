"""PR-02 仅工作人员在场: a settlement at a window where the camera saw a member of staff and nobody else."""

import ibis.expr.types as ir
from pydantic import Field

from central.rules.base import IMPLEMENTING_RULES, Explanation, Hit, Limits, Rule, Tables
from central.rules.staffed import staff_alone
from central.rules.visited import each_repeated


class StaffOnlyLimits(Limits):
    """How well the face must have been seen, and when repetition makes it grave."""

    min_frames_used: int = Field(
        default=3, ge=1, le=1000, description="Frames good enough to compare; a clerk who leans into the picture is seen in fewer."
    )
    repeat_days: int = Field(
        default=7, ge=1, le=90, description="Days before and after a settlement within which others count as repetition."
    )
    repeat_count: int = Field(
        default=3, ge=2, le=1000, description="Settlements within repeat_days that make it high; once, a customer may stand aside the view."
    )


def find(tables: Tables, limits: StaffOnlyLimits) -> ir.Table:
    """One row per such settlement. Nothing follows where more faces were in view, or the picture failed for a while."""
    alone = staff_alone(tables, limits.min_frames_used)
    return each_repeated(alone, "window", "frames_used", days=limits.repeat_days, count=limits.repeat_count)


def explain(hit: Hit, limits: StaffOnlyLimits) -> Explanation:
    """Says what else could explain it and was looked up; who of the staff it was, the camera does not say."""
    window, frames, repeated, setl_id = hit.seen["window"], hit.seen["frames_used"], hit.seen["repeated"], hit.setl_ids[0]
    return Explanation(
        zh=(
            f"{hit.local_time}，机构{hit.fixmedins_code}的{window}窗口结算{setl_id}（参保人{hit.psn_no}）：窗口画面中仅有一人，且为本机构工作人员"
            f"（可用画面{frames}帧，要求不少于{limits.min_frames_used}帧），未见参保人。该机构前后{limits.repeat_days}日内此类结算共{repeated}笔"
            f"（{limits.repeat_count}笔及以上为高）。已查询：参保人不是本机构工作人员，没有有效的代办人，也不属于不使用人脸的人员。"
        ),
        en=(
            f"{hit.local_time} (China), window {window} of {hit.fixmedins_code}, settlement {setl_id} for insured person {hit.psn_no}: "
            f"the only person in view was a member of the institution's staff ({frames} usable frames, at least {limits.min_frames_used} "
            f"required); the insured person was not seen. Such settlements of this institution within {limits.repeat_days} days before "
            f"and after: {repeated} (high from {limits.repeat_count}). Looked up: the insured person is not on the staff there, had no "
            f"valid proxy, and is not registered as one who does not use the face."
        ),
    )


RULE = Rule(
    id="PR-02",
    version=1,
    by="fixmedins_code",
    name_zh="仅工作人员在场",
    name_en="staff only",
    behaviour="空刷（仅工作人员在场）",
    legal_basis=f"《医疗保障基金使用监督管理条例》第四十条第（一）项；{IMPLEMENTING_RULES}",
    limits=StaffOnlyLimits,
    find=find,
    explain=explain,
)
