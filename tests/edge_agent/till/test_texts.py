"""The clerk is told what helps, never who was seen."""

import pytest

from contract.events import Outcome
from edge_agent.decide import Decision, Person
from edge_agent.session import TillAnswer
from edge_agent.till import texts

SOMEBODY = Person(key=1, used=8, clear=8, share=1.0, insured=0.1)


@pytest.mark.parametrize(
    ("decision", "answer", "reasons"),
    [
        (Decision(outcome=Outcome.SAME, reasons=("same_face",), person=SOMEBODY), TillAnswer.PASS, ()),
        (Decision(outcome=Outcome.PROXY, reasons=("registered_proxy",), person=SOMEBODY), TillAnswer.PASS, ()),
        (Decision(outcome=Outcome.SAME, reasons=("same_face", "liveness_not_evaluated"), person=SOMEBODY), TillAnswer.PASS, ()),
        (
            Decision(outcome=Outcome.SAME, reasons=("same_face", "liveness_cannot_judge"), person=SOMEBODY),
            TillAnswer.REMIND,
            ("not_confirmed",),
        ),
        (
            Decision(outcome=Outcome.PROXY, reasons=("registered_proxy", "liveness_cannot_judge"), person=SOMEBODY),
            TillAnswer.REMIND,
            ("not_confirmed",),
        ),
        (Decision(outcome=Outcome.DIFFERENT, reasons=("different_face",), person=SOMEBODY), TillAnswer.REMIND, ("not_confirmed",)),
        (Decision(outcome=Outcome.ATTACK, reasons=("presentation_attack",), person=SOMEBODY), TillAnswer.REMIND, ("not_confirmed",)),
        (Decision(outcome=Outcome.UNDECIDED, reasons=("between_limits",), person=SOMEBODY), TillAnswer.REMIND, ("not_confirmed",)),
        (Decision(outcome=Outcome.UNDECIDED, reasons=("face_covered",), person=SOMEBODY), TillAnswer.REMIND, ("face_covered",)),
        (Decision(outcome=Outcome.UNDECIDED, reasons=("no_face", "someone_without_face")), TillAnswer.REMIND, ("no_face",)),
        (Decision(outcome=Outcome.NO_PERSON, reasons=("window_empty",)), TillAnswer.REMIND, ("no_face",)),
        (Decision(outcome=Outcome.UNDECIDED, reasons=("not_enrolled",), person=SOMEBODY), TillAnswer.MANUAL, ("not_enrolled",)),
        (Decision(outcome=Outcome.BLIND, reasons=("camera_blind",)), TillAnswer.MANUAL, ("camera_blind",)),
        (
            Decision(outcome=Outcome.BLIND, reasons=("camera_blind", "camera_covered")),
            TillAnswer.MANUAL,
            ("camera_covered", "camera_blind"),
        ),
        (Decision(outcome=Outcome.UNDECIDED, reasons=("judging_failed",)), TillAnswer.MANUAL, ("judging_failed",)),
    ],
)
def test_answers(decision: Decision, answer: TillAnswer, reasons: tuple[str, ...]) -> None:
    given = texts.answer(decision)
    assert (given.answer, given.reasons) == (answer, reasons)
    assert given.text_zh and given.text_en


def test_another_person_a_picture_and_an_unclear_one_are_answered_alike() -> None:
    different = Decision(outcome=Outcome.DIFFERENT, reasons=("different_face",), person=SOMEBODY)
    unclear = Decision(outcome=Outcome.UNDECIDED, reasons=("between_limits",), person=SOMEBODY)
    shown = Decision(outcome=Outcome.ATTACK, reasons=("presentation_attack", "liveness_looks_shown"), person=SOMEBODY)
    assert texts.answer(different) == texts.answer(unclear) == texts.answer(shown)


def test_the_clerk_is_told_what_would_help_first_and_nothing_tells_who_was_seen() -> None:
    masked = Person(key=1, used=8, clear=0, share=1.0, insured=0.5, hints=("uneven_light", "mouth_covered"))
    answers = [
        texts.answer(Decision(outcome=outcome, reasons=("why",), person=masked))
        for outcome in (Outcome.DIFFERENT, Outcome.UNDECIDED, Outcome.ATTACK)
    ]
    assert answers[0].reasons == ("mouth_covered", "uneven_light")
    assert answers[0].text_zh == "请参保人摘下口罩。"
    assert answers[0] == answers[1] == answers[2]


def test_every_advice_can_be_given() -> None:
    assert set(texts.ADVICE) == {*texts.ASK, *texts.BY_HAND, *texts.UNCOMPARED, "not_confirmed"}


def test_no_answer_holds_a_number() -> None:
    assert not any(character.isdigit() for zh, en in texts.ADVICE.values() for character in zh + en)
