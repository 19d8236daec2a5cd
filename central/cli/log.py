"""The transparency log: how it stands, whether it is whole, proofs, and a copy that others can check without us."""

import json
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from central.audit import service as audit
from central.captures import logged as events
from central.china import local_text
from central.cli.shell import SettingsFile, explained, opened, progress
from central.db import reading, unmoved
from central.errors import BadInput, NotFound
from central.transparency import export, walk
from central.transparency import service as transparency
from central.transparency.model import Kind, Proof
from central.transparency.tree import BadProof, leaf_hash, root_of_path
from central.wiring import Centre
from contract.checkpoints import Checkpoint, VerifierKey, open_note
from contract.sealed import Untrusted

_MOST_FAULTS = 20
app = typer.Typer(no_args_is_help=True, help="The transparency log: what was logged cannot be rewritten or cut off unseen.")


@app.command("status")
def show_status(settings: SettingsFile = None) -> None:
    """Show the newest checkpoint, the witnesses, and the devices whose anchors do not fit."""
    with explained():
        centre = opened(settings)
        with reading(centre.engine).begin() as db:
            for line in _status(db):
                typer.echo(line)


@app.command("key")
def show_key(settings: SettingsFile = None) -> None:
    """Print the log's verifier key: for witnesses, auditors, and `log_key` of the terminals."""
    with explained():
        typer.echo(opened(settings).keys.log_vkey)


@app.command("integrate")
def integrate(settings: SettingsFile = None) -> None:
    """Give everything that waits its place and sign; `central ingest` does so by itself about once a second."""
    with explained():
        centre = opened(settings)
        grown: Checkpoint | None = None
        while (more := _integrate_once(centre)) is not None:
            grown = more
            progress(f"{grown.size} leaves")
        typer.echo("nothing waited" if grown is None else f"signed: {grown.size} leaves, root {grown.root.hex()}")


@app.command("verify")
def verify(settings: SettingsFile = None) -> None:
    """Compute the whole tree anew; compare tiles, signatures, co-signatures, anchors, events and audit log. Ends with 1 at a fault."""
    with explained():
        centre = opened(settings)
        with unmoved(centre.engine).begin() as db:
            report = walk.verify(db, centre.keys, centre.settings.transparency.witness_keys, progress)
            chain = audit.verify_chain(db)
            unlogged = [*audit.unlogged(db), *events.unlogged(db, report.size, progress)]
        for line in report.lines():
            typer.echo(line)
        typer.echo(f"audit log: {chain.entries} entries, {'whole' if chain.intact else f'FAULT at entry {chain.broken_at}'}")
        for fault in unlogged[:_MOST_FAULTS]:
            typer.echo(f"FAULT {fault}")
        if not report.intact or not chain.intact or unlogged:
            raise typer.Exit(1)


@app.command("export")
def export_log(
    file: Annotated[Path, typer.Argument(help="Zip to write; one that is there is replaced.")],
    cosigned: Annotated[bool, typer.Option(help="Up to the newest checkpoint that a witness co-signed.")] = False,
    with_audit: Annotated[bool, typer.Option(help="With the audit log in clear; it names accounts and what they looked at.")] = False,
    settings: SettingsFile = None,
) -> None:
    """Write the log for somebody who checks it without us: `scripts/verify_evidence.py OUT.zip --log-key ...` needs nothing of ours."""
    with explained():
        centre = opened(settings)
        with unmoved(centre.engine).begin() as db:
            signed = transparency.newest_cosigned(db) if cosigned else transparency.newest(db)
            if signed is None:
                raise NotFound("there is no such checkpoint yet: run `central log integrate`; witnesses stand in the settings")
            lines = audit.logged(db, signed.checkpoint.size) if with_audit else None
            keys = centre.settings.transparency.witness_keys
            done = export.write(db, signed, centre.keys, keys, file, audit=lines, progress=progress)
        typer.echo(f"{file}: {done.leaves} leaves, co-signed by {', '.join(done.witnesses) or 'nobody'}")
        typer.echo(f"check it elsewhere: python verify_evidence.py {file.name} --log-key {b64encode(centre.keys.log_public).decode()}")


@app.command("proof")
def prove(
    kind: Annotated[Kind, typer.Argument(help="What is asked for.")],
    ref: Annotated[str, typer.Argument(help="event: device/epoch/seq; finding: jr_id#version; audit: sha256 of the entry.")],
    settings: SettingsFile = None,
) -> None:
    """Print the proof, as JSON, that something is in the log."""
    with explained():
        centre = opened(settings)
        with reading(centre.engine).begin() as db:
            proof = transparency.proof(db, kind, ref)
            if proof is None:
                waits = transparency.waits(db, kind, ref)
                raise NotFound(f"{kind} {ref!r} " + ("waits for its place: try again in a second" if waits else "was never logged"))
        typer.echo(json.dumps(proof.plain(), ensure_ascii=False, indent=2))


@app.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="A signed checkpoint that was kept elsewhere, or a proof as JSON.")],
    content: Annotated[Path | None, typer.Option(help="With a proof: the bytes that its leaf should commit to.")] = None,
    settings: SettingsFile = None,
) -> None:
    """Say whether a checkpoint or a proof that somebody holds is of this log, as the log stands now. Ends with 1 if it is not."""
    with explained():
        centre = opened(settings)
        text = file.read_text(encoding="utf-8")
        with reading(centre.engine).begin() as db:
            try:
                lines = list(_check_proof(db, centre, text, content) if text.startswith("{") else _check_note(db, centre, text))
            except (Untrusted, BadProof) as error:
                typer.echo(f"NOT OF THIS LOG: {error}")
                raise typer.Exit(1) from None
        for line in lines:
            typer.echo(line)


def _integrate_once(centre: Centre) -> Checkpoint | None:
    with centre.engine.begin() as db:
        return transparency.integrate(db, centre.keys, centre.now())


def _status(db: Connection) -> Iterator[str]:
    head = transparency.newest(db)
    if head is None:
        yield "the log is empty"
    else:
        yield f"{head.checkpoint.size} leaves, signed {local_text(head.signed_at)}, root {head.checkpoint.root.hex()}"
    yield f"{transparency.count_pending(db)} wait for their place"
    for each in transparency.witnesses(db):
        when = "never" if each.cosigned_at is None else local_text(each.cosigned_at)
        yield f"witness {each.witness}: {each.size} leaves, co-signed {when}{'' if each.fault is None else f', {each.fault}'}"
    anchors = transparency.anchors(db)
    yield f"{len(anchors)} devices anchor the log"
    yield from (f"device {each.device_id}: has seen another tree of {each.size} leaves" for each in anchors if not each.fits)


def _check_note(db: Connection, centre: Centre, note: str) -> Iterator[str]:
    held = open_note(note, VerifierKey.parse(centre.keys.log_vkey))
    head = transparency.newest(db)
    size = 0 if head is None else head.checkpoint.size
    if held.size > size:
        raise BadProof(f"it has {held.size} leaves and the log now has {size}: the end of the log was cut off")
    if transparency.root(db, held.size) != held.root:
        raise BadProof(f"the first {held.size} leaves are not those that were signed: the log was rewritten")
    yield f"the log of {size} leaves continues this checkpoint of {held.size}"


def _check_proof(db: Connection, centre: Centre, text: str, content: Path | None) -> Iterator[str]:
    proof = _proof_of(text)
    yield from _check_note(db, centre, proof.checkpoint)
    signed = open_note(proof.checkpoint, VerifierKey.parse(centre.keys.log_vkey))
    if root_of_path(leaf_hash(proof.leaf), proof.index, proof.size, proof.path) != signed.root or proof.size != signed.size:
        raise BadProof("the path does not lead to the signed root")
    yield f"{proof.kind} {proof.ref} is leaf {proof.index} of {proof.size}"
    if content is not None:
        opened = proof.opens(content.read_bytes())
        if opened is False:
            raise BadProof(f"the leaf does not commit to the content of {content}")
        yield f"the leaf commits to {content}" if opened else "the salt was erased: what the leaf commits to cannot be shown any more"


def _proof_of(text: str) -> Proof:
    try:
        said = json.loads(text)
        path = tuple(b64decode(each, validate=True) for each in said["path"])
        salt = None if said["salt"] is None else bytes.fromhex(said["salt"])
        kept = {name: said[name] for name in ("kind", "ref", "index", "size", "checkpoint")}
        return Proof(**kept, leaf=said["leaf"].encode(), salt=salt, path=path)
    except (ValueError, KeyError, TypeError, AttributeError, Base64Error) as error:
        raise BadInput(f"this is no proof as `central log proof` prints it: {type(error).__name__}: {error}") from None
