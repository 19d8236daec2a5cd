"""The thread that keeps film of settlements and answers what film is wanted, beside everything that a verdict waits for."""

import os
import shutil
import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import structlog

from contract.events import Outcome
from edge_agent.chain.capture import PLAIN, Closed, Scribe
from edge_agent.clock import Clock
from edge_agent.errors import VaultFull
from edge_agent.film.film import Film
from edge_agent.film.replies import Replies
from edge_agent.film.requests import Requests
from edge_agent.film.spool import Spool, Take
from edge_agent.health.metrics import Metrics
from edge_agent.health.pulse import Pulses
from edge_agent.health.soundness import Noticed
from edge_agent.session import Session

EVERY_S = 1.0
KEEP_EVERY_S = 5.0  # a crash loses so much of the film of a settlement that was open
FORGET_EVERY_S = 60.0
NICENESS = 10  # of this thread alone: a clip may take its time, a verdict may not
GRACE = timedelta(hours=1)  # a flagged settlement whose film is gone by then is still answered

log = structlog.get_logger(__name__)


class Recorder:
    """Keeps film and answers. `start` once, `stop` once; `settled` may be called from any thread."""

    def __init__(  # noqa: PLR0913 - the parts of a recorder
        self,
        *,
        film: Film,
        spool: Spool,
        requests: Requests,
        replies: Replies,
        scribe: Scribe,
        before_s: float,
        keep_h: float,
        folder: Path,
        min_free_bytes: int,
        clock: Clock,
        pulses: Pulses,
        metrics: Metrics,
        noticed: Noticed,
    ) -> None:
        """`before_s` is how long before its start a settlement begins; below `min_free_bytes` of free disk in `folder` no film is kept, and
        what was kept is given up. `pulses` watch the thread from when it has opened the film;
        `noticed` is shown what failed.
        """
        self._film, self._spool, self._requests, self._replies, self._scribe = film, spool, requests, replies, scribe
        self._before, self._keep = timedelta(seconds=before_s), timedelta(hours=keep_h)
        self._folder, self._min_free_bytes = folder, min_free_bytes
        self._clock, self._metrics, self._noticed = clock, metrics, noticed
        self._pulses, self._pulse = pulses, clock
        self._kept_to: dict[str, datetime] = {}
        self._settled: deque[tuple[Take, bool]] = deque()
        self._kept_s = self._forgot_s = clock.mono_s()
        self._stop = Event()
        self._thread = Thread(target=self._run, name="recorder", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Give up a clip that is being coded, it is made at the next start; keep the film of what was closed last, and close it."""
        self._stop.set()
        self._thread.join()
        self._do("film", self._note_settled)
        self._spool.close()

    def settled(self, session: Session, closed: Closed) -> None:
        """A session was closed: its film stays, and if it was flagged its clip goes to the centre. Only noted here; the thread does it."""
        if not self._film.keeps:
            return
        until_s = self._clock.mono_s() if session.cut_s is None else session.cut_s
        person, window = closed.decision.person, session.start.window
        moments = () if person is None else session.follower.moments(person.key)
        take = Take(
            msgid=session.start.msgid,
            window=window,
            since=self._film.at(session.opened_s) - self._before,
            until=self._film.at(until_s),
            outcome=closed.decision.outcome,
            subject=tuple((self._film.at(mono_s), self._film.shares(window, box)) for mono_s, box in moments),
        )
        self._settled.append((take, self._is_flagged(closed.decision.outcome)))

    def turn(self) -> None:
        """Everything that is due now."""
        now_s = self._clock.mono_s()
        self._do("film", self._shrink)
        self._do("film", self._note_settled)
        if now_s - self._kept_s >= KEEP_EVERY_S:
            self._kept_s = now_s
            self._do("film", self._keep_open)
        if now_s - self._forgot_s >= FORGET_EVERY_S:
            self._forgot_s = now_s
            self._do("film", self._forget)
        self._do("reply", self._answer)

    def _run(self) -> None:
        _yield_to_others()
        self._do("film", self._spool.open)
        self._pulse = self._pulses.clock("recorder")
        while not self._stop.wait(EVERY_S) and not self._is_stopped():
            self.turn()

    def _is_stopped(self) -> bool:
        """To be asked in everything that may last."""
        self._pulse.mono_s()
        return self._stop.is_set()

    def _do(self, name: str, step: Callable[[], None]) -> None:
        try:
            step()
        except VaultFull as error:
            log.warning("film_gives_way", why=str(error))
        except Exception as error:  # film is no reason to end
            log.exception(f"{name}_step_failed")
            self._metrics.failed(name)
            self._noticed(error)

    def _is_flagged(self, outcome: Outcome) -> bool:
        return outcome not in PLAIN and outcome is not Outcome.BLIND and self._scribe.leaves(outcome)

    def _note_settled(self) -> None:
        while self._settled:
            take, flagged = self._settled[0]
            self._keep_film(take.window, take.since, take.until)
            self._spool.note(take)
            if flagged:
                self._requests.want(take.msgid, self._clock.now() + self._keep + GRACE)
            self._settled.popleft()

    def _keep_open(self) -> None:
        """Also while a settlement goes on: it may last longer than memory reaches back."""
        now = self._film.at(self._clock.mono_s())
        for window in self._film.windows:
            if self._film.is_served(window):
                self._keep_film(window, now - self._before - timedelta(seconds=KEEP_EVERY_S), now)

    def _keep_film(self, window: str, since: datetime, until: datetime) -> None:
        """Each picture once, though settlements overlap."""
        kept_to = self._kept_to.get(window)
        stills = [still for still in self._film.between(window, since, until) if kept_to is None or still.at > kept_to]
        if stills and self._has_room():
            self._spool.keep(window, stills)
            self._kept_to[window] = stills[-1].at

    def _has_room(self) -> bool:
        return shutil.disk_usage(self._folder).free > self._min_free_bytes

    def _shrink(self) -> None:
        """The oldest film makes room while the disk has too little, before anything else has to."""
        while not self._has_room() and not self._is_stopped() and self._spool.shrink():
            pass

    def _forget(self) -> None:
        self._spool.forget(self._film.at(self._clock.mono_s()))
        self._requests.forget(self._clock.now())

    def _answer(self) -> None:
        for wanted in self._requests.open():
            if self._is_stopped():
                return
            self._replies.answer(wanted, self._is_stopped)
            self._note_settled()


def _yield_to_others() -> None:
    """Let this thread work when the others have nothing to do; where that is not allowed it works all the same."""
    try:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
    except OSError as error:
        log.warning("recorder_not_niced", why=str(error))
