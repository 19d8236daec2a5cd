"""Insured persons, staff, proxies, exceptions and the watch list."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from central.cli.shell import ACTOR, SettingsFile, explained, opened, progress
from central.db import reading
from central.people import bulk, watch
from central.people import service as people
from central.people.catch_up import CatchUp
from central.people.days import after_day, read_day
from central.people.model import Basis, BasisKind, Enrolment, ExemptReason, NewWatch
from contract.commands import GalleryRole

app = typer.Typer(no_args_is_help=True, help="Insured persons, staff, proxies, exceptions, watch list.")
PsnNo = Annotated[str, typer.Argument(help="人员编号")]
Site = Annotated[str, typer.Option(help="fixmedins_code of the site that expects this person.")]
Until = Annotated[str, typer.Option(help="Last day, like 2027-12-31; empty: no end.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept in the audit log.")]


@app.command("enrol")
def enrol_person(  # noqa: PLR0913, PLR0917 - the options of a command
    psn_no: PsnNo,
    picture: Annotated[list[Path], typer.Option(help="Picture file; several are fused.")],
    site: Site,
    legal_basis: Annotated[str, typer.Option(help="Why the centre may hold this face, in words.")],
    role: Annotated[GalleryRole, typer.Option(help="insured, or staff of the site.")] = GalleryRole.INSURED,
    basis: Annotated[BasisKind | None, typer.Option(help="What the face is held on.")] = None,
    reference: Annotated[str, typer.Option(help="Number of the document of the basis.")] = "",
    given_on: Annotated[str, typer.Option(help="Its day, like 2026-01-31; empty: today.")] = "",
    until: Until = "",
    taken_on: Annotated[str, typer.Option(help="Day on which the picture was taken, if it is known.")] = "",
    settings: SettingsFile = None,
) -> None:
    """Enrol one person from pictures. The template and the first picture are kept sealed; the site's terminals are told."""
    with explained():
        centre = opened(settings)
        given = read_day(given_on) if given_on else centre.now()
        stated = None if basis is None else Basis(kind=basis, reference=reference, given_on=given, valid_until=_end(until))
        request = Enrolment(
            psn_no=psn_no,
            pictures=tuple(path.read_bytes() for path in picture),
            legal_basis=legal_basis,
            fixmedins_code=site,
            role=role,
            basis=stated,
            taken_at=read_day(taken_on) if taken_on else None,
        )
        done = centre.registrar.enrol(request, actor=ACTOR)
        typer.echo(f"{psn_no} enrolled at {site} with {', '.join(done.embedders)} from {done.source}, compared with {done.people} others")
        if done.duplicate_id is not None:
            typer.echo(f"the picture resembles another person's a little: people are asked to look at entry {done.duplicate_id}")


@app.command("register")
def read_register(
    file: Annotated[Path, typer.Argument(help="CSV with psn_no, picture, fixmedins_code, basis, reference, given_on; pictures beside it.")],
    faults: Annotated[Path | None, typer.Option(help="Also write the lines that are not enrolled to this CSV.")] = None,
    settings: SettingsFile = None,
) -> None:
    """Enrol a whole register (UTF-8 or GB18030). Can be stopped and started again; a line that was enrolled is not taken twice."""
    with explained():
        centre = opened(settings)
        work = bulk.Bulk(engine=centre.engine, registrar=centre.registrar, settings=centre.settings.people, now=centre.now, actor=ACTOR)
        report = work.run(file, progress)
        for line in report.texts():
            typer.echo(line)
        if faults is not None:
            with reading(centre.engine).begin() as db:
                faults.write_text(bulk.as_csv(bulk.faults_of(db, report.register_id)), encoding="utf-8-sig", newline="")
        if report.refused or report.waiting:
            raise typer.Exit(3)


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
                people.register_proxy(db, proxy, now=centre.now(), actor=ACTOR, limits=centre.settings.people)
        typer.echo(f"{len(register)} proxies registered")


@app.command("end-proxy")
def end_proxy(
    psn_no: PsnNo, proxy_psn_no: Annotated[str, typer.Argument(help="代办人")], reason: Reason, settings: SettingsFile = None
) -> None:
    """End a proxy before its time."""
    with explained():
        centre = opened(settings)
        with centre.engine.begin() as db:
            people.end_proxy(db, psn_no, proxy_psn_no, reason, now=centre.now(), actor=ACTOR)
        typer.echo(f"{proxy_psn_no} is the proxy of {psn_no} no more")


@app.command("staff")
def add_staff(
    psn_no: PsnNo,
    site: Site,
    code: Annotated[str, typer.Option(help="The number that the site gives this member of staff.")] = "",
    until: Until = "",
    leave: Annotated[bool, typer.Option(help="The person has left: the site expects them no more.")] = False,
    settings: SettingsFile = None,
) -> None:
    """Let a site know somebody who is enrolled as a member of its staff, or take them from its list."""
    with explained():
        centre = opened(settings)
        with centre.engine.begin() as db:
            if leave:
                people.expect_no_more(db, psn_no, site, now=centre.now(), actor=ACTOR)
            else:
                place = {"reference": code or None, "valid_until": _end(until)}
                people.expect(db, psn_no, site, GalleryRole.STAFF, **place, now=centre.now(), actor=ACTOR)  # type: ignore[arg-type]
        typer.echo(f"{psn_no} {'has left' if leave else 'is staff of'} {site}")


@app.command("except")
def add_exception(
    psn_no: PsnNo,
    reason: Annotated[ExemptReason, typer.Option(help="Why the face is not used; the terminals are not told.")],
    site: Annotated[list[str] | None, typer.Option(help="Sites whose windows should know, besides those that expect the person.")] = None,
    note: Annotated[str, typer.Option(help="Anything to remember.")] = "",
    until: Until = "",
    end: Annotated[int, typer.Option(help="End the exception with this number instead; --note says why.")] = 0,
    settings: SettingsFile = None,
) -> None:
    """Except somebody who cannot or will not use the face: the till is told to check by hand at once."""
    with explained():
        centre = opened(settings)
        with centre.engine.begin() as db:
            if end:
                people.end_exemption(db, end, note, now=centre.now(), actor=ACTOR)
                typer.echo(f"exception {end} is over")
                return
            entered = {"note": note, "valid_until": _end(until), "fixmedins_codes": site or ()}
            number = people.add_exemption(db, psn_no, reason, **entered, now=centre.now(), actor=ACTOR)  # type: ignore[arg-type]
        typer.echo(f"exception {number}: {psn_no} is checked by hand from now on")


@app.command("watch")
def enter_watch(
    psn_no: PsnNo,
    site: Site,
    document: Annotated[str, typer.Option(help="Number of the written decision.")],
    decided_by: Annotated[str, typer.Option(help="Who decided.")],
    decided_on: Annotated[str, typer.Option(help="Day of the decision, like 2026-01-31.")],
    until: Annotated[str, typer.Option(help="Last day, like 2026-03-31.")],
    reason: Reason,
    settings: SettingsFile = None,
) -> None:
    """Enter somebody into the watch list (布控) by a written decision; another person confirms it before anything is watched for."""
    with explained():
        centre = opened(settings)
        new = NewWatch(
            psn_no=psn_no,
            fixmedins_code=site,
            document=document,
            decided_by=decided_by,
            decided_on=read_day(decided_on),
            valid_until=after_day(read_day(until).date()),
            reason=reason,
        )
        with centre.engine.begin() as db:
            number = watch.enter(db, new, most_days=centre.settings.people.watch_days, now=centre.now(), actor=ACTOR)
        typer.echo(f"entry {number} waits for another person: confirm it on the console")


@app.command("count")
def count_faces(settings: SettingsFile = None) -> None:
    """Count the faces that are kept, for the duty to file with the authority."""
    with explained():
        centre = opened(settings)
        with centre.engine.begin() as db:
            found = people.count_faces(db, centre.settings.people.faces_warn, now=centre.now(), actor=ACTOR)
            waits = people.due(db, centre.settings.people, now=centre.now())
        typer.echo(f"{found.total} faces kept: {found.enrolled} enrolled, {found.seen} others among captures")
        if found.warned_at:
            typer.echo(f"that is {found.warned_at} or more: see whether the duty to file with the authority applies")
        typer.echo(f"due: {waits.renewals} new pictures, {waits.without_basis} without a basis, {waits.duplicates} decisions")


def _end(day: str) -> datetime | None:
    return after_day(read_day(day).date()) if day else None
