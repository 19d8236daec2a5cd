"""Which way a head is turned, from five landmarks."""

import numpy as np
from numpy.typing import NDArray

from models.results import Points

# A mean adult face in millimetres from its nose tip: x to the viewer's right, y down, z away from the camera.
# Order as in `Face.landmarks`. Widths and heights are those of the alignment template at 63 mm between the eyes; depths are rounded
# averages.
MEAN_FACE = np.array([[-31.5, -36, 33], [31.5, -36, 33], [0, 0, 0], [-26, 37, 25], [26, 37, 25]], np.float64)
EYES_APART_MM = 63.0

_CENTRED = MEAN_FACE - MEAN_FACE.mean(axis=0)
_FIT = np.linalg.pinv(_CENTRED)


def head_pose(landmarks: Points) -> tuple[float, float, float, float]:
    """Yaw, pitch and roll in degrees and the distance of the eyes in pixels as if the head faced the camera.

    Fits the mean face under weak perspective. Yaw is positive when the nose points to the viewer's right, pitch when the face looks down,
    roll when the head tilts clockwise as seen. Landmarks that all fall on one point give zeros.
    """
    points = np.asarray(landmarks, np.float64)
    rows = (_FIT @ (points - points.mean(axis=0))).T  # 2 x 3: pixels a millimetre along x and y
    scale = float(np.linalg.norm(rows, axis=1).mean())
    if scale <= 0:
        return 0.0, 0.0, 0.0, 0.0
    yaw, pitch, roll = _angles(_nearest_rotation(rows))
    return yaw, pitch, roll, scale * EYES_APART_MM


def _nearest_rotation(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    left, _, right = np.linalg.svd(rows, full_matrices=False)
    first, second = left @ right
    return np.stack([first, second, np.cross(first, second)])


def _angles(rotation: NDArray[np.float64]) -> tuple[float, float, float]:
    nose = -rotation[:, 2]  # the face looks along -z
    yaw = np.arctan2(nose[0], -nose[2])
    pitch = np.arcsin(np.clip(nose[1], -1, 1))
    across = rotation[:, 0]
    roll = np.arctan2(across[1], across[0])
    return float(np.degrees(yaw)), float(np.degrees(pitch)), float(np.degrees(roll))
