"""What film is wanted: by the centre's signed request, or by a settlement that was flagged. Durable until it is answered.

Shares the outbox's vault, so that an answer and the note that it was given are committed together: each request is answered once.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from contract.commands import EvidenceRequest, RollCall
from edge_agent.disk.vault import Vault

SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    request TEXT UNIQUE,
    msgid TEXT,
    setl_id TEXT,
    window TEXT,
    valid_until TEXT NOT NULL,
    answered INTEGER NOT NULL DEFAULT 0
);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One wish. `request` is None where the settlement `msgid` was flagged; a roll-call names a `window` and no settlement."""

    number: int
    request: str | None
    msgid: str | None
    setl_id: str | None
    window: str | None


class Requests:
    """Open wishes, oldest first. Safe to use from several threads."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def take(self, command: EvidenceRequest | RollCall, now: datetime) -> bool:
        """Note a verified request; False if it is known already or came too late. Raises VaultFull."""
        if command.valid_until <= now:
            return False
        named = (None, None, command.window) if isinstance(command, RollCall) else (command.msgid, command.setl_id, None)
        row = (command.request, *named, _text(command.valid_until))
        with self._vault.transaction() as db:
            query = "INSERT OR IGNORE INTO requests (request, msgid, setl_id, window, valid_until) VALUES (?, ?, ?, ?, ?)"
            return bool(db.execute(query, row).rowcount)

    def want(self, msgid: str, until: datetime) -> None:
        """Note that a flagged settlement wants its clip to go to the centre. Raises VaultFull."""
        with self._vault.transaction() as db:
            db.execute("INSERT INTO requests (msgid, valid_until) VALUES (?, ?)", (msgid, _text(until)))

    def open(self) -> list[Wanted]:
        """What is not answered yet, oldest first."""
        with self._vault.transaction() as db:
            rows = db.execute("SELECT number, request, msgid, setl_id, window FROM requests WHERE answered = 0 ORDER BY number").fetchall()
        return [Wanted(number=row[0], request=row[1], msgid=row[2], setl_id=row[3], window=row[4]) for row in rows]

    def answered(self, wanted: Wanted) -> None:
        """Note the answer; to be called in the transaction that writes it."""
        with self._vault.transaction() as db:
            db.execute("UPDATE requests SET answered = 1 WHERE number = ?", (wanted.number,))

    def forget(self, now: datetime) -> None:
        """Drop what is over: a request that is sent again after its time is refused by that time."""
        with self._vault.transaction() as db:
            db.execute("DELETE FROM requests WHERE valid_until <= ?", (_text(now),))


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
