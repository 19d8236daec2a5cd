"""ID-02 代购不符: a proxy was stated, but the face is not his; or one proxy serves more people than a family has."""

import ibis
import ibis.expr.types as ir
from pydantic import Field

from central.engines.identifiers import plain, word
from central.linkage.model import CaptureCode
from central.rules.base import DAY, HOUR, IMPLEMENTING_RULES, Explanation, Hit, Limits, Rule, Severity, Tables
from central.rules.bills import gathered, span_en, span_zh
from central.rules.excuses import looked_at, without_exempt
from central.rules.spans import crowded
from contract.events import Outcome

_SETTLED = [code.value for code in (CaptureCode.PROXY, CaptureCode.MANUAL, CaptureCode.MATCHED, CaptureCode.LATE)]
_MANY, _UNREGISTERED, _ANOTHER = "many", "unregistered", "another_face"
_COLUMNS = ("kind", "proxy_psn_no", "persons", "bills", "first_at")
_FINDING = ("subject_key", "fixmedins_code", "psn_no", "occurred_at", "sev_deg", "amount_fen", "capture_ids", "setl_ids", "psn_nos")


class ProxyLimits(Limits):
    """How well the face must have been seen, and how many people one proxy may serve."""

    min_frames_used: int = Field(default=3, ge=1, le=1000, description="Frames good enough to compare; a glimpse accuses nobody.")
    window_days: int = Field(default=30, ge=1, le=180, description="Days within which the people that a proxy serves are counted.")
    most_persons: int = Field(
        default=5,
        ge=1,
        le=1000,
        description="People one proxy may serve within window_days: a family and a carer's charges; proxies are legal.",
    )
    newest_settlements: int = Field(
        default=1000, ge=10, le=10_000, description="Settlements of one proxy that are looked at, newest first."
    )
    gallery_hours: int = Field(
        default=24, ge=0, le=720, description="Hours until every window has a face that was registered; a line may be down for a day."
    )


def find(tables: Tables, limits: ProxyLimits) -> ir.Table:
    """One row per settlement with a stated proxy and another face, and one per proxy who serves too many.

    Where windows do not know the face of every proxy registered for the person, or the proxy does not use the face, nobody can say that it
    was not he. The second part looks at settlements by proxy besides visits, for proxies are whom it counts; a proxy whom
    only the face told is not counted, since it does not say which one it was.
    """
    return _another_face(tables, limits).union(_serves_many(tables, limits))


def _another_face(tables: Tables, limits: ProxyLimits) -> ir.Table:
    seen = looked_at(tables)
    other = seen.filter(seen.proxy_psn_no.notnull(), seen.outcome == Outcome.DIFFERENT.value, seen.frames_used >= limits.min_frames_used)
    other = without_exempt(other, tables.exemptions, at="setl_time", psn_no="proxy_psn_no")
    entries = tables.proxies.rename(of="psn_no", registered="proxy_psn_no")
    stated = other.select("capture_id", "psn_no", "proxy_psn_no", "setl_time", "opened_at")
    entries = stated.join(
        entries, [stated.psn_no == entries.of, stated.setl_time >= entries.valid_from, stated.setl_time < entries.valid_to]
    )
    valid = entries.group_by("capture_id").agg(
        unknown=(entries.known_since.isnull() | (entries.known_since + limits.gallery_hours * HOUR > entries.opened_at)).any(),
        named=(entries.registered == entries.proxy_psn_no).any(),
    )
    other = other.left_join(valid, "capture_id").filter(lambda t: ~t.unknown.fill_null(False))
    return other.select(
        subject_key=plain(other.proxy_psn_no) + "/" + word(other.fixmedins_code) + ":" + word(other.setl_id),
        fixmedins_code=other.fixmedins_code,
        psn_no=other.psn_no,
        occurred_at=other.setl_time,
        sev_deg=ibis.literal(Severity.MED.value),
        amount_fen=other.net_fund + other.net_acct,
        capture_ids=ibis.array([other.capture_id]),
        setl_ids=ibis.array([other.setl_id]),
        psn_nos=ibis.array([other.psn_no]),
        kind=other.named.fill_null(False).ifelse(_ANOTHER, _UNREGISTERED),
        proxy_psn_no=other.proxy_psn_no,
        persons=ibis.literal(1, "int64"),
        bills=ibis.literal(1, "int64"),
        first_at=other.setl_time,
    )


def _serves_many(tables: Tables, limits: ProxyLimits) -> ir.Table:
    captures = tables.captures
    stated = captures.filter(
        captures.proxy_psn_no.notnull(), captures.proxy_psn_no != captures.psn_no, captures.code.isin(_SETTLED)
    ).select("proxy_psn_no", "capture_id", "fixmedins_code", setl_id=captures.linked_setl_id)
    bills = tables.settlements.select("fixmedins_code", "setl_id", "psn_no", "setl_time", "net_fund", "net_acct")
    served = stated.join(bills, ["fixmedins_code", "setl_id"])
    served = served.mutate(
        row_id=served.capture_id, fen=served.net_fund + served.net_acct, needed=ibis.literal(limits.most_persons + 1, "int64")
    )
    many = crowded(served, "proxy_psn_no", thing="psn_no", us=limits.window_days * DAY, newest=limits.newest_settlements)
    newest = ibis.row_number().over(group_by=many.proxy_psn_no, order_by=[many.setl_time.desc(), many.capture_id])
    last = many.mutate(newest=newest).filter(lambda t: t.newest == 0).select("proxy_psn_no", "fixmedins_code")
    found = gathered(many, "proxy_psn_no").join(last, "proxy_psn_no")
    return found.mutate(
        subject_key=plain(found.proxy_psn_no) + "/people",
        psn_no=found.proxy_psn_no,
        sev_deg=ibis.literal(Severity.MED.value),
        kind=ibis.literal(_MANY),
    ).select(*_FINDING, *_COLUMNS)


def explain(hit: Hit, limits: ProxyLimits) -> Explanation:
    """Says which of the three it is, and that proxies are legal."""
    proxy, kind = hit.seen["proxy_psn_no"], hit.seen["kind"]
    if kind == _MANY:
        return Explanation(
            zh=(
                f"{span_zh(hit)}，代办人{proxy}为{hit.seen['persons']}名参保人代办结算{hit.seen['bills']}笔，"
                f"最近一笔在机构{hit.fixmedins_code}。标准：{limits.window_days}日内超过{limits.most_persons}人。代办本身合法；养老、"
                f"护理机构的工作人员可能为多人代办，请先核实。"
            ),
            en=(
                f"{span_en(hit)}: proxy {proxy} settled {hit.seen['bills']} times for {hit.seen['persons']} insured persons, last at "
                f"{hit.fixmedins_code}. Limit: more than {limits.most_persons} persons within {limits.window_days} days. Being a proxy is "
                f"legal; staff of a nursing home may serve many, so verify that first."
            ),
        )
    known_zh = "有登记，且窗口存有其人脸" if kind == _ANOTHER else "没有有效的代办登记"
    known_en = "is registered, and the window knows the face" if kind == _ANOTHER else "is not registered for that time"
    return Explanation(
        zh=(
            f"{hit.local_time}，机构{hit.fixmedins_code}结算{hit.setl_ids[0]}（参保人{hit.psn_no}）"
            f"：经办人登记由代办人{proxy}代办（该代办人{known_zh}），但窗口实拍人脸既不是参保人，"
            f"也不是其任何已登记代办人（可用画面不少于{limits.min_frames_used}帧）。代办本身合法，请核对代办人证件。"
        ),
        en=(
            f"{hit.local_time} (China), {hit.fixmedins_code}, settlement {hit.setl_ids[0]} for insured person {hit.psn_no}: the clerk "
            f"stated proxy {proxy} (who {known_en}), but the face at the window is neither the insured person's nor that of any "
            f"registered proxy (at least {limits.min_frames_used} usable frames). Being a proxy is legal: check the proxy's papers."
        ),
    )


RULE = Rule(
    id="ID-02",
    version=1,
    by="proxy_psn_no",
    name_zh="代购不符",
    name_en="proxy mismatch",
    behaviour="代办人不符",
    legal_basis=f"《医疗保障基金使用监督管理条例》第十七条；{IMPLEMENTING_RULES}",
    limits=ProxyLimits,
    find=find,
    explain=explain,
)
