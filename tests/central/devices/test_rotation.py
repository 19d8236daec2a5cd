"""Keys change over in the chain: who may offer what, which number may be signed with which key, and who may connect meanwhile."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select
from typer.testing import CliRunner

from central import __main__ as program
from central.captures.intake import Intake, Taken
from central.captures.model import Incoming
from central.captures.tables import events, irregularities
from central.certificates import ends_at, mail_in, serial_of
from central.devices import service as devices
from central.devices.model import OVERLAP, NewDevice
from central.devices.offers import spki, tls_of
from central.errors import Conflict
from central.orders import service as orders
from central.orders.model import Asking, State
from central.wiring import Centre
from contract.sealed import Signer, raw_public, to_text
from contract.topics import Up, up
from tests import builders
from tests.central.building import Terminal, make_centre, make_intake, take
from tests.central.devices.rotation import NewKeys, in_use

OTHER = "P99999900001-t2"


class Desk:
    """A centre, a terminal with some events, and time that is set."""

    def __init__(self, folder: Path, database_url: str = "") -> None:
        self.at = builders.AT
        self.centre: Centre = make_centre(folder, now=lambda: self.at, database_url=database_url)
        self.intake: Intake = make_intake(self.centre)
        self.terminal = Terminal(self.centre).register()
        self.first = self.terminal.signer
        self.take(self.terminal.event(), self.terminal.event())

    def take(self, *messages: Incoming) -> Taken:
        return take(self.centre, self.intake, *messages)

    def offer(self, keys: NewKeys, **changes: object) -> Taken:
        return self.take(self.terminal.event(lambda **place: keys.offer(**(place | changes))))

    def change_over(self, keys: NewKeys) -> Incoming:
        """From here on the terminal signs with them; its first event so."""
        self.terminal.signer = keys.signer
        return self.terminal.event(in_use)

    def irregular(self) -> list[str]:
        with self.centre.engine.begin() as db:
            return list(db.scalars(select(irregularities.c.kind).order_by(irregularities.c.irregularity_id)))

    def numbers(self) -> list[int]:
        with self.centre.engine.begin() as db:
            return list(db.scalars(select(events.c.seq).order_by(events.c.seq)))

    def stolen(self, seq: int, **changes: object) -> Incoming:
        """An event of this number by whoever has the first key."""
        signed = self.first.sign(builders.capture(**({"seq": seq, "msgid": f"STOLEN{seq}"} | changes)))
        return Incoming(topic=up(Up.EVENT, builders.DEVICE), payload=signed)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_key_is_offered_admitted_and_taken_over(desk: Desk) -> None:
    keys = NewKeys()
    with desk.centre.engine.begin() as db:
        order = orders.ask_rekey(db, builders.DEVICE, "routine", by=Asking(actor="test", purpose="yearly", at=desk.at))
    desk.offer(keys, request=order.request)
    with desk.centre.engine.begin() as db:
        (waiting,) = devices.admissions(db)
        assert waiting.kid == keys.signer.kid and devices.current_key(db, builders.DEVICE).kid == desk.first.kid
        assert ends_at(waiting.certificate) - desk.at > timedelta(days=700)
        assert len(devices.clients(db).devices[builders.DEVICE]) == 2, "both certificates are admitted while keys change over"
    backlog = desk.terminal.event()
    taken = desk.take(desk.change_over(keys))
    assert taken.new_events == 1 and not taken.refused
    assert desk.take(backlog).new_events == 1, "signed before the handover, however late it comes"
    with desk.centre.engine.begin() as db:
        old, new = devices.key_history(db, builders.DEVICE)
        assert (old.last_epoch, old.last_seq, old.retired_at) == (builders.EPOCH, 4, desk.at) and new.last_epoch is None
        assert (new.offered_epoch, new.offered_seq) == (builders.EPOCH, 3)
        assert devices.admissions(db) == [] and devices.current_key(db, builders.DEVICE).kid == keys.signer.kid
        assert devices.current_key(db, builders.DEVICE).seal_public == raw_public(keys.seal.public_key())
        assert devices.clients(db).devices == {builders.DEVICE: (mail_in(str(new.certificate)),)}
        answered = orders.get(db, order.request, now=desk.at)
    assert (answered.state, answered.result) == (State.ANSWERED, "in_force")
    assert desk.irregular() == []


def test_a_stolen_old_key_appends_nothing(desk: Desk) -> None:
    keys = NewKeys()
    desk.offer(keys)
    desk.take(desk.change_over(keys), desk.terminal.event())
    taken = desk.take(desk.stolen(6), desk.stolen(5), desk.stolen(90), desk.stolen(1, epoch=builders.EPOCH + 1))
    assert [refused.reason for refused in taken.refused] == ["old_key"] * 4 and taken.new_events == 0
    assert desk.irregular() == ["old_key"] * 4 and desk.numbers() == [1, 2, 3, 4, 5]


def test_what_an_old_key_signs_above_the_handover_is_refused_in_the_very_batch_that_brings_it(desk: Desk) -> None:
    keys = NewKeys()
    desk.offer(keys)
    taken = desk.take(desk.stolen(9), desk.change_over(keys))
    assert [refused.reason for refused in taken.refused] == ["old_key"] and desk.numbers() == [1, 2, 3, 4]


def test_the_handover_falls_with_an_event_that_comes_late(desk: Desk) -> None:
    keys = NewKeys()
    desk.offer(keys)
    first, second = desk.change_over(keys), desk.terminal.event()
    desk.take(second)
    desk.take(first)
    with desk.centre.engine.begin() as db:
        assert devices.key_history(db, builders.DEVICE)[0].last_seq == 3
    assert desk.take(desk.stolen(4)).new_events == 0


def test_what_an_old_key_signs_for_an_earlier_epoch_is_taken_and_remarked(desk: Desk) -> None:
    """A device that salvaged a damaged outbox may send it so, and a thief could: nobody can tell by the number."""
    keys = NewKeys()
    desk.offer(keys)
    desk.take(desk.change_over(keys))
    assert desk.take(desk.stolen(1, epoch=builders.EPOCH - 1)).new_events == 1
    assert desk.irregular() == ["late_epoch"]


def test_whoever_has_an_old_key_offers_no_new_ones(desk: Desk) -> None:
    """Below the handover the old key is still good for events, and an offer is one: it must bring in nobody's keys."""
    keys, theirs, again = NewKeys(), NewKeys(), NewKeys()
    desk.offer(keys)
    offered = desk.first.sign(theirs.offer(epoch=builders.EPOCH - 1))
    taken = desk.take(desk.change_over(keys), Incoming(topic=up(Up.EVENT, builders.DEVICE), payload=offered))
    with desk.centre.engine.begin() as db:
        order = orders.ask_rekey(db, builders.DEVICE, "suspicion", by=Asking(actor="test", purpose="a theft", at=desk.at))
    late = desk.take(Incoming(topic=up(Up.EVENT, builders.DEVICE), payload=desk.first.sign(again.offer(epoch=builders.EPOCH - 2))))
    assert desk.irregular() == ["bad_offer", "late_epoch", "bad_offer"] and taken.answers == late.answers == []
    with desk.centre.engine.begin() as db:
        assert orders.get(db, order.request, now=desk.at).state is not State.ANSWERED, "the terminal may still obey"
        assert [key.kid for key in devices.key_history(db, builders.DEVICE)] == [desk.first.kid, keys.signer.kid]
        assert devices.admissions(db) == []
    forged = Incoming(topic=up(Up.EVENT, builders.DEVICE), payload=theirs.signer.sign(in_use(seq=9)))
    assert [refused.reason for refused in desk.take(forged).refused] == ["untrusted"]
    assert desk.take(desk.terminal.event()).new_events == 1, "the terminal goes on"


@pytest.mark.parametrize("retired", [True, False], ids=["replaced since", "in use"])
def test_a_stolen_new_key_takes_nothing_from_what_the_one_before_it_signed(desk: Desk, retired: bool) -> None:
    """The offer was signed with the key before, so that was good at least up to there, whatever the new key signs."""
    keys, newer = NewKeys(), NewKeys()
    backlog = desk.terminal.event()
    desk.offer(keys)
    desk.take(desk.change_over(keys))
    if retired:
        desk.offer(newer)
        desk.take(desk.change_over(newer))
    desk.intake = make_intake(desk.centre)
    forged = keys.signer.sign(builders.capture(epoch=1, seq=1, msgid="FORGED"))
    desk.take(Incoming(topic=up(Up.EVENT, builders.DEVICE), payload=forged))
    with desk.centre.engine.begin() as db:
        first = devices.key_history(db, builders.DEVICE)[0]
    assert (first.last_epoch, first.last_seq) == (builders.EPOCH, 4)
    assert "early_key" in desk.irregular()
    assert desk.take(backlog).refused == [], "what waited at the terminal is still taken"


def test_a_loss_names_only_numbers_before_its_own(desk: Desk) -> None:
    """An old key is good for earlier epochs: it must not declare lost there what is on its way in this one."""
    keys = NewKeys()
    desk.offer(keys)
    desk.take(desk.change_over(keys))
    waiting = desk.terminal.event()
    desk.take(desk.terminal.event())
    claims = [
        builders.loss(epoch=builders.EPOCH - 1, seq=1, last_seq=5, lost=((5, 5),)),
        builders.loss(epoch=builders.EPOCH - 1, seq=2, last_seq=9, lost=((5, 9),)),
    ]
    taken = desk.take(*(Incoming(topic=up(Up.EVENT, builders.DEVICE), payload=desk.first.sign(claim)) for claim in claims))
    assert {receipt.up_to for receipt in taken.receipts if receipt.epoch == builders.EPOCH} == {4}
    (receipt,) = desk.take(waiting).receipts
    assert receipt.up_to == 6


def test_a_clock_that_was_set_back_makes_no_new_key_the_older_one(desk: Desk) -> None:
    first, second = NewKeys(), NewKeys()
    desk.at -= timedelta(days=1)
    desk.offer(first)
    with desk.centre.engine.begin() as db:
        assert devices.current_key(db, builders.DEVICE).kid == desk.first.kid
    desk.offer(second)
    assert desk.irregular() == []
    desk.take(desk.change_over(second))
    with desk.centre.engine.begin() as db:
        history = {key.kid: key for key in devices.key_history(db, builders.DEVICE)}
        assert history[desk.first.kid].retired_at is not None and history[first.signer.kid].revoked_why == "superseded"
        assert devices.current_key(db, builders.DEVICE).kid == second.signer.kid and devices.admissions(db) == []


def test_an_old_key_reports_nothing_newer_than_the_terminal_did(desk: Desk) -> None:
    """Else whoever stole it would make the terminal look gone, for connections only rise."""
    keys = NewKeys()
    desk.offer(keys)
    desk.take(desk.terminal.send(Up.STATE, builders.birth(connection=5)), desk.change_over(keys))
    forged = [builders.birth(epoch=builders.EPOCH + 9), builders.birth(connection=900), builders.health(connection=900)]
    desk.take(*(Incoming(topic=up(Up.STATE, builders.DEVICE), payload=desk.first.sign(one)) for one in forged))
    desk.take(desk.terminal.send(Up.STATE, builders.birth(connection=6, gallery_version=7)))
    with desk.centre.engine.begin() as db:
        (row,) = devices.by_site(db, desk.at)[builders.SITE]
    assert row.gallery_version == 7


def test_a_worker_that_starts_anew_knows_the_handover(desk: Desk) -> None:
    keys = NewKeys()
    desk.offer(keys)
    desk.take(desk.change_over(keys))
    desk.intake = make_intake(desk.centre)
    desk.take(desk.terminal.event())
    with desk.centre.engine.begin() as db:
        assert devices.key_history(db, builders.DEVICE)[0].last_seq == 3


def test_reports_of_the_old_key_overlap_and_end(desk: Desk) -> None:
    keys = NewKeys()
    desk.offer(keys)
    report = desk.terminal.send(Up.STATE, builders.health())
    desk.take(desk.change_over(keys))
    assert desk.take(report).refused == []
    desk.at += OVERLAP + timedelta(seconds=1)
    assert [refused.reason for refused in desk.take(report).refused] == ["old_key"]


def test_a_replayed_offer_changes_nothing(desk: Desk) -> None:
    keys = NewKeys()
    offered = desk.terminal.event(keys.offer)
    desk.take(offered)
    desk.take(offered)
    desk.offer(keys)
    with desk.centre.engine.begin() as db:
        assert len(devices.key_history(db, builders.DEVICE)) == 2
    desk.take(desk.change_over(keys))
    newer = NewKeys()
    desk.offer(newer)
    desk.take(desk.change_over(newer))
    assert desk.irregular() == []
    desk.offer(keys)
    assert desk.irregular() == [], "the key is known, and stays retired"
    with desk.centre.engine.begin() as db:
        assert [bool(each.retired_at) for each in devices.key_history(db, builders.DEVICE)] == [True, True, False]


def test_the_later_of_two_offers_counts_whatever_comes_first(desk: Desk) -> None:
    lost, kept = NewKeys(), NewKeys()
    first, second = desk.terminal.event(lost.offer), desk.terminal.event(kept.offer)
    desk.take(second)
    taken = desk.take(first)
    assert desk.irregular() == ["bad_offer"] and [answer.why for answer in taken.answers] == ["bad_offer"]
    with desk.centre.engine.begin() as db:
        assert [one.kid for one in devices.admissions(db)] == [kept.signer.kid]
    third = NewKeys()
    desk.offer(third)
    with desk.centre.engine.begin() as db:
        assert [one.kid for one in devices.admissions(db)] == [third.signer.kid]
        assert [key.revoked_why for key in devices.key_history(db, builders.DEVICE)] == [None, "superseded", None]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda _: {"proof": NewKeys().offer().proof}, "proof is not signed"),
        (lambda _: {"seal_public": NewKeys().offer().seal_public}, "proof is not signed"),
        (lambda _: {"csr": to_text(NewKeys().csr)}, "proof is not signed"),
        (lambda _: {"proof": NewKeys(device=OTHER).offer().proof}, "proof is not signed"),
        (lambda _: {"sign_public": "A" * 43}, ""),
        (lambda _: {"csr": to_text(b"\x30\x03\x02\x01\x01")}, "cannot be read"),
        (lambda keys: {"csr": to_text(keys.csr[:-1] + bytes([keys.csr[-1] ^ 1]))}, ""),
    ],
    ids=["another proof", "another seal key", "another request", "of another device", "weak key", "no request", "request changed"],
)
def test_an_offer_that_is_not_the_devices_own_is_refused_and_kept(desk: Desk, spoil: object, says: str) -> None:
    keys = NewKeys()
    taken = desk.offer(keys, **spoil(keys))  # type: ignore[operator]
    assert taken.new_events == 1 and [answer.why for answer in taken.answers] == ["bad_offer"]
    with desk.centre.engine.begin() as db:
        assert len(devices.key_history(db, builders.DEVICE)) == 1 and devices.admissions(db) == []
        (reason,) = db.scalars(select(irregularities.c.reason).where(irregularities.c.kind == "bad_offer"))
    assert says in reason
    assert desk.take(desk.terminal.event()).new_events == 1, "the chain goes on with the key in use"


def test_a_key_that_anybody_can_make_is_refused(desk: Desk) -> None:
    keys = NewKeys()
    keys.sign = Ed25519PrivateKey.from_private_bytes(bytes(32))
    keys.signer = Signer(keys.sign)
    desk.offer(keys)
    assert desk.irregular() == ["bad_offer"]


def test_a_request_for_another_curve_is_refused(desk: Desk) -> None:
    desk.offer(NewKeys(curve=ec.SECP384R1()))
    assert desk.irregular() == ["bad_offer"]


def test_nobody_offers_keys_that_another_device_has_or_had(desk: Desk) -> None:
    theirs = NewKeys()
    other = replace(desk.terminal, device_id=OTHER, signer=theirs.signer, seal_key=theirs.seal, seq=0).register()
    shared = NewKeys()
    shared.sign, shared.signer = theirs.sign, theirs.signer
    desk.offer(shared)
    with desk.centre.engine.begin() as db:
        devices.revoke_device(db, OTHER, now=desk.at, actor="test")
    again = NewKeys()
    again.seal = other.seal_key
    desk.offer(again)
    assert desk.irregular() == ["bad_offer", "bad_offer"]


def test_a_key_offered_for_one_device_is_worth_nothing_on_the_topic_of_another(desk: Desk) -> None:
    other = replace(desk.terminal, device_id=OTHER, signer=NewKeys().signer, seal_key=NewKeys().seal, seq=0, prev="0" * 64).register()
    keys = NewKeys()
    signed = other.signer.sign(keys.offer(seq=9))
    taken = desk.take(Incoming(topic=up(Up.EVENT, builders.DEVICE), payload=signed))
    assert [refused.reason for refused in taken.refused] == ["untrusted"]
    moved = other.event(lambda **place: NewKeys().offer(**(place | {"device": OTHER})))
    desk.take(moved)
    assert desk.irregular() == ["bad_offer"], "the proof names another device"


def test_a_revoked_key_signs_neither_old_nor_new(desk: Desk) -> None:
    late, later = desk.terminal.event(), desk.terminal.event()
    with desk.centre.engine.begin() as db:
        devices.revoke_device(db, builders.DEVICE, now=desk.at, actor="test", why="stolen")
    taken = desk.take(late, later, desk.terminal.send(Up.STATE, builders.health()))
    assert [refused.reason for refused in taken.refused] == ["revoked_key"] * 3 and desk.numbers() == [1, 2]
    assert desk.irregular() == ["revoked_key"] * 2, "what it still sends is kept for an auditor"
    with desk.centre.engine.begin() as db:
        assert devices.clients(db).devices == {}


def test_a_lost_key_is_replaced_at_once(desk: Desk) -> None:
    keys = NewKeys()
    new = NewDevice(
        device_id=builders.DEVICE,
        fixmedins_code=builders.SITE,
        windows=("W1", "W2"),
        kid=keys.signer.kid,
        sign_public=keys.signer.public,
        seal_public=raw_public(keys.seal.public_key()),
    )
    desk.at += timedelta(seconds=1)
    with desk.centre.engine.begin() as db:
        devices.replace_key(db, new, now=desk.at, actor="test")
        assert devices.windows_of(db, builders.DEVICE) == ("W1", "W2")
        assert [key.revoked_why for key in devices.key_history(db, builders.DEVICE)] == ["replaced", None]
        with pytest.raises(Conflict, match="signing key already belongs"):
            devices.replace_key(db, new, now=desk.at, actor="test")
    assert [refused.reason for refused in desk.take(desk.terminal.event()).refused] == ["revoked_key"]
    fresh = Terminal(desk.centre, signer=keys.signer, seal_key=keys.seal)
    assert desk.take(fresh.event(epoch=builders.EPOCH + 10)).new_events == 1


def test_a_terminal_whose_certificate_ended_gets_a_passing_one_for_its_own_key(desk: Desk, tmp_path: Path) -> None:
    keys = NewKeys()
    desk.offer(keys)
    desk.take(desk.change_over(keys))
    settings, out = tmp_path / "central.toml", tmp_path / "passing.crt"
    settings.write_text(f'data_dir = "{tmp_path}"\n', encoding="utf-8")
    desk.at += timedelta(days=731)
    with desk.centre.engine.begin() as db:
        passing = devices.passing_certificate(db, desk.centre.keys, builders.DEVICE, now=desk.at, actor="test").decode()
        assert ends_at(passing) - desk.at == timedelta(days=14) and tls_of(passing) == spki(keys.tls.public_key())
        assert devices.clients(db).devices[builders.DEVICE] == (mail_in(passing),), "every broker knows it"
        assert devices.certificates_ending(db, desk.at) == [builders.DEVICE], "and it is ordered to make new keys"
        ends = ends_at(str(devices.key_history(db, builders.DEVICE)[1].certificate))
        with pytest.raises(Conflict, match="is good until"):
            devices.passing_certificate(db, desk.centre.keys, builders.DEVICE, now=ends - timedelta(seconds=1), actor="test")
    said = CliRunner().invoke(program.app, ["device", "certificate", builders.DEVICE, str(out), "--settings", str(settings)])
    assert (said.exit_code, out.exists()) == ((0, True) if ends <= datetime.now(UTC) else (2, False)), said.output
    assert desk.take(desk.terminal.event()).new_events == 1


def test_certificates_that_end_are_noticed_and_cut_off_ones_are_named(desk: Desk) -> None:
    keys = NewKeys()
    desk.offer(keys)
    desk.take(desk.change_over(keys))
    newer = NewKeys()
    with desk.centre.engine.begin() as db:
        assert devices.certificates_ending(db, desk.at + timedelta(days=700)) == []
        assert devices.certificates_ending(db, desk.at + timedelta(days=731)) == [builders.DEVICE]
        given = orders.rekey_ending(db, desk.at + timedelta(days=731), valid_for=timedelta(days=30), now=desk.at, actor="test")
        assert [order.body["why"] for order in given] == ["certificate_ends"]
        assert orders.rekey_ending(db, desk.at + timedelta(days=731), valid_for=timedelta(days=30), now=desk.at, actor="test") == []
    desk.offer(newer)
    desk.take(desk.change_over(newer))
    with desk.centre.engine.begin() as db:
        replaced = str(devices.key_history(db, builders.DEVICE)[1].certificate)
        assert set(devices.clients(db).cut_off) == {serial_of(replaced)}
        assert devices.certificates_ending(db, desk.at + timedelta(days=700)) == []
