"""One rule with other limits and stages in other places: each limit runs once, the narrowest place speaks, nothing is said twice."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from central.engines.duckdb import duckdb_in_memory
from central.reconciliation.compare import compare
from central.rules import cc_03, pr_01
from central.rules.base import Stage, Suspicion
from central.rules.engine import RuleResults
from central.rules.registry import RuleBook, Variant
from tests.central.analysis import NOON, capture, settlement
from tests.central.rulebook.comparing import BOOK, world

CITY, COUNTY, OTHER = "P43010100001", "P43010200002", "P11010100003"
SITES = [{"fixmedins_code": COUNTY, "admdvs": "430102"}, {"fixmedins_code": OTHER, "admdvs": "110101"}]
FRAMES = (3, 6, 12)


def variant(scope: str = "", stage: Stage = Stage.REVIEW, setting: int = 0, **limits: Any) -> Variant:
    return Variant(rule=pr_01.RULE, limits=pr_01.EmptyWindowLimits(**limits), stage=stage, scope=scope, setting=setting)


def found(*variants: Variant, unusable: tuple[tuple[str, str], ...] = ()) -> RuleResults:
    """Three empty windows at each of three sites, seen in 3, 6 and 12 frames."""
    places = [(site, frames) for site in (CITY, COUNTY, OTHER) for frames in FRAMES]
    billed = [settlement(n, fixmedins_code=site) for n, (site, _) in enumerate(places)]
    seen = [capture(n, fixmedins_code=site, outcome="no_person", frames_seen=frames) for n, (site, frames) in enumerate(places)]
    with duckdb_in_memory() as analysis:
        _, results = compare(analysis, world(billed, seen, sites=SITES), RuleBook(linkage=BOOK.linkage, active=variants, unusable=unusable))
    return results


def at(results: RuleResults, site: str) -> list[Suspicion]:
    assert results.faults == ()
    return [each for each in results.suspicions if each.fixmedins_code == site]


def test_each_site_is_judged_by_the_limits_of_the_narrowest_place() -> None:
    results = found(variant(), variant("43", setting=2, min_frames_seen=10), variant("430102", setting=3, min_frames_seen=1))
    assert {site: len(at(results, site)) for site in (CITY, COUNTY, OTHER)} == {CITY: 1, COUNTY: 3, OTHER: 2}
    assert {each.setting for each in at(results, CITY)} == {2}, "a site that no register knows lies where its code says"
    assert {each.limits["min_frames_seen"] for each in at(results, COUNTY)} == {1}
    assert results.ran == {"PR-01"}


def test_a_site_beats_its_region() -> None:
    results = found(variant(), variant("430102", min_frames_seen=1), variant(COUNTY, min_frames_seen=12))
    assert len(at(results, COUNTY)) == 1


@pytest.mark.parametrize(
    ("stage", "held"), [(Stage.SILENT, "silent"), (Stage.REMIND, "remind"), (Stage.REVIEW, None), (Stage.RESTRICT, None)]
)
def test_a_stage_holds_in_its_place_alone(stage: Stage, held: str | None) -> None:
    results = found(variant(), variant("11", stage, 4))
    assert {(each.stage, each.held, each.setting) for each in at(results, OTHER)} == {(stage.value, held, 4)}
    assert {(each.stage, each.held) for each in at(results, COUNTY)} == {("review", None)}


def test_equal_limits_run_once_and_a_subject_is_named_once() -> None:
    calls: list[object] = []

    def counted(tables: Any, limits: Any) -> Any:
        calls.append(limits)
        return pr_01.RULE.find(tables, limits)

    rule = replace(pr_01.RULE, find=counted)
    variants = [replace(each, rule=rule) for each in (variant(), variant("43", Stage.SILENT, 2), variant("11", min_frames_seen=1))]
    results = found(*variants)
    assert len(calls) == 2
    keys = [each.subject_key for each in results.suspicions]
    assert len(keys) == len(set(keys)) == 7


def test_what_is_found_at_two_places_at_once_is_said_by_the_narrower() -> None:
    """A rule whose institution hangs on the limits names one subject in two runs."""

    def wandering(tables: Any, limits: Any) -> Any:
        one = pr_01.RULE.find(tables, limits).filter(lambda t: t.subject_key.endswith("S-2"))
        return one.mutate(
            subject_key=one.fixmedins_code.substr(0, 0) + "all/1", fixmedins_code=(one.frames_seen * 0 + limits.repeat_days).cast("string")
        )

    rule = replace(pr_01.RULE, find=wandering)
    wide, narrow = variant(repeat_days=7), variant("1", repeat_days=8)
    results = found(replace(wide, rule=rule), replace(narrow, rule=rule, scope="11"))
    assert [each.subject_key for each in results.suspicions] == ["all/1"]


def test_what_cannot_be_used_is_a_fault_of_that_rule_and_progress_is_told() -> None:
    results = found(variant(), unusable=(("ID-01", "setting of 43: [ID-01] old = 1: no such parameter"),))
    assert [(fault.rule_id, fault.message) for fault in results.faults] == [("ID-01", "setting of 43: [ID-01] old = 1: no such parameter")]
    assert results.ran == {"PR-01"}
    assert set(results.seconds) == {"PR-01"}


@pytest.mark.parametrize(("first", "found"), [(CITY, 1), (OTHER, 0)], ids=["limits that find it hold there", "nowhere"])
def test_nobody_gets_out_of_sight_by_settling_last_where_limits_are_wide(first: str, found: int) -> None:
    """One face, six cards in six days: five at the first place, the last where eight are allowed."""
    codes = [first] * 5 + [OTHER]
    days = [NOON + timedelta(days=n) for n in range(6)]
    billed = [settlement(n, fixmedins_code=site, setl_time=at) for n, (site, at) in enumerate(zip(codes, days, strict=True))]
    face: dict[str, Any] = {"outcome": "undecided", "face_group": 7, "face_band": "same"}
    seen = [
        capture(n, fixmedins_code=site, opened_at=at, closed_at=at) | face for n, (site, at) in enumerate(zip(codes, days, strict=True))
    ]
    wide = cc_03.HoardingLimits(month_cards=8)
    variants = [
        Variant(rule=cc_03.RULE, limits=limits, stage=Stage.REVIEW, scope=scope)
        for scope, limits in (("", cc_03.HoardingLimits()), ("11", wide))
    ]
    with duckdb_in_memory() as analysis:
        _, results = compare(analysis, world(billed, seen, sites=SITES), RuleBook(linkage=BOOK.linkage, active=tuple(variants)))
    assert results.faults == ()
    assert len(results.suspicions) == found
