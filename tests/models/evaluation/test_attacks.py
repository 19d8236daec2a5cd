from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.errors import BadLabels
from models.evaluation.attacks import Responses, attack_rates, measure_attacks
from models.evaluation.labels import Presentation
from models.evaluation.rates import Targets
from models.pack import Pack
from models.results import Face, Picture


class Fixed:
    """A liveness scorer that gives the same answer to every face."""

    version = "fixed"

    def __init__(self, answer: float) -> None:
        self.answer = answer

    def score(self, picture: Picture, face: Face) -> float:  # noqa: ARG002  # the port's arguments
        return self.answer


@pytest.fixture
def shown(tmp_path: Path, demo: Callable[[str], Picture]) -> list[Presentation]:
    pictures = {"a": demo("demo-person-04-a"), "b": np.full((200, 200, 3), 90, np.uint8)}
    for name, picture in pictures.items():
        cv2.imwrite(str(tmp_path / f"{name}.png"), picture)
    return [Presentation(path=tmp_path / "a.png", kind="live"), Presentation(path=tmp_path / "b.png", kind="print")]


def test_every_kind_has_its_rate_and_the_worst_is_named() -> None:
    given = {
        "live": Responses(scores=(0.9,) * 90 + (0.1,) * 10, none=5),
        "print": Responses(scores=(0.1,) * 100, none=0),
        "screen": Responses(scores=(0.1,) * 8 + (0.6, 0.5), none=0),
        "mask": Responses(scores=(), none=4),
    }
    found = {rate.name: (rate.errors, rate.trials) for rate in attack_rates(given, 0.5, Targets())}
    assert found == {
        "BPCER": (10, 100),
        "BPNRR": (5, 105),
        "APCER print": (0, 100),
        "APNRR print": (0, 100),
        "APCER screen": (2, 10),
        "APNRR screen": (0, 10),
        "APCER mask": (0, 0),
        "APNRR mask": (4, 4),
        "worst APCER (screen)": (2, 10),
    }


def test_between_kinds_without_errors_the_one_known_least_is_worst() -> None:
    given = {"print": Responses(scores=(0.1,) * 100, none=0), "screen": Responses(scores=(0.1,) * 3, none=0)}
    assert attack_rates(given, 0.5, Targets())[-1].name == "worst APCER (screen)"


def test_a_picture_without_a_face_gives_no_response(pack: Pack, shown: list[Presentation]) -> None:
    assert measure_attacks(pack.detector, Fixed(0.7), shown) == {
        "live": Responses(scores=(0.7,), none=0),
        "print": Responses(scores=(), none=1),
    }


@pytest.mark.parametrize("answer", [float("nan"), -0.1, 1.5])
def test_an_answer_that_is_no_share_is_refused(pack: Pack, shown: list[Presentation], answer: float) -> None:
    with pytest.raises(BadLabels, match=r"liveness score of a\.png is"):
        measure_attacks(pack.detector, Fixed(answer), shown)


def test_a_file_that_is_no_picture_is_named(pack: Pack, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(BadLabels, match=r"a\.png cannot be shown to the networks"):
        measure_attacks(pack.detector, Fixed(0.5), [Presentation(path=tmp_path / "a.png", kind="live")])
