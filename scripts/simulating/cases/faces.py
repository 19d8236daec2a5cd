"""One face with many cards and one card with many faces: CC-01 to CC-04, and the families, carers and twins who do the same by right."""

from collections.abc import Callable, Sequence
from functools import partial

from scripts.simulating.cases.plays import Told, innocent, planted
from scripts.simulating.catalogue import HAEMODIALYSIS
from scripts.simulating.month import HOUR
from scripts.simulating.stage import Person, Row, Stage

Register = Callable[[Stage, Sequence[Person]], None]

UNSURE: Row = {"outcome": "undecided"}
STRANGER: Row = {"outcome": "undecided", "similarity": None}
"""Somebody whom the window could compare with nobody, as the insured person is not enrolled."""
DOUBTFUL: Row = {"outcome": "undecided", "face_band": "doubtful"}


def _shared_proxy(stage: Stage, persons: Sequence[Person]) -> None:
    """Everybody's proxy is the first."""
    for other in persons[1:]:
        stage.proxy(other, persons[0])


def one_face(
    stage: Stage, *, after_min: Sequence[float], seen: Row = UNSURE, sites: int = 1, own: bool = True, register: Register | None = None
) -> Told:
    """One face with a card of another person at each of the moments, counted in minutes from the first; the first card is his own."""
    days = int(max(after_min) // 1440) + 1
    places, start = [stage.site() for _ in range(sites)], stage.at(stage.day(days), 9 * 60 + stage.rng.randrange(30))
    persons = [stage.person() for _ in after_min]
    if register:
        register(stage, persons)
    for turn, (who, minutes) in enumerate(zip(persons, after_min, strict=True)):
        at = start + round(minutes * 60) * 1_000_000
        stage.settle(places[turn % sites], who, at, seen={"face_group": persons[0].face} | (seen if turn or not own else {}))
    return None


_WEEK = 7 * 1440
planted("CC-01", "two cards in five minutes")(partial(one_face, after_min=(0, 5)))
planted("CC-01", "two cards in half an hour, just")(partial(one_face, after_min=(0, 30)))
planted("CC-01", "three cards in four days")(partial(one_face, after_min=(0, 2 * 1440, 4 * 1440)))
planted("CC-01", "three cards in a week, just")(partial(one_face, after_min=(0, 3 * 1440 + 60, _WEEK)))
planted("CC-01", "two cards, neither his own")(partial(one_face, after_min=(0, 4), own=False))

innocent("CC-01", "a couple on two days")(partial(one_face, after_min=(0, 1500)))
innocent("CC-01", "two cards, half an hour and a minute apart")(partial(one_face, after_min=(0, 31)))
innocent("CC-01", "three cards in more than a week")(partial(one_face, after_min=(0, 4 * 1440, _WEEK + 60)))
innocent("CC-01", "family with a registered proxy")(partial(one_face, after_min=(0, 3, 6), register=_shared_proxy))
innocent("CC-01", "looks alike, doubtful")(partial(one_face, after_min=(0, 4, 9), seen=DOUBTFUL))
innocent("CC-01", "twins, both recognised")(partial(one_face, after_min=(0, 4), seen={}))
innocent("CC-01", "camera failed meanwhile")(partial(one_face, after_min=(0, 4), seen=UNSURE | {"camera_fault": True}))

_FIVE = tuple(turn * 1440 * 3 for turn in range(5))
_EDGE = tuple(day * 1440 for day in (0, 7, 14, 20, 27))
planted("CC-03", "five cards at five institutions")(partial(one_face, after_min=_FIVE, sites=5))
planted("CC-03", "six cards at six institutions")(partial(one_face, after_min=(*_FIVE, 16 * 1440), sites=6))
planted("CC-03", "five cards in four weeks")(partial(one_face, after_min=_EDGE, sites=5))

innocent("CC-03", "four cards")(partial(one_face, after_min=_FIVE[:4], sites=4))
innocent("CC-03", "carer with registered persons")(partial(one_face, after_min=_FIVE, sites=5, register=_shared_proxy))
innocent("CC-03", "looks alike, doubtful")(partial(one_face, after_min=_FIVE, sites=5, seen=DOUBTFUL))


def _one_card(stage: Stage, *, others: Sequence[Row], proxies: int = 0) -> Told:
    """One card, used by its owner and, days apart, by others who are seen so; the first so many of them are registered proxies."""
    site, who, day = stage.site(), stage.person(), stage.day(4 * len(others) + 1)
    stage.settle(site, who, stage.at(day, 600))
    for turn, seen in enumerate(others):
        other = stage.person()
        if turn < proxies:
            stage.proxy(who, other)
        stage.settle(site, who, stage.at(day + 4 * (turn + 1), 640), seen={"face_group": other.face} | seen)
    return None


planted("CC-02", "owner and two others")(partial(_one_card, others=(STRANGER, STRANGER)))
planted("CC-02", "owner and four others, one compared", "ID-01")(partial(_one_card, others=(STRANGER, {"outcome": "different"}) * 2))
planted("CC-02", "owner, proxy and two others")(partial(_one_card, others=(STRANGER,) * 3, proxies=1))

innocent("CC-02", "owner and one other")(partial(_one_card, others=(STRANGER,)))
innocent("CC-02", "owner and two registered proxies")(partial(_one_card, others=(STRANGER, STRANGER), proxies=2))
innocent("CC-02", "looks different, doubtful")(partial(_one_card, others=(STRANGER, STRANGER | {"face_band": "doubtful"})))
innocent("CC-02", "recognised in spite of masks")(partial(_one_card, others=({}, {}, {})))
innocent("CC-02", "nearly recognised")(partial(_one_card, others=(UNSURE, UNSURE, UNSURE)))
innocent("CC-02", "liveness could not be judged")(partial(_one_card, others=(STRANGER, STRANGER | {"liveness": "cannot_judge"})))


def _all_exempt(stage: Stage, persons: Sequence[Person]) -> None:
    for who in persons:
        stage.exempt(who)


innocent("CC-01", "do not use the face")(partial(one_face, after_min=(0, 4), register=_all_exempt))
innocent("CC-03", "do not use the face")(partial(one_face, after_min=_FIVE, sites=5, register=_all_exempt))


def _companions(
    stage: Stage,
    *,
    days: int,
    persons: int = 3,
    gap_min: float = 4,
    capture: bool = True,
    seen: Row = UNSURE,
    register: Register | None = None,
    item: str = "",
) -> Told:
    """The same persons, one after the other, on so many days; billed an `item` of a hospital, if one is named."""
    site, day = stage.site("H" if item else "P", watched=capture), stage.day(days * 5)
    group = [stage.person() for _ in range(persons)]
    line = {"med_list_codg": item} if item else {}
    if register:
        register(stage, group)
    for turn in range(days):
        for place, who in enumerate(group):
            at = stage.at(day + turn * 5, 600 + turn * 45 + place * gap_min)
            stage.settle(site, who, at, capture=capture, seen=seen, line=line)
    return None


planted("CC-04", "three persons on three days")(partial(_companions, days=3))
planted("CC-04", "three persons within ten minutes, just")(partial(_companions, days=3, gap_min=5))
planted("CC-04", "four persons on four days, no terminal")(partial(_companions, days=4, persons=4, gap_min=3, capture=False))

innocent("CC-04", "three persons on two days")(partial(_companions, days=2))
innocent("CC-04", "a couple on four days")(partial(_companions, days=4, persons=2))
innocent("CC-04", "friends who came themselves")(partial(_companions, days=4, seen={}))
innocent("CC-04", "shuttle bus to haemodialysis")(partial(_companions, days=4, item=HAEMODIALYSIS))
innocent("CC-04", "six minutes apart")(partial(_companions, days=3, gap_min=6))
innocent("CC-04", "family with a registered proxy")(partial(_companions, days=3, register=_shared_proxy))


@innocent("CC-02", "three faces, one of them taken back")
def _taken_back(stage: Stage) -> Told:
    site, who, day = stage.site(), stage.person(), stage.day(12)
    stage.settle(site, who, stage.at(day, 600))
    for turn in range(2):
        at = stage.at(day + 5 * (turn + 1), 640)
        bill = stage.settle(site, who, at, seen=STRANGER | {"face_group": stage.person().face})
        if turn:
            stage.refund(bill, at + HOUR)
    return None
