"""How far a device's chain is here without a gap, and the signed receipt that says so."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from central.captures import store
from central.captures.model import Head
from contract.events import GENESIS
from contract.receipts import MAX_GAPS, Receipt

_PAGE = 5000


class BrokenChain(ValueError):
    """An event does not point to the one before it: something was changed, removed or put in on the device."""


def advance(db: Connection, device_id: str, epoch: int) -> tuple[Head, list[BrokenChain]]:
    """Move the head over every event that is here without a gap, and check each link.

    A broken link is reported and passed over: the events are evidence, and refusing them would only hide them.
    """
    old = store.head(db, device_id, epoch) or Head(device_id=device_id, epoch=epoch, up_to=0, head=GENESIS)
    up_to, digest, broken = old.up_to, old.head, []
    while page := store.numbers_after(db, device_id, epoch, up_to, _PAGE):
        for row in page:
            if row["seq"] != up_to + 1:
                break
            if row["prev"] != digest:
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


def gaps(db: Connection, head: Head) -> tuple[tuple[int, int], ...]:
    """Inclusive ranges above the head that are missing below the highest number here; only the first ones if there are very many."""
    found, edge = [], head.up_to
    for row in store.numbers_after(db, head.device_id, head.epoch, head.up_to, _PAGE):
        if row["seq"] > edge + 1:
            found.append((edge + 1, row["seq"] - 1))
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
