"""Measure the product against its goals. Each command prints a table and writes JSON; run them on a quiet machine."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from models.session import limit_opencv_threads
from scripts.benchmarks import edge, search
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
def edge_command(out: Out = OUT) -> None:
    """The window: frame to signed verdict, its parts, start, memory and idle load, with other libraries on the same frames."""
    _run("edge", out, lambda: edge.measure(out / "edge"))


def _run(what: str, out: Path, measure: Callable[[], Sequence[Figure]]) -> None:
    limit_opencv_threads()
    before = machine()
    figures = measure()
    save(out / f"{what}.json", what, before, figures)
    typer.echo(table(before, figures))


if __name__ == "__main__":
    app(prog_name="scripts/bench")
