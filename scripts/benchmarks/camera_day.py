"""A day before a camera in simulated time: daylight, lamps, grain, people far and near. Every alarm in it is a false one."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.camera.view import View
from edge_agent.sections.view import ViewLimits
from models.results import Picture

LOOK_S = (
    0.9  # between looks; the agent looks six times as often, and what holds for one look of these would have to hold for six of its own
)
SIZE = (320, 240)  # of the pictures, so that a day passes in some minutes
MINUTE_S = 60.0
DAY_MINUTES = 24 * 60
DAWN_H, DUSK_H, LAMPS_ON_H, LAMPS_OFF_H = 6.0, 19.0, 17.5, 7.5
LAMP = 0.45  # of full daylight
PERSON_LEVELS = 25  # difference from the empty view from which a pixel belongs to the person
NEAR = (1.6, 2.2, 2.8)  # how much larger a person is who leans to the camera
GRAIN_PICTURES = 9

Float = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stage:
    """One camera's empty view and the moments of a person before it, each with a mask of the person (0 to 1)."""

    name: str
    empty: Picture
    moments: tuple[tuple[Picture, Float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What a simulated day gave: hours, looks, and alarms by cause."""

    stage: str
    hours: float
    looks: int
    alarms: Counter[str]


def stage(name: str, frames: Sequence[Picture]) -> Stage:
    """The empty view is the median of a clip; what differs from it is the person. Pictures are made SIZE large."""
    frames = [np.asarray(cv2.resize(frame, SIZE, interpolation=cv2.INTER_AREA)) for frame in frames]
    empty = np.median(np.stack(frames[:: max(1, len(frames) // 25)]), axis=0).astype(np.uint8)
    return Stage(name=name, empty=empty, moments=tuple((frame, _person(frame, empty)) for frame in frames))


def live(one: Stage, hours: float, seed: int, limits: ViewLimits) -> Day:
    """Let the watch look at this stage for so many simulated hours, from midnight on, and count what it raises."""
    view, alarms, raised, looks = View(limits), Counter[str](), set[str](), 0
    for mono_s, picture in pictures(one, hours, seed):
        view.look(picture, mono_s)
        now = {fault.code for fault in view.faults}
        alarms.update(now - raised)
        raised, looks = now, looks + 1
    return Day(stage=one.name, hours=hours, looks=looks, alarms=alarms)


def pictures(one: Stage, hours: float, seed: int) -> Iterator[tuple[float, Picture]]:
    """The day's pictures with their seconds. Each minute somebody else is there, or nobody."""
    chance = np.random.default_rng(seed)
    height, width = one.empty.shape[:2]
    window, lamp = _light_from(0.1, 0.2, width, height), _light_from(0.7, 0.0, width, height)
    grains = [chance.normal(0, 1, (height, width, 1)).astype(np.float32) for _ in range(GRAIN_PICTURES)]
    visitor, exposure, minute = 0.0, 1.0, -1
    for number in range(round(hours * 3600 / LOOK_S)):
        mono_s = number * LOOK_S
        if int(mono_s // MINUTE_S) != minute:
            minute = int(mono_s // MINUTE_S)
            visitor, exposure = float(chance.choice((0.0, 1.0, *NEAR), p=(0.4, 0.35, 0.1, 0.1, 0.05))), float(chance.uniform(0.9, 1.1))
        view = _with_person(one, visitor, mono_s)
        hour = mono_s / 3600 % 24
        lit = view * (exposure * (_daylight(hour) * window + LAMP * (hour >= LAMPS_ON_H or hour < LAMPS_OFF_H) * lamp))[..., None]
        grain = np.roll(grains[number % GRAIN_PICTURES], int(chance.integers(height)), axis=0)
        yield mono_s, np.clip(lit + grain * (0.8 + 0.12 * np.sqrt(lit)), 0, 255).astype(np.uint8)


def _with_person(one: Stage, size: float, mono_s: float) -> Float:
    if size == 0:
        return one.empty.astype(np.float32)
    turn = int(mono_s * 30) % (2 * len(one.moments) - 1)
    frame, mask = one.moments[min(turn, 2 * len(one.moments) - 2 - turn)]
    if size == 1:
        return frame.astype(np.float32)
    height, width = mask.shape
    middle = (width / 2 + 12 * np.sin(mono_s / 3), height * 0.45)
    move = np.array([[size, 0, middle[0] * (1 - size)], [0, size, middle[1] * (1 - size)]], np.float32)
    share = cv2.warpAffine(mask, move, (width, height))[..., None]
    return np.asarray(one.empty * (1 - share) + cv2.warpAffine(frame, move, (width, height), flags=cv2.INTER_CUBIC) * share, np.float32)


def _person(frame: Picture, empty: Picture) -> Float:
    differs = (np.abs(frame.astype(np.int16) - empty).max(axis=2) > PERSON_LEVELS).astype(np.uint8)
    whole = cv2.morphologyEx(differs, cv2.MORPH_CLOSE, np.ones((25, 25), np.uint8))
    return np.asarray(cv2.GaussianBlur(whole.astype(np.float32), (5, 5), 0), np.float32)


def _light_from(x: float, y: float, width: int, height: int) -> Float:
    """Light that falls off from one place of the view, 0.7 to 1.15 of its mean."""
    across, down = np.meshgrid(np.linspace(0, 1, width) - x, np.linspace(0, 1, height) - y)
    return np.asarray(1.15 - 0.45 * np.minimum(1, np.hypot(across, down)), np.float32)


def _daylight(hour: float) -> float:
    return float(max(0.0, np.sin(np.pi * (hour - DAWN_H) / (DUSK_H - DAWN_H)))) ** 0.7 if DAWN_H < hour < DUSK_H else 0.0
