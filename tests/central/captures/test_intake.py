"""Intake: verify, dedupe, chain, receipts; nothing lost, nothing twice, nothing believed unsigned."""

from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from central.captures import service as captures
from central.captures import tables
from central.captures.intake import Intake
from central.captures.model import Incoming
from central.devices import service as devices
from central.evidence import service as evidence
from central.wiring import Centre
from contract.events import GENESIS, FrameCounts, ManualReason, MediaRef, MediaRole, Outcome
from contract.media import join_wire, media_id, part_headers
from contract.message import MAX_BYTES
from contract.sealed import Signer, digest, picture_purpose, seal
from contract.topics import Up, up
from tests import builders
from tests.central.building import Terminal, make_centre, make_intake, take, unit_vector


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return make_centre(tmp_path)


@pytest.fixture
def terminal(centre: Centre) -> Terminal:
    return Terminal(centre).register()


@pytest.fixture
def intake(centre: Centre) -> Intake:
    return make_intake(centre)


def count(centre: Centre, table: str) -> int:
    with centre.engine.begin() as db:
        return db.scalar(select(func.count()).select_from(getattr(tables, table))) or 0


def irregularities(centre: Centre) -> list[str]:
    with centre.engine.begin() as db:
        return list(db.scalars(select(tables.irregularities.c.kind).order_by(tables.irregularities.c.irregularity_id)))


def test_a_capture_is_stored_and_receipted(centre: Centre, terminal: Terminal, intake: Intake) -> None:
    message = terminal.event(similarity=0.91)
    taken = take(centre, intake, message)
    (receipt,) = taken.receipts
    assert (receipt.up_to, receipt.head, receipt.gaps) == (1, digest(message.payload), ())
    with centre.engine.begin() as db:
        view = captures.get(db, f"{builders.DEVICE}:{builders.EPOCH}:1")
    assert (view.outcome, view.similarity, view.fixmedins_code) == ("same", 0.91, builders.SITE)


def test_the_same_event_again_is_counted_and_receipted_but_not_stored(centre: Centre, terminal: Terminal, intake: Intake) -> None:
    message = terminal.event()
    take(centre, intake, message)
    taken = take(centre, intake, message, message)
    assert (taken.new_events, taken.repeated, taken.receipts[0].up_to) == (0, 2, 1)
    assert count(centre, "captures") == 1


def test_another_event_under_the_same_number_is_a_finding(centre: Centre, terminal: Terminal, intake: Intake) -> None:
    take(centre, intake, terminal.event())
    terminal.seq, terminal.prev = 0, GENESIS
    taken = take(centre, intake, terminal.event(outcome=Outcome.DIFFERENT))
    assert taken.new_events == 0
    assert irregularities(centre) == ["conflict"]
    with centre.engine.begin() as db:
        assert captures.get(db, f"{builders.DEVICE}:{builders.EPOCH}:1").outcome == "same"


def test_gaps_are_named_until_they_are_filled(centre: Centre, terminal: Terminal, intake: Intake) -> None:
    messages = [terminal.event(msgid=f"M{number}") for number in range(6)]
    (receipt,) = take(centre, intake, messages[0], messages[2], messages[5]).receipts
    assert (receipt.up_to, receipt.gaps) == (1, ((2, 2), (4, 5)))
    (receipt,) = take(centre, intake, messages[4], messages[3], messages[1]).receipts
    assert (receipt.up_to, receipt.head, receipt.gaps) == (6, digest(messages[5].payload), ())


def test_a_broken_chain_is_reported_and_the_events_are_kept(centre: Centre, terminal: Terminal, intake: Intake) -> None:
    first = terminal.event()
    terminal.prev = "1" * 64
    (receipt,) = take(centre, intake, first, terminal.event(msgid="M2")).receipts
    assert receipt.up_to == 2
    assert irregularities(centre) == ["broken_chain"]


def test_a_new_epoch_starts_a_new_chain(centre: Centre, terminal: Terminal, intake: Intake) -> None:
    take(centre, intake, terminal.event())
    terminal.seq, terminal.prev = 0, GENESIS
    (receipt,) = take(centre, intake, terminal.event(epoch=builders.EPOCH + 1)).receipts
    assert (receipt.epoch, receipt.up_to) == (builders.EPOCH + 1, 1)


def test_numbers_that_a_device_says_to_have_lost_are_not_waited_for(centre: Centre, terminal: Terminal, intake: Intake) -> None:
    messages = [terminal.event(msgid=f"M{number}") for number in range(6)]
    (receipt,) = take(centre, intake, messages[0], messages[3], messages[5]).receipts
    assert (receipt.up_to, receipt.gaps) == (1, ((2, 3), (5, 5)))
    terminal.seq, terminal.prev, epoch = 0, GENESIS, builders.EPOCH + 1
    loss = terminal.event(builders.loss, epoch=epoch, last_seq=9, lost=((2, 2), (3, 3), (7, 9)))
    new, old = take(centre, intake, loss).receipts
    assert (new.epoch, new.up_to) == (epoch, 1)
    assert (old.epoch, old.up_to, old.head, old.gaps) == (builders.EPOCH, 4, digest(messages[3].payload), ((5, 5),))
    (old,) = take(centre, intake, messages[4]).receipts
    assert (old.up_to, old.head, old.gaps) == (6, digest(messages[5].payload), ())
    with centre.engine.begin() as db:
        (found,) = captures.irregularities(db).rows
    assert (found.kind, found.epoch, found.seq) == ("loss", epoch, 1)
    assert found.reason == f"epoch {builders.EPOCH} up to 9, store_damaged: the device lost 5 numbers: 2, 3, 7-9"


def test_a_lost_event_that_comes_after_all_is_taken(centre: Centre, terminal: Terminal, intake: Intake) -> None:
    messages = [terminal.event(msgid=f"M{number}") for number in range(3)]
    (receipt,) = take(centre, intake, messages[0], messages[2], terminal.event(builders.loss, last_seq=2, lost=((2, 2),))).receipts
    assert (receipt.up_to, receipt.gaps) == (4, ())
    taken = take(centre, intake, messages[1])
    assert (taken.new_events, taken.receipts[0].up_to, irregularities(centre)) == (1, 4, ["loss"])


def hostile(terminal: Terminal) -> dict[str, Incoming]:
    stranger = Signer(Ed25519PrivateKey.generate())
    topic = up(Up.EVENT, terminal.device_id)
    good = terminal.event()
    return {
        "unsigned": Incoming(topic=topic, payload=builders.capture().to_bytes()),
        "wrongly signed": Incoming(topic=topic, payload=stranger.sign(builders.capture())),
        "cut": Incoming(topic=topic, payload=good.payload[:-5]),
        "oversized": Incoming(topic=topic, payload=b"x" * (MAX_BYTES + 1)),
        "empty": Incoming(topic=topic, payload=b""),
        "another family": Incoming(topic=topic, payload=terminal.signer.sign(builders.death())),
        "another device's topic": Incoming(topic=up(Up.EVENT, "P99999900001-t9"), payload=good.payload),
        "no topic of ours": Incoming(topic="v1/up/99/x/event", payload=good.payload),
        "no parts": Incoming(topic=up(Up.MEDIA, terminal.device_id), payload=b"\x00\x00\x00\x05abc"),
    }


def test_hostile_messages_are_counted_and_stop_nothing(centre: Centre, terminal: Terminal, intake: Intake) -> None:
    bad = hostile(terminal)
    terminal.seq, terminal.prev = 0, GENESIS
    taken = take(centre, intake, *bad.values(), terminal.event())
    assert len(taken.refused) == len(bad)
    assert taken.new_events == 1
    with centre.engine.begin() as db:
        assert sum(row.count for row in captures.rejection_counts(db)) == len(bad)


def test_a_revoked_or_unknown_device_is_refused(centre: Centre, intake: Intake) -> None:
    taken = take(centre, intake, Terminal(centre, device_id="P99999900001-t7").event())
    assert [refused.reason for refused in taken.refused] == ["untrusted"]
    assert count(centre, "events") == 0


def test_an_event_of_an_unknown_kind_is_kept_and_receipted(centre: Centre, terminal: Terminal, intake: Intake) -> None:
    future = builders.void().model_construct(**builders.void().model_dump() | {"kind": "strange"})
    message = terminal.send(Up.EVENT, future)
    (receipt,) = take(centre, intake, message).receipts
    assert receipt.up_to == 1
    assert irregularities(centre) == ["unreadable"]


def test_a_capture_for_another_site_is_kept_but_not_believed(centre: Centre, terminal: Terminal, intake: Intake) -> None:
    (receipt,) = take(centre, intake, terminal.event(fixmedins_code="P99999900002")).receipts
    assert receipt.up_to == 1
    assert (count(centre, "captures"), irregularities(centre)) == (0, ["unreadable"])


def test_faces_are_grouped_within_and_across_batches(centre: Centre, terminal: Terminal, intake: Intake) -> None:
    anna = unit_vector("anna")
    faces = [anna, unit_vector("anna again", anna, 0.9), unit_vector("doubtful", anna, 0.55), unit_vector("bert")]
    messages = [terminal.event(msgid=f"M{n}", embedding=terminal.face(face, f"M{n}")) for n, face in enumerate(faces)]
    take(centre, intake, *messages)
    take(centre, make_intake(centre), terminal.event(msgid="M9", embedding=terminal.face(unit_vector("later", anna, 0.8), "M9")))
    with centre.engine.begin() as db:
        rows = {row["msgid"]: (row["face_group"], row["face_band"]) for row in captures.analysis_table(db).to_pylist()}
    group = rows["M0"][0]
    assert rows["M1"] == (group, "same") and rows["M9"] == (group, "same")
    assert rows["M2"][1] == "doubtful" and rows["M3"][1] == "first"
    assert len({rows[name][0] for name in ("M0", "M2", "M3")}) == 3


@pytest.mark.parametrize("vector", [np.full(192, np.nan), np.zeros(192), np.ones(192), np.ones(3)], ids=["nan", "zero", "long", "short"])
def test_a_false_embedding_never_groups_but_the_capture_stays(
    centre: Centre, terminal: Terminal, intake: Intake, vector: np.ndarray
) -> None:
    take(centre, intake, terminal.event(msgid="M1", embedding=terminal.face(unit_vector("anna"), "M1")))
    take(centre, intake, terminal.event(msgid="M2", embedding=terminal.face(vector, "M2")))
    take(centre, intake, terminal.event(msgid="M3", embedding="AAAA"))
    assert (count(centre, "captures"), count(centre, "faces")) == (3, 1)
    assert irregularities(centre) == ["bad_embedding", "bad_embedding"]


def test_hidden_or_hardly_seen_faces_join_no_group(centre: Centre, terminal: Terminal, intake: Intake) -> None:
    face = unit_vector("mask")
    unclear = [
        {"reasons": ("face_covered",)},
        {"reasons": ("too_few_good_frames", "blurred")},
        {"frames": FrameCounts(seen=9, with_subject=9, used=2)},
    ]
    for number, changes in enumerate(unclear):
        take(centre, intake, terminal.event(msgid=f"M{number}", embedding=terminal.face(face, f"M{number}"), **changes))
    assert (count(centre, "captures"), count(centre, "faces"), irregularities(centre)) == (3, 0, [])


def test_unsigned_bytes_are_counted_and_not_kept(centre: Centre, terminal: Terminal, intake: Intake) -> None:
    topic = up(Up.MEDIA, terminal.device_id)
    taken = take(centre, intake, *(Incoming(topic=topic, payload=bytes([number]) * 70_000) for number in range(3)))
    assert [refused.reason for refused in taken.refused] == ["untrusted"] * 3
    assert irregularities(centre) == []


def picture(terminal: Terminal) -> tuple[bytes, MediaRef]:
    sealed = seal(b"\xff\xd8 a picture " * 20_000, terminal.centre.keys.seal_public, picture_purpose(terminal.device_id))
    return sealed, MediaRef(media_id=media_id(sealed), role=MediaRole.BEST, content_type="image/jpeg", size=len(sealed))


def parts(terminal: Terminal, sealed: bytes) -> list[Incoming]:
    topic = up(Up.MEDIA, terminal.device_id)
    return [
        Incoming(topic=topic, payload=join_wire(terminal.signer.sign(header), body))
        for header, body in part_headers(terminal.device_id, sealed)
    ]


def test_a_picture_is_stored_when_all_parts_are_there_in_any_order(centre: Centre, terminal: Terminal, intake: Intake) -> None:
    sealed, ref = picture(terminal)
    wire = parts(terminal, sealed)
    assert len(wire) > 1
    take(centre, intake, terminal.event(media=(ref,)))
    assert take(centre, intake, *reversed(wire[1:]), wire[1]).receipts == []
    (receipt,) = take(centre, intake, wire[0]).receipts
    assert (receipt.media_done, receipt.up_to) == ((ref.media_id,), 1)
    with centre.engine.begin() as db:
        plain = evidence.open_media(db, centre.keys, centre.pictures, media_id=ref.media_id, actor="m", now=builders.AT, why="test")
    assert plain.content.startswith(b"\xff\xd8 a picture")


def test_an_unannounced_or_foreign_picture_is_not_kept(centre: Centre, terminal: Terminal, intake: Intake) -> None:
    sealed, ref = picture(terminal)
    other = Terminal(centre, device_id="P99999900001-t2").register()
    take(centre, intake, *parts(terminal, sealed))
    take(centre, intake, terminal.event(media=(ref,)), *parts(other, sealed))
    with centre.engine.begin() as db:
        assert [row["stored_at"] for row in evidence.of_capture(db, f"{builders.DEVICE}:{builders.EPOCH}:1")] == [None]


def clip_of(terminal: Terminal) -> tuple[bytes, MediaRef]:
    sealed = seal(b"a film " * 40_000, terminal.centre.keys.seal_public, picture_purpose(terminal.device_id))
    return sealed, MediaRef(media_id=media_id(sealed), role=MediaRole.CLIP, content_type="video/webm", size=len(sealed))


def test_film_that_follows_a_capture_is_taken_and_belongs_to_it(centre: Centre, terminal: Terminal, intake: Intake) -> None:
    sealed, ref = clip_of(terminal)
    take(centre, intake, terminal.event())
    taken = take(centre, intake, terminal.event(builders.footage, media=(ref,), missing=None), *parts(terminal, sealed))
    assert [receipt.media_done for receipt in taken.receipts] == [(ref.media_id,)]
    with centre.engine.begin() as db:
        (row,) = evidence.of_capture(db, f"{builders.DEVICE}:{builders.EPOCH}:1")
        assert (row["role"], row["content_type"], row["stored_at"]) == ("clip", "video/webm", builders.AT)
        view = captures.get(db, f"{builders.DEVICE}:{builders.EPOCH}:1")
    assert [(media.role, media.stored) for media in view.media] == [("clip", True)]


def test_film_joins_no_capture_of_another_device(centre: Centre, terminal: Terminal, intake: Intake) -> None:
    other = Terminal(centre, device_id="P99999900001-t2").register()
    sealed, ref = clip_of(other)
    take(centre, intake, terminal.event())
    take(centre, intake, other.event(builders.footage, media=(ref,), missing=None), *parts(other, sealed))
    with centre.engine.begin() as db:
        assert evidence.of_capture(db, f"{builders.DEVICE}:{builders.EPOCH}:1") == []
        assert len(evidence.of_capture(db, f"{other.device_id}:{builders.EPOCH}:1")) == 1


def test_pictures_that_a_device_gave_up_are_noted_and_their_parts_forgotten(centre: Centre, terminal: Terminal, intake: Intake) -> None:
    sealed, ref = picture(terminal)
    wire = parts(terminal, sealed)
    take(centre, intake, terminal.event(media=(ref,)), wire[0])
    taken = take(centre, intake, terminal.event(builders.thinning, media=(ref.media_id,)))
    assert taken.receipts[0].up_to == 2
    assert irregularities(centre) == ["thinned"]
    assert take(centre, intake, *wire[1:]).receipts == []


def test_states_follow_their_connection(centre: Centre, terminal: Terminal, intake: Intake) -> None:
    def online() -> bool:
        with centre.engine.begin() as db:
            return devices.by_site(db, builders.AT)[builders.SITE][0].online

    take(centre, intake, terminal.send(Up.STATE, builders.birth(connection=2)))
    assert online()
    take(centre, intake, terminal.send(Up.STATE, builders.death(connection=1)))
    assert online(), "the will of an earlier connection says nothing of this one"
    take(centre, intake, terminal.send(Up.STATE, builders.health(connection=2, backlog=5)))
    take(centre, intake, terminal.send(Up.STATE, builders.death(connection=2)))
    assert not online()


def test_a_birth_is_answered_with_where_the_centre_stands(centre: Centre, terminal: Terminal, intake: Intake) -> None:
    take(centre, intake, terminal.event())
    (receipt,) = take(centre, intake, terminal.send(Up.STATE, builders.birth())).receipts
    assert receipt.up_to == 1


def test_a_binding_and_a_void_reach_the_capture(centre: Centre, terminal: Terminal, intake: Intake) -> None:
    take(centre, intake, terminal.event(), terminal.event(builders.binding), terminal.event(builders.binding, setl_id="S-2"))
    with centre.engine.begin() as db:
        (row,) = captures.analysis_table(db).to_pylist()
    assert (row["setl_id"], row["voided"]) == ("S-2", False)
    take(centre, intake, terminal.event(builders.void, setl_id="S-2", msgid=None))
    with centre.engine.begin() as db:
        assert captures.analysis_table(db).to_pylist()[0]["voided"] is True


@pytest.mark.parametrize(
    ("seen", "counts"), [("undecided", "manual_verified"), ("blind", "manual_verified"), ("different", "different"), ("same", "same")]
)
def test_a_clerks_late_word_settles_what_could_not_be_judged_and_nothing_else(
    centre: Centre, terminal: Terminal, intake: Intake, seen: str, counts: str
) -> None:
    proxy = {"reason": ManualReason.PROXY, "proxy_psn_no": "P-9"}
    take(centre, intake, terminal.event(outcome=seen), terminal.event(builders.manual_check))
    take(centre, intake, terminal.event(builders.manual_check, **proxy))
    with centre.engine.begin() as db:
        (row,) = captures.analysis_table(db).to_pylist()
        view = captures.get(db, row["capture_id"])
    assert (row["outcome"], view.outcome) == (counts, seen)
    assert (view.opter, view.manual_reason, view.manual_proxy) == ("C7", "proxy", "P-9")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_order_and_repetition_ends_in_the_same_ledger(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    centre = make_centre(tmp_path_factory.mktemp("centre"))
    terminal, intake = Terminal(centre).register(), make_intake(centre)
    messages = [terminal.event(msgid=f"M{number}") for number in range(data.draw(st.integers(1, 12)))]
    last = None
    while last is None or last.up_to < len(messages):
        batch = data.draw(st.lists(st.sampled_from(messages), min_size=1, max_size=6)) if last is None else messages
        last = take(centre, intake, *batch).receipts[-1]
    assert last.head == terminal.prev
    assert count(centre, "captures") == len(messages) == count(centre, "events")
    assert irregularities(centre) == []
