"""What is durable of settlements: the chain of events and what the till has said, changed together or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import structlog

from contract.events import Closing, Outcome
from edge_agent.capture import Closed, Enclosed, Scribe
from edge_agent.decide import Decision
from edge_agent.errors import Conflict, NoRoom, UnknownMsgid, VaultFull
from edge_agent.outbox import Outbox, Place
from edge_agent.register import Entry, Register
from edge_agent.session import Answer, Bind, Start, Void
from edge_agent.vault import Vault

RESTARTED = Decision(outcome=Outcome.UNDECIDED, reasons=("agent_restarted",))
LEFT_OUT = "pictures_left_out"

log = structlog.get_logger(__name__)


class Books:
    """Writes what must not be lost; every verb is durable when it returns. Safe to use from several threads."""

    def __init__(self, *, vault: Vault, outbox: Outbox, register: Register, scribe: Scribe, media_bytes: int) -> None:
        """`vault` is that of both stores; above `media_bytes` of waiting pictures captures go without."""
        self._vault, self._outbox, self._register, self._scribe, self._media_bytes = vault, outbox, register, scribe, media_bytes

    def answered(self, start: Start) -> Answer | None:
        """What the till was told when it sent this very request before; None for a new msgid. Raises Conflict."""
        known = self._register.find(start.msgid)
        if known is None:
            return None
        if known.start != start:
            raise Conflict(f"msgid {start.msgid} was used for another session; every transaction needs its own msgid")
        return known.answer

    def open(self, start: Start, answer: Answer, opened_at: datetime) -> None:
        """Note a new session. Raises NoRoom."""
        with self._for_the_till():
            self._register.open(start, answer, opened_at)

    def bind(self, bind: Bind) -> None:
        """Join a settlement to its session, with its event; again with the same content changes nothing.

        Raises UnknownMsgid, Conflict or NoRoom.
        """
        with self._for_the_till():
            entry = self._register.find(bind.msgid)
            if entry is None:
                raise UnknownMsgid(f"no session was started with msgid {bind.msgid}; send /session/start first")
            if entry.bind == bind:
                return
            self._refuse_another(entry, bind)
            self._register.bind(bind)
            self._outbox.append(lambda place: self._scribe.binding(bind, place))

    def void(self, void: Void, at: datetime) -> str | None:
        """Note a reversal with its event, once; the msgid of its session if this device saw it. Raises NoRoom."""
        with self._for_the_till():
            entry = self._register.find_settlement(void.setl_id)
            msgid = None if entry is None else entry.start.msgid
            if self._register.void(void.setl_id, at):
                self._outbox.append(lambda place: self._scribe.void(void, msgid, place))
        return msgid

    def close(self, closed: Closed) -> None:
        """Write the capture of a session and note its end. Raises VaultFull.

        Pictures give way to a full disk and to whatever fails in sealing them, events do not.
        """
        enclosed = self._enclosed(closed)
        if enclosed is None:
            self._write(closed, Enclosed(), (LEFT_OUT,))
            return
        if enclosed.media and self._outbox.backlog().media_bytes > self._media_bytes:
            self._write(closed, Enclosed(embedding=enclosed.embedding), (LEFT_OUT,))
            return
        try:
            self._write(closed, enclosed, ())
        except VaultFull:
            self._write(closed, Enclosed(), (LEFT_OUT,) if enclosed.media else ())

    def recover(self, now: datetime) -> int:
        """Write the captures of sessions that a crash left open: undecided, for nobody knows what was seen. Returns how many."""
        entries = self._register.unclosed()
        for entry in entries:
            self.close(
                Closed(
                    start=entry.start,
                    opened_at=entry.opened_at,
                    closed_at=max(now, entry.opened_at),
                    closing=Closing.RECOVERED,
                    decision=RESTARTED,
                    judgement=None,
                    scene=None,
                )
            )
        return len(entries)

    def forget(self, now: datetime, keep_days: int) -> None:
        """Drop what the till said about sessions that ended longer ago."""
        self._register.forget(now, keep_days)

    def _enclosed(self, closed: Closed) -> Enclosed | None:
        """None when sealing failed: recorded, and no reason to withhold the verdict."""
        try:
            return self._scribe.enclose(closed)
        except Exception:
            log.exception("enclosing_failed", msgid=closed.start.msgid)
            return None

    def _write(self, closed: Closed, enclosed: Enclosed, remarks: tuple[str, ...]) -> None:
        def build(place: Place) -> bytes:
            return self._scribe.capture(closed, enclosed, place, remarks)

        with self._vault.transaction():
            self._outbox.append(build, enclosed.media)
            self._register.close(closed.start.msgid)

    def _refuse_another(self, entry: Entry, bind: Bind) -> None:
        if entry.bind is not None:
            raise Conflict(f"msgid {bind.msgid} is bound already, with other content; a settlement is bound once")
        if self._register.find_settlement(bind.setl_id) is not None:
            raise Conflict(f"setl_id {bind.setl_id} is bound to another msgid; a settlement has one session")

    @contextmanager
    def _for_the_till(self) -> Iterator[None]:
        """One transaction whose failure for want of room is told to the till."""
        try:
            with self._vault.transaction():
                yield
        except VaultFull as error:
            raise NoRoom(str(error)) from None
