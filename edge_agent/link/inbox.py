"""What the centre says: receipts and commands. Verified first, read afterwards; what is not believed is counted and changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from contract.commands import Admission, Configure, EvidenceRequest, Gallery, Rekey, Revoke, RollCall, parse_command
from contract.message import MalformedMessage
from contract.receipts import Receipt
from contract.sealed import TrustedKey, Untrusted, verify
from contract.topics import Down, down
from edge_agent.chain.outbox import Outbox
from edge_agent.clock import Clock, Offset
from edge_agent.errors import GalleryRefused, ReceiptRefused, VaultFull
from edge_agent.film.requests import Requests
from edge_agent.health.metrics import Metrics
from edge_agent.judging.gallery import Faces
from edge_agent.link.log_watch import LogWatch
from edge_agent.orders.orders import Orders
from edge_agent.orders.rekeying import Rekeying

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a message changed: a believed receipt, or a new version of the gallery."""

    receipt: Receipt | None = None
    gallery_changed: bool = False


NOTHING = Heard()


class Inbox:
    """Takes in messages of the centre for this device. Not safe to use from several threads."""

    def __init__(  # noqa: PLR0913 - whatever a message may change
        self,
        *,
        device: str,
        centre: Mapping[str, TrustedKey],
        outbox: Outbox,
        gallery: Faces,
        requests: Requests,
        clock: Clock,
        offset: Offset,
        metrics: Metrics,
        orders: Orders | None = None,
        rekeying: Rekeying | None = None,
        log_watch: LogWatch | None = None,
    ) -> None:
        """Without `orders` nobody changes the settings from afar or ends the service, without `rekeying` nobody orders new keys.

        A revoked device takes in nothing of anybody.
        """
        self._orders, self._rekeying, self._log_watch = orders, rekeying, log_watch
        self._device, self._centre = device, centre
        self._outbox, self._gallery, self._requests = outbox, gallery, requests
        self._clock, self._offset, self._metrics = clock, offset, metrics
        self.problem: str | None = None
        self._newest: Receipt | None = None

    def take(self, topic: str, signed: bytes) -> Heard:
        """Act on one message. Never raises for what a message holds: a refusal is counted and logged."""
        try:
            if topic == down(Down.RECEIPT, self._device):
                return self._receipt(signed)
            if topic == down(Down.COMMAND, self._device):
                return self._command(signed)
            self._refuse("topic", "a topic that this device does not read")
        except (Untrusted, MalformedMessage) as error:
            self._refuse("untrusted" if isinstance(error, Untrusted) else "malformed", str(error))
        except ReceiptRefused as error:
            self.problem = str(error)
            self._refuse("receipt", str(error))
        except GalleryRefused as error:
            self._refuse("gallery", str(error))
        return NOTHING

    def _receipt(self, signed: bytes) -> Heard:
        receipt = Receipt.from_bytes(verify(signed, self._centre.get, Receipt.typ).payload)
        self._refuse_other_device(receipt.device)
        self._outbox.prune(receipt)
        self._offset.add(ours=self._clock.now(), centre=receipt.at)
        self._watch_log(receipt)
        if receipt.epoch != self._outbox.epoch:
            return NOTHING
        self._look_for_loss(receipt)
        return Heard(receipt=receipt)

    def _watch_log(self, receipt: Receipt) -> None:
        """Whatever the log shows, the receipt counts; what cannot be kept now is shown again."""
        try:
            if self._log_watch is not None:
                self._log_watch.take(receipt.checkpoint, receipt.at)
        except Untrusted as error:
            self._refuse("checkpoint", str(error))
        except VaultFull as error:
            log.warning("log_not_noted", why=str(error))

    def _look_for_loss(self, receipt: Receipt) -> None:
        """A receipt that was delayed may name less than a later one; a centre that says less than before has lost what we deleted."""
        if self._newest is not None and receipt.at < self._newest.at:
            return
        self._newest = receipt
        done = self._outbox.backlog().receipted
        if receipt.up_to >= done:
            self.problem = None
            return
        self.problem = (
            f"the centre lost events {receipt.up_to + 1} to {done} of epoch {receipt.epoch}: it had receipted them and this device deleted "
            "them; restore a newer backup of the centre"
        )
        log.error("receipted_events_lost", first=receipt.up_to + 1, last=done, epoch=receipt.epoch)

    def _command(self, signed: bytes) -> Heard:
        command = parse_command(verify(signed, self._centre.get, Gallery.typ).payload)
        self._refuse_other_device(command.device)
        if isinstance(command, Configure | Revoke):
            return self._order(command, signed)
        if self._orders is not None and self._orders.revoked:
            return NOTHING
        if isinstance(command, EvidenceRequest | RollCall):
            return self._request(command)
        if isinstance(command, Rekey | Admission):
            return self._rekey(command)
        changed = self._gallery.apply(command, self._clock.now())
        log.info("gallery_command", applied=changed, from_version=command.from_version, to_version=command.to_version)
        return Heard(gallery_changed=True)

    def _request(self, command: EvidenceRequest | RollCall) -> Heard:
        """Only noted here; without room for that the centre will ask again."""
        try:
            new = self._requests.take(command, self._clock.now())
        except VaultFull as error:
            log.warning("request_not_noted", request=command.request, why=str(error))
            return NOTHING
        log.info("request", kind=command.kind, request=command.request, new=new)
        return NOTHING

    def _order(self, command: Configure | Revoke, signed: bytes) -> Heard:
        """Noted, or refused in the chain; without room for that the centre will say it again."""
        try:
            if self._orders is not None:
                self._orders.take(command, signed)
        except (VaultFull, OSError) as error:
            log.warning("order_not_noted", request=command.request, why=str(error))
        return NOTHING

    def _rekey(self, command: Rekey | Admission) -> Heard:
        """Obeyed, or without room for that said again by the centre."""
        try:
            if self._rekeying is not None:
                self._rekeying.take(command)
        except (VaultFull, OSError) as error:
            log.warning("rekey_not_obeyed", kind=command.kind, why=str(error))
        return NOTHING

    def _refuse_other_device(self, device: str) -> None:
        if device != self._device:
            raise Untrusted("signed for another device")

    def _refuse(self, why: str, detail: str) -> None:
        self._metrics.refused(why)
        log.warning("message_refused", why=why, detail=detail)
