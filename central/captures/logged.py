"""Whether the signed events that are here are those that were logged when they came."""

from collections.abc import Callable, Iterator

from sqlalchemy import Connection

from central.captures import store
from central.transparency import service as transparency
from central.transparency.model import Kind

_AT_ONCE = 500


def unlogged(db: Connection, size: int, progress: Callable[[str], None] = lambda _: None) -> Iterator[str]:
    """Say of each event among the first `size` leaves what is wrong with it: gone, changed, or its salt erased while it is still here.

    An event that was erased on request has neither bytes nor salt, and is in order.
    """
    for first in range(0, size, _AT_ONCE):
        leaves = {_key(leaf.ref): leaf for leaf in transparency.leaves(db, first, min(size, first + _AT_ONCE)) if leaf.kind == Kind.EVENT}
        held = {(row["device_id"], row["epoch"], row["seq"]): bytes(row["signed"]) for row in store.signed_events(db, list(leaves))}
        for key, leaf in leaves.items():
            signed = held.get(key)
            if signed is None:
                yield f"event {leaf.ref} was logged and is gone"
            elif leaf.salt is None and signed:
                yield f"event {leaf.ref} is here, but the salt that would prove it was erased"
            elif leaf.opens(signed) is False:
                yield f"event {leaf.ref} is not what was logged"
        progress(f"{min(size, first + _AT_ONCE)} of {size} leaves opened")


def _key(ref: str) -> tuple[str, int, int]:
    device_id, epoch, seq = ref.split("/")
    return device_id, int(epoch), int(seq)
