"""Made attacks: a real picture of a face, or a real clip, shown inside a phone-like border that is tilted and moved before a background.

A made scene is a drawing, not a field attack. What it has: perspective, a dark border with round corners and a bright rim, a hand's tremor,
the grid, glow, tint and reflection of a screen, blur, grain and JPEG of a camera. What it lacks: real panels, real paper, real hands, real
light falling on all of them, masks. A rate measured on it says nothing about people who want to get through.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.results import Box, Picture

SCREEN = (240, 480)  # pixels of the drawn phone's screen, width and height
BORDER = (14, 34)  # at its sides, and above and below
RIM = 3
FACE_DOWN = 0.42  # of the screen's height, the middle of the face
FACE_OF_SCREEN = (0.45, 0.8)  # width of the face over that of the screen


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """Where the phone is: degrees of yaw, pitch and roll, its middle and its width in pixels of the scene."""

    turn: tuple[float, float, float]
    centre: tuple[float, float]
    width: float


def scene(
    faces: Sequence[tuple[Picture, Box]], background: Picture, seed: int, frames: int = 8
) -> Iterator[tuple[Picture, tuple[float, float]]]:
    """Frames like `background` (uint8, height x width x 3) with a phone that shows `faces` in turn, each a picture and its face's box;
    with each, the place (x, y) of the shown face's middle.

    One face is a photograph, several are a clip. The same seed gives the same scene.
    """
    random = np.random.default_rng(seed)
    share = random.uniform(*FACE_OF_SCREEN)
    look = _Look(random)
    motion = _motion(random, background.shape[:2], share)
    quality = int(random.integers(80, 97))
    for number in range(frames):
        picture, box = faces[number % len(faces)]
        phone, cover = _phone(look.shown(_screen(picture, box, share)))
        moment = motion(number)
        frame = _placed(phone, cover, background, moment)
        x, y = _projected(np.array([[0.0, FACE_DOWN - 0.5]]) * SCREEN / SCREEN[0], moment.turn)[0] * moment.width + moment.centre
        yield _recorded(frame, random, quality), (float(x), float(y))


class _Look:
    """How one screen shows a picture: brightness, contrast, tint, grid and a reflection."""

    def __init__(self, random: np.random.Generator) -> None:
        width, height = SCREEN
        x, y = np.meshgrid(np.arange(width), np.arange(height))
        self._gain = random.uniform(0.8, 1.25)
        self._gamma = random.uniform(0.8, 1.2)
        self._tint = random.uniform([1.0, 0.95, 0.88], [1.12, 1.02, 1.0])
        pitch, depth = random.uniform(2.0, 4.0), random.uniform(0.0, 0.12)
        self._grid = 1 + depth * np.sin(2 * np.pi * x / pitch) * np.sin(2 * np.pi * y / pitch)
        place, slope, strength = random.uniform(0, width), random.uniform(-0.5, 0.5), random.uniform(0, 35)
        self._reflection = strength * np.exp(-(((x - place - slope * y) / 60) ** 2))

    def shown(self, picture: Picture) -> Picture:
        light = 255 * (picture / 255) ** self._gamma * self._gain * self._grid[..., None] * self._tint
        return np.clip(light + self._reflection[..., None], 0, 255).astype(np.uint8)


def _screen(picture: Picture, box: Box, share: float) -> Picture:
    """The face in the upper middle of the screen, at `share` of its width; the picture's own edge is stretched where it ends."""
    width, height = SCREEN
    scale = share * width / box.width
    x, y = box.centre
    matrix = np.array([[scale, 0, width / 2 - scale * x], [0, scale, FACE_DOWN * height - scale * y]])
    shown: Picture = cv2.warpAffine(picture, matrix, SCREEN, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return shown


def _phone(screen: Picture) -> tuple[Picture, NDArray[np.float32]]:
    """The screen inside its border, and where that is, 0 to 1."""
    side, end = BORDER
    phone = cv2.copyMakeBorder(screen, end, end, side, side, cv2.BORDER_CONSTANT, value=(18, 16, 15))
    height, width = phone.shape[:2]
    cover = np.zeros((height, width), np.float32)
    corner = 30
    cv2.rectangle(cover, (corner, 0), (width - corner, height), 1.0, -1)
    cv2.rectangle(cover, (0, corner), (width, height - corner), 1.0, -1)
    for x, y in ((corner, corner), (width - corner, corner), (corner, height - corner), (width - corner, height - corner)):
        cv2.circle(cover, (x, y), corner, 1.0, -1)
    inner = cv2.erode(cover, np.ones((2 * RIM + 1, 2 * RIM + 1)), borderValue=0)
    phone[inner < 0.5] = (120, 122, 125)
    return phone, cover


def _motion(random: np.random.Generator, size: tuple[int, int], share: float) -> Callable[[int], Motion]:
    """Where the phone is in each frame, by number."""
    height, width = size
    face = random.uniform(62, 120) * height / 480  # width of the face in the scene
    start = np.array([*random.uniform([-22, -18, -15], [22, 18, 15])])
    swing, speed, phase = random.uniform(1, 6, 3), random.uniform(0.1, 0.5, 3), random.uniform(0, 6.3, 3)
    middle = np.array([random.uniform(0.35, 0.65) * width, random.uniform(0.48, 0.62) * height])
    drift = random.uniform(-3, 3, 2)

    def at(number: int) -> Motion:
        turn = start + swing * np.sin(speed * number + phase) + random.normal(0, 0.4, 3)
        centre = middle + drift * number + random.normal(0, 0.8, 2)
        return Motion(turn=tuple(turn), centre=tuple(centre), width=face / share)

    return at


def _placed(phone: Picture, cover: NDArray[np.float32], background: Picture, motion: Motion) -> Picture:
    height, width = phone.shape[:2]
    corners = np.array([[-width / 2, -height / 2], [width / 2, -height / 2], [width / 2, height / 2], [-width / 2, height / 2]])
    seen = _projected(corners / SCREEN[0], motion.turn) * motion.width + motion.centre
    source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, seen.astype(np.float32))
    size = (background.shape[1], background.shape[0])
    soft = cv2.GaussianBlur(phone, (0, 0), max(0.4, 0.35 * SCREEN[0] / motion.width))
    drawn = cv2.warpPerspective(soft, matrix, size, flags=cv2.INTER_LINEAR)
    opaque = cv2.warpPerspective(cover, matrix, size, flags=cv2.INTER_LINEAR)[..., None]
    return (drawn * opaque + background * (1 - opaque)).astype(np.uint8)


def _projected(points: NDArray[np.float64], turn: tuple[float, float, float]) -> NDArray[np.float64]:
    """Points of a plane (N, 2) after yaw, pitch and roll, seen by a camera four widths away."""
    yaw, pitch, roll = np.radians(turn)
    around_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    around_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    around_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    solid = np.column_stack([points, np.zeros(len(points))]) @ (around_z @ around_x @ around_y).T
    projected: NDArray[np.float64] = solid[:, :2] / (1 + solid[:, 2:] / 4)
    return projected


def _recorded(frame: Picture, random: np.random.Generator, quality: int) -> Picture:
    """What a camera makes of it: grain and JPEG."""
    grainy = np.clip(frame + 2 * random.standard_normal(frame.shape, np.float32), 0, 255).astype(np.uint8)
    _, coded = cv2.imencode(".jpg", grainy, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(coded, cv2.IMREAD_COLOR)
