"""The agent as it runs at a window: a process of its own with broker and centre beside it, seen from outside through /proc and the till."""

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from central.sites.model import NewSite
from contract.events import EvidenceMode
from scripts.benchmarks.camera import CameraProcess
from scripts.benchmarks.clips import HEIGHT, WIDTH
from scripts.benchmarks.errors import CannotMeasure
from scripts.benchmarks.meter import memory, used
from scripts.benchmarks.report import Figure, timed
from scripts.stack import NotReady, Stack, answers, wait_until

WINDOW = "W1"
SITE = NewSite(
    fixmedins_code="P99999900001",
    fixmedins_name="示例大药房",
    admdvs="999999",
    evidence_mode=EvidenceMode.ALL,
    legal_basis="measurement with published pictures on one machine",
)
SETTLING = """
[times]
window_after_s = 0.5
"""
STARTS, READY_S = 5, 3.0
SETTLEMENTS, MEMORY_MIB, ANSWER_MS = 20, 600.0, 300.0
LOOK_S = 4.0  # a person stands there before the first card
BEFORE_BIND_S, AFTER_BIND_S = 1.0, 1.0  # the session is closed half a second after bind: a busy window, but one settlement at a time
IDLE_WIDTH, IDLE_HEIGHT, IDLE_FPS = 640, 360, 5.0
LEARN_S, IDLE_S, IDLE_SHARE = 40.0, 60.0, 15.0
GIVE_UP_S = 60.0


def measure_process(folder: Path) -> list[Figure]:
    """Start, answers to the till with and without a broker, memory after settlements, and load before an empty window."""
    with CameraProcess(WIDTH, HEIGHT, 12) as camera, _stack(folder / "serving", camera.url, SETTLING) as stack:
        ready = [_start(stack) for _ in range(STARTS)]
        camera.show(person=True)
        time.sleep(LOOK_S)
        online = [_settle(stack, f"ON{number:04}") for number in range(SETTLEMENTS)]
        stack.stop_broker()
        offline = [_settle(stack, f"OFF{number:04}") for number in range(SETTLEMENTS)]
        wait_until("the end of all settlements", lambda: stack.health()["open_sessions"] == 0)
        held = memory(_pid(stack))
    begun = Figure(
        name="start to ready",
        value=max(ready),
        unit="s, longest",
        n=len(ready),
        goal="P1",
        spread={"median": statistics.median(ready), "min": min(ready)},
        at_most=READY_S,
        note="from the process being started until /health answers; vaults exist, networks are verified and loaded",
    )
    note = f"one window, {WIDTH}x{HEIGHT}, {2 * SETTLEMENTS} settlements of one person with pictures, half without a broker"
    return [
        begun,
        Figure(name="resident memory, most ever", value=held.peak, unit="MiB", n=1, goal="P1", at_most=MEMORY_MIB, note=note),
        Figure(name="resident memory after settlements", value=held.now, unit="MiB", n=1, goal="P1", at_most=MEMORY_MIB),
        timed("answer to /session/start", online, goal="P5", at_most_ms=ANSWER_MS, note="over HTTP, a person in view"),
        timed("answer to /session/start without a broker", offline, goal="P5", at_most_ms=ANSWER_MS),
        *_idle(folder / "idle"),
    ]


def _idle(folder: Path) -> list[Figure]:
    with CameraProcess(IDLE_WIDTH, IDLE_HEIGHT, IDLE_FPS) as camera, _stack(folder, camera.url, "") as stack:
        _start(stack)
        time.sleep(LEARN_S)
        problems = stack.health()["problems"]
        before = used(_pid(stack))
        time.sleep(IDLE_S)
        after = used(_pid(stack))
    seconds = after.at_s - before.at_s
    note = (
        f"an empty window seen at {IDLE_WIDTH}x{IDLE_HEIGHT}, {IDLE_FPS:g} frames a second, for {seconds:.0f} s after it was learnt; "
        f"connected, no session open; {len(problems)} problems reported"
    )
    return [Figure(name="idle load", value=after.share_since(before), unit="% of one core", n=1, goal="V3", at_most=IDLE_SHARE, note=note)]


@contextmanager
def _stack(folder: Path, camera: str, more: str) -> Iterator[Stack]:
    """Broker and centre running, the agent enrolled and not started."""
    stack = Stack(folder, SITE, {WINDOW: camera}, agent_toml=more)
    try:
        stack.broker.start()
        stack.ingest.start()
        yield stack
    except (NotReady, OSError) as error:
        raise CannotMeasure(f"the agent's process could not be measured: {error}; its log ends:\n{stack.agent.tail()}") from None
    finally:
        stack.stop()


def _start(stack: Stack) -> float:
    """Start the agent anew; seconds until it answers."""
    stack.agent.kill()
    begun = time.perf_counter()
    stack.agent.start()
    address = f"http://127.0.0.1:{stack.till_port}/health"
    while not answers(address):
        if not stack.agent.alive or time.perf_counter() - begun > GIVE_UP_S:
            raise NotReady("the agent did not start")
        time.sleep(0.01)
    return time.perf_counter() - begun


def _settle(stack: Stack, name: str) -> float:
    """One settlement from card to bind; seconds until the till was answered."""
    start = {"msgid": name, "infno": "2102", "psn_no": "PSN-1", "mdtrt_cert_type": "03", "window": WINDOW}
    begun = time.perf_counter()
    stack.till("/session/start", start)
    answered = time.perf_counter() - begun
    time.sleep(BEFORE_BIND_S)
    bind = {"msgid": name, "setl_id": f"S{name}", "mdtrt_id": f"V{name}", "setl_time": "2026-01-02 09:30:21", "medfee_sumamt": "1.00"}
    stack.till("/session/bind", bind)
    time.sleep(AFTER_BIND_S)
    return answered


def _pid(stack: Stack) -> int:
    if stack.agent.process is None:
        raise NotReady("the agent does not run")
    return stack.agent.process.pid
