"""The log in receipts, and what terminals say to have seen of it."""

from pathlib import Path

import pytest
from sqlalchemy import select

from central.captures import tables
from central.captures.intake import Intake
from central.transparency import service as transparency
from central.wiring import Centre
from contract.checkpoints import Checkpoint, VerifierKey, open_note, sign
from contract.events import LogSeen, LogSplit
from contract.state import Birth
from contract.topics import Up
from tests import builders
from tests.central import told
from tests.central.building import Terminal, make_centre, make_intake, take


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return make_centre(tmp_path)


@pytest.fixture
def terminal(centre: Centre) -> Terminal:
    return Terminal(centre).register()


@pytest.fixture
def intake(centre: Centre) -> Intake:
    return make_intake(centre)


def integrate(centre: Centre) -> Checkpoint:
    with centre.engine.begin() as db:
        grown = transparency.integrate(db, centre.keys, builders.AT)
    assert grown is not None
    return grown


def irregularities(centre: Centre) -> list[str]:
    with centre.engine.begin() as db:
        return list(db.scalars(select(tables.irregularities.c.kind)))


def key(centre: Centre) -> VerifierKey:
    return VerifierKey.parse(centre.keys.log_vkey)


def test_only_a_terminal_that_reads_this_log_is_shown_it(centre: Centre, terminal: Terminal, intake: Intake) -> None:
    take(centre, intake, terminal.event())
    grown = integrate(centre)
    (old,) = take(centre, intake, terminal.event()).receipts
    assert old.checkpoint is None
    assert b"checkpoint" not in old.to_bytes(), "an older terminal refuses a receipt with a field that it does not know"
    for key_id, shown in ((key(centre).key_id.hex(), grown), ("00000000", None), (None, None)):
        birth = Birth.model_validate(builders.birth().model_dump() | {"log_key": key_id})
        (receipt,) = take(centre, intake, terminal.send(Up.STATE, birth)).receipts
        assert (None if receipt.checkpoint is None else open_note(receipt.checkpoint, key(centre))) == shown


def test_an_anchor_that_fits_is_kept_and_one_that_does_not_is_irregular(centre: Centre, terminal: Terminal, intake: Intake) -> None:
    for _ in range(3):
        take(centre, intake, terminal.event())
        grown = integrate(centre)
    hour = told.watched(builders.AT)
    seen = LogSeen(size=grown.size, root=grown.root.hex())
    take(centre, intake, terminal.event(lambda **place: told.coverage(hour, **place, log=seen)))
    with centre.engine.begin() as db:
        (anchor,) = transparency.anchors(db)
    assert (anchor.size, anchor.fits, irregularities(centre)) == (grown.size, True, [])
    for false in (LogSeen(size=grown.size, root="0" * 64), LogSeen(size=10**9, root="0" * 64)):
        take(centre, intake, terminal.event(lambda false=false, **place: told.coverage(hour, **place, log=false)))
        with centre.engine.begin() as db:
            assert [each.fits for each in transparency.anchors(db)] == [False]
    assert irregularities(centre) == ["other_log", "other_log"]


def test_an_older_terminal_says_nothing_of_the_log(centre: Centre, terminal: Terminal, intake: Intake) -> None:
    take(centre, intake, terminal.event(lambda **place: told.coverage(told.watched(builders.AT), **place)))
    with centre.engine.begin() as db:
        assert transparency.anchors(db) == []


def test_two_histories_that_a_terminal_was_shown_are_an_irregularity(centre: Centre, terminal: Terminal, intake: Intake) -> None:
    notes = [sign(Checkpoint(origin=centre.keys.log_origin, size=7, root=bytes([n]) * 32), centre.keys.log_private) for n in (1, 2)]
    place = {"epoch": builders.EPOCH, "at": builders.AT, "mono_ns": 1, "clock_offset_ms": None}
    split = {"held": notes[0], "shown": notes[1], "why": "two_roots"}
    take(centre, intake, terminal.event(lambda **named: LogSplit(**place, **split, **named)))
    assert irregularities(centre) == ["split_log"]
