"""Proxies, staff, exceptions and the watch list: what is entered, what the terminals hear of it, and when it is over."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from central.audit import service as audit
from central.errors import BadInput, Conflict, NotFound
from central.people import counts, lists, watch
from central.people import service as people
from central.people.model import ExemptReason, NewWatch, OneselfConfirmed, Proxy
from central.settings import PeopleSettings
from central.wiring import Centre
from contract.commands import GalleryRole
from tests.builders import SITE
from tests.central.building import Terminal, make_centre
from tests.central.people.people import CONSENT, NOW, admit, command_for, page
from tests.postgres import private_postgres

DAY = timedelta(days=1)


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return make_centre(tmp_path)


@pytest.fixture
def terminal(centre: Centre) -> Terminal:
    return Terminal(centre).register()


def proxy(centre: Centre, psn_no: str, proxy_psn_no: str, start: float = 0, end: float = 9, **changes: Any) -> None:
    entry = Proxy(psn_no=psn_no, proxy_psn_no=proxy_psn_no, valid_from=NOW + start * DAY, valid_to=NOW + end * DAY, reason="family")
    with centre.engine.begin() as db:
        people.register_proxy(db, entry, now=NOW, actor="clerk", **changes)


def except_person(centre: Centre, psn_no: str, **changes: Any) -> int:
    told: dict[str, Any] = {"now": NOW, "actor": "clerk", **changes}
    with centre.engine.begin() as db:
        return people.add_exemption(db, psn_no, ExemptReason.HEALTH, **told)


def decision(**changes: Any) -> NewWatch:
    fields: dict[str, Any] = {
        "psn_no": "PSN-1",
        "fixmedins_code": SITE,
        "document": "布控〔2026〕1号",
        "decided_by": "chief",
        "reason": "case 7",
    }
    return NewWatch(**{**fields, "decided_on": NOW - DAY, "valid_until": NOW + 20 * DAY} | changes)


def enter(centre: Centre, **changes: Any) -> int:
    with centre.engine.begin() as db:
        return watch.enter(db, decision(**changes), most_days=90, now=NOW, actor="zhang")


def test_a_proxy_begins_and_ends_at_the_terminals_by_itself(centre: Centre, terminal: Terminal) -> None:
    admit(centre, "PSN-1")
    admit(centre, "PSN-2")
    proxy(centre, "PSN-1", "PSN-2", start=2, end=4)
    version = last(centre, terminal)
    for day, acts_for in ((1, None), (2, ("PSN-1",)), (3, None), (4, ()), (5, None)):
        now = NOW + day * DAY + timedelta(minutes=1)
        with centre.engine.begin() as db:
            assert people.renew_galleries(db, now=now, days=30) == (acts_for is not None)
        if acts_for is not None:
            (entry,) = page(centre, terminal, version, now).hold
            assert (entry.psn_no, entry.acts_for) == ("PSN-2", acts_for)
            version = last(centre, terminal)


def last(centre: Centre, terminal: Terminal) -> int:
    """The version with which a terminal is up to date."""
    version = 0
    while (command := command_for(centre, terminal, version)) is not None:
        version = command.to_version
    return version


def test_a_proxy_ended_early_stays_on_record(centre: Centre, terminal: Terminal) -> None:
    admit(centre, "PSN-1")
    admit(centre, "PSN-2")
    proxy(centre, "PSN-1", "PSN-2", start=-5)
    with centre.engine.begin() as db:
        people.end_proxy(db, "PSN-1", "PSN-2", "moved away", now=NOW, actor="clerk")
        (entry,) = lists.proxies_of(db, "PSN-1")
        assert (entry["ended_by"], entry["ended_why"], entry["valid_to"]) == ("clerk", "moved away", NOW)
        assert people.proxies_table(db).num_rows == 1, "what was settled before stays explained"
    assert all(entry.acts_for == () for entry in page(centre, terminal).hold)
    with pytest.raises(NotFound), centre.engine.begin() as db:
        people.end_proxy(db, "PSN-1", "PSN-2", "again", now=NOW, actor="clerk")


def test_a_proxy_who_enrols_later_is_known_where_the_insured_person_is(centre: Centre, terminal: Terminal) -> None:
    admit(centre, "PSN-1")
    proxy(centre, "PSN-1", "PSN-2")
    admit(centre, "PSN-2")
    assert {entry.psn_no: entry.acts_for for entry in page(centre, terminal).hold}["PSN-2"] == ("PSN-1",)


def test_a_person_has_few_proxies_at_a_time_and_none_for_ever(centre: Centre) -> None:
    limits = PeopleSettings(proxies_most=2)
    for number in range(2):
        proxy(centre, "PSN-1", f"HELP-{number}", limits=limits)
    with pytest.raises(BadInput, match="more than 2 proxies"):
        proxy(centre, "PSN-1", "HELP-3", start=8, limits=limits)
    proxy(centre, "PSN-1", "HELP-3", start=9, end=20, limits=limits)
    proxy(centre, "PSN-1", "HELP-0", end=9.5, limits=limits)
    with pytest.raises(BadInput, match="longer than 1100 days"):
        proxy(centre, "PSN-2", "HELP-0", end=1101)


def test_staff_has_a_number_and_an_end(centre: Centre, terminal: Terminal) -> None:
    admit(centre, "PSN-1")
    with centre.engine.begin() as db:
        people.expect(db, "PSN-1", SITE, GalleryRole.STAFF, reference="S-7", valid_until=NOW + 3 * DAY, now=NOW, actor="clerk")
    (entry,) = page(centre, terminal).hold
    assert (entry.role, entry.expires_at) == (GalleryRole.STAFF, NOW + 3 * DAY)
    assert page(centre, terminal, now=NOW + 3 * DAY).forget == ("PSN-1",)
    with centre.engine.begin() as db:
        people.expect_no_more(db, "PSN-1", SITE, now=NOW, actor="clerk")
    assert page(centre, terminal).forget == ("PSN-1",)
    for role, until in ((GalleryRole.WATCH, None), (GalleryRole.STAFF, NOW)):
        with pytest.raises(BadInput), centre.engine.begin() as db:
            people.expect(db, "PSN-1", SITE, role, valid_until=until, now=NOW, actor="clerk")


def test_an_exception_reaches_the_terminal_without_its_reason_and_ends(centre: Centre, terminal: Terminal) -> None:
    admit(centre, "PSN-1")
    except_person(centre, "PSN-1", note="operation", valid_until=NOW + 5 * DAY)
    number = except_person(centre, "NO-FACE", fixmedins_codes=(SITE,))
    found = page(centre, terminal)
    assert {one.psn_no: one.expires_at for one in found.exempt} == {"PSN-1": NOW + 5 * DAY, "NO-FACE": NOW + 30 * DAY}
    assert (found.hold, set(found.forget)) == ((), {"PSN-1", "NO-FACE"})
    assert "operation" not in found.model_dump_json() and "health" not in found.model_dump_json()
    later = page(centre, terminal, now=NOW + 5 * DAY)
    assert [entry.psn_no for entry in later.hold] == ["PSN-1"]
    with centre.engine.begin() as db:
        people.end_exemption(db, number, "came to enrol", now=NOW, actor="clerk")
    assert [one.psn_no for one in page(centre, terminal).exempt] == ["PSN-1"]
    for wrong in (number, 99):
        with pytest.raises((Conflict, NotFound)), centre.engine.begin() as db:
            people.end_exemption(db, wrong, "again", now=NOW, actor="clerk")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "no site expects"),
        ({"fixmedins_codes": ("P99999900009",)}, "P99999900009"),
        ({"fixmedins_codes": (SITE,), "valid_until": NOW}, "has passed"),
        ({"fixmedins_codes": (SITE,), "note": "x" * 501}, "501 characters"),
    ],
)
def test_an_exception_that_cannot_be_is_refused(centre: Centre, changes: dict[str, Any], says: str) -> None:
    with pytest.raises((BadInput, NotFound), match=says):
        except_person(centre, "NEW", **changes)


def test_nobody_is_watched_for_before_a_second_person_says_so_nor_after_the_end(centre: Centre, terminal: Terminal) -> None:
    admit(centre, "PSN-1")
    number = enter(centre)
    assert {entry.role for entry in page(centre, terminal).hold} == {GalleryRole.INSURED}
    with pytest.raises(OneselfConfirmed), centre.engine.begin() as db:
        watch.confirm(db, number, now=NOW, actor="zhang")
    with centre.engine.begin() as db:
        watch.confirm(db, number, now=NOW, actor="li")
    roles = {entry.role: entry.expires_at for entry in page(centre, terminal).hold}
    assert roles == {GalleryRole.INSURED: NOW + 30 * DAY, GalleryRole.WATCH: NOW + 20 * DAY}
    assert {entry.role for entry in page(centre, terminal, now=NOW + 20 * DAY).hold} == {GalleryRole.INSURED}
    for action in (watch.confirm, watch.end):
        with pytest.raises(Conflict), centre.engine.begin() as db:
            why = ("over",) if action is watch.end else ()
            action(db, number, *why, now=NOW + 21 * DAY if why else NOW, actor="wang")
    with centre.engine.begin() as db:
        watch.end(db, number, "case closed", now=NOW, actor="wang")
    assert {entry.role for entry in page(centre, terminal).hold} == {GalleryRole.INSURED}


@pytest.mark.parametrize(
    "changes",
    [
        {"document": " "},
        {"decided_by": ""},
        {"reason": ""},
        {"decided_on": NOW + DAY},
        {"valid_until": NOW},
        {"valid_until": NOW + 90 * DAY},
        {"psn_no": "PSN-9"},
        {"fixmedins_code": "P99999900009"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_watch_without_a_whole_decision_is_refused(centre: Centre, changes: dict[str, Any]) -> None:
    admit(centre, "PSN-1")
    with pytest.raises((BadInput, NotFound)):
        enter(centre, **changes)


def test_a_face_whose_basis_is_over_leaves_the_terminals(centre: Centre, terminal: Terminal) -> None:
    admit(centre, "PSN-1", basis=people_basis(CONSENT, 4))
    version = last(centre, terminal)
    with centre.engine.begin() as db:
        assert people.renew_galleries(db, now=NOW + 4 * DAY, days=30) == 1
        assert people.due(db, centre.settings.people, now=NOW + 4 * DAY).without_basis == 1
    assert page(centre, terminal, version, NOW + 4 * DAY).forget == ("PSN-1",)
    with centre.engine.begin() as db:
        people.record_basis(db, "PSN-1", CONSENT, "renewed", now=NOW + 4 * DAY, actor="clerk")
    assert [entry.psn_no for entry in page(centre, terminal, version, NOW + 4 * DAY).hold] == ["PSN-1"]


def people_basis(basis: Any, days: float) -> Any:
    return type(basis)(kind=basis.kind, reference=basis.reference, given_on=basis.given_on, valid_until=NOW + days * DAY)


def test_the_number_of_faces_warns_once_when_it_is_reached(centre: Centre) -> None:
    def count(seen: int | None = None) -> counts.FaceCount:
        with centre.engine.begin() as db:
            return people.count_faces(db, (3, 5), seen=seen, now=NOW, actor="count")

    admit(centre, "PSN-1")
    assert (count().total, count().warned_at) == (1, 0)
    assert (count(seen=2).total, count().warned_at) == (3, 3)
    admit(centre, "PSN-2")
    admit(centre, "PSN-3")
    assert (count().total, count().warned_at) == (5, 5)
    with centre.engine.begin() as db:
        people.erase_face(db, centre.pictures, "PSN-3", why="test", now=NOW, actor="test")
        warned = [entry.object for entry in audit.entries(db, action="faces.warn").rows]
    assert (count().enrolled, warned) == (2, ["5", "3"])


def test_the_lists_live_on_postgresql_too(tmp_path: Path) -> None:
    with private_postgres(tmp_path) as url:
        centre = make_centre(tmp_path / "centre", database_url=url)
        terminal = Terminal(centre).register()
        admit(centre, "PSN-1", basis=people_basis(CONSENT, 4))
        admit(centre, "PSN-2")
        proxy(centre, "PSN-1", "PSN-2", start=-1, end=2)
        except_person(centre, "PSN-3", fixmedins_codes=(SITE,), valid_until=NOW + DAY)
        number = enter(centre, psn_no="PSN-2")
        with centre.engine.begin() as db:
            watch.confirm(db, number, now=NOW, actor="li")
            people.count_faces(db, (1,), now=NOW, actor="count")
        found = page(centre, terminal)
        assert [(entry.psn_no, entry.role.value) for entry in found.hold] == [
            ("PSN-1", "insured"),
            ("PSN-2", "insured"),
            ("PSN-2", "watch"),
        ]
        assert [one.psn_no for one in found.exempt] == ["PSN-3"]
        with centre.engine.begin() as db:
            assert people.renew_galleries(db, now=NOW + 5 * DAY, days=30) == 3
            kept = people.kept_of(db, "PSN-2", now=NOW)
            assert (len(kept.templates), len(kept.proxies), len(kept.watches), kept.exempt) == (1, 1, 1, False)
            people.erase_face(db, centre.pictures, "PSN-2", why="test", now=NOW, actor="test")
            assert people.due(db, centre.settings.people, now=NOW + 2000 * DAY).renewals == 1
            assert audit.verify_chain(db).intact
        centre.engine.dispose()
