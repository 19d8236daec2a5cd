"""Insured persons, staff and proxies."""

from pathlib import Path
from typing import Annotated

import typer

from central.cli.shell import ACTOR, SettingsFile, explained, opened, progress
from central.people import service as people
from central.people.catch_up import CatchUp
from central.people.model import Enrolment
from contract.commands import GalleryRole

app = typer.Typer(no_args_is_help=True, help="Insured persons, staff and proxies.")


@app.command("enrol")
def enrol_person(
    psn_no: Annotated[str, typer.Argument(help="人员编号")],
    picture: Annotated[list[Path], typer.Option(help="Picture file; several are fused.")],
    site: Annotated[str, typer.Option(help="fixmedins_code of the site that expects this person.")],
    legal_basis: Annotated[str, typer.Option(help="Why the centre may hold this face.")],
    role: Annotated[
        GalleryRole, typer.Option(help="insured, staff of the site, or watch (only by a written decision).")
    ] = GalleryRole.INSURED,
    settings: SettingsFile = None,
) -> None:
    """Enrol one person from pictures. The template and the first picture are kept sealed; the site's terminals are told."""
    with explained():
        centre = opened(settings)
        pictures = tuple(path.read_bytes() for path in picture)
        request = Enrolment(psn_no=psn_no, pictures=pictures, legal_basis=legal_basis, fixmedins_code=site, role=role)
        people.check(request)
        templates = centre.enroller.templates(psn_no, pictures)
        with centre.engine.begin() as db:
            people.enrol(db, centre.keys, centre.pictures, request, templates, now=centre.now(), actor=ACTOR)
        typer.echo(f"{psn_no} enrolled at {site} with {', '.join(made.version for made in templates)} from {templates[0].source}")


@app.command("templates")
def make_templates(
    retire: Annotated[bool, typer.Option(help="Also take out of use the templates of networks that the settings no longer name.")] = False,
    settings: SettingsFile = None,
) -> None:
    """Make the templates that are missing for the networks in use, from the enrolment pictures. Can be interrupted and repeated."""
    with explained():
        centre = opened(settings)
        work = CatchUp(engine=centre.engine, keys=centre.keys, files=centre.pictures, enroller=centre.enroller, now=centre.now, actor=ACTOR)
        report = work.run(retire=retire, progress=progress)
        for line in report.lines():
            typer.echo(line)
        if report.refused:
            raise typer.Exit(3)


@app.command("proxies")
def import_proxies(
    file: Annotated[Path, typer.Argument(help="CSV: psn_no, proxy_psn_no, from, to, reason; UTF-8.")], settings: SettingsFile = None
) -> None:
    """Import the proxy register (代办人). Nothing is kept unless every row is right."""
    with explained():
        centre = opened(settings)
        register = people.read_proxies(file.read_text(encoding="utf-8-sig"))
        with centre.engine.begin() as db:
            for proxy in register:
                people.register_proxy(db, proxy, now=centre.now(), actor=ACTOR)
        typer.echo(f"{len(register)} proxies registered")
