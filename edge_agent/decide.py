"""From evidence and limits to one outcome. Pure, and the only place where an outcome is chosen.

A step that did not run is never a pass, and whatever is not certain is undecided: an honest person is never accused by a machine.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from contract.events import FrameCounts, Liveness, ManualReason, Outcome
from edge_agent.sections.core import Limits

EXEMPT = "face_not_used"
"""The insured person cannot or will not use the face: the till checks by hand, and the capture says that nothing was compared."""


class Emptiness(StrEnum):
    """What the background says about the whole time."""

    EMPTY = "empty"
    OCCUPIED = "occupied"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One face followed over the session and compared.

    `used` moments were fused, `clear` of them show the whole face; `losses` says why others were not used, with counts, and `hints` what
    would make most of the used ones better. `share` is that of the frames since the start in which the face was seen, `came_after_s` how
    long after the start it first was (negative: before). `insured`, `proxy`, `staff` and `watched` are the fused similarities to the
    enrolled person, the best registered proxy, the best member of staff and the best of the watch list; `insured_best` is the highest one
    of a single moment. None: not compared.
    `liveness_score` (0 to 1) and `liveness_reasons` say why `liveness` is what it is.
    """

    key: int
    used: int
    clear: int
    share: float
    came_after_s: float = 0.0
    losses: tuple[tuple[str, int], ...] = ()
    hints: tuple[str, ...] = ()
    insured: float | None = None
    insured_best: float | None = None
    proxy: float | None = None
    staff: float | None = None
    watched: float | None = None
    liveness: Liveness = Liveness.NOT_EVALUATED
    liveness_score: float | None = None
    liveness_reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """With how many people each face was compared besides the insured one. The more, the more similar the best must be."""

    proxies: int = 0
    staff: int = 0
    watched: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything an outcome may rest on. `people` are the persons compared, the subject first; `followed` counts also those who were not,
    and `persons` those seen at one time. `faces` counts faces in all frames, followed or not. `emptiness` is that of the settlement's own
    frames, `around` that of the longer time around it at this window, and `elsewhere` the same of all other windows.

    `exempt` says that the insured person is not to be compared; then nobody is. `other_cards` is the number of other insured persons for
    whom the same face stood here recently. `faults` are the codes of what kept the
    window from being seen for some of the time.
    """

    frames: FrameCounts
    interrupted: bool
    emptiness: Emptiness
    around: Emptiness
    elsewhere: Emptiness
    faces: int
    enrolled: bool
    persons: int = 0
    followed: int = 0
    people: tuple[Person, ...] = ()
    compared: Compared = Compared()
    exempt: bool = False
    other_cards: int = 0
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The outcome, why, and the person it speaks of (None when nobody was followed)."""

    outcome: Outcome
    reasons: tuple[str, ...]
    person: Person | None = None


def decide(seen: Evidence, limits: Limits) -> Decision:
    """The one outcome of a session. Where the window could not be seen for some of the time, nothing is said against anybody: whoever was
    recognised was there, else it was blind or remains undecided.
    """
    if seen.frames.seen == 0 or (seen.faults and not _anybody_usable(seen, limits)):
        return Decision(outcome=Outcome.BLIND, reasons=("camera_blind", *_fault_codes(seen)))
    if seen.exempt and (seen.followed or seen.faces):
        return _undecided(EXEMPT)
    if not seen.people:
        return _nobody(seen, limits)
    found = _identity(seen, limits)
    person = seen.people[0] if found.person is None else found.person
    if person.liveness is Liveness.ATTACK:
        found = _shown(seen, person, limits)
    reasons = tuple(dict.fromkeys(found.reasons + _remarks(seen, person, limits)))
    return Decision(outcome=found.outcome, reasons=reasons, person=person)


def confirm_by_hand(decision: Decision, reason: ManualReason) -> Decision:
    """What remains when the clerk says for this reason that the person, or a proxy, was verified otherwise.

    It settles what the machine could not judge. It does not overrule what the machine saw; there it only stands among the reasons.
    """
    unjudged = decision.outcome in (Outcome.UNDECIDED, Outcome.BLIND)
    stated = (*decision.reasons, *(() if unjudged else ("manual_claimed",)), f"manual_{reason}")
    return Decision(outcome=Outcome.MANUAL_VERIFIED if unjudged else decision.outcome, reasons=stated, person=decision.person)


def cut_short(decision: Decision, reason: str) -> Decision:
    """What remains when the observation ended early for this reason: only a completed one may say that somebody else or nobody was there.

    That the enrolled person or a proxy was recognised stays true.
    """
    if decision.outcome in (Outcome.DIFFERENT, Outcome.NO_PERSON):
        return Decision(outcome=Outcome.UNDECIDED, reasons=(reason, *decision.reasons), person=decision.person)
    return decision


def _nobody(seen: Evidence, limits: Limits) -> Decision:
    if seen.faces:
        return _undecided("face_not_usable")
    if seen.interrupted:
        return _undecided("no_face", "camera_interrupted")
    if seen.emptiness is Emptiness.UNKNOWN:
        return _undecided("no_face", "background_not_learnt")
    if seen.emptiness is Emptiness.OCCUPIED:
        return _undecided("no_face", "someone_without_face")
    if doubts := _signs_of_people(seen, limits):
        return _undecided("no_face", *doubts)
    return Decision(outcome=Outcome.NO_PERSON, reasons=("window_empty",))


def _signs_of_people(seen: Evidence, limits: Limits) -> tuple[str, ...]:
    """Why somebody may have been served although the window was empty during the settlement: before it, after it, or elsewhere."""
    signs = {
        "person_before_or_after": seen.around is Emptiness.OCCUPIED,
        "before_and_after_unknown": seen.around is Emptiness.UNKNOWN,
        "person_at_other_window": limits.empty_everywhere and seen.elsewhere is Emptiness.OCCUPIED,
        "other_window_unknown": limits.empty_everywhere and seen.elsewhere is Emptiness.UNKNOWN,
    }
    return tuple(code for code, holds in signs.items() if holds)


def _identity(seen: Evidence, limits: Limits) -> Decision:
    """Who it is. Whoever is there in person goes before a picture: nobody is accused for one that lies or hangs beside them."""
    known = _recognised(seen, limits)
    present = [one for one in known if one.person is not None and one.person.liveness is not Liveness.ATTACK]
    return (present or known or [_stranger(seen, limits)])[0]


def _recognised(seen: Evidence, limits: Limits) -> list[Decision]:
    found = []
    if insured := _best_match(seen, limits, limits.same, lambda person: person.insured):
        beside = () if insured is seen.people[0] else ("insured_beside",)
        found.append(Decision(outcome=Outcome.SAME, reasons=("same_face", *beside), person=insured))
    if proxy := _best_match(seen, limits, limits.among(seen.compared.proxies), lambda person: person.proxy):
        found.append(Decision(outcome=Outcome.PROXY, reasons=("registered_proxy",), person=proxy))
    return found


def _best_match(seen: Evidence, limits: Limits, least: float, similarity: Callable[[Person], float | None]) -> Person | None:
    matching = [one for one in seen.people if one.used >= limits.min_good_frames and _value(similarity(one)) >= least]
    return max(matching, key=lambda one: (one.liveness is not Liveness.ATTACK, _value(similarity(one))), default=None)


def _stranger(seen: Evidence, limits: Limits) -> Decision:
    subject = seen.people[0]
    if not seen.enrolled:
        return _undecided("not_enrolled", person=subject)
    if doubts := _identity_doubts(subject, limits) or _presence_doubts(seen, subject, limits):
        return _undecided(*doubts, *subject.hints, person=subject)
    return Decision(outcome=Outcome.DIFFERENT, reasons=("different_face",), person=subject)


def _shown(seen: Evidence, shown: Person, limits: Limits) -> Decision:
    """A picture or a stream stands for the person: an attack, unless the insured person may have been there besides it."""
    if doubts := _presence_doubts(seen, shown, limits):
        return _undecided("liveness_attack", *shown.liveness_reasons, *doubts, person=shown)
    return Decision(outcome=Outcome.ATTACK, reasons=("presentation_attack", *shown.liveness_reasons), person=shown)


def _identity_doubts(subject: Person, limits: Limits) -> tuple[str, ...]:
    """Why the subject's own face does not say that it is another person; empty only when everything speaks for it."""
    if subject.used < limits.min_good_frames:
        return ("too_few_good_frames", *(code for code, _ in subject.losses))
    doubts = {
        "not_compared": subject.insured is None or subject.insured_best is None,
        "face_covered": subject.clear < limits.min_good_frames,
        "between_limits": _value(subject.insured) > limits.different,
        "moments_disagree": _value(subject.insured_best) >= limits.same,
        "may_be_proxy": _value(subject.proxy) > limits.different,
        "staff_face": _value(subject.staff) >= limits.same,  # the lower bar: this doubt is for the person's good
    }
    return tuple(code for code, holds in doubts.items() if holds)


def _presence_doubts(seen: Evidence, person: Person, limits: Limits) -> tuple[str, ...]:
    """Where the insured person may have been without being recognised: beside this one however briefly, among those not compared, before a
    camera that failed for a while, or at the window before somebody who came later or was there in passing.
    """
    doubts = {
        "seen_too_briefly": person.share < limits.min_subject_share,
        "came_later": person.came_after_s > limits.subject_within_s,
        "another_face_unclear": any(_may_be_insured(seen, other, limits) for other in seen.people if other is not person),
        "not_everybody_compared": max(seen.followed, seen.persons) > len(seen.people),
        "camera_interrupted": seen.interrupted,
    }
    return (*(code for code, holds in doubts.items() if holds), *_fault_codes(seen))


def _anybody_usable(seen: Evidence, limits: Limits) -> bool:
    return any(one.used >= limits.min_good_frames for one in seen.people)


def _fault_codes(seen: Evidence) -> tuple[str, ...]:
    return tuple(f"camera_{code}" for code in seen.faults)


def _may_be_insured(seen: Evidence, person: Person, limits: Limits) -> bool:
    if person.insured is None or person.clear < limits.min_good_frames:
        return True
    return person.insured > limits.different and not _is_staff(seen, person, limits)


def _is_staff(seen: Evidence, person: Person, limits: Limits) -> bool:
    return _value(person.staff) >= limits.among(seen.compared.staff)


def _is_watched(seen: Evidence, person: Person, limits: Limits) -> bool:
    return person.clear >= limits.min_good_frames and _value(person.watched) >= limits.among(seen.compared.watched)


def _remarks(seen: Evidence, person: Person, limits: Limits) -> tuple[str, ...]:
    remarks = {
        "staff_face": _is_staff(seen, seen.people[0], limits),
        "watched_face": any(_is_watched(seen, one, limits) for one in seen.people),
        "several_persons": seen.persons > 1,
        "camera_interrupted": seen.interrupted,
        "face_with_other_cards": seen.other_cards > 0,
        "liveness_not_evaluated": person.liveness is Liveness.NOT_EVALUATED,
        "liveness_cannot_judge": person.liveness is Liveness.CANNOT_JUDGE,
    }
    unclear = person.liveness_reasons if person.liveness is Liveness.CANNOT_JUDGE else ()
    return (*(code for code, holds in remarks.items() if holds), *unclear, *_fault_codes(seen))


def _undecided(*reasons: str, person: Person | None = None) -> Decision:
    return Decision(outcome=Outcome.UNDECIDED, reasons=reasons, person=person)


def _value(similarity: float | None) -> float:
    return -1.0 if similarity is None else similarity
