"""What devices answer to orders and tell of their watching: stored once, with the order's answer in the same transaction."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from central.captures import service as captures
from central.captures import tables
from central.captures.intake import Intake
from central.devices import service as devices
from central.orders import service as orders
from central.orders.model import Order, State
from central.wiring import Centre
from contract.events import Headcount, MediaRef, MediaRole
from tests import builders
from tests.builders import AT, DEVICE, MSGID
from tests.central.building import Terminal, make_centre, make_intake, take
from tests.central.told import asking, coverage, result, watched

REF = MediaRef(media_id="c" * 64, role=MediaRole.CLIP, content_type="video/webm", size=10)


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return make_centre(tmp_path)


@pytest.fixture
def terminal(centre: Centre) -> Terminal:
    return Terminal(centre).register()


@pytest.fixture
def intake(centre: Centre) -> Intake:
    return make_intake(centre)


@pytest.fixture
def film(centre: Centre, terminal: Terminal) -> Order:
    with centre.engine.begin() as db:
        return orders.ask_film(db, terminal.device_id, msgid=MSGID, by=asking())


def order(centre: Centre, request: str) -> Order:
    with centre.engine.begin() as db:
        return orders.get(db, request, now=AT)


def irregular(centre: Centre) -> list[str]:
    with centre.engine.begin() as db:
        return [row.kind for row in captures.irregularities(db).rows]


def test_film_answers_its_order_and_stands_with_the_capture(centre: Centre, terminal: Terminal, intake: Intake, film: Order) -> None:
    take(centre, intake, terminal.event())
    taken = take(centre, intake, terminal.event(builders.footage, request=film.request, media=(REF,), missing=None, blurred=True))
    answered = order(centre, film.request)
    assert (taken.receipts[0].up_to, irregular(centre)) == (2, [])
    assert (answered.state, answered.result, answered.why, answered.answered_at) == (State.ANSWERED, "film", None, AT)
    with centre.engine.begin() as db:
        shown = captures.get(db, f"{DEVICE}:{builders.EPOCH}:1").media
        found = captures.footage_of(db, DEVICE, film.request)
    assert found is not None
    assert [each.media_id for each in found.media] == [each.media_id for each in shown] == [REF.media_id]
    assert (found.blurred, found.msgid, found.media[0].stored) == (True, MSGID, False)


def test_why_no_film_comes_is_an_answer(centre: Centre, terminal: Terminal, intake: Intake, film: Order) -> None:
    take(centre, intake, terminal.event(builders.footage, request=film.request, window=None, missing="unknown_settlement"))
    answered = order(centre, film.request)
    assert (answered.state, answered.result, answered.why) == (State.ANSWERED, "no_film", "unknown_settlement")


def test_the_clip_of_a_flagged_settlement_answers_nobody(centre: Centre, terminal: Terminal, intake: Intake, film: Order) -> None:
    take(centre, intake, terminal.event(builders.footage, media=(REF,), missing=None))
    assert (order(centre, film.request).state, irregular(centre)) == (State.ASKED, [])


@pytest.mark.parametrize("what", ["unknown", "of another device", "of another kind"])
def test_a_foreign_number_is_remarked_kept_and_receipted(
    centre: Centre, terminal: Terminal, intake: Intake, film: Order, what: str
) -> None:
    other = Terminal(centre, device_id="P99999900001-t2").register()
    message = {
        "unknown": lambda: terminal.event(builders.footage, request="f" * 32),
        "of another device": lambda: other.event(builders.footage, request=film.request),
        "of another kind": lambda: terminal.event(result, request=film.request),
    }[what]()
    taken = take(centre, intake, message)
    assert (taken.new_events, taken.receipts[0].up_to, irregular(centre)) == (1, 1, ["unasked"])
    assert order(centre, film.request).state is State.ASKED


@pytest.mark.parametrize(
    ("said", "why", "detail"),
    [("in_force", None, ""), ("refused", "bad_value", "limits.same: too large"), ("rolled_back", "no_camera", "")],
)
def test_what_became_of_settings_is_noted(
    centre: Centre, terminal: Terminal, intake: Intake, said: str, why: str | None, detail: str
) -> None:
    with centre.engine.begin() as db:
        devices.note_state(db, builders.birth(), now=AT)
        asked = orders.ask_configure(db, DEVICE, {"limits": {"same": 0.7}}, by=asking())
    take(centre, intake, terminal.event(result, request=asked.request, result=said, why=why, detail=detail))
    found = order(centre, asked.request)
    assert (found.state, found.result, found.why, found.detail) == (State.ANSWERED, said, why, detail)


def test_answer_and_order_hold_together_or_not_at_all(centre: Centre, terminal: Terminal, intake: Intake, film: Order) -> None:
    message = terminal.event(builders.footage, request=film.request)
    with pytest.raises(RuntimeError), centre.engine.begin() as db:
        intake.take(db, [message])
        raise RuntimeError("the disk is gone")
    with centre.engine.begin() as db:
        assert captures.footage_of(db, DEVICE, film.request) is None
    assert order(centre, film.request).state is State.ASKED
    take(centre, intake, message)
    assert order(centre, film.request).state is State.ANSWERED


def test_coverage_is_stored_once(centre: Centre, terminal: Terminal, intake: Intake) -> None:
    people = Headcount(role="window", entered=4, stayed=2, most_at_once=3)
    first = AT.replace(minute=0, second=0)
    hours = (watched(first, seen_s=3000, blind=(("frozen", 600),)), watched(first, window="W2", people=people))
    message = terminal.event(lambda **place: coverage(*hours, **place))
    take(centre, intake, message, message)
    take(centre, intake, message)
    with centre.engine.begin() as db:
        assert db.scalar(select(func.count()).select_from(tables.coverage)) == 2
        day = captures.coverage(db, builders.SITE, first.date(), now=first + timedelta(hours=1))
    by_window: dict[str, Any] = {each.window: each for each in day}
    assert (by_window["W1"].seen_s, by_window["W1"].blind_s, by_window["W1"].people) == (3000, {"frozen": 600}, None)
    assert (by_window["W2"].people.entered, by_window["W2"].people.most_at_once) == (4, 3)


def test_irregularities_come_in_pages(centre: Centre, terminal: Terminal, intake: Intake) -> None:
    take(centre, intake, *(terminal.event(builders.footage, request=f"{number:032x}") for number in range(5)))
    take(centre, intake, terminal.event(builders.thinning))
    with centre.engine.begin() as db:
        first = captures.irregularities(db, kind="unasked", size=3)
        second = captures.irregularities(db, kind="unasked", size=3, page=2)
        assert captures.irregularity_kinds(db) == ["thinned", "unasked"]
        assert captures.irregularities(db).total == 6
    assert ([row.seq for row in first.rows], [row.seq for row in second.rows]) == ([5, 4, 3], [2, 1])
    assert (first.total, second.page) == (5, 2)
