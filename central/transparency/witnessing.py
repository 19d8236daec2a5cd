"""Asking other organisations' witnesses to co-sign (C2SP tlog-witness, add-checkpoint). What a witness answers is believed only if signed.

A witness that is down, slow or lying costs its co-signature and nothing else; how it answered is kept for the page.
"""

import http.client
import socket
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Event, Timer
from urllib.parse import urlsplit

import structlog
from sqlalchemy import Engine

from central.db import reading
from central.settings import TransparencySettings, WitnessSettings
from central.transparency import service
from central.transparency.model import Signed
from contract.checkpoints import VerifierKey, read_signatures
from contract.sealed import Untrusted

MAX_ANSWER = 16 * 1024
_OK, _CONFLICT = 200, 409
_SIZE_TYPE = "text/x.tlog.size"
_FAULTS = {400: "it did not understand", 403: "it does not trust the log's key", 404: "it does not know this log"}
log = structlog.get_logger(__name__)


class NotCosigned(Exception):
    """A witness gave no co-signature; says why."""


class Behind(NotCosigned):
    """The witness has co-signed another size than was thought."""

    def __init__(self, size: int) -> None:
        """Keep what it said."""
        super().__init__(f"it has co-signed {size} leaves")
        self.size = size


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back over HTTP."""

    status: int
    content_type: str
    body: str


def ask_all(engine: Engine, settings: TransparencySettings, now: Callable[[], datetime]) -> None:
    """Ask each witness that has not co-signed the newest checkpoint. Raises nothing for what a witness does.

    All are asked about the same one, however the log grows meanwhile: so one proof carries the lines of all.
    """
    signed = _newest(engine)
    for witness in settings.witnesses:
        ask(engine, witness, timeout_s=settings.witness_timeout_s, now=now, signed=signed)


def ask(engine: Engine, witness: WitnessSettings, *, timeout_s: float, now: Callable[[], datetime], signed: Signed | None = None) -> None:
    """Ask one witness for a checkpoint, the newest unless one is named, and again from where it says to be."""
    key = VerifierKey.parse(witness.key)
    with reading(engine).begin() as db:
        newest = service.newest(db)
        known = next((each for each in service.witnesses(db) if each.witness == key.name), None)
    signed, size = signed or newest, 0 if known is None else known.size
    if signed is None or newest is None or (known is not None and known.fault is None and _is_done(size, signed, newest)):
        return
    try:
        try:
            line = _cosigned(engine, witness, signed, size, timeout_s)
        except Behind as told:
            if told.size > signed.checkpoint.size:  # another process has asked meanwhile, about a later one
                signed = _newest(engine) or signed
            line = _cosigned(engine, witness, signed, told.size, timeout_s)
        _keep(engine, signed, line, key, now())
    except (NotCosigned, Untrusted) as error:
        log.warning("log.not_cosigned", witness=key.name, why=str(error))
        with engine.begin() as db:
            service.note_witness(db, key.name, size, now=now(), fault=str(error))


def _newest(engine: Engine) -> Signed | None:
    with reading(engine).begin() as db:
        return service.newest(db)


def _is_done(size: int, signed: Signed, newest: Signed) -> bool:
    """Whether a witness at `size` has co-signed this one, or a later one; not one that the log does not have."""
    return signed.checkpoint.size <= size <= newest.checkpoint.size


def _cosigned(engine: Engine, witness: WitnessSettings, signed: Signed, size: int, timeout_s: float) -> str:
    checkpoint = signed.checkpoint
    if size > checkpoint.size:
        raise NotCosigned(f"it has seen {size} leaves and the log has {checkpoint.size}: the database was set back to an older state")
    with reading(engine).begin() as db:
        proof = service.consistency(db, size, checkpoint.size)
    lines = "".join(f"{b64encode(hash).decode()}\n" for hash in proof)
    answer = post(f"{witness.url.rstrip('/')}/add-checkpoint", f"old {size}\n{lines}\n{signed.note}", timeout_s)
    if answer.status == _CONFLICT and answer.content_type.startswith(_SIZE_TYPE):
        said = answer.body.strip()
        if said.isascii() and said.isdigit() and len(said) < 19 and int(said) != size:
            raise Behind(int(said))
    if answer.status != _OK:
        raise NotCosigned(_FAULTS.get(answer.status, f"it refused the tree with status {answer.status}: it holds another one"))
    return answer.body


def _keep(engine: Engine, signed: Signed, lines: str, key: VerifierKey, now: datetime) -> None:
    """The witness may send lines of several keys; its own is kept."""
    try:
        own = next((line for line in read_signatures(lines) if (line.name, line.key_id) == (key.name, key.key_id)), None)
    except ValueError as error:
        raise NotCosigned(f"its answer is no co-signature: {error}") from None
    if own is None:
        raise NotCosigned("its answer carries no co-signature by the key in the settings")
    with engine.begin() as db:
        service.keep_cosignature(db, signed.checkpoint, own, key, now=now)
        service.note_witness(db, key.name, signed.checkpoint.size, now=now, fault=None)


def post(url: str, body: str, timeout_s: float) -> Answer:
    """One request with a time limit for all of it, however slowly bytes come. Raises NotCosigned."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout_s)
    late = Event()
    limit = Timer(timeout_s, _cut, (connection, late))
    limit.start()
    try:
        connection.request("POST", parts.path, body.encode(), {"Content-Type": "text/plain; charset=utf-8"})
        response = connection.getresponse()
        answer = response.read(MAX_ANSWER + 1)
        if late.is_set():
            raise NotCosigned(f"its answer took longer than {timeout_s:g} s")
        if len(answer) > MAX_ANSWER:
            raise NotCosigned(f"its answer is longer than {MAX_ANSWER} bytes")
        return Answer(status=response.status, content_type=response.headers.get("Content-Type", ""), body=answer.decode())
    except (OSError, http.client.HTTPException, UnicodeDecodeError, ValueError) as error:
        raise NotCosigned(f"it does not answer: {type(error).__name__}: {error}") from None
    finally:
        limit.cancel()
        connection.close()


def _cut(connection: http.client.HTTPConnection, late: Event) -> None:
    """The time is over: whoever still reads gets an end."""
    late.set()
    try:
        if connection.sock is not None:
            connection.sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
