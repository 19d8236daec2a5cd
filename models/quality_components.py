"""The components of face image quality as ISO/IEC 29794-5 names them, each 0 (worst) to 100 (best), or -1 when it was not computed.

`quality.measure` takes the native measures and `quality.problems` decides what may be used; here they are put on the standard's
scale, joined by what five landmarks and the aligned chip can tell beyond them, and each reason code names its components.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

from models.align import chip
from models.quality import CHIP_FACE, WINDOW, QualityLimits, crop_margins, problems
from models.quality_cover import look_for_cover, unnatural
from models.results import Face, Picture, Quality

NOT_COMPUTED = -1


class Component(StrEnum):
    """Names of the standard in snake case. Those after `FACE_OCCLUSION_PREVENTION` need networks that this package does not have."""

    ILLUMINATION_UNIFORMITY = "illumination_uniformity"
    LUMINANCE_MEAN = "luminance_mean"
    LUMINANCE_VARIANCE = "luminance_variance"
    UNDER_EXPOSURE_PREVENTION = "under_exposure_prevention"
    OVER_EXPOSURE_PREVENTION = "over_exposure_prevention"
    DYNAMIC_RANGE = "dynamic_range"
    SHARPNESS = "sharpness"
    NATURAL_COLOUR = "natural_colour"
    INTER_EYE_DISTANCE = "inter_eye_distance"
    HEAD_SIZE = "head_size"
    LEFTWARD_CROP = "leftward_crop_of_the_face_image"
    RIGHTWARD_CROP = "rightward_crop_of_the_face_image"
    MARGIN_ABOVE = "margin_above_of_the_face_image"
    MARGIN_BELOW = "margin_below_of_the_face_image"
    HEAD_POSE_YAW = "head_pose_yaw"
    HEAD_POSE_PITCH = "head_pose_pitch"
    HEAD_POSE_ROLL = "head_pose_roll"
    EYES_VISIBLE = "eyes_visible"
    MOUTH_OCCLUSION_PREVENTION = "mouth_occlusion_prevention"
    FACE_OCCLUSION_PREVENTION = "face_occlusion_prevention"
    BACKGROUND_UNIFORMITY = "background_uniformity"
    COMPRESSION_ARTIFACTS = "compression_artifacts"
    SINGLE_FACE_PRESENT = "single_face_present"
    EYES_OPEN = "eyes_open"
    MOUTH_CLOSED = "mouth_closed"
    EXPRESSION_NEUTRALITY = "expression_neutrality"
    NO_HEAD_COVERINGS = "no_head_coverings"


APPROXIMATED = frozenset(
    {
        Component.SHARPNESS,  # a ratio of two bands of detail instead of a trained forest
        Component.HEAD_SIZE,  # the detector's box instead of chin and crown
        Component.LEFTWARD_CROP,  # room around the chip's square, as for the other three margins
        Component.RIGHTWARD_CROP,
        Component.MARGIN_ABOVE,
        Component.MARGIN_BELOW,
        Component.HEAD_POSE_YAW,  # five points and a mean face, right to about ten degrees
        Component.HEAD_POSE_PITCH,
        Component.HEAD_POSE_ROLL,
        Component.EYES_VISIBLE,  # by colour: see `quality_cover`
        Component.MOUTH_OCCLUSION_PREVENTION,
        Component.FACE_OCCLUSION_PREVENTION,
    }
)
"""Measured by other means than the standard's, or on other scales; their values cannot be held against those of another product."""

COMPONENTS_OF: Mapping[str, tuple[Component, ...]] = MappingProxyType(
    {
        "blurred": (Component.SHARPNESS,),
        "too_dark": (Component.LUMINANCE_MEAN, Component.UNDER_EXPOSURE_PREVENTION),
        "too_bright": (Component.LUMINANCE_MEAN, Component.OVER_EXPOSURE_PREVENTION),
        "flat_light": (Component.DYNAMIC_RANGE,),
        "uneven_light": (Component.ILLUMINATION_UNIFORMITY,),
        "face_too_small": (Component.INTER_EYE_DISTANCE, Component.HEAD_SIZE),
        "turned_away": (Component.HEAD_POSE_YAW, Component.HEAD_POSE_PITCH),
        "tilted": (Component.HEAD_POSE_ROLL,),
        "cut_off": (Component.LEFTWARD_CROP, Component.RIGHTWARD_CROP, Component.MARGIN_ABOVE, Component.MARGIN_BELOW),
        "eyes_covered": (Component.EYES_VISIBLE,),
        "mouth_covered": (Component.MOUTH_OCCLUSION_PREVENTION,),
        "face_covered": (Component.FACE_OCCLUSION_PREVENTION,),
        "doubtful_face": (),  # the detector's score and the camera's grain have no component in the standard
        "noisy": (),
    }
)
"""Which components a reason code speaks of."""

HINTS_BELOW: Mapping[str, int] = MappingProxyType(
    {
        "uneven_light": 65,  # the halves share less than a quarter of their histograms; window and demonstration faces: 67 and more
        "eyes_covered": 45,  # painted dark glasses give 25 to 35, bare eyes 58 and more
        "mouth_covered": 20,  # painted masks give 0, bare mouths 23 and more, even in a profile
        "face_covered": 51,  # painted masks give 28 to 49, bare faces 53 and more, even under coloured stage light
    }
)
"""Codes beyond those of `quality.problems`, with the value below which they are given. They are hints and bar nothing from use."""

# Where a value is 50 and how fast it changes around it; a sigmoid is at 5 and 95 three widths away.
SHARPNESS_MIDDLE, SHARPNESS_WIDTH = WINDOW.sharpness, 0.04  # below the limit more than half of the detail that is in focus has gone
DARK_MIDDLE, BRIGHT_MIDDLE, LIGHT_WIDTH = 0.2, 0.8, 0.05  # the standard's
EYES_MIDDLE, EYES_WIDTH = 24.0, 5.0  # pixels; the standard's 70 is for passports, this embedder is at its best from 40 and lost at 16
HEAD_SMALL, HEAD_SMALL_WIDTH = 0.08, 0.015  # of the picture's height: a face of 40 pixels in a window's 480
HEAD_LARGE, HEAD_LARGE_WIDTH = 0.9, 0.03  # nearer, something of it is always cut off
CROP_MIDDLE, CROP_WIDTH = WINDOW.crop_margin, 0.05
HISTOGRAM_BINS = 32
UNIFORMITY_EXPONENT = 0.3  # the standard's
COLOUR_WIDTH = 10.0  # in CIELAB, the standard's
VARIANCE_GAIN = 60.0  # the standard's

# What comparison suffers from, and how much: exponents of the unified score. Variance and colour are left out, because the embedder
# hardly sees them.
UNIFIED_WEIGHTS: Mapping[Component, float] = MappingProxyType(
    {
        Component.SHARPNESS: 3,
        Component.INTER_EYE_DISTANCE: 3,
        Component.HEAD_POSE_YAW: 3,
        Component.HEAD_POSE_PITCH: 2,
        Component.FACE_OCCLUSION_PREVENTION: 2,
        Component.LUMINANCE_MEAN: 1,
        Component.UNDER_EXPOSURE_PREVENTION: 1,
        Component.OVER_EXPOSURE_PREVENTION: 1,
        Component.DYNAMIC_RANGE: 1,
        Component.ILLUMINATION_UNIFORMITY: 1,
        Component.HEAD_POSE_ROLL: 1,
        Component.LEFTWARD_CROP: 1,
        Component.RIGHTWARD_CROP: 1,
        Component.MARGIN_ABOVE: 1,
        Component.MARGIN_BELOW: 1,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """Every component's value, 0 to 100 or -1, and the unified score, 0 to 100.

    `reasons` are codes of what is wrong, worst for comparison first: those of `quality.problems`, then those of `HINTS_BELOW`.
    """

    unified: int
    components: Mapping[Component, int]
    reasons: tuple[str, ...]


def assess(picture: Picture, face: Face, native: Quality, limits: QualityLimits = WINDOW, aligned: Picture | None = None) -> Assessment:
    """Put the measures `native` of `face` in `picture` (height x width x 3, BGR) on the standard's scale.

    `aligned` is the face's chip where the caller has it.
    In a picture without colour what covers a face and its natural colour are not computed. Decides nothing: `quality.problems` does.
    """
    lab = cv2.cvtColor(chip(picture, face.landmarks) if aligned is None else aligned, cv2.COLOR_BGR2Lab)
    values = {**dict.fromkeys(Component, NOT_COMPUTED), **_native(native), **_margins(picture, face), **_of_chip(lab)}
    hints = (code for code, floor in HINTS_BELOW.items() if any(0 <= values[part] < floor for part in COMPONENTS_OF[code]))
    return Assessment(unified=_unified(values), components=MappingProxyType(values), reasons=(*problems(native, limits), *hints))


def _native(native: Quality) -> dict[Component, int]:
    spread = VARIANCE_GAIN * native.luminance_variance
    shares: dict[Component, float] = {
        Component.LUMINANCE_MEAN: _rise(native.luminance_mean, DARK_MIDDLE, LIGHT_WIDTH)
        * _fall(native.luminance_mean, BRIGHT_MIDDLE, LIGHT_WIDTH),
        Component.LUMINANCE_VARIANCE: float(np.sin(np.pi * spread / (spread + 1))),
        Component.UNDER_EXPOSURE_PREVENTION: 1 - native.under_exposure,
        Component.OVER_EXPOSURE_PREVENTION: 1 - native.over_exposure,
        Component.DYNAMIC_RANGE: native.dynamic_range / 8,
        Component.SHARPNESS: _rise(native.sharpness, SHARPNESS_MIDDLE, SHARPNESS_WIDTH),
        Component.INTER_EYE_DISTANCE: _rise(native.inter_eye_distance, EYES_MIDDLE, EYES_WIDTH),
        Component.HEAD_SIZE: _rise(native.head_size, HEAD_SMALL, HEAD_SMALL_WIDTH) * _fall(native.head_size, HEAD_LARGE, HEAD_LARGE_WIDTH),
        Component.HEAD_POSE_YAW: _facing(native.yaw),
        Component.HEAD_POSE_PITCH: _facing(native.pitch),
        Component.HEAD_POSE_ROLL: _facing(native.roll),
    }
    return {component: _value(share) for component, share in shares.items()}


def _margins(picture: Picture, face: Face) -> dict[Component, int]:
    names = (Component.LEFTWARD_CROP, Component.RIGHTWARD_CROP, Component.MARGIN_ABOVE, Component.MARGIN_BELOW)
    rooms = crop_margins(picture, face.landmarks)
    return {name: _value(_rise(room, CROP_MIDDLE, CROP_WIDTH)) for name, room in zip(names, rooms, strict=True)}


def _of_chip(lab: NDArray[np.uint8]) -> dict[Component, int]:
    face = lab[CHIP_FACE]
    uniformity = {Component.ILLUMINATION_UNIFORMITY: _value(_uniformity(face[:, :, 0]))}
    cover = look_for_cover(lab)
    if cover is None:
        return uniformity
    return uniformity | {
        Component.NATURAL_COLOUR: _value(_natural(face)),
        Component.EYES_VISIBLE: _value(1 - cover.eyes),
        Component.MOUTH_OCCLUSION_PREVENTION: _value(1 - cover.mouth),
        Component.FACE_OCCLUSION_PREVENTION: _value(1 - cover.face),
    }


def _uniformity(lightness: NDArray[np.uint8]) -> float:
    """What the histograms of the left and the right half share."""
    half = lightness.shape[1] // 2
    left, right = (_histogram(part) for part in (lightness[:, :half], lightness[:, -half:]))
    return float(np.minimum(left, right).sum() ** UNIFORMITY_EXPONENT)


def _histogram(lightness: NDArray[np.uint8]) -> NDArray[np.float64]:
    counts = np.bincount(lightness.ravel() // (256 // HISTOGRAM_BINS), minlength=HISTOGRAM_BINS)
    shares: NDArray[np.float64] = counts / lightness.size
    return shares


def _natural(face: NDArray[np.uint8]) -> float:
    _, a, b = (mean - 128 for mean in cv2.mean(face)[:3])
    return 2 * _fall(unnatural(a, b), 0.0, COLOUR_WIDTH)


def _unified(values: Mapping[Component, int]) -> int:
    """Weighted geometric mean: one ruined component ruins the whole, and each lowers it alone."""
    known = {component: weight for component, weight in UNIFIED_WEIGHTS.items() if values[component] != NOT_COMPUTED}
    logarithms = [weight * np.log(max(values[component], 1)) for component, weight in known.items()]
    return round(float(np.exp(sum(logarithms) / sum(known.values()))))


def _rise(value: float, middle: float, width: float) -> float:
    return float((1 + np.tanh((value - middle) / (2 * width))) / 2)  # a sigmoid that cannot overflow


def _fall(value: float, middle: float, width: float) -> float:
    return 1 - _rise(value, middle, width)


def _facing(degrees: float) -> float:
    return float(max(0.0, np.cos(np.radians(degrees))) ** 2)


def _value(share: float) -> int:
    return round(100 * float(np.clip(share, 0, 1)))
