"""Made film: pictures whose faces are known, as the ring would hold them."""

from datetime import UTC, datetime, timedelta

import cv2
import numpy as np

from edge_agent.film.film import FaceBox, Still, jpeg
from models.results import Picture

AT = datetime(2026, 1, 2, 1, 30, tzinfo=UTC)
WIDTH, HEIGHT = 320, 240
LEFT: FaceBox = (0.1, 0.2, 0.3, 0.6)
RIGHT: FaceBox = (0.6, 0.2, 0.8, 0.6)


def picture(*faces: FaceBox, shade: int = 60) -> Picture:
    """A grey room with a fine chequered pattern where each face is: what is blurred loses it."""
    made: Picture = np.full((HEIGHT, WIDTH, 3), shade, np.uint8)
    chequers: Picture = (np.indices((HEIGHT, WIDTH)).sum(axis=0) // 4 % 2 * 200).astype(np.uint8)[..., None].repeat(3, axis=2)
    for face in faces:
        y0, y1, x0, x1 = *_rows(face), *_columns(face)
        made[y0:y1, x0:x1] = chequers[y0:y1, x0:x1]
    return made


def detail(shown: Picture, face: FaceBox) -> float:
    """How much of the pattern is left in a face: standard deviation of its grey values."""
    part = cv2.cvtColor(shown, cv2.COLOR_BGR2GRAY)[slice(*_rows(face)), slice(*_columns(face))]
    return float(part.std())


def still(second: float, *faces: FaceBox, shown: tuple[FaceBox, ...] | None = None, shade: int = 60) -> Still:
    """A still `second` seconds after AT in which `faces` were found; `shown` are those that are there when the detector missed some."""
    coded = jpeg(picture(*(faces if shown is None else shown), shade=shade), 95)
    return Still(at=AT + timedelta(seconds=second), jpeg=coded, faces=faces)


def _rows(face: FaceBox) -> tuple[int, int]:
    return round(face[1] * HEIGHT), round(face[3] * HEIGHT)


def _columns(face: FaceBox) -> tuple[int, int]:
    return round(face[0] * WIDTH), round(face[2] * WIDTH)
