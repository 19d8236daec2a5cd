"""PR-03 呈现攻击: a picture, a screen, a mask or a fed-in stream stood before the camera in place of the insured person."""

import ibis
import ibis.expr.types as ir
from pydantic import Field

from central.engines.identifiers import listed, word
from central.rules.base import IMPLEMENTING_RULES, Explanation, Hit, Limits, Rule, Severity, Tables
from central.rules.excuses import without_exempt
from contract.events import Liveness, Outcome


class AttackLimits(Limits):
    """The limits of liveness belong to the window's model, which fused the session; here stands how much must have been seen."""

    min_frames_used: int = Field(
        default=3, ge=1, le=1000, description="Good frames of the session: of three, two must agree, so that one bad frame accuses nobody."
    )


def find(tables: Tables, limits: AttackLimits) -> ir.Table:
    """One row per capture with the outcome `attack`, whatever became of the settlement: an attempt that was given up is one, too.

    So this looks at captures, not at visits. `undecided` with doubtful liveness never counts, a camera that failed for a while, a device
    that is not to be believed, and a person who does not use the face neither.
    """
    captures = tables.captures
    shown = captures.filter(
        captures.outcome == Outcome.ATTACK.value,
        captures.liveness == Liveness.ATTACK.value,
        captures.frames_used >= limits.min_frames_used,
        ~captures.camera_fault.fill_null(False),
        ~captures.distrusted.fill_null(False),
    )
    shown = without_exempt(shown, tables.exemptions, at="opened_at")
    bills = tables.settlements.select("fixmedins_code", "net_fund", "net_acct", linked_setl_id=tables.settlements.setl_id)
    shown = shown.left_join(bills, ["fixmedins_code", "linked_setl_id"])
    return shown.select(
        subject_key=word(shown.fixmedins_code) + "/" + word(shown.capture_id),
        fixmedins_code=shown.fixmedins_code,
        psn_no=shown.psn_no,
        occurred_at=shown.opened_at,
        sev_deg=ibis.literal(Severity.HIGH.value),
        amount_fen=(shown.net_fund + shown.net_acct).fill_null(0),
        capture_ids=ibis.array([shown.capture_id]),
        setl_ids=listed(shown.linked_setl_id),
        psn_nos=ibis.array([shown.psn_no]),
        window=shown.window,
        frames_used=shown.frames_used,
        manual=shown.manual_reason.notnull(),
    )


def explain(hit: Hit, limits: AttackLimits) -> Explanation:
    """Tells a settlement from an attempt, and that a clerk vouched where one did."""
    window, frames = hit.seen["window"], hit.seen["frames_used"]
    billed_zh = f"对应结算{hit.setl_ids[0]}" if hit.setl_ids else "没有对应的有效结算（未遂或尚未上传）"
    billed_en = f"it belongs to settlement {hit.setl_ids[0]}" if hit.setl_ids else "no settlement belongs to it (given up, or not here yet)"
    clerk_zh = "经办人另称已人工核验，请一并核实。" if hit.seen["manual"] else ""
    clerk_en = " The clerk stated a check by hand besides; please verify that too." if hit.seen["manual"] else ""
    return Explanation(
        zh=(
            f"{hit.local_time}，机构{hit.fixmedins_code}的{window}窗口（参保人{hit.psn_no}）：活体检测判定镜头前为照片、屏幕、面具或注入的视频，"
            f"而非真人（可用画面{frames}帧，要求不少于{limits.min_frames_used}帧；判定由窗口设备综合多帧作出）；{billed_zh}。{clerk_zh}"
            f"参保人不属于不使用人脸的人员，摄像头无故障。"
        ),
        en=(
            f"{hit.local_time} (China), window {window} of {hit.fixmedins_code}, insured person {hit.psn_no}: liveness detection found a "
            f"photograph, a screen, a mask or a fed-in video before the camera instead of a living person ({frames} usable frames, "
            f"at least {limits.min_frames_used} required; the window's device decided over all of them); {billed_en}.{clerk_en} "
            f"The person is not registered as one who does not use the face, and the camera had no fault."
        ),
    )


RULE = Rule(
    id="PR-03",
    version=1,
    by="fixmedins_code",
    name_zh="呈现攻击",
    name_en="presentation attack",
    behaviour="使用照片、屏幕、面具等冒充本人",
    legal_basis=f"《医疗保障基金使用监督管理条例》第四十一条；{IMPLEMENTING_RULES}",
    limits=AttackLimits,
    find=find,
    explain=explain,
)
