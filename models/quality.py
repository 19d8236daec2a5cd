"""Judge how well one face can be compared, before anything is concluded from it."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.align import chip
from models.pose import head_pose
from models.results import Box, Face, Picture, Quality

NEARLY_BLACK = 25  # of 255
NEARLY_WHITE = 247
CHIP_FACE = (slice(20, 108), slice(20, 92))  # rows and columns of the aligned chip that show face, not background


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityLimits:
    """What a face must reach to be used. The defaults are for one frame of a window's camera; a range is (lowest, highest)."""

    score: float = 0.6
    sharpness: float = 0.01
    luminance_mean: tuple[float, float] = (0.12, 0.9)
    under_exposure: float = 0.6
    over_exposure: float = 0.4
    dynamic_range: float = 4.0
    inter_eye_distance: float = 18.0
    yaw: float = 40.0
    pitch: float = 35.0
    roll: float = 40.0
    crop_margin: float = -0.1


WINDOW = QualityLimits()
ENROLMENT = QualityLimits(score=0.7, inter_eye_distance=24.0, yaw=30.0, pitch=30.0, roll=30.0, crop_margin=-0.05)


def measure(picture: Picture, face: Face) -> Quality:
    """The quality of `face` in `picture` (height x width x 3, BGR).

    Light and sharpness are taken from the aligned chip, so they do not depend on the size or tilt of the face; pose is a weak-perspective
    fit to a mean face and right to about ten degrees. Does not see what covers a face, other than through the detector's score.
    """
    aligned = cv2.cvtColor(chip(picture, face.landmarks), cv2.COLOR_BGR2GRAY)
    grey = aligned[CHIP_FACE]
    light = grey.astype(np.float32) / 255
    yaw, pitch, roll, inter_eye_distance = head_pose(face.landmarks)
    sharpness = _sharpness(grey)
    return Quality(
        score=face.score,
        sharpness=sharpness,
        luminance_mean=float(light.mean()),
        luminance_variance=float(light.var()),
        under_exposure=float(np.mean(grey <= NEARLY_BLACK)),
        over_exposure=float(np.mean(grey >= NEARLY_WHITE)),
        dynamic_range=_entropy(grey),
        inter_eye_distance=inter_eye_distance,
        head_size=face.box.height / picture.shape[0],
        yaw=yaw,
        pitch=pitch,
        roll=roll,
        crop_margin=_crop_margin(face.box, picture),
        weight=_weight(face.score, sharpness, inter_eye_distance, yaw, pitch),
    )


def problems(quality: Quality, limits: QualityLimits = WINDOW) -> tuple[str, ...]:
    """Codes of what is wrong with a face, empty when it can be used.

    Codes: doubtful_face, blurred, too_dark, too_bright, flat_light, face_too_small, turned_away, tilted, cut_off.
    """
    darkest, brightest = limits.luminance_mean
    found = {
        "doubtful_face": quality.score < limits.score,
        "face_too_small": quality.inter_eye_distance < limits.inter_eye_distance,
        "blurred": quality.sharpness < limits.sharpness,
        "too_dark": quality.luminance_mean < darkest or quality.under_exposure > limits.under_exposure,
        "too_bright": quality.luminance_mean > brightest or quality.over_exposure > limits.over_exposure,
        "flat_light": quality.dynamic_range < limits.dynamic_range,
        "turned_away": abs(quality.yaw) > limits.yaw or abs(quality.pitch) > limits.pitch,
        "tilted": abs(quality.roll) > limits.roll,
        "cut_off": quality.crop_margin < limits.crop_margin,
    }
    return tuple(code for code, wrong in found.items() if wrong)


def _sharpness(grey: NDArray[np.uint8]) -> float:
    variance = float(grey.var())
    return float(cv2.Laplacian(grey, cv2.CV_32F).var()) / variance if variance > 1 else 0.0


def _entropy(grey: NDArray[np.uint8]) -> float:
    shares = np.bincount(grey.ravel(), minlength=256) / grey.size
    shares = shares[shares > 0]
    return float(-np.sum(shares * np.log2(shares)))


def _crop_margin(box: Box, picture: Picture) -> float:
    height, width = picture.shape[:2]
    return min(box.x0, box.y0, width - box.x1, height - box.y1) / box.width if box.width > 0 else -1.0


def _weight(score: float, sharpness: float, inter_eye_distance: float, yaw: float, pitch: float) -> float:
    facing = float(np.cos(np.radians(min(90.0, np.hypot(yaw, pitch)))))
    return float(np.clip(score, 0, 1)) * facing**2 * min(1.0, inter_eye_distance / 40) * min(1.0, sharpness / 0.1)
