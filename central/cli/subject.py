"""What a person may ask of the centre: to be told what is kept, and to have the face erased."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter

from central.cli.shell import ACTOR, SettingsFile, explained, opened
from central.db import scrub
from central.subjects import report, service
from central.subjects.model import Why
from central.subjects.report import AccessReport
from central.subjects.wording import chinese, english

app = typer.Typer(no_args_is_help=True, help="A person's requests: access report, erasing with proof.")
PsnNo = Annotated[str, typer.Argument(help="人员编号")]
Reference = Annotated[str, typer.Option(help="Number of the person's request.")]


@app.command("report")
def access(
    psn_no: PsnNo, reference: Reference, out: Annotated[Path, typer.Argument(help="JSON file.")], settings: SettingsFile = None
) -> None:
    """Write what is kept of a person, why, since when, until when, and who looked. That it was made is logged."""
    with explained():
        centre = opened(settings)
        with centre.engine.begin() as db:
            made = report.make(db, psn_no, reference, centre.settings, now=centre.now(), actor=ACTOR)
        out.write_bytes(TypeAdapter(AccessReport).dump_json(made, indent=2))
        typer.echo(f"{out}: what is kept of {psn_no}")


@app.command("erase")
def erase(
    psn_no: PsnNo,
    why: Annotated[Why, typer.Option(help="withdrawn also lets the windows check by hand from now on.")],
    reference: Reference,
    sure: Annotated[str, typer.Option(prompt="the person's number once more", help="The same number, to be sure.")],
    out: Annotated[Path, typer.Option(help="Where the signed statement is written.")] = Path("erasure.jws"),
    settings: SettingsFile = None,
) -> None:
    """Erase everything that shows a person's face, as far as nothing holds it. Cannot be undone."""
    with explained():
        centre = opened(settings)
        asked = service.askable(why, psn_no, sure)
        eraser = service.Eraser(keys=centre.keys, files=centre.pictures, settings=centre.settings, actor=ACTOR)
        with centre.engine.begin() as db:
            done = eraser.erase(db, psn_no, asked, reference, now=centre.now())
            terminals = service.terminals_of(db, done, now=centre.now(), gallery_days=centre.settings.people.gallery_days)
        scrub(centre.engine)
        out.write_bytes(done.statement)
        typer.echo(f"{chinese(done, terminals)}\n{english(done, terminals)}\nsigned: {out}")
