"""Doctors and pharmacists: DOC-01, DOC-02, and those on call who did sign in."""

from functools import partial
from typing import Any

from scripts.simulating.cases.plays import Told, innocent, planted
from scripts.simulating.month import MINUTE
from scripts.simulating.stage import Site, Stage


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
    stage: Stage,
    *,
    minute: float,
    signed: float | None = None,
    role: str = "doctor",
    others: bool = True,
    day_off: int = 0,
    **claim: Any,
) -> Told:
    """A bill in somebody's name at that minute of the day, who signed in at another (None: never); a colleague signs in at both halves."""
    doctor = role == "doctor"
    site, day = stage.site("H" if doctor else "P"), stage.day(3, first=2)
    code, colleague = _code(stage, site, role), _code(stage, site, role)
    for half in (8 * 60 - 10, 13 * 60) if others else ():
        sign_in(stage, site, colleague, stage.at(day, half))
    if signed is not None:
        sign_in(stage, site, code, stage.at(day + day_off, signed))
    line = {"bilg_dr_codg": code} if doctor else {"phar_code": code, "list_type": "101", "med_list_codg": f"XC{stage.next('drug') % 90:03}"}
    stage.settle(site, stage.person(), stage.at(day, minute), line=line, dr_codg=code if doctor else None, **claim)
    return None


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
