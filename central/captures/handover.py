"""From which number on a device signs with its new key, found from the events: the smallest number of the new key is the handover.

Events come in any order, so the number can still fall. What an old key signed above it is refused, also within the batch that brings it.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import Connection

from central.captures.model import OpenedEvent
from central.captures.opening import Refused, require_in_force
from central.devices import service as devices
from central.orders import service as orders
from central.orders.model import Answer

Key = tuple[str, int, int]
Number = tuple[int, int]


class Handovers:
    """Remembers the smallest number of each new key, so that the database is asked only where it falls. One object serves one worker."""

    def __init__(self) -> None:
        self._first: dict[str, Number] = {}

    def forget(self) -> None:
        """The transaction did not hold."""
        self._first.clear()

    def apply(
        self, db: Connection, fresh: Mapping[Key, OpenedEvent], refuse: Callable[[Refused], None], now: datetime
    ) -> dict[Key, OpenedEvent]:
        """Note the handovers that these events show, and leave out what an old key signed above them."""
        moved = {one.device.device_id for one in self._smallest(fresh) if self._note(db, one, now)}
        kept = dict(fresh)
        for key, one in fresh.items():
            if one.device.device_id in moved and one.device.kid == one.verified.kid:
                try:
                    current = devices.signer(db, one.verified.kid) or one.device
                    require_in_force(current, "event", one.signed, current.signs(one.epoch, one.seq))
                except Refused as refused:
                    del kept[key]
                    refuse(refused)
        return kept

    def _smallest(self, fresh: Mapping[Key, OpenedEvent]) -> list[OpenedEvent]:
        """The first event of each key that came by an offer, where it is smaller than any before."""
        found: dict[str, OpenedEvent] = {}
        for one in fresh.values():
            kid = one.verified.kid
            if one.device.offered_epoch is None or self._first.get(kid, (one.epoch, one.seq + 1)) <= (one.epoch, one.seq):
                continue
            if kid not in found or (one.epoch, one.seq) < (found[kid].epoch, found[kid].seq):
                found[kid] = one
        return list(found.values())

    def _note(self, db: Connection, one: OpenedEvent, now: datetime) -> bool:
        """Whether the device changed over with this event; what was ordered is answered by it."""
        self._first[one.verified.kid] = (one.epoch, one.seq)
        changed = devices.note_use(db, one.device, one.epoch, one.seq, now=now)
        if changed:
            told = Answer(result="in_force", why=None, detail=f"key {one.verified.kid[:12]} from event {one.seq} on", at=now)
            orders.answer_rekey(db, one.device.device_id, told)
        return True
