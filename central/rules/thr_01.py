"""THR-01 血透/理疗未到场: a treatment that needs the patient was billed, and the treatment room never saw the patient."""

import ibis
import ibis.expr.types as ir
from pydantic import Field

from central.engines.identifiers import plain, word
from central.rules.base import IMPLEMENTING_RULES, Explanation, Hit, Limits, Rule, Severity, Tables, china_day
from central.rules.beds import ABSENT, BLIND, TREATMENT, day_start
from central.rules.bills import ONE, gathered, sold, span_en, span_zh
from central.rules.excuses import without_exempt

_PERSON = ("fixmedins_code", "psn_no")
_DAY = ("fixmedins_code", "day")


class TherapyLimits(Limits):
    """How far from the billed day the patient may have come."""

    around_days: int = Field(
        default=1, ge=0, le=30, description="Days before and after the billed one: shifts cross midnight, desks book the next morning."
    )
    course_days: int = Field(
        default=30,
        ge=1,
        le=365,
        description="Days within which a course of several sessions, billed at once, may begin; until then nothing is said.",
    )


def find(tables: Tables, limits: TherapyLimits) -> ir.Table:
    """Persons and days of an institution with sessions billed, where every look into the treatment room missed the person.

    Only days count on which the room was looked into. A round that saw anybody but nobody in the person's place excuses, so does one that
    was blind, a room that could not be seen for a while, and being exempt from the face.
    """
    billed = _billed(tables, limits)
    rounds = tables.rounds.filter(tables.rounds.place == TREATMENT)
    rounds = rounds.mutate(day=china_day(rounds["at"]))
    held = rounds.group_by("fixmedins_code").agg(until=rounds.day.max())
    blind = rounds.filter(rounds.outcome == BLIND).select(*_DAY).union(_unseen(tables.coverage)).distinct()
    billed = billed.semi_join(rounds.select(*_DAY), _DAY).anti_join(blind, _DAY).join(held, "fixmedins_code")
    billed = billed.filter((billed.span == limits.around_days) | (billed.day + billed.span <= billed.until)).drop("until")
    there = rounds.filter(rounds.outcome.isnull() | (rounds.outcome != ABSENT))
    seen = there.select("fixmedins_code", met_day=there.day, met_psn=there.psn_no).distinct()
    missed = billed.anti_join(seen, _met(billed, seen, limits, billed.psn_no == seen.met_psn))
    seen = there.select("fixmedins_code", met_day=there.day, met_mdtrt=there.mdtrt_id).distinct()
    missed = missed.anti_join(seen, _met(missed, seen, limits, missed.mdtrt_id == seen.met_mdtrt))
    missed = without_exempt(missed.mutate(begins=day_start(missed.day)), tables.exemptions, at="begins")
    days = gathered(missed.mutate(capture_id=ibis.null("string")), *_PERSON, "day", "begins", item=lambda t: t.med_list_codg.min())
    return days.mutate(
        subject_key=word(days.fixmedins_code) + "/" + plain(days.psn_no) + "-" + days.day.cast("string"),
        sev_deg=ibis.literal(Severity.HIGH.value),
    )


def _billed(tables: Tables, limits: TherapyLimits) -> ir.Table:
    """Sessions billed: settlement, item, day of the fee, and `span`, the days after it within which the patient may come.

    What a bill gave back of an item may be any of its days, so none of them counts.
    """
    items = tables.items.filter(tables.items.per_session.fill_null(False)).select("med_list_codg")
    lines = tables.details.semi_join(items, "med_list_codg").filter(tables.details.fee_ocur_time.notnull())
    left = sold(tables, lines.mutate(day=china_day(lines.fee_ocur_time)), "med_list_codg", "day")
    refunds = tables.settlements.filter(tables.settlements.is_refund).select("fixmedins_code", "setl_id", "init_setl_id")
    back = lines.join(refunds, ["fixmedins_code", "setl_id"]).select("fixmedins_code", "med_list_codg", setl_id="init_setl_id")
    left = left.anti_join(back, ["fixmedins_code", "setl_id", "med_list_codg"])
    visits = tables.settlements.select("fixmedins_code", "setl_id", "mdtrt_id")
    left = left.join(visits, ["fixmedins_code", "setl_id"])
    return left.mutate(span=(left.cnt > ONE).ifelse(limits.course_days, limits.around_days))


def _unseen(coverage: ir.Table) -> ir.Table:
    """Days on which a camera of a treatment room was covered or failed for a while."""
    rooms = coverage.filter(coverage.role == TREATMENT, coverage.covered_us.fill_null(0) + coverage.failed_us.fill_null(0) > 0)
    return rooms.select("fixmedins_code", day=china_day(rooms.since))


def _met(billed: ir.Table, seen: ir.Table, limits: TherapyLimits, same: ir.BooleanValue) -> list[ir.BooleanValue]:
    near = [seen.met_day >= billed.day - limits.around_days, seen.met_day <= billed.day + billed.span]
    return [billed.fixmedins_code == seen.fixmedins_code, same, *near]


def explain(hit: Hit, limits: TherapyLimits) -> Explanation:
    """Names the person, the day's item, and where was looked."""
    return Explanation(
        zh=(
            f"机构{hit.fixmedins_code}为参保人{hit.psn_no}结算须本人到场的治疗项目{hit.seen['item']}（{hit.seen['bills']}笔，结算时间{span_zh(hit)}），但"
            f"治疗日及前后{limits.around_days}日治疗室人脸查验均未见到本人。标准：一次即为疑点；疗程一次收费的，{limits.course_days}日内到场即可。"
            f"当日治疗室未查验、画面不清或遮挡、免用人脸人员均已剔除。"
        ),
        en=(
            f"{hit.fixmedins_code} billed item {hit.seen['item']}, which needs the patient, for insured person {hit.psn_no} "
            f"({hit.seen['bills']} bills, settled {span_en(hit)}), but no look into the treatment room met the person on that day or "
            f"within {limits.around_days} days of it. Limit: any; a course billed at once may begin within {limits.course_days} days. "
            f"Left out: days without such looks or with a room that could not be seen, and exempt persons."
        ),
    )


RULE = Rule(
    id="THR-01",
    version=1,
    by="fixmedins_code",
    name_zh="血透/理疗未到场",
    name_en="therapy without patient",
    behaviour="虚构医药服务项目",
    legal_basis=f"《医疗保障基金使用监督管理条例》第四十条第（三）项；{IMPLEMENTING_RULES}",
    limits=TherapyLimits,
    find=find,
    explain=explain,
)
