"""A damaged outbox: what can be read is delivered, what is lost is told, and nothing is taken that does not prove itself."""

from collections import deque
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contract.events import Loss
from contract.media import media_id
from contract.receipts import Receipt
from contract.sealed import Signer, digest
from edge_agent.chain.losses import Losses
from edge_agent.chain.outbox import Outbox, Place
from edge_agent.chain.register import Register
from edge_agent.disk import wal
from edge_agent.disk.pages import Pages
from edge_agent.disk.stores import NAME, Opened, open_outbox
from edge_agent.disk.vault import READ, vault_key
from edge_agent.errors import ReceiptRefused
from edge_agent.link.sender import Sender
from edge_agent.sections.core import Link
from edge_agent.session import Start
from edge_agent.wiring import OUTBOX_SCHEMA
from scripts.power.made import ANSWER
from tests import builders
from tests.edge_agent.building import DEVICE
from tests.fakes import HandClock

SIGNER = Signer(Ed25519PrivateKey.generate())
EVENTS = 40


def losses(signer: Signer = SIGNER) -> Losses:
    return Losses(signer=signer, device=DEVICE, clock=HandClock())


def opened(folder: Path, now: int, signer: Signer = SIGNER) -> Opened:
    """With everything that can be salvaged."""
    files = open_outbox(folder, OUTBOX_SCHEMA, now, losses(signer))
    deque(files.pictures, maxlen=0)
    return files


def filled(folder: Path) -> dict[int, bytes]:
    """An outbox of epoch 100 with events, a picture of several pages, an open and a closed session, and an empty log."""
    files = opened(folder, 100)
    for number in range(EVENTS):
        files.outbox.append(lambda place, number=number: void(place, number), [b"\x01picture" * 2000] if number == 5 else [])  # type: ignore[misc]
    register = Register(files.vault)
    for msgid in ("open", "closed"):
        start = Start(msgid=msgid, infno="2102", psn_no="P", mdtrt_cert_type="03", window="W1")
        register.open(start, ANSWER, builders.AT)
    register.close("closed")
    events = dict(files.outbox.events_after(0, EVENTS))
    files.vault.close()
    return events


def void(place: Place, number: int, signer: Signer = SIGNER) -> bytes:
    return signer.sign(builders.void(device=DEVICE, epoch=place.epoch, seq=place.seq, prev=place.prev, setl_id=f"S{number}"))


def spoil(path: Path, page: int, at: int = 2000) -> None:
    data = bytearray(path.read_bytes())
    data[(page - 1) * wal.PAGE + at] ^= 1
    path.write_bytes(data)


def copied(folder: Path) -> Path:
    """What a terminal without power has on its disk."""
    left = folder / "left"
    left.mkdir()
    for name in (NAME, f"{NAME}-wal", "vault.key", "epoch"):
        (left / name).write_bytes((folder / name).read_bytes())
        (left / name).chmod(0o600)
    return left


def page_of(folder: Path, table: str) -> int:
    return Pages(memoryview((folder / NAME).read_bytes()), b"", vault_key(folder / "vault.key")).tables()[table]


def sent(outbox: Outbox) -> list[bytes]:
    sender = Sender(outbox=outbox, signer=SIGNER, device=DEVICE, limits=Link(), clock=HandClock())
    return [parcel.payload for parcel in iter(lambda: sender.next(media=False), None) if parcel]


def the_loss(outbox: Outbox) -> Loss:
    event = losses().ours(outbox.events_after(0, 1)[0][1])
    assert isinstance(event, Loss)
    return event


def test_a_page_is_lost_and_everything_else_delivered(tmp_path: Path) -> None:
    events = filled(tmp_path)
    first = page_of(tmp_path, "events")
    spoil(tmp_path / NAME, first + 8)
    after = opened(tmp_path, 50)
    assert after.set_aside is not None and after.set_aside.exists()
    assert after.outbox.epoch == 101, "above the old one, whatever the clock says"
    loss = the_loss(after.outbox)
    lost = {seq for begin, end in loss.lost for seq in range(begin, end + 1)}
    assert (loss.of_epoch, loss.last_seq, loss.why) == (100, EVENTS, "store_damaged")
    assert len(lost) < 8
    assert sent(after.outbox) == [events[seq] for seq in sorted(events.keys() - lost)] + [after.outbox.events_after(0, 1)[0][1]]
    assert [entry.start.msgid for entry in Register(after.vault).unclosed()] == ["open"]
    assert Register(after.vault).find("closed") is not None


@pytest.mark.parametrize("table", ["events", "chain", "sqlite_schema", "media", "sessions"])
def test_rows_are_found_without_the_page_that_led_to_them(tmp_path: Path, table: str) -> None:
    events = filled(tmp_path)
    spoil(tmp_path / NAME, 1 if table == "sqlite_schema" else page_of(tmp_path, table))
    after = opened(tmp_path, 200)
    assert sent(after.outbox)[:EVENTS] == list(events.values())
    assert the_loss(after.outbox).lost == ()
    assert after.outbox.holds_media(1) or table == "media"


def test_a_flipped_bit_of_the_salt_costs_nothing(tmp_path: Path) -> None:
    events = filled(tmp_path)
    spoil(tmp_path / NAME, 1, at=3)
    after = opened(tmp_path, 200)
    assert sent(after.outbox)[:EVENTS] == list(events.values())
    assert after.outbox.media_after(0) == (1, b"\x01picture" * 2000)


def test_receipts_of_the_old_epoch_delete_what_was_salvaged(tmp_path: Path) -> None:
    events = filled(tmp_path)
    spoil(tmp_path / NAME, page_of(tmp_path, "chain"))
    outbox = opened(tmp_path, 200).outbox

    def receipt(up_to: int, head: str) -> Receipt:
        return Receipt(
            device=DEVICE, epoch=100, up_to=up_to, head=head, gaps=(), media_done=(media_id(b"\x01picture" * 2000),), at=builders.AT
        )

    with pytest.raises(ReceiptRefused):
        outbox.prune(receipt(7, "f" * 64))
    assert outbox.backlog().events == EVENTS + 1
    assert not outbox.prune(receipt(EVENTS - 1, digest(events[EVENTS - 1])))
    assert (outbox.backlog().salvaged, outbox.media_after(0)) == (1, None)
    outbox.prune(receipt(EVENTS, digest(events[EVENTS])))
    assert outbox.backlog().events == 1


def test_it_is_salvaged_once(tmp_path: Path) -> None:
    filled(tmp_path)
    spoil(tmp_path / NAME, page_of(tmp_path, "chain"))
    first = opened(tmp_path, 200)
    assert first.set_aside is not None
    assert first.set_aside.with_name(first.set_aside.name + READ).exists()
    first.vault.close()
    again = opened(tmp_path, 300)
    assert again.set_aside is None
    assert again.outbox.backlog().events == EVENTS + 1


def test_what_another_key_signed_is_not_taken(tmp_path: Path) -> None:
    filled(tmp_path)
    spoil(tmp_path / NAME, page_of(tmp_path, "chain"))
    stranger = Signer(Ed25519PrivateKey.generate())
    after = opened(tmp_path, 200, stranger)
    assert after.outbox.backlog().salvaged == 0


def test_a_torn_end_of_a_log_is_told_from_a_hole_and_from_nothing(tmp_path: Path) -> None:
    files = opened(tmp_path, 100)
    for number in range(6):
        files.outbox.append(lambda place, number=number: void(place, number))  # type: ignore[misc]
    log = (tmp_path / f"{NAME}-wal").read_bytes()
    frames = wal.read(log).frames
    assert all(frame.sound for frame in frames) and not wal.read(log).damaged
    size = wal.FRAME + wal.PAGE

    def flipped(frame: int, at: int = 500) -> wal.Log:
        at += wal.HEADER + frame * size
        return wal.read(log[:at] + bytes([log[at] ^ 1]) + log[at + 1 :])

    last = len(frames) - 1
    for torn in (flipped(last), flipped(last, at=8), flipped(last, at=12), flipped(last, at=20), flipped(last - 1)):
        assert torn.torn and not torn.damaged
    for damaged in (flipped(0), wal.read(bytes([log[0] ^ 1]) + log[1:])):
        assert damaged.damaged and not damaged.torn
    for harmless in (log, log[: -size // 2], log[:-size] + bytes(size), b"", bytes(9000)):
        assert not wal.read(harmless).damaged and not wal.read(harmless).torn


def test_numbers_of_a_torn_end_are_named_and_given_to_nobody(tmp_path: Path) -> None:
    files = opened(tmp_path, 100)
    for number in range(6):
        files.outbox.append(lambda place, number=number: void(place, number))  # type: ignore[misc]
    events = dict(files.outbox.events_after(0, 20))
    left = copied(tmp_path)
    log = wal.read((left / f"{NAME}-wal").read_bytes())
    spoil(left / f"{NAME}-wal", 1, at=wal.HEADER + (len(log.frames) - 1) * (wal.FRAME + wal.PAGE) + 500)
    after = opened(left, 200)
    assert after.set_aside is None and after.outbox.epoch == files.outbox.epoch
    assert sent(after.outbox)[:-1] == [events[seq] for seq in range(1, 6)]
    told = losses().ours(sent(after.outbox)[-1])
    assert isinstance(told, Loss)
    assert (told.of_epoch, told.lost, told.seq, told.why) == (files.outbox.epoch, ((6, 21),), 22, "log_torn")
    assert told.prev == digest(events[5])
    before = sent(after.outbox)
    after.vault.close()
    assert sent(opened(left, 300).outbox) == before, "told once"


def test_a_hole_in_the_log_costs_no_committed_event(tmp_path: Path) -> None:
    files = opened(tmp_path, 100)
    for number in range(10):
        files.outbox.append(lambda place, number=number: void(place, number))  # type: ignore[misc]
    events = dict(files.outbox.events_after(0, 20))
    left = copied(tmp_path)
    spoil(left / f"{NAME}-wal", 1, at=600)
    after = opened(left, 200)
    assert after.set_aside is not None
    lost = {seq for begin, end in the_loss(after.outbox).lost for seq in range(begin, end + 1)}
    assert len(lost) <= 1
    assert sent(after.outbox)[:-1] == [events[seq] for seq in sorted(events.keys() - lost)]
