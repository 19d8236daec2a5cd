"""The bench's own arithmetic on components that are known; that real ones fall is in tests/models/test_quality_components.py."""

from pathlib import Path

import numpy as np
import pytest

from models.align import TEMPLATE
from models.quality_components import Component
from models.results import Box, Face
from scripts.benchmarks import quality
from scripts.benchmarks.degradations import Seen, covered, cropped, lit, moved, nodded, turned
from scripts.benchmarks.errors import CannotMeasure
from scripts.benchmarks.quality import ASKED, SWEEPS, Sweep, judge, rank_correlation, sweep_figure

C = Component


@pytest.fixture
def seen() -> Seen:
    """A drawn face's place in a picture of grain: no face, but every component that light, size and place decide."""
    picture = np.random.default_rng(1).integers(60, 190, (400, 500, 3)).astype(np.uint8)
    landmarks = np.add(TEMPLATE, (180, 140)).astype(np.float32)
    return picture, Face(box=Box(x0=190, y0=140, x1=280, y1=250), score=0.9, landmarks=landmarks)


@pytest.mark.parametrize(
    ("values", "expected"), [([9, 5, 2], -1), ([1, 4, 7], 1), ([5, 5, 5], 0), ([9, 5, 5, 2], -0.9487), ([3, 3], 0), ([4, 1, 4], 0)]
)
def test_rank_correlation(values: list[float], expected: float) -> None:
    assert rank_correlation(values) == pytest.approx(expected, abs=1e-4)


def test_a_component_that_rises_is_counted(seen: Seen) -> None:
    falls = Sweep(component=C.LUMINANCE_MEAN, cause="darkness", spoil=lit, steps=(0.5, 0.3, 0.1))
    found = sweep_figure(falls, [seen, seen])
    assert (found.value, found.n, found.holds) == (0, 6, True)
    assert found.spread is not None and found.spread["rank correlation"] == pytest.approx(-1)
    rises = sweep_figure(Sweep(component=C.LUMINANCE_MEAN, cause="light", spoil=lit, steps=(0.1, 0.3, 0.5)), [seen])
    assert (rises.value, rises.n, rises.holds) == (2, 3, False)


def test_enough_components_are_swept() -> None:
    assert len({sweep.component for sweep in SWEEPS}) >= ASKED


@pytest.mark.parametrize("turns", range(4))
def test_each_edge_can_be_cut(seen: Seen, turns: int) -> None:
    margins = (C.LEFTWARD_CROP, C.MARGIN_BELOW, C.RIGHTWARD_CROP, C.MARGIN_ABOVE)
    whole, cut = judge(seen).components, judge(cropped(seen, 0.3, turns=turns)).components
    assert [name for name in margins if cut[name] < 20] == [margins[turns]]
    assert all(whole[name] > 95 for name in margins)
    assert cropped(seen, 0.3, turns=turns)[0].flags["C_CONTIGUOUS"]


def test_the_picture_moves_with_its_face(seen: Seen) -> None:
    """What lay under the nose still does after a cut."""
    x, y = seen[1].landmarks[2].astype(int)
    for turns in range(4):
        picture, face = cropped(seen, 0.1, turns=turns)
        left, top = np.round(face.landmarks[2] - (seen[1].landmarks[2] - (x, y))).astype(int)
        assert np.array_equal(picture[top, left], seen[0][y, x])


def test_the_head_turns_and_nods(seen: Seen) -> None:
    for spoil, component in ((turned, C.HEAD_POSE_YAW), (nodded, C.HEAD_POSE_PITCH)):
        for side in (-1, 1):
            values = [judge(spoil(seen, side * degrees)).components[component] for degrees in (25, 40, 60)]
            assert values[0] > values[1] > values[2]


def test_a_patch_grows_from_its_middle(seen: Seen) -> None:
    areas = [int((covered(seen, share)[0] != seen[0]).any(axis=2).sum()) for share in (0.25, 0.5, 1.0)]
    assert areas[0] == pytest.approx(areas[2] / 4, rel=0.1)
    assert areas[1] == pytest.approx(areas[2] / 2, rel=0.1)


def test_a_moved_box_keeps_its_order(seen: Seen) -> None:
    mirrored = moved(seen[1], np.array([[-1, 0, 500], [0, 1, 0.0]]))
    assert (mirrored.box.x0, mirrored.box.x1) == (220, 310)


def test_without_material_nothing_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHARED_DIR", str(tmp_path))
    with pytest.raises(CannotMeasure, match="set SHARED_DIR"):
        quality.measure()


def test_without_networks_nothing_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELS_DIR", str(tmp_path))
    with pytest.raises(CannotMeasure, match="fetch"):
        quality.measure()
