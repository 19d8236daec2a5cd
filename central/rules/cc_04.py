"""CC-04 伴随刷卡: the same cards settle together at one institution again and again, and their owners are not seen."""

from dataclasses import replace

import ibis
import ibis.expr.types as ir
from pydantic import Field

from central.engines.identifiers import plain, word
from central.linkage.model import SettlementCode
from central.rules.base import IMPLEMENTING_RULES, MINUTE, Explanation, Hit, Limits, Rule, Severity, Tables, china_day
from central.rules.bills import gathered, span_en, span_zh
from central.rules.excuses import looked_at, without_exempt
from central.rules.faces import sure_faces
from central.rules.presence import came_in_person
from contract.events import Outcome

_BILL = ["fixmedins_code", "setl_id"]
_COLUMNS = (
    *("fixmedins_code", "setl_id", "psn_no", "setl_time", "inpatient", "opter_type", "code", "stands", "capture_id"),
    *("net_fund", "net_acct"),
)
_VOUCHED = [SettlementCode.MANUAL.value, SettlementCode.PROXY.value]
_SEEN = [SettlementCode.MATCHED.value, SettlementCode.LATE.value]


class CompanionLimits(Limits):
    """How close together, how often, and what is a crowd."""

    span_minutes: int = Field(default=10, ge=1, le=120, description="Minutes within which cards settle together: one visit to the counter.")
    least_days: int = Field(
        default=3, ge=2, le=31, description="Days on which the same three cards do so; repetition on fewer may be chance."
    )
    window_days: int = Field(default=30, ge=2, le=180, description="Days within which these days lie.")
    crowd: int = Field(
        default=30,
        ge=3,
        le=1000,
        description="Cards within span_minutes from which company says nothing, as at a file that was sent at once.",
    )


def find(tables: Tables, limits: CompanionLimits) -> ir.Table:
    """One row per institution and group of cards, named by the smallest.

    A settlement counts while nobody showed that its owner came: neither a recognised face, nor a clerk, nor a registered proxy. Treatments
    that are billed for each session (dialysis) bring the same people together by right. It is high where the windows saw at most one face
    at most of these settlements. This looks at bills first and at visits for the faces.
    """
    bills = _unshown(tables, limits)
    days = _together(bills, limits)
    groups = _groups(days)
    counted = bills.join(groups, ["fixmedins_code", "psn_no", "day"])
    faces = sure_faces(looked_at(tables)).select(*_BILL, "face_group")
    empty = looked_at(tables).filter(lambda t: t.outcome == Outcome.NO_PERSON.value).select(*_BILL, nobody=ibis.literal(True))
    seen = counted.left_join(faces, _BILL).drop("fixmedins_code_right", "setl_id_right").left_join(empty, _BILL)
    seen = seen.drop("fixmedins_code_right", "setl_id_right")
    found = gathered(
        seen,
        "fixmedins_code",
        "root",
        days=lambda t: t.day.nunique(),
        faces=lambda t: t.face_group.nunique(),
        telling=lambda t: (t.face_group.notnull() | t.nobody.notnull()).sum(),
    )
    one_face = (found.faces <= 1) & (found.telling * 2 > found.bills)
    return found.mutate(
        subject_key=word(found.fixmedins_code) + "/" + plain(found.root),
        psn_no=ibis.null("string"),
        sev_deg=one_face.ifelse(Severity.HIGH.value, Severity.MED.value),
    ).drop("root")


def _unshown(tables: Tables, limits: CompanionLimits) -> ir.Table:
    """Bills of regular guests whose owner nobody showed to be there, outside crowds; with day and bucket of the span."""
    bills, visits = tables.settlements, tables.visits
    unseen = bills.filter(bills.code.notin([*_VOUCHED, *_SEEN])).select(*_COLUMNS)
    unlike = visits.filter(visits.outcome != Outcome.SAME.value).select(*_COLUMNS)  # few, while those who were recognised are most
    bills = came_in_person(replace(tables, settlements=unseen.union(unlike)))
    sessions = tables.items.filter(tables.items.per_session.fill_null(False)).select("med_list_codg")
    bills = bills.anti_join(tables.details.semi_join(sessions, "med_list_codg").select(*_BILL), _BILL)
    bills = without_exempt(bills, tables.exemptions, at="setl_time")
    bills = bills.select(
        *_BILL,
        *("psn_no", "setl_time", "capture_id"),
        fen=bills.net_fund + bills.net_acct,
        day=china_day(bills.setl_time),
    )
    guests = bills.group_by("fixmedins_code", "psn_no").agg(days=bills.day.nunique())
    regular = bills.semi_join(guests.filter(guests.days >= limits.least_days), ["fixmedins_code", "psn_no"])
    regular = regular.mutate(bucket=regular.setl_time // (limits.span_minutes * MINUTE))
    full = regular.group_by("fixmedins_code", "bucket").agg(cards=regular.psn_no.nunique())
    return regular.anti_join(full.filter(full.cards > limits.crowd), ["fixmedins_code", "bucket"])


def _together(bills: ir.Table, limits: CompanionLimits) -> ir.Table:
    """(fixmedins_code, one, two, three, day) of three cards that settled together, those that did so on enough days."""
    span = limits.span_minutes * MINUTE
    near = ibis.union(*(bills.mutate(bucket=bills.bucket + shift) for shift in (-1, 0, 1)))
    near = near.select("fixmedins_code", "bucket", two="psn_no", then="setl_time")
    pairs = bills.join(near, ["fixmedins_code", "bucket"])
    pairs = pairs.filter(pairs.psn_no < pairs.two, (pairs.setl_time - pairs.then).abs() <= span)
    pairs = pairs.select("fixmedins_code", "day", "two", one=pairs.psn_no).distinct()
    often = pairs.group_by("fixmedins_code", "one", "two").agg(days=pairs.day.nunique())
    pairs = pairs.semi_join(often.filter(often.days >= limits.least_days), ["fixmedins_code", "one", "two"])
    with_third = pairs.join(pairs.select("fixmedins_code", "day", "one", three="two"), ["fixmedins_code", "day", "one"])
    with_third = with_third.filter(with_third.two < with_third.three)
    closed = with_third.semi_join(pairs.select("fixmedins_code", "day", two="one", three="two"), ["fixmedins_code", "day", "two", "three"])
    three = [closed.fixmedins_code, closed.one, closed.two, closed.three]
    before = closed.day.lag(limits.least_days - 1).over(group_by=three, order_by=closed.day)
    dense = closed.mutate(before=before).filter(lambda t: t.day - t.before < limits.window_days)
    return closed.semi_join(dense, ["fixmedins_code", "one", "two", "three"])


def _groups(days: ir.Table) -> ir.Table:
    """(fixmedins_code, root, psn_no, day): whom each group holds on which day. A group whose first card is in another one is named by "
    f"it."""
    members = ibis.union(*(days.select("fixmedins_code", "one", "day", psn_no=days[name]) for name in ("one", "two", "three")))
    roots = members.group_by("fixmedins_code", one="psn_no").agg(root=members.one.min())
    return members.join(roots, ["fixmedins_code", "one"]).select("fixmedins_code", "root", "psn_no", "day").distinct()


def explain(hit: Hit, limits: CompanionLimits) -> Explanation:
    """Names how often, how many cards, and what the windows saw."""
    persons, bills, days, faces, telling = (hit.seen[name] for name in ("persons", "bills", "days", "faces", "telling"))
    return Explanation(
        zh=(
            f"{span_zh(hit)}，机构{hit.fixmedins_code}有{persons}名参保人的凭证在{days}天里前后{limits.span_minutes}分钟内相伴结算，"
            f"共{bills}笔，均未识别到本人到场；其中{telling}笔的窗口画面可以判断，共见{faces}张人脸。"
            f"标准：3张及以上凭证在{limits.window_days}日内有{limits.least_days}天及以上相伴；可判断的画面过半且不超过1张人脸时为高。"
            f"已剔除：本人已识别、人工核验、已登记代办人、按次治疗（如透析）、不使用人脸、移动支付、退费，"
            f"以及{limits.span_minutes}分钟内超过{limits.crowd}张凭证的高峰。"
        ),
        en=(
            f"{span_en(hit)}, {hit.fixmedins_code}: the cards of {persons} insured persons settled together, within {limits.span_minutes} "
            f"minutes, on {days} days, {bills} settlements in all, and none of them was recognised there; {telling} have a picture that "
            f"tells, with {faces} different faces. Limits: three cards or more on {limits.least_days} days within {limits.window_days}; "
            f"high where most pictures tell and show at most one face. Left out: recognised persons, checks by hand, registered proxies, "
            f"treatments billed per session such as dialysis, persons who do not use the face, mobile payments, refunds, and peaks of more "
            f"than {limits.crowd} cards within {limits.span_minutes} minutes."
        ),
    )


RULE = Rule(
    id="CC-04",
    version=1,
    by="fixmedins_code",
    name_zh="伴随刷卡",
    name_en="companion cards",
    behaviour="多张凭证反复相伴结算",
    legal_basis=f"《医疗保障基金使用监督管理条例》第四十条；{IMPLEMENTING_RULES}",
    limits=CompanionLimits,
    find=find,
    explain=explain,
)
