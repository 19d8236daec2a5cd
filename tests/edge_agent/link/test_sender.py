"""What is sent next: events before pictures, in order, never more than may be under way, again when receipts fail to come."""

from datetime import UTC, datetime
from itertools import islice

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contract.media import PART_BYTES, media_id, split_wire
from contract.receipts import Receipt
from contract.sealed import Signer, digest
from contract.topics import Up
from edge_agent.chain.outbox import SCHEMA, Outbox
from edge_agent.disk.vault import Vault
from edge_agent.link.sender import Sender
from edge_agent.sections.core import Link
from tests.edge_agent.building import DEVICE
from tests.fakes import HandClock

SIGNER = Signer(Ed25519PrivateKey.generate())


class Bench:
    """An outbox of small events, its sender, and a clock."""

    def __init__(self, events: int = 0, **limits: int) -> None:
        self.outbox = Outbox(Vault.in_memory(SCHEMA), new_epoch=1)
        self.clock = HandClock()
        self.write(events)
        self.sender = Sender(outbox=self.outbox, signer=SIGNER, device=DEVICE, limits=Link(**limits), clock=self.clock)

    def write(self, events: int, *media: bytes) -> None:
        for _ in range(events):
            self.outbox.append(lambda place: str(place.seq).encode(), media)

    def drain(self, most: int = 10_000) -> list[bytes]:
        parcels = islice(iter(self.sender.next, None), most)
        return [b"part" if parcel.channel is Up.MEDIA else parcel.payload for parcel in parcels if parcel]

    def receipt(self, up_to: int, *gaps: tuple[int, int], media: tuple[str, ...] = ()) -> None:
        head = digest(str(up_to).encode())
        at = datetime.now(UTC)
        self.outbox.prune(Receipt(device=DEVICE, epoch=1, up_to=up_to, head=head, gaps=(), media_done=media, at=at))
        self.sender.receipted(up_to, gaps)


def numbers(first: int, last: int) -> list[bytes]:
    return [str(number).encode() for number in range(first, last + 1)]


def test_events_go_in_order_and_once() -> None:
    bench = Bench(100)
    assert bench.drain() == numbers(1, 100)
    assert bench.drain() == []
    bench.write(2)
    assert bench.drain() == numbers(101, 102)


def test_pictures_follow_when_no_event_waits() -> None:
    bench = Bench()
    bench.write(1, b"x" * (2 * PART_BYTES + 1))
    bench.write(1)
    assert bench.drain(3) == [b"1", b"2", b"part"]
    bench.write(1)
    assert bench.drain() == [b"3", b"part", b"part"]


def test_parts_join_to_the_sealed_object() -> None:
    bench = Bench()
    sealed = bytes(range(256)) * 1000
    bench.write(1, sealed)
    parcels = [parcel for parcel in iter(bench.sender.next, None) if parcel.channel is Up.MEDIA]
    assert b"".join(split_wire(parcel.payload).body for parcel in parcels) == sealed


def test_a_silent_centre_is_not_flooded() -> None:
    bench = Bench(50, unreceipted_max=20)
    assert bench.drain() == numbers(1, 20)
    bench.receipt(5)
    assert bench.drain() == numbers(21, 25)


def test_without_receipts_everything_goes_again() -> None:
    bench = Bench(3, resend_after_s=30)
    bench.write(1, b"picture")
    assert bench.drain() == [*numbers(1, 4), b"part"]
    bench.clock.pass_s(29)
    assert not bench.sender.rewind_if_stuck()
    bench.clock.pass_s(2)
    assert bench.sender.rewind_if_stuck()
    assert bench.drain() == [*numbers(1, 4), b"part"]


def test_receipts_put_off_the_second_sending() -> None:
    bench = Bench(10, resend_after_s=30)
    bench.drain()
    for up_to in (3, 6):
        bench.clock.pass_s(29)
        bench.receipt(up_to)
        assert not bench.sender.rewind_if_stuck()
    bench.clock.pass_s(31)
    assert bench.sender.rewind_if_stuck()
    assert bench.drain() == numbers(7, 10)


def test_receipts_that_move_nothing_do_not_put_it_off() -> None:
    """The centre answers each report: if the last events were lost on the way, it does not know of them."""
    bench = Bench(10, resend_after_s=30)
    bench.drain()
    bench.receipt(6)
    for _ in range(2):
        bench.clock.pass_s(20)
        bench.receipt(6)
    assert bench.sender.rewind_if_stuck()
    assert bench.drain() == numbers(7, 10)


def test_pictures_that_take_long_do_not_start_again() -> None:
    bench = Bench(resend_after_s=30)
    bench.write(1, b"x" * (3 * PART_BYTES))
    assert bench.drain(2) == [b"1", b"part"]
    bench.receipt(1)
    for _ in range(2):
        bench.clock.pass_s(29)
        assert not bench.sender.rewind_if_stuck()
        assert bench.drain(1) == [b"part"]
    bench.clock.pass_s(31)
    assert bench.sender.rewind_if_stuck()
    assert bench.drain() == [b"part"] * 3


def test_nothing_under_way_is_not_stuck() -> None:
    bench = Bench(2, resend_after_s=30)
    bench.drain()
    bench.receipt(2)
    bench.clock.pass_s(100)
    assert not bench.sender.rewind_if_stuck()
    bench.clock.pass_s(100)
    bench.sender.next()
    bench.write(1)
    assert bench.drain() == [b"3"]
    assert not bench.sender.rewind_if_stuck()


def test_gaps_go_again_at_once_and_first() -> None:
    bench = Bench(10)
    bench.drain()
    bench.write(1)
    bench.receipt(2, (4, 5), (8, 8))
    assert bench.drain() == [b"4", b"5", b"8", b"11"]


def test_a_huge_gap_is_bounded_and_only_of_what_was_sent() -> None:
    bench = Bench(30, send_window=10)
    bench.drain(20)
    bench.receipt(1, (2, 2**40))
    assert bench.drain(10) == numbers(2, 11)
    assert bench.drain() == numbers(21, 30)


def test_a_new_connection_begins_behind_the_last_receipt() -> None:
    bench = Bench(5)
    bench.drain()
    bench.receipt(2)
    bench.sender = Sender(outbox=bench.outbox, signer=SIGNER, device=DEVICE, limits=Link(), clock=bench.clock)
    assert bench.drain() == numbers(3, 5)


def test_a_picture_receipted_meanwhile_does_not_go_again() -> None:
    bench = Bench(resend_after_s=30)
    bench.write(1, b"picture")
    bench.drain()
    bench.receipt(1, media=(media_id(b"picture"),))
    bench.clock.pass_s(31)
    bench.sender.rewind_if_stuck()
    assert bench.drain() == []
