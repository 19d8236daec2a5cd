"""Erased is erased: no byte of the face is left anywhere at the centre, what must stay is named, and the proof is signed."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from central.audit import service as audit
from central.captures import service as captures
from central.cases import service as cases
from central.cases.model import Verdict
from central.db import scrub
from central.errors import BadInput, Conflict, NotFound
from central.holds import service as holds
from central.holds.model import Kind, NewHold
from central.packages import service as packages
from central.people import service as people
from central.rules.base import Suspicion
from central.rules.engine import RuleResults
from central.subjects import report, service
from central.subjects.model import Erasure, ErasureStatement, TerminalState, Why, digest
from central.subjects.service import Eraser
from central.transparency import service as transparency
from central.wiring import Centre
from contract.events import MediaRole, Outcome
from contract.sealed import TrustedKey, Untrusted, verify
from contract.topics import Up
from tests import builders
from tests.central.building import Terminal, make_centre, make_intake, take, unit_vector
from tests.central.people.people import NOW, admit, command_for, page
from tests.central.web.consoles import enclosed, picture
from tests.postgres import private_postgres

ME = unit_vector("PSN-1")


class World:
    """A centre with one person, a terminal that knows them, and captures with vectors and pictures."""

    def __init__(self, folder: Path, database_url: str = "") -> None:
        self.at = NOW
        self.centre: Centre = make_centre(folder, database_url=database_url, now=lambda: self.at)
        self.terminal = Terminal(self.centre).register()
        self.intake = make_intake(self.centre)
        self.pictures: list[str] = []
        admit(self.centre, "PSN-1", ME)

    def seen(self, psn_no: str, outcome: Outcome, vector: np.ndarray) -> str:
        """A capture with face and picture; its name."""
        number = self.terminal.seq + 1
        msgid = f"{builders.MSGID[:-4]}{number:04d}"
        ref, parts = enclosed(self.centre, self.terminal, picture(100 + number), role=MediaRole.BEST, content_type="image/jpeg")
        face = self.terminal.face(vector, msgid)
        event = self.terminal.event(msgid=msgid, psn_no=psn_no, outcome=outcome, embedding=face, media=(ref,))
        assert not take(self.centre, self.intake, event, *parts).refused
        self.pictures.append(ref.media_id)
        return f"{self.terminal.device_id}:{builders.EPOCH}:{number}"

    def eraser(self, actor: str = "clerk") -> Eraser:
        return Eraser(keys=self.centre.keys, files=self.centre.pictures, settings=self.centre.settings, actor=actor)

    def erase(self, why: Why = Why.REQUEST, reference: str = "R-1", now: object = NOW) -> Erasure:
        with self.centre.engine.begin() as db:
            return self.eraser().erase(db, "PSN-1", why, reference, now=now)  # type: ignore[arg-type]

    def stated(self, signed: bytes) -> ErasureStatement:
        key = TrustedKey(self.centre.keys.signer.public)
        return ErasureStatement.from_bytes(verify(signed, {key.kid: key}.get, "erasure").payload)

    def vectors(self) -> dict[str, bool]:
        """Which captures still have a vector and signed bytes."""
        with self.centre.engine.begin() as db:
            held = {row.capture_id for row in db.exec_driver_sql("SELECT capture_id FROM faces")}
            signed = db.exec_driver_sql("SELECT device_id, epoch, seq, signed FROM events WHERE kind = 'capture'").all()
        return {f"{row[0]}:{row[1]}:{row[2]}": bool(row[3]) and f"{row[0]}:{row[1]}:{row[2]}" in held for row in signed}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def suspicion(centre: Centre, capture_id: str) -> str:
    found = Suspicion(
        rule_id="ID-01",
        rule_version=1,
        rule_name="x",
        subject_key=f"{builders.SITE}/S-1",
        fixmedins_code=builders.SITE,
        psn_no="PSN-1",
        occurred_at=NOW,
        vola_cont="x",
        vola_cont_en="x",
        vola_amt=Decimal("1.00"),
        sev_deg="high",
        vola_evid={"capture_ids": [capture_id], "setl_ids": ["S-1"], "psn_nos": ["PSN-1"], "seen": {}},
        vola_bhvr_type="x",
        legal_basis="x",
        limits={},
    )
    with centre.engine.begin() as db:
        cases.record(db, RuleResults(suspicions=(found,), ran=frozenset({"ID-01"}), faults=()), run_id=1, now=NOW)
        return cases.list_findings(db).rows[0].jr_id


def test_everything_of_the_face_goes_and_what_is_anothers_stays(world: World) -> None:
    own = world.seen("PSN-1", Outcome.SAME, ME)
    elsewhere = world.seen("PSN-2", Outcome.PROXY, unit_vector("again", ME, 0.95))
    other = world.seen("PSN-1", Outcome.DIFFERENT, unit_vector("stranger"))
    erased = world.erase()
    assert world.vectors() == {own: False, elsewhere: False, other: True}
    assert [one.what for one in erased.erased].count("capture_vector") == 2
    assert {one.sha256 for one in erased.erased if one.what == "capture_picture"} == set(world.pictures[:2])
    assert len(erased.erased) == 6 and erased.held == ()
    with world.centre.engine.begin() as db:
        assert captures.get(db, own).outcome == "same", "that the settlement was seen stays known"
        assert people.picture_of(db, "PSN-1") is None
        for name in world.pictures[:2]:
            with pytest.raises(NotFound):
                world.centre.pictures.get(name)
        assert audit.verify_chain(db).intact


def test_no_byte_of_a_seal_is_left_in_database_or_store(world: World, tmp_path: Path) -> None:
    own = world.seen("PSN-1", Outcome.SAME, ME)
    with world.centre.engine.begin() as db:
        seals = [row[0] for row in db.exec_driver_sql("SELECT sealed_vector FROM templates UNION ALL SELECT sealed_vector FROM faces")]
    world.erase()
    scrub(world.centre.engine)
    content = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert own.encode() in content and len(seals) == 2
    assert not any(seal[16:48] in content for seal in seals)


def test_the_statement_is_signed_and_cannot_be_changed(world: World) -> None:
    world.seen("PSN-1", Outcome.SAME, ME)
    erased = world.erase(reference="R-77")
    statement = world.stated(erased.statement)
    assert (statement.psn_no, statement.reference, statement.erased_by, statement.count) == ("PSN-1", "R-77", "clerk", 4)
    assert statement.digest == digest(erased.erased) and "R-77" in statement.text_zh and "PSN-1" in statement.text_en
    assert [(one.device, one.state) for one in statement.terminals] == [(builders.DEVICE, TerminalState.PENDING)]
    changed = bytearray(erased.statement)
    changed[len(changed) // 2] ^= 1
    with pytest.raises(Untrusted):
        world.stated(bytes(changed))


def test_terminals_confirm_expire_or_are_out_of_service(world: World) -> None:
    erased = world.erase()

    def states(days: float = 0) -> set[TerminalState]:
        with world.centre.engine.begin() as db:
            return {one.state for one in service.terminals_of(db, erased, now=NOW + timedelta(days=days), gallery_days=30)}

    assert (states(), states(31)) == ({TerminalState.PENDING}, {TerminalState.EXPIRED})
    command = command_for(world.centre, world.terminal)
    assert command is not None and page(world.centre, world.terminal).forget == ("PSN-1",)
    told = builders.birth(gallery_version=command.to_version)
    take(world.centre, world.intake, world.terminal.send(Up.STATE, told))
    assert states() == {TerminalState.CONFIRMED}
    with world.centre.engine.begin() as db:
        statement = world.stated(world.eraser("auditor").restate(db, erased, now=NOW))
        assert "1 台已确认" in statement.text_zh
        assert [one.actor for one in audit.about(db, ["PSN-1"]) if one.action == "person.statement"] == ["auditor"]


def test_after_a_withdrawn_consent_the_till_checks_by_hand(world: World) -> None:
    world.erase(Why.WITHDRAWN, "W-1")
    found = page(world.centre, world.terminal)
    assert ([one.psn_no for one in found.exempt], found.hold) == (["PSN-1"], ())
    with world.centre.engine.begin() as db:
        kept = people.kept_of(db, "PSN-1", now=NOW)
        assert kept.exempt and kept.exemptions[0]["reason"] == "withdrawn" and kept.templates == ()


def test_an_open_finding_and_a_hold_keep_their_part_and_the_rest_goes_when_they_end(world: World) -> None:
    in_case, free = world.seen("PSN-1", Outcome.SAME, ME), world.seen("PSN-1", Outcome.SAME, ME)
    number = suspicion(world.centre, in_case)
    erased = world.erase()
    assert {(one.what, one.name, one.reference) for one in erased.held} == {
        ("enrolment", "PSN-1", number),
        ("capture", in_case, number),
    }
    assert world.vectors() == {in_case: True, free: False}
    assert page(world.centre, world.terminal).forget == ("PSN-1",), "kept for the case, compared with nobody"
    assert number in world.stated(erased.statement).text_zh

    def finish() -> int:
        parts = (world.centre.engine, world.centre.keys, world.centre.pictures, world.centre.settings)
        return service.finish_held(*parts, now=NOW, progress=lambda _: None)

    with world.centre.engine.begin() as db:
        hold = NewHold(kind=Kind.CAPTURE, subject=in_case, reason="court", document="H-1")
        holds.place(db, hold, captures=[in_case], persons=["PSN-1"], actor="a", now=NOW)
        cases.review(db, jr_id=number, verdict=Verdict.DISMISS, reason="no", actor="m", now=NOW)
    assert finish() == 0 and world.vectors()[in_case]
    with world.centre.engine.begin() as db:
        holds.ask_release(db, 1, reason="done", actor="a", now=NOW)
        holds.confirm_release(db, 1, actor="b", now=NOW)
    assert finish() == 1
    assert world.vectors() == {in_case: False, free: False}
    assert finish() == 0
    with world.centre.engine.begin() as db:
        newest, *_, oldest = service.of_person(db, "PSN-1")
        assert (newest.why, newest.held, oldest.why) == (Why.COMPLETED, (), Why.REQUEST)


def finish(world: World) -> int:
    parts = (world.centre.engine, world.centre.keys, world.centre.pictures, world.centre.settings)
    return service.finish_held(*parts, now=world.at, progress=lambda _: None)


def test_who_enrolled_again_stays_enrolled_when_what_was_held_goes(world: World) -> None:
    in_case = world.seen("PSN-1", Outcome.SAME, ME)
    number = suspicion(world.centre, in_case)
    world.erase()
    world.at = NOW + timedelta(days=30)
    admit(world.centre, "PSN-1", ME)
    later = world.seen("PSN-1", Outcome.SAME, ME)
    with world.centre.engine.begin() as db:
        cases.review(db, jr_id=number, verdict=Verdict.DISMISS, reason="no", actor="m", now=world.at)
    assert (finish(world), finish(world)) == (1, 0)
    assert world.vectors() == {in_case: False, later: True}
    with world.centre.engine.begin() as db:
        kept = people.kept_of(db, "PSN-1", now=world.at)
        newest, _oldest = service.of_person(db, "PSN-1")
    assert [row["current"] for row in kept.templates] == [True]
    assert {one.what for one in newest.erased} == {"template", "enrolment_picture", "capture_vector", "capture_picture"}
    assert (newest.held, newest.terminals) == ((), {})


def test_what_was_held_and_went_otherwise_stops_nobody(world: World) -> None:
    """A capture without face and picture was held; nothing is left of it to erase, and the daily run goes on to the next person."""
    events = [world.terminal.event(psn_no=psn_no, outcome=Outcome.SAME) for psn_no in ("PSN-2", "PSN-1")]
    take(world.centre, world.intake, *events)
    other, name = (f"{world.terminal.device_id}:{builders.EPOCH}:{number}" for number in (1, 2))
    with world.centre.engine.begin() as db:
        hold = NewHold(kind=Kind.CAPTURE, subject=other, reason="court", document="H-1")
        holds.place(db, hold, captures=[other, name], persons=["PSN-2"], actor="a", now=NOW)
    assert [one.name for one in world.erase().held] == [name]
    with world.centre.engine.begin() as db:
        holds.ask_release(db, 1, reason="done", actor="a", now=NOW)
        holds.confirm_release(db, 1, actor="b", now=NOW)
    assert (finish(world), finish(world)) == (1, 0)


def test_a_hold_keeps_what_came_after_it_from_being_erased(world: World) -> None:
    with world.centre.engine.begin() as db:
        span = {"since": NOW - timedelta(days=1), "until": NOW + timedelta(days=7)}
        hold = NewHold(kind=Kind.SITE, subject=builders.SITE, reason="court", document="H-1", **span)
        packages.hold(db, hold, actor="a", now=NOW)
    seen = world.seen("PSN-1", Outcome.SAME, ME)
    assert {one.name for one in world.erase().held} == {"PSN-1", seen}
    assert world.vectors() == {seen: True}


def test_the_access_report_tells_of_no_pending_matter(world: World) -> None:
    """Who looked is told; that it was for an open finding, a package or a doubt would warn whom it concerns, or accuse too early."""
    seen = world.seen("PSN-1", Outcome.SAME, ME)
    number = suspicion(world.centre, seen)
    reasons = (f"finding {number}", "package EP20260102-0000000000000000", "duplicate 7", "complaint 7")

    def looks() -> list[str]:
        with world.centre.engine.begin() as db:
            return [look.why for look in report.make(db, "PSN-1", "R-1", world.centre.settings, now=NOW, actor="clerk").looks]

    with world.centre.engine.begin() as db:
        for why in reasons:
            audit.record(db, now=NOW, actor="m", action="picture.view", object=world.pictures[0], detail={"why": why})
    assert looks() == ["", "", "", "complaint 7"]
    with world.centre.engine.begin() as db:
        cases.review(db, jr_id=number, verdict=Verdict.DISMISS, reason="no", actor="m", now=NOW)
    assert looks() == [f"finding {number}", "", "", "complaint 7"]


def test_what_was_irregular_about_a_capture_keeps_no_copy_of_it(world: World) -> None:
    """A vector sealed for another settlement is remarked, and the whole event was kept with the remark."""
    sealed = world.terminal.face(ME, "another")
    event = world.terminal.event(psn_no="PSN-1", outcome=Outcome.SAME, embedding=sealed)
    take(world.centre, world.intake, event)
    count = "SELECT count(*) FROM irregularities WHERE signed <> ?"
    with world.centre.engine.begin() as db:
        assert db.exec_driver_sql(count, (b"",)).scalar() == 1
    world.erase()
    with world.centre.engine.begin() as db:
        assert db.exec_driver_sql(count, (b"",)).scalar() == 0
        assert db.exec_driver_sql("SELECT length(sha256) FROM irregularities").scalar() == 64


def test_a_picture_on_its_way_does_not_come_back(world: World) -> None:
    ref, parts = enclosed(world.centre, world.terminal, bytes(range(256)) * 4000, role=MediaRole.BEST, content_type="image/jpeg")
    assert len(parts) > 1
    event = world.terminal.event(psn_no="PSN-1", outcome=Outcome.SAME, media=(ref,))
    take(world.centre, world.intake, event, *parts[:1])
    world.erase()
    told = take(world.centre, world.intake, *parts)
    assert ref.media_id in told.receipts[0].media_done, "the terminal need not send it again and again"
    with world.centre.engine.begin() as db:
        assert db.exec_driver_sql("SELECT count(*) FROM media_parts").scalar() == 0
    assert not [path for path in world.centre.settings.evidence_dir.rglob("*") if ref.media_id in path.name]


def test_an_erased_capture_can_no_longer_be_shown_to_be_in_the_log(world: World) -> None:
    own = world.seen("PSN-1", Outcome.SAME, ME)
    device, epoch, seq = own.rsplit(":", 2)
    with world.centre.engine.begin() as db:
        transparency.integrate(db, world.centre.keys, NOW)
    world.erase()
    with world.centre.engine.begin() as db:
        assert transparency.proof(db, "event", f"{device}/{epoch}/{seq}").salt is None  # type: ignore[union-attr]


def test_what_cannot_be_erased_says_why(world: World) -> None:
    with pytest.raises(BadInput, match="reference"):
        world.erase(reference=" ")
    world.erase()
    with pytest.raises(Conflict, match="nothing is kept"):
        world.erase()
    with pytest.raises(NotFound, match="NOBODY"), world.centre.engine.begin() as db:
        world.eraser().erase(db, "NOBODY", Why.REQUEST, "R", now=NOW)


def test_it_is_the_same_on_postgresql(tmp_path: Path) -> None:
    with private_postgres(tmp_path) as url:
        world = World(tmp_path / "centre", url)
        own = world.seen("PSN-1", Outcome.SAME, ME)
        erased = world.erase(Why.WITHDRAWN)
        assert len(erased.erased) == 4 and world.vectors() == {own: False}
        with world.centre.engine.begin() as db:
            assert service.get(db, erased.erasure_id) == erased
            assert captures.count_strangers(db) == 0 and captures.erased_since(db, NOW)
            assert audit.verify_chain(db).intact
        world.centre.engine.dispose()
