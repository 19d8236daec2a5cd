"""One settlement from opened to sealed event: the file to read first.

    start    the till read a card      -> answer from what was just seen: pass, remind or manual
    observe  frames keep coming        -> every open session of that window follows the faces in them
    bind     the national reply came   -> a binding event, durable before the till hears back
    void     the till reversed it      -> a void event
    tick     a session's time is over  -> evidence, decision, sealed pictures, signed capture

Every session ends in exactly one capture, whatever happens: `recover` writes those that a crash left open.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from threading import RLock

import structlog

from contract.events import Closing, Outcome
from edge_agent import texts
from edge_agent.capture import Closed, Enclosed, Scribe
from edge_agent.clock import Clock
from edge_agent.decide import Decision, confirm_by_hand
from edge_agent.errors import Conflict, NoRoom, TooManyOpen, UnknownMsgid, UnknownWindow, VaultFull
from edge_agent.eyes import shrink
from edge_agent.frames import Ring, Sight
from edge_agent.judge import Judge, Judgement
from edge_agent.metrics import Metrics
from edge_agent.outbox import Outbox, Place
from edge_agent.register import Entry, Register
from edge_agent.session import Answer, Bind, Session, Start, Void
from edge_agent.settings import Times
from edge_agent.track import Follower
from edge_agent.vault import Vault
from models.results import Picture

SCENE_SIDE = 640
JUDGING_FAILED = Decision(outcome=Outcome.UNDECIDED, reasons=("judging_failed",))
RESTARTED = Decision(outcome=Outcome.UNDECIDED, reasons=("agent_restarted",))

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What is durable: the chain of events and what the till has said, in one vault, so that both change together or not at all."""

    vault: Vault
    outbox: Outbox
    register: Register


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much may wait: open sessions at a window, bytes of sealed pictures."""

    open_per_window: int
    media_bytes: int


class Agent:
    """All windows of one device. Safe to use from several threads."""

    def __init__(
        self,
        *,
        windows: Iterable[str],
        times: Times,
        bounds: Bounds,
        books: Books,
        judge: Judge,
        scribe: Scribe,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._times, self._bounds = times, bounds
        self._vault, self._outbox, self._register = books.vault, books.outbox, books.register
        self._judge, self._scribe, self._clock, self._metrics = judge, scribe, clock, metrics
        self._rings = {window: Ring(max(times.window_before_s, times.answer_look_s)) for window in windows}
        self._open: dict[str, Session] = {}
        self._lock = RLock()

    def start(self, start: Start) -> Answer:
        """Open a session and say what the clerk does next; the session is durable before this returns.

        The same request again gets the same answer. Raises UnknownWindow, Conflict, TooManyOpen or NoRoom.
        """
        if known := self._register.find(start.msgid):
            return _repeated(known, start)
        session = self._new_session(start, before_s=self._times.window_before_s)
        answer = texts.answer(self._quick_look(start))
        try:
            with self._lock:
                with self._vault.transaction():
                    if known := self._register.find(start.msgid):
                        return _repeated(known, start)
                    self._refuse_too_many(start.window)
                    self._register.open(start, answer, session.opened_at)
                self._catch_up(session)
        except VaultFull as error:
            raise NoRoom(str(error)) from None
        self._metrics.answered(answer.answer)
        log.info("session_opened", msgid=start.msgid, window=start.window, answer=answer.answer, reasons=answer.reasons)
        return answer

    def bind(self, bind: Bind) -> None:
        """Join a settlement to its session, as a durable event. Again with the same content changes nothing.

        Raises UnknownMsgid, Conflict or NoRoom.
        """
        try:
            with self._lock, self._vault.transaction():
                entry = self._register.find(bind.msgid)
                if entry is None:
                    raise UnknownMsgid(f"no session was started with msgid {bind.msgid}; send /session/start first")
                if entry.bind == bind:
                    return
                self._refuse_other_bind(entry, bind)
                self._register.bind(bind)
                self._outbox.append(lambda place: self._scribe.binding(bind, place))
        except VaultFull as error:
            raise NoRoom(str(error)) from None
        with self._lock:
            if session := self._open.get(bind.msgid):
                session.bound_s = self._clock.mono_s()
                session.manual_verified = bind.manual_verified
        log.info("session_bound", msgid=bind.msgid, setl_id=bind.setl_id)

    def void(self, void: Void) -> None:
        """Record a reversal, also of a settlement that this device never saw. Again changes nothing. Raises NoRoom."""
        try:
            with self._vault.transaction():
                if not self._register.void(void.setl_id, self._clock.now()):
                    return
                entry = self._register.find_settlement(void.setl_id)
                msgid = None if entry is None else entry.start.msgid
                self._outbox.append(lambda place: self._scribe.void(void, msgid, place))
        except VaultFull as error:
            raise NoRoom(str(error)) from None
        with self._lock:
            if msgid is not None and (session := self._open.get(msgid)):
                session.voided = True
        log.info("settlement_voided", setl_id=void.setl_id, known=msgid is not None)

    def observe(self, window: str, sight: Sight, picture: Picture) -> None:
        """Take in an analysed frame; `picture` is its zone, kept small and only when a session has none yet."""
        with self._lock:
            self._rings[window].add(sight)
            for session in self._watching(window):
                session.add(sight)
                if session.scene is None:
                    session.scene = shrink(picture, SCENE_SIDE)

    def tick(self) -> list[Judgement | None]:
        """Close every session whose time is over, and say how each was judged. To be called a few times a second."""
        now_s = self._clock.mono_s()
        with self._lock:
            due = [(session, closing) for session in self._open.values() if (closing := session.due(now_s, self._times))]
        return [self._close(session, closing) for session, closing in due]

    def stop(self) -> None:
        """Close every open session with what is known by now."""
        with self._lock:
            sessions = list(self._open.values())
        for session in sessions:
            self._close(session, Closing.STOPPED)

    def recover(self) -> int:
        """Write the captures of sessions that a crash left open: undecided, for nobody knows what was seen. Returns how many."""
        entries = self._register.unclosed()
        for entry in entries:
            closed = Closed(
                start=entry.start,
                opened_at=entry.opened_at,
                closed_at=max(self._clock.now(), entry.opened_at),
                closing=Closing.RECOVERED,
                decision=RESTARTED,
                judgement=None,
                scene=None,
            )
            self._commit(closed, Enclosed())
        self._register.forget(self._clock.now(), self._times.receipt_keep_days)
        return len(entries)

    @property
    def open_sessions(self) -> int:
        """Sessions that have no capture yet."""
        with self._lock:
            return len(self._open)

    def _new_session(self, start: Start, *, before_s: float, opened_ago_s: float = 0.0) -> Session:
        if start.window not in self._rings:
            raise UnknownWindow(f"window {start.window} is not one of {', '.join(sorted(self._rings))}")
        opened_s = self._clock.mono_s() - opened_ago_s
        return Session(
            start=start,
            opened_at=self._clock.now() - timedelta(seconds=opened_ago_s),
            opened_s=opened_s,
            since_s=opened_s - before_s,
            follower=Follower(opened_s),
        )

    def _quick_look(self, start: Start) -> Decision:
        """The decision on the last few seconds alone: what the till can be told at once."""
        session = self._new_session(start, before_s=0.0, opened_ago_s=self._times.answer_look_s)
        for sight in self._rings[start.window].since(session.since_s):
            session.add(sight)
        judgement = self._judged(session, quick=True)
        return JUDGING_FAILED if judgement is None else judgement.decision

    def _catch_up(self, session: Session) -> None:
        """Give a new session what was seen just before it; earlier sessions of other people at this window see no more."""
        for sight in self._rings[session.start.window].since(session.since_s):
            session.add(sight)
        for other in self._watching(session.start.window):
            if other.start.psn_no != session.start.psn_no:
                other.cut_s = session.opened_s
        self._open[session.start.msgid] = session

    def _watching(self, window: str) -> Iterable[Session]:
        return [session for session in self._open.values() if session.start.window == window and session.cut_s is None]

    def _refuse_too_many(self, window: str) -> None:
        count = sum(session.start.window == window for session in self._open.values())
        if count >= self._bounds.open_per_window:
            raise TooManyOpen(f"{count} sessions are open at window {window}; bind or void them, or wait {self._times.session_max_s:.0f} s")

    def _refuse_other_bind(self, entry: Entry, bind: Bind) -> None:
        if entry.bind is not None:
            raise Conflict(f"msgid {bind.msgid} is bound already, with other content; a settlement is bound once")
        if self._register.find_settlement(bind.setl_id) is not None:
            raise Conflict(f"setl_id {bind.setl_id} is bound to another msgid; a settlement has one session")

    def _close(self, session: Session, closing: Closing) -> Judgement | None:
        with self._lock:
            session.cut_s = session.cut_s or self._clock.mono_s()
        judgement = self._judged(session)
        decision = JUDGING_FAILED if judgement is None else judgement.decision
        closed = Closed(
            start=session.start,
            opened_at=session.opened_at,
            closed_at=self._clock.now(),
            closing=closing,
            decision=confirm_by_hand(decision) if session.manual_verified else decision,
            judgement=judgement,
            scene=session.scene,
        )
        try:
            self._commit(closed, self._scribe.enclose(closed))
        except VaultFull as error:
            log.error("capture_waits", msgid=session.start.msgid, why=str(error))
            return judgement
        with self._lock:
            del self._open[session.start.msgid]
        if judgement is not None:
            self._judge.remember(judgement, session)
        return judgement

    def _judged(self, session: Session, *, quick: bool = False) -> Judgement | None:
        """None when judging failed: recorded, and never a pass."""
        until_s = session.opened_s + self._times.answer_look_s if quick else session.cut_s or self._clock.mono_s()
        interrupted = session.longest_gap_until(until_s) > self._times.camera_gap_s
        try:
            return self._judge.judge(session, at=self._clock.now(), interrupted=interrupted, quick=quick)
        except Exception:
            log.exception("judging_failed", msgid=session.start.msgid)
            self._metrics.failed("judge")
            return None

    def _commit(self, closed: Closed, enclosed: Enclosed) -> None:
        """The session is closed if and only if its capture is in the chain. Pictures give way to a full disk, events do not."""
        if enclosed.media and self._outbox.backlog().media_bytes > self._bounds.media_bytes:
            self._write(closed, Enclosed(embedding=enclosed.embedding), ("pictures_left_out",))
            return
        try:
            self._write(closed, enclosed, ())
        except VaultFull:
            self._write(closed, Enclosed(), ("pictures_left_out",) if enclosed.media else ())

    def _write(self, closed: Closed, enclosed: Enclosed, remarks: tuple[str, ...]) -> None:
        def build(place: Place) -> bytes:
            return self._scribe.capture(closed, enclosed, place, remarks)

        with self._vault.transaction():
            self._outbox.append(build, enclosed.media)
            self._register.close(closed.start.msgid)
        self._metrics.captured(closed.decision.outcome)
        decision = closed.decision
        log.info("session_closed", msgid=closed.start.msgid, closing=closed.closing, outcome=decision.outcome, reasons=decision.reasons)


def _repeated(known: Entry, start: Start) -> Answer:
    if known.start != start:
        raise Conflict(f"msgid {start.msgid} was used for another session; every transaction needs its own msgid")
    return known.answer
