"""The centre's transparency log as this device sees it: it may grow, and nothing else.

Receipts carry the log's newest checkpoint. The newest one that was believed is kept, told to the centre in the hourly account, and so
written into a chain that the centre cannot change. Two checkpoints that contradict each other go into the chain as they were signed.
"""

from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from contract.checkpoints import Checkpoint, VerifierKey, open_note
from contract.sealed import Untrusted
from edge_agent.chain.capture import Scribe
from edge_agent.chain.outbox import Outbox
from edge_agent.disk.vault import Vault

SCHEMA = """
CREATE TABLE IF NOT EXISTS log_seen (one INTEGER PRIMARY KEY CHECK (one = 1), note TEXT NOT NULL, at TEXT NOT NULL);
"""
KEEP_EVERY = timedelta(minutes=1)
LATE = timedelta(minutes=1)
"""Receipts of several workers may overtake each other; one that shows fewer leaves counts only when it was signed so much later."""

_BEFORE_ALL = datetime.fromtimestamp(0, UTC)

log = structlog.get_logger(__name__)


class LogWatch:
    """Keeps the newest checkpoint. Safe only in the thread of the link, except for `newest` and `problem`, which others may read."""

    def __init__(self, key: VerifierKey | None, vault: Vault, outbox: Outbox, scribe: Scribe) -> None:
        """Reads what was kept; without a key nothing is believed, and nothing watched. What is kept under another key is forgotten."""
        self._key, self._vault, self._outbox, self._scribe = key, vault, outbox, scribe
        self.problem: str | None = None
        self.newest: Checkpoint | None = None
        self._note, self._at = "", _BEFORE_ALL
        self._kept_at: datetime | None = None
        with vault.transaction() as db:
            row = db.execute("SELECT note, at FROM log_seen").fetchone()
        if row is not None and key is not None:
            self._remember(row[0], datetime.fromisoformat(row[1]), key)

    @property
    def key_id(self) -> str | None:
        """By which key checkpoints are believed here; the birth says so."""
        return None if self._key is None else self._key.key_id.hex()

    def take(self, note: str | None, at: datetime) -> None:
        """Look at the checkpoint of a receipt of that time. Raises Untrusted for one that the log did not sign, and VaultFull."""
        if note is None or self._key is None:
            return
        shown = open_note(note, self._key)
        why = self._contradiction(shown, at)
        if why is not None:
            self._tell(note, shown, why)
        elif self.newest is None or shown.size >= self.newest.size:
            self.problem = None if self.newest is None or shown.size > self.newest.size else self.problem
            self.newest, self._note, self._at = shown, note, at
            if self._kept_at is None or at - self._kept_at >= KEEP_EVERY:
                self._keep(at)

    def _contradiction(self, shown: Checkpoint, at: datetime) -> str | None:
        held = self.newest
        if held is None:
            return None
        if shown.size == held.size:
            return None if shown.root == held.root else "two_roots"
        return "went_back" if shown.size < held.size and at - self._at > LATE else None

    def _tell(self, note: str, shown: Checkpoint, why: str) -> None:
        """Once for each time it begins; the problem stands until the log has grown beyond what was held."""
        if self.problem is not None or self.newest is None:
            return
        with self._vault.transaction():
            self._outbox.append(partial(self._scribe.log_split, self._note, note, why))
            self._keep(self._at)
        held = self.newest.size
        self.problem = f"{why}: the centre's log had {held} leaves and now shows another tree of {shown.size}"
        log.error("log_split", why=why, held=held, shown=shown.size)

    def _keep(self, at: datetime) -> None:
        with self._vault.transaction() as db:
            db.execute("INSERT OR REPLACE INTO log_seen VALUES (1, ?, ?)", (self._note, self._at.isoformat()))
        self._kept_at = at

    def _remember(self, note: str, at: datetime, key: VerifierKey) -> None:
        try:
            self.newest, self._note, self._at = open_note(note, key), note, at
        except Untrusted as error:
            log.warning("log_seen_forgotten", why=str(error))
