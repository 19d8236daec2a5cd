"""Judge how well one face can be compared, before anything is concluded from it."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.align import CHIP_SIDE, TEMPLATE, chip, similarity_transform
from models.pose import head_pose
from models.results import Box, Face, Picture, Points, Quality

NEARLY_BLACK = 25  # of 255
NEARLY_WHITE = 247
# From here on more of it makes a face no more telling; an open face scores 0.86 and more, a half covered one 0.5 to 0.8.
WORTHLESS_SCORE, CERTAIN_SCORE = 0.5, 0.85
AMPLE_INTER_EYE_DISTANCE = 40.0
WORTHLESS_SHARPNESS, AMPLE_SHARPNESS = 0.4, 0.6
FINE_BAND, COARSE_BAND = (1.0, 2.5), (2.0, 5.0)  # standard deviations of blur in chip pixels
GRAIN = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
CHIP_FACE = (slice(20, 108), slice(20, 92))  # rows and columns of the aligned chip that show face, not background


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityLimits:
    """What a face must reach to be used. The defaults are for one frame of a window's camera; a range is (lowest, highest)."""

    score: float = 0.7
    sharpness: float = 0.46
    noise: float = 8.0
    luminance_mean: tuple[float, float] = (0.12, 0.9)
    under_exposure: float = 0.6
    over_exposure: float = 0.35
    dynamic_range: float = 5.0
    inter_eye_distance: float = 16.0
    yaw: float = 35.0
    pitch: float = 30.0
    roll: float = 30.0
    crop_margin: float = -0.15


WINDOW = QualityLimits()
ENROLMENT = QualityLimits(score=0.8, sharpness=0.49, noise=6.0, inter_eye_distance=24.0, yaw=30.0, pitch=25.0, roll=25.0, crop_margin=-0.1)


def measure(picture: Picture, face: Face, aligned: Picture | None = None) -> Quality:
    """The quality of `face` in `picture` (height x width x 3, BGR); `aligned` is its chip where the caller has it.

    Light and sharpness are taken from the aligned chip, so they do not depend on the size or tilt of the face; pose is a weak-perspective
    fit to a mean face and right to about ten degrees. Does not see what covers a face, other than through the detector's score.
    """
    whole = cv2.cvtColor(chip(picture, face.landmarks) if aligned is None else aligned, cv2.COLOR_BGR2GRAY)
    grey = whole[CHIP_FACE]
    light = grey.astype(np.float32) / 255
    yaw, pitch, roll, inter_eye_distance = head_pose(face.landmarks)
    sharpness = _sharpness(grey)
    return Quality(
        score=face.score,
        sharpness=sharpness,
        noise=_noise(picture, face.box),
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
        crop_margin=min(crop_margins(picture, face.landmarks)),
        weight=_weight(face.score, sharpness, inter_eye_distance, yaw, pitch),
    )


def problems(quality: Quality, limits: QualityLimits = WINDOW) -> tuple[str, ...]:
    """Codes of what is wrong with a face, empty when it can be used.

    Codes: doubtful_face, blurred, noisy, too_dark, too_bright, flat_light, face_too_small, turned_away, tilted, cut_off.
    """
    darkest, brightest = limits.luminance_mean
    found = {
        "doubtful_face": quality.score < limits.score,
        "face_too_small": quality.inter_eye_distance < limits.inter_eye_distance,
        "blurred": quality.sharpness < limits.sharpness,
        "noisy": quality.noise > limits.noise,
        "too_dark": quality.luminance_mean < darkest or quality.under_exposure > limits.under_exposure,
        "too_bright": quality.luminance_mean > brightest or quality.over_exposure > limits.over_exposure,
        "flat_light": quality.dynamic_range < limits.dynamic_range,
        "turned_away": abs(quality.yaw) > limits.yaw or abs(quality.pitch) > limits.pitch,
        "tilted": abs(quality.roll) > limits.roll,
        "cut_off": quality.crop_margin < limits.crop_margin,
    }
    return tuple(code for code, wrong in found.items() if wrong)


def crop_margins(picture: Picture, landmarks: Points) -> tuple[float, float, float, float]:
    """Room at the left, right, above and below between the square that becomes the chip and the picture's edge, in sides of the square.

    Negative where the square reaches beyond. Unlike the detector's box it does not shrink with what can be seen.
    """
    height, width = picture.shape[:2]
    matrix = similarity_transform(TEMPLATE, landmarks)
    square = np.array([[0, 0], [CHIP_SIDE, 0], [CHIP_SIDE, CHIP_SIDE], [0, CHIP_SIDE]]) @ matrix[:, :2].T + matrix[:, 2]
    (left, above), (right, below) = square.min(axis=0), np.array([width, height]) - square.max(axis=0)
    side = CHIP_SIDE * np.hypot(*matrix[:, 0])
    return float(left / side), float(right / side), float(above / side), float(below / side)


def _sharpness(grey: NDArray[np.uint8]) -> float:
    """Fine over coarse detail, along the axis that has less of it: motion blurs only one. A ratio, so contrast and light cancel out."""
    values = grey.astype(np.float32)
    return min(_fine_over_coarse(values, horizontal) for horizontal in (True, False))


def _fine_over_coarse(values: NDArray[np.float32], horizontal: bool) -> float:
    coarse = float(_band(values, *COARSE_BAND, horizontal).std())
    return float(_band(values, *FINE_BAND, horizontal).std()) / coarse if coarse > 0 else 0.0


def _band(values: NDArray[np.float32], narrow: float, wide: float, horizontal: bool) -> NDArray[np.float32]:
    """What a blur of `wide` takes away beyond one of `narrow` (standard deviations in chip pixels), along one axis."""
    blurred = []
    for deviation in (narrow, wide):
        kernel, still = cv2.getGaussianKernel(int(6 * deviation) | 1, deviation), np.ones(1)
        blurred.append(cv2.sepFilter2D(values, cv2.CV_32F, *((kernel, still) if horizontal else (still, kernel))))
    return np.asarray(blurred[0] - blurred[1])


def _noise(picture: Picture, box: Box) -> float:
    """Standard deviation of grain in grey levels after Immerkær: a mask blind to brightness, slopes and straight edges."""
    left, top = max(0, round(box.x0)), max(0, round(box.y0))
    region = picture[top : max(0, round(box.y1)), left : max(0, round(box.x1))]
    if min(region.shape[:2]) < GRAIN.shape[0]:
        return 0.0
    grain = cv2.filter2D(cv2.cvtColor(region, cv2.COLOR_BGR2GRAY), cv2.CV_32F, GRAIN)
    return float(np.sqrt(np.pi / 2) / 6 * np.abs(grain[1:-1, 1:-1]).mean())


def _entropy(grey: NDArray[np.uint8]) -> float:
    shares = np.bincount(grey.ravel(), minlength=256) / grey.size
    shares = shares[shares > 0]
    return float(-np.sum(shares * np.log2(shares)))


def _weight(score: float, sharpness: float, inter_eye_distance: float, yaw: float, pitch: float) -> float:
    certain = np.clip((score - WORTHLESS_SCORE) / (CERTAIN_SCORE - WORTHLESS_SCORE), 0, 1)
    sharp = np.clip((sharpness - WORTHLESS_SHARPNESS) / (AMPLE_SHARPNESS - WORTHLESS_SHARPNESS), 0, 1)
    facing = np.cos(np.radians(min(90.0, np.hypot(yaw, pitch)))) ** 2
    return float(certain * sharp * facing * min(1.0, inter_eye_distance / AMPLE_INTER_EYE_DISTANCE))
