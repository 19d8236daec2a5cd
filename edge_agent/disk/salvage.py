"""Bring what can still be read of damaged outboxes into the new one, and tell the centre which numbers are lost.

Only what proves itself is taken: an event that this device signed, a sealed object whose bytes have its name, a session or reversal that
the till can have sent. The damaged file stays where it was moved to. Pictures that were lost are simply missing at the centre.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import structlog

from contract.events import Capture
from contract.media import media_id
from contract.sealed import digest
from edge_agent.chain.losses import Losses
from edge_agent.chain.outbox import Outbox
from edge_agent.chain.register import Register
from edge_agent.disk.apart import gaps
from edge_agent.disk.pages import Pages, Row, Value
from edge_agent.disk.vault import READ, Store, Vault, set_asides

WHY = "store_damaged"
AT_ONCE = 64

Reader = Callable[[Sequence[Value]], bool]
"""Takes a row, if it is one of its kind."""

log = structlog.get_logger(__name__)


def salvage(path: Path, key: bytes, disk: Store, *, vault: Vault, outbox: Outbox, losses: Losses, noted: int) -> None:
    """Read events and sessions of every set-aside file of the store at `path` that was not read yet; what fails waits for the next start.

    They come with the word on what is lost in one transaction, which also notes that this was done. `noted` is the last epoch that was
    noted before this start, 0 if none was.
    """
    for aside in _unread(path, disk):
        try:
            with vault.transaction() as db:
                if db.execute("INSERT OR IGNORE INTO read_asides VALUES (?)", (aside.name,)).rowcount:
                    taking = _Taking(vault, outbox, losses)
                    taking.take(disk.pages(aside, key))
                    taking.finish(noted)
        except Exception:
            log.exception("not_salvaged", file=aside.name)


def salvage_pictures(path: Path, key: bytes, disk: Store, *, vault: Vault, outbox: Outbox) -> Iterator[int]:
    """Bring the pictures of these files, some with each step, so that nobody waits for gigabytes; how many so far.

    Behind them a mark beside the file says that it was read, should the new outbox be lost as well. Steps that were not taken are at the
    next start.
    """
    for aside in _unread(path, disk):
        pictures, count = _pictures(disk.pages(aside, key)), 0
        while batch := list(islice(pictures, AT_ONCE)):
            with vault.transaction():
                for sealed in batch:
                    outbox.adopt_media(sealed)
            count += len(batch)
            yield count
        disk.write_durably(aside.with_name(aside.name + READ), b"")


def _unread(path: Path, disk: Store) -> list[Path]:
    return [aside for aside in set_asides(path, disk) if not disk.exists(aside.with_name(aside.name + READ))]


def _pictures(pages: Pages) -> Iterator[bytes]:
    for _, row in _rows(pages, ("media",)):
        match row:
            case [int(), str(name), bytes(sealed)] if media_id(sealed) == name:
                yield sealed


def _rows(pages: Pages, names: Collection[str]) -> Iterator[tuple[str | None, Sequence[Value]]]:
    """The rows of these tables, then those that no table leads to any more; with None, for they may be of any."""
    for name, root in pages.tables().items():
        if name in names:
            yield from ((name, _whole(row)) for row in pages.rows(root))
        else:
            pages.reach(root)
    yield from ((None, _whole(row)) for row in pages.strays())


class _Taking:
    """What is taken from one file, row by row, but for pictures."""

    def __init__(self, vault: Vault, outbox: Outbox, losses: Losses) -> None:
        self._outbox, self._losses = outbox, losses
        self._register = Register(vault)
        self._chain: tuple[int, int, int] | None = None
        self._numbers: dict[int, set[int]] = {}
        self._captured: set[str] = set()
        self._readers: Mapping[str, Reader] = {
            "chain": self._take_chain,
            "events": self._take_signed,
            "salvaged": self._take_signed,
            "quarantine": self._take_signed,
            "sessions": self._register.adopt,
            "voids": self._register.adopt_void,
        }

    def take(self, pages: Pages) -> None:
        """Take each row as what it proves to be."""
        for name, row in _rows(pages, self._readers):
            if name is None:
                any(read(row) for read in self._readers.values())
            else:
                self._readers[name](row)

    def finish(self, noted: int) -> None:
        """Tell what is lost, in a chain whose epoch is above every one that was found."""
        for msgid in self._captured:
            self._register.close(msgid)
        epoch, last_seq, receipted = self._chain or (max(self._numbers, default=noted), 0, 0)
        self._outbox.begin_above(max(self._numbers, default=epoch))
        for each in sorted({*self._numbers, *({epoch} if epoch else ())}):
            here = self._numbers.get(each, set())
            edge, last = (receipted, last_seq) if each == epoch else (0, 0)
            last = max(last, *here, 0)
            for gap in gaps(each, [seq for seq in range(edge + 1, last + 1) if seq not in here], WHY, last):
                self._outbox.append(lambda place, gap=gap: self._losses.loss(place, gap))  # type: ignore[misc]
        log.warning("salvaged", epoch=epoch, last_seq=last_seq, events=sum(len(found) for found in self._numbers.values()))

    def _take_chain(self, row: Sequence[Value]) -> bool:
        match row:
            case [int(), int(epoch), int(last_seq), str(), int(receipted), str(), int()]:
                self._chain = (epoch, last_seq, receipted)
                return True
        return False

    def _take_signed(self, row: Sequence[Value]) -> bool:
        match row:
            case [int(seq), str(sha256), bytes(signed)] if digest(signed) == sha256:
                place = None
            case [int(epoch), int(seq), str(sha256), bytes(signed), *_] if digest(signed) == sha256:
                place = (epoch, seq)
            case _:
                return False
        event = self._losses.ours(signed)
        if event is None or event.seq != seq or place not in (None, (event.epoch, event.seq)):
            return False
        self._outbox.apart.salvage(event.epoch, event.seq, signed)
        self._numbers.setdefault(event.epoch, set()).add(event.seq)
        if isinstance(event, Capture):
            self._captured.add(event.msgid)
        return True


def _whole(row: Row) -> Sequence[Value]:
    """The columns, the row's number in place of the column that repeats it."""
    rowid, columns = row
    return [rowid, *columns[1:]] if columns and columns[0] is None else columns
