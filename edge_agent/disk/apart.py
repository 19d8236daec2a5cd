"""Events outside the chain: those salvaged from a damaged file, and those that cannot be sent and must not stop the others.

Both keep the epoch and number that they were signed with. What is salvaged is sent as it is and deleted on the centre's receipt; what is in
quarantine stays until somebody looks at it, and the centre is told, signed, not to wait for its number.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from contract.events import MAX_RANGES
from contract.receipts import Receipt
from contract.sealed import digest
from edge_agent.disk.vault import Vault
from edge_agent.errors import ReceiptRefused

SCHEMA = """
CREATE TABLE IF NOT EXISTS salvaged (
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    signed BLOB NOT NULL,
    PRIMARY KEY (epoch, seq)
);
CREATE TABLE IF NOT EXISTS quarantine (
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    signed BLOB NOT NULL,
    why TEXT NOT NULL,
    told INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (epoch, seq)
);
CREATE TABLE IF NOT EXISTS read_asides (name TEXT PRIMARY KEY);
"""
START = (0, 0)

Range = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Numbers of an epoch that cannot be sent, as the centre is told; `last_seq` is the highest number known to have been given."""

    epoch: int
    last_seq: int
    lost: tuple[Range, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """An event that cannot be sent, and why."""

    epoch: int
    seq: int
    why: str


class Apart:
    """Shares the vault of the chain. Safe to use from several threads."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def salvage(self, epoch: int, seq: int, signed: bytes) -> None:
        """Keep an event of an earlier file until its receipt."""
        with self._vault.transaction() as db:
            db.execute("INSERT OR IGNORE INTO salvaged VALUES (?, ?, ?, ?)", (epoch, seq, digest(signed), signed))

    def waiting(self) -> int:
        """How many salvaged events wait for a receipt."""
        with self._vault.transaction() as db:
            return int(db.execute("SELECT count(*) FROM salvaged").fetchone()[0])

    def salvaged_after(self, place: tuple[int, int], window: int) -> tuple[tuple[int, int], bytes] | None:
        """The next salvaged event behind `place` (epoch, number); none beyond the first `window` that wait for their receipts."""
        with self._vault.transaction() as db:
            row = db.execute(
                "SELECT epoch, seq, signed FROM (SELECT * FROM salvaged ORDER BY epoch, seq LIMIT ?) "
                "WHERE epoch > ? OR epoch = ? AND seq > ? ORDER BY epoch, seq LIMIT 1",
                (window, place[0], *place),
            ).fetchone()
        return None if row is None else ((row[0], row[1]), row[2])

    def prune(self, receipt: Receipt) -> None:
        """Delete the salvaged events that a verified receipt covers. Raises ReceiptRefused, and deletes nothing, when its hash is not that
        of the event that it names.
        """
        with self._vault.transaction() as db:
            row = db.execute("SELECT sha256 FROM salvaged WHERE epoch = ? AND seq = ?", (receipt.epoch, receipt.up_to)).fetchone()
            if row is not None and row[0] != receipt.head:
                raise ReceiptRefused(
                    f"the receipt names another event {receipt.up_to} of epoch {receipt.epoch} than was salvaged; nothing was deleted"
                )
            db.execute("DELETE FROM salvaged WHERE epoch = ? AND seq <= ?", (receipt.epoch, receipt.up_to))

    def quarantine(self, epoch: int, seq: int, sha256: str, signed: bytes, why: str) -> None:
        """Keep an event that cannot be sent."""
        with self._vault.transaction() as db:
            db.execute("INSERT OR IGNORE INTO quarantine VALUES (?, ?, ?, ?, ?, 0)", (epoch, seq, sha256, signed, why))

    def quarantined(self) -> list[tuple[Quarantined, bytes]]:
        """What cannot be sent, in order, each with its bytes."""
        with self._vault.transaction() as db:
            rows = db.execute("SELECT epoch, seq, why, signed FROM quarantine ORDER BY epoch, seq").fetchall()
        return [(Quarantined(epoch=row[0], seq=row[1], why=row[2]), row[3]) for row in rows]

    def held(self) -> list[Quarantined]:
        """What cannot be sent, in order."""
        return [item for item, _ in self.quarantined()]

    def release(self, item: Quarantined) -> None:
        """Take an event out of quarantine."""
        with self._vault.transaction() as db:
            db.execute("DELETE FROM quarantine WHERE epoch = ? AND seq = ?", (item.epoch, item.seq))

    def untold(self) -> list[Gap]:
        """The losses by quarantine that the centre was not told."""
        with self._vault.transaction() as db:
            rows = db.execute("SELECT epoch, seq, why FROM quarantine WHERE told = 0 ORDER BY epoch, why, seq").fetchall()
        kinds = sorted({(epoch, why) for epoch, _, why in rows})
        return [gap for epoch, why in kinds for gap in gaps(epoch, [row[1] for row in rows if (row[0], row[2]) == (epoch, why)], why)]

    def told(self) -> None:
        """Note that the centre was told of all that is in quarantine."""
        with self._vault.transaction() as db:
            db.execute("UPDATE quarantine SET told = 1 WHERE told = 0")


def gaps(epoch: int, numbers: Iterable[int], why: str, last_seq: int = 0) -> list[Gap]:
    """Rising numbers as the losses that name them, each as many as one event can hold; one that names none where there are none."""
    ranges = _ranges(numbers)
    last_seq = max(last_seq, ranges[-1][1] if ranges else 0)
    pages = [ranges[start : start + MAX_RANGES] for start in range(0, len(ranges), MAX_RANGES)] or [()]
    return [Gap(epoch=epoch, last_seq=last_seq, lost=tuple(page), why=why) for page in pages]


def _ranges(numbers: Iterable[int]) -> Sequence[Range]:
    found: list[Range] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found
