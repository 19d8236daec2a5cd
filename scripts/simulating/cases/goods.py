"""What was sold: DRG-01 to DRG-04, and long prescriptions, parts of packs, goods sold again."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from scripts.simulating.cases.plays import Told, innocent, planted
from scripts.simulating.catalogue import LONG_DRUG, ORDINARY_DRUG, OTHER_BRAND, SOLD_SHORT_DRUG
from scripts.simulating.month import DAY, HOUR
from scripts.simulating.stage import Row, Site, Stage

_DRUG: Row = {"list_type": "101"}


def _supply(stage: Stage, *, days: Sequence[int], supply: int, drugs: Sequence[str] = (LONG_DRUG,), sites: int = 1, back: int = 0) -> Told:
    """One person's supply of so many days on these days: these drugs and so many institutions in turn; the last may go back."""
    first, who, places = stage.day(max(days) + 1), stage.person(), [stage.site() for _ in range(sites)]
    for turn, day in enumerate(days):
        drug = _DRUG | {"med_list_codg": drugs[turn % len(drugs)], "prd_days": supply}
        bill = stage.settle(places[turn % sites], who, stage.at(first + day, 600), line=drug)
        if turn >= len(days) - back:
            stage.refund(bill, stage.at(first + day, 700))
    return None


planted("DRG-01", "four weeks' supply thrice in a week")(partial(_supply, days=(0, 3, 6), supply=28))
planted("DRG-01", "four weeks' supply again a day too early")(partial(_supply, days=(0, 20), supply=28))
planted("DRG-01", "two brands of one ingredient")(partial(_supply, days=(0, 4), supply=28, drugs=(LONG_DRUG, OTHER_BRAND)))
planted("DRG-01", "a week's supply thrice in three days")(partial(_supply, days=(0, 1, 2), supply=7, drugs=(ORDINARY_DRUG,)))
planted("DRG-01", "from two institutions")(partial(_supply, days=(0, 2), supply=28, sites=2))
innocent("DRG-01", "four weeks' supply after three weeks")(partial(_supply, days=(0, 21), supply=28))
innocent("DRG-01", "a week's supply every week")(partial(_supply, days=(0, 7, 14, 21), supply=7, drugs=(ORDINARY_DRUG,)))
innocent("DRG-01", "a week's supply carried over")(partial(_supply, days=(0, 1), supply=7, drugs=(ORDINARY_DRUG,)))
innocent("DRG-01", "taken back")(partial(_supply, days=(0, 2), supply=28, back=1))
innocent("DRG-01", "two drugs")(partial(_supply, days=(0, 2), supply=28, drugs=(LONG_DRUG, SOLD_SHORT_DRUG)))

planted("DRG-02", "three institutions in ten days", "DRG-01")(partial(_supply, days=(0, 4, 9), supply=28, sites=3))
planted("DRG-02", "four institutions in four weeks", "DRG-01")(partial(_supply, days=(0, 8, 16, 26), supply=28, sites=4))
innocent("DRG-02", "two institutions", "DRG-01")(partial(_supply, days=(0, 6, 12), supply=28, sites=2))
innocent("DRG-02", "three institutions, one taken back", "DRG-01")(partial(_supply, days=(0, 6, 12), supply=28, sites=3, back=1))
innocent("DRG-02", "a week's supply from three institutions")(partial(_supply, days=(0, 8, 16), supply=7, drugs=(ORDINARY_DRUG,), sites=3))


@planted("DRG-02", "three institutions, supply not told")
def _not_told(stage: Stage) -> Told:
    who, first = stage.person(), stage.day(10)
    for day in (0, 4, 9):
        stage.settle(stage.site(), who, stage.at(first + day, 620), line=_DRUG | {"med_list_codg": ORDINARY_DRUG})
    return None


def _trace(stage: Stage, *, sold: int = 2, one_site: bool = False, code: str = "", back: bool = False, **line: Any) -> Told:
    """Packs with one trace code, sold so often; `back`: each but the last is taken back first."""
    number, first, here = stage.next("trace"), stage.day(8), stage.site()
    for turn in range(sold):
        site, at = here if one_site else stage.site(), stage.at(first + 3 * turn, 640 + turn)
        pack = _DRUG | {"med_list_codg": ORDINARY_DRUG, "prd_days": 5, "drug_trac_codg": code or f"7{number:019}"} | line
        bill = stage.settle(site, stage.person(), at, line=pack)
        if back and turn < sold - 1:
            stage.refund(bill, at + 5 * HOUR)
    return None


planted("DRG-03", "at two pharmacies")(_trace)
planted("DRG-03", "twice at one pharmacy")(partial(_trace, one_site=True))
planted("DRG-03", "three times")(partial(_trace, sold=3))
innocent("DRG-03", "taken back and sold again")(partial(_trace, one_site=True, back=True))
innocent("DRG-03", "parts of a pack")(partial(_trace, one_site=True, cnt=500, trdn_flag=1))
innocent("DRG-03", "two halves")(partial(_trace, one_site=True, cnt=500))
innocent("DRG-03", "no real code")(partial(_trace, code="0" * 20))


def _stock(stage: Stage, *, opening: int, bought: int = 0, sold: int, returned: int = 0, back: int = 0, known: bool = True) -> Told:
    """Packs of a drug at one pharmacy, sold five at a time; so many of those sales are taken back."""
    site, item = stage.site(), SOLD_SHORT_DRUG
    _moved(stage, site, opening, "opening", 0) if known else None
    _moved(stage, site, bought, "purchase", 3)
    _moved(stage, site, returned, "return", 4)
    bills = []
    for turn in range(0, sold, 5):
        packs = min(5, sold - turn)
        line = _DRUG | {"med_list_codg": item, "cnt": packs * 1000, "prd_days": 5}
        bills.append(stage.settle(site, stage.person(), stage.at(5 + turn // 15, 560 + turn % 15 * 40), fen=2_000 * packs, line=line))
    for bill in bills[:back]:
        stage.refund(bill, stage.at(stage.month.days - 1, 700))
    return {"fixmedins_code": site.code}


def _moved(stage: Stage, site: Site, packs: int, movement: str, day: int) -> None:
    if packs:
        row = {"fixmedins_code": site.code, "med_list_codg": SOLD_SHORT_DRUG, "moved_at": stage.month.start + day * DAY}
        stage.rows["stock"].append(row | {"movement": movement, "cnt": packs * 1000})


planted("DRG-04", "sixty sold of forty")(partial(_stock, opening=30, bought=10, sold=60))
planted("DRG-04", "64 sold of sixty, just too many")(partial(_stock, opening=40, bought=20, sold=64))
planted("DRG-04", "forty sold of thirty that were not returned")(partial(_stock, opening=30, bought=20, returned=20, sold=40))
innocent("DRG-04", "three packs too many")(partial(_stock, opening=20, sold=23))
innocent("DRG-04", "five per cent too many")(partial(_stock, opening=60, bought=40, sold=105))
innocent("DRG-04", "sales taken back")(partial(_stock, opening=40, sold=50, back=2))
innocent("DRG-04", "opening stock not told")(partial(_stock, opening=0, bought=10, sold=40, known=False))
