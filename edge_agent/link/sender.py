"""What to send next, and again. Holds numbers, never a backlog: events and pictures are read from the outbox when their turn comes.

Events go first and in order; pictures follow in parts when no event waits. Sent is what was handed to the broker, done is what a receipt
covers; while the edge of receipts stands still, sending starts again behind it. A receipt that moves nothing is no progress: the centre
answers every report with one, and knows nothing of the last events if they were lost.
"""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

import structlog

from contract.media import join_wire, part_headers
from contract.topics import Up
from edge_agent.chain.losses import Losses
from edge_agent.chain.outbox import Outbox
from edge_agent.clock import Clock
from edge_agent.disk.apart import START
from edge_agent.errors import VaultFull
from edge_agent.ports import Signing
from edge_agent.sections.core import Link

PAGE = 32
LOOK_AGAIN_S = 1.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One message for the broker."""

    channel: Up
    payload: bytes


class Sender:
    """The order of one connection. Not safe to use from several threads: the link's thread owns it."""

    def __init__(self, *, outbox: Outbox, signer: Signing, device: str, limits: Link, clock: Clock) -> None:
        self._outbox, self._signer, self._device, self._limits, self._clock = outbox, signer, device, limits, clock
        self._receipted = outbox.backlog().receipted
        self._cursor = self._receipted
        self._page: deque[tuple[int, bytes]] = deque()
        self._again: deque[int] = deque()
        self._media_cursor = 0
        self._parts: deque[Parcel] = deque()
        self._progress_s = self._media_s = clock.mono_s()
        self._salvaged, self._salvaged_due_s = START, self._progress_s
        self._losses = Losses(signer=signer, device=device, clock=clock)
        self._tell_losses()

    def next(self, *, media: bool = True) -> Parcel | None:
        """The next message to publish; None while there is nothing to send, or enough waits for receipts. Without `media` no pictures."""
        if self._cursor == self._receipted and self._salvaged == START:
            self._progress_s = self._clock.mono_s()  # nothing is under way: the time without progress starts with the next message
        return self._next_again() or self._next_salvaged() or self._next_event() or (self._next_part() if media else None)

    def receipted(self, up_to: int, gaps: Iterable[tuple[int, int]]) -> None:
        """A receipt moved the edge to `up_to`; what lies in its `gaps` goes again at once."""
        if up_to > self._receipted:
            self._progress_s = self._clock.mono_s()
        self._receipted = max(self._receipted, up_to)
        self._cursor = max(self._cursor, self._receipted)
        wanted = (seq for first, last in gaps for seq in range(first, min(last, self._cursor) + 1))
        self._again = deque(islice(wanted, self._limits.send_window))

    def rewind_if_stuck(self) -> bool:
        """Start again behind the last receipt when it has not moved for a while, and with pictures that are sent and still here."""
        events = (self._cursor > self._receipted or self._salvaged != START) and self._is_late(self._progress_s)
        if events:
            self._progress_s = self._salvaged_due_s = self._clock.mono_s()
            self._cursor, self._salvaged = self._receipted, START
            self._page.clear()
        media = self._media_cursor > 0 and self._is_late(self._media_s)
        if media:
            self._media_cursor = 0
            self._parts.clear()
        return events or media

    def _is_late(self, since_s: float) -> bool:
        return self._clock.mono_s() - since_s >= self._limits.resend_after_s

    def _next_again(self) -> Parcel | None:
        while self._again:
            seq = self._again.popleft()
            for number, signed in self._outbox.events_after(seq - 1, 1):
                if number == seq:
                    return Parcel(channel=Up.EVENT, payload=signed)
        return None

    def _next_salvaged(self) -> Parcel | None:
        """Events of earlier epochs, oldest first; their receipts are not told here, so the outbox is asked for more now and then."""
        if self._clock.mono_s() < self._salvaged_due_s:
            return None
        found = self._outbox.apart.salvaged_after(self._salvaged, self._limits.unreceipted_max)
        if found is None:
            self._salvaged_due_s = self._clock.mono_s() + LOOK_AGAIN_S if self._outbox.apart.waiting() else math.inf
            return None
        self._salvaged, signed = found
        return Parcel(channel=Up.EVENT, payload=signed)

    def _tell_losses(self) -> None:
        """A full disk must not stop what is there from being sent; the next page tries again."""
        try:
            self._outbox.tell(self._losses.loss)
        except VaultFull as error:
            log.warning("loss_not_told", why=str(error))

    def _next_event(self) -> Parcel | None:
        if self._cursor - self._receipted >= self._limits.unreceipted_max:
            return None
        while self._page and self._page[0][0] <= self._cursor:
            self._page.popleft()
        if not self._page:
            self._page.extend(self._outbox.events_after(self._cursor, PAGE))
            self._tell_losses()
        if not self._page:
            return None
        self._cursor, signed = self._page.popleft()
        return Parcel(channel=Up.EVENT, payload=signed)

    def _next_part(self) -> Parcel | None:
        if not self._parts and (item := self._outbox.media_after(self._media_cursor)):
            self._media_cursor, sealed = item
            self._parts.extend(
                Parcel(channel=Up.MEDIA, payload=join_wire(self._signer.sign(header), body))
                for header, body in part_headers(self._device, sealed)
            )
        if not self._parts:
            return None
        self._media_s = self._clock.mono_s()
        return self._parts.popleft()
