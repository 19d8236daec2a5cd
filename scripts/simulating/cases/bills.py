"""Amounts and times: AMT-01 to AMT-04, TIM-01, DTH-01, and the slips, rush hours, night shops and bereaved that look like them."""

from collections.abc import Sequence
from functools import partial

from scripts.simulating.cases.faces import UNSURE
from scripts.simulating.cases.identity import NOBODY
from scripts.simulating.cases.plays import Told, innocent, planted
from scripts.simulating.month import HOUR, MINUTE
from scripts.simulating.stage import Row, Stage


def _small(
    stage: Stage, *, bills: int = 6, gap_min: float = 2.5, fen: int = 180, faces: int = 0, seen: Row | None = None, proxy: bool = False
) -> Told:
    """Small bills in a row: with so many faces in turn, or seen so; without either no window saw them, though it saw all others."""
    site, day = stage.site(stage.rng.choice("HP")), stage.day()
    shown = [stage.person(registered=False) for _ in range(faces)]
    stage.ordinary(site, day, 6)
    for turn in range(bills):
        who = stage.person()
        if proxy:
            stage.proxy(who, stage.person())
        came = (UNSURE if seen is None else seen) | ({"face_group": shown[turn % faces].face} if faces else {})
        stage.settle(site, who, stage.at(day, 14 * 60 + turn * gap_min), fen=fen, capture=bool(faces) or seen is not None, seen=came)
    return None


planted("AMT-01", "six small bills, two faces", "CC-01")(partial(_small, faces=2))
planted("AMT-01", "six bills of just fifty yuan in just fifteen minutes", "CC-01")(partial(_small, faces=2, fen=5_000, gap_min=3))
planted("AMT-01", "eight small bills, nobody there", "PR-01")(partial(_small, bills=8, seen=NOBODY))
planted("AMT-01", "seven small bills that no window saw", "ID-03")(partial(_small, bills=7, gap_min=2))

innocent("AMT-01", "five small bills", "CC-01")(partial(_small, bills=5, faces=2))
innocent("AMT-01", "bills of 51 yuan", "CC-01")(partial(_small, fen=5_100, faces=2))
innocent("AMT-01", "six in eighteen minutes", "CC-01")(partial(_small, gap_min=3.6, faces=2))
innocent("AMT-01", "a queue of people who were recognised")(partial(_small, bills=9, seen={}))
innocent("AMT-01", "three faces", "CC-01")(partial(_small, faces=3))
innocent("AMT-01", "window was blind")(partial(_small, seen={"outcome": "blind"}))
innocent("AMT-01", "wards of a home with registered proxies")(partial(_small, faces=1, proxy=True, seen=UNSURE | {"face_band": "doubtful"}))


def _rapid(
    stage: Stage,
    *,
    cards: int = 3,
    gap_s: float = 40,
    seen: Row | None = None,
    same: bool = False,
    dev_no: str | None = "DEV-1",
    opter_type: str = "1",
) -> Told:
    """Settlements at one device so many seconds apart; `same`: all of one person."""
    site, day = stage.site(watched=seen is not None), stage.day()
    one = stage.person()
    for turn in range(cards):
        who, at = one if same else stage.person(), stage.at(day, 16 * 60 + turn * gap_s / 60)
        stage.settle(site, who, at, capture=seen is not None, seen=seen, dev_no=dev_no, opter_type=opter_type)
    return None


planted("AMT-02", "three cards in eighty seconds")(_rapid)
planted("AMT-02", "five cards, nobody recognised")(partial(_rapid, cards=5, gap_s=30, seen=UNSURE))
planted("AMT-02", "59 seconds apart, just too fast")(partial(_rapid, gap_s=59))
planted("AMT-02", "by the clerk, where devices are not told")(partial(_rapid, cards=4, dev_no=None))
innocent("AMT-02", "sixty seconds apart")(partial(_rapid, gap_s=60))
innocent("AMT-02", "two cards")(partial(_rapid, cards=2, gap_s=20))
innocent("AMT-02", "self-service terminal")(partial(_rapid, cards=4, opter_type="2"))
innocent("AMT-02", "three bills of one person")(partial(_rapid, same=True))
innocent("AMT-02", "recognised, one after the other")(partial(_rapid, cards=5, seen={}))


@innocent("AMT-02", "one device number for all windows")
def _shared_number(stage: Stage) -> Told:
    site, day = stage.site("H"), stage.day()
    for turn in range(6):
        seen = UNSURE | {"window": f"W{turn % 3 + 1}"}
        stage.settle(site, stage.person(), stage.at(day, 600 + turn * 0.4), seen=seen, dev_no="HIS")
    return None


def _back_soon(stage: Stage, *, bills: int, after_min: float = 5, loop: bool = False, corrected: bool = False) -> Told:
    """Settlements taken back after so many minutes: on one day, or (`loop`) one person's again; `corrected`: the right bill follows."""
    site, day, one = stage.site(), stage.day(span=16), stage.person()
    for turn in range(bills):
        who = one if loop else stage.person()
        at = stage.at(day + turn * 4 if loop else day, 9 * 60 + 10 + turn * 55)
        bill = stage.settle(site, who, at)
        stage.refund(bill, at + round(after_min * 60) * 1_000_000)
        if corrected:
            stage.settle(site, who, at + 12 * MINUTE)
    return None


planted("AMT-03", "three within a day")(partial(_back_soon, bills=3))
planted("AMT-03", "four within a day, after just ten minutes")(partial(_back_soon, bills=4, after_min=10))
planted("AMT-03", "one person's loop")(partial(_back_soon, bills=3, loop=True))
innocent("AMT-03", "taken back after a minute, once")(partial(_back_soon, bills=1, after_min=1))
innocent("AMT-03", "two within a day")(partial(_back_soon, bills=2, after_min=3))
innocent("AMT-03", "four after eleven minutes")(partial(_back_soon, bills=4, after_min=11))
innocent("AMT-03", "wrong bills put right")(partial(_back_soon, bills=3, after_min=2, corrected=True))
innocent("AMT-03", "one person's second try")(partial(_back_soon, bills=2, loop=True))


@innocent("AMT-03", "bills of an earlier month taken back")
def _earlier_month(stage: Stage) -> Told:
    site, day = stage.site(), stage.day()
    stage.settle(site, stage.person(), stage.at(day, 600))
    for turn in range(4):
        stage.refund_alone(site, stage.person(), stage.at(day, 605 + turn * 2))
    return None


def _crowd(
    stage: Stage,
    *,
    bills: int,
    entering: int | None,
    days: int = 1,
    failed_min: int = 0,
    seen: Row | None = UNSURE,
) -> Told:
    """Settlements and people entering on so many days (None: nobody counted). The entrance camera fails for a while in each hour; windows
    see the settlements so (None: there are no terminals at them).
    """
    site, day = stage.site(watched=seen is not None), stage.day(days * 3)
    for today in range(day, day + days * 3, 3):
        for place in range(bills):
            stage.settle(site, stage.person(), stage.at(today, 8 * 60 + 15 + place * 11 * 60 / bills), capture=seen is not None, seen=seen)
        for turn, hour in enumerate(range(8, 21)):
            entered = None if entering is None else entering // 13 + (turn < entering % 13)
            lost = failed_min * MINUTE
            stage.watch(site, "E1", today, hour, role="entrance", entered=entered, stayed=0, seen_us=HOUR - lost, failed_us=lost)
    return None


planted("AMT-04", "twelve settle, three enter")(partial(_crowd, bills=12, entering=3))
planted("AMT-04", "thirteen settle, four enter, just too many")(
    partial(_crowd, bills=13, entering=4, seen={"outcome": "undecided", "face_group": None, "face_band": None})
)
planted("AMT-04", "fourteen settle and nine enter on three days")(partial(_crowd, bills=14, entering=9, days=3))
innocent("AMT-04", "twelve settle, four enter")(partial(_crowd, bills=12, entering=4))
innocent("AMT-04", "fourteen settle and nine enter on two days")(partial(_crowd, bills=14, entering=9, days=2))
innocent("AMT-04", "three settle for two who enter, on three days")(partial(_crowd, bills=15, entering=10, days=3))
innocent("AMT-04", "entrance camera failed for a while")(partial(_crowd, bills=12, entering=2, failed_min=6))
innocent("AMT-04", "nobody counted")(partial(_crowd, bills=12, entering=None))
innocent("AMT-04", "windows recognised more than came in")(partial(_crowd, bills=12, entering=2, seen={}))


def _at_night(stage: Stage, *, minute: float, **site: object) -> Told:
    """A settlement at that minute of the day, in a pharmacy that is open from 08:00 to 21:00 unless `site` says otherwise."""
    changes: Row = dict(site)
    claim = {name: changes.pop(name) for name in ("med_type", "opter_type") if name in changes}
    place = stage.site(str(changes.pop("kind", "P")), **changes)
    stage.settle(place, stage.person(), stage.at(stage.day(), minute), **claim)
    return None


planted("TIM-01", "two at night")(partial(_at_night, minute=2 * 60 + 11))
planted("TIM-01", "sixteen minutes after closing")(partial(_at_night, minute=21 * 60 + 16))
planted("TIM-01", "sixteen minutes before opening")(partial(_at_night, minute=8 * 60 - 16))
planted("TIM-01", "hospital late at night")(partial(_at_night, minute=23 * 60, kind="H"))
innocent("TIM-01", "fourteen minutes after closing")(partial(_at_night, minute=21 * 60 + 14))
innocent("TIM-01", "fourteen minutes before opening")(partial(_at_night, minute=8 * 60 - 14))
innocent("TIM-01", "night pharmacy with declared hours")(partial(_at_night, minute=3 * 60, hours=(0, 1440)))
innocent("TIM-01", "always open")(partial(_at_night, minute=3 * 60, always_open=True))
innocent("TIM-01", "emergency at night")(partial(_at_night, minute=3 * 60, kind="H", med_type="13"))
innocent("TIM-01", "hours that run past midnight")(partial(_at_night, minute=60, hours=(9 * 60, 2 * 60)))
innocent("TIM-01", "self-service at night")(partial(_at_night, minute=3 * 60, opter_type="2"))
innocent("TIM-01", "no hours declared")(partial(_at_night, minute=3 * 60, hours=None))


@innocent("TIM-01", "discharged in the evening")
def _evening_discharge(stage: Stage) -> Told:
    site, who, day = stage.site("H"), stage.person(), stage.day(7)
    claim = _stay_bill(stage, day, 5)
    stage.settle(site, who, stage.at(day + 5, 22 * 60), fen=420_000, **claim)
    return None


def _stay_bill(stage: Stage, first: int, days: int) -> Row:
    times = {"begndate": stage.at(first, 0), "enddate": stage.at(first + days, 0)}
    return {
        "med_type": "21",
        "ipt_otp_no": f"IC{stage.next('inpatient'):08}",
        "adm_bed": "B2",
        "dscg_way": "1",
        "days_rinp_flag_31": 0,
    } | times


def _dead(stage: Stage, *, after_days: int, minutes: Sequence[float] = (600,), seen: Row = UNSURE, watched: bool = True) -> Told:
    """Settlements so many days after the day of death (0: on it)."""
    day = stage.day(after_days + 1)
    who = stage.person(death_date=stage.at(day, 0))
    site = stage.site(watched=watched)
    for minute in minutes:
        stage.settle(site, who, stage.at(day + after_days, minute), capture=watched, seen=seen)
    return None


planted("DTH-01", "a week after death")(partial(_dead, after_days=7))
planted("DTH-01", "the morning after death")(partial(_dead, after_days=1, minutes=(8 * 60 + 5,)))
planted("DTH-01", "twice, where no terminal is")(partial(_dead, after_days=3, minutes=(560, 900), watched=False))
innocent("DTH-01", "on the day of death")(partial(_dead, after_days=0, minutes=(20 * 60,)))
innocent("DTH-01", "alive at the window: the register is wrong")(partial(_dead, after_days=4, seen={}))


@innocent("DTH-01", "bill of the last stay within thirty days")
def _last_bill(stage: Stage) -> Told:
    day = stage.day(24)
    who, site = stage.person(death_date=stage.at(day + 3, 0)), stage.site("H")
    stage.settle(site, who, stage.at(day + 23, 600), capture=False, fen=900_000, **_stay_bill(stage, day, 3) | {"dscg_way": "5"})
    return None


@innocent("DTH-01", "taken back after death")
def _refund_after_death(stage: Stage) -> Told:
    day = stage.day(8)
    who, site = stage.person(death_date=stage.at(day + 1, 0)), stage.site()
    stage.refund(stage.settle(site, who, stage.at(day, 600)), stage.at(day + 6, 600))
    return None
