"""The link against a real broker: order, loss, silence and liars."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from contract.commands import GalleryPage
from contract.events import Software, Void
from contract.media import PART_BYTES
from contract.state import Birth, Death, Health
from contract.topics import Down
from edge_agent.chain import outbox
from edge_agent.chain.outbox import Place
from edge_agent.clock import Offset, SystemClock
from edge_agent.disk.vault import KEY_BYTES, DatabaseError, Vault
from edge_agent.film import requests
from edge_agent.health.metrics import Metrics
from edge_agent.judging import gallery
from edge_agent.link import states
from edge_agent.link.inbox import Inbox
from edge_agent.link.link import Link
from edge_agent.link.sender import Sender
from edge_agent.settings import Settings, load
from scripts.stack import free_port
from tests.edge_agent.broker import Broker, Centre, wait
from tests.edge_agent.building import DEVICE, Terminal, entry, make_terminal
from tests.fakes import StillCamera

SOFTWARE = Software(agent="0", detector="d", embedder="e", limits_sha256="a" * 64, settings_sha256="b" * 64)
QUICK = """[link]
send_window = 8
resend_after_s = 1
reconnect_max_s = 0.5
health_every_s = 1
keepalive_s = 5
"""


class Device:
    """The sending half of an agent, with real stores in memory."""

    def __init__(self, terminal: Terminal, own: outbox.Outbox | None = None, make_room: Callable[[], bool] = lambda: False) -> None:
        self.terminal, self.settings, self.clock, self.metrics = terminal, load(terminal.settings_file), SystemClock(), Metrics()
        self.outbox = outbox.Outbox(Vault.in_memory(outbox.SCHEMA), new_epoch=7) if own is None else own
        self.make_room, self.noticed = make_room, list[BaseException]()
        self.faces = gallery.Faces(
            vault=Vault.in_memory(gallery.SCHEMA), seal_key=terminal.seal_key, device=DEVICE, embedder="colour-1", size=3
        )
        self.states = states.States(
            signer=terminal.signer,
            device=states.Device(name=DEVICE, software=SOFTWARE, liveness_available=False),
            cameras={"W1": StillCamera()},
            outbox=self.outbox,
            gallery=self.faces,
            problems=lambda: (),
            clock=self.clock,
        )
        self.link = self._link(self.settings)

    def _link(self, settings: Settings) -> Link:
        inbox = Inbox(
            device=DEVICE,
            centre=self.terminal.trusted,
            outbox=self.outbox,
            gallery=self.faces,
            requests=requests.Requests(Vault.in_memory(requests.SCHEMA)),
            clock=self.clock,
            offset=Offset(),
            metrics=self.metrics,
        )
        return Link(
            settings=settings,
            new_sender=lambda: Sender(
                outbox=self.outbox, signer=self.terminal.signer, device=DEVICE, limits=settings.link, clock=self.clock
            ),
            next_connection=self.outbox.next_connection,
            make_room=self.make_room,
            noticed=self.noticed.append,
            inbox=inbox,
            states=self.states,
            clock=self.clock,
            metrics=self.metrics,
        )

    def write(self, count: int, *media: bytes) -> None:
        def build(place: Place) -> bytes:
            return self.terminal.signer.sign(
                Void(
                    device=DEVICE,
                    epoch=place.epoch,
                    seq=place.seq,
                    prev=place.prev,
                    at=datetime.now(UTC),
                    mono_ns=1,
                    clock_offset_ms=None,
                    setl_id=f"S{place.seq}",
                    msgid=None,
                )
            )

        for _ in range(count):
            self.outbox.append(build, media)


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return make_terminal(tmp_path / "site", broker_port=free_port(), more=QUICK)


@pytest.fixture
def broker(terminal: Terminal, tmp_path: Path) -> Iterator[Broker]:
    one = Broker(terminal, tmp_path / "broker", load(terminal.settings_file).broker.port)
    one.start()
    yield one
    one.kill()


@pytest.fixture
def centre(terminal: Terminal, broker: Broker) -> Iterator[Centre]:
    one = Centre(terminal, broker)
    yield one
    one.stop()
    assert one.faults == []


@pytest.fixture
def device(terminal: Terminal, centre: Centre) -> Iterator[Device]:
    one = Device(terminal)
    one.link.start()
    yield one
    one.link.stop()


def test_birth_first_events_next_pictures_last(terminal: Terminal, centre: Centre) -> None:
    device = Device(terminal)
    picture = bytes(range(256)) * (PART_BYTES // 100)
    device.write(1, picture)
    device.write(40)
    device.link.start()
    assert wait(lambda: len(centre.events) == 41 and centre.whole)
    device.link.stop()
    assert list(centre.whole.values()) == [picture]
    sent = [channel for channel in centre.order if channel != "state"]
    assert centre.order[0] == "state" and sent == ["event"] * 41 + ["media"] * 3
    birth = centre.states[0]
    assert isinstance(birth, Birth) and (birth.connection, birth.epoch, birth.last_seq, birth.windows) == (1, 7, 41, ("W1",))
    assert device.outbox.backlog().events == 41, "nothing is deleted without a receipt"


def test_receipts_empty_the_outbox(device: Device, centre: Centre) -> None:
    centre.receipting = True
    device.write(100, b"picture")
    assert wait(lambda: device.outbox.backlog().events == 0)
    assert wait(lambda: device.outbox.media_after(0) is None)
    device.write(3)
    assert wait(lambda: device.outbox.backlog().events == 0)
    assert sorted(centre.events) == list(range(1, 104))


def test_lost_receipts_make_it_send_again_and_change_nothing(device: Device, centre: Centre) -> None:
    device.write(5)
    assert wait(lambda: min((centre.arrivals[seq] for seq in range(1, 6)), default=0) >= 2)
    centre.receipt()
    assert wait(lambda: device.outbox.backlog().events == 0)


def test_gaps_are_filled(device: Device, centre: Centre) -> None:
    device.write(10)
    assert wait(lambda: len(centre.events) == 10)
    centre.forget(4, 7)
    centre.receipt()
    assert wait(lambda: len(centre.events) == 10)


def test_a_killed_broker_loses_nothing(device: Device, centre: Centre, broker: Broker) -> None:
    for round_ in range(3):
        device.write(30, f"picture {round_}".encode())
        assert wait(lambda: centre.events)
        broker.kill()
        assert wait(lambda: not device.link.connected)
        device.write(10)
        broker.start()
    centre.receipting = True
    assert wait(lambda: device.outbox.backlog().events == 0 and device.outbox.media_after(0) is None, 30)
    assert sorted(centre.events) == list(range(1, 121))
    assert sorted(centre.whole.values()) == [b"picture 0", b"picture 1", b"picture 2"]
    numbers = [state.connection for state in centre.states if isinstance(state, Birth)]
    assert numbers == sorted(set(numbers)), "every connection has a number of its own"


def test_the_will_tells_of_a_cut(device: Device, centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(connection: int) -> bytes:
        raise RuntimeError(f"connection {connection}")

    assert wait(lambda: centre.states)
    monkeypatch.setattr(device.states, "health", broken)
    centre.receipt()
    assert wait(lambda: any(isinstance(state, Death) and state.connection == 1 for state in centre.states))
    monkeypatch.undo()
    assert wait(lambda: b'edge_failures_total{step="link"}' in device.metrics.text())
    assert wait(lambda: isinstance(centre.states[-1], Birth) and centre.states[-1].connection > 1)


def test_an_orderly_end_is_told_too(terminal: Terminal, centre: Centre) -> None:
    device = Device(terminal)
    device.link.start()
    assert wait(lambda: device.link.connected)
    device.link.stop()
    assert wait(lambda: any(isinstance(state, Death) for state in centre.states))
    assert not device.link.connected


def test_a_birth_is_repeated_until_the_centre_answers(device: Device, centre: Centre) -> None:
    assert wait(lambda: len(centre.states) >= 2)
    assert all(isinstance(state, Birth) and state.connection == 1 for state in centre.states)
    centre.receipt()
    assert wait(lambda: isinstance(centre.states[-1], Health))
    assert device.link.connected


def test_health_comes_at_once_after_a_gallery_change(device: Device, centre: Centre) -> None:
    assert wait(lambda: centre.states)
    centre.receipt()
    page = GalleryPage(hold=(entry("P1", np.eye(3)[0]),), forget=())
    centre.send(Down.COMMAND, device.terminal.centre_signer.sign(device.terminal.gallery(page, from_version=0, to_version=9)))
    assert wait(lambda: any(isinstance(state, Health) and state.gallery_version == 9 for state in centre.states))


def test_liars_are_not_believed(device: Device, centre: Centre) -> None:
    device.write(3)
    assert wait(lambda: len(centre.events) == 3)
    terminal = device.terminal
    for payload in (b"", b"garbage", b"x" * 400_000, terminal.receipt(epoch=7, up_to=3, head="f" * 64)):
        centre.send(Down.RECEIPT, payload)
    centre.send(Down.COMMAND, terminal.signer.sign(terminal.gallery(GalleryPage(hold=(), forget=()), from_version=0, to_version=1)))
    assert wait(lambda: device.metrics.text().count(b"edge_refused_messages_total{") >= 2)
    assert device.outbox.backlog().events == 3 and device.faces.version == 0 and device.link.connected


def test_a_broker_of_another_authority_gets_nothing(terminal: Terminal, centre: Centre, tmp_path: Path) -> None:
    other = make_terminal(tmp_path / "other")
    (terminal.folder / "ca.crt").rename(terminal.folder / "true.crt")
    (terminal.folder / "ca.crt").write_bytes((other.folder / "ca.crt").read_bytes())
    device = Device(terminal)
    device.write(1)
    device.link.start()
    assert not wait(lambda: device.link.connected or centre.events, 1.5)
    device.link.stop()


def test_nobody_waits_for_a_broker_that_is_away(terminal: Terminal) -> None:
    device = Device(terminal)
    device.link.start()
    device.write(10)
    assert not device.link.connected
    device.link.stop()
    assert device.outbox.backlog().events == 10


def test_a_page_that_cannot_be_read_is_noticed(terminal: Terminal, centre: Centre, tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    vault = Vault.open(path, b"k" * KEY_BYTES, outbox.SCHEMA)
    device = Device(terminal, outbox.Outbox(vault, new_epoch=7))
    device.write(50)
    vault.checkpoint()
    with vault.transaction() as db:
        db.execute("PRAGMA cache_size = 0")
    with path.open("r+b", buffering=0) as file:
        for page in range(20, path.stat().st_size // 4096):
            file.seek(4096 * page + 2000)
            file.write(b"damaged!")
    device.link.start()
    assert wait(lambda: device.noticed)
    device.link.stop()
    assert isinstance(device.noticed[0], DatabaseError) and centre.states, "a report was heard before"
