"""From followed faces to evidence, with an embedder that tells people by colour."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from contract.events import Liveness, Outcome
from edge_agent.camera.frames import Sight
from edge_agent.decide import Emptiness
from edge_agent.judging.examine import Examiner
from edge_agent.judging.judge import MAX_PEOPLE, QUICK_SHOTS, Judge, Judgement
from edge_agent.judging.recent import RecentFaces
from edge_agent.sections.core import Limits
from edge_agent.session import Session, Start
from edge_agent.window.track import Follower
from edge_agent.window.vacancy import Around
from models.liveness_track import WINDOW
from tests.edge_agent.building import presented, shot, sight
from tests.fakes import Acquaintances, BrightnessLiveness, ColourEmbedder, HandClock

BLUE, GREEN, RED = (255, 0, 0), (0, 255, 0), (0, 0, 255)
X, Y, Z = np.eye(3, dtype=np.float32)
AT = HandClock().now()
EMPTY = Around(own=Emptiness.EMPTY, others=Emptiness.EMPTY)


class CountingEmbedder(ColourEmbedder):
    """Remembers the sizes of its batches."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def describe(self, chips: Any) -> Any:
        self.batches.append(len(chips))
        return super().describe(chips)


def judged(*sights: Sight, people: Acquaintances | None = None, quick: bool = False, **parts: Any) -> Judgement:
    judge = Judge(
        embedder=parts.get("embedder", ColourEmbedder()),
        people=people or Acquaintances(insured={"P1": X}),
        recent=parts.get("recent", RecentFaces(keep_s=100, limit=Limits().among)),
        limits=Limits(),
        examiner=Examiner(parts.get("liveness"), WINDOW),
    )
    return judge.judge(session(*sights), at=AT, interrupted=False, around=EMPTY, quick=quick)


def session(*sights: Sight) -> Session:
    start = Start(msgid="M1", infno="2207", psn_no="P1", mdtrt_cert_type="02", window="W1")
    one = Session(start=start, opened_at=AT, opened_s=0.0, since_s=0.0, follower=Follower(0.0))
    for each in sights:
        one.add(each)
    return one


def stay(colour: tuple[int, int, int], **changes: Any) -> list[Sight]:
    return [sight(i / 6, shot(colour=colour, **changes)) for i in range(24)]


def test_the_enrolled_person_is_the_same() -> None:
    found = judged(*stay(BLUE))
    assert found.decision.outcome is Outcome.SAME
    assert found.similarity == pytest.approx(1, abs=1e-3)
    assert found.vector is not None and found.portrait is not None
    assert (found.evidence.frames.seen, found.evidence.frames.with_subject, found.evidence.persons) == (24, 24, 1)


def test_of_whoever_does_not_use_the_face_none_is_embedded() -> None:
    embedder = CountingEmbedder()
    found = judged(*stay(GREEN), people=Acquaintances(insured={"P1": X}, exempt={"P1"}), embedder=embedder)
    assert (found.decision.outcome, found.decision.reasons) == (Outcome.UNDECIDED, ("face_not_used",))
    assert (embedder.batches, found.vector, found.portrait, found.similarity) == ([], None, None, None)


def test_another_person_is_different() -> None:
    found = judged(*stay(GREEN))
    assert (found.decision.outcome, found.similarity) == (Outcome.DIFFERENT, pytest.approx(0, abs=1e-2))


def test_the_insured_beside_the_subject_is_found() -> None:
    found = judged(*(sight(i / 6, shot(300, colour=GREEN, width=80), shot(560, colour=BLUE, width=50)) for i in range(24)))
    assert (found.decision.outcome, found.evidence.persons) == (Outcome.SAME, 2)
    assert found.vector is not None and found.vector @ X > 0.99


def test_nobody_enrolled_is_not_compared() -> None:
    found = judged(*stay(BLUE), people=Acquaintances())
    assert (found.decision.outcome, found.similarity) == (Outcome.UNDECIDED, None)
    assert "not_enrolled" in found.decision.reasons


def test_a_proxy_and_staff_are_recognised() -> None:
    assert judged(*stay(GREEN), people=Acquaintances(insured={"P1": X}, proxies=[Z, Y])).decision.outcome is Outcome.PROXY
    staff = judged(*stay(GREEN), people=Acquaintances(insured={"P1": X}, staff=[Z, Y])).decision
    assert (staff.outcome, "staff_face" in staff.reasons) == (Outcome.UNDECIDED, True)


def test_more_people_than_are_compared_leave_a_doubt() -> None:
    crowd = [shot(40 + 80 * i, 40 + 80 * (i % 2), width=40, colour=GREEN) for i in range(MAX_PEOPLE + 1)]
    found = judged(*(sight(i / 6, *crowd) for i in range(24)))
    assert (found.evidence.followed, len(found.evidence.people)) == (MAX_PEOPLE + 1, MAX_PEOPLE)
    assert "not_everybody_compared" in found.decision.reasons


def later(*sights: Sight, after_s: float) -> list[Sight]:
    return [replace(one, mono_s=one.mono_s + after_s) for one in sights]


def test_the_next_customer_is_not_accused_when_the_reply_is_late() -> None:
    """The insured person stood there with the back to the camera; nothing of her face was seen."""
    found = judged(*(sight(i / 6, foreground=0.4) for i in range(48)), *later(*stay(GREEN), *later(*stay(GREEN), after_s=4), after_s=8))
    assert (found.decision.outcome, found.decision.reasons[0]) == (Outcome.UNDECIDED, "came_later")


def test_a_face_that_turned_away_for_a_while_is_the_one_that_came_first() -> None:
    found = judged(*stay(GREEN)[:14], *later(*stay(GREEN), *later(*stay(GREEN), after_s=4), after_s=6))
    assert (found.decision.outcome, found.evidence.followed) == (Outcome.DIFFERENT, 2)


def test_covered_moments_are_left_out_while_enough_others_are_clear() -> None:
    sights = [sight(i / 6, shot(colour=GREEN if i < 12 else BLUE, covered=i < 12)) for i in range(24)]
    found = judged(*sights)
    assert found.decision.outcome is Outcome.SAME
    assert found.evidence.people[0].clear == found.evidence.people[0].used


def test_a_face_that_stays_covered_is_not_accused() -> None:
    found = judged(*stay(GREEN, covered=True))
    assert found.decision.outcome is Outcome.UNDECIDED and "face_covered" in found.decision.reasons


WEAK_GREEN = ColourEmbedder(strengths=(100, Limits().min_strength - 0.1, 100))


def test_weak_moments_are_left_out_while_enough_others_are_strong() -> None:
    found = judged(*stay(GREEN)[:12], *stay(BLUE)[12:], embedder=WEAK_GREEN)
    assert found.decision.outcome is Outcome.SAME and found.similarity == pytest.approx(1, abs=1e-3)
    assert found.evidence.people[0].clear == found.evidence.people[0].used < len(stay(BLUE)) / 2


def test_a_face_that_stays_weak_is_not_accused_but_may_be_recognised() -> None:
    stranger = judged(*stay(GREEN), embedder=WEAK_GREEN)
    assert stranger.decision.outcome is Outcome.UNDECIDED and "face_covered" in stranger.decision.reasons
    insured = judged(*stay(GREEN), embedder=WEAK_GREEN, people=Acquaintances(insured={"P1": Y}))
    assert insured.decision.outcome is Outcome.SAME and insured.evidence.people[0].clear == 0
    assert insured.vector is None


def test_a_face_of_exactly_the_least_strength_is_clear() -> None:
    just = ColourEmbedder(strengths=(100, Limits().min_strength, 100))
    assert judged(*stay(GREEN), embedder=just).decision.outcome is Outcome.DIFFERENT


def test_the_portrait_is_one_that_shows_the_face() -> None:
    sights = [sight(i / 6, shot(colour=GREEN if i < 20 else BLUE, weight=0.9 if i < 20 else 0.3)) for i in range(24)]
    portrait = judged(*sights, embedder=WEAK_GREEN).portrait
    assert portrait is not None and tuple(portrait[0, 0]) == BLUE


@pytest.mark.parametrize(
    ("sights", "embedder"),
    [(stay(GREEN, covered=True), ColourEmbedder()), (stay(GREEN), WEAK_GREEN), (stay(GREEN)[:4], ColourEmbedder())],
    ids=["covered", "weak", "hardly seen"],
)
def test_a_hidden_or_hardly_seen_face_leaves_no_template(sights: list[Sight], embedder: ColourEmbedder) -> None:
    """Different people under masks of one kind resemble each other: such a vector would make strangers one person."""
    recent = RecentFaces(keep_s=100, limit=Limits().among)
    recent.add(Y, "P2", 0.0)
    judge = Judge(embedder=embedder, people=Acquaintances(), recent=recent, limits=Limits(), examiner=Examiner(None, WINDOW))
    one = session(*sights)
    found = judge.judge(one, at=AT, interrupted=False, around=EMPTY)
    judge.remember(found, one)
    assert found.vector is None and found.portrait is not None
    assert "face_with_other_cards" not in found.decision.reasons
    assert recent.other_cards(Y, "P9", 0.0) == 1


def test_unusable_moments_are_not_embedded() -> None:
    embedder = CountingEmbedder()
    found = judged(*stay(BLUE, problems=("blurred",)), embedder=embedder)
    assert embedder.batches == []
    assert found.decision.reasons[:2] == ("too_few_good_frames", "blurred")
    assert found.vector is None and found.portrait is not None


def test_a_quick_look_embeds_the_newest_few() -> None:
    embedder = CountingEmbedder()
    sights = [sight(i / 6, shot(colour=GREEN if i < 12 else BLUE)) for i in range(36)]
    assert judged(*sights, embedder=embedder, quick=True).decision.outcome is Outcome.SAME
    assert sum(embedder.batches) == QUICK_SHOTS


def test_other_cards_are_noticed_once_remembered() -> None:
    recent = RecentFaces(keep_s=100, limit=Limits().among)
    recent.add(X, "P2", 0.0)
    assert "face_with_other_cards" in judged(*stay(BLUE), recent=recent).decision.reasons


def test_only_what_was_seen_enough_is_remembered() -> None:
    recent = RecentFaces(keep_s=100, limit=Limits().among)
    judge = Judge(embedder=ColourEmbedder(), people=Acquaintances(), recent=recent, limits=Limits(), examiner=Examiner(None, WINDOW))
    for count, remembered in ((4, 0), (24, 1)):
        one = session(*stay(BLUE)[:count])
        judge.remember(judge.judge(one, at=AT, interrupted=False, around=EMPTY), one)
        assert recent.other_cards(X, "P9", 0.0) == remembered


def filmed(colour: tuple[int, int, int], liveness: float, x: float = 320) -> list[Sight]:
    return [sight(i / 6, presented(shot(x, colour=colour), i / 6, liveness)) for i in range(24)]


def test_without_a_network_liveness_is_not_evaluated() -> None:
    decision = judged(*filmed(BLUE, 0.0)).decision
    assert decision.outcome is Outcome.SAME and decision.person is not None
    assert decision.person.liveness is Liveness.NOT_EVALUATED and "liveness_not_evaluated" in decision.reasons


@pytest.mark.parametrize(
    ("liveness", "outcome", "verdict"),
    [(0.95, Outcome.SAME, Liveness.LIVE), (0.5, Outcome.SAME, Liveness.CANNOT_JUDGE), (0.1, Outcome.ATTACK, Liveness.ATTACK)],
)
def test_the_enrolled_face_is_judged_for_liveness(liveness: float, outcome: Outcome, verdict: Liveness) -> None:
    person = judged(*filmed(BLUE, liveness), liveness=BrightnessLiveness()).decision.person
    assert person is not None and person.liveness is verdict
    assert person.liveness_score == pytest.approx(liveness, abs=0.01)
    assert judged(*filmed(BLUE, liveness), liveness=BrightnessLiveness()).decision.outcome is outcome


def test_a_stranger_on_a_screen_is_an_attack_that_says_why() -> None:
    decision = judged(*filmed(GREEN, 0.1), liveness=BrightnessLiveness()).decision
    assert (decision.outcome, decision.reasons) == (Outcome.ATTACK, ("presentation_attack", "liveness_looks_shown"))


@pytest.mark.parametrize("colour", [BLUE, GREEN], ids=["of the insured", "of somebody else"])
def test_a_picture_beside_the_insured_person_accuses_nobody(colour: tuple[int, int, int]) -> None:
    """As a poster, or the photograph on an electronic certificate: it may even be the larger and more similar face."""
    pairs = zip(filmed(colour, 0.1, 300), filmed(BLUE, 0.9, 520), strict=True)
    decision = judged(
        *(sight(i / 6, *one.shots, *other.shots) for i, (one, other) in enumerate(pairs)), liveness=BrightnessLiveness()
    ).decision
    assert decision.outcome is Outcome.SAME and decision.person is not None and decision.person.liveness is Liveness.LIVE


def test_a_picture_before_somebody_unclear_is_undecided() -> None:
    sights = [sight(i / 6, *one.shots, shot(520, colour=RED, covered=True)) for i, one in enumerate(filmed(BLUE, 0.1))]
    decision = judged(*sights, liveness=BrightnessLiveness()).decision
    assert decision.outcome is Outcome.UNDECIDED and {"liveness_attack", "another_face_unclear"} <= set(decision.reasons)


def test_only_the_subject_and_whoever_is_recognised_are_scored() -> None:
    net = BrightnessLiveness()
    crowd = [shot(60 + 90 * i, 200, colour=GREEN) for i in range(5)]
    judged(*(sight(i / 6, *(presented(one, i / 6, 0.9) for one in crowd)) for i in range(24)), liveness=net, quick=True)
    assert net.batches == [4, QUICK_SHOTS - 4]


@pytest.mark.parametrize(("often", "named"), [(3, ("mouth_covered",)), (2, ())], ids=["half of the moments", "fewer"])
def test_a_hint_counts_when_it_holds_for_half_of_the_moments(often: int, named: tuple[str, ...]) -> None:
    hinted = [sight(float(at), shot(hints=("mouth_covered",) if at < often else ())) for at in range(6)]
    (subject,) = judged(*hinted).evidence.people
    assert subject.hints == named


def test_whoever_is_on_the_watch_list_is_remarked_and_not_accused() -> None:
    found = judged(*stay(BLUE), people=Acquaintances(insured={"P1": X}, watched=[X, Y]))
    assert found.decision.outcome is Outcome.SAME
    assert "watched_face" in found.decision.reasons
    assert found.evidence.compared.watched == 2
