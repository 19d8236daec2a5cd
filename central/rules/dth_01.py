"""DTH-01 死亡后结算: a credential was used after its owner had died."""

import ibis
import ibis.expr.types as ir
from pydantic import Field

from central.china import local_text
from central.db import from_micros
from central.engines.identifiers import plain, word
from central.rules.base import DAY, HOUR, IMPLEMENTING_RULES, Explanation, Hit, Limits, Rule, Severity, Tables, china_day
from central.rules.bills import emergency, gathered, span_en, span_zh, standing
from contract.events import Outcome

_DIED = "5"
_LIVE = "live"


class AfterDeathLimits(Limits):
    """How long the bill of the last stay may take."""

    last_bill_days: int = Field(
        default=30, ge=0, le=365, description="Days after death within which the bill of the stay or emergency that was going on may come."
    )


def find(tables: Tables, limits: AfterDeathLimits) -> ir.Table:
    """Persons and institutions with settlements after the end of the day of death.

    Of several days of death the last counts, since one of the registers errs. A person whom a window saw alive and recognised afterwards
    did not die then, so nothing is said about him.
    """
    dead = _dead(tables)
    bills = standing(tables.settlements).semi_join(dead, "psn_no").join(dead, "psn_no")
    begun_before = bills.begndate.isnull() | (bills.begndate < bills.died_by)
    last_bill = (bills.inpatient | emergency(bills)) & begun_before & (bills.setl_time < bills.died_by + limits.last_bill_days * DAY)
    after = bills.filter(bills.setl_time >= bills.died_by, ~last_bill)
    seen = tables.visits
    alive = seen.filter(seen.outcome == Outcome.SAME.value, seen.liveness == _LIVE).select("psn_no", alive_at=seen.setl_time)
    alive = alive.semi_join(dead, "psn_no").join(dead, "psn_no")
    after = after.anti_join(alive.filter(alive.alive_at >= alive.died_by), "psn_no")
    after = after.mutate(fen=after.net_fund + after.net_acct)
    persons = gathered(after, "psn_no", "fixmedins_code", died_by=lambda t: t.died_by.max())
    return persons.mutate(
        subject_key=word(persons.psn_no) + "/" + plain(persons.fixmedins_code),
        sev_deg=ibis.literal(Severity.HIGH.value),
        died_on=persons.died_by - DAY,
    ).drop("died_by")


def _dead(tables: Tables) -> ir.Table:
    """(psn_no, died_by): the end of the day of death, by the person register, by stays, or by bills that say how a stay ended."""
    persons, stays, bills = tables.persons, tables.stays, tables.settlements
    register = persons.filter(persons.death_date.notnull()).select("psn_no", died_at=persons.death_date)
    in_bed = stays.filter(stays.dscg_way == _DIED, stays.discharged_at.notnull()).select("psn_no", died_at=stays.discharged_at)
    billed = standing(bills).filter(bills.dscg_way == _DIED, bills.enddate.notnull()).select("psn_no", died_at=bills.enddate)
    known = register.union(in_bed).union(billed).filter(lambda t: t.psn_no.notnull())
    ends = (china_day(known.died_at) + 1) * DAY - 8 * HOUR  # midnight in China
    return known.mutate(end=ends).group_by("psn_no").agg(died_by=lambda t: t.end.max())


def explain(hit: Hit, limits: AfterDeathLimits) -> Explanation:
    """Names the day of death; the family may not know that nobody may go on using the card."""
    died = local_text(from_micros(hit.seen["died_on"]))[:10]
    return Explanation(
        zh=(
            f"参保人{hit.psn_no}登记的死亡日期为{died}；{span_zh(hit)}，机构{hit.fixmedins_code}仍以其凭证结算{hit.seen['bills']}笔。"
            f"已剔除退费，以及死亡前开始的住院、急诊在死亡后{limits.last_bill_days}日内的结算；登记日期不一致的以最晚为准；死亡日期以后曾在窗口"
            f"被识别为本人活体的不列入。"
        ),
        en=(
            f"Insured person {hit.psn_no} is registered to have died on {died}; {span_en(hit)}, {hit.fixmedins_code} settled "
            f"{hit.seen['bills']} times with the credential of this person. Left out: refunds, and the bill of a stay or emergency that "
            f"had begun before, up to {limits.last_bill_days} days after death. Where registers disagree the last day counts; persons "
            f"whom a window recognised alive afterwards are not listed."
        ),
    )


RULE = Rule(
    id="DTH-01",
    version=1,
    by="psn_no",
    name_zh="死亡后结算",
    name_en="after death",
    behaviour="死亡后使用医保凭证",
    legal_basis=f"《医疗保障基金使用监督管理条例》第四十一条；{IMPLEMENTING_RULES}",
    limits=AfterDeathLimits,
    find=find,
    explain=explain,
)
