"""What keeps the log going: places and a checkpoint about once a second, and now and then a question to the witnesses."""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event, Thread

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from central.keys import CentreKeys
from central.settings import TransparencySettings
from central.transparency import service, witnessing
from central.transparency.model import LogBroken

_WAIT_S = 2.0
log = structlog.get_logger(__name__)


class Sequencer:
    """Two threads until it is stopped: witnesses may be slow, the log goes on meanwhile. Several processes may run one each."""

    def __init__(self, engine: Engine, keys: CentreKeys, settings: TransparencySettings, now: Callable[[], datetime]) -> None:
        """Starts nothing."""
        self._engine, self._keys, self._settings, self._now = engine, keys, settings, now
        self._stop = Event()
        self._threads = [Thread(target=self._run, args=(self.sign, settings.every_s), name="log-sequencer")]
        if settings.witnesses:
            asking = Thread(target=self._run, args=(self.ask, settings.witness_every_s), name="log-witnesses", daemon=True)
            self._threads.append(asking)

    def __enter__(self) -> "Sequencer":
        """Start."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop after a last turn, so that what was taken in is signed. A witness that has not answered by then is not waited for."""
        self._stop.set()
        for thread in self._threads:
            thread.join(_WAIT_S if thread.daemon else None)
        self._guarded(self.sign)

    def sign(self) -> None:
        """Give places until nothing waits."""
        more = True
        while more:
            with self._engine.begin() as db:
                more = service.integrate(db, self._keys, self._now()) is not None

    def ask(self) -> None:
        """Ask every witness."""
        witnessing.ask_all(self._engine, self._settings, self._now)

    def _run(self, work: Callable[[], None], every_s: float) -> None:
        while not self._stop.wait(timedelta(seconds=every_s).total_seconds()):
            self._guarded(work)

    def _guarded(self, work: Callable[[], None]) -> None:
        """What waits, waits: a database that does not answer now is asked again, and a broken log is said until somebody looks."""
        try:
            work()
        except LogBroken as error:
            log.error("log.broken", why=str(error))
        except SQLAlchemyError as error:
            log.warning("log.later", error=type(error).__name__)
        except Exception:
            log.exception("log.failed")
