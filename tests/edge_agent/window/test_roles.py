"""Only the cameras of settlements reach the sessions."""

from pathlib import Path

import numpy as np
import pytest

from contract.events import CameraRole, Outcome
from edge_agent.camera.frames import Sight
from edge_agent.sections.core import Limits, Window
from edge_agent.window.roles import Settling
from edge_agent.window.vacancy import Vacancy
from models.results import Picture
from tests.edge_agent.building import make_terminal, shot, sight
from tests.edge_agent.test_agent import TIMES, Bench

PICTURE: Picture = np.zeros((4, 4, 3), np.uint8)


class Till:
    """Sessions that serve everywhere."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Sight, Picture]] = []

    def observe(self, window: str, sight: Sight, picture: Picture) -> None:
        self.seen.append((window, sight, picture))

    def is_serving(self, window: str) -> bool:
        return bool(window)


@pytest.mark.parametrize(
    ("role", "settles", "tells_empty"),
    [
        (CameraRole.WINDOW, True, True),
        (CameraRole.BEDSIDE, True, False),
        (CameraRole.TREATMENT, False, False),
        (CameraRole.ENTRANCE, False, False),
    ],
)
def test_what_a_role_lets_happen(role: CameraRole, settles: bool, tells_empty: bool) -> None:
    window, till = Window(window="W1", source="0", role=role), Till()
    settling = Settling(till, [window])
    settling.observe("W1", sight(0, shot()), PICTURE)
    assert (window.settles, window.tells_empty) == (settles, tells_empty)
    assert ([window for window, _, _ in till.seen], settling.is_serving("W1")) == (["W1"] * settles, settles)


@pytest.mark.parametrize(("untold", "outcome"), [((), Outcome.NO_PERSON), (("W1",), Outcome.UNDECIDED), (("W2",), Outcome.NO_PERSON)])
def test_a_bed_that_looks_empty_is_no_settlement_without_a_person(tmp_path: Path, untold: tuple[str, ...], outcome: Outcome) -> None:
    """Neither at the bed itself, nor is a window beside it called empty because of the bed or kept from it."""
    bench = Bench(make_terminal(tmp_path))
    bench.agent._vacancy = Vacancy(["W1", "W2"], empty_share=Limits().empty_share, gap_s=TIMES.camera_gap_s, untold=untold)
    bench.nobody(TIMES.presence_before_s + 10)
    bench.start()
    bench.nobody(5)
    bench.bind()
    bench.nobody(TIMES.presence_after_s + 10)
    bench.agent.tick()
    assert [capture.outcome for capture in bench.captures()] == [outcome]


def test_a_camera_is_that_of_a_window_unless_it_is_said() -> None:
    assert Window(window="W1", source="0").role is CameraRole.WINDOW
    with pytest.raises(ValueError, match="role"):
        Window.model_validate({"window": "W1", "source": "0", "role": "corridor"})
