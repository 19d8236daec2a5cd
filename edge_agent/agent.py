"""One settlement from opened to sealed event: the file to read first.

    start    the till read a card      -> answer from what was just seen: pass, remind or manual
    observe  frames keep coming        -> every open session of that window follows the faces in them
    bind     the national reply came   -> a binding event, durable before the till hears back
    by_hand  the clerk verified it     -> a manual-check event; the camera's own word stays beside it
    void     the till reversed it      -> a void event
    tick     a session's time is over  -> evidence, decision, sealed pictures, signed capture

Every session ends in exactly one capture, whatever happens: `recover` writes those that a crash left open.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from threading import RLock

import structlog

from contract.events import Closing, Outcome
from edge_agent.camera.frames import Ring, Sight
from edge_agent.chain.books import Books
from edge_agent.chain.capture import Closed
from edge_agent.clock import Clock
from edge_agent.decide import EXEMPT, Decision, confirm_by_hand, cut_short
from edge_agent.errors import TooManyOpen, UnknownWindow
from edge_agent.health.metrics import Metrics
from edge_agent.judging.cooldown import Cooldown
from edge_agent.judging.judge import Judge, Judgement
from edge_agent.sections.core import Times
from edge_agent.session import Answer, Bind, ByHand, Session, Start, TillAnswer, Void
from edge_agent.till import texts
from edge_agent.window.eyes import shrink
from edge_agent.window.track import Follower
from edge_agent.window.vacancy import Vacancy
from models.results import Picture

SCENE_SIDE = 640
CUT_SHORT = {Closing.STOPPED: "agent_stopped", Closing.VOIDED: "settlement_voided"}
REPEATED = "repeated_failures"
JUDGING_FAILED = Decision(outcome=Outcome.UNDECIDED, reasons=("judging_failed",))

Settled = Callable[[Session, Closed], None]

log = structlog.get_logger(__name__)


class Agent:
    """All windows of one device. Safe to use from several threads."""

    def __init__(  # noqa: PLR0913 - the parts of an agent
        self,
        *,
        windows: Iterable[str],
        times: Times,
        max_open: int,
        books: Books,
        judge: Judge,
        vacancy: Vacancy,
        clock: Clock,
        metrics: Metrics,
        cooldown: Cooldown | None = None,
        also: Settled | None = None,
        barred: str | None = None,
    ) -> None:
        """`max_open` bounds the open sessions of each window. Without a `cooldown` comparisons are never paused. `also` is told of every
        session that was closed. Where `barred` says why nobody is compared, a code of the till's texts, every capture says so too.
        """
        self._times, self._max_open = times, max_open
        self._books, self._judge, self._clock, self._metrics = books, judge, clock, metrics
        self._vacancy, self._cooldown, self._also, self._barred = vacancy, cooldown, also, barred
        self._rings = {window: Ring(max(times.window_before_s, times.answer_look_s)) for window in windows}
        self._open: dict[str, Session] = {}
        self._lock = RLock()

    def start(self, start: Start) -> Answer:
        """Open a session and say what the clerk does next; the session is durable before this returns, or the answer is to check by hand.

        The same request again gets the same answer. Raises UnknownWindow, Conflict, TooManyOpen or NoRoom.
        """
        if known := self._books.answered(start):
            return known
        session = self._new_session(start, before_s=self._times.window_before_s)
        answer = self._first_answer(session)
        with self._lock:
            if known := self._books.answered(start):
                return known
            self._refuse_too_many(start.window)
            answer = self._books.open(start, answer, session.opened_at)
            self._catch_up(session)
        self._metrics.answered(answer.answer)
        log.info("session_opened", msgid=start.msgid, window=start.window, answer=answer.answer, reasons=answer.reasons)
        return answer

    def bind(self, bind: Bind) -> bool:
        """Join a settlement to its session. Again with the same content changes nothing. False while it is not durable for want of room.

        Raises UnknownMsgid, Conflict or NoRoom.
        """
        with self._lock:
            recorded = self._books.bind(bind)
            session = self._open.get(bind.msgid)
            if session is not None and session.bound_s is None:
                session.bound_s = self._clock.mono_s()
        log.info("session_bound", msgid=bind.msgid, setl_id=bind.setl_id, recorded=recorded)
        return recorded

    def by_hand(self, check: ByHand) -> bool:
        """Record that a clerk verified by hand, before or after the capture. Again changes nothing. False while it is not durable for want
        of room. Raises UnknownMsgid, Conflict or NoRoom.
        """
        with self._lock:
            recorded = self._books.by_hand(check)
            if session := self._open.get(check.msgid):
                session.by_hand = check
        log.info("verified_by_hand", msgid=check.msgid, reason=check.reason, recorded=recorded)
        return recorded

    def void(self, void: Void) -> bool:
        """Record a reversal, also of a settlement that this device never saw. Again changes nothing. False while it is not durable for want
        of room. Raises NoRoom.
        """
        with self._lock:
            msgid, recorded = self._books.void(void, self._clock.now())
            if msgid is not None and (session := self._open.get(msgid)):
                session.voided = True
        log.info("settlement_voided", setl_id=void.setl_id, known=msgid is not None, recorded=recorded)
        return recorded

    def observe(self, window: str, sight: Sight, picture: Picture) -> None:
        """Take in an analysed frame; `picture` is its zone, kept small and only when a session has none yet."""
        self._vacancy.note(window, sight)
        with self._lock:
            self._rings[window].add(sight)
            for session in self._watching(window):
                session.add(sight)
                if session.scene is None:
                    session.scene = shrink(picture, SCENE_SIDE)

    def tick(self) -> list[Judgement | None]:
        """Close every session whose time is over, and say how each was judged. To be called a few times a second."""
        self._books.catch_up()
        now_s = self._clock.mono_s()
        with self._lock:
            due = [(session, closing) for session in self._open.values() if (closing := session.due(now_s, self._times))]
        return [judgement for session, closing in due for judgement in self._try_to_close(session, closing)]

    def stop(self) -> None:
        """Close every open session with what is known by now."""
        with self._lock:
            sessions = list(self._open.values())
        for session in sessions:
            self._try_to_close(session, Closing.STOPPED)
        if lost := self._books.waiting:
            log.error("lost_for_want_of_room", requests=lost)

    def recover(self) -> int:
        """Write the captures of sessions that a crash left open, and forget what is long past. Returns how many there were."""
        count = self._books.recover(self._clock.now())
        self._books.forget(self._clock.now(), self._times.session_keep_days)
        return count

    def is_serving(self, window: str) -> bool:
        """Whether a session takes in what is seen at this window."""
        with self._lock:
            return bool(self._watching(window))

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

    def _first_answer(self, session: Session) -> Answer:
        """What the till can be told at once; no result of a comparison while the cool-down pauses them."""
        start = session.start
        if self._barred is not None:
            session.remarks = (self._barred,)
            return texts.by_hand(self._barred)
        if self._exempts(start):
            return texts.by_hand(EXEMPT)
        if self._cooldown is not None and self._cooldown.pauses(start):
            session.remarks = (REPEATED,)
            return texts.by_hand("cooling_down")
        decision = self._quick_look(start)
        answer = texts.answer(decision)
        compared = decision.person is not None and decision.person.insured is not None
        if compared and self._cooldown is not None and self._cooldown.note(start, passed=answer.answer is TillAnswer.PASS):
            session.remarks = (REPEATED,)
            log.warning("cooling_down", window=start.window, msgid=start.msgid)
        return answer

    def _exempts(self, start: Start) -> bool:
        try:
            return self._judge.exempts(start.psn_no, self._clock.now())
        except Exception:  # whoever cannot be looked up is not compared either: the quick look fails the same way
            log.exception("looking_up_failed", msgid=start.msgid)
            self._metrics.failed("judge")
            return False

    def _quick_look(self, start: Start) -> Decision:
        """The decision on the last few seconds alone: what the till can be told at once."""
        session = self._new_session(start, before_s=0.0, opened_ago_s=self._times.answer_look_s)
        for sight in self._rings[start.window].since(session.since_s):
            session.add(sight)
        judgement = self._judged(session, until_s=session.opened_s + self._times.answer_look_s, quick=True)
        return JUDGING_FAILED if judgement is None else judgement.decision

    def _catch_up(self, session: Session) -> None:
        """Give a new session what was seen just before it; earlier sessions of other people at this window see no more."""
        for sight in self._rings[session.start.window].since(session.since_s):
            session.add(sight)
        for other in self._watching(session.start.window):
            if other.start.psn_no != session.start.psn_no:
                other.cut_s = session.opened_s
        self._open[session.start.msgid] = session

    def _watching(self, window: str) -> list[Session]:
        return [session for session in self._open.values() if session.start.window == window and session.cut_s is None]

    def _refuse_too_many(self, window: str) -> None:
        count = sum(session.start.window == window for session in self._open.values())
        if count >= self._max_open:
            raise TooManyOpen(f"{count} sessions are open at window {window}; bind or void them, or wait {self._times.session_max_s:.0f} s")

    def _try_to_close(self, session: Session, closing: Closing) -> list[Judgement | None]:
        """Judge and write the capture; how it was judged, or nothing while it stays open to be tried again at the next tick.

        It does when anything in it fails: one session must not keep the others from being closed. Another thread may be closing it already.
        """
        with self._lock:
            if session.closing or session.start.msgid not in self._open:
                return []
            session.closing = True
            if session.cut_s is None:
                session.cut_s = self._clock.mono_s()
        try:
            return self._close(session, closing, session.cut_s)
        finally:
            session.closing = False

    def _close(self, session: Session, closing: Closing, until_s: float) -> list[Judgement | None]:
        judgement = self._judged(session, until_s=until_s)
        closed = self._closed(session, closing, judgement)
        if closed.decision.outcome is Outcome.NO_PERSON and session.waits(self._clock.mono_s(), self._times):
            return []
        try:
            self._books.close(closed)
        except Exception:
            log.exception("closing_failed", msgid=session.start.msgid)
            self._metrics.failed("close")
            return []
        self._forget(session, closed)
        return [judgement]

    def _forget(self, session: Session, closed: Closed) -> None:
        with self._lock:
            del self._open[session.start.msgid]
        if closed.judgement is not None:
            self._judge.remember(closed.judgement, session)
        if self._also is not None:
            self._also(session, closed)
        self._metrics.captured(closed.decision.outcome)
        log.info(
            "session_closed",
            msgid=session.start.msgid,
            closing=closed.closing,
            outcome=closed.decision.outcome,
            why=closed.decision.reasons,
        )

    def _closed(self, session: Session, closing: Closing, judgement: Judgement | None) -> Closed:
        decision = JUDGING_FAILED if judgement is None else judgement.decision
        decision = replace(decision, reasons=decision.reasons + session.remarks)
        if closing in CUT_SHORT:
            decision = cut_short(decision, CUT_SHORT[closing])
        return Closed(
            start=session.start,
            opened_at=session.opened_at,
            closed_at=self._clock.now(),
            closing=closing,
            decision=decision if session.by_hand is None else confirm_by_hand(decision, session.by_hand.reason),
            judgement=judgement,
            scene=session.scene,
        )

    def _judged(self, session: Session, *, until_s: float, quick: bool = False) -> Judgement | None:
        """None when judging failed: recorded, and never a pass."""
        interrupted = session.longest_gap_until(until_s) > self._times.camera_gap_s
        since_s = session.opened_s - self._times.presence_before_s
        around = self._vacancy.around(session.start.window, since_s, self._clock.mono_s(), own=(session.since_s, until_s))
        try:
            return self._judge.judge(session, at=self._clock.now(), interrupted=interrupted, around=around, quick=quick)
        except Exception:
            log.exception("judging_failed", msgid=session.start.msgid)
            self._metrics.failed("judge")
            return None
