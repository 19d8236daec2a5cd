"""What liveness must hold on real clips, labelled pictures and made attacks. `scripts/bench liveness` measures the same on many more; the
made scenes are drawings, see `scripts.attack_scenes`, and their seeds are others than those of the bench and those on which the limits were
set.
"""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from models.evaluation.attacks import TRACK
from models.liveness import crops
from models.liveness_signs import look
from models.liveness_track import WINDOW
from models.pack import Pack
from models.protocols import LivenessNet
from scripts.attack_scenes import Kind
from scripts.benchmarks.errors import CannotMeasure
from scripts.benchmarks.liveness import Sources, Track, made, parts, sources, verdict

SCENES = 5
FIRST_SEED = 1000
DRAWS = 3


@pytest.fixture(scope="module")
def real(pack: Pack) -> Sources:
    try:
        return sources(pack)
    except CannotMeasure as reason:
        pytest.skip(str(reason))


def said(net: LivenessNet, track: Track, random: np.random.Generator | None = None) -> str:
    found = verdict(net, track, random)
    return "no face" if found is None else found.verdict


def test_the_labelled_pictures(liveness: LivenessNet, real: Sources) -> None:
    assert [(track.kind, said(liveness, track)) for track in real.labelled] == [("live", "live"), ("print", "attack"), ("screen", "attack")]


def test_people_at_the_window_are_live(liveness: LivenessNet, real: Sources) -> None:
    assert len(real.live) == 8
    assert {said(liveness, track) for track in (*real.live, *parts(real.live))} == {"live"}


def test_no_border_stands_around_people_at_the_window(real: Sources) -> None:
    for track in real.live:
        assert all(look(picture, face.landmarks, crops(picture, face.box)).border < WINDOW.border for picture, face in track.seen)


@pytest.mark.parametrize("kind", ["screen", "print"])
def test_made_attacks_are_found_and_never_live(pack: Pack, liveness: LivenessNet, real: Sources, kind: Kind) -> None:
    found = Counter(said(liveness, track) for track in made(pack.detector, real, kind, SCENES, FIRST_SEED))
    assert found["live"] == 0
    assert found["attack"] >= 0.8 * SCENES


def test_made_cut_outs_are_never_live(pack: Pack, liveness: LivenessNet, real: Sources) -> None:
    found = [verdict(liveness, track) for track in made(pack.detector, real, "cutout", SCENES, FIRST_SEED)]
    assert "live" not in {one.verdict for one in found if one is not None}
    assert ("rigid",) in {one.reasons for one in found if one is not None}


def test_a_clip_that_is_played_again_and_again_is_an_attack(liveness: LivenessNet, real: Sources) -> None:
    found = verdict(liveness, replace(real.live[0], seen=[*real.live[0].seen[:5]] * 2))
    assert found is not None
    assert (found.verdict, found.reasons) == ("attack", ("stream_repeats",))


def test_a_picture_in_place_of_the_camera_is_one_moment_and_never_live(liveness: LivenessNet, real: Sources) -> None:
    found = verdict(liveness, replace(real.labelled[0], level=TRACK, seen=[*real.labelled[0].seen] * 12))
    assert found is not None
    assert (found.verdict, found.reasons) == ("cannot_judge", ("too_few_shots",))


def test_verdicts_on_what_is_real_do_not_hang_on_the_exact_box(liveness: LivenessNet, real: Sources) -> None:
    random = np.random.default_rng(77)
    for track in (*real.labelled, *real.live):
        assert {said(liveness, track, random) for _ in range(DRAWS)} == {said(liveness, track)}
