"""What one look at a camera's whole view measures, and how it compares with the view as it was learnt. Pure: no clock, no thresholds.

Everything rests on small grey pictures. Edges are compared by their direction, block by block, so that light that is switched on or fades
with the day changes little (normalised gradient fields; Haber and Modersitzki, 2006). A person hides some blocks; a camera that was turned
loses them all, and where it still shows part of the view, points of it are found again elsewhere (ORB; Rublee et al., 2011), all of them
displaced by one movement.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.results import Picture

FINE_WIDTH = 640  # pixels; a wider picture is made smaller: at this width a lens out of focus shows, and it costs under a millisecond
MIDDLE_WIDTH = 320  # enough to find points again
COARSE_WIDTH = 160  # the grain of the sensor is gone here
BLOCKS = (16, 12)  # across and down
EDGE_LEVELS = 1.0  # grey levels per coarse pixel from which a block's mean slope counts as structure; flat walls with grain stay below
DETAIL_LEVELS = 1.5  # mean fine contrast, in grey levels above the grain, from which a learnt block can tell a loss of focus
MOSTLY = 0.7  # share of looks in which a block was sharp from which its sharpness is the view's own, and not somebody's who came
MOST_LIGHT = 2.0  # times the learnt light; beyond, white parts hide detail
LEAST_DETAIL = 1.0  # of it that must be left at the light of the moment; below, the grain hides it
ALIKE = 0.7  # cosine between slopes of one block from which its edges are where they were; other views reach it in 3 % of blocks
STEADY = 0.8  # and from which they have not stirred
MOST_POINTS = 400
FAR = 64  # differing bits of 256 from which two points are not the same
POINT_PIXELS = 3.0  # by which a point may miss the movement of the others
FEW_POINTS = 12  # moved clips gave 15 and more that agree, persons who fill the view 5
STAYED_SHARE = 0.5  # of those that agree; more stay where people move and the camera does not
RENEW_POINTS = 60  # looks learnt, after which the learnt points are found anew
FEW_BLOCKS = 8  # fewer with edges say nothing about a view
TINY = 1e-6

Grid = NDArray[np.float32]  # (12, 16), one value per block
Plane = NDArray[np.float32]  # (H, W) of the coarse picture
Points = tuple[NDArray[np.float64], NDArray[np.uint8] | None]  # (N, 2) places, and what they look like


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Look:
    """One picture's measures. `middle` is the grey picture at MIDDLE_WIDTH. `across` and `down` are slopes of the coarse picture in grey
    levels per pixel; `slope` is their mean size in each block and `detail` the fine contrast above the grain. `dark` and `bright` are the
    grey levels below which 99 % and above which half of the picture lies.
    """

    middle: NDArray[np.uint8]
    across: Plane
    down: Plane
    slope: Grid
    detail: Grid
    dark: float
    bright: float

    @property
    def structured(self) -> NDArray[np.bool_]:
        """Blocks with edges in them."""
        return self.slope >= EDGE_LEVELS


def look(picture: Picture) -> Look:
    """Measure a picture (height x width x 3, BGR)."""
    fine = np.asarray(cv2.cvtColor(_narrowed(picture, FINE_WIDTH), cv2.COLOR_BGR2GRAY))
    middle = _narrowed(fine, MIDDLE_WIDTH)
    coarse = _narrowed(middle, COARSE_WIDTH)
    smooth = cv2.GaussianBlur(coarse, (3, 3), 0).astype(np.float32)
    across, down = (cv2.Sobel(smooth, cv2.CV_32F, dx, 1 - dx, scale=1 / 8) for dx in (1, 0))
    contrast = _blocks(np.abs(cv2.Laplacian(fine, cv2.CV_16S)).astype(np.float32))
    levels = np.percentile(coarse, (50, 99))
    return Look(
        middle=middle,
        across=across,
        down=down,
        slope=_blocks(cv2.magnitude(across, down)),
        detail=np.maximum(contrast - np.percentile(contrast, 5), 0).astype(np.float32),
        dark=float(levels[1]),
        bright=float(levels[0]),
    )


def _narrowed(picture: Picture, width: int) -> Picture:
    if picture.shape[1] <= width:
        return picture
    height = max(1, round(picture.shape[0] * width / picture.shape[1]))
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA))


def _blocks(plane: NDArray[np.float32]) -> Grid:
    return np.asarray(cv2.resize(plane, BLOCKS, interpolation=cv2.INTER_AREA), np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """How a look compares with the learnt view. All are shares, 0 to 1.

    `comparable`: of the learnt blocks with edges, those that have edges now. Of these, `kept` have their edges where they were. `focus` is
    the fine contrast that the best tenth of the sharp blocks kept at the light of the moment, `clarity` that of those among them whose
    edges are where they were: there nobody went away who had been sharp. Both are None where light or view are too poor.
    """

    comparable: float
    kept: float
    focus: float | None
    clarity: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """Everything known of one moment. `match` is None until the view is learnt; `displaced` is how far its points were found from where
    they were learnt, as a share of the width; `steady` is the share of edges that stayed since a moment ago.
    """

    look: Look
    match: Match | None
    displaced: float
    steady: float


class Scene:
    """The view as it usually is: means over looks. Not safe to use from several threads."""

    def __init__(self, first: Look) -> None:
        self._across, self._down = first.across, first.down
        self._detail, self._sharp = first.detail, (first.detail >= DETAIL_LEVELS).astype(np.float32)
        self._middle = first.middle.astype(np.float32)
        self._points: Points | None = None
        self._changes = 0

    def fits(self, look: Look) -> bool:
        """Whether the look has the size of the learnt view; a camera that was set to another size is another view."""
        return look.across.shape == self._across.shape

    def learn(self, look: Look, share: float) -> None:
        """Let a look change what is known by this share; people come and go in the mean, what stays stays."""
        self._across = self._across + share * (look.across - self._across)
        self._down = self._down + share * (look.down - self._down)
        self._detail = self._detail + share * (look.detail - self._detail)
        self._sharp = self._sharp + share * ((look.detail >= DETAIL_LEVELS) - self._sharp)
        self._middle = self._middle + share * (look.middle - self._middle)
        self._changes += 1
        if self._changes % RENEW_POINTS == 0:
            self._points = None

    def compare(self, look: Look) -> Match:
        """Compare; learns nothing."""
        learnt = _blocks(cv2.magnitude(self._across, self._down)) >= EDGE_LEVELS
        both = learnt & look.structured
        in_place = both & _alike(look, self._across, self._down, ALIKE)
        sharp = (self._detail >= DETAIL_LEVELS) & (self._sharp >= MOSTLY)
        return Match(
            comparable=float(both.sum() / max(1, learnt.sum())),
            kept=_share(in_place, both),
            focus=self._contrast_kept(look, sharp),
            clarity=self._contrast_kept(look, sharp & in_place),
        )

    def displaced(self, look: Look) -> float:
        """How far the corners of the view moved on the mean, as a share of its width, by the one movement (shift, turn, size) that most
        points made; 0 where too few agree or most stayed. Takes some milliseconds.
        """
        if self._points is None:
            self._points = _points(self._middle.astype(np.uint8))
        before, after = _pairs(self._points, _points(look.middle))
        if len(before) < FEW_POINTS:
            return 0.0
        cv2.setRNGSeed(0)  # the same pictures, the same answer
        movement, agree = cv2.estimateAffinePartial2D(before, after, ransacReprojThreshold=POINT_PIXELS)
        if movement is None or agree.sum() < FEW_POINTS:
            return 0.0
        stayed = np.hypot(*(after - before).T) < POINT_PIXELS
        if stayed.sum() > STAYED_SHARE * agree.sum():
            return 0.0
        height, width = look.middle.shape
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
        return float(np.hypot(*(corners @ movement[:, :2].T + movement[:, 2] - corners).T).mean() / width)

    def _contrast_kept(self, look: Look, among: NDArray[np.bool_]) -> float | None:
        expected = self._detail[among] * min(MOST_LIGHT, look.middle.mean() / max(1.0, self._middle.mean()))
        if among.sum() < FEW_BLOCKS or np.median(expected) < LEAST_DETAIL:
            return None
        return float(np.quantile(look.detail[among] / expected, 0.9))


def _points(middle: NDArray[np.uint8]) -> Points:
    found, described = cv2.ORB.create(nfeatures=MOST_POINTS, fastThreshold=8, edgeThreshold=12, patchSize=24, nlevels=4).detectAndCompute(
        middle, None
    )
    return np.array([point.pt for point in found], np.float64).reshape(-1, 2), described


def _pairs(one: Points, other: Points) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points (N, 2) of both pictures that look like each other and like no other."""
    if one[1] is None or other[1] is None:
        return one[0][:0], other[0][:0]
    found = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(one[1], other[1])
    near = [pair for pair in found if pair.distance < FAR]
    return one[0][[pair.queryIdx for pair in near]], other[0][[pair.trainIdx for pair in near]]


def steady(look: Look, before: Look) -> float:
    """Share of the blocks with edges in both looks whose edges stayed in their place."""
    among = look.structured & before.structured
    return _share(among & _alike(look, before.across, before.down, STEADY), among)


def _alike(look: Look, across: Plane, down: Plane, least: float) -> NDArray[np.bool_]:
    """The blocks in which the directions of edges agree with another field of slopes."""
    both = _blocks(look.across * across + look.down * down)
    sizes = _blocks(look.across**2 + look.down**2) * _blocks(across**2 + down**2)
    return np.asarray(both / np.sqrt(sizes + TINY) >= least)


def _share(some: NDArray[np.bool_], among: NDArray[np.bool_]) -> float:
    """0 where there are few."""
    return 0.0 if among.sum() < FEW_BLOCKS else float(some.sum() / among.sum())
