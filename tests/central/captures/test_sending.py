"""Ingest sends orders: signed, to the living, again until they are answered, on after a restart; and cuts off who was ended."""

from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from central.captures.ingest import Ingest
from central.certificates import issue_client, new_key
from central.devices import service as devices
from central.devices.model import NewDevice
from central.hotlist import service as hotlist
from central.orders import service as orders
from central.orders import tables
from central.orders.model import Kind, Order, State
from central.settings import BrokerSettings
from central.wiring import Centre, build_ingest
from contract.commands import Admission, AnyCommand, EvidenceRequest, Revoke, RollCall, parse_command
from contract.sealed import TrustedKey, raw_public, verify
from contract.topics import Down, Up, down, shard
from tests import builders
from tests.builders import AT, DEVICE, MSGID
from tests.central.building import Terminal, make_centre
from tests.central.captures.test_ingest import MemoryBus
from tests.central.devices.rotation import NewKeys, in_use
from tests.central.told import asking, result


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = AT

    def __call__(self) -> datetime:
        return self.at

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class DeafBus(MemoryBus):
    """A broker that is not connected."""

    def publish(self, topic: str, payload: bytes) -> bool:  # noqa: ARG002 - the port's signature
        return False


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def centre(tmp_path: Path, clock: Hands) -> Centre:
    return make_centre(tmp_path, now=clock)


@pytest.fixture
def terminal(centre: Centre) -> Terminal:
    return Terminal(centre).register()


@pytest.fixture
def bus() -> MemoryBus:
    return MemoryBus()


@pytest.fixture
def ingest(centre: Centre, bus: MemoryBus) -> Ingest:
    return build_ingest(centre, bus)


def alive(terminal: Terminal, bus: MemoryBus, ingest: Ingest) -> None:
    bus.deliver(terminal.send(Up.STATE, builders.birth()))
    ingest.turn(Event())


def ask(centre: Centre, clock: Hands) -> Order:
    with centre.engine.begin() as db:
        return orders.ask_film(db, DEVICE, msgid=MSGID, by=asking(at=clock()))


def commands(centre: Centre, bus: MemoryBus) -> list[AnyCommand]:
    """What was sent to the device, checked as a device checks it."""
    key = TrustedKey(centre.keys.signer.public)
    topic = down(Down.COMMAND, DEVICE)
    return [parse_command(verify(payload, {key.kid: key}.get, "command").payload) for sent, payload in bus.published if sent == topic]


def turns(ingest: Ingest, clock: Hands, seconds: int) -> None:
    for _ in range(seconds):
        clock.move(1)
        ingest.turn(Event())


def state(centre: Centre, order: Order, clock: Hands) -> State:
    with centre.engine.begin() as db:
        return orders.get(db, order.request, now=clock()).state


def test_it_is_sent_again_until_it_is_answered(centre: Centre, terminal: Terminal, bus: MemoryBus, ingest: Ingest, clock: Hands) -> None:
    order = ask(centre, clock)
    turns(ingest, clock, 5)
    assert (commands(centre, bus), state(centre, order, clock)) == ([], State.ASKED)
    alive(terminal, bus, ingest)
    turns(ingest, clock, 35)
    sent = commands(centre, bus)
    assert [type(each) for each in sent] == [EvidenceRequest] * 3
    assert {each.request for each in sent if isinstance(each, EvidenceRequest)} == {order.request}
    assert state(centre, order, clock) is State.SENT
    bus.deliver(terminal.event(builders.footage, request=order.request))
    turns(ingest, clock, 60)
    assert (len(commands(centre, bus)), state(centre, order, clock)) == (3, State.ANSWERED)


def test_a_restart_forgets_nothing_and_repeats_nothing(
    centre: Centre, terminal: Terminal, bus: MemoryBus, ingest: Ingest, clock: Hands
) -> None:
    ask(centre, clock)
    alive(terminal, bus, ingest)
    turns(ingest, clock, 1)
    assert len(commands(centre, bus)) == 1
    after = MemoryBus()
    again = build_ingest(centre, after)
    turns(again, clock, 8)
    assert commands(centre, after) == []
    turns(again, clock, 3)
    assert len(commands(centre, after)) == 1


def test_what_the_broker_does_not_take_was_not_sent(centre: Centre, terminal: Terminal, clock: Hands) -> None:
    bus = DeafBus()
    ingest = build_ingest(centre, bus)
    order = ask(centre, clock)
    alive(terminal, bus, ingest)
    turns(ingest, clock, 3)
    assert state(centre, order, clock) is State.ASKED


def test_an_order_that_cannot_be_made_keeps_no_other_waiting(
    centre: Centre, terminal: Terminal, bus: MemoryBus, ingest: Ingest, clock: Hands
) -> None:
    broken = ask(centre, clock)
    with centre.engine.begin() as db:
        db.execute(tables.orders.update().values(body={"msgid": "what no contract allows", "setl_id": None}))
        good = orders.ask_roll_call(db, DEVICE, "W1", by=asking())
    alive(terminal, bus, ingest)
    turns(ingest, clock, 2)
    assert [type(each) for each in commands(centre, bus)] == [RollCall]
    assert (state(centre, broken, clock), state(centre, good, clock)) == (State.ASKED, State.SENT)


def test_nothing_is_sent_when_the_time_is_over(centre: Centre, terminal: Terminal, bus: MemoryBus, ingest: Ingest, clock: Hands) -> None:
    order = ask(centre, clock)
    clock.at = order.valid_until
    alive(terminal, bus, ingest)
    turns(ingest, clock, 3)
    assert (commands(centre, bus), state(centre, order, clock)) == ([], State.EXPIRED)


@pytest.mark.parametrize("own", [True, False])
def test_each_worker_speaks_to_its_own_devices(centre: Centre, terminal: Terminal, bus: MemoryBus, clock: Hands, own: bool) -> None:
    mine = shard(DEVICE) if own else (shard(DEVICE) + 1) % 64
    settings = centre.settings.model_copy(update={"broker": BrokerSettings(shards=(mine,))})
    ingest = Ingest(
        bus=bus, intake=build_ingest(centre, bus)._intake, engine=centre.engine, keys=centre.keys, settings=settings, now=centre.now
    )
    ask(centre, clock)
    alive(terminal, bus, ingest)
    turns(ingest, clock, 2)
    assert bool(commands(centre, bus)) is own


def test_a_device_that_obeyed_is_cut_off_after_its_answer_was_receipted(
    centre: Centre, terminal: Terminal, bus: MemoryBus, ingest: Ingest, clock: Hands
) -> None:
    with centre.engine.begin() as db:
        order = orders.ask_revoke(db, DEVICE, "replaced", by=asking(actor="chief"))
    alive(terminal, bus, ingest)
    turns(ingest, clock, 2)
    assert [type(each) for each in commands(centre, bus)] == [Revoke]
    bus.published.clear()
    bus.deliver(terminal.event(result, request=order.request, result="revoked"))
    turns(ingest, clock, 2)
    assert [topic for topic, _ in bus.published] == [down(Down.RECEIPT, DEVICE)]
    with centre.engine.begin() as db:
        assert devices.device_ids(db) == []


def admissions(bus: MemoryBus, centre: Centre) -> list[Admission]:
    key = TrustedKey(centre.keys.signer.public)
    sent = [
        parse_command(verify(payload, {key.kid: key}.get, "command").payload)
        for topic, payload in bus.published
        if topic == down(Down.COMMAND, DEVICE)
    ]
    return [command for command in sent if isinstance(command, Admission)]


def test_a_device_is_told_of_its_new_certificate_until_it_uses_it(
    centre: Centre, terminal: Terminal, bus: MemoryBus, ingest: Ingest, clock: Hands
) -> None:
    keys = NewKeys()
    alive(terminal, bus, ingest)
    bus.deliver(terminal.event(keys.offer))
    for _ in range(30):
        clock.move(2)
        ingest.turn(Event())
    told = admissions(bus, centre)
    assert len(told) == 3 and {each.kid for each in told} == {keys.signer.kid} and told[0].certificate, "at once, after 10 s, after 20 more"
    terminal.signer = keys.signer
    bus.deliver(terminal.event(in_use))
    for _ in range(10):
        clock.move(60)
        ingest.turn(Event())
    assert len(admissions(bus, centre)) == 3


def test_an_offer_that_is_refused_is_answered_at_once(
    centre: Centre, terminal: Terminal, bus: MemoryBus, ingest: Ingest, clock: Hands
) -> None:
    alive(terminal, bus, ingest)
    keys = NewKeys()
    bus.deliver(terminal.event(lambda **place: keys.offer(**place, proof=NewKeys().offer().proof)))
    clock.move(2)
    ingest.turn(Event())
    (told,) = admissions(bus, centre)
    assert (told.certificate, told.why, told.kid) == (None, "bad_offer", keys.signer.kid)


def test_new_keys_are_ordered_before_a_certificate_ends(centre: Centre, bus: MemoryBus, ingest: Ingest, clock: Hands) -> None:
    certificate = issue_client(centre.keys.authority(), new_key().public_key(), name=DEVICE, now=AT - timedelta(days=730 - 61))
    keys = NewKeys()
    new = NewDevice(
        device_id=DEVICE,
        fixmedins_code=builders.SITE,
        windows=("W1",),
        kid=keys.signer.kid,
        sign_public=keys.signer.public,
        seal_public=raw_public(keys.seal.public_key()),
        certificate=certificate.decode(),
    )
    with centre.engine.begin() as db:
        devices.register_device(db, new, now=AT, actor="test")
    ingest.turn(Event())
    with centre.engine.begin() as db:
        assert orders.list_orders(db, now=clock()).total == 0
    clock.move(2 * 86_400)
    ingest.turn(Event())
    clock.move(7200)
    ingest.turn(Event())
    with centre.engine.begin() as db:
        (order,) = orders.list_orders(db, now=clock()).rows
    assert (order.kind, order.body["why"], order.asked_by) == (Kind.REKEY, "certificate_ends", "ingest")


def test_what_came_before_an_entry_of_the_hot_list_is_queued(
    centre: Centre, terminal: Terminal, bus: MemoryBus, ingest: Ingest, clock: Hands
) -> None:
    bus.deliver(terminal.event())
    ingest.turn(Event())
    with centre.engine.begin() as db:
        devices.revoke_device(db, DEVICE, now=clock(), actor="test")
    clock.move(30)
    ingest.turn(Event())
    with centre.engine.begin() as db:
        assert hotlist.looks(db, decision="open").total == 1
