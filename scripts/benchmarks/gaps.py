"""When the centre knows what it misses: lost events, a silent site, a clock that is wrong. Real agent, broker and ingest, default settings.

Ingest runs in this process so that its clock can be moved; to a terminal that is the same as a clock of its own that is wrong.
"""

import signal
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread

from central.captures import chain, store
from central.captures.mqtt import MqttBus
from central.db import reading, utc_now
from central.devices.model import DeviceRow
from central.overview import service as overview
from central.wiring import build_ingest
from scripts.benchmarks.errors import CannotMeasure
from scripts.benchmarks.lossy_line import LossyLine
from scripts.benchmarks.report import Figure
from scripts.chaos_runs.run import AGENT_TOML, SITE, views
from scripts.chaos_runs.tills import WINDOW
from scripts.stack import NotReady, Stack, free_port, wait_until

DEVICE = f"{SITE.fixmedins_code}-t1"
KNOWN_S, SILENT_S = 60.0, 90.0
EVERY, SETTLEMENTS, SETTLE_EVERY_S = 5, 40, 0.7
LOOK_S = 0.05
WRONG_S = 3.0
GIVE_UP_S = 180.0


@dataclass(slots=True)
class Loss:
    """Which events the line loses: every k-th that passes, and all of `always`."""

    every: int = 0
    passed: int = 0
    always: set[int] = field(default_factory=set)
    next_too: bool = False

    def __call__(self, seq: int) -> bool:
        """Whether this one is lost."""
        self.passed += 1
        if self.next_too:
            self.next_too = False
            self.always.add(seq)
        return seq in self.always or bool(self.every and self.passed % self.every == 0)


def measure(folder: Path, progress: Callable[[str], None]) -> list[Figure]:
    """All of goal R7. Raises CannotMeasure when something never becomes known."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as place, _stack(Path(place)) as (stack, line, loss, wrong):
        watch = _Watch(stack)
        _settle(stack, 0)
        wait_until("the first capture", lambda: watch.highest() > 0)
        figures = [_every_kth(stack, line, loss, watch), _last_one(stack, line, loss, watch)]
        progress("lost events are measured")
        figures += _wrong_clock(watch, wrong)
        progress("the clock is measured")
        return [*figures, *_silent(stack, watch)]


def _every_kth(stack: Stack, line: LossyLine, loss: Loss, watch: "_Watch") -> Figure:
    loss.every = EVERY
    with watch.over(line) as known:
        for number in range(1, SETTLEMENTS + 1):
            _settle(stack, number)
        time.sleep(SETTLE_EVERY_S)
        loss.every = 0
        wait_until("every lost event", lambda: set(known) >= set(line.lost) and watch.missing() == 0, GIVE_UP_S)
    taken = [known[seq] - at for seq, at in line.lost.items()]
    return Figure(
        name="a lost event is known",
        value=max(taken),
        unit="s, longest",
        n=len(taken),
        goal="R7",
        spread={"median": statistics.median(taken)},
        at_most=KNOWN_S,
        note=f"every {EVERY}th event lost on the line though acknowledged, also when sent again; until receipt and overview name its "
        "number as missing, or it is there; all came in the end",
    )


def _last_one(stack: Stack, line: LossyLine, loss: Loss, watch: "_Watch") -> Figure:
    """The last event for a while: no later one shows the gap, the next report does."""
    line.lost.clear()
    loss.next_too = True
    with watch.over(line) as known:
        _settle(stack, SETTLEMENTS + 1, bind=False)
        wait_until("a lost event", lambda: bool(line.lost) and set(known) >= set(line.lost), GIVE_UP_S)
    taken = [known[seq] - at for seq, at in line.lost.items()]
    loss.always.clear()
    wait_until("the lost event to come", lambda: watch.missing() == 0, GIVE_UP_S)
    note = "no event follows: the next report of the device names its last number"
    return Figure(name="a lost last event is known", value=max(taken), unit="s", n=len(taken), goal="R7", at_most=KNOWN_S, note=note)


def _wrong_clock(watch: "_Watch", wrong: list[timedelta]) -> list[Figure]:
    figures = []
    for side, seconds in (("behind", WRONG_S), ("ahead", -WRONG_S)):
        wrong[0] = timedelta(seconds=seconds)
        taken = watch.until(lambda: "clock" in watch.problems(), "the clock to be marked")
        wrong[0] = timedelta()
        watch.until(lambda: "clock" not in watch.problems(), "the mark to be withdrawn")
        note = f"a step of {WRONG_S:g} s; until the self-check `clock` of the device stands on the overview"
        figures.append(Figure(name=f"a clock that is {side} is marked", value=taken, unit="s", n=1, goal="R7", note=note))
    return figures


def _silent(stack: Stack, watch: "_Watch") -> list[Figure]:
    def off_line() -> bool:
        return not watch.device().online

    process = stack.agent.process
    if process is None:
        raise CannotMeasure("the agent does not run")
    process.send_signal(signal.SIGSTOP)
    frozen = watch.until(off_line, "the site to be off-line")
    process.send_signal(signal.SIGCONT)
    watch.until(lambda: not off_line(), "the site to be on-line")
    stack.broker.kill()
    process.kill()
    without_will = watch.until(off_line, "the site to be off-line")
    notes = ("its process is stopped: the broker misses its life sign and publishes its will", "site and broker gone at once, so no will")
    return [
        Figure(name=f"a silent site is known, {name}", value=taken, unit="s", n=1, goal="R7", at_most=SILENT_S, note=note)
        for name, taken, note in zip(("with a will", "without"), (frozen, without_will), notes, strict=True)
    ]


class _Watch:
    """What the centre knows of the device, as its overview shows it."""

    def __init__(self, stack: Stack) -> None:
        self._engine = stack.centre.engine

    def device(self) -> DeviceRow:
        """Its line of the overview."""
        with reading(self._engine).begin() as db:
            return next(device for site in overview.read(db, now=utc_now()).sites for device in site.devices)

    def problems(self) -> set[str]:
        """Self-checks of the device that do not hold."""
        return {problem["check"] for problem in self.device().problems}

    def missing(self) -> int:
        """Numbers that the centre knows of and does not hold."""
        with reading(self._engine).begin() as db:
            return overview.read(db, now=utc_now()).missing.get(DEVICE, 0)

    def highest(self) -> int:
        """The end of the chain without a gap."""
        with reading(self._engine).begin() as db:
            head = store.head(db, DEVICE, store.newest_epoch(db, DEVICE))
            return 0 if head is None else head.up_to

    def until(self, condition: Callable[[], bool], what: str) -> float:
        """Seconds until it holds. Raises CannotMeasure."""
        begun = time.perf_counter()
        try:
            wait_until(what, condition, GIVE_UP_S)
        except NotReady as error:
            raise CannotMeasure(str(error)) from None
        return time.perf_counter() - begun

    @contextmanager
    def over(self, line: LossyLine) -> Iterator[dict[int, float]]:
        """Note for each event that the line lost when the centre first knew of it."""
        known, stop = dict[int, float](), Event()

        def look() -> None:
            while not stop.wait(LOOK_S):
                now, named = time.monotonic(), self._named(set(line.lost) - set(known))
                known.update(dict.fromkeys(named, now))

        thread = Thread(target=look, name="watch", daemon=True)
        thread.start()
        try:
            yield known
        except NotReady as error:
            raise CannotMeasure(str(error)) from None
        finally:
            stop.set()
            thread.join()

    def _named(self, wanted: set[int]) -> set[int]:
        """Those that are here, or lie below a number that the centre knows of."""
        if not wanted:
            return set()
        with reading(self._engine).begin() as db:
            epoch = store.newest_epoch(db, DEVICE)
            head = store.head(db, DEVICE, epoch)
            missing = overview.read(db, now=utc_now()).missing.get(DEVICE, 0)
            edge = 0 if head is None else head.up_to
            gaps = () if head is None else chain.gaps(db, head)
        return {seq for seq in wanted if seq <= edge + missing or any(first <= seq <= last for first, last in gaps)}


@contextmanager
def _stack(place: Path) -> Iterator[tuple[Stack, LossyLine, Loss, list[timedelta]]]:
    loss, port, wrong, stop = Loss(), free_port(), [timedelta()], Event()
    stack = Stack(place / "stack", SITE, {WINDOW: str(views(place / "views"))}, agent_toml=AGENT_TOML, line_port=port)

    def now() -> datetime:
        return utc_now() + wrong[0]

    centre = replace(stack.centre, now=now)
    bus = MqttBus(centre.settings.broker, centre.keys)
    ingest = Thread(target=build_ingest(centre, bus).run, args=(stop,), name="ingest", daemon=True)
    try:
        stack.broker.start()
        stack.wait_for_broker()
        bus.start()
        ingest.start()
        with LossyLine(centre.keys, stack.agent_folder, stack.broker_port, port, loss) as line:
            stack.agent.start()
            wait_until("the agent", lambda: _connected(stack))
            yield stack, line, loss, wrong
    except NotReady as error:
        raise CannotMeasure(f"{error}; the agent's log ends:\n{stack.agent.tail()}") from None
    finally:
        stop.set()
        ingest.join()
        bus.stop()
        stack.stop()


def _connected(stack: Stack) -> bool:
    try:
        return bool(stack.health()["connected"])
    except (OSError, ValueError):
        return False


def _settle(stack: Stack, number: int, *, bind: bool = True) -> None:
    name = f"GAPS{number:06}"
    stack.till("/session/start", {"msgid": name, "infno": "2102", "psn_no": "PSN-1", "mdtrt_cert_type": "03", "window": WINDOW})
    if bind:
        body = {"msgid": name, "setl_id": name, "mdtrt_id": name, "setl_time": "2026-01-02 09:30:21", "medfee_sumamt": "1.00"}
        stack.till("/session/bind", body)
    time.sleep(SETTLE_EVERY_S)
