"""Tell the subject's face from those of others all through a film, and make the others unrecognisable. Pure.

The verdict names moments at which it saw the subject; from these the face is followed to both sides. Whatever is not reached that way
counts as somebody else: a subject that is hidden for too long is blurred rather than a bystander shown.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import cv2

from edge_agent.film.film import FaceBox, Still
from models.results import Picture

SEEN_WITHIN = timedelta(seconds=0.5)
FOLLOWED_WITHIN = timedelta(seconds=1)
HOLD = timedelta(seconds=1)  # a face is blurred so long before and after it was found, for detectors miss single frames
MARGIN = 0.25  # of the box on every side: hair and ears tell a person, too
BLOCKS = 4  # what is left of a face across

Anchor = tuple[datetime, FaceBox]
"""A moment at which the verdict saw the subject, and where."""


def subject_of(stills: Sequence[Still], anchors: Sequence[Anchor]) -> list[FaceBox | None]:
    """The subject's box in each still; None where it is not surely seen."""
    found: list[FaceBox | None] = [None] * len(stills)
    for at, box in anchors:
        near = [index for index, still in enumerate(stills) if abs(still.at - at) <= SEEN_WITHIN]
        start = min(near, key=lambda index: abs(stills[index].at - at), default=None)
        if start is None or found[start] is not None:
            continue
        for step in (1, -1):
            _follow(stills, found, start, step, box)
    return found


def _follow(stills: Sequence[Still], found: list[FaceBox | None], start: int, step: int, box: FaceBox) -> None:
    last, index = stills[start].at, start
    while 0 <= index < len(stills) and abs(stills[index].at - last) <= FOLLOWED_WITHIN:
        if found[index] is not None and index != start:
            return
        nearest = max(stills[index].faces, key=lambda face: overlap(face, box), default=None)
        if nearest is not None and overlap(nearest, box) > 0:
            found[index], box, last = nearest, nearest, stills[index].at
        index += step


def blurred(picture: Picture, stills: Sequence[Still], subjects: Sequence[FaceBox | None], index: int) -> Picture:
    """A copy of the picture of still `index` in which nobody but the subject can be made out."""
    changed = picture.copy()
    for other, subject in zip(stills, subjects, strict=True):
        if abs(other.at - stills[index].at) <= HOLD:
            for face in other.faces:
                if face != subject:
                    _blur(changed, face)
    own = subjects[index]
    if own is not None:
        x0, y0, x1, y1 = _pixels(own, picture, 0.0)
        changed[y0:y1, x0:x1] = picture[y0:y1, x0:x1]
        for face in stills[index].faces:
            if face != own and overlap(face, own) > 0:
                _blur(changed, face)
    return changed


def overlap(one: FaceBox, other: FaceBox) -> float:
    """Shared area as a share of both together, 0 to 1."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    if across <= 0 or down <= 0:
        return 0.0
    return across * down / (_area(one) + _area(other) - across * down)


def _area(box: FaceBox) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def _blur(picture: Picture, face: FaceBox) -> None:
    x0, y0, x1, y1 = _pixels(face, picture, MARGIN)
    if x1 > x0 and y1 > y0:
        few = cv2.resize(picture[y0:y1, x0:x1], (BLOCKS, BLOCKS), interpolation=cv2.INTER_AREA)
        picture[y0:y1, x0:x1] = cv2.resize(few, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)


def _pixels(box: FaceBox, picture: Picture, margin: float) -> tuple[int, int, int, int]:
    height, width = picture.shape[:2]
    across, down = margin * (box[2] - box[0]), margin * (box[3] - box[1])
    left, right = (round(min(max(value, 0.0), 1.0) * width) for value in (box[0] - across, box[2] + across))
    top, bottom = (round(min(max(value, 0.0), 1.0) * height) for value in (box[1] - down, box[3] + down))
    return left, top, right, bottom
