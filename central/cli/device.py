"""Terminals: revoke, retire, configure, ask."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from central.captures import service as captures
from central.china import CHINA, local_text
from central.cli.shell import ACTOR, Device, Purpose, SettingsFile, explained, opened
from central.db import reading
from central.devices import service as devices
from central.errors import NotFound
from central.orders import service as orders
from central.orders.model import Asking, Order

app = typer.Typer(no_args_is_help=True, help="Terminals; scripts/enrol_site.py enrols them.")


@app.command("revoke")
def revoke_device(
    device_id: Device,
    why: Annotated[str, typer.Option(help="A code: stolen, tampered, unknown ...")] = "revoked",
    since: Annotated[
        datetime | None, typer.Option(help="Look again at what it told since then (Beijing time); without it the last seven days.")
    ] = None,
    settings: SettingsFile = None,
) -> None:
    """Trust a terminal no more, at once and for good, as after a theft; `retire` lets one finish first.

    `central broker` cuts it off within seconds; a broker of your own does when `central broker --reload` tells it. What the terminal told
    in the last days is queued for a second look (/second-looks); nothing of it is dropped.
    """
    with explained():
        centre, after = opened(settings), None if since is None else since.replace(tzinfo=CHINA)
        with centre.engine.begin() as db:
            devices.revoke_device(db, device_id, why=why, since=after, now=centre.now(), actor=ACTOR)
        typer.echo(f"{device_id} is revoked: {why}; a running `central broker` cuts it off within seconds")


@app.command("rekey")
def rekey_device(
    device_id: Device,
    purpose: Purpose,
    why: Annotated[str, typer.Option(help="A code: routine, suspicion ...")] = "routine",
    settings: SettingsFile = None,
) -> None:
    """Let a terminal make new keys at work, for signing, seals and TLS; the old ones end when the new ones are first used."""
    _order(settings, purpose, lambda db, by: orders.ask_rekey(db, device_id, why, by=by))


@app.command("certificate")
def pass_device(
    device_id: Device,
    out: Annotated[Path, typer.Argument(help="File to write; it is no secret.")],
    settings: SettingsFile = None,
) -> None:
    """Write a certificate of two weeks for a terminal that was off-line when its own ended; it keeps its keys, and what it holds arrives.

    On the terminal: `python -m edge_agent certificate FILE --settings ...`. As soon as it is heard it is ordered to make new keys.
    """
    with explained():
        centre = opened(settings)
        with centre.engine.begin() as db:
            out.write_bytes(devices.passing_certificate(db, centre.keys, device_id, now=centre.now(), actor=ACTOR))
        typer.echo(
            f"{out}: carry it to {device_id}; there: python -m edge_agent certificate {out.name} --settings /etc/edge-agent/agent.toml"
        )


@app.command("keys")
def show_keys(device_id: Device, settings: SettingsFile = None) -> None:
    """Show every key that a terminal ever had: from when, up to which number, and what became of it."""
    with explained():
        centre = opened(settings)
        with reading(centre.engine).begin() as db:
            found = devices.key_history(db, device_id)
        if not found:
            raise NotFound(f"device {device_id} is not registered")
        for key in found:
            last = f" up to {key.last_epoch}:{key.last_seq}" if key.last_epoch is not None else ""
            over = f" revoked {local_text(key.revoked_at)} ({key.revoked_why})" if key.revoked_at else ""
            ended = f" replaced {local_text(key.retired_at)}" if key.retired_at else ""
            typer.echo(f"{key.kid} from {local_text(key.valid_from)}{last}{ended}{over}")


@app.command("retire")
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


@app.command("configure")
def configure_device(
    device_id: Device,
    file: Annotated[Path, typer.Argument(help="TOML with the sections and settings to change; an empty file takes everything back.")],
    purpose: Purpose,
    settings: SettingsFile = None,
) -> None:
    """Let a terminal run with other settings, above those of its own file. It tries them and goes back where it is not well with them."""
    with explained():
        overlay = file.read_text(encoding="utf-8")
    _order(settings, purpose, lambda db, by: orders.ask_configure(db, device_id, overlay, by=by))


@app.command("roll-call")
def call_roll(
    device_id: Device, window: Annotated[str, typer.Argument(help="Window to see now.")], purpose: Purpose, settings: SettingsFile = None
) -> None:
    """Ask for the picture of a window now and how many faces are there (云查房). The console shows it, and logs who looks."""
    _order(settings, purpose, lambda db, by: orders.ask_roll_call(db, device_id, window, by=by))


@app.command("ask")
def ask_for_film(
    device_id: Device,
    purpose: Purpose,
    msgid: Annotated[str | None, typer.Option(help="The settlement by its msgid ...")] = None,
    setl_id: Annotated[str | None, typer.Option(help="... or by its setl_id.")] = None,
    settings: SettingsFile = None,
) -> None:
    """Ask for the clip of one settlement. The console shows it with the capture, and logs who looks."""
    _order(settings, purpose, lambda db, by: orders.ask_film(db, device_id, msgid=msgid, setl_id=setl_id, by=by))


@app.command("orders")
def list_orders(
    device_id: Annotated[str | None, typer.Argument(help="Only those of this terminal.")] = None, settings: SettingsFile = None
) -> None:
    """Show the newest fifty orders: when, of whom, what, how it stands and what was answered."""
    with explained():
        centre = opened(settings)
        with reading(centre.engine).begin() as db:
            found = orders.list_orders(db, device_id=device_id, now=centre.now())
        for one in found.rows:
            answer = " ".join(part for part in (one.result, one.why, one.detail) if part)
            about = f"{one.kind} {one.subject}".strip()
            typer.echo(f"{local_text(one.asked_at)} {one.device_id} {about} by {one.asked_by}: {one.state} {answer}".rstrip())


@app.command("verify")
def verify_kept(
    device_id: Annotated[str | None, typer.Argument(help="One terminal; without it every one that there ever was.")] = None,
    settings: SettingsFile = None,
) -> None:
    """Check every kept event again: bytes, signature, the key that was good at its number, and the chain. Fails if any does not stand."""
    with explained():
        centre, bad = opened(settings), 0
        with reading(centre.engine).begin() as db:
            for name in devices.every_device(db) if device_id is None else [device_id]:
                report = captures.kept(db, name)
                for fault in report.faults:
                    typer.echo(f"{name} {fault.epoch}:{fault.seq}: {fault.why}")
                typer.echo(f"{name}: {report.events} events under {report.keys} keys, {report.erased} erased, {len(report.faults)} faults")
                bad += len(report.faults)
        if bad:
            raise typer.Exit(1)


def _order(settings: Path | None, purpose: str, ask: Callable[[Connection, Asking], Order], valid_for: timedelta | None = None) -> None:
    with explained():
        centre = opened(settings)
        with centre.engine.begin() as db:
            order = ask(db, Asking(actor=ACTOR, purpose=purpose, at=centre.now(), valid_for=valid_for))
        until = local_text(order.valid_until)
        typer.echo(f"order {order.request} to {order.device_id} stands until {until}; `central device orders` shows how it stands")
