"""What is logged, by whom, and that the log notices what happens to it afterwards."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from central.audit import service as audit
from central.captures import tables
from central.captures.intake import Intake
from central.captures.logged import unlogged
from central.cases import service as cases
from central.cases.model import Verdict
from central.rules.base import Suspicion
from central.rules.engine import RuleResults
from central.transparency import service as transparency
from central.transparency.model import Kind, Leaf
from central.wiring import Centre
from contract.events import GENESIS, Outcome
from tests import builders
from tests.central.building import Terminal, make_centre, make_intake, take
from tests.central.cases.test_ledger import SUSPICION


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return make_centre(tmp_path)


@pytest.fixture
def intake(centre: Centre) -> Intake:
    return make_intake(centre)


def leaves(centre: Centre, kind: Kind) -> list[Leaf]:
    with centre.engine.begin() as db:
        transparency.integrate(db, centre.keys, builders.AT)
        return [leaf for leaf in transparency.leaves(db, 0, 9999) if leaf.kind == kind]


def faults(centre: Centre) -> list[str]:
    with centre.engine.begin() as db:
        newest = transparency.newest(db)
        assert newest is not None
        return list(unlogged(db, newest.checkpoint.size))


def test_every_event_is_logged_once_with_the_bytes_that_came(centre: Centre, intake: Intake) -> None:
    terminal = Terminal(centre).register()
    messages = [terminal.event() for _ in range(3)]
    take(centre, intake, *messages)
    take(centre, intake, *messages)
    terminal.seq, terminal.prev = 0, GENESIS
    take(centre, intake, terminal.event(outcome=Outcome.DIFFERENT))
    found = leaves(centre, Kind.EVENT)
    assert [leaf.ref for leaf in found] == [f"{builders.DEVICE}/{builders.EPOCH}/{seq}" for seq in (1, 2, 3)]
    assert [leaf.opens(message.payload) for leaf, message in zip(found, messages, strict=True)] == [True] * 3
    assert faults(centre) == []


def test_a_batch_that_fails_logs_nothing(centre: Centre, intake: Intake) -> None:
    terminal = Terminal(centre).register()
    with pytest.raises(RuntimeError), centre.engine.begin() as db:
        intake.take(db, [terminal.event()])
        raise RuntimeError
    assert leaves(centre, Kind.EVENT) == []


def test_an_event_that_is_changed_or_taken_away_afterwards_is_found(centre: Centre, intake: Intake) -> None:
    terminal = Terminal(centre).register()
    take(centre, intake, *(terminal.event() for _ in range(4)))
    leaves(centre, Kind.EVENT)
    ref = f"{builders.DEVICE}/{builders.EPOCH}"
    with centre.engine.begin() as db:
        signed = db.scalars(select(tables.events.c.signed).where(tables.events.c.seq == 2)).one()
        db.execute(update(tables.events).where(tables.events.c.seq == 1).values(signed=signed))
        for table in (tables.faces, tables.captures, tables.events):
            seq = table.c.capture_id.endswith(":3") if "capture_id" in table.c else table.c.seq == 3
            db.execute(delete(table).where(seq))
        transparency.forget(db, "event", f"{ref}/4")
    assert faults(centre) == [
        f"event {ref}/1 is not what was logged",
        f"event {ref}/3 was logged and is gone",
        f"event {ref}/4 is here, but the salt that would prove it was erased",
    ]
    with centre.engine.begin() as db:
        db.execute(update(tables.events).where(tables.events.c.seq == 4).values(signed=b""))
    assert not [fault for fault in faults(centre) if f"{ref}/4" in fault], "erased on request, with its salt: in order"


def test_every_version_of_a_finding_is_logged(centre: Centre) -> None:
    def record(*suspicions: Suspicion) -> None:
        results = RuleResults(suspicions=suspicions, ran=frozenset({SUSPICION.rule_id}), faults=())
        with centre.engine.begin() as db:
            cases.record(db, results, run_id=1, now=builders.AT)

    record(SUSPICION)
    record(SUSPICION)
    record(replace(SUSPICION, vola_cont="另有一次"))
    record()
    found = leaves(centre, Kind.FINDING)
    with centre.engine.begin() as db:
        (finding,) = cases.list_findings(db).rows
        ref, content = cases.stated(db, finding.jr_id)
    assert [leaf.ref for leaf in found] == [f"{finding.jr_id}#{version}" for version in (1, 2, 3)]
    assert (ref, finding.version) == (found[-1].ref, 3)
    assert [leaf.opens(content) for leaf in found] == [False, False, True]
    record(SUSPICION)
    with centre.engine.begin() as db:
        cases.review(db, jr_id=finding.jr_id, verdict=Verdict.CONFIRM, reason="看过录像", actor="monitor", now=builders.AT)
    record()
    assert [leaf.ref for leaf in leaves(centre, Kind.FINDING)][3:] == [f"{finding.jr_id}#4"], "what people decided stays"


def test_every_audit_entry_is_logged_under_its_hash(centre: Centre) -> None:
    with centre.engine.begin() as db:
        audit.record(db, now=builders.AT, actor="li.na", action="picture.view", object="m1", detail={"reason": "复核"})
        entries = audit.entries(db).rows
        assert audit.verify_chain(db).entries == len(entries)
    assert {leaf.ref for leaf in leaves(centre, Kind.AUDIT)} == {entry.sha256 for entry in entries}


def test_entries_from_before_the_log_began_are_vouched_for_by_the_chain(centre: Centre) -> None:
    with centre.engine.begin() as db:
        for table in ("log_pending", "log_leaves"):
            db.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608 - as in a database of an older version
        assert list(audit.unlogged(db)) == []
        audit.record(db, now=builders.AT, actor="li.na", action="picture.view", object="m1")
        transparency.integrate(db, centre.keys, builders.AT)
        assert list(audit.unlogged(db)) == []
