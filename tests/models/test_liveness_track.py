from dataclasses import replace

import numpy as np
import pytest

from models import liveness_track
from models.liveness_track import MAX_CHIPS, PICTURE, WINDOW, LivenessShot, fuse, longest_still_s, motion, repeats
from models.results import Picture
from tests.chips import MOUTH, drawn, moved, without

FACE = np.array([[0, 0], [40, 0], [20, 25], [5, 45], [35, 45]], np.float32)


def shots(scores: list[float | None], *, digests: str | None = None, border: float = 0.0, sway: float = 4.0) -> list[LivenessShot]:
    """A track at 5 frames a second; `digests` has one letter a frame, all different without it."""
    letters = digests or "".join(chr(256 + number) for number in range(len(scores)))
    return [
        LivenessShot(
            mono_s=0.2 * number, landmarks=FACE + sway * np.float32(np.sin(number)), border=border, digest=letter.encode(), score=score
        )
        for number, (score, letter) in enumerate(zip(scores, letters, strict=True))
    ]


def shown(count: int, *, score: float = 0.99, every: int = 1, changes_at: int | None = None) -> list[LivenessShot]:
    """A track of one face that is moved and, but for one moment, never changes; a chip was kept of `every` so many moments."""
    random, face = np.random.default_rng(5), drawn()
    faces = [without(face, MOUTH) if number == changes_at else face for number in range(count)]
    return [
        replace(shot, chip=moved(faces[number], random) if number % every == 0 else None)
        for number, shot in enumerate(shots([score] * count))
    ]


def test_a_live_track() -> None:
    verdict = fuse(shots([0.95, 0.6, 0.99, 0.9]))
    assert (verdict.verdict, verdict.reasons) == ("live", ())
    assert verdict.score == pytest.approx(0.86)


@pytest.mark.parametrize(
    ("score", "border", "verdict", "reasons"),
    [
        (0.70, 0.0, "live", ()),
        (0.69, 0.0, "cannot_judge", ("between_limits",)),
        (0.31, 0.0, "cannot_judge", ("between_limits",)),
        (0.30, 0.0, "attack", ("looks_shown",)),
        (0.90, 0.3, "live", ()),
        (0.89, 0.3, "cannot_judge", ("between_limits", "border_around_face")),
        (0.66, 0.3, "cannot_judge", ("between_limits", "border_around_face")),
        (0.65, 0.3, "attack", ("looks_shown", "border_around_face")),
        (0.70, 0.29, "live", ()),
    ],
)
def test_every_limit(score: float, border: float, verdict: str, reasons: tuple[str, ...]) -> None:
    found = fuse(shots([score] * 4, border=border))
    assert (found.verdict, found.reasons) == (verdict, reasons)


def test_a_window_with_a_frame_of_its_own_does_without_borders() -> None:
    track = shots([0.75] * 4, border=0.6)
    assert fuse(track).verdict == "cannot_judge"
    assert fuse(track, replace(WINDOW, border=2)).verdict == "live"


def test_one_bordered_frame_among_many_does_not_count() -> None:
    track = shots([0.8] * 11)
    assert fuse([replace(track[0], border=0.7), *track[1:]]).verdict == "live"
    assert fuse([replace(shot, border=0.7) for shot in track[:2]] + track[2:]).verdict == "cannot_judge"


@pytest.mark.parametrize("scores", [[], [0.99], [0.01, 0.01], [None, None, 0.01, 0.01, None]])
def test_too_few_scored_shots_are_no_verdict(scores: list[float | None]) -> None:
    verdict = fuse(shots(scores))
    assert (verdict.verdict, verdict.reasons) == ("cannot_judge", ("too_few_shots",))


def test_without_a_score_there_is_none() -> None:
    assert fuse(shots([None] * 8)).score is None


def test_one_picture_is_enough_where_there_is_only_one() -> None:
    assert fuse(shots([0.99]), PICTURE).verdict == "live"
    assert fuse(shots([0.1]), PICTURE).verdict == "attack"


@pytest.mark.parametrize("digests", ["abcdabcdabcd", "abcdefabc", "abababab"])
def test_a_loop_is_an_attack_whatever_it_shows(digests: str) -> None:
    verdict = fuse(shots([0.99] * len(digests), digests=digests))
    assert (verdict.verdict, verdict.reasons) == ("attack", ("stream_repeats",))


@pytest.mark.parametrize("digests", ["aabbccddeeff", "abcbdefghijk", "aaaabbbbcccc"])
def test_a_slow_or_stumbling_camera_is_no_loop(digests: str) -> None:
    assert fuse(shots([0.99] * len(digests), digests=digests)).verdict == "live"


def test_a_picture_without_grain_is_an_attack() -> None:
    verdict = fuse(shots([0.99] * 12, digests="a" * 12))
    assert (verdict.verdict, verdict.reasons) == ("attack", ("no_sensor_noise",))


def test_a_short_standstill_is_not() -> None:
    assert fuse(shots([0.99] * 12, digests="aaaaaaaaabcd")).verdict == "live"


def test_forgery_is_seen_without_any_score() -> None:
    assert fuse(shots([None] * 12, digests="abcdabcdabcd")).verdict == "attack"


def test_what_does_not_move_cannot_be_judged() -> None:
    still = shots([0.99] * 12, sway=0.1)
    assert (fuse(still).verdict, fuse(still).reasons) == ("cannot_judge", ("motionless",))
    assert fuse(still[:6]).verdict == "live"  # too short to tell


def test_a_face_that_moves_and_never_changes_cannot_be_judged() -> None:
    found = fuse(shown(14))
    assert (found.verdict, found.reasons, found.score) == ("cannot_judge", ("rigid",), pytest.approx(0.99))
    assert fuse(shown(14, changes_at=9)).verdict == "live"


def test_a_short_or_thin_track_is_not_asked_to_change() -> None:
    assert fuse(shown(13)).verdict == "live"  # 2.4 s
    assert fuse(shown(14, every=3)).verdict == "live"  # 5 chips
    assert fuse(shown(16, every=3)).verdict == "cannot_judge"  # 6
    assert fuse([replace(shot, chip=None) for shot in shown(14)]).verdict == "live"


@pytest.mark.parametrize(("score", "verdict", "reason"), [(0.1, "attack", "looks_shown"), (0.5, "cannot_judge", "between_limits")])
def test_what_is_not_live_anyway_is_not_made_milder(score: float, verdict: str, reason: str) -> None:
    found = fuse(shown(14, score=score))
    assert (found.verdict, found.reasons) == (verdict, (reason,))


def test_a_window_may_do_without_asking_for_change() -> None:
    assert fuse(shown(14), replace(WINDOW, change=0)).verdict == "live"


def test_a_long_track_compares_no_more_than_a_window_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[list[Picture]] = []
    monkeypatch.setattr(liveness_track, "change", lambda chips: compared.append(chips) or 1.0)
    track = shown(60)
    fuse(track)
    assert len(compared[0]) == MAX_CHIPS
    assert compared[0][0] is track[0].chip and compared[0][-1] is track[-1].chip  # spread over all of it


def test_measures_of_nothing() -> None:
    assert (repeats([]), longest_still_s([]), motion([])) == (0, 0.0, 0.0)
    assert motion([replace(shot, landmarks=FACE * 0) for shot in shots([0.9] * 3)]) == 0.0


def test_motion_does_not_depend_on_size() -> None:
    track = shots([0.9] * 6)
    assert motion(track) == pytest.approx(motion([replace(shot, landmarks=3 * shot.landmarks) for shot in track]), rel=1e-5)
