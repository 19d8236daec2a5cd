"""AMT-01 虚假小额结算: many small bills of different persons in a row, and hardly a face or none behind them."""

import ibis
import ibis.expr.types as ir
from pydantic import Field

from central.engines.identifiers import word
from central.linkage.model import SettlementCode
from central.rules.base import HOUR, IMPLEMENTING_RULES, MINUTE, Explanation, Hit, Limits, Rule, Severity, Tables, china_day
from central.rules.bills import at_counter, gathered, span_en, span_zh, standing, yuan
from central.rules.excuses import looked_at, without_exempt, without_proxy
from contract.events import Outcome

_DOUBTFUL = "doubtful"
_ROW = ("fixmedins_code", "setl_id", "psn_no", "setl_time", "capture_id", "face_group", "fen")


class SmallBillsLimits(Limits):
    """How many bills of which size, how fast, with how few faces."""

    persons: int = Field(
        default=6,
        ge=3,
        le=100,
        description="Different persons in a row; a family at the counter is smaller. To be set from a site's own days.",
    )
    span_minutes: int = Field(default=15, ge=1, le=240, description="Minutes within which they settle: one sitting at the keyboard.")
    most_fen: int = Field(
        default=5000, ge=1, le=1_000_000, description="Fen of a small bill: known cases were 100 to 200; 5000 keeps common cold drugs in."
    )
    most_faces: int = Field(default=2, ge=0, le=10, description="Faces that were seen at all of them: two clerks can do it in turn.")
    seen_percent: int = Field(
        default=90, ge=1, le=100, description="Percent of the hour that every window camera must have seen before a missing capture counts."
    )


def find(tables: Tables, limits: SmallBillsLimits) -> ir.Table:
    """Institutions and days with such rows of bills.

    A bill whose insured person was recognised, or may have sent a proxy, is none of them; neither is one with an unknown face, one that no
    window could see, or one of a till that no window watches.
    """
    span = limits.span_minutes * MINUTE
    bills = without_proxy(_faces(tables, limits).union(_unseen(tables, limits)), tables.proxies, at="setl_time")
    before = bills.setl_time.lag().over(
        group_by=[bills.fixmedins_code, bills.psn_no], order_by=[bills.setl_time, bills.setl_id]
    )  # a person counts once in a span: rows of one person that are left lie further apart
    bills = bills.mutate(before=before).filter(lambda t: t.before.isnull() | (t.setl_time - t.before > span)).drop("before")
    order = ibis.row_number().over(group_by=bills.fixmedins_code, order_by=[bills.setl_time, bills.setl_id])
    bills = bills.mutate(place=order)
    steps = ibis.array(list(range(limits.persons))).unnest().name("step").as_table()
    runs = bills.cross_join(steps).mutate(last=lambda t: t.place + t.step)
    full = runs.group_by("fixmedins_code", "last").agg(
        members=runs.count(), lasted=runs.setl_time.max() - runs.setl_time.min(), faces=runs.face_group.nunique()
    )
    full = full.filter(full.members == limits.persons, full.lasted <= span, full.faces <= limits.most_faces)
    counted = runs.semi_join(full, ["fixmedins_code", "last"]).select(*_ROW).distinct().mutate(day=lambda t: china_day(t.setl_time))
    days = gathered(counted, "fixmedins_code", "day", faces=lambda t: t.face_group.nunique(), unseen=lambda t: t.capture_id.isnull().sum())
    return days.mutate(
        subject_key=word(days.fixmedins_code) + "/" + days.day.cast("string"),
        psn_no=ibis.null("string"),
        sev_deg=ibis.literal(Severity.HIGH.value),
    )


def _small(bills: ir.Table, limits: SmallBillsLimits) -> ir.Table:
    return bills.filter(bills.medfee_sumamt > 0, bills.medfee_sumamt <= limits.most_fen).mutate(fen=bills.net_fund + bills.net_acct)


def _faces(tables: Tables, limits: SmallBillsLimits) -> ir.Table:
    """Small bills at which a window saw a face that it knows again and did not recognise as the person's, or nobody."""
    seen = _small(looked_at(tables), limits).filter(lambda t: t.outcome != Outcome.SAME.value)
    known = seen.face_group.notnull() & (seen.face_band != _DOUBTFUL)
    return seen.filter(known | (seen.outcome == Outcome.NO_PERSON.value)).select(*_ROW)


def _unseen(tables: Tables, limits: SmallBillsLimits) -> ir.Table:
    """Small bills without capture, of tills whose other bills windows saw, in hours in which all window cameras saw."""
    bills = tables.settlements
    missing = _small(at_counter(standing(bills), tables.places), limits).filter(
        lambda t: t.code == SettlementCode.CLAIM_WITHOUT_CAPTURE.value
    )
    missing = missing.mutate(till=missing.dev_no.fill_null(""), hour=missing.setl_time // HOUR)
    watched = bills.filter(bills.capture_id.notnull()).select("fixmedins_code", till=bills.dev_no.fill_null("")).distinct()
    cameras = tables.coverage.filter(tables.coverage.role == "window")
    enough = cameras.seen_us * 100 >= (cameras.until - cameras.since) * limits.seen_percent
    hours = cameras.group_by("fixmedins_code", hour=cameras.since // HOUR).agg(clear=enough.fill_null(False).all())
    missing = missing.semi_join(watched, ["fixmedins_code", "till"]).semi_join(hours.filter(hours.clear), ["fixmedins_code", "hour"])
    missing = without_exempt(missing, tables.exemptions, at="setl_time")
    return missing.mutate(face_group=ibis.null("int64")).select(*_ROW)


def explain(hit: Hit, limits: SmallBillsLimits) -> Explanation:
    """Names how many persons and faces, and what was left out."""
    persons, faces, unseen, small = hit.seen["persons"], hit.seen["faces"], hit.seen["unseen"], yuan(limits.most_fen)
    return Explanation(
        zh=(
            f"{span_zh(hit)}，机构{hit.fixmedins_code}连续为{persons}名参保人结算{hit.seen['bills']}笔，每笔总额不超过{small}元；窗口画面中仅见{faces}张"
            f"人脸，其中{unseen}笔没有任何窗口画面。标准：{limits.span_minutes}分钟内连续{limits.persons}人及以上，且人脸不超过{limits.most_faces}张。"
            f"已剔除退费、本人已识别、已登记代办人、免用人脸、画面不清及无窗口监看的结算。"
        ),
        en=(
            f"{span_en(hit)}, {hit.fixmedins_code}: {hit.seen['bills']} bills of {persons} insured persons in a row, each of at most "
            f"{small} yuan; the windows saw {faces} different faces at them, and {unseen} have no capture at all. Limits: {limits.persons} "
            f"persons in a row within {limits.span_minutes} minutes, at most {limits.most_faces} faces. Left out: refunds, persons who "
            f"were recognised, who have a registered proxy or do not use the face, unclear pictures, and tills that no window watches."
        ),
    )


RULE = Rule(
    id="AMT-01",
    version=1,
    by="fixmedins_code",
    name_zh="虚假小额结算",
    name_en="small fake bills",
    behaviour="虚假小额结算",
    legal_basis=f"《医疗保障基金使用监督管理条例》第四十条第（三）项；{IMPLEMENTING_RULES}",
    limits=SmallBillsLimits,
    find=find,
    explain=explain,
)
