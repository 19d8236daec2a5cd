"""Doctors and pharmacists: DOC-01, DOC-02, and those on call who did sign in."""

from functools import partial
from typing import Any

from scripts.simulating.cases.plays import Told, innocent, planted
from scripts.simulating.month import MINUTE
from scripts.simulating.stage import Row, Site, Stage


def _code(stage: Stage, site: Site, role: str = "doctor") -> str:
    """Somebody new with a national code who works there."""
    code = f"{'D' if role == 'doctor' else 'Y'}9{stage.next('code'):010}"
    stage.staff(site, stage.person(), role, code)
    return code


def sign_in(stage: Stage, site: Site, code: str, at: int, hours: float | None = 4) -> None:
    """A sign-in by face, and the sign-out so many hours later (None: not said)."""
    left = None if hours is None else at + round(hours * 60) * MINUTE
    stage.rows["sign_ins"].append({"fixmedins_code": site.code, "code": code, "signed_at": at, "left_at": left})


def _billed(
    stage: Stage, *, minute: float, signed: float | None = None, role: str = "doctor", others: bool = True, day_off: int = 0, **claim: Any
) -> Told:
    """A bill in somebody's name at that minute of the day, who signed in at another (None: never), beside a colleague who always does."""
    site, day = stage.site("H" if role == "doctor" else "P"), stage.day(3, first=2)
    code = _code(stage, site, role)
    if others:
        _colleague(stage, site, role, day)
    if signed is not None:
        sign_in(stage, site, code, stage.at(day + day_off, signed), hours=3.5)
    stage.settle(site, stage.person(), stage.at(day, minute), **_in_the_name_of(stage, role, code), **claim)
    return None


def _colleague(stage: Stage, site: Site, role: str, day: int) -> None:
    """Somebody who signs in for both halves of three days, and bills in each."""
    code = _code(stage, site, role)
    for today in (day - 1, day, day + 1):
        for half in (8 * 60 - 10, 13 * 60):
            sign_in(stage, site, code, stage.at(today, half))
            bill = _in_the_name_of(stage, role, code)
            stage.settle(site, stage.person(), stage.at(today, half + 95), extra=True, **bill)


def _in_the_name_of(stage: Stage, role: str, code: str) -> Row:
    """What a bill says of a doctor who prescribed, or of a pharmacist who handed out."""
    if role == "doctor":
        return {"dr_codg": code, "line": {"bilg_dr_codg": code}}
    return {"line": {"phar_code": code, "list_type": "101", "med_list_codg": f"XC{stage.next('drug') % 90:03}"}}


planted("DOC-01", "doctor never signed in")(partial(_billed, minute=10 * 60))
planted("DOC-01", "doctor signed in the day before")(partial(_billed, minute=10 * 60, signed=470, day_off=-1))
planted("DOC-01", "doctor there in the morning only")(partial(_billed, minute=16 * 60, signed=8 * 60))
planted("DOC-01", "pharmacist never signed in")(partial(_billed, minute=15 * 60, role="pharmacist"))
innocent("DOC-01", "doctor on call who signed in")(partial(_billed, minute=19 * 60, signed=18 * 60 + 50))
innocent("DOC-01", "pharmacist signed in")(partial(_billed, minute=15 * 60, signed=12 * 60 + 10, role="pharmacist"))
innocent("DOC-01", "surgery went past noon")(partial(_billed, minute=12 * 60 + 25, signed=8 * 60))
innocent("DOC-01", "nobody signs in there")(partial(_billed, minute=10 * 60, others=False))


def _two_sites(stage: Stage, *, km: float, gap_min: float, hours: float | None = 0.2) -> Told:
    """Sign-ins of one doctor at two hospitals."""
    first, at = stage.site("H"), stage.at(stage.day(), 8 * 60)
    second, code = stage.site_beside(first, km, "H"), _code(stage, first)
    stage.staff(second, stage.person(), "doctor", code)
    sign_in(stage, first, code, at, hours)
    sign_in(stage, second, code, at + round(gap_min) * MINUTE, 3)
    return {"subject": code}


planted("DOC-02", "two hospitals 60 km apart in half an hour")(partial(_two_sites, km=60, gap_min=30))
planted("DOC-02", "two hospitals of a town in 25 minutes")(partial(_two_sites, km=6, gap_min=25))
planted("DOC-02", "100 km in 70 minutes, just too fast")(partial(_two_sites, km=100, gap_min=70, hours=None))
innocent("DOC-02", "two hospitals of a town in 40 minutes")(partial(_two_sites, km=6, gap_min=40))
innocent("DOC-02", "morning here, afternoon there")(partial(_two_sites, km=100, gap_min=270, hours=3.5))
innocent("DOC-02", "two houses of one hospital")(partial(_two_sites, km=0.3, gap_min=5))
