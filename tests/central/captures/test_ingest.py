"""The ingest worker: whatever a device sends and whatever the database says, the others' events are committed and receipted."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import OperationalError

from central.captures.ingest import Ingest
from central.captures.model import Incoming
from central.captures.mqtt import Delivery
from central.captures.tables import events, irregularities
from central.people import service as people
from central.people.model import Proxy
from central.wiring import Centre, build_ingest
from contract.receipts import Receipt
from contract.sealed import TrustedKey, verify
from contract.topics import Up, up
from tests import builders
from tests.central.building import Terminal, make_centre
from tests.central.people.test_people import enrol
from tests.postgres import private_postgres


class MemoryBus:
    """A broker in memory that remembers what was acknowledged and published."""

    def __init__(self) -> None:
        self.waiting: list[Delivery] = []
        self.acknowledged: list[Delivery] = []
        self.published: list[tuple[str, bytes]] = []

    def take(self, limit: int, wait_s: float) -> Sequence[Delivery]:  # noqa: ARG002 - the port's signature
        batch, self.waiting = self.waiting[:limit], self.waiting[limit:]
        return batch

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        self.acknowledged.extend(deliveries)

    def publish(self, topic: str, payload: bytes) -> bool:
        self.published.append((topic, payload))
        return True

    def deliver(self, *messages: Incoming) -> None:
        self.waiting.extend(Delivery(message=message, mid=number, qos=1, client=None) for number, message in enumerate(messages))


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return make_centre(tmp_path)


@pytest.fixture
def bus() -> MemoryBus:
    return MemoryBus()


@pytest.fixture
def ingest(centre: Centre, bus: MemoryBus) -> Ingest:
    return build_ingest(centre, bus)


def receipts(centre: Centre, bus: MemoryBus) -> list[Receipt]:
    key = TrustedKey(centre.keys.signer.public)
    return [
        Receipt.from_bytes(verify(payload, {key.kid: key}.get, Receipt.typ).payload)
        for topic, payload in bus.published
        if topic.endswith("receipt")
    ]


def fail_on(ingest: Ingest, monkeypatch: pytest.MonkeyPatch, names: Callable[[Connection], bool], error: Callable[[], Exception]) -> None:
    """Let taking a batch fail while the condition holds."""
    real = ingest._intake.take

    def take(db: Connection, batch: Sequence[Incoming]) -> object:
        taken = real(db, batch)
        if names(db):
            raise error()
        return taken

    monkeypatch.setattr(ingest._intake, "take", take)


def test_receipts_are_signed_and_follow_the_commit(centre: Centre, bus: MemoryBus, ingest: Ingest) -> None:
    terminal = Terminal(centre).register()
    bus.deliver(terminal.event(), terminal.event(msgid="M2"))
    ingest.turn(Event())
    (receipt,) = receipts(centre, bus)
    assert (receipt.up_to, receipt.head, len(bus.acknowledged)) == (2, terminal.prev, 2)


def test_a_locked_database_is_waited_for(centre: Centre, bus: MemoryBus, ingest: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = iter([True, True, False])
    fail_on(ingest, monkeypatch, lambda _: next(tries), lambda: OperationalError("locked", {}, Exception("locked")))
    monkeypatch.setattr("central.captures.ingest._AFTER_FAILURE_S", 0.01)
    bus.deliver(Terminal(centre).register().event())
    ingest.turn(Event())
    assert [receipt.up_to for receipt in receipts(centre, bus)] == [1]


def test_a_poison_event_is_set_aside_and_the_queue_goes_on(
    centre: Centre, bus: MemoryBus, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal, other = Terminal(centre).register(), Terminal(centre, device_id="P99999900001-t2").register()

    def poisoned(db: Connection) -> bool:
        return bool(db.scalar(text("SELECT count(*) FROM captures WHERE msgid = 'POISON'")))

    fail_on(ingest, monkeypatch, poisoned, lambda: OverflowError("too large"))
    bus.deliver(terminal.event(), other.event(), terminal.event(msgid="POISON"), terminal.event(msgid="M3"))
    ingest.turn(Event())
    assert len(bus.acknowledged) == 4
    assert max(receipt.up_to for receipt in receipts(centre, bus) if receipt.device == terminal.device_id) == 3
    with centre.engine.begin() as db:
        kinds = dict(db.execute(select(events.c.seq, events.c.kind).where(events.c.device_id == terminal.device_id)).all())
        assert kinds == {1: "capture", 2: "unreadable", 3: "capture"}
        assert list(db.scalars(select(irregularities.c.kind))) == ["unreadable"]


HOSTILE = {
    "huge counts": {"frames": {"seen": 2**63, "with_subject": 0, "used": 0}},
    "year one": {"at": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=8))).isoformat()},
    "huge epoch": {"epoch": 2**63},
    "NUL": {"software": builders.SOFTWARE.model_dump() | {"agent": "a\x00"}},
}


@pytest.fixture(params=["sqlite", "postgres"])
def hostile_centre(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Centre]:
    """The same centre on both databases."""
    if request.param == "sqlite":
        yield make_centre(tmp_path)
        return
    with private_postgres(tmp_path) as url:
        yield make_centre(tmp_path / "centre", database_url=url)


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize("name", HOSTILE)
def test_signed_nonsense_stops_nobody(hostile_centre: Centre, bus: MemoryBus, name: str) -> None:
    ingest = build_ingest(hostile_centre, bus)
    terminal = Terminal(hostile_centre).register()
    message = builders.capture(device=terminal.device_id)
    nonsense = message.model_copy(update=HOSTILE[name])
    payload = terminal.signer.sign(nonsense)
    bus.deliver(Incoming(topic=up(Up.EVENT, terminal.device_id), payload=payload), terminal.event())
    ingest.turn(Event())
    assert len(bus.acknowledged) == 2
    with hostile_centre.engine.begin() as db:
        assert db.scalar(select(func.count()).select_from(events)) == 1


def test_a_proxy_of_a_whole_ward_does_not_end_ingest(centre: Centre, bus: MemoryBus, ingest: Ingest) -> None:
    terminal = Terminal(centre).register()
    enrol(centre, "PSN-1")
    with centre.engine.begin() as db:
        for number in range(64):
            proxy = Proxy(
                psn_no=f"WARD-{number}",
                proxy_psn_no="PSN-1",
                valid_from=builders.AT,
                valid_to=builders.AT + timedelta(days=900),
                reason="ward",
            )
            people.register_proxy(db, proxy, now=builders.AT, actor="test")
    bus.deliver(terminal.send(Up.STATE, builders.birth()))
    ingest.turn(Event())
    ingest.turn(Event())
    assert [topic for topic, _ in bus.published if topic.endswith("command")]


def test_the_worker_survives_anything_in_its_loop(centre: Centre, bus: MemoryBus, ingest: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, seen = Event(), []

    def turn(_stop: Event) -> None:
        seen.append(1)
        if len(seen) == 1:
            raise RuntimeError("once")
        stop.set()

    monkeypatch.setattr(ingest, "turn", turn)
    monkeypatch.setattr("central.captures.ingest._AFTER_FAILURE_S", 0.01)
    ingest.run(stop)
    assert len(seen) == 2
