"""PR-01 空刷: a settlement at a window where the camera saw nobody."""

import ibis.expr.types as ir
from pydantic import Field

from central.rules.base import IMPLEMENTING_RULES, Explanation, Hit, Limits, Rule, Stage, Tables
from central.rules.excuses import looked_at
from central.rules.visited import each_repeated
from contract.events import Outcome


class EmptyWindowLimits(Limits):
    """How much must have been seen, and when repetition makes it grave."""

    min_frames_seen: int = Field(
        default=5, ge=1, le=100_000, description="Frames that the camera delivered; from fewer one cannot say that nobody came."
    )
    repeat_days: int = Field(
        default=7, ge=1, le=90, description="Days before and after a settlement within which others count as repetition."
    )
    repeat_count: int = Field(
        default=2, ge=2, le=1000, description="Settlements within repeat_days that make it high; one may be a person aside the view."
    )


def find(tables: Tables, limits: EmptyWindowLimits) -> ir.Table:
    """Settlements whose capture says `no_person`. A window that was blind or failed for a while, a settlement that no window watched, and
    a person who does not use the face never count.
    """
    visits = looked_at(tables)
    empty = visits.filter(visits.outcome == Outcome.NO_PERSON.value, visits.frames_seen >= limits.min_frames_seen)
    return each_repeated(empty, "window", "frames_seen", days=limits.repeat_days, count=limits.repeat_count)


def explain(hit: Hit, limits: EmptyWindowLimits) -> Explanation:
    """A proxy would have been seen, so the register cannot explain an empty window; the text says so."""
    window, frames, repeated, setl_id = hit.seen["window"], hit.seen["frames_seen"], hit.seen["repeated"], hit.setl_ids[0]
    return Explanation(
        zh=(
            f"{hit.local_time}，机构{hit.fixmedins_code}的{window}窗口结算{setl_id}（参保人{hit.psn_no}）：结算前后的窗口画面（{frames}帧，要求不少于"
            f"{limits.min_frames_seen}帧）中未见任何人。该机构前后{limits.repeat_days}日内此类结算共{repeated}笔（{limits.repeat_count}笔及以上为高）。"
            f"代办人到场也会被看见，因此代办人登记不能解释本条。摄像头无故障，该参保人不属于不使用人脸的人员。"
        ),
        en=(
            f"{hit.local_time} (China), window {window} of {hit.fixmedins_code}, settlement {setl_id} for insured person {hit.psn_no}: "
            f"nobody was in the picture around the settlement ({frames} frames, at least {limits.min_frames_seen} required). "
            f"Such settlements of this institution within {limits.repeat_days} days before and after: {repeated} "
            f"(high from {limits.repeat_count}). A proxy would have been seen, so the proxy register cannot explain this. "
            f"The camera had no fault, and the person is not registered as one who does not use the face."
        ),
    )


RULE = Rule(
    id="PR-01",
    version=2,
    by="fixmedins_code",
    name_zh="空刷",
    name_en="no person present",
    behaviour="空刷",
    legal_basis=f"《医疗保障基金使用监督管理条例》第四十条第（一）项、第（三）项；{IMPLEMENTING_RULES}",
    limits=EmptyWindowLimits,
    find=find,
    explain=explain,
    stage=Stage.REVIEW,
    stage_reason="in use since the first version: an empty window is said only where all of them were seen",
)
