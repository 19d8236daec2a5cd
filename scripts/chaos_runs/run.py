"""One run: a stack of real processes under load, strikes with kill -9 at random moments, time to arrive, and the comparison.

The dice decide who is struck and when, and are thrown from the seed alone; what the processes do at that moment is their own affair, so
that two runs with one seed are alike and not equal.
"""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from central.sites.model import NewSite
from contract.events import EvidenceMode
from scripts.chaos_runs.ledgers import Centre, Device, Findings, compare, end_at_centre, pictures_missing, read_centre, read_device
from scripts.chaos_runs.tills import WINDOW, Log, Tills, read_log
from scripts.chaos_runs.witness import Witness
from scripts.scenes import background
from scripts.stack import Child, NotReady, Stack, wait_until

SITE = NewSite(
    fixmedins_code="P99999900001",
    fixmedins_name="示例大药房",
    admdvs="999999",
    evidence_mode=EvidenceMode.ALL,
    legal_basis="trial with made pictures on one machine",
)
AGENT_TOML = """loop = true

[times]
window_before_s = 0.5
window_after_s = 0.2
answer_look_s = 0.5
session_max_s = 4
presence_before_s = 0.5
presence_after_s = 0.2
analyse_fps = 6
idle_fps = 4

[limits]
search_side = 128

[networks]
threads = 1

[liveness]
enabled = false
"""
"""The first line still belongs to the window, a folder of pictures that begins again; then short settlements and cheap looks."""
LANES = 3
STRIKES: tuple[tuple[tuple[str, ...], int], ...] = (
    (("agent",), 38),
    (("ingest",), 22),
    (("broker",), 20),
    (("agent", "broker"), 7),
    (("agent", "ingest"), 6),
    (("ingest", "broker"), 5),
    (("agent", "ingest", "broker"), 2),
)
"""Who is struck at once, and how often in a hundred strikes."""
AT_ONCE, SOON_S, LATER_S, DOWN_S = 0.3, 1.2, 2.0, 0.4
"""Share of strikes that do not wait for whom they strike to do its work; seconds until such a strike, and until others; seconds until a
new start.
"""
SERVING_S, HEARD_S, ARRIVE_S = 120.0, 15.0, 120.0
REPORT_EVERY = 10
VIEWS, WIDTH, HEIGHT = 3, 320, 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """One process ended without warning, so many seconds after its start; `together` were struck at once."""

    victim: str
    age_s: float
    served: bool
    together: int


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What a run gave."""

    seed: int
    kills: list[Kill] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)
    told: Counter[str] = field(default_factory=Counter)
    device: Device | None = None
    centre: Centre | None = None
    heard: int = 0
    seconds: float = 0.0
    arrive_s: float = 0.0


def run(folder: Path, *, kills: int, seed: int, mosquitto: bool, progress: Callable[[str], None]) -> Outcome:
    """Strike until so many processes were killed. Raises NotReady when the stack does not come up, or stays down after a strike."""
    return run_with(folder, lambda chaos: chaos.strike(kills), seed=seed, mosquitto=mosquitto, progress=progress)


def run_with(
    folder: Path, work: "Callable[[Chaos], None]", *, seed: int, mosquitto: bool, progress: Callable[[str], None], supervised: bool = False
) -> Outcome:
    """Let `work` do what it does to a stack under load, then compare the ledgers. Raises NotReady."""
    folder.mkdir(parents=True, exist_ok=True)
    views_at = {WINDOW: str(views(folder / "views"))}
    stack = Stack(folder / "stack", SITE, views_at, mosquitto=mosquitto, agent_toml=AGENT_TOML, supervised=supervised)
    log = Log(folder / "till.jsonl")
    witness = Witness(stack.centre.keys, f"{SITE.fixmedins_code}-t1", stack.broker_port)
    tills = Tills(stack, log, site=SITE.fixmedins_code, lanes=LANES, seed=seed)
    begun = time.monotonic()
    with stack:
        witness.start()
        tills.start()
        chaos = Chaos(stack, log, witness, seed, progress)
        try:
            work(chaos)
        finally:
            tills.stop()
        outcome = chaos.outcome
        outcome.arrive_s = _let_arrive(stack, chaos)
        witness.stop()
    told = list(read_log(folder / "till.jsonl"))
    outcome.device = read_device(stack.agent_folder / "data", folder)
    outcome.centre = read_centre(stack.centre.engine)
    outcome.told = Counter(f"{line.verb} {line.state}" for line in told)
    outcome.heard, outcome.seconds = len(witness.heard), time.monotonic() - begun
    found = compare(told, outcome.device, outcome.centre, witness.heard)
    found.moved_back, found.died = outcome.findings.moved_back, outcome.findings.died
    found.lost += witness.faults
    outcome.findings = found
    return outcome


class Chaos:
    """Strikes a running stack."""

    def __init__(self, stack: Stack, log: Log, witness: Witness, seed: int, progress: Callable[[str], None]) -> None:
        """Everything random comes from `seed`."""
        self.outcome = Outcome(seed=seed)
        self.stack, self.progress = stack, progress
        self._log, self._witness = log, witness
        self.dice = random.Random(seed)  # noqa: S311 - to be repeated, no secret
        self._victims = {"agent": stack.agent, "ingest": stack.ingest, "broker": stack.broker}
        self._begun_s = dict.fromkeys(self._victims, time.monotonic())
        self._before: Device | None = None

    def strike(self, kills: int) -> None:
        """Kill and start again until so many processes were killed."""
        done, reported = self.outcome.kills, 0
        begun = time.monotonic()
        while len(done) < kills:
            (chosen,) = self.dice.choices([names for names, _ in STRIKES], [weight for _, weight in STRIKES])
            self._wait(chosen)
            self.kill(chosen[: kills - len(done)])
            if len(done) - reported >= REPORT_EVERY or len(done) == kills:
                reported = len(done)
                self.progress(self._line(time.monotonic() - begun, kills))

    def start_again(self) -> None:
        """Start whatever has ended by itself, and remember that it had."""
        for name, child in self._victims.items():
            if not child.alive:
                self.outcome.findings.died.append(f"{name} ended by itself; its log ends: {child.tail()[-300:]}")
                self._start(name, child)

    def _wait(self, chosen: Sequence[str]) -> None:
        """Now and then strike soon, whatever state things are in; else let them work first, so that there is something to lose."""
        if self.dice.random() < AT_ONCE:
            time.sleep(self.dice.uniform(0, SOON_S))
            return
        until_s = time.monotonic() + SERVING_S
        while "agent" in chosen and not self._serves("agent"):
            self.start_again()
            if time.monotonic() > until_s:
                raise NotReady(f"the agent did not serve within {SERVING_S:.0f} s; its log ends:\n{self.stack.agent.tail()}")
            time.sleep(0.02)
        until_s = time.monotonic() + HEARD_S
        while "ingest" in chosen and not self._serves("ingest") and time.monotonic() < until_s:
            time.sleep(0.02)
        time.sleep(self.dice.uniform(0, LATER_S))

    def _serves(self, name: str) -> bool:
        """Whether it has done its work since it was started: answered a till, sent a receipt; a broker does at once."""
        begun_s = self._begun_s[name]
        return {"agent": self._log.answered_since, "ingest": self._witness.heard_since}.get(name, lambda _: True)(begun_s)

    def kill(self, chosen: Sequence[str]) -> None:
        """End these at once, and start them again after a while."""
        self.start_again()
        for name in chosen:
            age_s, served = time.monotonic() - self._begun_s[name], self._serves(name)
            self._victims[name].kill()
            self.outcome.kills.append(Kill(victim=name, age_s=age_s, served=served, together=len(chosen)))
        down_until_s = time.monotonic() + self.dice.uniform(0, DOWN_S)
        if "agent" in chosen:
            self._look()
        time.sleep(max(0.0, down_until_s - time.monotonic()))
        for name in chosen:
            self._start(name, self._victims[name])

    def _start(self, name: str, child: Child) -> None:
        self._begun_s[name] = time.monotonic()
        child.start()

    def _look(self) -> None:
        """The device's numbers only rise, and what it holds for receipted is committed at this very moment."""
        data = self.stack.agent_folder / "data"
        if not (data / "outbox.db").exists():
            return
        now, before, back = read_device(data, self.stack.folder), self._before, self.outcome.findings.moved_back
        at_centre = end_at_centre(self.stack.centre.engine, now.chain.epoch)
        if now.chain.receipted > at_centre:
            back.append(f"the device holds {now.chain.receipted} for receipted, the centre has {at_centre}")
        if before is not None:
            names = ("epoch", "last_seq", "receipted", "connection")
            fallen = [name for name in names if getattr(now.chain, name) < getattr(before.chain, name)]
            back += [f"{name} fell from {getattr(before.chain, name)} to {getattr(now.chain, name)}" for name in fallen]
        self._before = now

    def _line(self, seconds: float, kills: int) -> str:
        struck = ", ".join(f"{name} {count}" for name, count in sorted(Counter(kill.victim for kill in self.outcome.kills).items()))
        told = ", ".join(f"{self._log.count(state)} {state}" for state in ("answered", "unanswered", "refused"))
        found = len(self.outcome.findings.moved_back) + len(self.outcome.findings.died)
        return f"{len(self.outcome.kills)}/{kills} kills in {seconds:.0f} s ({struck}); till: {told}; {found} findings so far"


def _let_arrive(stack: Stack, chaos: Chaos) -> float:
    """Let everything that was answered come to the centre and end the agent; seconds that it took. What never comes is found by comparing.

    An agent that is started anew sends at once what it has no receipt for; one that runs waits for a lost receipt first.
    """
    begun, grace_s = time.monotonic(), 0.5
    while time.monotonic() - begun < ARRIVE_S:
        chaos.start_again()
        try:
            wait_until("the end of all deliveries", lambda: _is_done(stack), ARRIVE_S / 3)
        except NotReady:
            continue
        time.sleep(grace_s)  # the last receipt for a picture may be on its way
        stack.agent.kill(signal.SIGTERM)
        device = read_device(stack.agent_folder / "data", stack.folder)
        if not (device.waiting_events or device.waiting_media or device.open_sessions):
            break
        stack.agent.start()
        grace_s *= 2
    return time.monotonic() - begun


def _is_done(stack: Stack) -> bool:
    try:
        health = stack.health()
    except (OSError, ValueError):
        return False
    return health["open_sessions"] == 0 and health["backlog"] == 0 and pictures_missing(stack.centre.engine) == 0


def views(folder: Path) -> Path:
    """Pictures of an empty shop, each with its own grain: a camera that costs nearly nothing."""
    folder.mkdir()
    grain, view = np.random.default_rng(7), cv2.resize(background(1), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    for number in range(VIEWS):
        noisy = np.clip(view + grain.normal(0, 1.5, view.shape), 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{number}.jpg"), noisy)
    return folder
