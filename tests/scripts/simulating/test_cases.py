"""The cases: enough of each rule, apart from each other, and told as they are."""

from collections import Counter, defaultdict
from random import Random

import pytest

from central.scoring import Case, Kind
from scripts.simulating.acting import CLAIMS_PER_CASE, act, programme
from scripts.simulating.cases import PLAYS, Play
from scripts.simulating.stage import Stage
from tests.scripts.simulating.made import JUNE, small

CATALOGUE = (
    *(f"ID-0{n}" for n in (1, 2, 3)),
    *(f"PR-0{n}" for n in (1, 2, 3)),
    *(f"CC-0{n}" for n in (1, 2, 3, 4)),
    *(f"GEO-0{n}" for n in (1, 2, 3)),
    *(f"STF-0{n}" for n in (1, 2)),
    *(f"AMT-0{n}" for n in (1, 2, 3, 4)),
    *("TIM-01", "DTH-01"),
    *(f"DRG-0{n}" for n in (1, 2, 3, 4)),
    *(f"INP-0{n}" for n in (1, 2, 3)),
    *("THR-01", "DOC-01", "DOC-02", "WAT-01", "SYS-01"),
)


@pytest.mark.parametrize("rule_id", CATALOGUE)
def test_every_rule_has_planted_cases_and_look_alikes(rule_id: str) -> None:
    kinds = Counter(case.kind for case in small().truth if case.rule_id == rule_id)
    assert kinds[Kind.PLANTED] >= 5 and kinds[Kind.INNOCENT] >= 5
    assert len({play.name for play in PLAYS if play.rule_id == rule_id and play.kind is Kind.INNOCENT}) >= 3


def test_no_rule_is_acted_that_is_not_in_the_catalogue() -> None:
    assert {play.rule_id for play in PLAYS} == set(CATALOGUE) and len(CATALOGUE) == 33
    assert {rule_id for play in PLAYS for rule_id in play.entails} <= set(CATALOGUE)


def test_names_of_plays_tell_them_apart() -> None:
    assert not [name for name, count in Counter((play.rule_id, play.kind, play.name) for play in PLAYS).items() if count > 1]


def test_cases_grow_with_the_month() -> None:
    large = Counter((play.rule_id, play.kind) for play, _ in programme(100 * CLAIMS_PER_CASE))
    assert set(large.values()) == {100}
    tiny = programme(1)
    assert {id(play) for play, _ in tiny} == {id(play) for play in PLAYS}


def acted(play: Play, number: int = 0) -> tuple[Stage, list[Case]]:
    stage = Stage(month=JUNE, rng=Random(number))
    return stage, play.perform(stage, number)


@pytest.mark.parametrize("play", PLAYS, ids=lambda play: f"{play.rule_id} {play.kind.value} {play.name}")
def test_every_play_names_what_a_finding_could_name(play: Play) -> None:
    stage, (truth, *others) = acted(play)
    bills = {row["setl_id"]: row for row in stage.rows["settlements"]}
    assert truth.setl_ids or truth.capture_ids or truth.psn_no or truth.subject, "a finding could not meet this case"
    assert set(truth.setl_ids) <= set(bills)
    assert all(bills[setl_id]["refd_setl_flag"] == 0 for setl_id in truth.setl_ids)
    assert [case.rule_id for case in others] == list(play.entails) and all(case.kind is Kind.ENTAILED for case in others)
    assert (truth.look_alike, truth.note) == (("", play.name) if play.kind is Kind.PLANTED else (play.name, ""))


def test_cases_share_neither_institution_nor_person() -> None:
    stage = Stage(month=JUNE, rng=Random(1))
    sites: dict[str, set[int]] = defaultdict(set)
    for number, play in enumerate(PLAYS):
        before = len(stage.rows["settlements"])
        play.perform(stage, number)
        for row in stage.rows["settlements"][before:]:
            sites[row["fixmedins_code"]].add(number)
            sites[row["psn_no"]].add(number)
    assert {len(numbers) for numbers in sites.values()} == {1}


def test_a_case_does_not_change_with_the_cases_before_it() -> None:
    whole = [case for part in act(6000, JUNE, 1) for case in part.truth]
    more = [case for part in act(6 * CLAIMS_PER_CASE, JUNE, 1) for case in part.truth]
    assert {case.case_id for case in whole} < {case.case_id for case in more}


def test_all_of_a_stage_is_handed_over_once() -> None:
    stage, _ = acted(PLAYS[0])
    assert stage.flush()["settlements"].num_rows > 0
    assert stage.flush() == {}
