"""The people and settlements of the demonstration. People carry neutral names; the pictures are those of models/manifest.toml."""

from dataclasses import dataclass
from functools import cache

import cv2

from models import files
from models.picture import read
from scripts.scenes import Picture, Visitor, cut

_Box = tuple[float, float, float, float]

_FACES: dict[str, tuple[str, _Box, float, bool]] = {
    "甲-1": ("demo-person-01-a.jpg", (368, 85, 251, 348), 0, False),
    "甲-2": ("demo-person-01-b.jpg", (200, 238, 281, 401), 0, False),
    "甲-3": ("demo-person-01-c.jpg", (642, 248, 277, 364), 0, False),
    "甲-half": ("demo-person-01-half-1.jpg", (0, 87, 183, 343), 0, True),
    "乙": ("demo-person-02-a.jpg", (427, 157, 288, 415), 0, False),
    "丁": ("demo-person-04-a.png", (179, 61, 91, 117), 0, False),
    "戊": ("demo-group-01.jpg", (60, 268, 108, 125), -26, False),
    "己": ("demo-group-01.jpg", (746, 345, 101, 135), 0, False),
    "庚": ("demo-group-01.jpg", (1134, 269, 91, 125), 0, False),
    "辛": ("demo-group-01.jpg", (463, 266, 108, 146), 0, False),
    "壬": ("demo-group-01.jpg", (273, 154, 98, 114), 0, False),
}
"""Picture file, face box (x, y, width, height), tilt of the head in degrees, and whether only half of the face can be seen."""

PEOPLE: dict[str, str] = {
    "DEMO-JIA": "甲-1",
    "DEMO-YI": "乙",
    "DEMO-DING": "丁",
    "DEMO-WU": "戊",
    "DEMO-JI": "己",
    "DEMO-GENG": "庚",
    "DEMO-XIN": "辛",
}
"""Who is enrolled, and from which picture. 壬 is nobody's insured person here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One settlement and what should come of it. `till` False: the shop never called the agent; `bound` False: no national reply came."""

    title: str
    window: str
    psn_no: str
    face: str | None
    outcome: str
    code: str
    rules: str = "-"
    amount: str = "38.50"
    till: bool = True
    bound: bool = True
    claimed: bool = True


SETTLEMENTS: tuple[Scene, ...] = (
    Scene(
        title="甲 with own card, another picture than enrolled", window="W1", psn_no="DEMO-JIA", face="甲-2", outcome="same", code="matched"
    ),
    Scene(title="empty window, 辛's card", window="W1", psn_no="DEMO-XIN", face=None, outcome="no_person", code="matched", rules="PR-01"),
    Scene(title="壬 with 庚's card", window="W1", psn_no="DEMO-GENG", face="壬", outcome="different", code="matched", rules="ID-01"),
    Scene(title="乙 with own card", window="W1", psn_no="DEMO-YI", face="乙", outcome="same", code="matched", rules="CC-01"),
    Scene(title="乙 with 丁's card", window="W1", psn_no="DEMO-DING", face="乙", outcome="different", code="matched", rules="CC-01 ID-01"),
    Scene(title="乙 with 己's card", window="W1", psn_no="DEMO-JI", face="乙", outcome="different", code="matched", rules="CC-01 ID-01"),
    Scene(title="甲 once more, a third picture", window="W1", psn_no="DEMO-JIA", face="甲-3", outcome="same", code="matched"),
    Scene(title="己 with own card", window="W2", psn_no="DEMO-JI", face="己", outcome="same", code="matched"),
    Scene(title="丁 with own card", window="W2", psn_no="DEMO-DING", face="丁", outcome="same", code="matched"),
    Scene(title="甲 half outside the view", window="W2", psn_no="DEMO-JIA", face="甲-half", outcome="undecided", code="matched"),
    Scene(title="戊 with own card", window="W2", psn_no="DEMO-WU", face="戊", outcome="same", code="matched"),
    Scene(title="戊 as registered proxy of 辛", window="W2", psn_no="DEMO-XIN", face="戊", outcome="proxy", code="proxy"),
    Scene(
        title="丁 starts, the national reply never comes",
        window="W2",
        psn_no="DEMO-DING",
        face="丁",
        outcome="same",
        code="capture_without_claim",
        bound=False,
        claimed=False,
    ),
    Scene(
        title="庚's card, the shop never called the agent",
        window="W2",
        psn_no="DEMO-GENG",
        face=None,
        outcome="-",
        code="claim_without_capture",
        till=False,
        bound=False,
    ),
)


@cache
def visitor(face: str) -> Visitor:
    """The person as a camera view is made of it."""
    name, box, tilt, at_edge = _FACES[face]
    return cut(_picture(name), box, tilt=tilt, at_edge=at_edge)


def enrolment_picture(psn_no: str) -> bytes:
    """The JPEG from which a person is enrolled: alone in the picture."""
    return cv2.imencode(".jpg", visitor(PEOPLE[psn_no]).picture, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


@cache
def _picture(name: str) -> Picture:
    return read(files.default_folder() / name)
