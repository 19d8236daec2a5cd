"""Events and sealed pictures on their way to the centre: numbered, chained, durable, deleted only on the centre's signed word.

One file holds the chain of one epoch. When the file is lost or set aside, a new one starts a new epoch, and the centre sees that. Epochs
only rise, whatever the clock says: the last one is noted in a file beside. Events that left their chain are in `apart`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from contract.events import GENESIS
from contract.media import media_id
from contract.receipts import Receipt
from contract.sealed import digest
from edge_agent.disk import apart
from edge_agent.disk.apart import Apart, Gap
from edge_agent.disk.vault import OURS, Connection, Store, Vault
from edge_agent.errors import ReceiptRefused

THINNED_AT_ONCE = 64  # their names stand in one event
SKIPPED = 16
"""More numbers than one transaction gives, so that what follows never stands right behind one that the centre may have after all."""
_PAGE_OF_EVENTS = "SELECT seq, sha256, signed FROM events WHERE seq > ? ORDER BY seq LIMIT ?"

log = structlog.get_logger(__name__)

SCHEMA = (
    apart.SCHEMA
    + """
CREATE TABLE IF NOT EXISTS chain (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    head TEXT NOT NULL,
    receipted INTEGER NOT NULL,
    receipted_head TEXT NOT NULL,
    connection INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS events (seq INTEGER PRIMARY KEY, sha256 TEXT NOT NULL, signed BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS media (number INTEGER PRIMARY KEY AUTOINCREMENT, media_id TEXT NOT NULL UNIQUE, sealed BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS media_size ON media (length(sealed)); -- so that asking for the backlog's size reads no picture
"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in the chain the next event stands."""

    epoch: int
    seq: int
    prev: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits. `last_seq` is the highest number ever given, `receipted` the highest the centre holds without a gap. `salvaged` events
    of earlier epochs wait besides.
    """

    epoch: int
    last_seq: int
    receipted: int
    media_bytes: int
    salvaged: int = 0

    @property
    def events(self) -> int:
        """Events without a receipt."""
        return self.last_seq - self.receipted + self.salvaged


class Outbox:
    """The chain of this device. Safe to use from several threads; the vault's transactions decide what is atomic."""

    def __init__(self, vault: Vault, *, new_epoch: int) -> None:
        """Use the chain in `vault`; an empty vault begins one with epoch `new_epoch`, which `next_epoch` gives."""
        self._vault = vault
        with vault.transaction() as db:
            db.execute("INSERT OR IGNORE INTO chain VALUES (1, ?, 0, ?, 0, ?, 0)", (new_epoch, GENESIS, GENESIS))
            self.epoch: int = db.execute("SELECT epoch FROM chain").fetchone()[0]
        self.apart = Apart(vault)

    def append(self, build: Callable[[Place], bytes], media: Sequence[bytes] = ()) -> Place:
        """Number, sign (by `build`) and keep an event with its sealed objects; durable when the outermost transaction ends.

        Raises VaultFull, or whatever `build` raises; nothing is kept then and no number is used up.
        """
        with self._vault.transaction() as db:
            last_seq, head = db.execute("SELECT last_seq, head FROM chain").fetchone()
            place = Place(epoch=self.epoch, seq=last_seq + 1, prev=head)
            signed = build(place)
            sha256 = digest(signed)
            db.execute("INSERT INTO events VALUES (?, ?, ?)", (place.seq, sha256, signed))
            db.executemany("INSERT OR IGNORE INTO media (media_id, sealed) VALUES (?, ?)", [(media_id(item), item) for item in media])
            db.execute("UPDATE chain SET last_seq = ?, head = ?", (place.seq, sha256))
        return place

    def adopt_media(self, sealed: bytes) -> None:
        """Keep a sealed object of another file until its receipt."""
        with self._vault.transaction() as db:
            db.execute("INSERT OR IGNORE INTO media (media_id, sealed) VALUES (?, ?)", (media_id(sealed), sealed))

    def begin_above(self, epoch: int) -> None:
        """Give a chain without an event an epoch above this one; a chain that has events is left as it is."""
        with self._vault.transaction() as db:
            db.execute("UPDATE chain SET epoch = max(epoch, ? + 1) WHERE last_seq = 0", (epoch,))
            self.epoch = db.execute("SELECT epoch FROM chain").fetchone()[0]

    def skip(self, build: Callable[[Place, Gap], bytes]) -> None:
        """Give to nobody the numbers that a transaction may have had which the disk does not show any more, with the event that says so."""
        with self._vault.transaction() as db:
            last_seq = db.execute("SELECT last_seq FROM chain").fetchone()[0]
            lost = (last_seq + 1, last_seq + SKIPPED)
            db.execute("UPDATE chain SET last_seq = ?", (lost[1],))
            gap = Gap(epoch=self.epoch, last_seq=lost[1], lost=(lost,), why="log_torn")
            self.append(lambda place: build(place, gap))

    def replay(self, again: Callable[[bytes], Callable[[Place], bytes] | None]) -> int:
        """Append what is in quarantine anew, each as `again` makes it; None leaves it there. Returns how many went."""
        count = 0
        for item, signed in self.apart.quarantined():
            if (build := again(signed)) is not None:
                with self._vault.transaction():
                    self.append(build)
                    self.apart.release(item)
                count += 1
        return count

    def thin(self, size: int, build: Callable[[Place, tuple[str, ...]], bytes]) -> tuple[str, ...]:
        """Give up sealed objects, the largest first, until the file has `size` bytes free inside, with the event that `build` makes of
        their names.

        Returns the names, none when nothing was left. Raises VaultFull, or whatever `build` raises; nothing is given up then.
        """
        with self._vault.transaction() as db:
            names, freed = list[str](), _free_inside(db)
            for name, length in db.execute(
                "SELECT media_id, length(sealed) FROM media ORDER BY length(sealed) DESC LIMIT ?", (THINNED_AT_ONCE,)
            ):
                if freed >= size:
                    break
                names.append(name)
                freed += length
            if names:
                db.execute("PRAGMA secure_delete = FAST")  # to overwrite what is sealed and encrypted would take the very room that lacks
                _delete_media(db, names)
                db.execute("PRAGMA secure_delete = ON")
                self.append(lambda place: build(place, tuple(names)))
        return tuple(names)

    def events_after(self, seq: int, limit: int) -> list[tuple[int, bytes]]:
        """The next events (number, signed bytes) above `seq`, at most `limit`; none only where no more are to be sent.

        An event whose bytes are not those that were signed is put into quarantine on the way.
        """
        found: list[tuple[int, bytes]] = []
        with self._vault.transaction() as db:
            while not found and (rows := db.execute(_PAGE_OF_EVENTS, (seq, limit)).fetchall()):
                seq = rows[-1][0]
                for number, sha256, signed in rows:
                    if isinstance(signed, bytes) and digest(signed) == sha256:
                        found.append((number, signed))
                    else:
                        self._quarantine(db, number, sha256, signed)
        return found

    def tell(self, build: Callable[[Place, Gap], bytes]) -> int:
        """Write an event for each loss that was not told yet; how many. Raises VaultFull, or whatever `build` raises; none is told then."""
        with self._vault.transaction():
            untold = self.apart.untold()
            for gap in untold:
                self.append(lambda place, gap=gap: build(place, gap))  # type: ignore[misc] # mypy knows no lambda with a default
            self.apart.told()
        return len(untold)

    def media_after(self, number: int) -> tuple[int, bytes] | None:
        """The next sealed object (its number here, its bytes) above `number`."""
        with self._vault.transaction() as db:
            row = db.execute("SELECT number, sealed FROM media WHERE number > ? ORDER BY number LIMIT 1", (number,)).fetchone()
        return None if row is None else (row[0], row[1])

    def holds_media(self, number: int) -> bool:
        """Whether this sealed object still waits for its receipt."""
        with self._vault.transaction() as db:
            return db.execute("SELECT 1 FROM media WHERE number = ?", (number,)).fetchone() is not None

    def backlog(self) -> Backlog:
        """What waits now."""
        with self._vault.transaction() as db:
            epoch, last_seq, receipted = db.execute("SELECT epoch, last_seq, receipted FROM chain").fetchone()
            size = db.execute("SELECT coalesce(sum(length(sealed)), 0) FROM media").fetchone()[0]
            salvaged = self.apart.waiting()
        return Backlog(epoch=epoch, last_seq=last_seq, receipted=receipted, media_bytes=size, salvaged=salvaged)

    def next_connection(self) -> int:
        """Count a connection to the broker, durably; the number never repeats within an epoch."""
        with self._vault.transaction() as db:
            db.execute("UPDATE chain SET connection = connection + 1")
            number: int = db.execute("SELECT connection FROM chain").fetchone()[0]
        return number

    def prune(self, receipt: Receipt) -> bool:
        """Delete what a verified receipt of this device covers. False if it does not move the chain: of another epoch, or not above an
        earlier one.

        Of an earlier epoch it covers what was salvaged. Pictures that it names are deleted whatever its epoch: their names are hashes of
        their bytes. Raises ReceiptRefused when its hash is not that of our own event: somebody else's chain, or a lost tail. Nothing is
        deleted then.
        """
        with self._vault.transaction() as db:
            moved = receipt.epoch == self.epoch and self._prune_events(db, receipt.up_to, receipt.head)
            self.apart.prune(receipt)
            _delete_media(db, receipt.media_done)
        return moved

    def _prune_events(self, db: Connection, up_to: int, head: str) -> bool:
        receipted, receipted_head, last_seq = db.execute("SELECT receipted, receipted_head, last_seq FROM chain").fetchone()
        if up_to < receipted:
            return False
        if up_to > last_seq:
            raise ReceiptRefused(
                f"the centre holds event {up_to} of epoch {self.epoch}, this device wrote only {last_seq}: "
                "its outbox is older than what was sent; set outbox.db aside to start a new epoch"
            )
        ours = receipted_head if up_to == receipted else self._sha256(db, up_to)
        if ours not in (head, None):
            raise ReceiptRefused(
                f"the receipt names another event {up_to} of epoch {self.epoch} than this device wrote; nothing was deleted"
            )
        db.execute("DELETE FROM events WHERE seq <= ?", (up_to,))
        db.execute("UPDATE chain SET receipted = ?, receipted_head = ?", (up_to, head))
        return bool(up_to > receipted)

    def _sha256(self, db: Connection, seq: int) -> str | None:
        """The hash of an event of the chain; None if it was taken out of it, and nothing here contradicts the centre."""
        row = db.execute("SELECT sha256 FROM events WHERE seq = ?", (seq,)).fetchone()
        return None if row is None else row[0]

    def _quarantine(self, db: Connection, seq: int, sha256: str, signed: bytes) -> None:
        self.apart.quarantine(self.epoch, seq, sha256, signed, "bytes_changed")
        db.execute("DELETE FROM events WHERE seq = ?", (seq,))


def _free_inside(db: Connection) -> int:
    """Bytes that can be written without making the file larger."""
    pages, size = (int(db.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("freelist_count", "page_size"))
    return pages * size


def _delete_media(db: Connection, done: Iterable[str]) -> None:
    db.executemany("DELETE FROM media WHERE media_id = ?", [(name,) for name in done])


def next_epoch(note: Path, now: int, disk: Store = OURS) -> int:
    """The epoch that a new outbox would have: Unix seconds, or more where the last epoch, as the file `note` has it, was later."""
    return max(now, last_epoch(note, disk) + 1)


def last_epoch(note: Path, disk: Store = OURS) -> int:
    """The epoch that was noted last; 0 if none was. A note that cannot be read counts as none; it is written again with the next epoch."""
    try:
        return int(disk.read(note).decode("ascii"))
    except FileNotFoundError:
        return 0
    except (OSError, ValueError) as error:
        log.warning("epoch_note_unreadable", file=str(note), why=type(error).__name__)
        return 0


def note_epoch(note: Path, epoch: int, disk: Store = OURS) -> None:
    """Make the epoch in use survive the loss of its outbox; durable when it returns. Raises OSError."""
    disk.write_durably(note, str(epoch).encode())
