"""Watching a window: every new frame once, and a failure is not the end."""

import time

import numpy as np

from edge_agent.camera.coverage import Coverage
from edge_agent.camera.frames import Sight
from edge_agent.camera.lookout import Lookout
from edge_agent.camera.view import View
from edge_agent.clock import SystemClock
from edge_agent.health.metrics import Metrics
from edge_agent.sections.core import Limits
from edge_agent.sections.view import ViewLimits
from edge_agent.window.eyes import Eyes
from edge_agent.window.presence import Background
from edge_agent.window.vacancy import Vacancy
from edge_agent.window.watch import Watcher
from models.results import Face, Picture
from tests.fakes import ListDetector, StillCamera, face_at

PICTURE = np.zeros((100, 200, 3), np.uint8)


class TornDetector(ListDetector):
    """Breaks once."""

    broke = False

    def detect(self, picture: Picture) -> tuple[Face, ...]:
        if not self.broke:
            self.broke = True
            raise RuntimeError("once")
        return super().detect(picture)


class Post:
    """A watcher with what it handed on."""

    def __init__(self, detector: ListDetector, fps: float = 50) -> None:
        self.camera, self.metrics = StillCamera(), Metrics()
        self.serving = True
        self.seen: list[tuple[str, Sight, Picture]] = []
        zone = (0.5, 0.0, 1.0, 1.0)
        vacancy = Vacancy(["W1"], empty_share=0.02, gap_s=2)
        self.watcher = Watcher(
            window="W1",
            zone=zone,
            lookout=Lookout("W1", self.camera, View(ViewLimits()), Coverage(["W1"], vacancy, SystemClock())),
            eyes=Eyes(
                detector=detector,
                zone=zone,
                limits=Limits(),
                background=Background(quiet_s=0.1, empty_share=0.02),
                idle_interval_s=100,
            ),
            sessions=self,
            fps=fps,
            clock=SystemClock(),
            metrics=self.metrics,
        )

    def observe(self, window: str, sight: Sight, picture: Picture) -> None:
        self.seen.append((window, sight, picture))

    def is_serving(self, window: str) -> bool:
        return window == "W1" and self.serving

    def wait(self, count: int, seconds: float = 10) -> None:
        until = time.monotonic() + seconds
        while len(self.seen) < count and time.monotonic() < until:
            time.sleep(0.01)


def test_a_frame_is_looked_at_once() -> None:
    post = Post(ListDetector((face_at(50, 50, 40),)))
    assert not post.watcher.look()
    post.camera.show(PICTURE, 3.0)
    assert post.watcher.look()
    assert not post.watcher.look()
    ((window, sight, picture),) = post.seen
    assert (window, sight.mono_s, len(sight.shots), picture.shape) == ("W1", 3.0, 1, (100, 100, 3))


def test_a_failure_is_recorded_and_the_watch_goes_on() -> None:
    post = Post(TornDetector())
    post.camera.show(PICTURE, 1.0)
    post.watcher.start()
    time.sleep(0.2)
    post.camera.show(PICTURE, 2.0)
    post.wait(1)
    post.watcher.stop()
    assert [sight.mono_s for _, sight, _ in post.seen] == [2.0]
    assert b'edge_failures_total{step="look"} 1.0' in post.metrics.text()


def test_no_more_than_so_many_frames_a_second() -> None:
    post = Post(ListDetector(), fps=10)
    post.watcher.start()
    until = time.monotonic() + 1
    while time.monotonic() < until:
        post.camera.show(PICTURE, time.monotonic())
        time.sleep(0.005)
    post.watcher.stop()
    assert 2 <= len(post.seen) <= 12


def test_a_session_brings_full_sight_back_at_once() -> None:
    """Somebody whom the background does not show, as on a poster that came to life."""
    detector = ListDetector()
    post = Post(detector)
    post.serving = False
    for number in range(20):
        post.camera.show(PICTURE, number / 10)
        post.watcher.look()
    detector.faces = (face_at(50, 50, 40),)
    for serving in (False, True):
        post.serving = serving
        post.camera.show(PICTURE, 3.0 + serving)
        post.watcher.look()
    assert [sight.faces for _, sight, _ in post.seen[-2:]] == [0, 1]
