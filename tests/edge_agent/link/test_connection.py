"""A connection against a broker that counts, over a line that fails: the window, silence, and an exception wherever one can come from."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from contract.media import PART_BYTES
from edge_agent.chain.outbox import Outbox
from edge_agent.link import connection as connection_module
from edge_agent.link.connection import MEDIA_UNDER_WAY, Connection
from edge_agent.link.inbox import Inbox
from edge_agent.link.sender import Sender
from edge_agent.link.states import States
from edge_agent.session import Void
from scripts.benchmarks.counting_broker import CountingBroker, packet, packets
from scripts.benchmarks.cutter import Cutter, Fault
from scripts.benchmarks.drain import write
from scripts.benchmarks.lossy_line import LossyLine
from scripts.benchmarks.sending import SITE, WINDOW, SendingHalf, sending_half
from scripts.stack import Stack, free_port
from tests.edge_agent.broker import wait

QUICK = "[link]\nsend_window = 16\nresend_after_s = 1\nreconnect_max_s = 0.2\nhealth_every_s = 0.3\n"
BIRTHS = 2  # state messages of a connection while nothing is answered: one at once, then more rarely


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """Keys of both sides and an enrolled terminal; nothing of it runs."""
    return Stack(tmp_path_factory.mktemp("line") / "stack", SITE, {WINDOW: "none.mkv"}, agent_toml=QUICK)


@contextmanager
def new_half(stack: Stack, broker_port: int | None = None) -> Iterator[SendingHalf]:
    """The terminal with an empty outbox."""
    for path in (stack.agent_folder / "data").glob("*"):
        path.unlink()
    with sending_half(stack, broker_port=broker_port) as one:
        yield one


@pytest.fixture
def half(stack: Stack) -> Iterator[SendingHalf]:
    with new_half(stack) as one:
        yield one


def say(half: SendingHalf, *media: bytes) -> None:
    half.outbox.append(lambda place: half.scribe.void(Void(setl_id=f"S{place.seq}"), None, place), media)


def empty(half: SendingHalf) -> bool:
    return half.outbox.backlog().events == 0


def test_packets_come_back_whole_from_any_pieces() -> None:
    wire = b"".join(packet(3, bytes(size), flags=2) for size in (0, 1, 127, 128, 16_383, 16_384, 200_000))
    for piece in (1, 7, 4096):
        buffer, found = bytearray(), []
        for at in range(0, len(wire), piece):
            buffer += wire[at : at + piece]
            found += list(packets(buffer))
        assert [(kind, flags, len(body)) for kind, flags, body in found] == [
            (3, 2, size) for size in (0, 1, 127, 128, 16_383, 16_384, 200_000)
        ]


def test_the_window_holds_on_every_connection_and_for_reports_too(stack: Stack, half: SendingHalf) -> None:
    write(half, 200)
    with CountingBroker(stack.centre.keys, stack.broker_port, hold_s=None) as broker:
        half.connect()
        assert wait(lambda: broker.counts.most_unacknowledged == 16)
        time.sleep(0.5)  # a report is due meanwhile, and has to wait for room
        broker.cut()
        assert wait(lambda: broker.counts.connections >= 2 and broker.counts.published >= 32)
        time.sleep(0.5)
        assert broker.counts.most_unacknowledged == 16
        broker.hold_s = 0.0
        broker.cut()
        assert wait(lambda: empty(half))
        assert broker.counts.most_unacknowledged == 16 and broker.counts.events == 200 and not broker.counts.faults


def test_a_broker_that_never_acknowledges_is_left_and_tried_again_with_more_patience(stack: Stack, half: SendingHalf) -> None:
    say(half)
    with CountingBroker(stack.centre.keys, stack.broker_port, hold_s=None) as broker:
        half.connect()
        assert wait(lambda: broker.counts.connections >= 2)
        begun = time.monotonic()
        assert wait(lambda: broker.counts.connections >= 3)
        assert time.monotonic() - begun > 1.4 * connection_module.HELLO_S
        broker.hold_s = 0.0
        assert wait(lambda: empty(half))


def test_pictures_leave_room_for_events(stack: Stack, half: SendingHalf) -> None:
    half.outbox.append(
        lambda place: half.scribe.void(Void(setl_id="S1"), None, place), [bytes([number]) * PART_BYTES for number in range(9)]
    )
    with CountingBroker(stack.centre.keys, stack.broker_port, hold_s=None) as broker:
        half.connect()
        most = MEDIA_UNDER_WAY // PART_BYTES + 1
        assert wait(lambda: broker.counts.events == 1 and broker.counts.pictures >= most - 1)
        say(half)
        assert wait(lambda: broker.counts.events == 2), "an event must not wait for pictures"
        assert broker.counts.connections == 1 and broker.counts.pictures <= most
        broker.hold_s = 0.0
        broker.cut()
        assert wait(lambda: broker.counts.pictures == 9 and half.outbox.media_after(0) is None)


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.HOLE, Fault.HALF_OPEN])
def test_it_comes_back_after_the_line_failed(stack: Stack, fault: Fault) -> None:
    port = free_port()
    with (
        CountingBroker(stack.centre.keys, stack.broker_port, hold_s=0.0),
        Cutter(stack.broker_port, port) as cutter,
        new_half(stack, port) as half,
    ):
        half.connect()
        say(half)
        assert wait(lambda: empty(half))
        taken = cutter.taken
        cutter.set(fault)
        say(half)
        time.sleep(0.3)
        assert not empty(half) or fault is Fault.HALF_OPEN
        cutter.set(Fault.NONE)
        assert wait(lambda: empty(half)) and cutter.taken > taken


def test_events_that_were_acknowledged_and_lost_are_named_and_sent_again(stack: Stack) -> None:
    port, lost = free_port(), {3, 4, 7}

    def loses(seq: int) -> bool:
        return seq in lost and not lost.discard(seq)

    with (
        CountingBroker(stack.centre.keys, stack.broker_port, hold_s=0.0) as broker,
        LossyLine(stack.centre.keys, stack.agent_folder, stack.broker_port, port, loses) as line,
        new_half(stack, port) as half,
    ):
        write(half, 9)
        half.connect()
        assert wait(lambda: empty(half))
        assert set(line.lost) == {3, 4, 7} and broker.counts.events == 9 and broker.counts.connections == 1


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[CountingBroker, SendingHalf]]:
    """A terminal that is connected all the time."""
    stack = Stack(tmp_path_factory.mktemp("running") / "stack", SITE, {WINDOW: "none.mkv"}, agent_toml=QUICK)
    with CountingBroker(stack.centre.keys, stack.broker_port, hold_s=0.0) as broker, sending_half(stack) as one:
        one.connect()
        yield broker, one


STEPS: list[tuple[Any, str]] = [
    *((Connection, name) for name in ("_on_connect", "_on_disconnect", "_on_subscribe", "_on_publish", "_on_message")),
    *((Connection, name) for name in ("__init__", "open", "loop", "publish", "received", "close", "_new_client")),
    *((connection_module, name) for name in ("_no_delay", "new_tls", "_patient")),
    *((Sender, name) for name in ("__init__", "next", "receipted", "rewind_if_stuck")),
    *((States, name) for name in ("birth", "health", "death")),
    (Inbox, "take"),
    (Outbox, "events_after"),
    (Outbox, "prune"),
]


@pytest.mark.parametrize(("owner", "name"), STEPS, ids=[f"{owner.__name__.split('.')[-1]}.{name}" for owner, name in STEPS])
def test_an_exception_anywhere_costs_one_connection_and_no_event(
    running: tuple[CountingBroker, SendingHalf], monkeypatch: pytest.MonkeyPatch, owner: Any, name: str
) -> None:
    broker, half = running
    raised: list[str] = []
    monkeypatch.setattr(owner, name, _broken_twice(getattr(owner, name), raised))
    for _ in range(10):  # a callback belongs to its connection: it is another one from the next on
        broker.cut()
        say(half)
        if wait(lambda: len(raised) == 2, 1.5):
            break
    assert len(raised) == 2, "the exception never came"
    say(half)
    assert wait(lambda: empty(half)) and wait(lambda: half.link.connected)
    assert b'edge_failures_total{step="link"}' in half.metrics.text() and not broker.counts.faults


def _broken_twice(whole: Callable[..., Any], raised: list[str]) -> Callable[..., Any]:
    def broken(*arguments: Any, **named: Any) -> Any:
        if len(raised) < 2:
            raised.append(whole.__name__)
            raise RuntimeError(f"{whole.__name__} broke")
        return whole(*arguments, **named)

    return broken
