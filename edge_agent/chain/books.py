"""What this device writes down: the till's requests and the events that follow from them, each with its event in one transaction.

A full disk stops nobody: room is made, first of film, then from the reserve and of pictures that wait; where even that does not help,
requests are held in memory and written as soon as there is room, and their captures say that they were recorded late.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from threading import RLock

import structlog

from contract.events import Closing, Outcome
from edge_agent.chain.capture import Closed, Enclosed, Scribe
from edge_agent.chain.outbox import Outbox, Place
from edge_agent.chain.register import Entry, Register
from edge_agent.decide import Decision, confirm_by_hand
from edge_agent.disk.notes import Notes, Opened
from edge_agent.disk.reserve import Reserve
from edge_agent.disk.vault import Vault
from edge_agent.errors import Conflict, NoRoom, UnknownMsgid, VaultFull
from edge_agent.health.soundness import Noticed
from edge_agent.session import Answer, Bind, ByHand, Start, Void
from edge_agent.till import texts

RESTARTED = Decision(outcome=Outcome.UNDECIDED, reasons=("agent_restarted",))
LEFT_OUT = "pictures_left_out"
LATE = "recorded_late"
DISK_FULL = "disk_full"
ROOM_BYTES = 2**20  # a hundred settlements without pictures

log = structlog.get_logger(__name__)


class Books:
    """Writes what must not be lost; what a verb calls recorded is durable when it returns. Safe to use from several threads."""

    def __init__(
        self,
        *,
        vault: Vault,
        outbox: Outbox,
        register: Register,
        scribe: Scribe,
        media_bytes: int,
        reserve: Reserve | None = None,
        give_up_film: Callable[[], bool] = lambda: False,
        noticed: Noticed = lambda _: None,
    ) -> None:
        """`vault` is that of both stores; above `media_bytes` of waiting pictures captures go without. Without a `reserve` a full
        disk costs pictures at once. `give_up_film` says whether it gave anything; `noticed` is shown why a capture cannot be written.
        """
        self._noticed = noticed
        self._vault, self._outbox, self._register, self._scribe, self._media_bytes = vault, outbox, register, scribe, media_bytes
        self._reserve, self._give_up_film, self._notes, self._late = reserve, give_up_film, Notes(), set[str]()
        self._lock = RLock()

    @property
    def waiting(self) -> int:
        """Requests and captures that are held in memory for want of room."""
        with self._lock:
            return len(self._notes)

    def idle(self) -> bool:
        """Whether no session is open, and nothing waits."""
        with self._lock:
            return not self._notes and not self._register.unclosed()

    def answered(self, start: Start) -> Answer | None:
        """What the till was told when it sent this very request before; None for a new msgid. Raises Conflict."""
        with self._lock:
            known = self._notes.starts.get(start.msgid) or self._register.find(start.msgid)
        if known is None:
            return None
        if known.start != start:
            raise Conflict(f"msgid {start.msgid} was used for another session; every transaction needs its own msgid")
        return known.answer

    def open(self, start: Start, answer: Answer, opened_at: datetime) -> Answer:
        """Note a new session and say what the till is told: `answer`, or to check by hand while it cannot be recorded. Raises NoRoom."""
        with self._lock:
            if self._recorded(lambda: self._register.open(start, answer, opened_at)):
                return answer
            self._refuse_more()
            unrecorded = texts.by_hand("no_room")
            self._notes.starts[start.msgid] = Opened(start=start, answer=unrecorded, opened_at=opened_at)
            return unrecorded

    def bind(self, bind: Bind) -> bool:
        """Join a settlement to its session, with its event; again with the same content changes nothing. False while only in memory.

        Raises UnknownMsgid, Conflict or NoRoom.
        """
        with self._lock:
            self.catch_up()
            if self._bound_before(bind):
                return bind.msgid not in self._notes.binds
            if bind.msgid not in self._notes.starts and self._recorded(lambda: self._write_bind(bind)):
                return True
            self._refuse_more()
            self._notes.binds[bind.msgid] = bind
            return False

    def by_hand(self, check: ByHand) -> bool:
        """Note a clerk's word with its event, before or after the capture; again with the same content changes nothing. False while only in
        memory. Raises UnknownMsgid, Conflict or NoRoom.
        """
        with self._lock:
            self.catch_up()
            if self._stated_before(check):
                return check.msgid not in self._notes.checks
            if check.msgid not in self._notes.starts and self._recorded(lambda: self._write_check(check)):
                return True
            self._refuse_more()
            self._notes.checks[check.msgid] = check
            return False

    def void(self, void: Void, at: datetime) -> tuple[str | None, bool]:
        """Note a reversal with its event, once. The msgid of its session if this device saw it, and False while only in memory.

        Raises NoRoom.
        """
        with self._lock:
            msgid = self._session_of(void.setl_id)
            if void.setl_id not in self._notes.voids and self._recorded(lambda: self._write_void(void, msgid, at)):
                return msgid, True
            self._refuse_more()
            self._notes.voids.setdefault(void.setl_id, (void, at))
            return msgid, False

    def close(self, closed: Closed) -> None:
        """Write the capture of a session and note its end; held in memory, without pictures, while there is no room at all. Raises NoRoom.

        Pictures give way to a full disk and to whatever fails in sealing them, events do not.
        """
        with self._lock:
            self.catch_up()
            enclosed, remarks = self._fitting(closed)
            if enclosed.media and self._with_pictures(closed, enclosed, remarks):
                return
            if enclosed.media:
                enclosed, remarks = Enclosed(), (LEFT_OUT, *remarks)
            if self._recorded(lambda: self._write(closed, enclosed, remarks)):
                return
            self._refuse_more()
            self._notes.captures[closed.start.msgid] = _without_pictures(closed), remarks

    def catch_up(self) -> None:
        """Write what is held in memory, in its order, as far as there is room. To be called a few times a second."""
        with self._lock:
            if not self._notes:
                return
            try:
                self._write_notes()
            except VaultFull:
                return
            log.info("recorded_late", sessions=len(self._late))

    def make_room(self) -> bool:
        """Give up the film that nobody asked for yet; where there is none, give up the reserve, empty the log, and give up pictures until
        the next events fit into the file as it is. False when nothing of that helped.

        The last three at once: without room inside the file the log could not be emptied again once it has filled the disk.
        """
        with self._lock:
            if self._give_up_film():
                return True
            given_up = self._reserve is not None and self._reserve.give_up()
            return any([given_up, self._vault.empty_log(), self._thin()])

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
                    decision=RESTARTED if entry.by_hand is None else confirm_by_hand(RESTARTED, entry.by_hand.reason),
                    judgement=None,
                    scene=None,
                )
            )
        return len(entries)

    def forget(self, now: datetime, keep_days: int) -> None:
        """Drop what the till said about sessions that ended longer ago; without room for that it waits for the next time."""
        try:
            self._register.forget(now, keep_days)
        except VaultFull as error:
            log.warning("old_sessions_kept", why=str(error))

    def _recorded(self, write: Callable[[], None]) -> bool:
        """Write, making room as long as there is something to give; False when nothing helps."""
        self.catch_up()
        while not self._notes:
            try:
                write()
            except VaultFull as error:
                if not self.make_room():
                    log.error("not_recorded_yet", why=str(error))
                    return False
            else:
                return True
        return False

    def _thin(self) -> bool:
        def told(place: Place, names: tuple[str, ...]) -> bytes:
            return self._scribe.thinning(names, DISK_FULL, place)

        try:
            names = self._outbox.thin(ROOM_BYTES, told)
        except VaultFull:
            return False
        if names:
            log.warning("pictures_given_up", count=len(names))
        return bool(names)

    def _bound_before(self, bind: Bind) -> bool:
        """Whether this very request was taken before. Raises UnknownMsgid or Conflict."""
        entry = self._known(bind.msgid)
        before = self._notes.binds.get(bind.msgid) or (None if entry is None else entry.bind)
        if before == bind:
            return True
        if before is not None:
            raise Conflict(f"msgid {bind.msgid} is bound already, with other content; a settlement is bound once")
        if self._session_of(bind.setl_id) is not None:
            raise Conflict(f"setl_id {bind.setl_id} is bound to another msgid; a settlement has one session")
        return False

    def _stated_before(self, check: ByHand) -> bool:
        """Whether this very word was taken before. Raises UnknownMsgid or Conflict."""
        entry = self._known(check.msgid)
        before = self._notes.checks.get(check.msgid) or (None if entry is None else entry.by_hand)
        if before not in (None, check):
            raise Conflict(f"msgid {check.msgid} was verified by hand already, with other content; what was stated stands")
        return before is not None

    def _known(self, msgid: str) -> Entry | None:
        """The session; None when it is held in memory only. Raises UnknownMsgid."""
        entry = self._register.find(msgid)
        if entry is None and msgid not in self._notes.starts:
            raise UnknownMsgid(f"no session was started with msgid {msgid}; send /session/start first")
        return entry

    def _session_of(self, setl_id: str) -> str | None:
        noted = next((bind.msgid for bind in self._notes.binds.values() if bind.setl_id == setl_id), None)
        entry = None if noted else self._register.find_settlement(setl_id)
        return noted if entry is None else entry.start.msgid

    def _refuse_more(self) -> None:
        if self._notes.full:
            raise NoRoom("the disk has no room and memory holds all it may; free some space on this terminal")

    def _write_bind(self, bind: Bind) -> None:
        with self._vault.transaction():
            self._register.bind(bind)
            self._outbox.append(lambda place: self._scribe.binding(bind, place))

    def _write_check(self, check: ByHand) -> None:
        with self._vault.transaction():
            self._register.by_hand(check)
            self._outbox.append(lambda place: self._scribe.by_hand(check, place))

    def _write_void(self, void: Void, msgid: str | None, at: datetime) -> None:
        with self._vault.transaction():
            if self._register.void(void.setl_id, at):
                self._outbox.append(lambda place: self._scribe.void(void, msgid, place))

    def _write_notes(self) -> None:
        """Each entry leaves memory when it is on the disk. Raises VaultFull."""
        notes = self._notes
        for msgid, opened in list(notes.starts.items()):
            self._register.open(opened.start, opened.answer, opened.opened_at)
            self._late.add(msgid)
            del notes.starts[msgid]
        for msgid, bind in list(notes.binds.items()):
            self._write_bind(bind)
            del notes.binds[msgid]
        for msgid, check in list(notes.checks.items()):
            self._write_check(check)
            del notes.checks[msgid]
        for setl_id, (void, at) in list(notes.voids.items()):
            self._write_void(void, self._session_of(setl_id), at)
            del notes.voids[setl_id]
        for msgid, (closed, remarks) in list(notes.captures.items()):
            self._write(closed, Enclosed(), tuple(dict.fromkeys((*remarks, LATE))))
            del notes.captures[msgid]

    def _fitting(self, closed: Closed) -> tuple[Enclosed, tuple[str, ...]]:
        """What goes with a capture, with remarks: no pictures when sealing failed or too many wait; the verdict is never withheld."""
        late = (LATE,) if closed.start.msgid in {*self._late, *self._notes.starts} else ()
        try:
            enclosed = self._scribe.enclose(closed)
        except Exception:
            log.exception("enclosing_failed", msgid=closed.start.msgid)
            return Enclosed(), (LEFT_OUT, *late)
        if enclosed.media and self._outbox.backlog().media_bytes > self._media_bytes:
            return Enclosed(embedding=enclosed.embedding), (LEFT_OUT, *late)
        return enclosed, late

    def _with_pictures(self, closed: Closed, enclosed: Enclosed, remarks: tuple[str, ...]) -> bool:
        """Write with pictures, unless what room there is belongs to events. Film gives way to them."""
        if self._notes or (self._reserve is not None and self._reserve.given_up and not self._give_up_film()):
            return False
        try:
            self._write(closed, enclosed, remarks)
        except VaultFull as error:
            if self._give_up_film():
                return self._with_pictures(closed, enclosed, remarks)
            log.warning("pictures_left_out", why=str(error))
            return False
        return True

    def _write(self, closed: Closed, enclosed: Enclosed, remarks: tuple[str, ...]) -> None:
        def build(place: Place) -> bytes:
            return self._scribe.capture(closed, enclosed, place, remarks)

        try:
            with self._vault.transaction():
                self._outbox.append(build, enclosed.media)
                self._register.close(closed.start.msgid)
        except Exception as error:
            self._noticed(error)
            raise
        self._late.discard(closed.start.msgid)


def _without_pictures(closed: Closed) -> Closed:
    judgement = None if closed.judgement is None else replace(closed.judgement, portrait=None, vector=None)
    return replace(closed, scene=None, judgement=judgement)
