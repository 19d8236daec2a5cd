"""DOC-01 医师/药师不在岗: billed by somebody who had not signed in at the institution in that half-day."""

import ibis
import ibis.expr.types as ir
from pydantic import Field

from central.china import local_text
from central.db import from_micros
from central.engines.identifiers import plain, word
from central.rules.base import IMPLEMENTING_RULES, MINUTE, Explanation, Hit, Limits, Rule, Severity, Tables, china_day
from central.rules.beds import HALF, half_day
from central.rules.bills import fen, gathered, span_en, span_zh, standing

_BILL = ("fixmedins_code", "setl_id")
_WHO = ("fixmedins_code", "code")
_LONGEST = 2  # half-days after the first that one sign-in can last: a night's duty


class AbsentDoctorLimits(Limits):
    """How long a sign-in lasts."""

    sign_in_halves: int = Field(
        default=1, ge=1, le=3, description="Half-days that a sign-in lasts where no sign-out is known; 2 where doctors sign once a day."
    )
    slack_minutes: int = Field(
        default=60,
        ge=0,
        le=360,
        description="Minutes beside noon and midnight that belong to both half-days: a consultation that ran over.",
    )


def find(tables: Tables, limits: AbsentDoctorLimits) -> ir.Table:
    """Codes and days of an institution with bills of outpatients and no sign-in, neither when it was prescribed nor when it was paid.

    Nothing is said of an institution without sign-ins of that kind (doctors, pharmacists), outside the time of its first to its last one,
    nor of a day on which none of several people signed in: the device was down.
    """
    covered = _covered(tables.sign_ins, limits)
    claims = _claims(tables, covered)
    told = _told(tables)
    claims = claims.join(told, ["fixmedins_code", "kind"])
    claims = claims.filter(claims.moment >= claims.first_at, claims.moment < claims.last_at + HALF).drop("first_at", "last_at")
    slack = limits.slack_minutes * MINUTE
    for moment, beside in (("moment", -slack), ("moment", slack)):
        claims = _without(claims, covered, half_day(claims[moment] + beside))
    bills = standing(tables.settlements)
    bills = bills.filter(~bills.inpatient).select(*_BILL, "psn_no", "setl_time", "begndate", "capture_id")
    claims = claims.join(bills, _BILL)
    for moment, beside in ((claims.setl_time, -slack), (claims.setl_time, slack)):
        claims = _without(claims, covered, half_day(moment + beside))
    claims = _without(claims, covered, half_day(claims.early.ifelse(claims.begndate.fill_null(claims.setl_time - HALF), claims.setl_time)))
    return _found(_on_told_days(claims, tables.sign_ins))


def _claims(tables: Tables, covered: ir.Table) -> ir.Table:
    """(bill, code, kind, moment, fen, early) of institutions with sign-ins, but for lines of half-days for which the code had signed in.

    `early`: a bill without lines, prescribed some time before.
    """
    sites = tables.sign_ins.select("fixmedins_code").distinct()
    lines = tables.details.semi_join(sites, "fixmedins_code").filter(tables.details.fee_ocur_time.notnull())
    doctors = _lines(lines, covered, "bilg_dr_codg", "doctor").union(_lines(lines, covered, "phar_code", "pharmacist"))
    bills = standing(tables.settlements).semi_join(sites, "fixmedins_code")
    bills = _without(bills.filter(bills.dr_codg.notnull()).mutate(code=bills.dr_codg), covered, half_day(bills.setl_time)).drop("code")
    bills = bills.anti_join(lines.filter(lines.bilg_dr_codg.notnull()), _BILL)
    alone = bills.select(
        *_BILL,
        code=bills.dr_codg,
        kind=ibis.literal("doctor"),
        moment=bills.setl_time,
        fen=bills.net_fund + bills.net_acct,
        early=ibis.literal(True),
    )
    return doctors.union(alone)


def _lines(lines: ir.Table, covered: ir.Table, column: str, kind: str) -> ir.Table:
    coded = lines.filter(lines[column].notnull()).mutate(code=lines[column], half=half_day(lines.fee_ocur_time), fen=fen(lines))
    coded = coded.anti_join(covered, [*_WHO, "half"])  # hardly a line is left, so this goes before all that is exact
    summed = coded.group_by(*_BILL, "code", "half").agg(moment=coded.fee_ocur_time.min(), fen=coded.fen.sum().cast("int64"))
    return summed.select(*_BILL, "code", kind=ibis.literal(kind), moment="moment", fen="fen", early=ibis.literal(False))


def _told(tables: Tables) -> ir.Table:
    """Of each institution and kind the first and the last sign-in of somebody who bills there."""
    kinds = [
        table.select("fixmedins_code", code=table[column], kind=ibis.literal(kind))
        for table, column, kind in (
            (tables.details, "bilg_dr_codg", "doctor"),
            (tables.settlements, "dr_codg", "doctor"),
            (tables.details, "phar_code", "pharmacist"),
        )
    ]
    billing = ibis.union(*[rows.filter(rows.code.notnull()).distinct() for rows in kinds], distinct=True)
    signed = tables.sign_ins.select(*_WHO, "signed_at").join(billing, _WHO)
    return signed.group_by("fixmedins_code", "kind").agg(first_at=signed.signed_at.min(), last_at=signed.signed_at.max())


def _covered(sign_ins: ir.Table, limits: AbsentDoctorLimits) -> ir.Table:
    """(fixmedins_code, code, half) in which somebody was signed in; a sign-in just before noon is for the afternoon as well."""
    first = half_day(sign_ins.signed_at)
    soon = half_day(sign_ins.signed_at + limits.slack_minutes * MINUTE)
    stayed = half_day(ibis.coalesce(sign_ins.left_at - limits.slack_minutes * MINUTE, sign_ins.signed_at))
    least = ibis.literal(limits.sign_in_halves - 1, "int64")
    last = ibis.greatest(first + sign_ins.left_at.isnull().ifelse(least, 0), soon, stayed)
    spans = sign_ins.filter(sign_ins.signed_at.notnull()).select(*_WHO, first=first, last=last)
    steps = ibis.array(list(range(_LONGEST + 1))).unnest().name("step").as_table()
    halves = spans.cross_join(steps).mutate(half=lambda t: t["first"] + t.step)
    return halves.filter(halves.half <= halves["last"]).select(*_WHO, "half").distinct()


def _without(claims: ir.Table, covered: ir.Table, half: ir.IntegerValue) -> ir.Table:
    """The claims whose code had not signed in in that half-day."""
    return claims.mutate(half=half).anti_join(covered, [*_WHO, "half"]).drop("half")


def _on_told_days(claims: ir.Table, sign_ins: ir.Table) -> ir.Table:
    """Claims with `day`, of days on which somebody signed in, or of institutions where only one ever does."""
    people = sign_ins.group_by("fixmedins_code").agg(people=sign_ins.code.nunique())
    days = sign_ins.select("fixmedins_code", day=china_day(sign_ins.signed_at)).distinct().mutate(told=True)
    claims = claims.mutate(day=china_day(claims.moment)).join(people, "fixmedins_code")
    both = claims.left_join(days, ["fixmedins_code", "day"])
    both = both.select(*[both[name] for name in claims.columns], told=both.told.fill_null(False))
    return both.filter(both.told | (both.people == 1)).drop("told", "people")


def _found(claims: ir.Table) -> ir.Table:
    bills = claims.group_by(*_BILL, "psn_no", "setl_time", "capture_id", "code", "kind", "day").agg(
        fen=claims.fen.sum().cast("int64"), moment=claims.moment.min()
    )
    days = gathered(bills, "fixmedins_code", "code", "kind", "day", since=lambda t: t.moment.min(), until=lambda t: t.moment.max()).drop(
        "psn_nos", "capture_ids"
    )
    return days.mutate(
        subject_key=word(days.fixmedins_code) + "/" + plain(days.code) + "-" + days.day.cast("string") + "-" + days.kind,
        psn_no=ibis.null("string"),
        sev_deg=ibis.literal(Severity.MED.value),
        psn_nos=ibis.null("array<string>"),
        capture_ids=ibis.null("array<string>"),
    )


def explain(hit: Hit, limits: AbsentDoctorLimits) -> Explanation:
    """The patients are not suspected and not named; their settlements are."""
    code, bills = hit.seen["code"], hit.seen["bills"]
    doctor = hit.seen["kind"] == "doctor"
    since, until = local_text(from_micros(hit.seen["since"])), local_text(from_micros(hit.seen["until"]))
    return Explanation(
        zh=(
            f"机构{hit.fixmedins_code}以{'医师' if doctor else '药师'}{code}名义开具（调配）并结算{bills}笔（费用发生{since}至{until}，"
            f"结算{span_zh(hit)}），但该人员在开具及结算所在半日均未在本机构人脸签到。标准：以半日计，午间、午夜前后各放宽{limits.slack_minutes}分钟，未签退的签到有效"
            f"{limits.sign_in_halves}个半日。住院费用、未启用签到的机构和岗位，以及全机构无人签到的日期均已剔除。"
        ),
        en=(
            f"{hit.fixmedins_code} billed {bills} settlements under {'doctor' if doctor else 'pharmacist'} {code} (fees of {since} to "
            f"{until}, settled {span_en(hit)}), who had not signed in by face there in the half-day of the fee nor of the settlement. "
            f"Limits: half-days, with {limits.slack_minutes} minutes around noon and midnight; a sign-in without sign-out lasts "
            f"{limits.sign_in_halves} half-days. Left out: stays, institutions and kinds of staff without sign-ins, and days on which "
            f"nobody signed in at all."
        ),
    )


RULE = Rule(
    id="DOC-01",
    version=2,
    by="fixmedins_code",
    name_zh="医师/药师不在岗",
    name_en="doctor absent",
    behaviour="医师（药师）不在岗（疑似挂证）",
    legal_basis=f"《医疗保障基金使用监督管理条例》第四十条；《定点医药机构相关人员医保支付资格管理制度》；{IMPLEMENTING_RULES}",
    limits=AbsentDoctorLimits,
    find=find,
    explain=explain,
)
