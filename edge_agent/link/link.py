"""The thread that carries messages between outbox and broker (MQTT 3.1.1 over mutual TLS, paho).

The broker's acknowledgement only means "sent". The library never holds a backlog: nothing is published without a connection and room in
our own window. After a loss everything begins anew with a new client object. Callbacks only note what happened; all work is done in this
thread.
"""

import random
from collections.abc import Callable
from threading import Event, Thread
from typing import TypeVar

import structlog

from contract.topics import Up
from edge_agent.clock import Clock
from edge_agent.errors import VaultFull
from edge_agent.health.metrics import Metrics
from edge_agent.health.soundness import Noticed
from edge_agent.link.connection import Connection, LinkLost, LinkSilent
from edge_agent.link.inbox import NOTHING, Heard, Inbox
from edge_agent.link.sender import Sender
from edge_agent.link.states import States
from edge_agent.settings import Settings

FIRST_PAUSE_S = 0.25
PATIENCE_S, PATIENCE_MAX_S = 2.0, 20.0
"""How long nothing may move while a message waits for the broker's acknowledgement, and how long at most: a connection on which none came
doubles it, so that a broker that is overloaded gets time, and not more connections.
"""
FIRST_REPORT_S = 1.0

log = structlog.get_logger(__name__)

_Written = TypeVar("_Written")


class Link:
    """Keeps one connection to the broker. `start` once, `stop` once."""

    def __init__(  # noqa: PLR0913 - the parts of a link
        self,
        *,
        settings: Settings,
        new_sender: Callable[[], Sender],
        next_connection: Callable[[], int],
        inbox: Inbox,
        states: States,
        clock: Clock,
        metrics: Metrics,
        make_room: Callable[[], bool] = lambda: False,
        noticed: Noticed = lambda _: None,
        identity: Callable[[], str] = lambda: "",
    ) -> None:
        """`make_room` is asked where the disk has none for the number of a connection or for what was heard; False when it could not.
        `noticed` is shown what broke a connection. When the `identity` changes a connection ends in good order, and the next begins.
        """
        self._make_room, self._noticed, self._identity = make_room, noticed, identity
        self._settings, self._new_sender, self._next_connection = settings, new_sender, next_connection
        self._inbox, self._states, self._clock, self._metrics = inbox, states, clock, metrics
        self._pause_s, self._patience_s = FIRST_PAUSE_S, PATIENCE_S
        self._stop = Event()
        self._up = Event()
        self._thread = Thread(target=self._run, name="link", daemon=True)

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def stop(self) -> None:
        """Say farewell and disconnect."""
        self._stop.set()
        self._thread.join()

    @property
    def connected(self) -> bool:
        """Whether the broker accepted us and has not been lost since."""
        return self._up.is_set()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._live()
            except Exception as error:  # the link must come back from anything
                known = isinstance(error, OSError)  # unreachable, refused, wrong certificate, lost
                log.warning("link_lost", why=f"{type(error).__name__}: {error}", exc_info=None if known else error)
                if not known:
                    self._metrics.failed("link")
                    self._noticed(error)
            self._up.clear()
            self._stop.wait(random.uniform(0, self._pause_s))  # noqa: S311 - jitter, no secret
            self._pause_s = min(2 * self._pause_s, self._settings.link.reconnect_max_s)

    def _live(self) -> None:
        """One connection from connect to loss. Raises LinkLost, OSError or whatever broke it."""
        number = self._written(self._next_connection)
        identity = self._identity()
        connection = Connection(self._settings, self._states, number, self._clock, patience_s=self._patience_s)
        try:
            connection.open()
            self._up.set()
            self._metrics.connected()
            log.info("link_up", connection=connection.number)
            self._serve(connection, identity)
            connection.farewell()
        except LinkLost as error:
            self._learn(connection, error)
            raise
        finally:
            connection.close()

    def _learn(self, connection: Connection, error: LinkLost) -> None:
        """A connection that was of use is made again soon; one on which nothing was acknowledged gets more time."""
        if connection.acknowledged:
            self._pause_s, self._patience_s = FIRST_PAUSE_S, PATIENCE_S
        elif self._up.is_set() and isinstance(error, LinkSilent):
            self._patience_s = min(2 * self._patience_s, PATIENCE_MAX_S)

    def _serve(self, connection: Connection, identity: str) -> None:
        sender, report = self._new_sender(), _Report(self._settings.link.health_every_s, self._clock)
        while not self._stop.is_set() and self._identity() == identity:
            connection.loop()
            for topic, payload in connection.received():
                heard = self._heard(topic, payload)
                self._note(heard, sender)
                report.note(heard)
            if connection.has_room and report.due():
                state = self._states.health if report.answered else self._states.birth
                connection.publish(Up.STATE, state(connection.number))
            if sender.rewind_if_stuck():
                log.info("sending_again")
            while connection.has_room and (parcel := sender.next(media=connection.has_room_for_media)):
                connection.publish(parcel.channel, parcel.payload)

    def _heard(self, topic: str, payload: bytes) -> Heard:
        """Act on a message; without any room it counts as not heard, for the centre says everything again."""
        try:
            return self._written(lambda: self._inbox.take(topic, payload))
        except VaultFull as error:
            log.warning("not_heard", topic=topic, why=str(error))
            return NOTHING

    def _written(self, write: Callable[[], _Written]) -> _Written:
        """What `write` gives, with room made for it as long as there is something to give. Raises VaultFull."""
        while True:
            try:
                return write()
            except VaultFull:
                if not self._make_room():
                    raise

    def _note(self, heard: Heard, sender: Sender) -> None:
        if heard.receipt is not None:
            sender.receipted(heard.receipt.up_to, heard.receipt.gaps)


class _Report:
    """When to say again how we are. Until the centre answers with a receipt we say that we were born: at first soon, then more rarely."""

    def __init__(self, every_s: float, clock: Clock) -> None:
        self.answered = False
        self._every_s, self._clock = every_s, clock
        self._pause_s = min(FIRST_REPORT_S, every_s)
        self._due_s = clock.mono_s() + self._pause_s

    def note(self, heard: Heard) -> None:
        """A receipt answers the birth; a changed gallery is reported at once."""
        if heard.receipt is not None and not self.answered:
            self.answered, self._pause_s = True, self._every_s
            self._due_s = self._clock.mono_s() + self._every_s
        if heard.gallery_changed:
            self._due_s = self._clock.mono_s()

    def due(self) -> bool:
        """Whether to report now; the time of the next report starts with it."""
        if self._clock.mono_s() < self._due_s:
            return False
        self._due_s = self._clock.mono_s() + self._pause_s
        self._pause_s = min(2 * self._pause_s, self._every_s)
        return True
