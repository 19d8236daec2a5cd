"""Made attacks: a real picture of a face, or a real clip, on a phone's screen, on a printed sheet, or printed and cut out along the head,
tilted and moved before a background.

A made scene is a drawing, not a field attack. What it has: perspective, the border of a phone or the margin and bend of a sheet, a hand's
tremor, the grid, glow, tint and reflection of a screen, the flat colours, grain and shade of a print, blur, grain and JPEG of a camera.
What it lacks: real panels, real paper, real hands, real light falling on all of them, masks with depth. A rate measured on it says nothing
about people who want to get through.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from models.results import Box, Picture

Kind = Literal["screen", "print", "cutout"]
KINDS: tuple[Kind, ...] = get_args(Kind)

SCREEN = (240, 480)  # pixels of the drawn phone's screen, width and height
SHEET = (240, 340)  # of the printed part of a sheet
BORDER = (14, 34)  # at a screen's sides, and above and below
MARGIN = (6, 26)  # of a sheet, least and most
RIM = 3
FACE_DOWN = 0.42  # of the height of what is shown, the middle of the face
FACE_OF_SCREEN = (0.45, 0.8)  # width of the face over that of what is shown
FACE_OF_CUT = (0.5, 0.62)
HEAD_OF_FACE = (0.66, 0.8)  # half width and half height of a cut head over the width and height of the face's box
CUT_ASIDE = (2.0, 7.0)  # paper left around the head, in pixels of the sheet
WORN_OF_FACE = (1.0, 1.3)  # a cut-out held before a face, over the width of that face

Item = tuple[Picture, NDArray[np.float32]]  # what is held up, and where it is, 0 to 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """Where the item is: degrees of yaw, pitch and roll, its middle and the width of what it shows in pixels of the scene."""

    turn: tuple[float, float, float]
    centre: tuple[float, float]
    width: float


def scene(
    faces: Sequence[tuple[Picture, Box]],
    background: Picture,
    seed: int,
    frames: int = 8,
    *,
    every: int = 1,
    kind: Kind = "screen",
    over: Box | None = None,
) -> Iterator[tuple[Picture, tuple[float, float]]]:
    """Frames like `background` (uint8, height x width x 3) with an item that shows `faces` in turn, each a picture and its face's box; with
    each, the place (x, y) of the shown face's middle. Of `frames` moments, which follow one another as those of a window at 6 a second do,
    every `every`-th is drawn.

    One face is a photograph, several are a clip, which only a screen can show: on paper the first face stands still. A cut-out is held
    before the face in `over`, if there is one. The same seed gives the same scene. Raises ValueError for no face or another kind.
    """
    if not faces or kind not in KINDS:
        raise ValueError(f"a scene shows at least one face on one of {', '.join(KINDS)}, not {len(faces)} on {kind!r}")
    random = np.random.default_rng(seed)
    share = random.uniform(*(FACE_OF_CUT if kind == "cutout" else FACE_OF_SCREEN))
    item = _screens(random, faces, share) if kind == "screen" else _paper(random, faces[0], share, cut=kind == "cutout")
    size = SCREEN if kind == "screen" else SHEET
    worn = over if kind == "cutout" else None
    motion = _motion(random, background.shape[:2], share, worn)
    quality = int(random.integers(80, 97))
    for number in range(0, frames, every):
        drawn, cover = item(number)
        moment = motion(number)
        frame = _placed(drawn, cover, background, moment, size[0])
        x, y = _projected(np.array([[0.0, FACE_DOWN - 0.5]]) * size / size[0], moment.turn)[0] * moment.width + moment.centre
        yield _recorded(frame, random, quality), (float(x), float(y))


def _screens(random: np.random.Generator, faces: Sequence[tuple[Picture, Box]], share: float) -> Callable[[int], Item]:
    look = _Look(random)
    return lambda number: _phone(look.shown(_shown(*faces[number % len(faces)], share, SCREEN)))


def _paper(random: np.random.Generator, face: tuple[Picture, Box], share: float, *, cut: bool) -> Callable[[int], Item]:
    printed = _printed(random, _shown(*face, share, SHEET))
    sheet = _cut(random, printed, face[1], share) if cut else _trimmed(random, printed)
    bent = _bent(random, sheet)
    return lambda _: bent


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
        return np.asarray(np.clip(light + self._reflection[..., None], 0, 255), np.uint8)


def _shown(picture: Picture, box: Box, share: float, size: tuple[int, int]) -> Picture:
    """The face in the upper middle of `size`, at `share` of its width; the picture's own edge is stretched where it ends."""
    width, height = size
    scale = share * width / box.width
    x, y = box.centre
    matrix = np.array([[scale, 0, width / 2 - scale * x], [0, scale, FACE_DOWN * height - scale * y]])
    shown: Picture = cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return shown


def _printed(random: np.random.Generator, picture: Picture) -> Picture:
    """The colours of ink on paper: neither black nor white, a cast, grain, and more light on one side."""
    height, width = picture.shape[:2]
    black, white = random.uniform(15, 60), random.uniform(190, 245)
    cast = random.uniform([0.9, 0.95, 0.95], [1.02, 1.03, 1.06])
    grain = cv2.GaussianBlur(random.normal(0, random.uniform(2, 9), (height, width, 1)).astype(np.float32), (0, 0), 0.7)
    angle, depth = random.uniform(0, 2 * np.pi), random.uniform(0, 0.25)
    x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    shade = 1 + depth * (np.cos(angle) * x + np.sin(angle) * y)
    ink = (black + (white - black) * (picture / 255)) * cast + grain[..., None]
    printed: Picture = np.clip(ink * shade[..., None], 0, 255).astype(np.uint8)
    return printed


def _trimmed(random: np.random.Generator, printed: Picture) -> Item:
    """The sheet with its white margin."""
    margin = int(random.integers(MARGIN[0], MARGIN[1] + 1))
    sheet = cv2.copyMakeBorder(printed, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=_white(random))
    return sheet, np.ones(sheet.shape[:2], np.float32)


def _cut(random: np.random.Generator, printed: Picture, box: Box, share: float) -> Item:
    """The head, cut out a little beside its outline by hand, so that some paper is left around it."""
    height, width = printed.shape[:2]
    middle = np.array([width / 2, FACE_DOWN * height])
    half = np.array(HEAD_OF_FACE) * (share * width, share * width * box.height / box.width)
    angles = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    waves = [random.normal(0, 0.02 / order) * np.sin(order * angles + random.uniform(0, 6.3)) for order in (2, 3, 5)]
    outline = np.column_stack([np.cos(angles), np.sin(angles)]) * (1 + np.sum(waves, axis=0))[:, None]
    cover, head = np.zeros((2, height, width), np.float32)
    cv2.fillPoly(head, [(middle + outline * half).astype(np.int32)], 1.0)
    cv2.fillPoly(cover, [(middle + outline * (half + random.uniform(*CUT_ASIDE))).astype(np.int32)], 1.0)
    sheet = np.where(head[..., None] > 0, printed, np.array(_white(random))).astype(np.uint8)
    return sheet, cover


def _white(random: np.random.Generator) -> tuple[float, float, float]:
    """Paper in the light of a room."""
    light = random.uniform(190, 240)
    return light * random.uniform(0.92, 1.0), light, light


def _bent(random: np.random.Generator, item: Item) -> Item:
    """The sheet bent about an upright or a level axis; its middle comes forward, so its ends move aside."""
    sheet, cover = item
    height, width = cover.shape
    depth, upright = random.uniform(0, 14), random.random() < 0.5
    room = int(np.ceil(depth))
    sheet = cv2.copyMakeBorder(sheet, room, room, room, room, cv2.BORDER_REPLICATE)
    cover = cv2.copyMakeBorder(cover, room, room, room, room, cv2.BORDER_CONSTANT, value=0)
    x, y = np.meshgrid(np.arange(width + 2 * room, dtype=np.float32), np.arange(height + 2 * room, dtype=np.float32))
    if upright:
        y -= np.float32(depth) * (np.cos(np.pi * (x / x.max() - 0.5)) - 0.5)
    else:
        x -= np.float32(depth) * (np.cos(np.pi * (y / y.max() - 0.5)) - 0.5)
    bent = cv2.remap(sheet, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return bent.astype(np.uint8), cv2.remap(cover, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0).astype(np.float32)


def _phone(screen: Picture) -> Item:
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


def _motion(random: np.random.Generator, size: tuple[int, int], share: float, worn: Box | None) -> Callable[[int], Motion]:
    """Where the item is in each frame, by number; one that is `worn` stays before that face."""
    height, width = size
    face = random.uniform(62, 120) * height / 480  # width of the face in the scene
    start = np.array([*random.uniform([-22, -18, -15], [22, 18, 15])])
    swing, speed, phase = random.uniform(1, 6, 3), random.uniform(0.1, 0.5, 3), random.uniform(0, 6.3, 3)
    middle = np.array([random.uniform(0.35, 0.65) * width, random.uniform(0.48, 0.62) * height])
    drift = random.uniform(-3, 3, 2)
    if worn is not None:
        face = random.uniform(*WORN_OF_FACE) * worn.width
        start, swing, drift = start / 2, swing / 2, drift / 4
        middle = np.add(worn.centre, (0.0, (0.5 - FACE_DOWN) * SHEET[1] / SHEET[0] * face / share))

    def at(number: int) -> Motion:
        turn = start + swing * np.sin(speed * number + phase) + random.normal(0, 0.4, 3)
        centre = middle + drift * number + random.normal(0, 0.8, 2)
        return Motion(turn=tuple(turn), centre=tuple(centre), width=face / share)

    return at


def _placed(item: Picture, cover: NDArray[np.float32], background: Picture, motion: Motion, unit: int) -> Picture:
    """`item` where `motion` says, with `unit` of its pixels as wide as that says."""
    height, width = item.shape[:2]
    corners = np.array([[-width / 2, -height / 2], [width / 2, -height / 2], [width / 2, height / 2], [-width / 2, height / 2]])
    seen = _projected(corners / unit, motion.turn) * motion.width + motion.centre
    source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, seen.astype(np.float32))
    size = (background.shape[1], background.shape[0])
    soft = cv2.GaussianBlur(item, (0, 0), max(0.4, 0.35 * unit / motion.width))
    drawn = cv2.warpPerspective(soft, matrix, size, flags=cv2.INTER_LINEAR)
    opaque = cv2.warpPerspective(cover, matrix, size, flags=cv2.INTER_LINEAR)[..., None]
    placed: Picture = (drawn * opaque + background * (1 - opaque)).astype(np.uint8)
    return placed


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
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
