"""`python -m central`: everything the centre can be asked to do from a shell."""

import sys
from pathlib import Path
from threading import Thread
from typing import Annotated

import structlog
import typer
import uvicorn
from prometheus_client import start_http_server
from sqlalchemy.exc import OperationalError

from central import migrate as schema
from central.accounts import service as accounts
from central.app import create_app
from central.captures.mqtt import MqttBus
from central.cli import account, broker, device, evidence, hotlist, imports, indicators, log, people, rules, rules_watch, subject, up
from central.cli.comparing import ReportForm, compare_folder
from central.cli.follow import DAY_S
from central.cli.follow import follow as follow_news
from central.cli.shell import SettingsFile, explained, opened, progress, stop_on_signals
from central.db import scrub, utc_now
from central.engines.choice import EngineName, EngineOptions
from central.keys import make_keys
from central.reconciliation.service import reconcile as run_reconciliation
from central.retention import expire as run_retention
from central.settings import Settings
from central.subjects import service as subjects
from central.transparency.sequencer import Sequencer
from central.wiring import Centre, build_ingest, open_centre

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="The centre: image log against claims; people decide.")
app.add_typer(people.app, name="people")
app.add_typer(subject.app, name="subject")
app.add_typer(account.app, name="account")
app.add_typer(device.app, name="device")
app.add_typer(evidence.app, name="evidence")
app.add_typer(hotlist.app, name="hotlist")
app.command("broker")(broker.broker)
app.command("up")(up.up)
app.command("import")(imports.import_file)
app.command("faults")(imports.write_faults)
app.command("pull")(imports.pull)
app.add_typer(indicators.app, name="indicators")
app.add_typer(log.app, name="log")
app.add_typer(rules.app, name="rules")


@app.command()
def migrate(settings: SettingsFile = None) -> None:
    """Make the centre's keys where missing, and bring the database to the newest schema. Safe to repeat."""
    with explained():
        read = Settings.read(settings)
        make_keys(read.keys_dir, broker_hosts=tuple(dict.fromkeys((read.broker.host, "127.0.0.1", "localhost"))), now=utc_now())
        centre = open_centre(read)
        schema.upgrade(centre.engine)
        typer.echo(f"keys in {read.keys_dir}, database at the newest schema")


@app.command()
def serve(settings: SettingsFile = None) -> None:
    """Run the console and the HTTP API. At the first start it makes the administrator and shows the password once."""
    with explained():
        centre = opened(settings)
        with centre.engine.begin() as db:
            password = accounts.ensure_administrator(db, centre.now())
        if password is not None:
            typer.echo(f"first start: log in as admin with the password {password} (shown only now)")
        Thread(target=centre.registrar.warm, name="templates", daemon=True).start()
        web = centre.settings.web
        uvicorn.run(create_app(centre), host=web.host, port=web.port, log_level="warning", timeout_graceful_shutdown=2, server_header=False)


@app.command()
def ingest(settings: SettingsFile = None, metrics_port: Annotated[int, typer.Option(help="Prometheus on loopback; 0 = off.")] = 0) -> None:
    """Receive from the broker, verify, commit, send receipts, and sign the transparency log. Several workers take shards by settings."""
    with explained():
        centre = opened(settings)
        if metrics_port:
            start_http_server(metrics_port, addr="127.0.0.1")
        bus = MqttBus(centre.settings.broker, centre.keys)
        stop = stop_on_signals()
        bus.start()
        try:
            with Sequencer(centre.engine, centre.keys, centre.settings.transparency, centre.now):
                build_ingest(centre, bus).run(stop)
        finally:
            bus.stop()


@app.command()
def reconcile(
    settings: SettingsFile = None,
    every: Annotated[float, typer.Option(help="Seconds between runs over everything; 0 runs once.")] = 0,
    follow: Annotated[bool, typer.Option("--follow", help="With --every: between them, reconcile news as soon as it comes.")] = False,
    data: Annotated[Path | None, typer.Option(help="Compare this folder instead, and keep nothing; needs no database.")] = None,
    engine: Annotated[EngineName, typer.Option(help="With --data: where to compare.")] = EngineName.DUCKDB,
    report: Annotated[ReportForm, typer.Option(help="With --data: for people or for programs.")] = ReportForm.TEXT,
    rules: Annotated[Path | None, typer.Option(help="With --data: parameters of the rules, instead of the settings' rules_file.")] = None,
    server: Annotated[str | None, typer.Option(help="With --engine postgres: URL of one that runs; without, one of its own.")] = None,
    memory_mb: Annotated[int, typer.Option(min=256, help="With --data: what DuckDB or Java may hold.")] = EngineOptions.memory_mb,
    threads: Annotated[int, typer.Option(min=1, help="With --data: how many to use.")] = EngineOptions.threads,
    work_dir: Annotated[Path | None, typer.Option(help="With --data: where the engine's own files lie for the while.")] = None,
) -> None:
    """Link captures with claims, run the rules, keep the findings; then erase pictures whose time is over. Repeating it changes nothing."""
    if data is not None:
        with explained():
            options = EngineOptions(memory_mb=memory_mb, threads=threads, folder=work_dir, server=server)
            compare_folder(data, engine=engine, options=options, rules=rules, settings=settings, report=report)
        return
    with explained():
        centre = opened(settings)
        stop = stop_on_signals()
        if follow:
            follow_news(centre, stop, every_s=every or DAY_S, besides=lambda: _besides(centre))
            return
        while True:
            try:
                done = run_reconciliation(centre.engine, rules_file=centre.settings.rules_file, now=centre.now(), progress=progress)
                for line in done.lines():
                    typer.echo(line)
                _besides(centre)
            except OperationalError as error:
                if not every:
                    raise
                typer.echo(f"not reconciled now, tried again in {every:g} s: {error.orig}", err=True)
            if not every or stop.wait(every):
                return


@app.command()
def expire(settings: SettingsFile = None) -> None:
    """Erase sealed pictures and film whose time (section retention) is over and that support no suspicion in force. Cannot be undone."""
    with explained():
        _expire(opened(settings))


def _besides(centre: Centre) -> None:
    rules_watch.tend(centre, progress)
    _expire(centre)


def _expire(centre: Centre) -> None:
    parts = (centre.engine, centre.keys, centre.pictures, centre.settings)
    if subjects.finish_held(*parts, now=centre.now(), progress=progress):
        scrub(centre.engine)
    erased = run_retention(centre.engine, centre.pictures, centre.settings.retention, now=centre.now(), progress=progress)
    if erased:
        typer.echo(f"erased {erased} pictures and clips whose time is over")


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
