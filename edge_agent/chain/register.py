"""What the till has said, durably: every session by its msgid, so that nothing is lost and nothing is counted twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from edge_agent.disk.vault import Vault
from edge_agent.session import Answer, Bind, ByHand, Start, Void

SCHEMA = """
CREATE TABLE IF NOT EXISTS sessions (
    msgid TEXT PRIMARY KEY,
    start TEXT NOT NULL,
    answer TEXT NOT NULL,
    opened_at TEXT NOT NULL,
    bind TEXT,
    by_hand TEXT,
    setl_id TEXT UNIQUE,
    closed INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS sessions_open ON sessions (closed) WHERE closed = 0;
CREATE TABLE IF NOT EXISTS voids (setl_id TEXT PRIMARY KEY, at TEXT NOT NULL);
"""
_SELECT = "SELECT start, answer, opened_at, bind, by_hand, closed FROM sessions WHERE "


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One session as the till told it."""

    start: Start
    answer: Answer
    opened_at: datetime
    bind: Bind | None
    by_hand: ByHand | None
    closed: bool


class Register:
    """Sessions and voids. Shares the outbox's vault, so that an event and the state it speaks of are committed together."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def find(self, msgid: str) -> Entry | None:
        """The session of this msgid."""
        return self._one("msgid = ?", msgid)

    def find_settlement(self, setl_id: str) -> Entry | None:
        """The session that was bound to this settlement."""
        return self._one("setl_id = ?", setl_id)

    def unclosed(self) -> list[Entry]:
        """Sessions without a capture, oldest first."""
        with self._vault.transaction() as db:
            rows = db.execute(_SELECT + "closed = 0 ORDER BY opened_at").fetchall()
        return [_entry(row) for row in rows]

    def open(self, start: Start, answer: Answer, opened_at: datetime) -> None:
        """Note a new session and what the till was told. The msgid must be new."""
        with self._vault.transaction() as db:
            db.execute(
                "INSERT INTO sessions (msgid, start, answer, opened_at) VALUES (?, ?, ?, ?)",
                (start.msgid, start.model_dump_json(), answer.model_dump_json(), _text(opened_at)),
            )

    def bind(self, bind: Bind) -> None:
        """Note the settlement of a session."""
        with self._vault.transaction() as db:
            db.execute("UPDATE sessions SET bind = ?, setl_id = ? WHERE msgid = ?", (bind.model_dump_json(), bind.setl_id, bind.msgid))

    def by_hand(self, check: ByHand) -> None:
        """Note that a clerk verified by hand."""
        with self._vault.transaction() as db:
            db.execute("UPDATE sessions SET by_hand = ? WHERE msgid = ?", (check.model_dump_json(), check.msgid))

    def close(self, msgid: str) -> None:
        """Note that the capture of this session was written."""
        with self._vault.transaction() as db:
            db.execute("UPDATE sessions SET closed = 1 WHERE msgid = ?", (msgid,))

    def void(self, setl_id: str, at: datetime) -> bool:
        """Note a reversal; False if it was known."""
        with self._vault.transaction() as db:
            return bool(db.execute("INSERT OR IGNORE INTO voids VALUES (?, ?)", (setl_id, _text(at))).rowcount)

    def adopt(self, row: Sequence[object]) -> bool:
        """Take a session over from another file, by its columns, unless its msgid or settlement is known; False if it is none."""
        try:
            msgid, *told, setl_id, closed = row
            entry = _entry((*told, closed))  # type: ignore[arg-type] # it is checked by being read
        except (TypeError, ValueError):
            return False
        if msgid != entry.start.msgid or setl_id != (None if entry.bind is None else entry.bind.setl_id):
            return False
        with self._vault.transaction() as db:
            db.execute("INSERT OR IGNORE INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        return True

    def adopt_void(self, row: Sequence[object]) -> bool:
        """Take a reversal over from another file; False if it is none."""
        try:
            void, at = Void.model_validate({"setl_id": row[0]}), datetime.fromisoformat(str(row[1]))
        except (LookupError, ValueError):
            return False
        return len(row) == 2 and (self.void(void.setl_id, at) or True)

    def forget(self, now: datetime, keep_days: int) -> None:
        """Drop what is closed and older than `keep_days`."""
        edge = _text(now - timedelta(days=keep_days))
        with self._vault.transaction() as db:
            db.execute("DELETE FROM sessions WHERE closed = 1 AND opened_at < ?", (edge,))
            db.execute("DELETE FROM voids WHERE at < ?", (edge,))

    def _one(self, where: str, value: str) -> Entry | None:
        with self._vault.transaction() as db:
            row = db.execute(_SELECT + where, (value,)).fetchone()
        return None if row is None else _entry(row)


def _entry(row: tuple[str, str, str, str | None, str | None, int]) -> Entry:
    start, answer, opened_at, bind, by_hand, closed = row
    return Entry(
        start=Start.model_validate_json(start),
        answer=Answer.model_validate_json(answer),
        opened_at=datetime.fromisoformat(opened_at),
        bind=None if bind is None else Bind.model_validate_json(bind),
        by_hand=None if by_hand is None else ByHand.model_validate_json(by_hand),
        closed=bool(closed),
    )


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
