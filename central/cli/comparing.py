"""`central reconcile --data`: a comparison of a folder, for trying out rules, engines and months; it touches no database of the centre."""

import json
from enum import StrEnum
from pathlib import Path

import typer

from central.cli.shell import progress
from central.engines.choice import EngineName, EngineOptions
from central.reconciliation.folder import reconcile_folder
from central.rules.registry import read_rules
from central.settings import Settings


class ReportForm(StrEnum):
    """How a report is printed."""

    TEXT = "text"
    JSON = "json"


def compare_folder(
    data: Path, *, engine: EngineName, options: EngineOptions, rules: Path | None, settings: Path | None, report: ReportForm
) -> None:
    """Print what a comparison of the folder found. Ends with 1 if a rule could not be run."""
    read = Settings.read(settings)
    found = reconcile_folder(
        data, book=read_rules(rules or read.rules_file), engine=engine, options=options, settings=read.claims, progress=progress
    )
    if report is ReportForm.JSON:
        typer.echo(json.dumps(found.as_json(), ensure_ascii=False, indent=2))
    else:
        for line in found.lines():
            typer.echo(line)
    if found.faults:
        raise typer.Exit(1)
