"""The sending half of an enrolled terminal: the outbox on an encrypted disk, sender and link; no cameras and no networks."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from central.sites.model import NewSite
from contract.events import EvidenceMode, Software
from edge_agent.chain.capture import Scribe
from edge_agent.chain.outbox import Outbox
from edge_agent.clock import Clock, Offset, SystemClock
from edge_agent.disk.vault import Vault, vault_key
from edge_agent.film.requests import Requests
from edge_agent.health.metrics import Metrics
from edge_agent.judging import gallery
from edge_agent.keys import load_seal_key, load_signer, trusted
from edge_agent.link.inbox import Inbox
from edge_agent.link.link import Link
from edge_agent.link.sender import Sender
from edge_agent.link.states import Device, States
from edge_agent.settings import load
from edge_agent.wiring import OUTBOX_SCHEMA
from scripts.stack import Stack

WINDOW = "W1"
SITE = NewSite(
    fixmedins_code="P99999900001",
    fixmedins_name="示例大药房",
    admdvs="999999",
    evidence_mode=EvidenceMode.ALL,
    legal_basis="measurement with made pictures on one machine",
)
SOFTWARE = Software(agent="0", detector="none", embedder="none", limits_sha256="0" * 64, settings_sha256="0" * 64)
EPOCH = 1


@contextmanager
def sending_half(stack: Stack, *, clock: Clock | None = None, broker_port: int | None = None) -> Iterator["SendingHalf"]:
    """The terminal that a stack enrolled, which need not run; its link is ended and its vaults are closed at the end.

    `broker_port` is where it looks for the broker, if something stands between.
    """
    half = SendingHalf(stack, SystemClock() if clock is None else clock, broker_port or stack.broker_port)
    try:
        yield half
    finally:
        half.close()


class SendingHalf:
    """Outbox, scribe and link of one device. `clock` is what events are stamped with; the link keeps the machine's time."""

    def __init__(self, stack: Stack, clock: Clock, broker_port: int) -> None:
        settings = load(stack.agent_folder / "agent.toml")
        self.settings = settings.model_copy(update={"broker": settings.broker.model_copy(update={"port": broker_port})})
        self.data: Path = self.settings.files.data_dir
        self.data.mkdir(mode=0o700, exist_ok=True)
        key = vault_key(self.data / "vault.key")
        self.vault = Vault.open(self.data / "outbox.db", key, OUTBOX_SCHEMA)
        self._faces = Vault.open(self.data / "gallery.db", key, gallery.SCHEMA)
        self.outbox = Outbox(self.vault, new_epoch=EPOCH)
        self.metrics, self._signer = Metrics(), load_signer(self.settings.files.sign_key)
        self.seal_to = stack.centre.keys.seal_public
        self.scribe = Scribe(
            signer=self._signer,
            device=self.settings.device_id,
            fixmedins_code=self.settings.fixmedins_code,
            centre_seal_key=self.seal_to,
            mode=self.settings.evidence,
            software=SOFTWARE,
            clock=clock,
            offset=Offset(),
        )
        self.states = self._states()
        self.link = self._link()
        self._linked = False

    def connect(self) -> None:
        """Start the link; once."""
        self._linked = True
        self.link.start()

    def close(self) -> None:
        """End the link if it runs, and close the vaults."""
        if self._linked:
            self.link.stop()
        self.vault.close()
        self._faces.close()

    def _states(self) -> States:
        faces = gallery.Faces(
            vault=self._faces,
            seal_key=load_seal_key(self.settings.files.seal_key),
            device=self.settings.device_id,
            embedder=SOFTWARE.embedder,
            size=128,
        )
        self._gallery = faces
        return States(
            signer=self._signer,
            device=Device(name=self.settings.device_id, software=SOFTWARE, liveness_available=False),
            cameras={},
            outbox=self.outbox,
            gallery=faces,
            problems=lambda: (),
            clock=SystemClock(),
        )

    def _link(self) -> Link:
        clock = SystemClock()
        inbox = Inbox(
            device=self.settings.device_id,
            centre=trusted(self.settings.centre.sign_keys),
            outbox=self.outbox,
            gallery=self._gallery,
            requests=Requests(self.vault),
            clock=clock,
            offset=Offset(),
            metrics=self.metrics,
        )
        limits, device = self.settings.link, self.settings.device_id
        return Link(
            settings=self.settings,
            new_sender=lambda: Sender(outbox=self.outbox, signer=self._signer, device=device, limits=limits, clock=clock),
            next_connection=self.outbox.next_connection,
            inbox=inbox,
            states=self.states,
            clock=clock,
            metrics=self.metrics,
        )
