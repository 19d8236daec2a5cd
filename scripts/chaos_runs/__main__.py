"""Kill agent, broker and ingest at random moments under a load of settlements, and compare every ledger afterwards.

    scripts/chaos --kills 1000 --seed 1

Ends with exit code 1 if a receipted event was lost, anything counts twice, an answer to a till has no event, or anything else is amiss.
"""

import json
import secrets
import shutil
import signal
import statistics
from collections import Counter
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from models.files import write_whole
from scripts.benchmarks.report import Figure, machine, save, table
from scripts.chaos_runs.run import Outcome, run
from scripts.stack import ROOT, NotReady

MARK = ".chaos"
SHOWN = 20


class Broker(StrEnum):
    """Which broker stands between."""

    EMBEDDED = "embedded"
    MOSQUITTO = "mosquitto"


def figures(outcome: Outcome) -> list[Figure]:
    """The result against its goal, and what was done to get it."""
    n, found = len(outcome.kills), outcome.findings
    names = {
        "lost": "receipted events lost",
        "twice": "settlements counted twice",
        "unrecorded": "answers to a till without an event",
        "invented": "events that nobody asked for",
        "gaps": "missing numbers and broken links",
        "irregular": "irregularities and refusals at the centre",
        "refused": "requests answered with an error",
        "undelivered": "what still waits at the end",
        "moved_back": "numbers of the device that fell or ran ahead",
        "died": "processes that ended by themselves",
    }
    lines = [
        Figure(name=names[kind], value=len(each), unit="", n=n, goal="R1", at_most=0, note="; ".join(each[:SHOWN]))
        for kind, each in found.by_kind().items()
    ]
    return [*lines, *_circumstances(outcome)]


def _circumstances(outcome: Outcome) -> list[Figure]:
    n, kills = len(outcome.kills), outcome.kills
    by_victim = {name: float(count) for name, count in sorted(Counter(kill.victim for kill in kills).items())}
    ages = [kill.age_s for kill in kills]
    told, centre = outcome.told, outcome.centre
    held = {} if centre is None else {"captures": centre.captures, "bindings": centre.bindings, "voids": centre.voids}
    return [
        Figure(name="kills", value=n, unit="", n=n, goal="R1", spread=by_victim, note=f"seed {outcome.seed}"),
        Figure(name="  of them with others at once", value=sum(kill.together > 1 for kill in kills), unit="", n=n),
        Figure(
            name="  of them before the first answer or receipt",
            value=sum(not kill.served for kill in kills),
            unit="",
            n=n,
            spread={name: float(sum(kill.victim == name and not kill.served for kill in kills)) for name in ("agent", "ingest")},
        ),
        Figure(name="age at the kill", value=statistics.median(ages), unit="s median", n=n, spread={"min": min(ages), "max": max(ages)}),
        Figure(name="requests answered", value=sum(told[f"{verb} answered"] for verb in ("start", "bind", "void")), unit="", n=n),
        Figure(name="requests given up", value=sum(told[f"{verb} unanswered"] for verb in ("start", "bind", "void")), unit="", n=n),
        Figure(
            name="events at the centre",
            value=0 if centre is None else len(centre.events),
            unit="",
            n=n,
            spread={name: float(sum(counts.values())) for name, counts in held.items()}
            | {"pictures": float(centre.pictures if centre else 0)},
        ),
        Figure(name="receipts heard on the wire", value=outcome.heard, unit="different", n=n),
        Figure(name="until everything had arrived", value=outcome.arrive_s, unit="s", n=1),
        Figure(name="whole run", value=outcome.seconds, unit="s", n=1, spread={"per kill": outcome.seconds / n}),
    ]


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """However we are told to end, broker, centre and agent end with us."""
    raise KeyboardInterrupt


def main(
    kills: Annotated[int, typer.Option(min=1, help="Processes to kill; 1,000 take about half an hour.")] = 1000,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the dice; without it a new one, which is printed.")] = None,
    broker: Annotated[Broker, typer.Option(help="Which broker stands between.")] = Broker.EMBEDDED,
    out: Annotated[Path, typer.Option(help="Where logs, ledgers and the report are written; emptied first.")] = ROOT / "var" / "chaos",
) -> None:
    """Kill agent, broker and ingest at random moments under a load of settlements, and compare every ledger afterwards."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupt)
    if out.exists() and any(out.iterdir()) and not (out / MARK).exists():
        typer.echo(f"chaos: {out} is not empty and was not made by an earlier run; name another --out", err=True)
        raise typer.Exit(2)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / MARK).touch()
    seed, before = secrets.randbelow(1 << 30) if seed is None else seed, machine()
    typer.echo(f"seed {seed}, {kills} kills, {broker} broker, everything below {out}")
    try:
        outcome = run(out, kills=kills, seed=seed, mosquitto=broker is Broker.MOSQUITTO, progress=typer.echo)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except NotReady as error:
        typer.echo(f"chaos: {error}", err=True)
        raise typer.Exit(2) from None
    lines = figures(outcome)
    save(out / "chaos.json", f"chaos, {broker} broker, seed {seed}", before, lines)
    write_whole(out / "kills.json", json.dumps([asdict(kill) for kill in outcome.kills], indent=1).encode())
    typer.echo(table(before, lines))
    raise typer.Exit(int(outcome.findings.total > 0))


if __name__ == "__main__":
    typer.run(main)
