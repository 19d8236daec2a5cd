"""INP-02 冒名住院: somebody else lies in the insured person's bed."""

import ibis
import ibis.expr.types as ir
from pydantic import Field

from central.engines.identifiers import plain, word
from central.rules.base import IMPLEMENTING_RULES, Explanation, Hit, Limits, Rule, Severity, Tables, china_day
from central.rules.beds import BED, DIFFERENT, SAME, STAY, billed, half_day, half_start, without_leave
from central.rules.bills import span_en, span_zh
from central.rules.excuses import without_exempt


class WrongInpatientLimits(Limits):
    """How often somebody else must have been there."""

    rounds: int = Field(
        default=2, ge=1, le=100, description="Rounds (half-days) that met somebody else; at one it may have been a visitor on the bed."
    )


def find(tables: Tables, limits: WrongInpatientLimits) -> ir.Table:
    """Stays whose rounds met somebody else in bed at least so often, and more often than the patient.

    A half-day in which the patient was met as well does not count, nor days with leave, nor exempt persons.
    """
    stays = tables.stays.select(*STAY, "psn_no")
    rounds = tables.rounds.filter(tables.rounds.place == BED, tables.rounds.outcome.isin([SAME, DIFFERENT]))
    rounds = rounds.select(*STAY, "at", half=half_day(rounds["at"]), other=(rounds.outcome == DIFFERENT).cast("int64"))
    halves = rounds.group_by(*STAY, "half").agg(other=rounds.other.min(), at=rounds["at"].max())
    halves = halves.join(stays, STAY).mutate(begins=half_start(halves.half), day=china_day(halves["at"]))
    halves = without_exempt(without_leave(halves, tables.leaves), tables.exemptions, at="begins")
    met = halves.group_by(*STAY, "psn_no").agg(
        others=halves.other.sum().cast("int64"),
        own=(1 - halves.other).sum().cast("int64"),
        first_at=halves["at"].min(where=halves.other == 1),
        occurred_at=halves["at"].max(where=halves.other == 1),
    )
    found = met.filter(met.others >= limits.rounds, met.others > met.own)
    both = found.left_join(billed(tables, found), STAY)
    return both.select(
        *[both[name] for name in found.columns],
        "setl_ids",
        subject_key=word(both.fixmedins_code) + "/" + plain(both.mdtrt_id),
        sev_deg=ibis.literal(Severity.HIGH.value),
        amount_fen=both.total_fen.fill_null(0),
        capture_ids=ibis.null("array<string>"),
        psn_nos=ibis.array([both.psn_no]),
    )


def explain(hit: Hit, limits: WrongInpatientLimits) -> Explanation:
    """Names how many rounds met whom."""
    others, own, stay = hit.seen["others"], hit.seen["own"], hit.seen["mdtrt_id"]
    return Explanation(
        zh=(
            f"{span_zh(hit)}，机构{hit.fixmedins_code}的住院患者{hit.psn_no}（就诊{stay}）有{others}次床旁人脸查房（按半日计）比对为他人，比对为本人的"
            f"{own}次。标准：{limits.rounds}次及以上，且多于比对为本人的次数；同一半日内曾见到本人的、请假外检转院期间及免用人脸人员均已剔除。"
        ),
        en=(
            f"{span_en(hit)}: {others} face rounds (one per half-day) met somebody else in the bed of inpatient {hit.psn_no} of "
            f"{hit.fixmedins_code} (stay {stay}), {own} met the patient. Limits: {limits.rounds} rounds, and more than those that met the "
            f"patient. Left out: half-days in which the patient was met as well, leave, examination elsewhere, transfer, exempt persons."
        ),
    )


RULE = Rule(
    id="INP-02",
    version=1,
    by="fixmedins_code",
    name_zh="冒名住院",
    name_en="wrong inpatient",
    behaviour="冒名住院",
    legal_basis=f"《医疗保障基金使用监督管理条例》第四十条、第四十一条；{IMPLEMENTING_RULES}",
    limits=WrongInpatientLimits,
    find=find,
    explain=explain,
)
