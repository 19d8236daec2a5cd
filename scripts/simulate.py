"""Make up a month of settlements, captures and registers with planted fraud, what looks like it, and the truth beside it.

    python -m scripts.simulate --claims 1000000 --out var/month
    python -m central reconcile --data var/month --engine duckdb --report json

Every rule of the catalogue has at least five planted cases and as many look-alikes (families, proxies, twins, slips, night pharmacies);
all the rest is honest by construction. The same options give the same bytes on every machine: no clock is read. The folder holds one
file for each table as `central import` takes them, and truth.csv. Nobody in it exists.
"""

import time
from pathlib import Path
from typing import Annotated

import typer

from central.errors import CentralError
from scripts.simulating.making import TRUTH, Order, standing, write
from scripts.simulating.month import read_month
from scripts.simulating.writing import FILE_NAMES, Format

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

Claims = Annotated[
    int,
    typer.Option(min=1, max=100_000_000, help="Rows of claims, refunds among them: from about 5000. There are 1.2 times as many captures."),
]
Out = Annotated[Path, typer.Option(help="The folder to write to; it is created. Files of an earlier month in it need --replace.")]
Seed = Annotated[int, typer.Option(min=0, help="Another seed, another month of the same kind.")]
FileFormat = Annotated[
    Format, typer.Option("--format", help="parquet is half the size and much quicker to read; csv is for people and tests.")
]
MonthText = Annotated[str, typer.Option("--month", help="The month, as yyyy-MM.")]
Replace = Annotated[bool, typer.Option("--replace", help="Write over the files of an earlier month.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Say nothing while it works.")]


@app.command(help=__doc__)
def main(
    out: Out,
    claims: Claims = 10_000,
    seed: Seed = 1,
    kind: FileFormat = "parquet",
    month: MonthText = "2026-06",
    replace: Replace = False,
    quiet: Quiet = False,
) -> None:
    """The command."""
    try:
        order = Order(claims=claims, month=read_month(month), seed=seed)
        if (there := standing(out)) and not replace:
            raise FileExistsError(f"{there[0]} is there already: choose another folder, or add --replace")
        started = time.monotonic()
        rows = write(order, out, kind, _Bar(quiet))
    except (CentralError, OSError) as error:
        typer.echo(f"{error}", err=True)
        raise typer.Exit(1) from None
    for name, count in rows.items():
        typer.echo(f"{FILE_NAMES[name]}.{kind}: {count:,} rows")
    typer.echo(f"{out / TRUTH}: the truth; all of it in {time.monotonic() - started:.1f} s")


class _Bar:
    """One line on the terminal that says how far it is; on anything else than a terminal, a line for each tenth."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._last = ""

    def __call__(self, what: str, done: int, of: int) -> None:
        tenth = f"{what} {done * 10 // max(of, 1)}"
        if self._quiet or (done < of and tenth == self._last):
            return
        self._last = tenth
        typer.echo(f"{what}: {done:,} of {of:,}", err=True)


if __name__ == "__main__":
    app()
