"""The decision table: what is certain is said, everything else is undecided."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.events import FrameCounts, Liveness, ManualReason, Outcome
from edge_agent.decide import Compared, Decision, Emptiness, Evidence, Person, confirm_by_hand, cut_short, decide
from edge_agent.sections.core import Limits

LIMITS = Limits()


def person(**changes: Any) -> Person:
    fields: dict[str, Any] = {"key": 1, "used": 8, "clear": 8, "share": 1.0, "insured": 0.9, "insured_best": 0.95}
    return Person(**(fields | changes))


def evidence(*people: Person, **changes: Any) -> Evidence:
    fields: dict[str, Any] = {
        "frames": FrameCounts(seen=60, with_subject=50, used=8),
        "interrupted": False,
        "emptiness": Emptiness.OCCUPIED,
        "around": Emptiness.EMPTY,
        "elsewhere": Emptiness.EMPTY,
        "faces": 50,
        "enrolled": True,
        "persons": len(people),
        "people": people,
    }
    return Evidence(**(fields | changes))


U = Outcome.UNDECIDED
STRANGER = person(insured=0.1, insured_best=0.2)


@pytest.mark.parametrize(
    ("seen", "outcome", "reason"),
    [
        (evidence(person()), Outcome.SAME, "same_face"),
        (evidence(person(insured=LIMITS.same)), Outcome.SAME, "same_face"),
        (evidence(STRANGER), Outcome.DIFFERENT, "different_face"),
        (evidence(person(insured=LIMITS.different, insured_best=0.5)), Outcome.DIFFERENT, "different_face"),
        (evidence(person(insured=0.5, insured_best=0.6)), Outcome.UNDECIDED, "between_limits"),
        (evidence(replace(STRANGER, insured_best=0.7)), Outcome.UNDECIDED, "moments_disagree"),
        (evidence(replace(STRANGER, clear=2)), Outcome.UNDECIDED, "face_covered"),
        (evidence(replace(STRANGER, share=0.2)), Outcome.UNDECIDED, "seen_too_briefly"),
        (evidence(replace(STRANGER, used=2)), Outcome.UNDECIDED, "too_few_good_frames"),
        (evidence(replace(STRANGER, proxy=0.5)), Outcome.UNDECIDED, "may_be_proxy"),
        (evidence(replace(STRANGER, proxy=0.35)), Outcome.DIFFERENT, "different_face"),
        (evidence(replace(STRANGER, staff=0.7), compared=Compared(staff=100)), Outcome.UNDECIDED, "staff_face"),
        (evidence(person(used=2)), Outcome.UNDECIDED, "too_few_good_frames"),
        (evidence(person(used=0, insured=None, insured_best=None)), Outcome.UNDECIDED, "too_few_good_frames"),
        (evidence(person(insured=None, insured_best=None)), Outcome.UNDECIDED, "not_compared"),
        (evidence(person(insured=None, insured_best=None), enrolled=False), Outcome.UNDECIDED, "not_enrolled"),
        (evidence(exempt=True, followed=1, enrolled=False), Outcome.UNDECIDED, "face_not_used"),
        (evidence(exempt=True, faces=0, emptiness=Emptiness.EMPTY), Outcome.NO_PERSON, "window_empty"),
        (evidence(STRANGER, person(key=2)), Outcome.SAME, "insured_beside"),
        (evidence(STRANGER, person(key=2, insured=0.5, insured_best=0.6)), Outcome.UNDECIDED, "another_face_unclear"),
        (evidence(STRANGER, person(key=2, insured=0.93, insured_best=0.94, used=2, clear=2, share=0.1)), U, "another_face_unclear"),
        (evidence(STRANGER, person(key=2, insured=0.6, insured_best=0.75, share=0.25)), U, "another_face_unclear"),
        (evidence(STRANGER, replace(STRANGER, key=2, clear=0, share=0.1)), U, "another_face_unclear"),
        (evidence(STRANGER, replace(STRANGER, key=2, clear=0, staff=0.9)), U, "another_face_unclear"),
        (evidence(STRANGER, replace(STRANGER, key=2, share=0.1)), Outcome.DIFFERENT, "several_persons"),
        (evidence(STRANGER, replace(STRANGER, key=2), persons=3), U, "not_everybody_compared"),
        (evidence(STRANGER, followed=2), U, "not_everybody_compared"),
        (evidence(replace(STRANGER, came_after_s=5.1)), U, "came_later"),
        (evidence(replace(STRANGER, came_after_s=5.0)), Outcome.DIFFERENT, "different_face"),
        (evidence(STRANGER, interrupted=True), U, "camera_interrupted"),
        (evidence(STRANGER, person(key=2, insured=0.5, insured_best=0.6, staff=0.9)), Outcome.DIFFERENT, "different_face"),
        (evidence(STRANGER, replace(STRANGER, key=2, clear=0)), Outcome.UNDECIDED, "another_face_unclear"),
        (evidence(replace(STRANGER, proxy=0.9)), Outcome.PROXY, "registered_proxy"),
        (evidence(person(insured=None, insured_best=None, proxy=0.9), enrolled=False), Outcome.PROXY, "registered_proxy"),
        (evidence(replace(STRANGER, proxy=0.9, used=2)), Outcome.UNDECIDED, "too_few_good_frames"),
        (evidence(replace(STRANGER, staff=0.9)), U, "staff_face"),
        (evidence(person(staff=0.9)), Outcome.SAME, "staff_face"),
        (evidence(person(), other_cards=2), Outcome.SAME, "face_with_other_cards"),
        (evidence(person(), interrupted=True), Outcome.SAME, "camera_interrupted"),
        (evidence(person(liveness=Liveness.ATTACK)), Outcome.ATTACK, "presentation_attack"),
        (evidence(person()), Outcome.SAME, "liveness_not_evaluated"),
        (evidence(person(liveness=Liveness.CANNOT_JUDGE)), Outcome.SAME, "liveness_cannot_judge"),
        (evidence(replace(STRANGER, liveness=Liveness.ATTACK)), Outcome.ATTACK, "presentation_attack"),
        (evidence(person(insured=0.5, liveness=Liveness.ATTACK)), Outcome.ATTACK, "presentation_attack"),
        (evidence(person(liveness=Liveness.ATTACK, liveness_reasons=("liveness_looks_shown",))), Outcome.ATTACK, "liveness_looks_shown"),
        (evidence(person(liveness=Liveness.ATTACK, share=0.2)), U, "seen_too_briefly"),
        (evidence(person(liveness=Liveness.ATTACK, came_after_s=9.0)), U, "liveness_attack"),
        (evidence(person(liveness=Liveness.ATTACK), interrupted=True), U, "camera_interrupted"),
        (evidence(person(liveness=Liveness.ATTACK), replace(STRANGER, key=2)), Outcome.ATTACK, "several_persons"),
        (evidence(person(liveness=Liveness.ATTACK), replace(STRANGER, key=2, clear=0)), U, "another_face_unclear"),
        (evidence(person(liveness=Liveness.ATTACK), followed=2), U, "not_everybody_compared"),
        (evidence(person(liveness=Liveness.ATTACK), person(key=2, insured=0.7)), Outcome.SAME, "insured_beside"),
        (evidence(person(liveness=Liveness.ATTACK), replace(STRANGER, key=2, proxy=0.9)), Outcome.PROXY, "registered_proxy"),
        (evidence(replace(STRANGER, liveness=Liveness.CANNOT_JUDGE)), Outcome.DIFFERENT, "liveness_cannot_judge"),
        (evidence(faces=0, emptiness=Emptiness.EMPTY), Outcome.NO_PERSON, "window_empty"),
        (evidence(faces=0, emptiness=Emptiness.OCCUPIED), Outcome.UNDECIDED, "someone_without_face"),
        (evidence(faces=0, emptiness=Emptiness.UNKNOWN), Outcome.UNDECIDED, "background_not_learnt"),
        (evidence(faces=0, emptiness=Emptiness.EMPTY, interrupted=True), Outcome.UNDECIDED, "camera_interrupted"),
        (evidence(faces=0, emptiness=Emptiness.EMPTY, faults=("covered",)), Outcome.BLIND, "camera_covered"),
        (evidence(faces=0, emptiness=Emptiness.OCCUPIED, faults=("dark",)), Outcome.BLIND, "camera_dark"),
        (evidence(person(used=2, clear=2), faults=("defocused",)), Outcome.BLIND, "camera_defocused"),
        (evidence(STRANGER, faults=("moved",)), U, "camera_moved"),
        (evidence(person(liveness=Liveness.ATTACK), faults=("looped",)), U, "camera_looped"),
        (evidence(person(), faults=("covered",)), Outcome.SAME, "camera_covered"),
        (evidence(faces=0, emptiness=Emptiness.EMPTY, around=Emptiness.OCCUPIED), U, "person_before_or_after"),
        (evidence(faces=0, emptiness=Emptiness.EMPTY, around=Emptiness.UNKNOWN), U, "before_and_after_unknown"),
        (evidence(faces=0, emptiness=Emptiness.EMPTY, elsewhere=Emptiness.OCCUPIED), U, "person_at_other_window"),
        (evidence(faces=0, emptiness=Emptiness.EMPTY, elsewhere=Emptiness.UNKNOWN), U, "other_window_unknown"),
        (evidence(faces=1, emptiness=Emptiness.EMPTY), Outcome.UNDECIDED, "face_not_usable"),
        (evidence(frames=FrameCounts(seen=0, with_subject=0, used=0)), Outcome.BLIND, "camera_blind"),
    ],
)
def test_table(seen: Evidence, outcome: Outcome, reason: str) -> None:
    decision = decide(seen, LIMITS)
    assert decision.outcome is outcome
    assert reason in decision.reasons
    assert len(set(decision.reasons)) == len(decision.reasons)


@pytest.mark.parametrize("outcome", Outcome)
def test_a_short_observation_says_neither_somebody_else_nor_nobody(outcome: Outcome) -> None:
    decision = cut_short(Decision(outcome=outcome, reasons=("why",)), "agent_stopped")
    if outcome in (Outcome.DIFFERENT, Outcome.NO_PERSON):
        assert decision == Decision(outcome=Outcome.UNDECIDED, reasons=("agent_stopped", "why"))
    else:
        assert decision == Decision(outcome=outcome, reasons=("why",))


@pytest.mark.parametrize("elsewhere", Emptiness)
def test_windows_in_rooms_of_their_own_say_nothing_of_each_other(elsewhere: Emptiness) -> None:
    seen = evidence(faces=0, emptiness=Emptiness.EMPTY, elsewhere=elsewhere)
    assert decide(seen, Limits(empty_everywhere=False)).outcome is Outcome.NO_PERSON


def test_losses_say_why_frames_were_too_few() -> None:
    seen = evidence(person(used=1, losses=(("blurred", 7), ("turned_away", 2))))
    assert decide(seen, LIMITS).reasons[:3] == ("too_few_good_frames", "blurred", "turned_away")


def test_what_would_help_is_named_where_people_have_to_decide_and_never_beside_a_match() -> None:
    hinted = {"hints": ("mouth_covered",)}
    assert decide(evidence(person(insured=0.5, insured_best=0.5, **hinted)), LIMITS).reasons[:2] == ("between_limits", "mouth_covered")
    assert "mouth_covered" not in decide(evidence(person(**hinted)), LIMITS).reasons


def test_liveness_is_silent_only_when_it_passed() -> None:
    reasons = decide(evidence(person(liveness=Liveness.LIVE)), LIMITS).reasons
    assert not any(reason.startswith("liveness") for reason in reasons)


@pytest.mark.parametrize(("known", "said"), [(1, True), (1000, False)], ids=["one", "a thousand"])
def test_the_more_people_a_face_is_compared_with_the_more_alike_it_must_be(known: int, said: bool) -> None:
    many = Compared(proxies=known, staff=known, watched=known)
    assert (decide(evidence(person(insured=0.5, proxy=0.8), compared=many), LIMITS).outcome is Outcome.PROXY) is said
    assert ("staff_face" in decide(evidence(person(staff=0.8), compared=many), LIMITS).reasons) is said
    assert ("watched_face" in decide(evidence(person(watched=0.8), compared=many), LIMITS).reasons) is said


def test_a_watched_face_changes_no_outcome_and_must_be_seen_clearly() -> None:
    beside = person(key=2, insured=0.1, insured_best=0.1, watched=0.9)
    seen = decide(evidence(person(), beside), LIMITS)
    assert (seen.outcome, "watched_face" in seen.reasons) == (Outcome.SAME, True)
    assert "watched_face" not in decide(evidence(person(), replace(beside, clear=0)), LIMITS).reasons


def test_the_decision_speaks_of_the_person_who_matched() -> None:
    beside = person(key=2)
    assert decide(evidence(STRANGER, beside), LIMITS).person is beside


similarities = st.one_of(st.none(), st.floats(-1, 1))
persons = st.builds(
    Person,
    key=st.just(1),
    used=st.integers(0, 16),
    clear=st.integers(0, 16),
    share=st.floats(0, 1),
    came_after_s=st.floats(-10, 20),
    insured=similarities,
    insured_best=similarities,
    proxy=similarities,
    staff=similarities,
    liveness=st.sampled_from(Liveness),
)
anything = st.builds(
    Evidence,
    frames=st.builds(FrameCounts, seen=st.integers(0, 100), with_subject=st.integers(0, 100), used=st.integers(0, 16)),
    interrupted=st.booleans(),
    faults=st.sampled_from([(), (), ("frozen",), ("covered", "moved")]),
    emptiness=st.sampled_from(Emptiness),
    around=st.sampled_from(Emptiness),
    elsewhere=st.sampled_from(Emptiness),
    faces=st.integers(0, 100),
    enrolled=st.booleans(),
    persons=st.integers(0, 5),
    followed=st.integers(0, 5),
    people=st.lists(persons, max_size=4).map(tuple),
    other_cards=st.integers(0, 3),
)


@given(anything)
def test_nobody_is_accused_without_full_evidence(seen: Evidence) -> None:
    decision = decide(seen, LIMITS)
    if decision.outcome is Outcome.DIFFERENT:
        subject = seen.people[0]
        assert seen.enrolled
        assert min(subject.used, subject.clear) >= LIMITS.min_good_frames
        assert subject.insured is not None and subject.insured <= LIMITS.different
        assert subject.came_after_s <= LIMITS.subject_within_s and (subject.staff is None or subject.staff < LIMITS.same)
        assert all(one.insured is not None and one.clear >= LIMITS.min_good_frames for one in seen.people)
        assert not any((one.insured or -1) >= LIMITS.same > (one.staff or -1) for one in seen.people)
        assert not seen.interrupted and not seen.faults and max(seen.followed, seen.persons) <= len(seen.people)
    if decision.outcome is Outcome.NO_PERSON:
        assert {seen.emptiness, seen.around, seen.elsewhere} == {Emptiness.EMPTY}
        assert not seen.faces and not seen.interrupted and not seen.faults and not seen.people
    if decision.outcome in (Outcome.SAME, Outcome.PROXY):
        assert decision.person is not None and decision.person.used >= LIMITS.min_good_frames
        assert decision.person.liveness is not Liveness.ATTACK


@given(anything)
def test_the_clerks_word_never_overrules_what_was_seen(seen: Evidence) -> None:
    decision = decide(seen, LIMITS)
    confirmed = confirm_by_hand(decision, ManualReason.EMERGENCY)
    assert confirmed.person is decision.person and confirmed.reasons[-1] == "manual_emergency"
    if decision.outcome in (Outcome.UNDECIDED, Outcome.BLIND):
        assert confirmed.outcome is Outcome.MANUAL_VERIFIED
    else:
        assert confirmed.outcome is decision.outcome and confirmed.reasons[-2] == "manual_claimed"


@given(anything)
def test_an_attack_is_said_only_where_nobody_else_may_be_the_insured_person(seen: Evidence) -> None:
    decision = decide(seen, LIMITS)
    if decision.outcome is Outcome.ATTACK:
        assert decision.person is not None and decision.person.liveness is Liveness.ATTACK
        assert decision.person.share >= LIMITS.min_subject_share and not seen.interrupted
        others = [one for one in seen.people if one is not decision.person]
        assert all(one.clear >= LIMITS.min_good_frames and one.insured is not None for one in others)
