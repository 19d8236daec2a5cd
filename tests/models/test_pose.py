import numpy as np
import pytest

from models.pose import EYES_APART_MM, MEAN_FACE, head_pose


def seen(*, yaw: float = 0, pitch: float = 0, roll: float = 0, scale: float = 0.5) -> np.ndarray:
    """The mean face turned by real rotations and looked at from afar."""
    y, p, r = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return (MEAN_FACE @ (about_z @ about_x @ about_y).T)[:, :2] * scale + [300, 200]


@pytest.mark.parametrize("angle", [-45, -20, 0, 20, 45])
@pytest.mark.parametrize("name", ["yaw", "pitch", "roll"])
def test_each_angle_is_found_with_its_sign(name: str, angle: float) -> None:
    yaw, pitch, roll, distance = head_pose(seen(**{name: angle}))
    assert {"yaw": yaw, "pitch": pitch, "roll": roll} == pytest.approx({"yaw": 0, "pitch": 0, "roll": 0} | {name: angle}, abs=1)
    assert distance == pytest.approx(0.5 * EYES_APART_MM, rel=0.01)


def test_signs_are_those_of_the_docstring() -> None:
    to_the_right, down, clockwise = seen(yaw=30), seen(pitch=30), seen(roll=30)
    assert to_the_right[2, 0] > to_the_right[:2, 0].mean()
    assert down[2, 1] - down[:2, 1].mean() > seen()[2, 1] - seen()[:2, 1].mean()
    assert clockwise[1, 1] > clockwise[0, 1]


def test_points_without_extent_give_zeros() -> None:
    assert head_pose(np.full((5, 2), 3.0, np.float32)) == (0, 0, 0, 0)
