"""What the centre says is believed only when it is signed by the centre for this device."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from contract.commands import Configure, EvidenceRequest, GalleryPage, Revoke, RollCall
from contract.sealed import Signer, digest
from contract.topics import Down, Up, down, up
from edge_agent.chain import outbox
from edge_agent.clock import Offset
from edge_agent.disk.vault import OURS, Vault
from edge_agent.film import requests
from edge_agent.health.metrics import Metrics
from edge_agent.judging import gallery
from edge_agent.link.inbox import NOTHING, Inbox
from edge_agent.orders.ledger import REVOKED
from edge_agent.orders.orders import Orders
from tests.edge_agent.building import DEVICE, FOREVER, Terminal, entry, make_terminal
from tests.edge_agent.orders.device import Device
from tests.fakes import HandClock

RECEIPT, COMMAND = down(Down.RECEIPT, DEVICE), down(Down.COMMAND, DEVICE)
X = np.eye(3, dtype=np.float32)[0]
NOON = datetime(2026, 1, 2, 4, tzinfo=UTC)


class Desk:
    """An inbox with real stores of three events, and the centre that writes to it."""

    def __init__(self, terminal: Terminal, orders: Orders | None = None) -> None:
        self.terminal, self.metrics, self.offset, self.clock = terminal, Metrics(), Offset(), HandClock()
        self.outbox = outbox.Outbox(Vault.in_memory(outbox.SCHEMA), new_epoch=7)
        for _ in range(3):
            self.outbox.append(lambda place: str(place.seq).encode())
        self.faces = gallery.Faces(
            vault=Vault.in_memory(gallery.SCHEMA), seal_key=terminal.seal_key, device=DEVICE, embedder="colour-1", size=3
        )
        self.requests = requests.Requests(Vault.in_memory(requests.SCHEMA))
        self.inbox = Inbox(
            device=DEVICE,
            centre=terminal.trusted,
            outbox=self.outbox,
            gallery=self.faces,
            requests=self.requests,
            clock=self.clock,
            offset=self.offset,
            metrics=self.metrics,
            orders=orders,
        )

    def counted(self, why: str) -> bool:
        return f'edge_refused_messages_total{{why="{why}"}} 1.0'.encode() in self.metrics.text()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(make_terminal(tmp_path))


def test_a_receipt_prunes_and_measures_the_clock(desk: Desk) -> None:
    heard = desk.inbox.take(RECEIPT, desk.terminal.receipt(epoch=7, up_to=2, head=digest(b"2"), gaps=((3, 3),)))
    assert heard.receipt is not None and heard.receipt.gaps == ((3, 3),)
    assert desk.outbox.backlog().events == 1
    assert desk.offset.ms is not None


def test_a_receipt_of_another_epoch_changes_nothing(desk: Desk) -> None:
    assert desk.inbox.take(RECEIPT, desk.terminal.receipt(epoch=6, up_to=2, head=digest(b"2"))) == NOTHING
    assert desk.outbox.backlog().events == 3


def test_a_receipt_that_does_not_fit_is_a_problem_until_one_fits(desk: Desk) -> None:
    assert desk.inbox.take(RECEIPT, desk.terminal.receipt(epoch=7, up_to=2, head="f" * 64)) == NOTHING
    assert desk.inbox.problem is not None and desk.counted("receipt")
    desk.inbox.take(RECEIPT, desk.terminal.receipt(epoch=7, up_to=2, head=digest(b"2")))
    assert desk.inbox.problem is None


def test_a_centre_that_knows_less_than_before_is_a_problem(desk: Desk) -> None:
    delayed = desk.terminal.receipt(epoch=7, up_to=1, head=digest(b"1"))
    desk.inbox.take(RECEIPT, desk.terminal.receipt(epoch=7, up_to=3, head=digest(b"3")))
    desk.inbox.take(RECEIPT, delayed)
    assert desk.inbox.problem is None, "a receipt that was written before the newest one"
    desk.inbox.take(RECEIPT, desk.terminal.receipt(epoch=7, up_to=1, head=digest(b"1")))
    assert "events 2 to 3 of epoch 7" in str(desk.inbox.problem)
    desk.inbox.take(RECEIPT, desk.terminal.receipt(epoch=7, up_to=3, head=digest(b"3")))
    assert desk.inbox.problem is None, "a newer backup was restored"


def test_a_command_changes_the_gallery(desk: Desk) -> None:
    page = GalleryPage(hold=(entry("P1", X),), forget=())
    signed = desk.terminal.centre_signer.sign(desk.terminal.gallery(page, from_version=0, to_version=4))
    assert desk.inbox.take(COMMAND, signed).gallery_changed
    assert desk.faces.version == 4
    assert desk.inbox.take(COMMAND, signed).gallery_changed, "a replayed command is answered by our version and changes nothing"
    assert desk.faces.version == 4


def test_a_damaged_page_is_refused(desk: Desk) -> None:
    page = GalleryPage(hold=(entry("P1", 2 * X),), forget=())
    signed = desk.terminal.centre_signer.sign(desk.terminal.gallery(page, from_version=0, to_version=4))
    assert desk.inbox.take(COMMAND, signed) == NOTHING
    assert desk.faces.version == 0 and desk.counted("gallery")


def test_whoever_else_signs_is_not_believed(desk: Desk) -> None:
    stranger: Signer = desk.terminal.signer
    command = desk.terminal.gallery(GalleryPage(hold=(entry("P1", X),), forget=()), from_version=0, to_version=1)
    assert desk.inbox.take(COMMAND, stranger.sign(command)) == NOTHING
    assert desk.faces.version == 0 and desk.counted("untrusted")


def test_what_was_signed_for_another_device_is_not_believed(desk: Desk) -> None:
    command = desk.terminal.gallery(GalleryPage(hold=(), forget=()), from_version=0, to_version=1)
    other = command.model_copy(update={"device": "P99999900001-t2"})
    assert desk.inbox.take(COMMAND, desk.terminal.centre_signer.sign(other)) == NOTHING
    assert desk.counted("untrusted")


@pytest.mark.parametrize(
    ("topic", "swap", "why"),
    [(RECEIPT, True, "untrusted"), (COMMAND, True, "untrusted"), (up(Up.STATE, DEVICE), False, "topic")],
)
def test_a_signature_for_one_use_does_not_serve_another(desk: Desk, topic: str, swap: bool, why: str) -> None:
    receipt = desk.terminal.receipt(epoch=7, up_to=2, head=digest(b"2"))
    command = desk.terminal.centre_signer.sign(desk.terminal.gallery(GalleryPage(hold=(), forget=()), from_version=0, to_version=1))
    payload = (command if topic == RECEIPT else receipt) if swap else receipt
    assert desk.inbox.take(topic, payload) == NOTHING
    assert desk.counted(why) and desk.outbox.backlog().events == 3


@pytest.mark.parametrize("payload", [b"", b"garbage", b"a.b.c", b"\xff" * 100, b"x" * 3_000_000])
def test_garbage_is_counted(desk: Desk, payload: bytes) -> None:
    assert desk.inbox.take(RECEIPT, payload) == NOTHING
    assert desk.counted("untrusted")


def test_every_changed_byte_is_found(desk: Desk) -> None:
    signed = desk.terminal.receipt(epoch=7, up_to=2, head=digest(b"2"))
    for at in range(0, len(signed), 7):
        changed = bytearray(signed)
        changed[at] = ord("A") if changed[at] != ord("A") else ord("B")
        desk.inbox.take(RECEIPT, bytes(changed))
    assert desk.outbox.backlog().events == 3


def asked(**changes: object) -> EvidenceRequest:
    fields = {"device": DEVICE, "at": NOON, "request": "a" * 32, "valid_until": FOREVER, "msgid": "M1", "setl_id": None} | changes
    return EvidenceRequest.model_validate(fields)


def test_a_request_is_noted_once_however_often_it_comes(desk: Desk) -> None:
    roll_call = RollCall(device=DEVICE, at=NOON, request="b" * 32, valid_until=FOREVER, window="W1")
    for command in (asked(), asked(), roll_call, asked(), roll_call):
        assert desk.inbox.take(COMMAND, desk.terminal.centre_signer.sign(command)) == NOTHING
    assert [(one.request, one.msgid, one.window) for one in desk.requests.open()] == [("a" * 32, "M1", None), ("b" * 32, None, "W1")]


def test_a_request_that_comes_too_late_is_not_noted(desk: Desk) -> None:
    desk.inbox.take(COMMAND, desk.terminal.centre_signer.sign(asked(valid_until=desk.clock.now())))
    assert desk.requests.open() == []


def test_a_request_of_anybody_else_is_not_noted(desk: Desk) -> None:
    desk.inbox.take(COMMAND, desk.terminal.signer.sign(asked()))
    desk.inbox.take(COMMAND, desk.terminal.centre_signer.sign(asked(device="P99999900001-t2")))
    assert desk.requests.open() == []


def ordered(kind: type[Configure] | type[Revoke], **changes: object) -> Configure | Revoke:
    own = {"why": "stolen"} if kind is Revoke else {"from_sha256": "0" * 64, "settings": {}}
    fields = {"device": DEVICE, "at": NOON, "request": "c" * 32, "valid_until": FOREVER} | own | changes
    return kind.model_validate(fields)


@pytest.mark.parametrize("kind", [Configure, Revoke])
def test_an_order_is_handed_on_only_when_it_is_signed_by_the_centre_for_this_device(tmp_path: Path, kind: type[Configure | Revoke]) -> None:
    device = Device(make_terminal(tmp_path))
    desk = Desk(device.terminal, device.orders)
    desk.inbox.take(COMMAND, desk.terminal.signer.sign(ordered(kind)))
    desk.inbox.take(COMMAND, desk.terminal.centre_signer.sign(ordered(kind, device="P99999900001-t2")))
    assert device.results() == [] and not device.standing.ledger.revoked
    signed = desk.terminal.centre_signer.sign(ordered(kind))
    assert desk.inbox.take(COMMAND, signed) == NOTHING
    if kind is Revoke:
        assert (device.data / REVOKED).read_bytes() == signed
    else:
        assert [(one.result, one.why) for one in device.results()] == [("refused", "other_settings")]


def test_a_full_disk_loses_no_order_for_it_is_said_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device(make_terminal(tmp_path))
    desk, signed = Desk(device.terminal, device.orders), device.terminal.centre_signer.sign(ordered(Revoke))

    def full(*_: object) -> None:
        raise OSError(28, "no space left")

    with monkeypatch.context() as patch:
        patch.setattr(type(OURS), "write", full)
        assert desk.inbox.take(COMMAND, signed) == NOTHING
    assert not device.standing.ledger.revoked
    desk.inbox.take(COMMAND, signed)
    assert device.standing.ledger.revoked


def test_a_revoked_device_takes_in_nobody(tmp_path: Path) -> None:
    device = Device(make_terminal(tmp_path))
    device.take(device.revoke())
    device.reboot()
    desk = Desk(device.terminal, device.orders)
    page = GalleryPage(hold=(entry("P1", X),), forget=())
    for command in (desk.terminal.gallery(page, from_version=0, to_version=4), asked()):
        assert desk.inbox.take(COMMAND, desk.terminal.centre_signer.sign(command)) == NOTHING
    assert desk.faces.version == 0 and desk.requests.open() == []
    assert desk.inbox.take(RECEIPT, desk.terminal.receipt(epoch=7, up_to=2, head=digest(b"2"))).receipt is not None


def test_without_orders_nobody_changes_anything_from_afar(desk: Desk) -> None:
    for kind in (Configure, Revoke):
        assert desk.inbox.take(COMMAND, desk.terminal.centre_signer.sign(ordered(kind))) == NOTHING
