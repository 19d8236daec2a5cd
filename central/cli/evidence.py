"""Evidence packages, reviews of evidence, and holds."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from sqlalchemy import Connection

from central.china import CHINA, local_text
from central.cli.shell import Purpose, SettingsFile, by_name, explained, opened, progress
from central.db import reading
from central.errors import BadInput
from central.holds import service as holds
from central.holds.model import Kind, NewHold
from central.packages import service
from central.packages.export import Exporter
from central.packages.model import StampKind, StampResult, new_package_id
from central.packages.writer import digest_of
from central.web.texts import Language, load
from contract.sealed import to_text

Result = TypeVar("Result")
app = typer.Typer(no_args_is_help=True, help="Evidence packages, reviews of evidence, holds.")
Finding = Annotated[str, typer.Argument(help="jr_id of the finding.")]
By = Annotated[str, typer.Option("--by", help="Who does it; recorded as command-line/NAME. Two people need two names.")]
Moment = Annotated[str | None, typer.Option(help="yyyy-MM-dd HH:mm in China time.")]


@app.command("package")
def make_package(
    jr_id: Finding,
    purpose: Purpose,
    by: By,
    out: Annotated[Path, typer.Option(help="Folder for the package; its name is the package's number.")] = Path(),
    settings: SettingsFile = None,
) -> None:
    """Export everything about a finding as one zip that anybody can check with scripts/verify_evidence.py."""
    with explained():
        centre = opened(settings)
        witnesses = {key.name: to_text(key.public) for key in centre.settings.transparency.witness_keys}
        speakers = tuple(load(language) for language in Language)
        exporter = Exporter(
            engine=centre.engine, keys=centre.keys, files=centre.pictures, speakers=speakers, witnesses=witnesses, progress=progress
        )
        now = centre.now()
        number = new_package_id(now)
        target = out / f"{number}.zip"
        made = exporter.export(jr_id, target, package_id=number, purpose=purpose, actor=by_name(by), now=now)
        typer.echo(f"{target} ({made.size} bytes)\nSHA-256 {made.sha256}")
        typer.echo(f"check it with: python3 scripts/verify_evidence.py {target} --centre-key {to_text(centre.keys.signer.public)}")


@app.command("recognise")
def recognise(file: Annotated[Path, typer.Argument(help="A package that was found somewhere.")], settings: SettingsFile = None) -> None:
    """Say whether a file is a package that was exported here: when, by whom and what for."""
    with explained():
        centre = opened(settings)
        with file.open("rb") as content, reading(centre.engine).begin() as db:
            made = service.recognise(db, digest_of(content))
        typer.echo(f"{made.package_id} of {made.jr_id}: {local_text(made.exported_at)} {made.exported_by}: {made.purpose}")


@app.command("list")
def list_packages(
    jr_id: Annotated[str | None, typer.Argument(help="Only those of this finding.")] = None, settings: SettingsFile = None
) -> None:
    """Show the newest packages that went out: when, by whom, what for, SHA-256."""
    with explained():
        centre = opened(settings)
        with reading(centre.engine).begin() as db:
            found = service.newest_packages(db) if jr_id is None else service.packages_of(db, jr_id)
        for made in found:
            typer.echo(f"{local_text(made.exported_at)} {made.package_id} {made.jr_id} {made.exported_by}: {made.purpose} {made.sha256}")


@app.command("stamp")
def stamp(
    jr_id: Finding,
    kind: Annotated[StampKind, typer.Argument(help="legal (法制审核) or technical (技术审核).")],
    result: Annotated[StampResult, typer.Argument(help="passed or failed.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept.")],
    by: By,
    settings: SettingsFile = None,
) -> None:
    """Stamp a finding's evidence as reviewed. The two kinds need two people."""
    _do(settings, lambda db, now: service.stamp(db, jr_id, kind=kind, result=result, reason=reason, actor=by_name(by), now=now))
    typer.echo(f"{jr_id}: {kind.value} review {result.value}")


@app.command("hold")
def place_hold(
    kind: Annotated[Kind, typer.Argument(help="finding, capture, device or site.")],
    subject: Annotated[str, typer.Argument(help="jr_id, capture_id, terminal or fixmedins_code.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    document: Annotated[str, typer.Option(help="Number of the document that orders it.")],
    by: By,
    since: Moment = None,
    until: Moment = None,
    settings: SettingsFile = None,
) -> None:
    """Keep evidence whatever retention says; a terminal or a site is held for a span of time."""
    with explained():
        new = NewHold(kind=kind, subject=subject, reason=reason, document=document, since=_moment(since), until=_moment(until))
    number = _do(settings, lambda db, now: service.hold(db, new, actor=by_name(by), now=now))
    typer.echo(f"hold {number} on {kind.value} {subject}")


@app.command("release")
def release_hold(
    hold_id: Annotated[int, typer.Argument(help="Number of the hold.")],
    by: By,
    reason: Annotated[str | None, typer.Option(help="Why it may end: asks for the release.")] = None,
    confirm: Annotated[bool, typer.Option("--confirm", help="Confirm what another person asked for.")] = False,
    settings: SettingsFile = None,
) -> None:
    """End a hold: one person asks with --reason, another confirms with --confirm."""
    with explained():
        if confirm == (reason is not None):
            raise BadInput("either --reason TEXT asks for the release, or --confirm confirms what another person asked for")
    if reason is not None:
        because = reason
        _do(settings, lambda db, now: holds.ask_release(db, hold_id, reason=because, actor=by_name(by), now=now))
        typer.echo(f"hold {hold_id}: release asked for; it keeps until another person confirms with --confirm")
        return
    _do(settings, lambda db, now: holds.confirm_release(db, hold_id, actor=by_name(by), now=now))
    typer.echo(f"hold {hold_id} is released")


@app.command("holds")
def list_holds(every: Annotated[bool, typer.Option("--all", help="Released ones too.")] = False, settings: SettingsFile = None) -> None:
    """Show the holds that keep something now."""
    with explained():
        centre = opened(settings)
        with reading(centre.engine).begin() as db:
            found = holds.every(db) if every else holds.standing(db)
        for one in found:
            state = "released" if one.released_at else f"release asked by {one.release_asked_by}" if one.release_asked_by else "held"
            typer.echo(f"{one.hold_id} {one.kind.value} {one.subject} {one.document}: {one.reason} ({one.placed_by}, {state})")


def _do(settings: Path | None, work: Callable[[Connection, datetime], Result]) -> Result:
    with explained():
        centre = opened(settings)
        with centre.engine.begin() as db:
            return work(db, centre.now())


def _moment(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=CHINA)
    except ValueError:
        raise BadInput(f"{text!r} is no time like 2026-01-31 08:00") from None
