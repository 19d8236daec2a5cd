"""What programs send: taken in once, however often it is sent.

Each sending carries a key of the sender's choice. The same key with the same content gets the same answer for thirty days; with other
content it is refused. Contents may be sent again under another key: rows that are here already count as same.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from sqlalchemy import Engine

from central.errors import BadInput, Conflict
from central.feeds.base import Kept
from central.feeds.service import PUSHED, ImportReport, Request, import_file, try_file
from central.imports import store

REMEMBERED = timedelta(days=30)
PATIENCE = timedelta(minutes=2)
"""How long a sending that gave no answer yet is taken to be under way; after that whoever took it in has died."""

MAX_KEY = 64
MAX_BYTES = PUSHED


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """One sending: who sent which bytes into which dataset under which key."""

    kept: Kept
    actor: str
    key: str
    body: bytes
    now: datetime

    @property
    def sha256(self) -> str:
        """Names dataset and content."""
        return sha256(self.kept.spec.name.encode() + b"\n" + self.body).hexdigest()


def take(engine: Engine, push: Push, folder: Path, most_withdrawn: float) -> Mapping[str, Any]:
    """Import what was sent, or give the answer that it got before. `folder` holds it meanwhile.

    Raises BadInput for what cannot be read as a whole (nothing is remembered then), Conflict for a key that was used for other content,
    or whose content is being taken in at this moment.
    """
    _require_key(push.key)
    with engine.begin() as db:
        store.lock_push(db, push.actor, push.key)
        store.forget_pushes(db, push.now - REMEMBERED)
        before = store.push(db, push.actor, push.key)
        if before is not None:
            _require_same(push, before["sha256"])
            if before["answer"] is not None:
                return dict(before["answer"])
            if push.now - before["received_at"] < PATIENCE:
                raise Conflict(f"what was sent under the key {push.key!r} is being taken in at this moment: ask again in a minute")
        store.put_push(db, actor=push.actor, push_key=push.key, dataset=push.kept.spec.name, sha256=push.sha256, now=push.now)
    return _answered(engine, push, folder, most_withdrawn)


def try_out(engine: Engine, push: Push, folder: Path, most_withdrawn: float) -> Mapping[str, Any]:
    """What taking it in would do; nothing is stored or remembered. Raises BadInput."""
    with TemporaryFile(dir=folder) as file:
        return answer_of(try_file(engine, _request(push, file, most_withdrawn)))


def answer_of(report: ImportReport) -> dict[str, Any]:
    """A report as JSON: counts, and the first faults; all of them can be fetched by the import's number."""
    said = asdict(report)
    said["first_faults"] = [asdict(fault) for fault in report.first_faults]
    del said["seconds"], said["resumed_after"], said["remark"]
    return {name: list(value) if isinstance(value, tuple) else value for name, value in said.items()}


def _answered(engine: Engine, push: Push, folder: Path, most_withdrawn: float) -> Mapping[str, Any]:
    try:
        with TemporaryFile(dir=folder) as file:
            report = import_file(engine, _request(push, file, most_withdrawn))
    except BadInput:
        with engine.begin() as db:
            store.drop_push(db, push.actor, push.key)
        raise
    answer = answer_of(report)
    with engine.begin() as db:
        assert report.import_id is not None  # noqa: S101 - only a dry run has none
        return store.answer_push(db, actor=push.actor, push_key=push.key, import_id=report.import_id, answer=answer)


def _request(push: Push, file: Any, most_withdrawn: float) -> Request:
    """`file` has no name in its folder, so that nothing of it stays, however the process ends."""
    file.write(push.body)
    file.flush()
    return Request(
        kept=push.kept,
        path=Path(f"/proc/self/fd/{file.fileno()}"),
        actor=push.actor,
        now=push.now,
        most_withdrawn=most_withdrawn,
        kind="push",
        name=f"{push.actor}/{push.key}" if push.key else push.actor,
    )


def _require_key(key: str) -> None:
    if not 0 < len(key) <= MAX_KEY or not key.isascii() or not key.isprintable():
        raise BadInput(f"the header Idempotency-Key must name this sending in 1 to {MAX_KEY} printable ASCII characters")


def _require_same(push: Push, digest: str) -> None:
    if digest != push.sha256:
        raise Conflict(f"the key {push.key!r} was used for other content: give each sending a key of its own")
