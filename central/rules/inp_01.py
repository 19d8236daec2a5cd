"""INP-01 挂床住院: billed as an inpatient, and not in bed at any round of whole days."""

import ibis
import ibis.expr.types as ir
from pydantic import Field

from central.engines.identifiers import plain, word
from central.rules.base import IMPLEMENTING_RULES, Explanation, Hit, Limits, Rule, Severity, Tables, china_day
from central.rules.beds import ABSENT, BED, STAY, billed, day_start, days_of, half_day, without_leave
from central.rules.bills import span_en, span_zh
from central.rules.excuses import without_exempt


class EmptyBedLimits(Limits):
    """When missed days are grave."""

    row_days: int = Field(default=2, ge=2, le=365, description="Days in a row that make it high; one day is med.")
    ward_percent: int = Field(default=20, ge=1, le=100, description="Percent of a ward's patients missing on one day that make it high.")
    ward_patients: int = Field(
        default=5, ge=2, le=1000, description="Patients that a ward must have for that: one missing of three is no pattern."
    )


def find(tables: Tables, limits: EmptyBedLimits) -> ir.Table:
    """Stays with whole days on which neither the morning's nor the afternoon's round met the patient.

    Days of admission and discharge never count, nor days with any leave, nor those of exempt persons; a round that was blind or undecided,
    or met somebody else in the bed, excuses the day. A day counts only where rounds of the patient's ward were held at the beds in both
    halves; a look into the treatment room is none, but whoever was met there was there.
    """
    days = _days(tables)
    met = _met(tables.rounds)
    missed = days.anti_join(met, [*STAY, "day"])
    return _found(tables, _graded(days, missed, limits))


def _days(tables: Tables) -> ir.Table:
    """(stay, psn_no, ward, day) of whole days in hospital on which the ward had rounds both in the morning and in the afternoon."""
    stays = days_of(tables.stays.filter(tables.stays.admitted_at.notnull())).mutate(ward_of=tables.stays.ward.fill_null(""))
    halves = tables.rounds.filter(tables.rounds.place == BED).join(stays.select(*STAY, "ward_of"), STAY)
    halves = halves.select("fixmedins_code", "ward_of", half=half_day(halves["at"])).distinct()
    held = halves.group_by("fixmedins_code", "ward_of", day=halves.half // 2).agg(halves=halves.count())
    held = held.filter(held.halves == 2)
    days = stays.join(held, ["fixmedins_code", "ward_of"])
    days = days.filter(days.day > days.in_day, days.out_day.isnull() | (days.day < days.out_day))
    days = days.select(*STAY, "psn_no", "ward_of", "day", "in_day", "out_day", begins=day_start(days.day))
    return without_exempt(without_leave(days, tables.leaves), tables.exemptions, at="begins")


def _met(rounds: ir.Table) -> ir.Table:
    """(stay, day) with a round that did not find the bed empty; one whose outcome is not known is one of them."""
    return rounds.filter(rounds.outcome.isnull() | (rounds.outcome != ABSENT)).select(*STAY, day=china_day(rounds["at"])).distinct()


def _graded(days: ir.Table, missed: ir.Table, limits: EmptyBedLimits) -> ir.Table:
    """Missed days with `high`: part of so many in a row, or of a ward where so many were missing."""
    order = ibis.window(group_by=[missed.fixmedins_code, missed.mdtrt_id], order_by=missed.day)
    rows = missed.mutate(series=missed.day - ibis.row_number().over(order))
    lengths = rows.group_by(*STAY, "series").agg(in_row=rows.count())
    rows = rows.join(lengths, [*STAY, "series"])
    ward = ("fixmedins_code", "ward_of", "day")
    there = days.group_by(*ward).agg(patients=days.count()).join(missed.group_by(*ward).agg(missing=missed.count()), ward)
    rows = rows.join(there, ward)
    many = (rows.patients >= limits.ward_patients) & (rows.missing * 100 > rows.patients * limits.ward_percent)
    return rows.mutate(high=(rows.in_row >= limits.row_days) | many)


def _found(tables: Tables, rows: ir.Table) -> ir.Table:
    stays = rows.group_by(*STAY).agg(
        psn_no=rows.psn_no.max(),
        in_day=rows.in_day.max(),
        out_day=rows.out_day.max(),
        first_at=rows.begins.min(),
        occurred_at=rows.begins.max(),
        missed_days=rows.count(),
        in_row=rows.in_row.max(),
        high=rows.high.cast("int64").max(),
    )
    bills = billed(tables, stays)
    both = stays.left_join(bills, STAY)
    lasted = ibis.greatest(both.out_day - both.in_day + 1, 1)
    return both.select(
        *STAY,
        "psn_no",
        "occurred_at",
        "first_at",
        "missed_days",
        "in_row",
        "setl_ids",
        subject_key=word(both.fixmedins_code) + "/" + plain(both.mdtrt_id),
        sev_deg=(both.high == 1).ifelse(Severity.HIGH.value, Severity.MED.value),
        amount_fen=(both.total_fen * both.missed_days // lasted).fill_null(0),
        capture_ids=ibis.null("array<string>"),
        psn_nos=ibis.array([both.psn_no]),
    )


def explain(hit: Hit, limits: EmptyBedLimits) -> Explanation:
    """Names the days, and that none of them was the first or the last."""
    missed, in_row, stay = hit.seen["missed_days"], hit.seen["in_row"], hit.seen["mdtrt_id"]
    return Explanation(
        zh=(
            f"机构{hit.fixmedins_code}的住院患者{hit.psn_no}（就诊{stay}）在{span_zh(hit)[:10]}至{hit.local_time[:10]}期间有{missed}个住院日上午、下午两次"
            f"床旁人脸查房均未见到本人，连续最多{in_row}日。标准：一日即为疑点；连续{limits.row_days}日，或同病区当日缺席超过{limits.ward_percent}%"
            f"（病区不少于{limits.ward_patients}人）为高。入院日、出院日、请假、外检、转院、免用人脸及当日未查房或查房无法看清的均已剔除。"
        ),
        en=(
            f"Inpatient {hit.psn_no} of {hit.fixmedins_code} (stay {stay}) was met neither at the morning's nor at the afternoon's round "
            f"on {missed} days, {in_row} of them in a row, between {span_en(hit)[:10]} and {hit.local_time[:10]}. Limits: one day is med; "
            f"{limits.row_days} in a row, or more than {limits.ward_percent} % of a ward of at least {limits.ward_patients} patients, is "
            f"high. Left out: days of admission and discharge, leave, examination elsewhere, transfer, exempt persons, and days on which "
            f"the ward had no rounds or they could not see."
        ),
    )


RULE = Rule(
    id="INP-01",
    version=2,
    by="fixmedins_code",
    name_zh="挂床住院",
    name_en="empty bed",
    behaviour="挂床住院",
    legal_basis=f"《医疗保障基金使用监督管理条例》第三十八条第（一）项；{IMPLEMENTING_RULES}",
    limits=EmptyBedLimits,
    find=find,
    explain=explain,
)
