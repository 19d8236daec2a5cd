"""The bench of the camera watch: real connections that fail, and days that hold no reason for an alarm."""

import math

import cv2
import numpy as np
import pytest

from edge_agent.sections.view import ViewLimits
from models.results import Picture
from scripts.benchmarks import camera_watch
from scripts.benchmarks.camera_day import Stage, live, pictures, stage
from scripts.benchmarks.camera_watch import OUTAGES, Outage, outage_figures, outages
from scripts.benchmarks.faulty_camera import LOOP_FRAMES, Fault, FaultyCamera, shop
from scripts.scenes import background

VIEW = shop(1)[:360]


def moments() -> list[Picture]:
    """Somebody dark who walks through a view."""
    seen = []
    for left in range(100, 500, 10):
        frame = background(3)
        frame[60:, left : left + 90] = 35
        seen.append(frame)
    return seen


def shown(fault: Fault, count: int) -> list[bytes]:
    camera = FaultyCamera(VIEW, fps=1000)
    source = camera.frames()
    for _ in range(LOOP_FRAMES):
        next(source)
    camera.fault = fault
    return [next(source) for _ in range(count)]


def test_a_well_camera_never_repeats_itself_and_a_faulty_one_does() -> None:
    assert len(set(shown(Fault.NONE, 20))) == 20
    assert len(set(shown(Fault.FREEZE, 20))) == 1
    looped = shown(Fault.LOOP, 2 * LOOP_FRAMES)
    assert looped[:LOOP_FRAMES] == looped[LOOP_FRAMES:] and len(set(looped)) == LOOP_FRAMES


@pytest.mark.parametrize("fault", [Fault.COVER, Fault.DEFOCUS, Fault.MOVE, Fault.TURN, Fault.DARK, Fault.BRIGHT])
def test_a_spoilt_picture_is_another(fault: Fault) -> None:
    well, spoilt = (cv2.imdecode(np.frombuffer(shown(kind, 1)[0], np.uint8), cv2.IMREAD_COLOR) for kind in (Fault.NONE, fault))
    assert np.abs(well.astype(int) - spoilt).mean() > 5


def test_every_kind_of_outage_of_a_real_connection_is_seen_and_over() -> None:
    found = outages(len(OUTAGES), lanes=len(OUTAGES))
    assert {outage.kind for outage in found} == set(OUTAGES)
    assert all(math.isfinite(outage.seen_s) and math.isfinite(outage.back_s) for outage in found)


def test_the_longest_outage_is_what_is_held_against_the_goal() -> None:
    found = [Outage(kind=kind, seen_s=2.0, back_s=5.1 if kind is Fault.HANG else 1.0, asked_s=0.001) for kind in OUTAGES]
    figures = {figure.name.strip(): figure.holds for figure in outage_figures(found)}
    assert figures["stream loss seen"] and figures["cut: back"] and figures["hang: back"] is False
    assert camera_watch.KNOWN[Fault.FREEZE][1] == 2.0


def test_a_quiet_hour_raises_nothing_and_a_cover_in_it_would() -> None:
    one, limits = stage("made", moments()), ViewLimits()
    assert live(one, 0.2, seed=1, limits=limits).alarms.total() == 0
    capped = Stage(
        name="capped",
        empty=np.full_like(one.empty, 200),
        moments=((np.full_like(one.empty, 200), np.zeros(one.empty.shape[:2], np.float32)),),
    )
    assert set(live(capped, 0.05, seed=1, limits=limits).alarms) == {"covered"}


def test_a_day_has_light_and_dark_and_people() -> None:
    one = stage("made", moments())
    levels = [float(picture.mean()) for at, picture in pictures(one, 0.05, seed=2)]
    assert len(levels) == 200 and min(levels) > 20
