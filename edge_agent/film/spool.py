"""Film of settlements on the disk, encrypted, for as long as the centre may still ask for it.

Only the time of settlements is kept: nobody ever needs the hours between them, and a whole day of them would wear the memory card out.
The oldest goes first, by age and by size. What is written here is no evidence yet and gives way to everything else: it shrinks with its
file while the disk has too little room, and where there is none it is given up as a whole, which needs no room at all.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import RLock

import structlog

from contract.events import Outcome
from edge_agent.clock import Clock
from edge_agent.disk.vault import PARTS, Connection, DatabaseError, Vault, open_or_set_aside
from edge_agent.errors import VaultError, VaultFull
from edge_agent.film.bystanders import Anchor
from edge_agent.film.film import Still

SCHEMA = """
CREATE TABLE IF NOT EXISTS stills (number INTEGER PRIMARY KEY, window TEXT NOT NULL, at INTEGER NOT NULL, faces TEXT NOT NULL,
    jpeg BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS stills_place ON stills (window, at);
CREATE TABLE IF NOT EXISTS takes (msgid TEXT PRIMARY KEY, window TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,
    outcome TEXT NOT NULL, subject TEXT NOT NULL);
"""
SHRINKING = "PRAGMA auto_vacuum = INCREMENTAL; VACUUM;"  # so that the file, too, becomes smaller; it takes effect where little is in it yet
INCREMENTAL = 2
DROPPED_AT_ONCE = 100  # stills, about 2 MB
FREED_AT_ONCE = 1000  # pages, 4 MB: the log of such a step fits on a disk that is nearly full
LEAST_BYTES = 2**18  # a smaller file gives nothing worth the loss
PATIENCE_S = 0.5  # of the till, which waits for room

log = structlog.get_logger(__name__)

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
    """The film of the last hours in one file. Safe to use from several threads."""

    def __init__(self, path: Path, key: bytes, clock: Clock, *, keep_h: float, keep_mb: int) -> None:
        """Holds at most `keep_h` hours and about `keep_mb` megabytes, from the next `forget` on. The file is opened, or made, when it is
        needed; `set_aside` names those that were damaged and moved away.
        """
        self._path, self._key, self._clock = path, key, clock
        self._keep, self._most_bytes = timedelta(hours=keep_h), keep_mb * 2**20
        self._lock, self._closed = RLock(), False
        self._vault: Vault | None = None
        self.set_aside: tuple[Path, ...] = ()

    def open(self) -> None:
        """Open the file now. It is read whole, which takes seconds for each gigabyte. Raises VaultFull."""
        with self.transaction():
            pass

    def keep(self, window: str, stills: Sequence[Still]) -> None:
        """Write pictures. Raises VaultFull; none of them was kept then."""
        rows = [(window, _micros(still.at), json.dumps(still.faces), still.jpeg) for still in stills]
        with self.transaction() as db:
            db.executemany("INSERT INTO stills (window, at, faces, jpeg) VALUES (?, ?, ?, ?)", rows)

    def note(self, take: Take) -> None:
        """Write down where a settlement is on the film. Raises VaultFull."""
        subject = json.dumps([(_micros(at), box) for at, box in take.subject])
        row = (take.msgid, take.window, _micros(take.since), _micros(take.until), take.outcome.value, subject)
        with self.transaction() as db:
            db.execute("INSERT OR REPLACE INTO takes VALUES (?, ?, ?, ?, ?, ?)", row)

    def take(self, msgid: str) -> Take | None:
        """Where this settlement is on the film; None when it never was, or is not any more."""
        with self.transaction() as db:
            row = db.execute("SELECT msgid, window, since, until, outcome, subject FROM takes WHERE msgid = ?", (msgid,)).fetchone()
        if row is None:
            return None
        subject = tuple((_moment(at), tuple(box)) for at, box in json.loads(row[5]))
        return Take(msgid=row[0], window=row[1], since=_moment(row[2]), until=_moment(row[3]), outcome=Outcome(row[4]), subject=subject)

    def stills(self, window: str, since: datetime, until: datetime) -> list[Still]:
        """The pictures of a time, oldest first."""
        query = "SELECT at, faces, jpeg FROM stills WHERE window = ? AND at BETWEEN ? AND ? ORDER BY at"
        with self.transaction() as db:
            rows = db.execute(query, (window, _micros(since), _micros(until))).fetchall()
        return [Still(at=_moment(at), jpeg=jpeg, faces=tuple(tuple(box) for box in json.loads(faces))) for at, faces, jpeg in rows]

    def forget(self, now: datetime) -> None:
        """Drop what is too old, then the oldest until the rest is small enough; the settlements on it are dropped with it."""
        edge = _micros(now - self._keep)
        with self.transaction() as db:
            db.execute("DELETE FROM stills WHERE at < ?", (edge,))
        while self.used_bytes > self._most_bytes and self.shrink():
            pass
        with self.transaction() as db:
            db.execute("DELETE FROM takes WHERE until < ifnull((SELECT min(at) FROM stills), ?)", (edge,))

    def shrink(self) -> bool:
        """Make the file smaller by a step: by what is free inside it, or else by its oldest pictures. False when nothing is left.

        Raises VaultFull.
        """
        with self._lock:
            with self.transaction() as db:
                free = _count(db, "freelist_count")
                dropped = free < FREED_AT_ONCE and _drop_oldest(db)
                db.execute(f"PRAGMA incremental_vacuum({FREED_AT_ONCE})").fetchall()
            if self._vault is not None:
                self._vault.empty_log()  # only then the file is smaller
        return dropped or free > 0

    def give_up(self) -> bool:
        """Give up all film at once, without writing anything; False when there is little to give, or it is being read. Raises OSError."""
        if not self._lock.acquire(timeout=PATIENCE_S):
            return False
        try:
            if self._closed or self._size() < LEAST_BYTES:
                return False
            self._shut()
            remove(self._path)
        finally:
            self._lock.release()
        return True

    def close(self) -> None:
        """Close the file; nothing is kept or given up afterwards."""
        with self._lock:
            self._closed = True
            self._shut()

    @property
    def used_bytes(self) -> int:
        """What it takes of the disk, free pages of the file left out."""
        with self.transaction() as db:
            return _used(db)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """All or nothing. A file that was given up, or that fails, is opened again at the next call, and set aside then if it is damaged.

        Raises VaultFull.
        """
        with self._lock:
            if self._closed:
                raise VaultFull("no film is kept any more: it was closed")
            if self._vault is None:
                self._vault = self._opened()
            try:
                with self._vault.transaction() as db:
                    yield db
            except DatabaseError:
                self._shut()
                raise

    def _shut(self) -> None:
        if self._vault is not None:
            self._vault.close()
            self._vault = None

    def _opened(self) -> Vault:
        try:
            vault, aside = open_or_set_aside(self._path, self._key, SCHEMA, int(self._clock.now().timestamp()))
        except VaultError as error:
            raise VaultFull(f"no film is kept: {error}") from None
        self.set_aside = (*self.set_aside, aside) if aside else self.set_aside
        return self._shrinking(vault)

    def _shrinking(self, vault: Vault) -> Vault:
        """The file of this vault as one that can become smaller, which it is unless it was just made; without room it stays as it is."""
        with vault.transaction() as db:
            done = db.execute("PRAGMA auto_vacuum").fetchone()[0] == INCREMENTAL
        if done:
            return vault
        vault.close()
        try:
            return Vault.open(self._path, self._key, SHRINKING)
        except VaultError as error:
            log.warning("film_does_not_shrink", why=str(error))
            return Vault.open(self._path, self._key, SCHEMA)

    def _size(self) -> int:
        return sum(part.stat().st_size for part in _files(self._path) if part.exists())


def remove(path: Path) -> None:
    """Delete all film of the file at `path`, which nobody has open; without any nothing happens. Raises OSError."""
    if path.exists():
        log.warning("film_given_up")
    for part in _files(path):
        part.unlink(missing_ok=True)


def _files(path: Path) -> list[Path]:
    return [path.with_name(path.name + suffix) for suffix in PARTS]


def _drop_oldest(db: Connection) -> bool:
    db.execute("PRAGMA secure_delete = FAST")  # to overwrite what is encrypted would write as much again
    try:
        oldest = "DELETE FROM stills WHERE number IN (SELECT number FROM stills ORDER BY number LIMIT ?)"
        return bool(db.execute(oldest, (DROPPED_AT_ONCE,)).rowcount)
    finally:
        db.execute("PRAGMA secure_delete = ON")


def _used(db: Connection) -> int:
    return (_count(db, "page_count") - _count(db, "freelist_count")) * _count(db, "page_size")


def _count(db: Connection, name: str) -> int:
    return int(db.execute(f"PRAGMA {name}").fetchone()[0])


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _moment(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)
