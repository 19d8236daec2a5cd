"""Snoozes that end by themselves, and floods that people end: what is held, what comes back, and that nothing is lost."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine

from central.audit import service as audit
from central.cases import service as cases
from central.cases.model import Status
from central.errors import BadInput, Conflict, NotFound
from central.linkage import service as linkage
from central.rulebook import breaker, service, snoozes
from central.rulebook.model import Wanted
from central.rulebook.snoozes import Quiet, Snooze
from central.rules.base import Suspicion
from central.rules.engine import RuleResults
from central.rules.flood import Flood, FloodLimits, flooding
from central.rules.registry import RuleBook, rule_book
from tests.central.analysis import NOON, SITE
from tests.central.cases.test_ledger import SUSPICION

BOOK = rule_book({"flood": {"least": 5}}, "test")
DAY = timedelta(days=1)
OTHER = "P99999900002"


def said(*numbers: int, site: str = SITE, held: str | None = None) -> list[Suspicion]:
    first = replace(SUSPICION, rule_id="CC-01", fixmedins_code=site, held=held)
    return [replace(first, subject_key=f"{site}/{number}") for number in numbers]


def run(db: Connection, suspicions: Sequence[Suspicion], *, settlements: int = 1000, now: datetime = NOON, book: RuleBook = BOOK) -> None:
    """What a reconciliation does with what the rules say."""
    results = RuleResults(suspicions=tuple(suspicions), ran=frozenset({"CC-01"}), faults=())
    results = breaker.admit(db, book, results, settlements=settlements, now=now)
    run_id = linkage.begin_run(db, engine="test", settlements=settlements, captures=0, started_at=now)
    cases.record(db, results, run_id=run_id, now=now)


def held(db: Connection, by: str) -> list[str]:
    return sorted(each.subject_key for each in cases.list_findings(db, held=by).rows)


def listed(db: Connection, rule_id: str = "CC-01") -> list[str]:
    return sorted(each.subject_key for each in cases.list_findings(db, rule_id=rule_id, status="open").rows)


def quiet(
    db: Connection, *, site: str | None = None, subject: str | None = None, until: datetime = NOON + DAY, now: datetime = NOON
) -> Snooze:
    about = Quiet(rule_id="CC-01", subject_key=subject, fixmedins_code=site, until=until, reason="camera is repaired")
    return snoozes.begin(db, about, actor="anna", now=now, group_limits=BOOK.groups)


def test_a_snooze_holds_what_is_open_and_what_comes_and_gives_all_of_it_back(engine: Engine) -> None:
    with engine.begin() as db:
        run(db, [*said(1), *said(1, site=OTHER)])
        snooze = quiet(db, site=SITE)
        assert listed(db) == [f"{OTHER}/1"]
        run(db, [*said(1, 2), *said(1, site=OTHER)], now=NOON + DAY / 2)
        assert held(db, snooze.holder) == [f"{SITE}/1", f"{SITE}/2"]
        assert len(listed(db)) == 1
        run(db, [], now=NOON + DAY)
    with engine.begin() as db:
        (over,) = snoozes.every(db, "CC-01")
        assert (over.ended_by, over.came_back) == ("centre", 2)
        assert audit.entries(db).rows[0].action == "rule.wake"
        assert held(db, snooze.holder) == []


def test_what_a_snooze_held_is_open_again_when_it_still_is_suspected(sqlite: Engine) -> None:
    with sqlite.begin() as db:
        quiet(db, subject=f"{SITE}/1")
        run(db, said(1, 2))
        assert listed(db) == [f"{SITE}/2"]
        run(db, said(1, 2), now=NOON + DAY)
        assert listed(db) == [f"{SITE}/1", f"{SITE}/2"]


def test_somebody_may_end_a_snooze_before_its_time(sqlite: Engine) -> None:
    with sqlite.begin() as db:
        snooze = quiet(db, site=SITE)
        run(db, said(1))
        assert snoozes.end(db, snooze.snooze_id, actor="bert", now=NOON, group_limits=BOOK.groups) == 1
        assert listed(db) == [f"{SITE}/1"]
        with pytest.raises(Conflict, match="was over already"):
            snoozes.end(db, snooze.snooze_id, actor="bert", now=NOON, group_limits=BOOK.groups)
        with pytest.raises(NotFound):
            snoozes.end(db, 99, actor="bert", now=NOON, group_limits=BOOK.groups)


@pytest.mark.parametrize(
    ("where", "until", "named"),
    [
        ({}, DAY, "either one subject"),
        ({"site": SITE, "subject": "x"}, DAY, "either one subject"),
        ({"site": SITE}, -DAY, "a moment to come"),
        ({"site": SITE}, 91 * DAY, "90 days in a year"),
    ],
)
def test_a_snooze_that_cannot_be_is_refused(sqlite: Engine, where: dict[str, str], until: timedelta, named: str) -> None:
    with pytest.raises(BadInput, match=named), sqlite.begin() as db:
        quiet(db, **where, until=NOON + until)


def test_the_same_is_not_made_quiet_twice(sqlite: Engine) -> None:
    with sqlite.begin() as db:
        quiet(db, site=SITE)
        with pytest.raises(Conflict, match="quiet about"):
            quiet(db, site=SITE)


@pytest.mark.parametrize("end", [True, False], ids=["ended", "ran out"])
def test_a_snooze_is_no_stage_by_being_made_again_and_again(sqlite: Engine, end: bool) -> None:
    with sqlite.begin() as db:
        first = quiet(db, site=SITE, until=NOON + 60 * DAY)
        later = NOON + 60 * DAY
        if end:
            snoozes.end(db, first.snooze_id, actor="anna", now=later, group_limits=BOOK.groups)
        else:
            breaker.tend(db, BOOK, now=later)
        with pytest.raises(BadInput, match=r"30 of them left here.*matter of limits or stage"):
            quiet(db, site=SITE, now=later, until=later + 31 * DAY)
        quiet(db, site=OTHER, now=later, until=later + 31 * DAY)
        assert quiet(db, site=SITE, now=later, until=later + 30 * DAY)
        breaker.tend(db, BOOK, now=NOON + 400 * DAY)
        assert quiet(db, site=SITE, now=NOON + 500 * DAY, until=NOON + 560 * DAY), "a year later"


def test_a_snooze_named_after_a_later_finding_is_about_the_subject(sqlite: Engine) -> None:
    with sqlite.begin() as db:
        assert quiet(db, subject=f"{SITE}/1#2", site=" ").subject_key == f"{SITE}/1"
        run(db, said(1))
        assert listed(db) == []


def test_what_a_stage_holds_is_held_by_its_stage(sqlite: Engine) -> None:
    with sqlite.begin() as db:
        quiet(db, site=SITE)
        run(db, said(*range(100), held="silent"))
        assert len(cases.list_findings(db, held="silent", size=500).rows) == 100
        assert cases.list_findings(db).total == 0


@pytest.mark.parametrize(
    ("new", "standing", "settlements", "usual", "why"),
    [
        (49, 49, 60, 0.1, None),
        (50, 50, 1000, None, None),
        (50, 50, 1000, 4.9, Flood.USUAL),
        (50, 50, 1000, 5.1, None),
        (50, 201, 1000, 5.1, Flood.SHARE),
        (50, 200, 1000, 5.1, None),
        (50, 50, 0, None, Flood.SHARE),
        (50, 50, 10_000, 0.0, Flood.USUAL),
    ],
)
def test_what_a_flood_is(new: int, standing: int, settlements: int, usual: float | None, why: Flood | None) -> None:
    assert flooding(new=new, standing=standing, settlements=settlements, usual=usual, limits=FloodLimits()) == why


def test_a_flood_opens_one_finding_about_the_rule_and_holds_what_is_new(engine: Engine) -> None:
    with engine.begin() as db:
        run(db, said(1), now=NOON - 2 * DAY)
        run(db, said(*range(30)), settlements=1020)
        assert listed(db) == [f"{SITE}/1"], "what monitors had before stays with them"
        (flood,) = breaker.open_floods(db)
        assert (flood.why, flood.found, round(flood.usual or 0, 3)) == ("usual", 29, 0.02)
        assert len(held(db, flood.holder)) == 29
        assert listed(db, breaker.RULE_FAULT) == ["CC-01/1"]
        run(db, said(*range(40)), settlements=1020, now=NOON + DAY / 4)
        assert len(held(db, flood.holder)) == 39
        assert len(breaker.floods(db)) == 1
        fault = cases.about_subject(db, breaker.RULE_FAULT, "CC-01/1")
        assert fault is not None
        assert "29 new findings" in fault.vola_cont_en
        assert cases.captures_in_force(db, NOON) == {"c1"}, "what supports held findings stays"


def test_people_who_find_it_genuine_let_it_through_and_it_does_not_open_again(sqlite: Engine) -> None:
    with sqlite.begin() as db:
        run(db, said(*range(30)), settlements=40)
        fault = cases.about_subject(db, breaker.RULE_FAULT, "CC-01/1")
        assert fault is not None
        cases.review(db, jr_id=fault.jr_id, verdict="dismiss", reason="all of one gang", actor="anna", now=NOON)
        run(db, said(*range(30)), settlements=40, now=NOON + DAY / 4)
        assert len(listed(db)) == 30
        assert breaker.open_floods(db) == ()
        assert breaker.floods(db)[0].outcome == "genuine"


def test_a_changed_rule_is_judged_anew(engine: Engine) -> None:
    with engine.begin() as db:
        run(db, said(*range(30)), settlements=40)
        fault = cases.about_subject(db, breaker.RULE_FAULT, "CC-01/1")
        assert fault is not None
        cases.review(db, jr_id=fault.jr_id, verdict="confirm", reason="limit mistyped", actor="anna", now=NOON)
        run(db, said(*range(30)), settlements=40, now=NOON + DAY / 4)
        assert len(held(db, "flood:1")) == 30, "confirmed: the rule is at fault, its findings stay held until it is mended"
        wanted = Wanted(rule_id="CC-01", scope="", reason="mend", limits={"window_cards": 4})
        change = service.change(db, BOOK, wanted, actor="anna", now=NOON)
        service.approve(db, BOOK, change.change_id, actor="bert", now=NOON)
        mended = service.book_of(db, BOOK)
        run(db, said(*range(20)), settlements=40, now=NOON + DAY / 2, book=mended)
        assert len(held(db, "flood:2")) == 20, "still far too many: a new flood"
        assert [each.outcome for each in breaker.floods(db)] == [None, "changed"]
        assert cases.counts(db)[Status.WITHDRAWN] == 10
        wanted = replace(wanted, limits={"window_cards": 5})
        service.approve(db, BOOK, service.change(db, BOOK, wanted, actor="anna", now=NOON).change_id, actor="bert", now=NOON)
        run(db, said(*range(3)), settlements=40, now=NOON + DAY, book=service.book_of(db, BOOK))
        assert len(listed(db)) == 3
        assert listed(db, breaker.RULE_FAULT) == []


def fault_of(db: Connection, verdict: str) -> None:
    fault = cases.about_subject(db, breaker.RULE_FAULT, "CC-01/1")
    assert fault is not None
    cases.review(db, jr_id=fault.jr_id, verdict=verdict, reason="a register lacked proxies", actor="anna", now=NOON)


def test_a_fault_that_was_mended_outside_of_the_rule_ends_the_flood(sqlite: Engine) -> None:
    with sqlite.begin() as db:
        run(db, said(*range(30)), settlements=40)
        fault_of(db, "confirm")
        run(db, said(*range(3)), settlements=40, now=NOON + DAY / 4)
        assert listed(db) == []
        run(db, said(*range(4)), settlements=40, now=NOON + DAY / 2)
        assert [each.outcome for each in breaker.floods(db)] == ["mended"]
        assert len(listed(db)) == 4


@pytest.mark.parametrize("stopped", [True, False], ids=["stopped", "cannot be run"])
def test_a_rule_that_does_not_run_gives_nothing_of_its_flood_to_the_lists(sqlite: Engine, stopped: bool) -> None:
    with sqlite.begin() as db:
        run(db, said(*range(30)), settlements=40)
        fault_of(db, "confirm")
        change = service.change(db, BOOK, Wanted(rule_id="CC-01", scope="", reason="r", limits={"window_cards": 4}), actor="a", now=NOON)
        service.approve(db, BOOK, change.change_id, actor="b", now=NOON)
        other = rule_book({"flood": {"least": 5}} | ({"CC-01": {"enabled": False}} if stopped else {}), "test")
        none = RuleResults(suspicions=(), ran=frozenset(), faults=())
        breaker.admit(db, service.book_of(db, other), none, settlements=40, now=NOON + DAY / 4)
        assert listed(db) == []
        assert len(held(db, "flood:1")) == 30


@pytest.mark.parametrize(("settlements", "opened"), [(40, True), (1000, False)], ids=["of nearly all", "of some"])
def test_a_rule_that_was_raised_does_not_put_a_share_of_everybody_on_the_lists(sqlite: Engine, settlements: int, opened: bool) -> None:
    with sqlite.begin() as db:
        run(db, said(*range(30), held="silent"), settlements=settlements)
        run(db, said(*range(30)), settlements=settlements, now=NOON + 3 * DAY)
        assert [each.why for each in breaker.open_floods(db)] == ["share"] * opened
        assert len(listed(db)) == (0 if opened else 30)
        run(db, said(*range(30)), settlements=settlements, now=NOON + 4 * DAY)
        assert len(held(db, "flood:1")) == (30 if opened else 0)


def test_what_is_over_comes_back_in_hours_without_news_too(sqlite: Engine) -> None:
    with sqlite.begin() as db:
        quiet(db, subject=f"{OTHER}/1")
        run(db, [*said(*range(30)), *said(1, site=OTHER)], settlements=40)
        fault = cases.about_subject(db, breaker.RULE_FAULT, "CC-01/1")
        assert fault is not None
        cases.review(db, jr_id=fault.jr_id, verdict="dismiss", reason="genuine", actor="anna", now=NOON)
        breaker.tend(db, BOOK, now=NOON + DAY / 2)
        assert len(listed(db)) == 30
        breaker.tend(db, BOOK, now=NOON + DAY)
        assert len(listed(db)) == 31
