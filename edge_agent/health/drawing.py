"""A drawn face: ours, of nobody, and the same to the last bit on every machine, for only whole numbers make it."""

import numpy as np
from numpy.typing import NDArray

from models.results import Box, Picture

WIDTH, HEIGHT = 192, 192
CENTRE = (96, 96)  # of the face, x and y
SKIN, DARK, HAIR, WALL = (150, 172, 208), (48, 44, 40), (40, 36, 34), (168, 160, 152)  # BGR
SOFT = 11  # pixels; edges as soft as those of a lens
BOX = Box(x0=51, y0=40, x1=143, y1=158)  # where a detector should find it
LANDMARKS = np.array([[77, 85], [115, 85], [96, 109], [82, 130], [110, 130]], np.float32)  # eyes, nose, corners of the mouth

Canvas = NDArray[np.int64]


def face() -> Picture:
    """HEIGHT x WIDTH x 3, BGR: a frontal face, 92 pixels wide, before a wall."""
    picture = np.empty((HEIGHT, WIDTH, 3), np.int64)
    picture[:] = WALL
    x, y = CENTRE
    _oval(picture, (x, y - 14), (54, 66), HAIR)
    _oval(picture, (x, y + 130), (92, 60), (110, 84, 60))
    _oval(picture, (x, y + 60), (22, 40), (138, 158, 194))
    _oval(picture, (x, y), (46, 60), SKIN)
    for side in (-1, 1):
        _oval(picture, (x + side * 19, y - 24), (12, 3), HAIR)
        _oval(picture, (x + side * 19, y - 11), (10, 5), (222, 226, 228))
        _oval(picture, (x + side * 19, y - 11), (5, 5), DARK)
        _oval(picture, (x + side * 6, y + 17), (3, 2), (92, 104, 140))
    _oval(picture, (x - 4, y + 5), (3, 15), (134, 152, 190))
    _oval(picture, (x, y + 15), (9, 5), (136, 158, 196))
    _oval(picture, (x, y + 34), (17, 5), (96, 92, 168))
    _oval(picture, (x, y + 34), (15, 1), (60, 52, 96))
    return _softened(picture)


def _oval(picture: Canvas, centre: tuple[int, int], radii: tuple[int, int], colour: tuple[int, int, int]) -> None:
    rows, columns = np.ogrid[:HEIGHT, :WIDTH]
    inside = ((columns - centre[0]) * radii[1]) ** 2 + ((rows - centre[1]) * radii[0]) ** 2 <= (radii[0] * radii[1]) ** 2
    picture[inside] = colour


def _softened(picture: Canvas) -> Picture:
    """The mean over SOFT pixels, along columns and then along rows."""
    for axis in (0, 1):
        around = [(SOFT // 2, SOFT // 2) if side == axis else (0, 0) for side in range(3)]
        padded = np.pad(picture, around, mode="edge")
        length = picture.shape[axis]
        picture = np.sum([padded.take(range(start, start + length), axis) for start in range(SOFT)], axis=0) // SOFT
    return picture.astype(np.uint8)
