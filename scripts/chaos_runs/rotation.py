"""Keys of a real terminal change again and again under a load of settlements, while the agent is killed in the middle of it.

    python -m scripts.chaos_runs.rotation --rotations 20 --seed 1

The agent is struck at the moments that matter: when new keys lie on the disk and nobody knows of them, when they were offered, when they
are in force and nobody was told, and at any other. Then every ledger is compared, and every kept event is checked again under the key that
was good at its number. Ends with exit code 1 if anything was lost, counted twice or refused.
"""

import secrets
import shutil
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from central.captures import service as captures
from central.db import reading, utc_now
from central.devices import service as devices
from central.orders import service as orders
from central.orders.model import Asking, State
from edge_agent.keyring import ROTATED
from edge_agent.orders.rekeying import DRAFT
from scripts.benchmarks.report import Figure, machine, save, table
from scripts.chaos_runs.run import SITE, Chaos, Outcome, run_with
from scripts.stack import ROOT, NotReady, wait_until

DEVICE = f"{SITE.fixmedins_code}-t1"
MOMENTS = ("order", "draft", "change", "random", "none")
"""When the agent is struck in a rotation."""
ANSWER_S, LOOK_S, SOON_S = 120.0, 0.002, 0.15
MARK = ".rotation"


@dataclass(slots=True)
class Turned:
    """What became of the rotations of a run. `faults` are kept events that do not stand."""

    took_s: list[float] = field(default_factory=list)
    struck: Counter[str] = field(default_factory=Counter)
    keys: int = 0
    closed: int = 0
    events: int = 0
    faults: list[str] = field(default_factory=list)


def rotate(chaos: Chaos, times: int, turned: Turned) -> None:
    """Order new keys so often, one after the other. Raises NotReady if an order is not answered in time."""
    for number in range(times):
        moment = chaos.dice.choice(MOMENTS)
        begun = time.monotonic()
        request = _order(chaos)
        _strike(chaos, moment, begun)
        turned.struck[moment] += 1
        wait_until(f"rotation {number + 1} ({moment})", lambda request=request: _answered(chaos, request), ANSWER_S)  # type: ignore[misc]
        turned.took_s.append(time.monotonic() - begun)
        chaos.progress(f"{number + 1}/{times} rotations, the last in {turned.took_s[-1]:.1f} s, struck at: {moment}")
        time.sleep(chaos.dice.uniform(0, 1))


def run(folder: Path, *, rotations: int, seed: int, mosquitto: bool, progress: Callable[[str], None]) -> tuple[Outcome, Turned]:
    """One run with so many rotations. Raises NotReady."""
    turned, stacks = Turned(), []

    def work(chaos: Chaos) -> None:
        stacks.append(chaos.stack)
        wait_until("the first settlement", lambda: _alive(chaos), ANSWER_S)
        rotate(chaos, rotations, turned)

    outcome = run_with(folder, work, seed=seed, mosquitto=mosquitto, progress=progress, supervised=True)
    with reading(stacks[0].centre.engine).begin() as db:
        history, kept = devices.key_history(db, DEVICE), captures.kept(db, DEVICE)
    turned.keys, turned.closed = len(history), sum(key.last_seq is not None for key in history)
    turned.events, turned.faults = kept.events, [f"{fault.epoch}:{fault.seq} {fault.why}" for fault in kept.faults]
    return outcome, turned


def _order(chaos: Chaos) -> str:
    with chaos.stack.centre.engine.begin() as db:
        return orders.ask_rekey(db, DEVICE, "routine", by=Asking(actor="rotation", purpose="a run of rotations", at=utc_now())).request


def _answered(chaos: Chaos, request: str) -> bool:
    chaos.start_again()
    with reading(chaos.stack.centre.engine).begin() as db:
        return orders.get(db, request, now=utc_now()).state is State.ANSWERED


def _alive(chaos: Chaos) -> bool:
    with reading(chaos.stack.centre.engine).begin() as db:
        return DEVICE in devices.alive(db, utc_now())


def _strike(chaos: Chaos, moment: str, begun: float) -> None:
    """Kill the agent when what this moment waits for lies on its disk; it may be too late already, as in life."""
    data, soon_s = chaos.stack.agent_folder / "data", begun + chaos.dice.uniform(0, 3)
    before = _stamp(data / ROTATED)
    waits: dict[str, Callable[[], bool]] = {
        "order": lambda: True,
        "draft": (data / DRAFT).exists,
        "change": lambda: _stamp(data / ROTATED) != before,
        "random": lambda: time.monotonic() >= soon_s,
    }
    if moment not in waits:
        return
    while not waits[moment]() and time.monotonic() - begun < ANSWER_S:
        time.sleep(LOOK_S)
    if moment != "change":
        time.sleep(chaos.dice.uniform(0, SOON_S) * (chaos.dice.random() < 0.5))
    chaos.kill(("agent",))


def _stamp(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def figures(outcome: Outcome, turned: Turned) -> list[Figure]:
    """The result against its goal, and what was done to get it."""
    found, n = outcome.findings.by_kind(), len(turned.took_s)
    lines = [
        Figure(name=f"rotation: {kind}", value=len(each), unit="", n=n, goal="S4", at_most=0, note="; ".join(each[:10]))
        for kind, each in found.items()
    ]
    lines.append(
        Figure(name="rotation: kept events that do not stand", value=len(turned.faults), unit="", n=turned.events, goal="S4", at_most=0)
    )
    took = sorted(turned.took_s)
    lines += [
        Figure(name="rotations under load", value=n, unit="", n=n, goal="S4", note=f"seed {outcome.seed}", spread=_floats(turned.struck)),
        Figure(name="keys at the centre, all but one closed", value=turned.keys, unit="", n=n, spread={"closed": float(turned.closed)}),
        Figure(name="from order to use", value=took[n // 2], unit="s median", n=n, spread={"min": took[0], "max": took[-1]}),
        Figure(name="kills of the agent", value=len(outcome.kills), unit="", n=n),
        Figure(name="requests answered", value=sum(outcome.told[f"{verb} answered"] for verb in ("start", "bind", "void")), unit="", n=n),
        Figure(name="events checked again", value=turned.events, unit="", n=n),
        Figure(name="whole run", value=outcome.seconds, unit="s", n=1),
    ]
    return lines


def _floats(counts: Counter[str]) -> dict[str, float]:
    return {name: float(count) for name, count in sorted(counts.items())}


def main(
    rotations: Annotated[int, typer.Option(min=1, help="Changes of keys, one after the other.")] = 20,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the dice; without it a new one, which is printed.")] = None,
    mosquitto: Annotated[bool, typer.Option(help="Mosquitto instead of the embedded broker.")] = False,
    out: Annotated[Path, typer.Option(help="Where logs, ledgers and the report are written; emptied first.")] = ROOT / "var" / "rotation",
) -> None:
    """Change the keys of a real terminal under load, with kill -9 in the middle, and compare every ledger afterwards."""
    if out.exists() and any(out.iterdir()) and not (out / MARK).exists():
        typer.echo(f"rotation: {out} is not empty and was not made by an earlier run; name another --out", err=True)
        raise typer.Exit(2)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / MARK).touch()
    seed, before = secrets.randbelow(1 << 30) if seed is None else seed, machine()
    typer.echo(f"seed {seed}, {rotations} rotations, {'Mosquitto' if mosquitto else 'embedded broker'}, everything below {out}")
    try:
        outcome, turned = run(out, rotations=rotations, seed=seed, mosquitto=mosquitto, progress=typer.echo)
    except NotReady as error:
        typer.echo(f"rotation: {error}", err=True)
        raise typer.Exit(2) from None
    lines = figures(outcome, turned)
    save(out / "rotation.json", f"rotation, seed {seed}", before, lines)
    typer.echo(table(before, lines))
    raise typer.Exit(int(outcome.findings.total > 0 or bool(turned.faults)))


if __name__ == "__main__":
    typer.run(main)
