"""Who stood at the window: ID-01 to ID-03, PR-01, PR-03, WAT-01, and what excuses it."""

from collections.abc import Callable
from functools import partial

from scripts.simulating.cases.plays import Told, innocent, planted
from scripts.simulating.month import DAY, MINUTE
from scripts.simulating.stage import Person, Row, Site, Stage

Prepare = Callable[[Stage, Site, Person, int], None]


def one_visit(stage: Stage, *, seen: Row, prepare: Prepare | None = None) -> Told:
    """One settlement, seen so; `prepare` registers something before."""
    site, who, at = stage.site(stage.rng.choice("HP")), stage.person(), stage.at(stage.day(), 10 * 60 + stage.rng.randrange(120))
    if prepare:
        prepare(stage, site, who, at)
    stage.settle(site, who, at, seen=seen)
    return None


def _refunded(stage: Stage, *, seen: Row) -> Told:
    site, day = stage.site(), stage.day()
    stage.refund(stage.settle(site, stage.person(), stage.at(day, 600), seen=seen), stage.at(day, 660))
    return None


def _exempt(stage: Stage, _: Site, who: Person, _at: int) -> None:
    stage.exempt(who)


def _proxy(stage: Stage, _: Site, who: Person, at: int, since: int = -40 * DAY, until: int = 40 * DAY) -> None:
    stage.proxy(who, stage.person(), valid_from=at + since, valid_to=at + until)


DIFFERENT: Row = {"outcome": "different"}
NOBODY: Row = {"outcome": "no_person"}
ATTACK: Row = {"outcome": "attack"}

planted("ID-01", "somebody else")(partial(one_visit, seen=DIFFERENT))
planted("ID-01", "three frames, just enough")(partial(one_visit, seen=DIFFERENT | {"frames_used": 3}))
planted("ID-01", "proxy until yesterday")(partial(one_visit, seen=DIFFERENT, prepare=partial(_proxy, until=-DAY)))
planted("ID-01", "proxy from tomorrow")(partial(one_visit, seen=DIFFERENT, prepare=partial(_proxy, since=DAY)))

innocent("ID-01", "between the limits")(partial(one_visit, seen={"outcome": "undecided"}))
innocent("ID-01", "a glimpse of two frames")(partial(one_visit, seen=DIFFERENT | {"frames_used": 2}))
innocent("ID-01", "registered proxy")(partial(one_visit, seen=DIFFERENT, prepare=_proxy))
innocent("ID-01", "does not use the face")(partial(one_visit, seen=DIFFERENT, prepare=_exempt))
innocent("ID-01", "device not to be believed")(partial(one_visit, seen=DIFFERENT | {"distrusted": True}))
innocent("ID-01", "taken back")(partial(_refunded, seen=DIFFERENT))
innocent("ID-01", "verified by hand")(partial(one_visit, seen={"outcome": "manual_verified"}))
innocent("ID-01", "session reversed")(partial(one_visit, seen=DIFFERENT | {"voided": True, "closing": "voided"}))


@planted("ID-01", "told two months later")
def _told_much_later(stage: Stage) -> Told:
    site, at = stage.site(), stage.at(stage.day(), 700)
    stage.settle(site, stage.person(), at, seen=DIFFERENT | {"received_at": at + 60 * DAY}, received_at=at + DAY)
    return None


planted("PR-01", "nobody came")(partial(one_visit, seen=NOBODY))
planted("PR-01", "five frames, just enough")(partial(one_visit, seen=NOBODY | {"frames_seen": 5}))

innocent("PR-01", "four frames")(partial(one_visit, seen=NOBODY | {"frames_seen": 4}))
innocent("PR-01", "window was blind")(partial(one_visit, seen={"outcome": "blind"}))
innocent("PR-01", "camera failed meanwhile")(partial(one_visit, seen=NOBODY | {"camera_fault": True}))
innocent("PR-01", "device not to be believed")(partial(one_visit, seen=NOBODY | {"distrusted": True}))
innocent("PR-01", "does not use the face")(partial(one_visit, seen=NOBODY, prepare=_exempt))
innocent("PR-01", "taken back")(partial(_refunded, seen=NOBODY))
innocent("PR-01", "back to the camera")(partial(one_visit, seen={"outcome": "undecided", "face_group": None, "face_band": None}))


@innocent("PR-01", "the terminal of the shop next door")
def _next_door(stage: Stage) -> Told:
    site = stage.site()
    beside = stage.site_beside(site, 0.02)
    seen = NOBODY | {"fixmedins_code": beside.code, "device_id": beside.device}
    stage.settle(site, stage.person(), stage.at(stage.day(), 640), seen=seen)
    return None


@innocent("PR-01", "claims still to come")
def _claims_to_come(stage: Stage) -> Told:
    site = stage.site()
    stage.told_until(site, stage.at(12, 0), claims=True)
    for day in (13, 15):
        stage.look(site, stage.person(), stage.at(day, 640), **NOBODY)
    return {"fixmedins_code": site.code}


@planted("PR-01", "twice within a week")
def _twice(stage: Stage) -> Told:
    site, day = stage.site(), stage.day(span=7)
    for later in (0, 6):
        stage.settle(site, stage.person(), stage.at(day + later, 700), seen=NOBODY)
    return None


planted("PR-03", "picture instead of a face")(partial(one_visit, seen=ATTACK))
planted("PR-03", "tried, and taken back")(partial(_refunded, seen=ATTACK))
planted("PR-03", "three frames, just enough")(partial(one_visit, seen=ATTACK | {"frames_used": 3}))

innocent("PR-03", "liveness could not be judged")(partial(one_visit, seen={"outcome": "undecided", "liveness": "cannot_judge"}))
innocent("PR-03", "liveness not evaluated")(partial(one_visit, seen={"liveness": "not_evaluated"}))
innocent("PR-03", "does not use the face")(partial(one_visit, seen=ATTACK, prepare=_exempt))
innocent("PR-03", "camera failed meanwhile")(partial(one_visit, seen=ATTACK | {"camera_fault": True}))
innocent("PR-03", "device not to be believed")(partial(one_visit, seen=ATTACK | {"distrusted": True}))
innocent("PR-03", "a glimpse of two frames")(partial(one_visit, seen=ATTACK | {"frames_used": 2}))

planted("WAT-01", "on the watch list")(partial(one_visit, seen={"watched_face": True}))
innocent("WAT-01", "looks alike, was not hit")(partial(one_visit, seen={"outcome": "undecided", "face_band": "doubtful"}))
innocent("WAT-01", "device not to be believed")(partial(one_visit, seen={"watched_face": True, "distrusted": True}))
innocent("WAT-01", "no list at that window")(partial(one_visit, seen={"watched_face": None}))


def _stated(stage: Stage, *, outcome: str, frames: int = 12, entry: Row | None) -> Told:
    """A clerk states a proxy; `entry` is his line in the register, None without one."""
    site, who, stated, at = stage.site(), stage.person(), stage.person(), stage.at(stage.day(), 630)
    if entry is not None:
        stage.proxy(who, stated, **entry)
    came = {"outcome": outcome, "frames_used": frames, "proxy_psn_no": stated.psn_no, "manual_reason": "proxy"}
    stage.settle(site, who, at, seen=came | {"face_group": stage.person(registered=False).face})
    return None


@planted("ID-02", "somebody else than the stated proxy")
def _other_proxy(stage: Stage) -> Told:
    return _stated(stage, outcome="different", entry={"known_since": stage.month.start - 30 * DAY})


planted("ID-02", "stated, but never registered")(partial(_stated, outcome="different", entry=None))
innocent("ID-02", "a proxy whose face no window knows")(partial(_stated, outcome="different", entry={}))
innocent("ID-02", "the proxy himself")(partial(_stated, outcome="proxy", entry={}))


@innocent("ID-02", "a glimpse of the stated proxy")
def _glimpse(stage: Stage) -> Told:
    return _stated(stage, outcome="different", frames=2, entry={"known_since": stage.month.start - 30 * DAY})


def _serves(stage: Stage, *, persons: int, span: int, same: int = 0) -> Told:
    """One proxy for so many persons, all registered, spread evenly over so many days; `same` of his errands are for the first."""
    carer, day = stage.person(), stage.day(span)
    sites, served = (stage.site(), stage.site("H")), [stage.person() for _ in range(persons)]
    errands = [*served, *served[:1] * same]
    for who in served:
        stage.proxy(who, carer)
    came = {"outcome": "proxy", "proxy_psn_no": carer.psn_no, "manual_reason": "proxy", "face_group": carer.face}
    for turn, who in enumerate(errands):
        stage.settle(sites[turn % 2], who, stage.at(day + turn * (span - 1) // (len(errands) - 1), 615 + turn), seen=came)
    return None


planted("ID-02", "one proxy for six within ten days")(partial(_serves, persons=6, span=10))
planted("ID-02", "one proxy for six within the month")(partial(_serves, persons=6, span=27))
innocent("ID-02", "one proxy for five")(partial(_serves, persons=5, span=12))
innocent("ID-02", "one proxy often for the same five")(partial(_serves, persons=5, span=20, same=4))


def _gaps(
    stage: Stage, *, missing: int, plain: int, watched: bool = True, seen: Row | None = None, exempt: bool = False, opter_type: str = "1"
) -> Told:
    """A day of which so many settlements have no capture, or the one that `seen` says."""
    site, day = stage.site("H", watched=watched), stage.day()
    stage.ordinary(site, day, plain, capture=watched)
    for turn in range(missing):
        who, at = stage.person(), stage.at(day, 8 * 60 + 20 + turn * 13)
        if exempt:
            stage.exempt(who)
        stage.settle(site, who, at, capture=seen is not None, seen=seen, opter_type=opter_type)
    return None


planted("ID-03", "a third without capture")(partial(_gaps, missing=6, plain=12))
planted("ID-03", "an eighth without capture")(partial(_gaps, missing=3, plain=21))
innocent("ID-03", "a tenth without capture")(partial(_gaps, missing=3, plain=27))
innocent("ID-03", "two without capture")(partial(_gaps, missing=2, plain=6))
innocent("ID-03", "verified by hand")(partial(_gaps, missing=5, plain=10, seen={"outcome": "manual_verified"}))
innocent("ID-03", "no terminal there")(partial(_gaps, missing=5, plain=5, watched=False))
innocent("ID-03", "do not use the face")(partial(_gaps, missing=5, plain=8, exempt=True))
innocent("ID-03", "self-service terminal")(partial(_gaps, missing=5, plain=8, opter_type="2"))
innocent("ID-03", "network outage")(partial(_gaps, missing=5, plain=10, seen={"outcome": "blind"}))


@innocent("ID-03", "terminal off-line, still to tell")
def _still_to_tell(stage: Stage) -> Told:
    site, day = stage.site("H"), stage.day(3)
    stage.ordinary(site, day, 9)
    stage.told_until(site, stage.at(day + 1, 0), claims=False)
    for turn in range(6):
        stage.settle(site, stage.person(), stage.at(day + 2, 500 + turn * 13), capture=False)
    return None


@innocent("ID-03", "terminal came later")
def _watched_later(stage: Stage) -> Told:
    site = stage.site("H", watched_from=stage.at(20, 0))
    for turn in range(5):
        stage.settle(site, stage.person(), stage.at(9, 8 * 60 + 20 + turn * 13), capture=False)
    return None


@planted("ID-03", "captures that name another person")
def _wrong_person(stage: Stage) -> Told:
    site, day = stage.site("H"), stage.day()
    stage.ordinary(site, day, 12)
    for turn in range(4):
        other = stage.person()
        stage.settle(site, stage.person(), stage.at(day, 500 + turn * 13), seen={"psn_no": other.psn_no, "face_group": other.face})
    return None


@innocent("ID-03", "told half an hour late")
def _told_late(stage: Stage) -> Told:
    """Two captures too far off in time are two gaps, and two are none."""
    site, day = stage.site("H"), stage.day()
    stage.ordinary(site, day, 8)
    for turn in range(2):
        at = stage.at(day, 500 + turn * 17)
        stage.settle(site, stage.person(), at, seen={"opened_at": at + 30 * MINUTE, "closed_at": at + 31 * MINUTE})
    return None
