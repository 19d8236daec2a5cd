"""What the clerk reads. Only what would help; never a score and never a word against the person at the window."""

from contract.events import Outcome
from edge_agent.decide import EXEMPT, Decision
from edge_agent.session import Answer, TillAnswer

ADVICE: dict[str, tuple[str, str]] = {
    "camera_covered": (
        "镜头被遮挡，请移开遮挡物，并人工核验身份。",
        "The lens is covered. Please uncover it and check the identity by hand.",
    ),
    "camera_dark": (
        "画面太暗，请开灯或移开镜头前的遮挡物，并人工核验身份。",
        "The picture is too dark. Please turn on a light or uncover the lens, and check the identity by hand.",
    ),
    "camera_overexposed": (
        "画面过亮，请避开强光，并人工核验身份。",
        "The picture is too bright. Please keep strong light from the camera and check the identity by hand.",
    ),
    "camera_defocused": (
        "画面模糊，请擦拭镜头，并人工核验身份。",
        "The picture is not sharp. Please wipe the lens and check the identity by hand.",
    ),
    "camera_moved": (
        "摄像头位置被移动，请恢复原位，并人工核验身份。",
        "The camera was moved. Please turn it back and check the identity by hand.",
    ),
    "camera_blind": ("摄像头无画面，请人工核验身份。", "The camera gives no picture. Please check the identity by hand."),
    "not_enrolled": ("参保人未登记人脸，请人工核验身份。", "No face is enrolled for this person. Please check the identity by hand."),
    EXEMPT: ("该参保人不使用人脸核验，请人工核验身份。", "This person does not use the face. Please check the identity by hand."),
    "judging_failed": ("无法比对，请人工核验身份。", "Comparison is not possible now. Please check the identity by hand."),
    "cooling_down": (
        "该窗口或该参保人多次未通过比对，暂停比对；请人工核验身份。",
        "Several comparisons did not pass, so none is made for a while. Please check the identity by hand.",
    ),
    "no_room": (
        "本机磁盘已满，暂时无法登记；请人工核验身份，结算不受影响。",
        "The disk of this terminal is full and nothing can be recorded now. Please check the identity by hand; the settlement goes on.",
    ),
    "revoked": (
        "本终端已停用；请人工核验身份，结算不受影响。",
        "This terminal is out of service. Please check the identity by hand; the settlement goes on.",
    ),
    "no_face": ("请参保人正对摄像头。", "Please ask the insured person to face the camera."),
    "face_covered": ("请参保人摘下口罩并正对摄像头。", "Please ask the insured person to take off the mask and face the camera."),
    "mouth_covered": ("请参保人摘下口罩。", "Please ask the insured person to take off the mask."),
    "eyes_covered": ("请参保人摘下墨镜。", "Please ask the insured person to take off the dark glasses."),
    "several_persons": (
        "请其他人离开窗口，参保人正对摄像头。",
        "Please ask others to step back and the insured person to face the camera.",
    ),
    "turned_away": ("请参保人正对摄像头。", "Please ask the insured person to face the camera."),
    "tilted": ("请参保人把头摆正。", "Please ask the insured person to hold the head upright."),
    "face_too_small": ("请参保人靠近一些。", "Please ask the insured person to come closer."),
    "cut_off": ("请参保人站到画面中间。", "Please ask the insured person to stand in the middle of the picture."),
    "blurred": ("请参保人站稳片刻。", "Please ask the insured person to stand still for a moment."),
    "too_dark": ("光线太暗，请开灯或调整光线。", "It is too dark. Please turn on a light."),
    "too_bright": ("光线太强，请调整光线。", "It is too bright. Please soften the light."),
    "uneven_light": ("面部光线不均，请调整光线。", "One side of the face is in the dark. Please adjust the light."),
    "not_confirmed": (
        "请参保人正对摄像头；如仍未通过，请人工核验身份。",
        "Please ask the insured person to face the camera; if that does not help, check the identity by hand.",
    ),
}
PASSED = ("可以结算。", "The settlement may go on.")
UNSURE = "liveness_cannot_judge"  # recognised, but perhaps from a picture: never a pass, and never more than a reminder
OF_THE_VIEW = ("camera_covered", "camera_dark", "camera_overexposed", "camera_defocused", "camera_moved")  # what the clerk can mend
BY_HAND = (*OF_THE_VIEW, "camera_blind", EXEMPT, "not_enrolled", "judging_failed")
UNCOMPARED = ("cooling_down", "no_room", "revoked")
"""Said before anything is compared."""
ASK = (
    "no_face",
    "mouth_covered",
    "eyes_covered",
    "face_covered",
    "several_persons",
    "turned_away",
    "tilted",
    "face_too_small",
    "cut_off",
    "blurred",
    "too_dark",
    "too_bright",
    "uneven_light",
)
"""What the clerk can change at once, the most telling first: the first one is said, all are named."""


def answer(decision: Decision) -> Answer:
    """The reply to start. Whether somebody else, a picture or nobody clear was seen cannot be told from it."""
    if decision.outcome in (Outcome.SAME, Outcome.PROXY) and UNSURE not in decision.reasons:
        return Answer(answer=TillAnswer.PASS, reasons=(), text_zh=PASSED[0], text_en=PASSED[1])
    hand = [code for code in BY_HAND if code in decision.reasons]
    reasons = hand or _asked(decision) or ["not_confirmed"]
    zh, en = ADVICE[reasons[0]]
    return Answer(answer=TillAnswer.MANUAL if hand else TillAnswer.REMIND, reasons=tuple(reasons), text_zh=zh, text_en=en)


def by_hand(code: str) -> Answer:
    """The reply where the machine does not compare, for the reason with this code of ADVICE."""
    zh, en = ADVICE[code]
    return Answer(answer=TillAnswer.MANUAL, reasons=(code,), text_zh=zh, text_en=en)


def _asked(decision: Decision) -> list[str]:
    if decision.outcome in (Outcome.NO_PERSON, Outcome.UNDECIDED) and decision.person is None:
        return ["no_face"]
    seen = (*decision.reasons, *(() if decision.person is None else decision.person.hints))
    return [code for code in ASK if code in seen]
