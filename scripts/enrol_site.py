"""Enrol sites: register one with its windows and print a one-time token, or a thousand from a table; answer what comes on a stick.

    python -m scripts.enrol_site site --code P12345678901 --name 示例大药房 --admdvs 330100 --window W1=rtsp://192.168.1.20/stream

The token then makes a machine a terminal: `python -m edge_agent enrol TOKEN`. Keys are made there and never come here. Everything can be
repeated: what is registered already is left as it is, and a token that was not used is printed again.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Event
from typing import Annotated

import typer
from sqlalchemy.exc import SQLAlchemyError

from central import migrate
from central.china import local_text
from central.db import reading
from central.devices import service as devices
from central.enrolment import granting
from central.enrolment import service as enrolment
from central.enrolment.model import EnrolmentRefused, PlannedTerminal, token_line
from central.errors import CentralError, Conflict
from central.files import write_whole
from central.settings import Settings
from central.sites import service as sites
from central.sites.model import ApprovalKind, NewSite
from central.wiring import Centre, open_centre
from contract.enrolment import MAX_REQUEST, Token, read_envelope
from contract.events import EvidenceMode
from contract.message import MalformedMessage
from models import files
from scripts.enrolling import bulk as tables
from scripts.enrolling import bundle, options
from scripts.enrolling.registering import ACTOR, Entry, register
from scripts.enrolling.table import COLUMNS

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False, help=__doc__)
SettingsFile = Annotated[Path | None, typer.Option("--settings", help="The centre's settings file.")]
Addresses = Annotated[
    list[str] | None,
    typer.Option("--centre", help="http://HOST:PORT of the centre as terminals see it, repeated; without it this machine's own console."),
]
ByStick = Annotated[bool, typer.Option("--no-address", help="For terminals that no network reaches: they enrol by stick.")]
Days = Annotated[int, typer.Option(min=1, max=90, help="Days until the token is too late.")]
TokenFile = Annotated[Path | None, typer.Option(help="Also write the token to this file, readable by you only.")]
BundleFolder = Annotated[Path | None, typer.Option("--bundle", help="Also fill a folder on a stick with the token and the way.")]
WithModels = Annotated[bool, typer.Option("--with-models", help="With --bundle: the face networks, too.")]
Windows = Annotated[
    list[str], typer.Option(help="NAME=CAMERA, repeated; CAMERA is an rtsp:// or http:// address, USB number, file, or @FILE holding it")
]
Roles = Annotated[list[str] | None, typer.Option(help="NAME=window|bedside|treatment|entrance, repeated; without it a window")]
Mode = Annotated[EvidenceMode, typer.Option(help="What leaves the windows; more than verdicts needs --legal-basis")]
Approvals = Annotated[list[str] | None, typer.Option(help=f"Approval of the location, repeated: {options.APPROVAL_FORM}")]
Code = Annotated[str, typer.Argument(help="fixmedins_code 定点医药机构编号")]


@app.command()
def site(  # noqa: PLR0913, PLR0917 - one parameter for each option of the command line
    code: Annotated[str, typer.Option(help="fixmedins_code 定点医药机构编号")],
    name: Annotated[str, typer.Option(help="fixmedins_name")],
    admdvs: Annotated[str, typer.Option(help="Region, six digits")],
    window: Windows,
    device: Annotated[str, typer.Option(help="Name of the terminal; without it CODE-t1")] = "",
    role: Roles = None,
    camera_model: Annotated[list[str] | None, typer.Option(help="NAME='MAKER MODEL', repeated")] = None,
    hours: Annotated[str, typer.Option(help="Opening hours: 'mon-fri 08:00-12:00 13:30-17:30; sat 08:00-12:00'")] = "",
    evidence_mode: Mode = EvidenceMode.VERDICT_ONLY,
    legal_basis: Annotated[str, typer.Option(help="Recorded legal basis for pictures and embeddings to leave the windows")] = "",
    notice: Annotated[str, typer.Option(help="Version of the notice (告知书) that hangs at the windows")] = "",
    approval: Approvals = None,
    broker_host: Annotated[str, typer.Option(help="Broker as the terminal sees it; empty: as in the centre's settings")] = "",
    till_port: Annotated[int, typer.Option(help="Port of the till's local interface")] = 8787,
    centre_address: Addresses = None,
    no_address: ByStick = False,
    days: Days = 7,
    token_file: TokenFile = None,
    bundle_folder: BundleFolder = None,
    with_models: WithModels = False,
    settings: SettingsFile = None,
) -> None:
    """Register a site with one terminal, and print the terminal's token. Give it again for another terminal, or with other particulars."""
    with _explained():
        centre = _opened(settings)
        new = NewSite(
            fixmedins_code=code,
            fixmedins_name=name,
            admdvs=admdvs,
            evidence_mode=evidence_mode,
            legal_basis=legal_basis.strip() or None,
            opening_hours=hours,
            notice_version=notice,
        )
        terminal = PlannedTerminal(
            device_id=device or f"{code}-t1",
            fixmedins_code=code,
            cameras=options.cameras(window, role or (), camera_model or ()),
            broker_host=broker_host or centre.settings.broker.host,
            broker_port=centre.settings.broker.port,
            till_port=till_port,
        )
        entry = Entry(site=new, terminal=terminal, approvals=tuple(options.approval(text) for text in approval or ()))
        token = _registered(centre, entry, _addresses(centre, centre_address, no_address), timedelta(days=days))
        _say_missing(centre, code)
        _say_where_the_broker_is(terminal.broker_host)
        _hand_out(centre, token, token_file, bundle_folder, with_models=with_models)


@app.command()
def bulk(
    table: Annotated[Path, typer.Argument(help="CSV (UTF-8), a row for each camera; --columns shows its columns")] = Path(),
    tokens: Annotated[Path, typer.Option(help="CSV to write the tokens to, readable by you only")] = Path("tokens.csv"),
    faults: Annotated[Path | None, typer.Option(help="Write the faults to this CSV: line, column, value, message")] = None,
    columns: Annotated[bool, typer.Option("--columns", help="Print the header of the table, and nothing else")] = False,
    centre_address: Addresses = None,
    no_address: ByStick = False,
    days: Days = 7,
    settings: SettingsFile = None,
) -> None:
    """Register many sites from a table. Repeat it after an interruption or with mended rows: what is done is skipped.

    Fails with 3 if a row was bad; the others are registered all the same.
    """
    with _explained():
        if columns:
            typer.echo(",".join(COLUMNS))
            return
        centre, stop = _opened(settings), _stop_on_signals()
        outcome = tables.run(
            centre,
            table,
            addresses=_addresses(centre, centre_address, no_address),
            tokens=tokens,
            life=timedelta(days=days),
            progress=lambda line: typer.echo(line, err=True),
            stop=stop.is_set,
        )
        for fault in outcome.faults[:20]:
            typer.echo(f"line {fault.line}{f', {fault.column}' if fault.column else ''}: {fault.value!r}: {fault.message}", err=True)
        if outcome.unheard:
            some = ", ".join(outcome.unheard[:20])
            told = f"{len(outcome.unheard)} enrolled terminals were given other particulars"
            typer.echo(f"{told}; other cameras or another evidence mode reach one when it enrols again: renew {some}", err=True)
        if faults is not None:
            tables.write_faults(outcome.faults, faults)
        typer.echo(f"open tokens are in {tokens}")
        if stop.is_set():
            typer.echo("interrupted; give the same command again to go on", err=True)
            raise typer.Exit(130)
        if outcome.faults:
            raise typer.Exit(3)


@app.command()
def answer(
    request: Annotated[Path, typer.Argument(help="DEVICE.request.json from the stick")],
    out: Annotated[Path | None, typer.Option(help="Where to write the answer; without it DEVICE.answer.json beside the request")] = None,
    settings: SettingsFile = None,
) -> None:
    """Answer a terminal's request that came on a stick. Given again it writes the same answer."""
    with _explained():
        centre = _opened(settings)
        with request.open("rb") as file:
            envelope = read_envelope(file.read(MAX_REQUEST + 1))
        try:
            with centre.engine.begin() as db:
                written = granting.answer(db, centre.keys, envelope, now=centre.now(), actor=ACTOR, carried=True)
        except EnrolmentRefused as refused:
            with centre.engine.begin() as db:
                enrolment.note_refusal(db, refused, now=centre.now(), actor=ACTOR)
            raise
        place = out or request.with_name(request.name.removesuffix(".request.json") + ".answer.json")
        write_whole(place, written)
        typer.echo(f"{place} is written: carry it back, and give the terminal's command again there")


@app.command()
def renew(
    device: Annotated[str, typer.Argument(help="Name of the terminal")],
    centre_address: Addresses = None,
    no_address: ByStick = False,
    days: Days = 7,
    token_file: TokenFile = None,
    bundle_folder: BundleFolder = None,
    with_models: WithModels = False,
    settings: SettingsFile = None,
) -> None:
    """A new token for a known terminal: it lost its key, its token is late, or its cameras changed (give them with `site` first).

    Its old key is believed until the new one is accepted, and revoked then. For one that was stolen: python -m central device revoke.
    """
    with _explained():
        centre = _opened(settings)
        with centre.engine.begin() as db:
            addresses = _addresses(centre, centre_address, no_address)
            life = timedelta(days=days)
            token = enrolment.issue(db, centre.keys, device, addresses=addresses, now=centre.now(), actor=ACTOR, renew=True, life=life)
        _hand_out(centre, token, token_file, bundle_folder, with_models=with_models)


@app.command()
def approve(
    code: Code,
    approval: Annotated[list[str], typer.Option(help=f"Repeated: {options.APPROVAL_FORM}; KIND is {', '.join(ApprovalKind)}")],
    settings: SettingsFile = None,
) -> None:
    """Record approvals of a location later. The same reference with another day replaces the earlier record, which stays."""
    with _explained():
        centre = _opened(settings)
        with centre.engine.begin() as db:
            for text in approval:
                sites.approve(db, code, options.approval(text), now=centre.now(), actor=ACTOR)
        _say_missing(centre, code)


@app.command()
def show(code: Code, settings: SettingsFile = None) -> None:
    """What is registered of a site, what its approvals lack, and how its terminals stand. Shows no password and no token."""
    with _explained():
        centre = _opened(settings)
        with reading(centre.engine).begin() as db:
            known, stood = sites.site(db, code), sites.standing(db, code, centre.now())
            planned = enrolment.terminals(db, code, centre.now())
            online = devices.alive(db, centre.now())
        typer.echo(f"{known.fixmedins_code} {known.fixmedins_name} ({known.admdvs})")
        typer.echo(f"evidence {known.evidence_mode}, basis {known.legal_basis or 'none'}, notice {known.notice_version or 'none'}")
        typer.echo(f"open {known.opening_hours or 'at hours not given'}")
        for kind in ApprovalKind:
            held = stood.of(kind)
            said = (
                f"{held.reference} by {held.approved_by} on {held.approved_on}, until {held.valid_until or 'taken back'}"
                if held
                else "MISSING"
            )
            typer.echo(f"approval {kind}: {said}")
        for terminal in planned:
            state = "on-line" if terminal.device_id in online else "enrolled" if terminal.enrolled else "not enrolled"
            typer.echo(f"terminal {terminal.device_id}: {state}")
            for camera in terminal.cameras:
                typer.echo(f"  {camera.window} {camera.role} {camera.shown} {camera.camera_model}".rstrip())
            for token in terminal.tokens[:3]:
                used = f", used {local_text(token.used_at)} by {token.kid}" if token.used_at else f", until {local_text(token.valid_until)}"
                typer.echo(f"  token of {local_text(token.issued_at)}: {token.state}{used}")


def _registered(centre: Centre, entry: Entry, addresses: tuple[str, ...], life: timedelta) -> Token:
    with centre.engine.begin() as db:
        token, _ = register(db, centre, entry, addresses=addresses, life=life)
    if token is None:
        name = entry.terminal.device_id
        raise Conflict(
            f"terminal {name} is already registered and enrolled; what you gave is kept, and reaches it when it enrols: renew {name}"
        )
    return token


def _hand_out(centre: Centre, token: Token, file: Path | None, folder: Path | None, *, with_models: bool) -> None:
    """The token alone goes to standard output, so that a script can take it."""
    if file is not None:
        write_whole(file, (token.text() + "\n").encode(), private=True)
    typer.echo(f"token for {token_line(token)}", err=True)
    typer.echo(token.text())
    if folder is not None:
        weights = (centre.settings.models_dir or files.default_folder()) if with_models else None
        place = bundle.fill(folder, token, models=weights, progress=lambda line: typer.echo(line, err=True))
        typer.echo(f"at the terminal: python -m edge_agent enrol --stick {place} --service", err=True)
    else:
        typer.echo(
            f"at the terminal: python -m edge_agent enrol {f'@{file}' if file else 'TOKEN'} --folder /etc/edge-agent --service", err=True
        )


def _addresses(centre: Centre, named: list[str] | None, by_stick: bool) -> tuple[str, ...]:
    """Where terminals find the centre."""
    if by_stick:
        return ()
    if named:
        return tuple(address.rstrip("/") for address in named)
    web = centre.settings.web
    if _is_only_here(web.host):
        typer.echo("the token names an address that only this machine reaches; for other machines name --centre http://HOST:PORT", err=True)
    return (f"http://{web.host}:{web.port}",)


def _is_only_here(host: str) -> bool:
    """Whether other machines would find themselves there: loopback, or the address that stands for all of one's own."""
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost"
    return address.is_loopback or address.is_unspecified


def _say_where_the_broker_is(host: str) -> None:
    if _is_only_here(host):
        typer.echo(f"the terminal will look for the broker at {host}, on its own machine; for other machines name --broker-host", err=True)


def _say_missing(centre: Centre, code: str) -> None:
    with reading(centre.engine).begin() as db:
        missing = sites.standing(db, code, centre.now()).missing
    if missing:
        typer.echo(
            f"approvals of {code} that are missing now: {', '.join(missing)}; record them with: approve {code} --approval ...", err=True
        )


def _opened(settings: Path | None) -> Centre:
    centre = open_centre(Settings.read(settings))
    migrate.require_current(centre.engine)
    return centre


def _stop_on_signals() -> Event:
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (CentralError, MalformedMessage, OSError, SQLAlchemyError) as error:
        typer.echo(f"enrol_site: {error}", err=True)
        raise typer.Exit(2) from None


if __name__ == "__main__":
    app()
