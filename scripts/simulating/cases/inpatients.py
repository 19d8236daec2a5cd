"""Beds and treatments: INP-01 to INP-03 and THR-01, and patients on leave, blind rounds, planned returns, sessions that took place."""

from collections.abc import Mapping
from functools import partial

from scripts.simulating.cases.plays import Told, innocent, planted
from scripts.simulating.cases.sites import away, lie_in
from scripts.simulating.catalogue import HAEMODIALYSIS, PHYSIOTHERAPY
from scripts.simulating.month import HOUR
from scripts.simulating.stage import Person, Row, Site, Stage

MORNING, AFTERNOON = 7 * 60 + 30, 15 * 60 + 30
Seen = Mapping[tuple[int, int], str]
"""What rounds saw, by day of the stay and half of it (0, 1), where it was not the patient in bed."""


def look(stage: Stage, site: Site, who: Person, at: int, outcome: str, *, place: str = "bed", mdtrt_id: str | None = None) -> None:
    """A round."""
    row = {"fixmedins_code": site.code, "mdtrt_id": mdtrt_id, "psn_no": who.psn_no, "place": place, "at": at, "outcome": outcome}
    stage.rows["rounds"].append(row)


def _stay(stage: Stage, *, rounds: Seen, days: int = 6, leave: str = "", exempt: bool = False, skipped: tuple[int, ...] = ()) -> Told:
    """A stay with two rounds a day (none on `skipped` ones); on leave for the third day if a reason is given."""
    hospital, who, first = stage.site("H"), stage.person(), stage.day(days + 2)
    mdtrt_id = lie_in(stage, hospital, who, first, days)
    for day in range(1, days):
        for half, minute in enumerate((MORNING, AFTERNOON)):
            if day not in skipped:
                look(stage, hospital, who, stage.at(first + day, minute), rounds.get((day, half), "same"), mdtrt_id=mdtrt_id)
    if leave:
        away(stage, hospital, mdtrt_id, stage.at(first + 1, 18 * 60), stage.at(first + 3, 7 * 60), leave)
    if exempt:
        stage.exempt(who)
    return {"fixmedins_code": hospital.code, "psn_no": who.psn_no}


def _of(outcome: str, *when: tuple[int, int]) -> Seen:
    return dict.fromkeys(when, outcome)


planted("INP-01", "away for a day")(partial(_stay, rounds=_of("absent", (2, 0), (2, 1))))
planted("INP-01", "away for two days")(partial(_stay, rounds=_of("absent", (2, 0), (2, 1), (3, 0), (3, 1))))
planted("INP-01", "away, and back in between")(partial(_stay, rounds=_of("absent", (1, 0), (1, 1), (4, 0), (4, 1))))
innocent("INP-01", "on leave")(partial(_stay, rounds=_of("absent", (2, 0), (2, 1)), leave="leave"))
innocent("INP-01", "external examination")(partial(_stay, rounds=_of("absent", (2, 0), (2, 1)), leave="examination"))
innocent("INP-01", "transferred for a day")(partial(_stay, rounds=_of("absent", (2, 0), (2, 1)), leave="transfer"))
innocent("INP-01", "does not use the face")(partial(_stay, rounds=_of("absent", (2, 0), (2, 1)), exempt=True))
innocent("INP-01", "another was met in the bed")(partial(_stay, rounds={(2, 0): "absent", (2, 1): "different"}))
innocent("INP-01", "one round of each day missed")(partial(_stay, rounds=_of("absent", (1, 0), (2, 1), (3, 0), (4, 1))))
innocent("INP-01", "nobody could look")(partial(_stay, rounds=_of("blind", (2, 0), (2, 1))))
innocent("INP-01", "undecided once")(partial(_stay, rounds={(2, 0): "absent", (2, 1): "undecided"}))
innocent("INP-01", "no rounds were made")(partial(_stay, rounds={}, skipped=(2, 3)))

planted("INP-02", "somebody else in bed", "INP-01")(
    partial(_stay, rounds=_of("different", *((day, half) for day in range(1, 6) for half in (0, 1))))
)
planted("INP-02", "more often another than the patient")(
    partial(_stay, rounds=_of("different", (1, 0), (1, 1), (2, 0), (2, 1), (3, 0), (4, 0)))
)
innocent("INP-02", "another once")(partial(_stay, rounds=_of("different", (2, 0))))
innocent("INP-02", "undecided twice")(partial(_stay, rounds=_of("undecided", (2, 0), (3, 0))))
innocent("INP-02", "beds exchanged for a day")(partial(_stay, rounds=_of("different", (2, 0), (2, 1))))
innocent("INP-02", "does not use the face")(
    partial(_stay, rounds=_of("different", *((day, half) for day in range(1, 6) for half in (0, 1))), exempt=True)
)


def _two_stays(
    stage: Stage,
    *,
    gap: int,
    other_site: bool = False,
    second_diagnosis: str = "I10.x00",
    first: Row | None = None,
    second: Row | None = None,
) -> Told:
    """Two stays, `gap` days from the end of one to the beginning of the other. The hospital tells which returns are planned."""
    hospital, who, day = stage.site("H"), stage.person(), stage.rng.randrange(3)
    stage.settle(
        hospital, stage.person(), stage.at(day, 600), extra=True, fen=300_000, **_bill(stage, day - 4, day) | {"days_rinp_flag_31": 1}
    )
    stage.settle(hospital, who, stage.at(day + 1, 600), fen=380_000, **_bill(stage, day - 5, day + 1) | (first or {}))
    begins, there = day + 1 + gap, stage.site("H") if other_site else hospital
    bill = _bill(stage, begins, begins + 4) | {"dscg_maindiag_code": second_diagnosis}
    stage.settle(there, who, stage.at(begins + 4, 660), fen=410_000, **bill | (second or {}))
    return None


def _bill(stage: Stage, begins: int, ends: int) -> Row:
    number = stage.next("inpatient")
    times = {"begndate": stage.at(begins, 0), "enddate": stage.at(ends, 0)}
    row = {"med_type": "21", "ipt_otp_no": f"IC{number:08}", "adm_bed": "B2", "dscg_way": "1", "dscg_maindiag_code": "I10.x00"}
    return row | {"days_rinp_flag_31": 0} | times


planted("INP-03", "back after three days")(partial(_two_stays, gap=3))
planted("INP-03", "back after fifteen days, just")(partial(_two_stays, gap=15))
planted("INP-03", "back on the next day")(partial(_two_stays, gap=1))
innocent("INP-03", "back after sixteen days")(partial(_two_stays, gap=16))
innocent("INP-03", "another diagnosis")(partial(_two_stays, gap=6, second_diagnosis="K35.800"))
innocent("INP-03", "planned return")(partial(_two_stays, gap=10, first={"days_rinp_flag_31": 1}))
innocent("INP-03", "another hospital")(partial(_two_stays, gap=4, other_site=True))
innocent("INP-03", "left against advice, transferred")(partial(_two_stays, gap=2, first={"dscg_way": "2"}))
innocent("INP-03", "came back as an emergency")(partial(_two_stays, gap=5, second={"med_type": "24"}))
_THERAPY: Row = {"dscg_maindiag_code": "Z51.100"}
innocent("INP-03", "course of therapy")(partial(_two_stays, gap=9, first=_THERAPY, second=_THERAPY))


def _session(
    stage: Stage, *, seen: Mapping[int, str], item: str = HAEMODIALYSIS, sessions: int = 1, others: bool = True, blind: bool = False
) -> Told:
    """Sessions billed every third day; `seen` says what the treatment room's round saw of the patient, by days from the first of them."""
    hospital, who, day = stage.site("H"), stage.person(), stage.day(span=3 * sessions + 2)
    for turn in range(sessions):
        today = day + 3 * turn
        stage.settle(hospital, who, stage.at(today, 16 * 60), fen=40_000, med_type="14", line={"med_list_codg": item})
        if others:
            look(stage, hospital, stage.person(), stage.at(today, 10 * 60), "same", place="treatment")
        if blind:
            look(stage, hospital, stage.person(), stage.at(today, 10 * 60 + 5), "blind", place="treatment")
    for offset, outcome in seen.items():
        look(stage, hospital, who, stage.at(day + offset, 9 * 60) + HOUR, outcome, place="treatment")
    return None


planted("THR-01", "haemodialysis, nobody came")(partial(_session, seen={}))
planted("THR-01", "three sessions, nobody came")(partial(_session, seen={}, sessions=3))
planted("THR-01", "physiotherapy, absent")(partial(_session, seen={0: "absent"}, item=PHYSIOTHERAPY))
innocent("THR-01", "haemodialysis patient seen")(partial(_session, seen={0: "same", 3: "same", 6: "same"}, sessions=3))
innocent("THR-01", "seen undecided")(partial(_session, seen={0: "undecided"}))
innocent("THR-01", "treated the day before it was billed")(partial(_session, seen={-1: "same"}))
innocent("THR-01", "nobody looked into the room")(partial(_session, seen={}, others=False))
innocent("THR-01", "room could not be seen")(partial(_session, seen={}, blind=True))
