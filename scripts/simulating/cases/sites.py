"""Places and cameras: GEO-01 to GEO-03, SYS-01, and travellers, patients on leave and broken cables."""

from functools import partial
from typing import Any

from scripts.simulating.cases.plays import Told, innocent, planted
from scripts.simulating.month import DAY, HOUR, MINUTE
from scripts.simulating.stage import Person, Row, Site, Stage

_ELSEWHERE = "340102"


def _two_places(
    stage: Stage, *, km: float, gap_min: float, proxy: bool = False, mobile: bool = False, back: bool = False, clock_ms: float = 12.0
) -> Told:
    """One card at two institutions."""
    first, who, at = stage.site("H"), stage.person(), stage.at(stage.day(), 9 * 60 + 10)
    second = stage.site_beside(first, km)
    if proxy:
        stage.proxy(who, stage.person())
    seen = {"clock_error_ms": clock_ms}
    bill = stage.settle(first, who, at, seen=seen)
    other = stage.settle(second, who, at + round(gap_min * 60) * 1_000_000, seen=seen, capture=not mobile)
    if mobile:
        place = {"latitude": first.latitude, "longitude": first.longitude}
        stage.rows["places"].append({"fixmedins_code": second.code, "setl_id": other} | place)
    if back:
        stage.refund(bill, at + 2 * HOUR)
    return None


planted("GEO-01", "150 km in an hour")(partial(_two_places, km=150, gap_min=60))
planted("GEO-01", "100 km in seventy minutes, just too fast")(partial(_two_places, km=100, gap_min=70))
planted("GEO-01", "ten kilometres in 25 minutes")(partial(_two_places, km=10, gap_min=25))

innocent("GEO-01", "ten kilometres in 31 minutes")(partial(_two_places, km=10, gap_min=31))
innocent("GEO-01", "100 km in 77 minutes")(partial(_two_places, km=100, gap_min=77))
innocent("GEO-01", "shops side by side")(partial(_two_places, km=0.3, gap_min=4))
innocent("GEO-01", "registered proxy")(partial(_two_places, km=90, gap_min=20, proxy=True))
innocent("GEO-01", "ordered by phone", "GEO-03")(partial(_two_places, km=90, gap_min=20, mobile=True))
innocent("GEO-01", "one of them taken back")(partial(_two_places, km=90, gap_min=20, back=True))
innocent("GEO-01", "ten kilometres in 27 minutes, as clocks are")(partial(_two_places, km=10, gap_min=27))
innocent("GEO-01", "clocks known to be off")(partial(_two_places, km=10, gap_min=22, clock_ms=300_000.0))


def lie_in(stage: Stage, hospital: Site, who: Person, first: int, days: int, **changes: Any) -> str:
    """A stay from one day to another. Its mdtrt_id."""
    mdtrt_id = f"ZC{stage.next('stay'):010}"
    times = {"admitted_at": stage.at(first, 9 * 60), "discharged_at": stage.at(first + days, 10 * 60)}
    row = {"fixmedins_code": hospital.code, "mdtrt_id": mdtrt_id, "psn_no": who.psn_no, "ward": f"WARD-{mdtrt_id}", "adm_bed": "B1"}
    stage.rows["stays"].append(row | times | {"dscg_way": "1"} | changes)
    return mdtrt_id


def away(stage: Stage, hospital: Site, mdtrt_id: str, since: int, until: int, reason: str) -> None:
    """Registers that an inpatient was away."""
    span = {"leave_from": since, "leave_to": until}
    stage.rows["leaves"].append({"fixmedins_code": hospital.code, "mdtrt_id": mdtrt_id, "reason": reason} | span)


def _billed_elsewhere(
    stage: Stage,
    *,
    day: int,
    minute: float = 640,
    reason: str = "",
    proxy: bool = False,
    kind: str = "P",
    at_home: bool = False,
    back: bool = False,
) -> Told:
    """Five nights in hospital, and a settlement somewhere else on that day of them."""
    hospital, shop, who, first = stage.site("H"), stage.site(kind), stage.person(), stage.day(8)
    stay, at = lie_in(stage, hospital, who, first, 5), stage.at(first + day, minute)
    if reason:
        away(stage, hospital, stay, at - 6 * HOUR, at + 3 * HOUR, reason)
    if proxy:
        stage.proxy(who, stage.person())
    bill = stage.settle(hospital if at_home else shop, who, at, seen={"outcome": "undecided"} if proxy else None)
    if back:
        stage.refund(bill, at + HOUR)
    return None


planted("GEO-02", "pharmacy in the middle of a stay")(partial(_billed_elsewhere, day=2))
planted("GEO-02", "outpatient in the middle of a stay")(partial(_billed_elsewhere, day=3, kind="H"))
planted("GEO-02", "the day after admission")(partial(_billed_elsewhere, day=1, minute=500))
planted("GEO-02", "the day before discharge")(partial(_billed_elsewhere, day=4, minute=1200))

innocent("GEO-02", "day of admission")(partial(_billed_elsewhere, day=0, minute=1100))
innocent("GEO-02", "day of discharge")(partial(_billed_elsewhere, day=5, minute=500))
innocent("GEO-02", "on leave")(partial(_billed_elsewhere, day=2, reason="leave"))
innocent("GEO-02", "external examination")(partial(_billed_elsewhere, day=2, reason="examination", kind="H"))
innocent("GEO-02", "transferred")(partial(_billed_elsewhere, day=3, reason="transfer", kind="H"))
innocent("GEO-02", "outpatient window of the same hospital")(partial(_billed_elsewhere, day=2, at_home=True))
innocent("GEO-02", "taken back")(partial(_billed_elsewhere, day=2, back=True))
innocent("GEO-02", "proxy fetched the drugs")(partial(_billed_elsewhere, day=2, proxy=True))


def _remote(stage: Stage, *, filed: tuple[int, int] | None = None, near: bool = False, **claim: Any) -> Told:
    """Somebody insured in another province; `filed` from and to days before and after."""
    site, who, at = stage.site("H"), stage.person(), stage.at(stage.day(), 640)
    if filed:
        span = {"valid_from": at + filed[0] * DAY, "valid_to": at + filed[1] * DAY}
        stage.rows["filings"].append({"psn_no": who.psn_no, "mdtrtarea_admvs": site.admdvs} | span)
    insured = f"{site.admdvs[:4]}99" if near else _ELSEWHERE
    stage.settle(site, who, at, fen=30_000, insuplc_admdvs=insured, **claim)
    return None


planted("GEO-03", "insured elsewhere, not filed")(_remote)
planted("GEO-03", "filing ended yesterday")(partial(_remote, filed=(-100, -1)))
innocent("GEO-03", "filed traveller")(partial(_remote, filed=(-100, 90)))
innocent("GEO-03", "emergency")(partial(_remote, med_type="13"))
innocent("GEO-03", "the next county of the same city")(partial(_remote, near=True))


def _by_phone(stage: Stage, *, km: float | None) -> Told:
    """Ordered by phone, so far from the institution; None: the place is not known and was sent as 0, 0."""
    site, who, at = stage.site(), stage.person(), stage.at(stage.day(), 900)
    place = (0.0, 0.0) if km is None else (round(site.latitude - km / 111.2, 6), site.longitude)
    setl_id = stage.settle(site, who, at, capture=False, opter_type="3")
    stage.rows["places"].append({"fixmedins_code": site.code, "setl_id": setl_id, "latitude": place[0], "longitude": place[1]})
    return None


planted("GEO-03", "ordered 40 km away")(partial(_by_phone, km=40))
planted("GEO-03", "ordered 5.2 km away, just too far")(partial(_by_phone, km=5.2))
innocent("GEO-03", "ordered 4.8 km away")(partial(_by_phone, km=4.8))
innocent("GEO-03", "place not known")(partial(_by_phone, km=None))


def _covered(stage: Stage, *, minutes: float, blind: int, by: str = "covered_us", seen: Row | None = None) -> Told:
    """An hour in which the camera was covered or failed for so many minutes, while so many settlements passed."""
    site, day = stage.site(), stage.day()
    stage.ordinary(site, day, 9)
    for turn in range(blind):
        at = stage.at(day, 15 * 60 + 3 + turn * 4)
        stage.settle(site, stage.person(), at, seen={"outcome": "blind", "camera_fault": by == "failed_us"} | (seen or {}))
    stage.watch(site, "W1", day, 15, **{by: round(minutes * MINUTE), "seen_us": HOUR - round(minutes * MINUTE)})
    return {"fixmedins_code": site.code}


planted("SYS-01", "covered while four settle")(partial(_covered, minutes=20, blind=4))
planted("SYS-01", "covered while three settle, just")(partial(_covered, minutes=14, blind=3))
planted("SYS-01", "covered for most of an hour")(partial(_covered, minutes=45, blind=1))
innocent("SYS-01", "network outage")(partial(_covered, minutes=45, blind=5, by="failed_us"))
innocent("SYS-01", "verified by hand behind a covered camera")(partial(_covered, minutes=25, blind=4, seen={"outcome": "manual_verified"}))
innocent("SYS-01", "a customer's back for half a minute")(partial(_covered, minutes=0.5, blind=4))
innocent("SYS-01", "covered while two settle")(partial(_covered, minutes=12, blind=2))
innocent("SYS-01", "covered while everybody was recognised")(
    partial(_covered, minutes=8, blind=4, seen={"outcome": "same", "frames_seen": 90, "frames_used": 9})
)
