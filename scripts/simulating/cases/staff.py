"""Those who work there: PR-02, STF-01, STF-02, and clerks who are customers, too."""

from functools import partial

from central.inputs import FOREVER
from scripts.simulating.cases.plays import Told, innocent, planted
from scripts.simulating.month import DAY
from scripts.simulating.stage import Person, Row, Site, Stage

STAFF_FACE: Row = {"outcome": "undecided", "staff_face": True, "persons": 1}
_OTHER = STAFF_FACE | {"outcome": "different"}


def _clerk(stage: Stage, site: Site, until: int = FOREVER) -> Person:
    who = stage.person()
    stage.staff(site, who, until=until)
    return who


def _swiped(stage: Stage, *, seen: Row, proxy: bool = False, of_staff: bool = False, kind: str = "P") -> Told:
    """A clerk's face where somebody's card is settled."""
    site = stage.site(kind)
    clerk, colleague = _clerk(stage, site), _clerk(stage, site)
    who = colleague if of_staff else stage.person()
    if proxy:
        stage.proxy(who, clerk)
    stage.settle(site, who, stage.at(stage.day(), 12 * 60 + 40), seen={"face_group": clerk.face} | seen)
    return None


planted("PR-02", "only a clerk", "STF-01", "ID-01")(partial(_swiped, seen=_OTHER))
planted("PR-02", "only a clerk, undecided", "STF-01")(partial(_swiped, seen=STAFF_FACE))
planted("PR-02", "only a clerk, hospital", "STF-01", "ID-01")(partial(_swiped, seen=_OTHER, kind="H"))

innocent("PR-02", "customer beside the clerk", "STF-01")(partial(_swiped, seen=STAFF_FACE | {"persons": 2}))
innocent("PR-02", "clerk is the registered proxy")(partial(_swiped, seen=STAFF_FACE, proxy=True))
innocent("PR-02", "a colleague's own card")(partial(_swiped, seen=STAFF_FACE, of_staff=True))
innocent("PR-02", "camera failed meanwhile")(partial(_swiped, seen=STAFF_FACE | {"camera_fault": True}))
innocent("PR-02", "customer recognised")(partial(_swiped, seen={"staff_face": True, "outcome": "same"}))

planted("STF-01", "clerk with a customer's card", "PR-02", "ID-01")(partial(_swiped, seen=_OTHER))
planted("STF-01", "clerk, five frames, just enough", "PR-02")(partial(_swiped, seen=STAFF_FACE | {"frames_used": 5}))

innocent("STF-01", "a glimpse of the clerk", "PR-02")(partial(_swiped, seen=STAFF_FACE | {"frames_used": 4}))
innocent("STF-01", "clerk is the registered proxy")(partial(_swiped, seen=STAFF_FACE, proxy=True))
innocent("STF-01", "looks like a clerk, doubtful", "PR-02")(partial(_swiped, seen=STAFF_FACE | {"face_band": "doubtful"}))
innocent("STF-01", "liveness could not be judged", "PR-02")(partial(_swiped, seen=STAFF_FACE | {"liveness": "cannot_judge"}))


@innocent("STF-01", "clerk buys for himself")
def _for_himself(stage: Stage) -> Told:
    site = stage.site()
    clerk = _clerk(stage, site)
    stage.settle(site, clerk, stage.at(stage.day(), 800), seen={"staff_face": True})
    return None


def _own_claims(stage: Stage, *, bills: int, back: int = 0, elsewhere: bool = False, span: int = 24) -> Told:
    """A clerk's own settlements, spread over so many days; so many of them are taken back."""
    site, day = stage.site(), stage.day(span)
    clerk, shop = _clerk(stage, site), stage.site() if elsewhere else site
    for turn in range(bills):
        at = stage.at(day + turn * (span - 1) // (bills - 1), 720 + turn * 3)
        bill = stage.settle(shop, clerk, at, seen={"staff_face": not elsewhere})
        if turn < back:
            stage.refund(bill, at + 3_600_000_000)
    return None


planted("STF-02", "five own settlements, just too many")(partial(_own_claims, bills=5))
planted("STF-02", "nine own settlements")(partial(_own_claims, bills=9))
planted("STF-02", "six, of which one taken back")(partial(_own_claims, bills=6, back=1))
innocent("STF-02", "four own settlements")(partial(_own_claims, bills=4))
innocent("STF-02", "five, of which one taken back")(partial(_own_claims, bills=5, back=1))


@innocent("STF-02", "left the shop last month")
def _left(stage: Stage) -> Told:
    site = stage.site()
    who = _clerk(stage, site, until=stage.month.start - DAY)
    for turn in range(7):
        stage.settle(site, who, stage.at(2 + turn * 3, 730))
    return None


innocent("STF-02", "eight in another shop")(partial(_own_claims, bills=8, elsewhere=True))
