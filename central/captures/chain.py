"""How far a device's chain is here without a gap, and the signed receipt that says so.

A number that the device says, signed, to have lost is no gap: the chain goes on behind it, and an auditor finds the irregularity.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from central.captures import store
from central.captures.model import Head
from contract.events import GENESIS, Loss, parse_event
from contract.receipts import MAX_GAPS, Receipt
from contract.sealed import from_text

LOSS = "loss"
"""The irregularity under which a loss is kept, with its signed bytes."""

_PAGE = 5000
_NAMED = 8

Range = tuple[int, int]


class BrokenChain(ValueError):
    """An event does not point to the one before it: something was changed, removed or put in on the device."""


class _Lost:
    """The lost numbers of one epoch; looked up only where the chain has a gap."""

    def __init__(self, db: Connection, device_id: str, epoch: int) -> None:
        self._find = partial(_lost, db, device_id, epoch)
        self._ranges: Sequence[Range] | None = None

    @property
    def ranges(self) -> Sequence[Range]:
        if self._ranges is None:
            self._ranges = self._find()
        return self._ranges

    def missing(self, first: int, last: int) -> list[Range]:
        """What of this range is not lost and has to be sent again."""
        found, edge = [], first
        for start, end in self.ranges if first <= last else ():
            if end < edge or start > last:
                continue
            if start > edge:
                found.append((edge, start - 1))
            edge = end + 1
        if edge <= last:
            found.append((edge, last))
        return found


def advance(db: Connection, device_id: str, epoch: int) -> tuple[Head, list[BrokenChain]]:
    """Move the head over every event that is here without a gap, and check each link.

    A broken link is reported and passed over: the events are evidence, and refusing them would only hide them. The first event behind lost
    ones has nothing to be checked against.
    """
    old = store.head(db, device_id, epoch) or Head(device_id=device_id, epoch=epoch, up_to=0, head=GENESIS)
    up_to, digest, broken, lost = old.up_to, old.head, [], _Lost(db, device_id, epoch)
    while page := store.numbers_after(db, device_id, epoch, up_to, _PAGE):
        for row in page:
            if lost.missing(up_to + 1, row["seq"] - 1):
                break
            if row["seq"] == up_to + 1 and row["prev"] != digest:
                broken.append(
                    BrokenChain(f"event {row['seq']} of epoch {epoch} points to {row['prev'][:16]}, the one before it is {digest[:16]}")
                )
            up_to, digest = row["seq"], row["sha256"]
        if up_to != page[-1]["seq"]:
            break
    new = Head(device_id=device_id, epoch=epoch, up_to=up_to, head=digest)
    if new != old:
        store.put_head(db, new)
    return new, broken


def gaps(db: Connection, head: Head) -> tuple[Range, ...]:
    """Inclusive ranges above the head that are missing below the highest number here; only the first ones if there are very many."""
    found, edge, lost = list[Range](), head.up_to, _Lost(db, head.device_id, head.epoch)
    for row in store.numbers_after(db, head.device_id, head.epoch, head.up_to, _PAGE):
        found += lost.missing(edge + 1, row["seq"] - 1)
        edge = row["seq"]
    return tuple(found[:MAX_GAPS])


def receipt(db: Connection, head: Head, *, media_done: Sequence[str], now: datetime) -> Receipt:
    """What the centre may sign once this transaction is committed."""
    return Receipt(
        device=head.device_id,
        epoch=head.epoch,
        up_to=head.up_to,
        head=head.head,
        gaps=gaps(db, head),
        media_done=tuple(media_done),
        at=now,
    )


def missing(db: Connection, device_id: str, epoch: int, first: int, last: int) -> list[Range]:
    """What of this range is not here although the device never said that it was lost; nothing is looked up for an empty range."""
    return _Lost(db, device_id, epoch).missing(first, last)


def named(ranges: Sequence[Range]) -> str:
    """Ranges in words, the first ones if there are many."""
    if not ranges:
        return "no number"
    words = [str(first) if first == last else f"{first}-{last}" for first, last in ranges[:_NAMED]]
    return f"{sum(last - first + 1 for first, last in ranges)} numbers: {', '.join(words)}{' ...' if len(ranges) > _NAMED else ''}"


def _lost(db: Connection, device_id: str, epoch: int) -> Sequence[Range]:
    """In rising order. The kept bytes were verified when they came."""
    ranges = list[Range]()
    for signed in store.irregular_messages(db, LOSS, device_id):
        event = parse_event(from_text(signed.split(b".")[1].decode()))
        if isinstance(event, Loss) and event.of_epoch == epoch and _is_behind(event):
            ranges += event.lost
    return sorted(ranges)


def _is_behind(loss: Loss) -> bool:
    """Whether it names only numbers before its own, as the contract says. Another would be believed of events that are still to come, and a
    replaced key, which is good for earlier epochs, could so make the device delete what is not here.
    """
    return (loss.of_epoch, loss.last_seq) < (loss.epoch, loss.seq)
