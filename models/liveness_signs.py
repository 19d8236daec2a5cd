"""What one frame tells about the way a face is presented, beside the networks: the straight border of a screen or a print, and a mark by
which the very same pixels are known again.

Tried and left out, because it does not part live from shown on the clips at hand: regular patterns (moire) in the spectrum of the face. The
grain of a real camera there is stronger than the grid of a made screen.
"""

from dataclasses import dataclass
from hashlib import blake2b

import cv2
import numpy as np
from numpy.typing import NDArray

from models.liveness import Crops
from models.results import Picture, Points

SIDE = 160  # pixels of the square in which borders are sought
REACH = 2.2  # from the middle of the face to each side of that square, in face sizes
SIZE_OF_SPREAD = 3.7  # a face's width over the spread of its landmarks; 3.6 to 3.8 in every window clip
ABOVE = 0.075  # of that width, how far the middle of a face lies above that of its landmarks
EDGE_LOW, EDGE_HIGH = 40, 100  # gradient from which an edge is followed, and begun
MIN_VOTES, MIN_LENGTH, MAX_GAP = 30, 48, 5  # of a straight line, in pixels of the square
FACE_HALF = 14  # pixels of the square beside its middle that are face
MAX_SLOPE = 0.6  # across over down: a border beside a face that is tilted by up to 31 degrees
PARALLEL_DEG = 8.0
DIGEST_BYTES = 16

Lines = NDArray[np.float64]  # (N, 4) as x0, y0, x1, y1


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentationSigns:
    """Signs of one face in one frame.

    `border` is the length of the shorter of two parallel straight lines on both sides of the face, as a share of the square that is
    searched (4.4 face widths); 0 when there are none. A screen shows 0.3 to 0.8, but so does a narrow door. `digest` is equal only for
    equal pixels.
    """

    border: float
    digest: bytes


def look(picture: Picture, landmarks: Points, crops: Crops) -> PresentationSigns:
    """The signs of the face with these landmarks in `picture` (height x width x 3, BGR), whose `crops` were cut by `liveness.crops`.

    Raises ValueError for landmarks that all lie on one point.
    """
    return PresentationSigns(border=_border(picture, landmarks), digest=blake2b(crops.tobytes(), digest_size=DIGEST_BYTES).digest())


def _border(picture: Picture, landmarks: Points) -> float:
    edges = cv2.Canny(cv2.GaussianBlur(_surroundings(picture, landmarks), (0, 0), 1.0), EDGE_LOW, EDGE_HIGH)
    found = cv2.HoughLinesP(edges, 1, np.pi / 180, MIN_VOTES, minLineLength=MIN_LENGTH, maxLineGap=MAX_GAP)
    lines = np.empty((0, 4)) if found is None else found.reshape(-1, 4).astype(np.float64)
    across, down = lines[:, 2] - lines[:, 0], lines[:, 3] - lines[:, 1]
    steep = np.abs(across) < MAX_SLOPE * np.abs(down)
    return _longest_pair(lines[steep], across[steep], down[steep]) / SIDE


def _longest_pair(lines: Lines, across: NDArray[np.float64], down: NDArray[np.float64]) -> float:
    """Length in pixels of the shorter line of the best parallel pair on both sides of the face."""
    place = lines[:, 0] + across * (SIDE / 2 - lines[:, 1]) / down - SIDE / 2  # at the height of the face's middle
    lengths, angles = np.hypot(across, down), np.degrees(np.arctan(across / down))
    left, right = place < -FACE_HALF, place > FACE_HALF
    parallel = np.abs(angles[left][:, None] - angles[right]) < PARALLEL_DEG
    pairs = np.where(parallel, np.minimum(lengths[left][:, None], lengths[right]), 0.0)
    return float(pairs.max(initial=0.0))


def _surroundings(picture: Picture, landmarks: Points) -> Picture:
    """The square about the face in grey, uint8 (SIDE, SIDE); beyond the picture its edge goes on.

    Placed by the landmarks: a box is less steady, and a border that comes and goes with it would turn verdicts.
    """
    middle = landmarks.mean(axis=0)
    size = SIZE_OF_SPREAD * float(np.sqrt(np.sum((landmarks - middle) ** 2, axis=1).mean()))
    if not size > 0:
        raise ValueError("the landmarks of this face all lie on one point")
    scale = SIDE / (2 * REACH * size)
    x, y = float(middle[0]), float(middle[1]) - ABOVE * size
    matrix = np.array([[scale, 0, SIDE / 2 - scale * x], [0, scale, SIDE / 2 - scale * y]])
    square = cv2.warpAffine(picture, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    grey: Picture = cv2.cvtColor(square, cv2.COLOR_BGR2GRAY)
    return grey
