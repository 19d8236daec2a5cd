"""INP-03 分解住院: one stay billed as several."""

import ibis
import ibis.expr.types as ir
from pydantic import Field

from central.engines.identifiers import missing, plain, word
from central.rules.base import DAY, HOUR, IMPLEMENTING_RULES, Explanation, Hit, Limits, Rule, Severity, Tables, china_day
from central.rules.bills import gathered, span_en, span_zh, standing

_BY_DOCTOR = "1"
_FROM_EMERGENCY = "24"
_STAY = ("fixmedins_code", "psn_no", "stay")


class SplitStayLimits(Limits):
    """How soon after discharge, and what makes it a plan."""

    gap_days: int = Field(
        default=15, ge=0, le=90, description="Days from discharge to readmission with the same main diagnosis; local rules say 7 to 31."
    )
    planned_from: int = Field(
        default=1,
        ge=1,
        le=9,
        description="Smallest days_rinp_flag_31 that says planned: 1 where sites send 0 and 1; 2 where they send 1 (none) and 2.",
    )
    course_diagnoses: tuple[str, ...] = Field(
        default=("Z51",),
        description="Beginnings of main diagnoses that bring patients back by plan: courses of chemotherapy and radiotherapy.",
    )


def find(tables: Tables, limits: SplitStayLimits) -> ir.Table:
    """Stays that begin soon after one of the same person, institution and main diagnosis had ended by a doctor's discharge.

    A planned readmission, a course of treatment, an admission through the emergency, a transfer, and bills in the middle of one stay are
    none. Institutions that never state days_rinp_flag_31 could not say that it was planned, so nothing is said of them.
    """
    stays = _stays(tables, limits)
    order = ibis.window(group_by=[stays.fixmedins_code, stays.psn_no], order_by=[stays.begins, stays.ends, stays.stay])
    stays = stays.mutate(
        ended=stays.ends.lag().over(order),
        before=stays.stay.lag().over(order),
        same=(stays.diagnosis == stays.diagnosis.lag().over(order)).fill_null(False),
        planned_before=stays.planned.lag().over(order),
        way_before=stays.way.lag().over(order),
    )
    gap = stays.begins - stays.ended
    split = stays.filter(
        stays.same,
        gap >= 0,
        gap <= limits.gap_days,
        ~stays.emergency,
        ~stays.planned_before,
        stays.way_before.fill_null(_BY_DOCTOR) == _BY_DOCTOR,
    )
    split = split.mutate(gap_days=split.begins - split.ended)
    bills = _bills(tables).join(split.select(*_STAY, "before", "gap_days", "diagnosis", "ended", "begins"), _STAY)
    found = gathered(bills.mutate(fen=bills.net_fund + bills.net_acct), *_STAY, "before", "gap_days", "diagnosis", "ended", "begins")
    return found.mutate(
        subject_key=word(found.fixmedins_code) + "/" + plain(found.stay),
        sev_deg=ibis.literal(Severity.MED.value),
        ended=found.ended * DAY - 8 * HOUR,
        begins=found.begins * DAY - 8 * HOUR,
    )


def _bills(tables: Tables) -> ir.Table:
    bills = standing(tables.settlements)
    bills = bills.filter(bills.inpatient, bills.begndate.notnull(), bills.enddate.notnull())
    unnamed = bills.mdtrt_id.isnull().ifelse(bills.setl_id, missing(bills.setl_id))
    return bills.mutate(stay=ibis.coalesce(word(bills.mdtrt_id), word(unnamed)))


def _stays(tables: Tables, limits: SplitStayLimits) -> ir.Table:
    """One row per stay, however many bills it had: days of beginning and end, main diagnosis, and what its last bill says of its end."""
    bills = _bills(tables)
    telling = bills.filter(bills.days_rinp_flag_31.notnull()).select("fixmedins_code").distinct()
    bills = bills.semi_join(telling, "fixmedins_code")
    stays = bills.group_by(*_STAY).agg(
        begins=china_day(bills.begndate.min()),
        ends=china_day(bills.enddate.max()),
        diagnosis=bills.dscg_maindiag_code.argmax(bills.setl_time),
        way=bills.dscg_way.max(),
        flag=bills.days_rinp_flag_31.max(),
        through=bills.med_type.startswith(_FROM_EMERGENCY).fill_null(False).cast("int64").max(),
    )
    course = ibis.literal(False)
    for beginning in limits.course_diagnoses:
        course = course | stays.diagnosis.startswith(beginning)
    stays = stays.filter(stays.diagnosis.notnull(), ~course)
    return stays.mutate(planned=stays.flag.fill_null(0) >= limits.planned_from, emergency=stays.through == 1)


def explain(hit: Hit, limits: SplitStayLimits) -> Explanation:
    """Names both stays, the gap and the diagnosis."""
    seen = hit.seen
    return Explanation(
        zh=(
            f"参保人{hit.psn_no}在机构{hit.fixmedins_code}的住院{seen['before']}出院{seen['gap_days']}日后，以同一主要诊断（{seen['diagnosis']}）再次住院"
            f"{seen['stay']}，结算{seen['bills']}笔（{span_zh(hit)}）。标准：{limits.gap_days}日内同机构同主要诊断再入院，且未标注31天内再住院计划。"
            f"已剔除中途结算、急诊转住院、转院或非医嘱离院后再入院，以及疗程性诊断（{'、'.join(limits.course_diagnoses)}）。"
        ),
        en=(
            f"Insured person {hit.psn_no} was admitted to {hit.fixmedins_code} again (stay {seen['stay']}) {seen['gap_days']} days after "
            f"discharge from stay {seen['before']}, with the same main diagnosis ({seen['diagnosis']}); {seen['bills']} bills, "
            f"{span_en(hit)}. Limits: readmission within {limits.gap_days} days at the same institution, not marked as planned. Left out: "
            f"bills in the middle of a stay, admission through the emergency, transfers, discharge against advice, and courses of "
            f"treatment ({', '.join(limits.course_diagnoses)})."
        ),
    )


RULE = Rule(
    id="INP-03",
    version=1,
    by="fixmedins_code",
    name_zh="分解住院",
    name_en="split stay",
    behaviour="分解住院",
    legal_basis=f"《医疗保障基金使用监督管理条例》第三十八条第（一）项；{IMPLEMENTING_RULES}",
    limits=SplitStayLimits,
    find=find,
    explain=explain,
)
