"""Data from outside: files into any dataset, and what was refused of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from central.cli.shell import ACTOR, SettingsFile, explained, opened, progress
from central.db import reading
from central.errors import BadInput
from central.feeds import service as feeds
from central.feeds.model import Fault
from central.feeds.service import Period
from central.imports import pulling
from central.imports import service as imports
from central.people.days import after_day, read_day
from central.settings import PullSettings
from central.wiring import Centre

FaultsFile = Annotated[Path | None, typer.Option(help="Also write why rows were refused to this CSV.")]


def import_file(  # noqa: PLR0913, PLR0917 - the options of a command
    what: Annotated[
        str, typer.Argument(help=f"Dataset ({', '.join(imports.DATASETS)}); without it: the file, of claims.", metavar="[DATASET]")
    ],
    file: Annotated[Path | None, typer.Argument(help="CSV (UTF-8 or GB18030) or Parquet with the national column names.")] = None,
    dry_run: Annotated[bool, typer.Option(help="Only say what would be new, changed, the same, refused and withdrawn.")] = False,
    full_from: Annotated[str, typer.Option(help="The file is complete from this day on: what is here and not in it is withdrawn.")] = "",
    full_to: Annotated[str, typer.Option(help="Last day for which it is complete.")] = "",
    site: Annotated[list[str] | None, typer.Option(help="It is complete for this fixmedins_code only; may be repeated.")] = None,
    withdraw_share: Annotated[
        float | None, typer.Option(min=0, max=1, help="How much of the period may be withdrawn; settings say the usual share.")
    ] = None,
    faults: FaultsFile = None,
    settings: SettingsFile = None,
) -> None:
    """Import a file. Repeating it changes nothing; a stopped one goes on where it stopped; refused rows are named, good rows are kept."""
    with explained():
        centre = opened(settings)
        dataset, path = ("claims", Path(what)) if file is None else (what, file)
        wanted = imports.request(
            dataset,
            path,
            centre.settings.claims,
            actor=ACTOR,
            now=centre.now(),
            progress=progress,
            period=_period(full_from, full_to, site or []),
            withdraw_share=withdraw_share,
        )
        if dry_run:
            with _faults_file(faults) as told:
                report = imports.try_out(centre.engine, wanted, told)
        else:
            report = imports.take(centre.engine, wanted)
            if faults is not None and report.import_id is not None:
                _write_faults(centre, report.import_id, faults)
        for line in report.lines():
            typer.echo(line)
        if report.bad or report.kept_back:
            raise typer.Exit(3)


def write_faults(
    number: Annotated[int, typer.Argument(help="Number of the import.")],
    file: Annotated[Path, typer.Argument(help="CSV to write.")],
    settings: SettingsFile = None,
) -> None:
    """Write why rows of an import were refused to a CSV."""
    with explained():
        centre = opened(settings)
        with centre.engine.begin() as db:
            imports.note_faults(db, number, actor=ACTOR, now=centre.now())
        _write_faults(centre, number, file)


def _write_faults(centre: Centre, number: int, path: Path) -> None:
    with reading(centre.engine).begin() as db, _faults_file(path) as told:
        for fault in feeds.faults(db, number):
            told(fault)


def _period(first: str, last: str, sites: list[str]) -> Period | None:
    """Whole days in China. Raises BadInput for half a period."""
    if not first and not last:
        if sites:
            raise BadInput("--site goes with --full-from and --full-to: it says for which site the file is complete")
        return None
    if not first or not last:
        raise BadInput("--full-from and --full-to go together: the first and the last day for which the file is complete")
    since, until = read_day(first), after_day(read_day(last).date())
    if until <= since:
        raise BadInput(f"--full-to {last} lies before --full-from {first}")
    return Period(since=since, until=until, sites=tuple(sites))


@contextmanager
def _faults_file(path: Path | None) -> Iterator[Callable[[Fault], None]]:
    """Writes each fault that it is told; nothing where there is no path."""
    if path is None:
        yield lambda _: None
        return
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        out.write(feeds.FAULT_HEADER)

        def told(fault: Fault) -> None:
            out.write(feeds.fault_line(fault))

        yield told


def pull(
    name: Annotated[str, typer.Argument(help="Name of the pull in the settings; without it all of them.")] = "",
    settings: SettingsFile = None,
) -> None:
    """Fetch what is new from the databases that the settings name; they are only read. A stopped pull goes on where it stopped."""
    with explained():
        centre = opened(settings)
        chosen = [each for each in centre.settings.pulls if name in {"", each.name}]
        if not chosen:
            known = ", ".join(each.name for each in centre.settings.pulls) or "none"
            raise BadInput(f"no pull is called {name!r}; the settings name {known}: see pulls in config/central.example.toml")
        refused = False
        for each in chosen:
            for report in pulling.run(centre.engine, _pull(centre, each)):
                refused = refused or bool(report.bad)
                for line in report.lines(cells=False):  # a timer's output is kept in the system's log
                    typer.echo(line)
        if refused:
            raise typer.Exit(3)


def _pull(centre: Centre, each: PullSettings) -> pulling.Pull:
    claims = centre.settings.claims
    return pulling.Pull(
        settings=each,
        kept=imports.kept(each.dataset, claims, now=centre.now()),
        folder=centre.settings.data_dir / "pulled",
        actor=ACTOR,
        most_withdrawn=claims.withdraw_share,
        now=centre.now,
        progress=progress,
    )
