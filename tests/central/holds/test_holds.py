"""What a hold keeps, that retention heeds it, and that a release takes two people."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from central.audit import service as audit
from central.cases import dossier
from central.cases import service as cases
from central.cases.model import Verdict
from central.errors import BadInput, Conflict, NotFound
from central.holds import service as holds
from central.holds.model import Kind, NewHold, SamePerson
from central.packages import service
from central.retention import expire
from central.settings import RetentionSettings
from central.wiring import Centre
from tests import builders
from tests.central.web.consoles import PSN_NO, make_console, make_finding
from tests.postgres import private_postgres

YEARS_LATER = builders.AT + timedelta(days=5000)
CAPTURE = f"{builders.DEVICE}1:{builders.EPOCH}:1"


@pytest.fixture(params=["sqlite", "postgres"])
def centre(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Centre]:
    if request.param == "sqlite":
        yield make_console(tmp_path)
        return
    with private_postgres(tmp_path) as url:
        yield make_console(tmp_path / "centre", database_url=url)


@pytest.fixture
def jr_id(centre: Centre) -> str:
    """A finding that people dismissed: retention keeps nothing of it."""
    jr_id = make_finding(centre)
    with centre.engine.begin() as db:
        cases.review(db, jr_id=jr_id, verdict=Verdict.DISMISS, reason="x", actor="zhang.min", now=centre.now())
    return jr_id


def hold(centre: Centre, kind: Kind, subject: str, **changes: object) -> int:
    new = NewHold(**{"kind": kind, "subject": subject, "reason": "行政复议", "document": "复议〔2026〕1号"} | changes)  # type: ignore[arg-type]
    with centre.engine.begin() as db:
        return service.hold(db, new, actor="zhang.min", now=centre.now())


def pass_years(centre: Centre) -> int:
    return expire(centre.engine, centre.pictures, RetentionSettings(), now=YEARS_LATER)


def span(days: int = 1) -> dict[str, object]:
    return {"since": builders.AT - timedelta(days=days), "until": builders.AT + timedelta(days=1)}


def test_without_a_hold_the_time_is_over(centre: Centre, jr_id: str) -> None:
    assert pass_years(centre) == 1


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_hold_beats_retention_until_two_people_release_it(centre: Centre, jr_id: str, kind: Kind) -> None:
    subject = {Kind.FINDING: jr_id, Kind.CAPTURE: CAPTURE, Kind.DEVICE: f"{builders.DEVICE}1", Kind.SITE: builders.SITE}[kind]
    number = hold(centre, kind, subject, **(span() if kind in (Kind.DEVICE, Kind.SITE) else {}))
    assert pass_years(centre) == 0
    with centre.engine.begin() as db:
        assert holds.held(db, CAPTURE)
        assert holds.held_captures(db) == {CAPTURE}
        assert [each.hold_id for each in holds.holds_of_person(db, PSN_NO)] == [number]
        assert holds.holds_of_person(db, "other") == ()
        holds.ask_release(db, number, reason="复议已结", actor="zhang.min", now=centre.now())
    assert pass_years(centre) == 0, "a request releases nothing"
    with centre.engine.begin() as db, pytest.raises(SamePerson, match="another person"):
        holds.confirm_release(db, number, actor="zhang.min", now=centre.now())
    with centre.engine.begin() as db:
        holds.confirm_release(db, number, actor="li.ying", now=centre.now())
        assert holds.standing(db) == ()
        assert holds.holds_of_person(db, PSN_NO) == ()
        assert {"hold.place", "hold.ask_release", "hold.release"} <= set(audit.actions(db))
    assert pass_years(centre) == 1


def test_a_hold_keeps_what_comes_after_it(centre: Centre) -> None:
    number = hold(centre, Kind.SITE, builders.SITE, **span())
    make_finding(centre)
    with centre.engine.begin() as db:
        assert not holds.held(db, CAPTURE)
        service.extend_holds(db)
        service.extend_holds(db)
        assert holds.held(db, CAPTURE)
        assert [each.hold_id for each in holds.every(db)] == [number]


def test_a_span_holds_its_time_only(centre: Centre, jr_id: str) -> None:
    hold(centre, Kind.SITE, builders.SITE, since=builders.AT + timedelta(days=1), until=builders.AT + timedelta(days=2))
    assert pass_years(centre) == 1


def test_a_request_can_be_refused_and_made_again(centre: Centre, jr_id: str) -> None:
    number = hold(centre, Kind.FINDING, jr_id)
    with centre.engine.begin() as db:
        holds.ask_release(db, number, reason="x", actor="zhang.min", now=centre.now())
        with pytest.raises(Conflict, match="asked for its release already"):
            holds.ask_release(db, number, reason="x", actor="li.ying", now=centre.now())
        holds.refuse_release(db, number, actor="li.ying", now=centre.now())
        with pytest.raises(Conflict, match="nobody has asked"):
            holds.confirm_release(db, number, actor="li.ying", now=centre.now())
        with pytest.raises(Conflict, match="nobody has asked"):
            holds.refuse_release(db, number, actor="li.ying", now=centre.now())
        holds.ask_release(db, number, reason="y", actor="li.ying", now=centre.now())
        holds.confirm_release(db, number, actor="zhang.min", now=centre.now())
        with pytest.raises(Conflict, match="released already"):
            holds.ask_release(db, number, reason="y", actor="li.ying", now=centre.now())
        with pytest.raises(Conflict, match="released already"):
            holds.confirm_release(db, number, actor="li.ying", now=centre.now())
        assert holds.about(db, Kind.FINDING, jr_id)[0].released_by == "zhang.min"
        assert dossier.read(db, jr_id)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reason": " "}, "reason"),
        ({"document": ""}, "document number"),
        ({"document": "x" * 101}, "document number"),
        ({"since": builders.AT}, "no span"),
        ({"kind": Kind.DEVICE, "subject": "d"}, "span of time"),
        ({"kind": Kind.SITE, "subject": "s", "since": builders.AT, "until": builders.AT}, "span of time"),
    ],
)
def test_a_hold_that_cannot_be_is_refused(centre: Centre, jr_id: str, changes: dict[str, object], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        hold(centre, **{"kind": Kind.FINDING, "subject": jr_id} | changes)  # type: ignore[arg-type]


def test_what_is_not_here_cannot_be_held_or_released(centre: Centre) -> None:
    with pytest.raises(NotFound):
        hold(centre, Kind.FINDING, "JR20260102-ID-01-0000000000000000")
    with pytest.raises(NotFound):
        hold(centre, Kind.CAPTURE, "nowhere:1:1")
    with pytest.raises(NotFound, match="keep nothing"):
        hold(centre, Kind.DEVICE, "P99999900001-tl", **span())
    with pytest.raises(NotFound):
        hold(centre, Kind.SITE, "P99999900OO1", **span())
    with centre.engine.begin() as db, pytest.raises(NotFound, match="central evidence holds"):
        holds.ask_release(db, 99, reason="x", actor="a", now=centre.now())
    with centre.engine.begin() as db, pytest.raises(NotFound):
        holds.confirm_release(db, 99, actor="a", now=centre.now())
