"""The hot list queues what it concerns for a second look, before and after an entry, refuses nothing, and people decide once."""

from datetime import timedelta
from pathlib import Path

import pytest

from central.audit import service as audit
from central.captures import looks
from central.devices import service as devices
from central.errors import BadInput, Conflict, NotFound
from central.hotlist import service as hotlist
from central.hotlist.model import Decision, HotKind, Look
from contract.events import Outcome
from tests import builders
from tests.central.devices.test_rotation import Desk
from tests.postgres import private_postgres

OTHER_MODEL = builders.SOFTWARE.model_copy(update={"embedder": "other-0123456789ab"})


@pytest.fixture(params=["sqlite", "postgresql"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Desk:
    if request.param == "sqlite":
        return Desk(tmp_path)
    url = request.getfixturevalue("postgres_url")
    return Desk(tmp_path, database_url=url)


@pytest.fixture
def postgres_url(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    with private_postgres(tmp_path_factory.mktemp("postgres")) as url:
        yield url


def listed(desk: Desk, kind: HotKind, value: str, since: timedelta = timedelta(days=1)) -> int:
    with desk.centre.engine.begin() as db:
        return hotlist.distrust(db, kind, value, reason="a test", since=desk.at - since, now=desk.at, actor="zhang.min")


def swept(desk: Desk) -> int:
    desk.at += looks.SETTLED
    with desk.centre.engine.begin() as db:
        return looks.sweep(db, now=desk.at)


def queue(desk: Desk, decision: str | None = "open") -> tuple[Look, ...]:
    with desk.centre.engine.begin() as db:
        return hotlist.looks(db, decision=decision).rows


def subjects(desk: Desk) -> list[str]:
    return sorted(look.subject.rsplit(":", 1)[1] for look in queue(desk))


def test_a_revoked_device_is_looked_at_again_for_seven_days_back(desk: Desk) -> None:
    old = builders.AT - timedelta(days=8)
    desk.take(desk.terminal.event(msgid="OLD", opened_at=old, closed_at=old), desk.terminal.event(builders.manual_check))
    with desk.centre.engine.begin() as db:
        devices.revoke_device(db, builders.DEVICE, now=desk.at, actor="chief", why="stolen")
    assert swept(desk) == 3 and subjects(desk) == ["1", "2", "4"], "captures of the last days and the clerk's word, not the old one"
    assert swept(desk) == 0, "once"
    (why,) = {look.why for look in queue(desk)}
    assert why == "revoked: stolen"
    with desk.centre.engine.begin() as db:
        (again,) = devices.key_history(db, builders.DEVICE)
    assert again.revoked_why == "stolen"


def test_a_longer_look_back_is_asked_for_by_date(desk: Desk) -> None:
    old = builders.AT - timedelta(days=20)
    desk.take(desk.terminal.event(msgid="OLD", opened_at=old, closed_at=old))
    with desk.centre.engine.begin() as db:
        devices.revoke_device(db, builders.DEVICE, now=desk.at, actor="chief", since=old)
    assert swept(desk) == 3


def test_a_device_that_ends_in_order_is_not_doubted(desk: Desk) -> None:
    with desk.centre.engine.begin() as db:
        devices.retire_device(db, builders.DEVICE, why="moved", now=desk.at, actor="chief")
    assert swept(desk) == 0


def test_what_comes_from_now_on_is_queued_with_its_batch_and_taken_as_ever(desk: Desk) -> None:
    listed(desk, HotKind.DEVICE, builders.DEVICE)
    taken = desk.take(desk.terminal.event(outcome=Outcome.SAME, msgid="NEW"))
    assert taken.new_events == 1 and taken.refused == [] and subjects(desk) == ["3"]
    assert swept(desk) == 3 and subjects(desk) == ["1", "2", "3"], "the sweep finds it again and queues it once"


@pytest.mark.parametrize("named", ["other-0123456789ab", "0123456789ab"], ids=["name", "hash"])
def test_a_model_is_found_by_name_or_hash(desk: Desk, named: str) -> None:
    desk.take(desk.terminal.event(software=OTHER_MODEL))
    listed(desk, HotKind.MODEL, named)
    assert swept(desk) == 1
    desk.take(desk.terminal.event(software=OTHER_MODEL), desk.terminal.event())
    assert subjects(desk) == ["3", "4"]


def test_a_clerk_is_found_by_number(desk: Desk) -> None:
    desk.take(desk.terminal.event(builders.manual_check, opter="C7"), desk.terminal.event(builders.manual_check, opter="C8"))
    listed(desk, HotKind.OPERATOR, "C7")
    assert swept(desk) == 1
    desk.take(desk.terminal.event(builders.manual_check, opter="C8"), desk.terminal.event(builders.manual_check, opter="C7"))
    assert subjects(desk) == ["3", "6"]


def test_an_entry_that_ended_asks_no_more_and_its_looks_stay(desk: Desk) -> None:
    number = listed(desk, HotKind.DEVICE, builders.DEVICE)
    desk.take(desk.terminal.event())
    with desk.centre.engine.begin() as db:
        hotlist.end(db, number, why="it was found", now=desk.at, actor="zhang.min")
        with pytest.raises(Conflict):
            hotlist.end(db, number, why="again", now=desk.at, actor="zhang.min")
        with pytest.raises(NotFound):
            hotlist.end(db, 999, why="what", now=desk.at, actor="zhang.min")
    desk.take(desk.terminal.event())
    assert subjects(desk) == ["3"]


def test_people_decide_once_with_a_reason_and_are_named(desk: Desk) -> None:
    number = listed(desk, HotKind.DEVICE, builders.DEVICE)
    desk.take(desk.terminal.event())
    (look,) = queue(desk)
    with desk.centre.engine.begin() as db:
        with pytest.raises(BadInput, match="say why"):
            hotlist.decide(db, look.subject, number, Decision.KEEP, reason=" ", now=desk.at, actor="zhang.min")
        with pytest.raises(BadInput, match="none of"):
            hotlist.decide(db, look.subject, number, "delete", reason="r", now=desk.at, actor="zhang.min")
        with pytest.raises(NotFound):
            hotlist.decide(db, "nobody:1:1", number, Decision.KEEP, reason="r", now=desk.at, actor="zhang.min")
        hotlist.decide(db, look.subject, number, Decision.DISTRUST, reason="the seal was broken", now=desk.at, actor="zhang.min")
        with pytest.raises(Conflict):
            hotlist.decide(db, look.subject, number, Decision.KEEP, reason="r", now=desk.at, actor="zhang.min")
        (known,) = hotlist.looks_at(db, [look.subject])
        assert audit.entries(db, action="look.decide").total == 1
    assert (known.decision, known.reason, known.decided_by) == (Decision.DISTRUST, "the seal was broken", "zhang.min")
    assert queue(desk) == () and len(queue(desk, "distrust")) == 1
    assert desk.numbers() == [1, 2, 3], "nothing was dropped"


@pytest.mark.parametrize(
    ("value", "reason", "since", "match"),
    [
        ("", "r", timedelta(1), "name the device"),
        ("x" * 81, "r", timedelta(1), "name the device"),
        ("a\x00b", "r", timedelta(1), "printable"),
        ("D", "", timedelta(1), "say why"),
        ("D", "r" * 501, timedelta(1), "say why"),
        ("D", "r", timedelta(-1), "a time that has come"),
    ],
)
def test_an_entry_that_says_nothing_is_refused(tmp_path: Path, value: str, reason: str, since: timedelta, match: str) -> None:
    desk = Desk(tmp_path)
    with desk.centre.engine.begin() as db, pytest.raises(BadInput, match=match):
        hotlist.distrust(db, HotKind.DEVICE, value, reason=reason, since=desk.at - since, now=desk.at, actor="zhang.min")


def test_the_same_is_listed_once_unless_it_goes_further_back(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    listed(desk, HotKind.OPERATOR, "C7", timedelta(days=1))
    with pytest.raises(Conflict):
        listed(desk, HotKind.OPERATOR, "C7", timedelta(hours=1))
    listed(desk, HotKind.OPERATOR, "C7", timedelta(days=30))
