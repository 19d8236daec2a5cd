"""GEO-02 住院期间他处结算: somebody who lies in one hospital is billed at another institution."""

import ibis
import ibis.expr.types as ir
from pydantic import Field

from central.china import local_text
from central.db import from_micros
from central.engines.identifiers import listed, plain, word
from central.inputs import FOREVER
from central.rules.base import DAY, IMPLEMENTING_RULES, Explanation, Hit, Limits, Rule, Severity, Tables, china_day
from central.rules.bills import standing
from central.rules.excuses import looked_at
from central.rules.presence import came_in_person


class ElsewhereLimits(Limits):
    """What is taken of stays whose end nobody told."""

    open_days: int = Field(
        default=30,
        ge=1,
        le=366,
        description="Days that a stay without discharge is believed to last; one that was forgotten accuses nobody.",
    )


def find(tables: Tables, limits: ElsewhereLimits) -> ir.Table:
    """One row per outpatient or pharmacy settlement between the days of admission and discharge, which are left out themselves.

    Leave, examination elsewhere and transfer excuse by the day. Stays are those registered, and those that only their bill tells of.
    """
    stays = _stays(tables, limits)
    bills = came_in_person(tables)
    bills = bills.select("fixmedins_code", "setl_id", "psn_no", "setl_time", "capture_id", "net_fund", "net_acct")
    inside = bills.join(
        stays,
        [
            bills.psn_no == stays.patient,
            bills.fixmedins_code != stays.hospital,
            china_day(bills.setl_time) > china_day(stays.admitted_at),
            china_day(bills.setl_time) < china_day(stays.ends_at),
        ],
    )
    away = tables.leaves.select(hospital="fixmedins_code", stay="mdtrt_id", leave_from="leave_from", leave_to="leave_to")
    away = away.mutate(leave_to=away.leave_to.fill_null(FOREVER))
    inside = inside.anti_join(
        away,
        [
            inside.hospital == away.hospital,
            inside.stay == away.stay,
            china_day(inside.setl_time) >= china_day(away.leave_from),
            china_day(inside.setl_time) <= china_day(away.leave_to),
        ],
    )
    order = [inside.admitted_at, inside.hospital, inside.stay]
    first = ibis.row_number().over(group_by=[inside.fixmedins_code, inside.setl_id], order_by=order)
    once = inside.mutate(first=first).filter(lambda t: t.first == 0)
    faces = looked_at(tables).select("fixmedins_code", "setl_id", "outcome")
    seen = once.left_join(faces, ["fixmedins_code", "setl_id"])
    return seen.select(
        subject_key=plain(seen.psn_no) + "/" + word(seen.fixmedins_code) + ":" + word(seen.setl_id),
        fixmedins_code=seen.fixmedins_code,
        psn_no=seen.psn_no,
        occurred_at=seen.setl_time,
        sev_deg=ibis.literal(Severity.HIGH.value),
        amount_fen=seen.net_fund + seen.net_acct,
        capture_ids=listed(seen.capture_id),
        setl_ids=ibis.array([seen.setl_id]),
        psn_nos=ibis.array([seen.psn_no]),
        hospital=seen.hospital,
        stay=seen.stay,
        admitted_at=seen.admitted_at,
        discharged_at=seen.discharged_at,
        outcome=seen.outcome,
    )


def _stays(tables: Tables, limits: ElsewhereLimits) -> ir.Table:
    registered = tables.stays.filter(tables.stays.admitted_at.notnull(), tables.stays.psn_no.notnull())
    told = registered.select(
        hospital="fixmedins_code", stay="mdtrt_id", patient="psn_no", admitted_at="admitted_at", discharged_at="discharged_at"
    )
    bills = standing(tables.settlements)
    billed = bills.filter(bills.inpatient, bills.mdtrt_id.notnull(), bills.begndate.notnull(), bills.enddate.notnull())
    billed = billed.anti_join(tables.stays, ["fixmedins_code", "mdtrt_id"])
    billed = billed.group_by(hospital="fixmedins_code", stay="mdtrt_id", patient="psn_no").agg(
        admitted_at=billed.begndate.min(), discharged_at=billed.enddate.max()
    )
    stays = told.union(billed)
    return stays.mutate(ends_at=stays.discharged_at.fill_null(stays.admitted_at + limits.open_days * DAY))


def explain(hit: Hit, limits: ElsewhereLimits) -> Explanation:
    """Says which stay, and what the window elsewhere saw, since that tells an empty bed from a lent card."""
    seen = hit.seen
    begun, ended = local_text(from_micros(seen["admitted_at"])), seen["discharged_at"]
    until_zh = f"未见出院记录，按{limits.open_days}日计" if ended is None else f"{local_text(from_micros(ended))}出院"
    until_en = f"no discharge is known, {limits.open_days} days are taken" if ended is None else f"until {local_text(from_micros(ended))}"
    face_zh, face_en = _FACES.get(seen["outcome"], _NO_FACE)
    return Explanation(
        zh=(
            f"参保人{hit.psn_no}在机构{seen['hospital']}住院期间（{begun}入院，{until_zh}），"
            f"于{hit.local_time}在机构{hit.fixmedins_code}结算{hit.setl_ids[0]}。"
            f"{face_zh}标准：入院次日至出院前一日之间的任何门诊或购药结算。已查询：没有请假、外检、转院记录，没有有效的代办人，"
            f"也不是移动支付或已退费的结算。"
        ),
        en=(
            f"While insured person {hit.psn_no} was an inpatient of {seen['hospital']} (admitted {begun}, {until_en}), "
            f"{hit.fixmedins_code} billed settlement {hit.setl_ids[0]} on {hit.local_time} (China). {face_en} Limit: any outpatient or "
            f"pharmacy settlement from the day after admission to the day before discharge. Looked up: no leave, examination elsewhere or "
            f"transfer, no valid proxy, neither a mobile payment nor refunded."
        ),
    )


_NO_FACE = ("该结算没有能说明何人到场的画面。", "No picture says who was there.")
_FACES = {
    "same": ("窗口识别为本人到场，可能不在床。", "The window recognised the insured person, who then was not in bed."),
    "different": ("窗口所见不是本人，可能为他人用卡。", "The window saw another person, who may have used the card."),
}


RULE = Rule(
    id="GEO-02",
    version=1,
    by="psn_no",
    name_zh="住院期间他处结算",
    name_en="billed elsewhere while inpatient",
    behaviour="挂床住院或冒名使用",
    legal_basis=f"《医疗保障基金使用监督管理条例》第三十八条第（一）项；{IMPLEMENTING_RULES}",
    limits=ElsewhereLimits,
    find=find,
    explain=explain,
)
