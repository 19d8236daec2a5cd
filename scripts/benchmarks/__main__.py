"""Measure the product against its goals. Each command prints a table and writes JSON; run them on a quiet machine."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from edge_agent.health import logs
from models.session import limit_opencv_threads
from scripts.benchmarks import (
    camera_watch,
    drain,
    edge,
    flags,
    gaps,
    imports,
    latency,
    liveness,
    log,
    offline,
    quality,
    reconcile,
    reconnect,
    register,
    search,
    soak,
)
from scripts.benchmarks.errors import CannotMeasure
from scripts.benchmarks.report import Figure, machine, save, table

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
Out = Annotated[Path, typer.Option(help="Folder for the JSON; made if need be.")]
OUT = Path("var/bench")


@app.callback()
def _several() -> None:
    """Keeps the name of a command necessary while there is one only."""


@app.command(name="search")
def search_command(out: Out = OUT, largest: Annotated[int, typer.Option(help="Templates in the largest gallery.")] = 1_000_000) -> None:
    """One to many: the best match among 10,000, 100,000 and 1,000,000 templates."""
    _run("search", out, lambda: search.measure(largest))


@app.command(name="edge")
def edge_command(
    out: Out = OUT,
    peers: Annotated[
        bool, typer.Option(help="Other libraries on the same frames; the first time one is compiled for many minutes.")
    ] = True,
) -> None:
    """The window: frame to signed verdict, its parts, start, memory and idle load, with other libraries on the same frames."""
    _run("edge", out, lambda: edge.measure(out, peers=peers, progress=typer.echo))


@app.command(name="soak")
def soak_command(out: Out = OUT, frames: Annotated[int, typer.Option(help="How many; 100,000 take about 20 minutes.")] = 100_000) -> None:
    """Growth of memory over very many frames with settlements."""
    _run("soak", out, lambda: soak.measure_soak(out, frames))


@app.command(name="flags")
def flags_command(
    out: Out = OUT,
    settlements: Annotated[int, typer.Option(min=1000, help="Genuine settlements decided with each draw of the score model.")] = 10_000,
    draws: Annotated[int, typer.Option(min=20, help="Score models that the measured persons allow.")] = 40,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds give equal figures.")] = 3,
    report: Annotated[Path | None, typer.Option(help="report.json of `python -m models evaluate --clips` to draw from.")] = None,
    clips: Annotated[
        Path | None,
        typer.Option(help="Table of clips to evaluate and replay; without it 40 published persons, and the clips in SHARED_DIR."),
    ] = None,
) -> None:
    """Honest people called impostors, and impostors found: the real decision on settlements drawn from measured similarities."""

    def progress(text: str) -> None:
        typer.echo(text, err=True)

    _run("flags", out, lambda: flags.run(report, clips, out / "faces", settlements=settlements, draws=draws, seed=seed, progress=progress))


@app.command(name="liveness")
def liveness_command(
    out: Out = OUT, scenes: Annotated[int, typer.Option(min=1, help="Made attacks of each kind; fewer than 300 can claim nothing.")] = 300
) -> None:
    """Liveness: errors on real clips, labelled pictures and made attacks, verdicts under another box, and what a face costs."""
    _run("liveness", out, lambda: liveness.measure(scenes, typer.echo))


@app.command(name="quality")
def quality_command(out: Out = OUT) -> None:
    """Quality: whether every component falls as its cause grows, and what an assessment costs."""
    _run("quality", out, quality.measure)


@app.command(name="drain")
def drain_command(out: Out = OUT, events: Annotated[int, typer.Option(min=1, help="Signed events in the backlog.")] = 100_000) -> None:
    """A backlog going out through the agent's own outbox and link, and the most messages that were under way at once."""
    _run("drain", out, lambda: drain.measure(out / "drain", events))


@app.command(name="offline")
def offline_command(
    out: Out = OUT,
    days: Annotated[int, typer.Option(min=1, help="Without a line.")] = 30,
    a_day: Annotated[int, typer.Option(min=1, help="Settlements a day, each with a picture.")] = 300,
    seed: Annotated[int, typer.Option(min=0, help="Which clip each settlement shows.")] = 1,
) -> None:
    """A month without a line in simulated time: what it takes on the disk, and the complete upload afterwards."""
    _run("offline", out, lambda: offline.measure(out / "offline", days, a_day, seed))


@app.command(name="gaps")
def gaps_command(out: Out = OUT) -> None:
    """When the centre knows what it misses: lost events, a silent site, a clock that is wrong. Takes about eight minutes."""
    _run("gaps", out, lambda: gaps.measure(out / "gaps", typer.echo))


@app.command(name="latency")
def latency_command(
    out: Out = OUT,
    base: Annotated[int, typer.Option(min=1000, help="Settlements, each with its capture, that are there before.")] = 100_000,
    trials: Annotated[int, typer.Option(min=2, max=48, help="Flags made one by one; more at once would be a flood.")] = 48,
) -> None:
    """How soon a flag is on the console after the later of claim and capture: terminal, broker, ingest, import, reconciliation, console."""
    _run("latency", out, lambda: latency.measure(out / "latency", base, trials, typer.echo))


@app.command(name="reconnect")
def reconnect_command(
    out: Out = OUT,
    cuts: Annotated[int, typer.Option(min=1, help="Failures of each kind; 100 take about half an hour.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="When and for how long the line fails.")] = 1,
) -> None:
    """How soon a terminal publishes again after its line was cut, swallowed everything, or died unnoticed; and a slow line."""
    _run("reconnect", out, lambda: reconnect.measure(out / "reconnect", cuts, seed, typer.echo))


@app.command(name="camera")
def camera_command(
    out: Out = OUT,
    cycles: Annotated[int, typer.Option(min=1, help="Outages of network cameras; 1,000 take about ten minutes.")] = 1000,
    trials: Annotated[int, typer.Option(min=1, help="How often each fault of the picture is tried.")] = 20,
    hours: Annotated[float, typer.Option(min=0, help="Simulated hours before each clip; 24 take about ten minutes each.")] = 24.0,
) -> None:
    """The watch of cameras: how soon a lost, hung, frozen, looped, covered, defocused or moved one is known, and false alarms."""
    _run("camera", out, lambda: camera_watch.measure(cycles, trials, hours, typer.echo))


@app.command(name="log")
def log_command(out: Out = OUT, leaves: Annotated[int, typer.Option(min=1000, help="Leaves in the log.")] = 200_000) -> None:
    """The transparency log: what it adds to ingest, leaves a second, and the cost and length of proofs, also among 80 million leaves."""
    _run("log", out, lambda: log.measure(out / "log", leaves))


@app.command(name="register")
def register_command(
    out: Out = OUT, templates: Annotated[int, typer.Option(min=100, help="People in the largest register.")] = 100_000
) -> None:
    """The register of people: what several templates are worth, how alike two people are, and enrolling among 100,000."""
    _run("register", out, lambda: register.measure(out / "register", templates, typer.echo))


@app.command(name="import")
def import_command(
    out: Out = OUT,
    rows: Annotated[int, typer.Option(min=1000, help="Rows of the file; one in a hundred is broken.")] = 1_000_000,
    database: Annotated[str, typer.Option(help="URL of an empty PostgreSQL database; without it SQLite.")] = "",
) -> None:
    """A long claim file with broken rows: rows a second, the most memory, and whether every row got its due."""
    _run("import", out, lambda: imports.measure(out / "import", rows, database, typer.echo))


@app.command(name="reconcile")
def reconcile_command(
    out: Out = OUT,
    claims: Annotated[list[int], typer.Option(min=1000, help="Size of a month; may be given several times.")] = [  # noqa: B006
        100_000,
        1_000_000,
        10_000_000,
    ],
) -> None:
    """All rules over simulated months: seconds of each part, memory, growth, what was found and what wrongly. The largest needs 4 GB."""
    _run("reconcile", out, lambda: reconcile.measure(out / "reconcile", tuple(claims), typer.echo))


def _run(what: str, out: Path, measure: Callable[[], Sequence[Figure]]) -> None:
    limit_opencv_threads()
    logs.configure(logging.ERROR)
    before = machine()
    try:
        figures = measure()
    except CannotMeasure as error:
        typer.echo(f"not measured: {error}", err=True)
        raise typer.Exit(2) from None
    save(out / f"{what}.json", what, before, figures)
    typer.echo(table(before, figures))


if __name__ == "__main__":
    app(prog_name="scripts/bench")
