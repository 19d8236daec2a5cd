"""The ingest worker: subscriber, verify, dedupe, commit, acknowledge, signed receipt. One loop, read top to bottom in `turn`."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from threading import Event

import structlog
from prometheus_client import Counter, Histogram
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from central.captures import looks, service
from central.captures.intake import Intake, Taken
from central.captures.mqtt import Bus, Delivery
from central.db import reading
from central.devices import service as devices
from central.errors import CentralError
from central.keys import CentreKeys
from central.orders import service as orders
from central.orders.model import Order, pause
from central.people import service as people
from central.settings import Settings
from contract.commands import Admission
from contract.topics import Down, down, shard

log = structlog.get_logger(__name__)
_EVENTS = Counter("central_ingest_events", "Events stored for the first time.")
_REPEATED = Counter("central_ingest_repeated", "Events that were here already.")
_REFUSED = Counter("central_ingest_refused", "Messages refused.", ["reason"])
_BATCH_SECONDS = Histogram("central_ingest_batch_seconds", "One batch, from the queue to the commit.")
_RESEND_GALLERY = timedelta(seconds=10)
_HOUSEKEEPING = timedelta(hours=1)
_LOOK = timedelta(seconds=1)
_REKEY_VALID = timedelta(days=30)
_AFTER_FAILURE_S = 1.0
_PASSING = (OperationalError, InterfaceError, PoolTimeout, OSError)
"""Failures of the database or disk that pass by themselves; the batch waits for that."""


class Ingest:
    """Runs until told to stop. A database that fails stops nothing: the batch stays unacknowledged and is tried again."""

    def __init__(
        self, *, bus: Bus, intake: Intake, engine: Engine, keys: CentreKeys, settings: Settings, now: Callable[[], datetime]
    ) -> None:
        """Owns nothing that it is given."""
        self._bus, self._intake, self._engine, self._keys, self._settings, self._now = bus, intake, engine, keys, settings, now
        self._told: dict[str, tuple[int, datetime]] = {}
        self._admitted: dict[str, tuple[int, datetime]] = {}
        self._looked = self._kept = datetime.fromtimestamp(0, now().tzinfo)

    def run(self, stop: Event) -> None:
        """Turn until `stop` is set."""
        while not stop.is_set():
            try:
                self.turn(stop)
            except Exception:
                log.exception("ingest.failed")
                stop.wait(_AFTER_FAILURE_S)

    def turn(self, stop: Event) -> None:
        """One batch, if there is one, and what is due besides."""
        deliveries = self._bus.take(self._settings.broker.batch, self._settings.broker.batch_wait_ms / 1000)
        if deliveries:
            self._commit(deliveries, stop)
        if self._now() - self._looked >= _LOOK:
            self._looked = self._now()
            self._send_galleries()
            self._send_orders()
            self._send_admissions()
            self._retire()
            self._look_again()
        self._keep_house()

    def _commit(self, deliveries: Sequence[Delivery], stop: Event) -> None:
        """Commit a batch; then acknowledge it and send receipts, in this order.

        What fails for a reason of its own is taken one by one, and the one that fails again is set aside: it must not stop the others.
        """
        messages = [delivery.message for delivery in deliveries]
        try:
            taken = self._until_committed(lambda db: self._intake.take(db, messages), stop)
        except Exception as error:
            log.exception("ingest.poison", messages=len(messages))
            if len(deliveries) > 1:
                for delivery in deliveries:
                    self._commit([delivery], stop)
                return
            why = type(error).__name__
            taken = self._until_committed(lambda db: self._intake.set_aside(db, messages[0], why), stop)
        if taken is not None:
            self._bus.acknowledge(deliveries)
            self._send_receipts(taken)

    def _until_committed(self, work: Callable[[Connection], Taken], stop: Event) -> Taken | None:
        """Repeat while database or disk fail in passing; None when told to stop before it succeeded."""
        while not stop.is_set():
            try:
                with _BATCH_SECONDS.time(), self._engine.begin() as db:
                    return work(db)
            except Exception as error:
                self._intake.rolled_back()
                if not isinstance(error, _PASSING):
                    raise
                log.error("ingest.not_committed", error=type(error).__name__)
                stop.wait(_AFTER_FAILURE_S)
        return None

    def _send_receipts(self, taken: Taken) -> None:
        for receipt in taken.receipts:
            self._bus.publish(down(Down.RECEIPT, receipt.device), self._keys.signer.sign(receipt))
        for answer in taken.answers:
            self._bus.publish(down(Down.COMMAND, answer.device), self._keys.signer.sign(answer))
        _EVENTS.inc(taken.new_events)
        _REPEATED.inc(taken.repeated)
        for refused in taken.refused:
            _REFUSED.labels(refused.reason).inc()
            log.warning("ingest.refused", device=refused.device, reason=refused.reason, detail=refused.detail[:200])

    def _send_galleries(self) -> None:
        """A page to each device that is behind; the device's next state says which version it then has."""
        now = self._now()
        with reading(self._engine).begin() as db:
            for row in devices.galleries_due(db, people.newest_changes()):
                device, version = row["device_id"], row["gallery_version"]
                sent_version, sent_at = self._told.get(device, (-1, now))
                if sent_version == version and now - sent_at < _RESEND_GALLERY:
                    continue
                self._send_gallery(db, device, version, now)

    def _send_gallery(self, db: Connection, device: str, version: int, now: datetime) -> None:
        """One device whose page cannot be made must not keep the others waiting."""
        try:
            command = people.gallery_command(db, self._keys, device, version, now=now, days=self._settings.people.gallery_days)
        except (CentralError, ValueError) as error:
            log.error("gallery.not_made", device=device, from_version=version, error=type(error).__name__)
            self._told[device] = (version, now)
            return
        if command is not None:
            self._bus.publish(down(Down.COMMAND, device), self._keys.signer.sign(command))
            self._told[device] = (version, now)

    def _send_orders(self) -> None:
        """Each order again until it is answered or over, less and less often; what was not sent counts as not sent."""
        now = self._now()
        with reading(self._engine).begin() as db:
            due = [order for order in orders.due(db, now) if self._is_mine(order.device_id)]
        for order in due:
            self._send_order(order, now)

    def _send_order(self, order: Order, now: datetime) -> None:
        """One order that the contract does not allow any more must not keep the others waiting."""
        try:
            signed = self._keys.signer.sign(order.command(now))
        except ValueError as error:
            log.error("order.not_made", device=order.device_id, request=order.request, error=type(error).__name__)
            return
        if self._bus.publish(down(Down.COMMAND, order.device_id), signed):
            with self._engine.begin() as db:
                orders.note_sent(db, order, now=now)
            log.info("order.sent", device=order.device_id, kind=order.kind, request=order.request, times=order.times_sent + 1)

    def _send_admissions(self) -> None:
        """Tell each device that offered new keys of its certificate, again and again until it uses them."""
        now = self._now()
        with reading(self._engine).begin() as db:
            waiting = [one for one in devices.admissions(db) if self._is_mine(one.device_id)]
            alive = devices.alive(db, now) if waiting else frozenset()
        self._admitted = {kid: told for kid, told in self._admitted.items() if kid in {one.kid for one in waiting}}
        for one in waiting:
            times, at = self._admitted.get(one.kid, (0, now))
            if one.device_id not in alive or (times and now - at < pause(times)):
                continue
            command = Admission(device=one.device_id, at=now, kid=one.kid, certificate=one.certificate, why=None)
            if self._bus.publish(down(Down.COMMAND, one.device_id), self._keys.signer.sign(command)):
                self._admitted[one.kid] = (times + 1, now)
                log.info("admission.sent", device=one.device_id, kid=one.kid, times=times + 1)

    def _look_again(self) -> None:
        """Queue what came before new entries of the hot list."""
        if not self._is_first:
            return
        with self._engine.begin() as db:
            queued = looks.sweep(db, now=self._now())
        if queued:
            log.info("hotlist.swept", looks=queued)

    def _retire(self) -> None:
        """Cut off devices that were ended in order."""
        now = self._now()
        with reading(self._engine).begin() as db:
            done = [order for order in orders.to_retire(db, now) if self._is_mine(order.device_id)]
        for order in done:
            with self._engine.begin() as db:
                orders.retire(db, order, now=now)
            log.info("device.retired", device=order.device_id, request=order.request, obeyed=order.result == "revoked")

    @property
    def _is_first(self) -> bool:
        """Whether this worker, among several, does what only one has to do."""
        shards = self._settings.broker.shards
        return shards is None or 0 in shards

    def _is_mine(self, device: str) -> bool:
        """Whether this worker, among several, is the one that speaks to a device."""
        shards = self._settings.broker.shards
        return shards is None or shard(device) in shards

    def _keep_house(self) -> None:
        now = self._now()
        if now - self._kept < _HOUSEKEEPING:
            return
        last, self._kept = self._kept, now
        self._intake.forget_old_faces()
        with self._engine.begin() as db:
            renewed = people.renew_galleries(db, now=now, days=self._settings.people.gallery_days)
            people.count_faces(db, self._settings.people.faces_warn, seen=service.count_strangers(db), now=now, actor="ingest")
            erased = service.erased_since(db, last)
        if erased:
            self._intake.rolled_back()  # what is in memory is read again, without the vectors that a person had erased
        if renewed:
            log.info("gallery.renewed", entries=renewed)
        self._rekey_ending(now)

    def _rekey_ending(self, now: datetime) -> None:
        """Order new keys where a certificate ends soon."""
        days = timedelta(days=self._settings.devices.rekey_days)
        with self._engine.begin() as db:
            given = orders.rekey_ending(db, now + days, valid_for=_REKEY_VALID, now=now, actor="ingest") if days else []
        for order in given:
            log.info("rekey.ordered", device=order.device_id, request=order.request)
