"""The statement of an erasing in words, as it is handed to the person: Chinese first."""

from collections import Counter

from central.china import local_text
from central.subjects.model import Erasure, Terminal, TerminalState, Why

_WHAT = {
    "template": ("人脸模板", "templates"),
    "enrolment_picture": ("登记图像", "enrolment pictures"),
    "capture_vector": ("窗口采集的人脸特征", "face vectors of captures"),
    "capture_picture": ("窗口采集的图像与录像", "pictures and film of captures"),
}
_WHY = {
    Why.REQUEST: ("本人申请删除", "the person asked for it"),
    Why.WITHDRAWN: ("本人撤回同意", "the person withdrew the consent"),
    Why.ENDED: ("处理依据已到期或目的已实现", "the basis or the purpose has ended"),
    Why.COMPLETED: ("此前依法保留的内容现已解除", "what had to be kept before is free now"),
}


def chinese(erasure: Erasure, terminals: tuple[Terminal, ...]) -> str:
    """A few sentences."""
    went = "、".join(f"{_WHAT[what][0]} {n} 项" for what, n in _counts(erasure).items()) or "没有可删除的内容"
    lines = [
        f"人员 {erasure.psn_no} 的人脸信息删除证明（第 {erasure.erasure_id} 号）",
        f"{local_text(erasure.erased_at)} 由 {erasure.erased_by} 执行。原因：{_WHY[erasure.why][0]}；依据：{erasure.reference}。",
        f"已从中心删除：{went}。各项以其密文的 SHA-256 列明。",
    ]
    if erasure.held:
        named = "、".join(sorted({one.reference for one in erasure.held}))
        lines.append(f"依法暂时保留 {len(erasure.held)} 项，原因：未结疑点或证据保全（{named}）。解除后将继续删除。")
    done, rest = _terminals(terminals)
    lines.append(f"终端：{done} 台已确认删除，{rest} 台尚待确认；未联网的终端上的内容到期自行失效。")
    return "\n".join(lines)


def english(erasure: Erasure, terminals: tuple[Terminal, ...]) -> str:
    """The same."""
    went = ", ".join(f"{n} {_WHAT[what][1]}" for what, n in _counts(erasure).items()) or "nothing that could be erased"
    lines = [
        f"Proof of erasing the face of person {erasure.psn_no} (no. {erasure.erasure_id})",
        f"Done at {local_text(erasure.erased_at)} (China) by {erasure.erased_by}; why: {_WHY[erasure.why][1]}; ref. {erasure.reference}.",
        f"Erased at the centre: {went}. Each is named by the SHA-256 of its sealed bytes.",
    ]
    if erasure.held:
        named = ", ".join(sorted({one.reference for one in erasure.held}))
        lines.append(f"Kept for now, as the law asks: {len(erasure.held)} items, for findings or holds ({named}). They go when these end.")
    done, rest = _terminals(terminals)
    lines.append(f"Terminals: {done} have confirmed, {rest} have yet to; what one holds that is off-line expires by itself.")
    return "\n".join(lines)


def _counts(erasure: Erasure) -> dict[str, int]:
    found = Counter(one.what for one in erasure.erased)
    return {what: found[what] for what in _WHAT if found[what]}


def _terminals(terminals: tuple[Terminal, ...]) -> tuple[int, int]:
    rest = sum(one.state is TerminalState.PENDING for one in terminals)
    return len(terminals) - rest, rest
