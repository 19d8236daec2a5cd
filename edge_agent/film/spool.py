"""Film of settlements on the disk, encrypted, for as long as the centre may still ask for it.

Only the time of settlements is kept: nobody ever needs the hours between them, and a whole day of them would wear the memory card out.
The oldest goes first, by age and by size. What is written here is no evidence yet and gives way to everything else on a full disk.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from contract.events import Outcome
from edge_agent.disk.vault import Connection, Vault
from edge_agent.film.bystanders import Anchor
from edge_agent.film.film import Still

SCHEMA = """
CREATE TABLE IF NOT EXISTS stills (number INTEGER PRIMARY KEY, window TEXT NOT NULL, at INTEGER NOT NULL, faces TEXT NOT NULL,
    jpeg BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS stills_place ON stills (window, at);
CREATE TABLE IF NOT EXISTS takes (msgid TEXT PRIMARY KEY, window TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,
    outcome TEXT NOT NULL, subject TEXT NOT NULL);
"""
DROPPED_AT_ONCE = 100  # stills, about 2 MB
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One settlement on the film: its times, its verdict, and where the verdict saw its subject."""

    msgid: str
    window: str
    since: datetime
    until: datetime
    outcome: Outcome
    subject: tuple[Anchor, ...]


class Spool:
    """The film of the last hours. Safe to use from several threads."""

    def __init__(self, vault: Vault, *, keep_h: float, keep_mb: int) -> None:
        """Holds at most `keep_h` hours and about `keep_mb` megabytes, from the next `forget` on."""
        self._vault, self._keep, self._most_bytes = vault, timedelta(hours=keep_h), keep_mb * 2**20

    def keep(self, window: str, stills: Sequence[Still]) -> None:
        """Write pictures. Raises VaultFull; none of them was kept then."""
        rows = [(window, _micros(still.at), json.dumps(still.faces), still.jpeg) for still in stills]
        with self._vault.transaction() as db:
            db.executemany("INSERT INTO stills (window, at, faces, jpeg) VALUES (?, ?, ?, ?)", rows)

    def note(self, take: Take) -> None:
        """Write down where a settlement is on the film. Raises VaultFull."""
        subject = json.dumps([(_micros(at), box) for at, box in take.subject])
        row = (take.msgid, take.window, _micros(take.since), _micros(take.until), take.outcome.value, subject)
        with self._vault.transaction() as db:
            db.execute("INSERT OR REPLACE INTO takes VALUES (?, ?, ?, ?, ?, ?)", row)

    def take(self, msgid: str) -> Take | None:
        """Where this settlement is on the film; None when it never was, or is not any more."""
        with self._vault.transaction() as db:
            row = db.execute("SELECT msgid, window, since, until, outcome, subject FROM takes WHERE msgid = ?", (msgid,)).fetchone()
        if row is None:
            return None
        subject = tuple((_moment(at), tuple(box)) for at, box in json.loads(row[5]))
        return Take(msgid=row[0], window=row[1], since=_moment(row[2]), until=_moment(row[3]), outcome=Outcome(row[4]), subject=subject)

    def stills(self, window: str, since: datetime, until: datetime) -> list[Still]:
        """The pictures of a time, oldest first."""
        query = "SELECT at, faces, jpeg FROM stills WHERE window = ? AND at BETWEEN ? AND ? ORDER BY at"
        with self._vault.transaction() as db:
            rows = db.execute(query, (window, _micros(since), _micros(until))).fetchall()
        return [Still(at=_moment(at), jpeg=jpeg, faces=tuple(tuple(box) for box in json.loads(faces))) for at, faces, jpeg in rows]

    def forget(self, now: datetime) -> None:
        """Drop what is too old, then the oldest until the rest is small enough; the settlements on it are dropped with it."""
        edge = _micros(now - self._keep)
        with self._vault.transaction() as db:
            db.execute("DELETE FROM stills WHERE at < ?", (edge,))
            oldest = "DELETE FROM stills WHERE number IN (SELECT number FROM stills ORDER BY number LIMIT ?)"
            while _used(db) > self._most_bytes and db.execute(oldest, (DROPPED_AT_ONCE,)).rowcount:
                pass
            db.execute("DELETE FROM takes WHERE until < ifnull((SELECT min(at) FROM stills), ?)", (edge,))

    @property
    def used_bytes(self) -> int:
        """What it takes of the disk, free pages of the file left out."""
        with self._vault.transaction() as db:
            return _used(db)


def _used(db: Connection) -> int:
    pages, free, size = (int(db.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "freelist_count", "page_size"))
    return (pages - free) * size


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _moment(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)
