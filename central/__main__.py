"""`python -m central`: everything the centre can be asked to do from a shell."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Annotated

import structlog
import typer
import uvicorn
from prometheus_client import start_http_server
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from central import migrate as schema
from central.accounts import service as accounts
from central.accounts.model import Role
from central.accounts.passwords import Hashing, random_password
from central.app import create_app
from central.broker import files as broker_files
from central.broker.embedded import EmbeddedBroker
from central.captures.mqtt import MqttBus
from central.china import local_text
from central.claims import service as claims
from central.db import reading, utc_now
from central.errors import CentralError
from central.keys import make_keys
from central.orders import service as orders
from central.orders.model import Asking, Order
from central.people import service as people
from central.people.catch_up import CatchUp
from central.people.model import Enrolment
from central.reconcile import reconcile as run_reconciliation
from central.retention import expire as run_retention
from central.settings import Settings
from central.sites import service as sites
from central.wiring import Centre, build_ingest, open_centre
from contract.commands import GalleryRole

ACTOR = "command-line"
app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="The centre: image log against claims; people decide.")
people_app = typer.Typer(no_args_is_help=True, help="Insured persons, staff and proxies.")
device_app = typer.Typer(no_args_is_help=True, help="Terminals; scripts/enrol_site.py enrols them.")
account_app = typer.Typer(no_args_is_help=True, help="Who may log in to the console.")
app.add_typer(people_app, name="people")
app.add_typer(account_app, name="account")
app.add_typer(device_app, name="device")
Device = Annotated[str, typer.Argument(help="Name of the terminal.")]
Purpose = Annotated[str, typer.Option(help="What for; it is kept in the audit log.")]
SettingsFile = Annotated[Path | None, typer.Option("--settings", help="TOML file; config/central.example.toml shows every key.")]


@app.command()
def migrate(settings: SettingsFile = None) -> None:
    """Make the centre's keys where missing, and bring the database to the newest schema. Safe to repeat."""
    with _explained():
        read = Settings.read(settings)
        make_keys(read.keys_dir, broker_hosts=tuple(dict.fromkeys((read.broker.host, "127.0.0.1", "localhost"))), now=utc_now())
        centre = open_centre(read)
        schema.upgrade(centre.engine)
        typer.echo(f"keys in {read.keys_dir}, database at the newest schema")


@app.command()
def serve(settings: SettingsFile = None) -> None:
    """Run the console and the HTTP API. At the first start it makes the administrator and shows the password once."""
    with _explained():
        centre = _centre(settings)
        with centre.engine.begin() as db:
            password = accounts.ensure_administrator(db, centre.now())
        if password is not None:
            typer.echo(f"first start: log in as admin with the password {password} (shown only now)")
        web = centre.settings.web
        uvicorn.run(create_app(centre), host=web.host, port=web.port, log_level="warning", timeout_graceful_shutdown=2, server_header=False)


@app.command()
def ingest(settings: SettingsFile = None, metrics_port: Annotated[int, typer.Option(help="Prometheus on loopback; 0 = off.")] = 0) -> None:
    """Receive from the broker, verify, commit, send receipts. Several workers take shards of their own by settings."""
    with _explained():
        centre = _centre(settings)
        if metrics_port:
            start_http_server(metrics_port, addr="127.0.0.1")
        bus = MqttBus(centre.settings.broker, centre.keys)
        stop = _stop_on_signals()
        bus.start()
        try:
            build_ingest(centre, bus).run(stop)
        finally:
            bus.stop()


@app.command()
def broker(
    settings: SettingsFile = None,
    program: Annotated[Path | None, typer.Option(help="Another nats-server program than the installed one.")] = None,
) -> None:
    """Run the embedded broker; devices that are enrolled or revoked while it runs are let in or cut off within seconds."""
    with _explained():
        centre = _centre(settings)
        stop = _stop_on_signals()
        written, _ = _write_broker_files(centre)
        folder = written.nats.parent
        with EmbeddedBroker(
            configuration=written.nats, port=centre.settings.broker.port, log=folder / "nats.log", program=program
        ) as running:
            typer.echo(f"broker on {centre.settings.broker.host}:{centre.settings.broker.port}; files for Mosquitto in {folder}")
            while not stop.wait(2) and running.pid is not None:
                try:
                    if _write_broker_files(centre)[1]:
                        running.reload()
                except OperationalError as error:
                    typer.echo(f"the database cannot be read now, the broker goes on as it is: {error.orig}", err=True)


@app.command(name="import")
def import_claims(
    file: Annotated[Path, typer.Argument(help="Claims CSV with the national column names.")],
    settings: SettingsFile = None,
    faults: Annotated[Path | None, typer.Option(help="Also write the refused rows' faults to this CSV.")] = None,
) -> None:
    """Import claims. Repeating it changes nothing; every refused row is named with line, column and value; good rows are kept."""
    with _explained():
        centre = _centre(settings)
        report = claims.import_csv(
            centre.engine, path=file, actor=ACTOR, now=centre.now(), progress=_progress, settings=centre.settings.claims
        )
        for line in report.lines():
            typer.echo(line)
        if faults is not None:
            with reading(centre.engine).begin() as db:
                claims.write_faults(db, report.import_id, faults)
        if report.bad:
            raise typer.Exit(3)


@app.command()
def reconcile(
    settings: SettingsFile = None,
    every: Annotated[float, typer.Option(help="Seconds between runs; 0 runs once.")] = 0,
) -> None:
    """Link captures with claims, run the rules, keep the findings; then erase pictures whose time is over. Repeating it changes nothing."""
    with _explained():
        centre = _centre(settings)
        stop = _stop_on_signals()
        while True:
            try:
                report = run_reconciliation(centre.engine, rules_file=centre.settings.rules_file, now=centre.now(), progress=_progress)
                for line in report.lines():
                    typer.echo(line)
                _expire(centre)
            except OperationalError as error:
                if not every:
                    raise
                typer.echo(f"not reconciled now, tried again in {every:g} s: {error.orig}", err=True)
            if not every or stop.wait(every):
                return


@app.command()
def expire(settings: SettingsFile = None) -> None:
    """Erase sealed pictures and film that are older than [retention] allows and support no suspicion in force. Cannot be undone."""
    with _explained():
        _expire(_centre(settings))


def _expire(centre: Centre) -> None:
    erased = run_retention(centre.engine, centre.pictures, centre.settings.retention, now=centre.now(), progress=_progress)
    if erased:
        typer.echo(f"erased {erased} pictures and clips whose time is over")


@people_app.command("enrol")
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
    with _explained():
        centre = _centre(settings)
        pictures = tuple(path.read_bytes() for path in picture)
        request = Enrolment(psn_no=psn_no, pictures=pictures, legal_basis=legal_basis, fixmedins_code=site, role=role)
        people.check(request)
        templates = centre.enroller.templates(psn_no, pictures)
        with centre.engine.begin() as db:
            people.enrol(db, centre.keys, centre.pictures, request, templates, now=centre.now(), actor=ACTOR)
        typer.echo(f"{psn_no} enrolled at {site} with {', '.join(made.version for made in templates)} from {templates[0].source}")


@people_app.command("templates")
def make_templates(
    retire: Annotated[bool, typer.Option(help="Also take out of use the templates of networks that the settings no longer name.")] = False,
    settings: SettingsFile = None,
) -> None:
    """Make the templates that are missing for the networks in use, from the enrolment pictures. Can be interrupted and repeated."""
    with _explained():
        centre = _centre(settings)
        work = CatchUp(engine=centre.engine, keys=centre.keys, files=centre.pictures, enroller=centre.enroller, now=centre.now, actor=ACTOR)
        report = work.run(retire=retire, progress=_progress)
        for line in report.lines():
            typer.echo(line)
        if report.refused:
            raise typer.Exit(3)


@people_app.command("proxies")
def import_proxies(
    file: Annotated[Path, typer.Argument(help="CSV: psn_no, proxy_psn_no, from, to, reason; UTF-8.")], settings: SettingsFile = None
) -> None:
    """Import the proxy register (代办人). Nothing is kept unless every row is right."""
    with _explained():
        centre = _centre(settings)
        register = people.read_proxies(file.read_text(encoding="utf-8-sig"))
        with centre.engine.begin() as db:
            for proxy in register:
                people.register_proxy(db, proxy, now=centre.now(), actor=ACTOR)
        typer.echo(f"{len(register)} proxies registered")


@device_app.command("revoke")
def revoke_device(device_id: Device, settings: SettingsFile = None) -> None:
    """Trust a terminal no more, at once and for good, as after a theft; `retire` lets one finish first.

    `central broker` cuts it off within seconds, Mosquitto when it reads its files again.
    """
    with _explained():
        centre = _centre(settings)
        with centre.engine.begin() as db:
            sites.revoke_device(db, device_id, now=centre.now(), actor=ACTOR)
        files, _ = _write_broker_files(centre)
        typer.echo(f"{device_id} is revoked; if Mosquitto is used, send it SIGHUP to read {files.access_list} again")


@device_app.command("retire")
def retire_device(
    device_id: Device,
    purpose: Purpose,
    why: Annotated[str, typer.Option(help="A code for the device: moved, replaced, closed ...")] = "retired",
    days: Annotated[int, typer.Option(min=1, max=30, help="Cut it off after so many days even if it has not answered.")] = 7,
    settings: SettingsFile = None,
) -> None:
    """End a terminal in order: it forgets every template and all film, delivers what it has, and is cut off then or when the time is over.

    `central ingest` sends the order and cuts it off. Use `revoke` for a terminal that was stolen.
    """
    _order(settings, purpose, lambda db, by: orders.ask_revoke(db, device_id, why, by=by), timedelta(days=days))


@device_app.command("configure")
def configure_device(
    device_id: Device,
    file: Annotated[Path, typer.Argument(help="TOML with the sections and settings to change; an empty file takes everything back.")],
    purpose: Purpose,
    settings: SettingsFile = None,
) -> None:
    """Let a terminal run with other settings, above those of its own file. It tries them and goes back where it is not well with them."""
    with _explained():
        overlay = file.read_text(encoding="utf-8")
    _order(settings, purpose, lambda db, by: orders.ask_configure(db, device_id, overlay, by=by))


@device_app.command("roll-call")
def call_roll(
    device_id: Device, window: Annotated[str, typer.Argument(help="Window to see now.")], purpose: Purpose, settings: SettingsFile = None
) -> None:
    """Ask for the picture of a window now and how many faces are there (云查房). The console shows it, and logs who looks."""
    _order(settings, purpose, lambda db, by: orders.ask_roll_call(db, device_id, window, by=by))


@device_app.command("ask")
def ask_for_film(
    device_id: Device,
    purpose: Purpose,
    msgid: Annotated[str | None, typer.Option(help="The settlement by its msgid ...")] = None,
    setl_id: Annotated[str | None, typer.Option(help="... or by its setl_id.")] = None,
    settings: SettingsFile = None,
) -> None:
    """Ask for the clip of one settlement. The console shows it with the capture, and logs who looks."""
    _order(settings, purpose, lambda db, by: orders.ask_film(db, device_id, msgid=msgid, setl_id=setl_id, by=by))


@device_app.command("orders")
def list_orders(
    device_id: Annotated[str | None, typer.Argument(help="Only those of this terminal.")] = None, settings: SettingsFile = None
) -> None:
    """Show the newest fifty orders: when, of whom, what, how it stands and what was answered."""
    with _explained():
        centre = _centre(settings)
        with reading(centre.engine).begin() as db:
            found = orders.list_orders(db, device_id=device_id, now=centre.now())
        for one in found.rows:
            answer = " ".join(part for part in (one.result, one.why, one.detail) if part)
            about = f"{one.kind} {one.subject}".strip()
            typer.echo(f"{local_text(one.asked_at)} {one.device_id} {about} by {one.asked_by}: {one.state} {answer}".rstrip())


def _order(settings: Path | None, purpose: str, ask: Callable[[Connection, Asking], Order], valid_for: timedelta | None = None) -> None:
    with _explained():
        centre = _centre(settings)
        with centre.engine.begin() as db:
            order = ask(db, Asking(actor=ACTOR, purpose=purpose, at=centre.now(), valid_for=valid_for))
        until = local_text(order.valid_until)
        typer.echo(f"order {order.request} to {order.device_id} stands until {until}; `central device orders` shows how it stands")


@account_app.command("add")
def add_account(username: str, role: Annotated[Role, typer.Option(help="What the account may do.")], settings: SettingsFile = None) -> None:
    """Add an account with a random password, shown once; it must be changed at the first login."""
    with _explained():
        centre = _centre(settings)
        password = random_password()
        hashed = Hashing().hash(password)
        with centre.engine.begin() as db:
            accounts.add(db, username=username, role=role, password_hash=hashed, must_change_password=True, actor=ACTOR, now=centre.now())
        typer.echo(f"{username} ({role}) with the password {password} (shown only now)")


def _write_broker_files(centre: Centre) -> tuple[broker_files.BrokerFiles, bool]:
    with reading(centre.engine).begin() as db:
        devices = sites.device_ids(db)
    settings = centre.settings
    return broker_files.write(
        settings.data_dir / "broker", centre.keys, host=settings.broker.host, port=settings.broker.port, devices=devices
    )


def _centre(settings: Path | None) -> Centre:
    centre = open_centre(Settings.read(settings))
    schema.require_current(centre.engine)
    return centre


@contextmanager
def _explained() -> Iterator[None]:
    """One line for what the user can mend; anything else is a fault of ours and shows its trace."""
    try:
        yield
    except CentralError as error:
        typer.echo(f"central: {error}", err=True)
        raise typer.Exit(2) from None
    except (SQLAlchemyError, OSError, UnicodeDecodeError) as error:
        typer.echo(f"central: {type(error).__name__}: {error}", err=True)
        raise typer.Exit(2) from None


def _stop_on_signals() -> Event:
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _progress(line: str) -> None:
    typer.echo(line, err=True)


if __name__ == "__main__":
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    app()
