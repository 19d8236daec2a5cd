"""The windows of this device: a camera, a watcher and a view each, and what the self-checks say of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from edge_agent.camera.camera import WatchedCamera
from edge_agent.camera.coverage import Coverage
from edge_agent.camera.lookout import Lookout
from edge_agent.camera.repeats import Repeats
from edge_agent.camera.source import opener
from edge_agent.camera.view import View
from edge_agent.clock import Clock
from edge_agent.health.checks import camera, covered, dark, defocused, frozen, hung, looped, moved, overexposed
from edge_agent.health.metrics import Metrics
from edge_agent.health.problems import Check
from edge_agent.health.pulse import Pulses
from edge_agent.ports import OpenStream
from edge_agent.sections.core import Window
from edge_agent.settings import Settings
from edge_agent.window.census import Counted
from edge_agent.window.eyes import Eyes
from edge_agent.window.vacancy import Vacancy
from edge_agent.window.watch import Sessions, Watcher

CHECKS = {
    "camera": camera.check,
    "hung": hung.check,
    "frozen": frozen.check,
    "looped": looped.check,
    "covered": covered.check,
    "defocused": defocused.check,
    "moved": moved.check,
    "dark": dark.check,
    "overexposed": overexposed.check,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """A watcher for each window, and by window its camera and what it looks through; nothing is started."""

    cameras: Mapping[str, WatchedCamera]
    lookouts: Mapping[str, Lookout]
    watchers: tuple[Watcher, ...]
    coverage: Coverage

    def checks(self) -> dict[str, Check]:
        """What can be wrong with a window's picture, one check for each cause."""
        return {name: partial(check, self.lookouts) for name, check in CHECKS.items()}


def new_camera(settings: Settings, window: Window, clock: Clock, open_stream: OpenStream | None = None) -> WatchedCamera:
    """A window's camera; `open_stream` replaces its source."""
    repeats = Repeats(frozen_after_s=settings.times.frozen_after_s, memory_s=settings.view.loop_memory_s)
    return WatchedCamera(window.window, open_stream or opener(window.source, loop=window.loop), clock, repeats)


def new_vacancy(settings: Settings) -> Vacancy:
    """What remembers of every camera whether it was blind, and of those that tell so whether anybody was there."""
    return Vacancy(
        (window.window for window in settings.windows),
        empty_share=settings.limits.empty_share,
        gap_s=settings.times.camera_gap_s,
        untold=[window.window for window in settings.windows if not window.tells_empty],
    )


def watching(
    settings: Settings,
    *,
    streams: Mapping[str, OpenStream],
    new_eyes: Callable[[Window], Eyes],
    sessions: Sessions,
    vacancy: Vacancy,
    clock: Clock,
    pulses: Pulses,
    metrics: Metrics,
) -> Watching:
    """A camera and a watcher for every window, where people are counted too; `streams` replaces the sources of windows."""
    cameras = {window.window: new_camera(settings, window, clock, streams.get(window.window)) for window in settings.windows}
    coverage = Coverage(cameras, vacancy, clock)
    counted = Counted(sessions, {window.window: window.role for window in settings.windows}, settings.limits, coverage)
    lookouts = {name: Lookout(name, camera, View(settings.view), coverage) for name, camera in cameras.items()}

    def watcher(window: Window) -> Watcher:
        return Watcher(
            window=window.window,
            zone=window.zone,
            lookout=lookouts[window.window],
            eyes=new_eyes(window),
            sessions=counted,
            fps=settings.times.analyse_fps,
            clock=pulses.clock(f"watch-{window.window}"),
            metrics=metrics,
        )

    watchers = tuple(watcher(window) for window in settings.windows)
    return Watching(cameras=cameras, lookouts=lookouts, watchers=watchers, coverage=coverage)
