"""How soon a camera's failures are known and over, and how often the watch is wrong (goals V1 and V2)."""

import random
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np

from edge_agent.camera.camera import WatchedCamera
from edge_agent.camera.coverage import Coverage
from edge_agent.camera.lookout import Lookout
from edge_agent.camera.repeats import Repeats
from edge_agent.camera.source import opener
from edge_agent.camera.view import View
from edge_agent.clock import SystemClock
from edge_agent.sections.core import Times
from edge_agent.sections.view import ViewLimits
from edge_agent.window.vacancy import Vacancy
from models.results import Picture
from scripts.benchmarks import clips
from scripts.benchmarks.camera_day import Day, live, stage
from scripts.benchmarks.errors import CannotMeasure
from scripts.benchmarks.faulty_camera import Fault, FaultyCamera, shop
from scripts.benchmarks.report import Figure
from scripts.scenes import background

OUTAGES = (Fault.STALL, Fault.CUT, Fault.HANG)
SEEN_S, BACK_S = 3.0, 5.0  # goal V1
LANES = 12  # cameras at a time
LANE_FPS, LANE_SIZE = 10.0, (160, 120)
OUTAGE_MORE_S = 3.0  # an outage lasts up to so long after it was seen
GIVE_UP_S = 20.0
POLL_S = 0.01

VIEW_FPS, VIEW_SIZE = 5.0, (640, 360)
VIEW_LOOKS_S = 1 / Times().analyse_fps
KNOWN: dict[Fault, tuple[str, float | None]] = {
    Fault.FREEZE: ("frozen", 2.0),
    Fault.LOOP: ("looped", None),
    Fault.COVER: ("covered", 5.0),
    Fault.DEFOCUS: ("defocused", 5.0),
    Fault.MOVE: ("moved", 5.0),
    Fault.TURN: ("moved", 5.0),
    Fault.DARK: ("dark", None),
    Fault.BRIGHT: ("overexposed", None),
}
"""By what name each is to be known, and within how many seconds (goal V2)."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """One failure: seconds until it was known, until pictures came after it was over, and the longest that a question for a frame took."""

    kind: Fault
    seen_s: float
    back_s: float
    asked_s: float


def measure(cycles: int, trials: int, hours: float, progress: Progress) -> list[Figure]:
    """Everything about the watch of cameras."""
    progress(f"{cycles} outages of network cameras, {LANES} cameras at a time")
    figures = outage_figures(outages(cycles))
    progress(f"{trials} times each of {len(KNOWN)} faults of the picture")
    figures += [_known_figure(fault, taken) for fault, taken in known(trials).items()]
    if hours > 0:
        figures += _false_alarms(hours, progress)
    return figures


def outages(cycles: int, lanes: int = LANES) -> list[Outage]:
    """So many outages of random kind and length, seen through the watched camera of the agent with its own times."""
    share = [cycles // lanes + (lane < cycles % lanes) for lane in range(lanes)]
    with ThreadPoolExecutor(lanes) as pool:
        return [outage for found in pool.map(_lane, range(lanes), share) for outage in found]


def outage_figures(found: Sequence[Outage]) -> list[Figure]:
    """The longest of all outages is what is held against the goal."""
    asked = max(outage.asked_s for outage in found) * 1000
    kinds = ", ".join(f"{sum(outage.kind is kind for outage in found)} {kind}" for kind in OUTAGES)
    return [
        _longest("stream loss seen", [outage.seen_s for outage in found], SEEN_S, f"real connections through OpenCV; {kinds}"),
        *(_longest(f"  {kind}: back", [one.back_s for one in found if one.kind is kind], BACK_S, "") for kind in OUTAGES),
        Figure(
            name="longest question for a frame meanwhile",
            value=asked,
            unit="ms",
            n=len(found),
            goal="V1",
            note="asked every 10 ms from outside; what a settlement waits for a camera that hangs",
        ),
    ]


def known(trials: int) -> dict[Fault, list[float]]:
    """Seconds from each fault of the picture until it is known by its name; infinite where it was not, or by another name."""
    with ThreadPoolExecutor(len(KNOWN)) as pool:
        return dict(zip(KNOWN, pool.map(_trials, KNOWN, [trials] * len(KNOWN)), strict=True))


def _lane(lane: int, cycles: int) -> list[Outage]:
    chance, clock = random.Random(lane), SystemClock()  # noqa: S311 - which outage comes next, no secret
    view = np.asarray(cv2.resize(background(lane), LANE_SIZE), np.uint8)
    with FaultyCamera(view, LANE_FPS) as source:
        camera = WatchedCamera(f"lane-{lane}", opener(source.url, loop=False), clock, _repeats())
        camera.start()
        try:
            _until(lambda: camera.status == "streaming")
            return [_outage(source, camera, OUTAGES[(lane + number) % len(OUTAGES)], chance) for number in range(cycles)]
        finally:
            camera.stop()


def _outage(source: FaultyCamera, camera: WatchedCamera, kind: Fault, chance: random.Random) -> Outage:
    time.sleep(chance.uniform(0.2, 0.6))
    asked: list[float] = []

    def lost() -> bool:
        begun_s = time.perf_counter()
        camera.newest()
        found = camera.fault is not None
        asked.append(time.perf_counter() - begun_s)
        return found

    source.fault = kind
    seen_s = _until(lost)
    time.sleep(chance.uniform(0, OUTAGE_MORE_S))
    source.fault = Fault.NONE
    back_s = _until(lambda: not lost())
    return Outage(kind=kind, seen_s=seen_s, back_s=back_s, asked_s=max(asked))


def _trials(fault: Fault, trials: int) -> list[float]:
    """One camera per fault; it is well between the trials."""
    code, _ = KNOWN[fault]
    with FaultyCamera(shop(1)[: VIEW_SIZE[1], : VIEW_SIZE[0]], VIEW_FPS) as source:
        clock = SystemClock()
        camera = WatchedCamera(code, opener(source.url, loop=False), clock, _repeats())
        limits = ViewLimits()
        lookout = Lookout(code, camera, View(limits), Coverage([code], Vacancy([code], empty_share=0.02, gap_s=2), clock))

        def told() -> set[str]:
            lookout.next()
            return {fault.code for fault in lookout.faults}

        camera.start()
        try:
            _until(lambda: not told())
            _watch(told, limits.learn_s + 3)
            return [_trial(source, fault, code, told) for _ in range(trials)]
        finally:
            camera.stop()


def _trial(source: FaultyCamera, fault: Fault, code: str, told: Callable[[], set[str]]) -> float:
    source.fault = fault
    taken_s = _until(lambda: bool(told()), VIEW_LOOKS_S)
    right = told() == {code}
    source.fault = Fault.NONE
    _until(lambda: not told(), VIEW_LOOKS_S)
    _watch(told, 3.0)
    return taken_s if right else float("inf")


def _watch(told: Callable[[], set[str]], seconds: float) -> None:
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        told()
        time.sleep(VIEW_LOOKS_S)


def _until(holds: Callable[[], bool], every_s: float = POLL_S) -> float:
    """Seconds until it holds; infinite after GIVE_UP_S."""
    begun_s = time.monotonic()
    while not holds():
        if time.monotonic() - begun_s > GIVE_UP_S:
            return float("inf")
        time.sleep(every_s)
    return time.monotonic() - begun_s


def _repeats() -> Repeats:
    return Repeats(frozen_after_s=Times().frozen_after_s, memory_s=ViewLimits().loop_memory_s)


def _known_figure(fault: Fault, taken: Sequence[float]) -> Figure:
    code, most = KNOWN[fault]
    note = (
        f"MJPEG at {VIEW_SIZE[0]}x{VIEW_SIZE[1]}, {VIEW_FPS:g} frames a second, the frame's interval and the opening of the look included"
    )
    return _longest(f"{fault} known as {code}", taken, most, note, goal="V2")


def _longest(name: str, taken: Sequence[float], most: float | None, note: str, goal: str = "V1") -> Figure:
    spread = {"median": statistics.median(taken), "min": min(taken)} if taken else None
    return Figure(
        name=name,
        value=max(taken, default=float("inf")),
        unit="s, longest",
        n=len(taken),
        goal=goal,
        spread=spread,
        at_most=most,
        note=note,
    )


def _false_alarms(hours: float, progress: Progress) -> list[Figure]:
    """Each clip's camera lives its day; the alarms of all are held against one a day."""
    days: list[Day] = []
    for clip in _stages():
        progress(f"{hours:g} simulated hours before {clip[0]}")
        days.append(live(stage(*clip), hours, seed=len(days), limits=ViewLimits()))
    return [_day_figure(day) for day in days]


def _stages() -> list[tuple[str, Sequence[Picture]]]:
    try:
        return [(clip.name, clip.frames) for clip in clips.read(clips.default_folder())]
    except CannotMeasure:
        return [("a made view", [background(seed) for seed in (1, 1, 1)])]


def _day_figure(day: Day) -> Figure:
    told = ", ".join(f"{count} {code}" for code, count in day.alarms.items()) or "none"
    note = f"{day.looks} looks in {day.hours:g} simulated hours: daylight, lamps, grain, people at three distances; alarms: {told}"
    alarms = day.alarms.total() * 24 / day.hours
    return Figure(name=f"false alarms before {day.stage}", value=alarms, unit="a day", n=day.looks, goal="V2", at_most=1.0, note=note)
