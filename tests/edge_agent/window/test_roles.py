"""Only the cameras of settlements reach the sessions."""

import numpy as np
import pytest

from contract.events import CameraRole
from edge_agent.camera.frames import Sight
from edge_agent.sections.core import Window
from edge_agent.window.roles import Settling
from models.results import Picture
from tests.edge_agent.building import shot, sight

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


def test_a_camera_is_that_of_a_window_unless_it_is_said() -> None:
    assert Window(window="W1", source="0").role is CameraRole.WINDOW
    with pytest.raises(ValueError, match="role"):
        Window.model_validate({"window": "W1", "source": "0", "role": "corridor"})
