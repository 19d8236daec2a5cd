from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models.errors import BadLabels
from models.evaluation.attacks import PICTURE, TRACK, Judged, attack_rates, follow, measure_attacks
from models.evaluation.labels import Presentation
from models.evaluation.rates import Targets
from models.liveness_track import WINDOW, LivenessVerdict, Verdict
from models.pack import Pack
from models.results import Box, Face, Picture


class Fixed:
    """Networks that give the same answer to every face."""

    version = "fixed"

    def __init__(self, answer: float) -> None:
        self.answer = answer

    def score(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.full(len(crops), self.answer, np.float32)


class Script:
    """A detector that finds these faces in one frame after the other."""

    def __init__(self, *frames: list[Face]) -> None:
        self.frames = iter(frames)

    def detect(self, picture: Picture) -> tuple[Face, ...]:  # noqa: ARG002  # the port's argument
        return tuple(next(self.frames))


def face(x: float, score: float = 0.9) -> Face:
    return Face(box=Box(x0=x, y0=0, x1=x + 50, y1=60), score=score, landmarks=np.zeros((5, 2), np.float32))


def judged(kind: str, verdict: Verdict | None, count: int = 1, level: str = TRACK) -> list[Judged]:
    given = None if verdict is None else LivenessVerdict(verdict=verdict, score=0.5, reasons=())
    return [Judged(level=level, kind=kind, verdict=given)] * count


@pytest.fixture
def shown(tmp_path: Path, demo: Callable[[str], Picture]) -> list[Presentation]:
    pictures = {"a": demo("demo-person-04-a"), "b": np.full((200, 200, 3), 90, np.uint8)}
    for name, picture in pictures.items():
        cv2.imwrite(str(tmp_path / f"{name}.png"), picture)
    return [Presentation(path=tmp_path / "a.png", kind="live"), Presentation(path=tmp_path / "b.png", kind="print")]


def clip(path: Path, frames: Iterator[Picture] | list[Picture]) -> Path:
    """The frames without loss, 6 a second."""
    pictures = list(frames)
    size = (pictures[0].shape[1], pictures[0].shape[0])
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"FFV1"), 6.0, size)
    assert writer.isOpened()
    for picture in pictures:
        writer.write(picture)
    writer.release()
    return path


def test_every_kind_has_its_rates_and_the_worst_is_named() -> None:
    given = [
        *judged("live", "live", 80),
        *judged("live", "attack", 10),
        *judged("live", "cannot_judge", 10),
        *judged("live", None, 5),
        *judged("print", "attack", 100),
        *judged("screen", "attack", 7),
        *judged("screen", "cannot_judge", 1),
        *judged("screen", "live", 2),
        *judged("mask", None, 4),
        *judged("print", "live", 1, PICTURE),
    ]
    found = {(rate.level, rate.name): (rate.errors, rate.trials) for rate in attack_rates(given, Targets())}
    assert found == {
        (TRACK, "BPCER"): (10, 100),
        (TRACK, "cannot judge live"): (10, 100),
        (TRACK, "BPNRR"): (5, 105),
        (TRACK, "APCER print"): (0, 100),
        (TRACK, "cannot judge print"): (0, 100),
        (TRACK, "APNRR print"): (0, 100),
        (TRACK, "APCER screen"): (2, 10),
        (TRACK, "cannot judge screen"): (1, 10),
        (TRACK, "APNRR screen"): (0, 10),
        (TRACK, "APCER mask"): (0, 0),
        (TRACK, "cannot judge mask"): (0, 0),
        (TRACK, "APNRR mask"): (4, 4),
        (TRACK, "worst APCER (screen)"): (2, 10),
        (PICTURE, "APCER print"): (1, 1),
        (PICTURE, "cannot judge print"): (0, 1),
        (PICTURE, "APNRR print"): (0, 1),
        (PICTURE, "worst APCER (print)"): (1, 1),
    }


def test_between_kinds_without_errors_the_one_known_least_is_worst() -> None:
    given = [*judged("print", "attack", 100), *judged("screen", "attack", 3)]
    assert attack_rates(given, Targets())[-1].name == "worst APCER (screen)"


def test_a_picture_without_a_face_gives_no_response(pack: Pack, shown: list[Presentation]) -> None:
    one, other = measure_attacks(pack.detector, Fixed(0.95), shown, WINDOW, fps=6)
    assert (one.level, one.kind, one.verdict and one.verdict.verdict) == (PICTURE, "live", "live")
    assert (other.level, other.kind, other.verdict) == (PICTURE, "print", None)


def test_a_clip_is_judged_as_a_track(pack: Pack, liveness: Fixed, frames: Callable[..., Iterator[Picture]], tmp_path: Path) -> None:
    path = clip(tmp_path / "a.avi", list(frames("milk.mkv", step=5)))
    (found,) = measure_attacks(pack.detector, liveness, [Presentation(path=path, kind="live")], WINDOW, fps=6)
    assert (found.level, found.verdict and found.verdict.verdict) == (TRACK, "live")


def test_a_clip_that_is_played_twice_is_an_attack(pack: Pack, frames: Callable[..., Iterator[Picture]], tmp_path: Path) -> None:
    path = clip(tmp_path / "a.avi", list(frames("milk.mkv", step=10)) * 2)
    (found,) = measure_attacks(pack.detector, Fixed(0.99), [Presentation(path=path, kind="loop")], WINDOW, fps=6)
    assert found.verdict is not None
    assert (found.verdict.verdict, found.verdict.reasons) == ("attack", ("stream_repeats",))


def test_a_picture_that_is_moved_by_hand_cannot_be_judged(pack: Pack, demo: Callable[[str], Picture], tmp_path: Path) -> None:
    picture, random = demo("demo-person-04-a"), np.random.default_rng(4)
    height, width = picture.shape[:2]
    size, frames = (320, round(320 * height / width)), list[Picture]()
    for number in range(17):
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 5 * np.sin(number / 2), 320 / width)
        matrix[:, 2] += (size[0] - width) / 2 + 4 * np.cos(number), (size[1] - height) / 2
        moved = cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
        frames.append(np.clip(moved + 2 * random.standard_normal(moved.shape), 0, 255).astype(np.uint8))
    (found,) = measure_attacks(pack.detector, Fixed(0.95), [Presentation(path=clip(tmp_path / "a.avi", frames), kind="cut")], WINDOW, fps=6)
    assert found.verdict is not None
    assert (found.verdict.verdict, found.verdict.reasons) == ("cannot_judge", ("rigid",))


def test_a_picture_that_follows_itself_is_one_moment(pack: Pack, demo: Callable[[str], Picture], tmp_path: Path) -> None:
    path = clip(tmp_path / "a.avi", [demo("demo-person-04-a")[:400, :400].copy()] * 12)
    (found,) = measure_attacks(pack.detector, Fixed(0.99), [Presentation(path=path, kind="live")], WINDOW, fps=6)
    assert found.verdict is not None
    assert (found.verdict.verdict, found.verdict.reasons) == ("cannot_judge", ("too_few_shots",))


def test_the_person_is_followed_and_not_the_better_score() -> None:
    frames = [np.zeros((9, 9, 3), np.uint8)] * 5
    detector = Script([face(0, 0.6)], [face(10), face(300, 0.8)], [face(300, 0.99), face(20)], [face(300)], [face(30), face(25)])
    seen = [(number, found.box.x0) for number, _, found in follow(detector, frames)]
    assert seen == [(1, 10), (2, 20), (4, 25)]


@pytest.mark.parametrize("answer", [float("nan"), -0.1, 1.5])
def test_an_answer_that_is_no_share_is_refused(pack: Pack, shown: list[Presentation], answer: float) -> None:
    with pytest.raises(BadLabels, match=r"liveness score of a\.png is"):
        measure_attacks(pack.detector, Fixed(answer), shown, WINDOW, fps=6)


@pytest.mark.parametrize(
    ("name", "message"), [("a.png", "cannot be shown to the networks"), ("a.mkv", "holds no frame"), ("a", "no frame")]
)
def test_a_file_that_is_neither_picture_nor_clip_is_named(pack: Pack, tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / name).write_bytes(b"no picture")
    with pytest.raises(BadLabels, match=message):
        measure_attacks(pack.detector, Fixed(0.5), [Presentation(path=tmp_path / name, kind="live")], WINDOW, fps=6)
