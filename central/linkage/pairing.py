"""Pairs settlements with captures, relationally and without a clock: the same expressions run on any engine that Ibis speaks to.

Tables come in as `central.inputs` describes them.
"""

from dataclasses import dataclass
from functools import lru_cache

import ibis
import ibis.expr.types as ir

from central.engines.base import Planner, Step
from central.linkage import reach
from central.linkage.model import CaptureCode, LinkLimits, SettlementCode
from contract.events import Closing, Outcome

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_VERIFIED = [outcome.value for outcome in (Outcome.SAME, Outcome.MANUAL_VERIFIED, Outcome.PROXY)]
_BY_BINDING, _BY_MSGID = 0, 1
_MOST_SHARING = 10
_MOBILE = "3"
_LEFT = ("coded", "coded_captures", "visits")
_BILL = ("fixmedins_code", "setl_id")
_PAID = ("setl_id", "psn_no", "setl_time", "received_at", "refunded")
_PAIR = (
    *("capture_id", "fixmedins_code", "setl_id", "via", "given_up", "refunded", "psn_no", "seen_psn_no", "setl_time"),
    *("opened_at", "closed_at", "outcome", "distrusted", "clock_error_us", "apart_us"),
)
_BILLED = (
    *("fixmedins_code", "setl_id", "psn_no", "mdtrt_id", "med_type", "mdtrtarea_admvs", "insuplc_admdvs", "setl_time", "begndate"),
    *("enddate", "medfee_sumamt", "fund_pay_sumamt", "acct_pay", "init_setl_id", "dr_codg", "dscg_maindiag_code", "dscg_way"),
    *("days_rinp_flag_31", "opter", "opter_type", "dev_no"),
)
"""Columns of a settlement that rules and indicators may read. Copying one costs a large run more than pairing by it, so none is idle."""
_CODED = (*_BILLED, "is_refund", "refunded", "net_fund", "net_acct", "capture_id", "code", "stands", "inpatient")
_VISITED = (
    *("fixmedins_code", "setl_id", "psn_no", "med_type", "setl_time", "medfee_sumamt", "dr_codg", "opter", "opter_type"),
    *("capture_id", "code", "stands", "inpatient", "net_fund", "net_acct"),
)
_SEEN = (
    *("capture_id", "device_id", "fixmedins_code", "window", "psn_no", "opened_at", "closed_at", "outcome", "liveness", "persons"),
    *("frames_used", "watched_face", "camera_fault", "manual_reason", "proxy_psn_no", "clock_error_ms", "distrusted"),
)
_FACES = (
    *("device_id", "window", "opened_at", "outcome", "similarity", "liveness", "persons", "frames_seen", "frames_used"),
    *("face_group", "face_band", "staff_face", "camera_fault", "proxy_psn_no"),
)
"""The same of a capture, alone and beside its settlement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """What pairing gives, each a table of its own, with the columns that rules and indicators read.

    settlements: every settlement with code, capture_id, what was netted, whether it `stands`: it is neither a refund, nor refunded in full,
      nor reversed at the till; and whether it is the bill of a stay (`inpatient`), settled when the patient leaves.
    captures: every capture with code and linked_setl_id.
    visits: the matched and the late pairs with columns of both sides.
    """

    settlements: ir.Table
    captures: ir.Table
    visits: ir.Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The steps of pairing, in their order, the tables that they leave, and those on the way that nobody needs then."""

    steps: tuple[Step, ...]
    links: Links
    passing: tuple[str, ...]


@lru_cache(maxsize=16)
def plan(limits: LinkLimits, dialect: str, *, numbered: bool = False) -> Plan:
    """How an engine that speaks this dialect pairs the tables `settlements` and `captures`, with what `sites`, `reports`, `coverage` and
    `places` say of those that have no other side."""
    planner = Planner(dialect, numbered)
    links = link(planner.named("settlements"), planner.named("captures"), limits, planner)
    passing = tuple(step.name for step in planner.steps if step.name not in _LEFT)
    return Plan(steps=tuple(planner.steps), links=links, passing=passing)


def link(settlements: ir.Table, captures: ir.Table, limits: LinkLimits, planner: Planner) -> Links:
    """Give every settlement and every capture its code.

    A capture belongs to the settlement that its binding names; if the claims have none such, to the one whose medins_setl_id is its
    msgid. Of several captures of one settlement the one most in favour of the person stands for it.
    """
    paid = planner.keep("paid", _paid(settlements))
    seen = planner.keep("seen", _named(paid, _seen(captures)))
    unbound = planner.keep("unbound", _unbound(seen, captures))
    by_msgid = planner.keep("by_msgid", _by_msgid(paid, unbound, settlements))
    paired = _by_binding(seen).union(by_msgid)
    shared = planner.keep("shared", _shared(seen, by_msgid))
    rivals = planner.keep("rivals", _placed(_judged(paired.semi_join(shared, "setl_id"), limits)))
    pairs = planner.keep("pairs", _with_places(_judged(paired, limits), rivals))
    astray = planner.keep("astray", _astray(unbound.anti_join(by_msgid, "capture_id"), pairs, settlements))
    told = planner.keep("told", reach.told(settlements, captures, planner))
    coded = _settlement_codes(settlements, paid, pairs, astray, told, planner.named("places"), limits)
    coded = planner.keep("coded", _with_faces(coded, captures))
    return Links(
        settlements=coded.select(*_CODED),
        captures=planner.keep("coded_captures", _capture_codes(captures, pairs, astray, told, limits)),
        visits=planner.show("visits", _visits(coded)),
    )


def _paid(settlements: ir.Table) -> ir.Table:
    """What pairing needs of settlements that are no refunds."""
    netted = net(settlements)
    return netted.filter(~netted.is_refund).select("fixmedins_code", *_PAID)


def net(settlements: ir.Table) -> ir.Table:
    """Settlements with what is left after refunds (`net_fund`, `net_acct`, fen) and whether they were taken back in full (`refunded`).

    A refund names its settlement by init_setl_id at the same institution; refund amounts are negative.
    """
    refunds = (
        settlements.filter(settlements.refd_setl_flag == 1, settlements.init_setl_id.notnull())
        .group_by("fixmedins_code", setl_id="init_setl_id")
        .agg(
            back_medfee=lambda t: t.medfee_sumamt.sum().cast("int64"),
            back_fund=lambda t: t.fund_pay_sumamt.sum().cast("int64"),
            back_acct=lambda t: t.acct_pay.sum().cast("int64"),
        )
    )
    both = settlements.left_join(refunds, _BILL)
    return both.select(
        *[both[name] for name in settlements.columns],
        is_refund=both.refd_setl_flag == 1,
        refunded=(both.refd_setl_flag == 0) & (both.medfee_sumamt + both.back_medfee <= 0).fill_null(False),
        net_fund=both.fund_pay_sumamt + both.back_fund.fill_null(0),
        net_acct=both.acct_pay + both.back_acct.fill_null(0),
    )


def _seen(captures: ir.Table) -> ir.Table:
    """What pairing needs of captures, under names of its own."""
    return captures.select(
        "capture_id",
        "fixmedins_code",
        "opened_at",
        "closed_at",
        "outcome",
        bound_setl_id=captures.setl_id,
        seen_psn_no=captures.psn_no,
        given_up=_given_up(captures),
        distrusted=captures.distrusted.fill_null(False),
        clock_error_us=(captures.clock_error_ms.abs().fill_null(0.0) * 1000).cast("int64"),
        seen_received_at=captures.received_at,
    )


def _given_up(captures: ir.Table) -> ir.BooleanValue:
    return captures.voided.fill_null(False) | (captures.closing == Closing.VOIDED.value)


def _named(paid: ir.Table, seen: ir.Table) -> ir.Table:
    """Every capture with the settlement that its binding names (null: none such); refunds belong to nobody."""
    both = seen.left_join(paid, [seen.fixmedins_code == paid.fixmedins_code, seen.bound_setl_id == paid.setl_id])
    return both.select(*[seen[name] for name in seen.columns], *[paid[name] for name in _PAID])


def _unbound(seen: ir.Table, captures: ir.Table) -> ir.Table:
    """Captures whose binding names no settlement of the claims, with their msgid."""
    rest = seen.filter(seen.setl_id.isnull()).drop(*_PAID)
    return rest.join(captures.select("capture_id", "msgid").semi_join(rest, "capture_id"), "capture_id")


def _by_binding(seen: ir.Table) -> ir.Table:
    """Captures with the settlement that their binding names. `via` tells by what captures were paired."""
    return _pairs(seen.filter(seen.setl_id.notnull()).mutate(via=_BY_BINDING))


def _by_msgid(paid: ir.Table, unbound: ir.Table, settlements: ir.Table) -> ir.Table:
    """The others with the settlement that has their msgid, at most one."""
    pairs = unbound.join(_telling(paid, unbound, settlements), ["fixmedins_code", "msgid"]).mutate(via=_BY_MSGID)
    order = [pairs.psn_no != pairs.seen_psn_no, pairs.setl_time, pairs.setl_id]
    choice = ibis.row_number().over(group_by=pairs.capture_id, order_by=order)
    return _pairs(pairs.mutate(choice=choice).filter(lambda t: t.choice == 0))


def _pairs(rows: ir.Table) -> ir.Table:
    return rows.mutate(apart_us=(rows.received_at - rows.seen_received_at).abs()).select(*_PAIR)


def _shared(seen: ir.Table, by_msgid: ir.Table) -> ir.Table:
    """setl_id with several captures at one institution, and some more: nearly all have one, and a single column is soonest counted."""
    pairs = seen.filter(seen.setl_id.notnull()).select("setl_id").union(by_msgid.select("setl_id"))
    return pairs.group_by("setl_id").agg(captures=pairs.count()).filter(lambda t: t.captures > 1)


def _telling(paid: ir.Table, unbound: ir.Table, settlements: ir.Table) -> ir.Table:
    """Settlements with a msgid of these captures that tells them from others: one that many share is a placeholder of some export."""
    asked = settlements.select(*_BILL, msgid="medins_setl_id").semi_join(unbound, ["fixmedins_code", "msgid"])
    asked = paid.join(asked, _BILL)
    shared = asked.setl_id.count().over(ibis.window(group_by=[asked.fixmedins_code, asked.msgid]))
    return asked.mutate(sharing=shared).filter(lambda t: t.sharing <= _MOST_SHARING)


def _astray(unpaired: ir.Table, pairs: ir.Table, settlements: ir.Table) -> ir.Table:
    """Captures and settlements of one person that name each other but not the same institution: each side has one such, and no pair.

    A number may stand for different settlements at different institutions, so the person must be the same too.
    """
    lone = unpaired.filter(~unpaired.given_up)
    seen_by = lone.select("capture_id", "msgid", "bound_setl_id", psn_no=lone.seen_psn_no, seen_at=lone.fixmedins_code)
    bills = settlements.filter(settlements.refd_setl_flag != 1)
    bills = bills.select("setl_id", "psn_no", bound_setl_id="setl_id", msgid="medins_setl_id", billed_by="fixmedins_code")
    named = [
        seen_by.join(bills.semi_join(seen_by, ["psn_no", name]).select("setl_id", "psn_no", name, "billed_by"), ["psn_no", name])
        for name in ("bound_setl_id", "msgid")
    ]
    found = ibis.union(*(each.select("capture_id", "billed_by", "setl_id", "seen_at") for each in named), distinct=True)
    found = found.filter(found.billed_by != found.seen_at)
    seen = pairs.semi_join(found.select("setl_id", fixmedins_code="billed_by"), _BILL)
    found = found.anti_join(seen, [found.billed_by == seen.fixmedins_code, found.setl_id == seen.setl_id])
    rivals = {
        "claims": found.setl_id.count().over(ibis.window(group_by=found.capture_id)),
        "captures": found.capture_id.count().over(ibis.window(group_by=[found.billed_by, found.setl_id])),
    }
    alone = found.mutate(**rivals).filter(lambda t: (t.claims == 1) & (t.captures == 1))
    return alone.select("setl_id", fixmedins_code=alone.billed_by, astray=alone.capture_id)


def _judged(pairs: ir.Table, limits: LinkLimits) -> ir.Table:
    """Pairs with `state`, the code of the settlement if this capture stands for it, and what else puts captures of one in order."""
    slack = limits.off_time_s * _SECOND + pairs.clock_error_us
    pairs = pairs.mutate(
        wrong_person=pairs.psn_no != pairs.seen_psn_no,
        off_time=(pairs.setl_time < pairs.opened_at - slack) | (pairs.setl_time > pairs.closed_at + slack),
        unverified=pairs.outcome.notin(_VERIFIED),
        late=(pairs.apart_us > limits.late_days * _DAY).fill_null(False),
    )
    return pairs.mutate(
        state=ibis.cases(
            (pairs.distrusted, SettlementCode.DISTRUSTED.value),
            (pairs.wrong_person, SettlementCode.WRONG_PERSON.value),
            (pairs.off_time, SettlementCode.OFF_TIME.value),
            (pairs.outcome == Outcome.BLIND.value, SettlementCode.BLIND.value),
            (pairs.outcome == Outcome.MANUAL_VERIFIED.value, SettlementCode.MANUAL.value),
            (pairs.outcome == Outcome.PROXY.value, SettlementCode.PROXY.value),
            (pairs.late, SettlementCode.LATE.value),
            else_=SettlementCode.MATCHED.value,
        )
    )


def _placed(rivals: ir.Table) -> ir.Table:
    """The place of each of these captures among those of its settlement."""
    order = [rivals.distrusted, rivals.given_up, rivals.wrong_person, rivals.off_time, rivals.unverified, rivals.via]
    order = [*order, rivals.opened_at.desc(), rivals.capture_id]
    place = ibis.row_number().over(group_by=[rivals.fixmedins_code, rivals.setl_id], order_by=order)
    return rivals.select("capture_id", place=place)


def _with_places(pairs: ir.Table, rivals: ir.Table) -> ir.Table:
    """Pairs with `place` (0: this capture stands for the settlement): those that share none are the first."""
    both = pairs.left_join(rivals, "capture_id").drop("capture_id_right")
    return both.select(*_BILL, "capture_id", "given_up", "refunded", "state", place=both.place.fill_null(0))


def _settlement_codes(
    settlements: ir.Table, paid: ir.Table, pairs: ir.Table, astray: ir.Table, told: ir.Table, places: ir.Table, limits: LinkLimits
) -> ir.Table:
    """Every settlement with `code` and `capture_id`: the capture that stands for it, or the one that went astray (null: neither)."""
    netted = net(settlements).select(*_BILLED, "is_refund", "refunded", "net_fund", "net_acct")
    standing = pairs.filter(pairs.place == 0).select(*_BILL, "capture_id", "given_up", "state")
    refunds = settlements.filter(settlements.refd_setl_flag == 1)
    lone = refunds.anti_join(paid, [refunds.fixmedins_code == paid.fixmedins_code, refunds.init_setl_id == paid.setl_id])
    lone = lone.select(*_BILL, lone="setl_id")
    remote = places.select(*_BILL).distinct().mutate(mobile="setl_id")
    both = netted
    for side in (standing, lone, astray, remote):
        both = both.left_join(side, _BILL).drop("fixmedins_code_right", "setl_id_right")
    both = both.left_join(told, "fixmedins_code").drop("fixmedins_code_right")
    alone = both.capture_id.isnull()
    code = ibis.cases(
        (both.lone.notnull(), SettlementCode.REFUND_ALONE.value),
        (both.is_refund, SettlementCode.REFUND.value),
        (both.refunded, SettlementCode.REFUNDED.value),
        (alone & (both.mobile.notnull() | (both.opter_type == _MOBILE).fill_null(False)), SettlementCode.REMOTE.value),
        (alone & both.astray.notnull(), SettlementCode.WRONG_SITE.value),
        (alone & (both.watched_from.isnull() | (both.setl_time < both.watched_from)), SettlementCode.UNWATCHED.value),
        (alone & reach.not_told(both.setl_time, both.seen_until, limits.awaited_days * _DAY), SettlementCode.AWAITED.value),
        (alone, SettlementCode.CLAIM_WITHOUT_CAPTURE.value),
        (both.given_up, SettlementCode.VOIDED.value),
        else_=both.state,
    )
    back = both.is_refund | both.refunded
    capture_id = both.capture_id.coalesce((~back).ifelse(both.astray, ibis.null(both.capture_id.type())))
    told_of = both.select(*netted.columns, capture_id=capture_id, code=code)
    stands = ~(told_of.is_refund | told_of.refunded | (told_of.code == SettlementCode.VOIDED.value))
    stay = (told_of.med_type.startswith("2") | told_of.med_type.startswith("52")).fill_null(False)
    return told_of.mutate(stands=stands, inpatient=stay)


def _capture_codes(captures: ir.Table, pairs: ir.Table, astray: ir.Table, told: ir.Table, limits: LinkLimits) -> ir.Table:
    """Every capture with `code` and `linked_setl_id`, the settlement of the same institution that it belongs to (null: none)."""
    paired = pairs.select("capture_id", "setl_id", "refunded", "place", "state")
    seen = captures.select(*_SEEN, given_up=_given_up(captures))
    both = seen.left_join(paired.rename(linked_setl_id="setl_id"), "capture_id").drop("capture_id_right")
    both = both.left_join(astray.select("astray"), both.capture_id == astray.astray)
    both = both.left_join(told, "fixmedins_code").drop("fixmedins_code_right")
    alone = both.linked_setl_id.isnull()
    code = ibis.cases(
        (both.given_up, CaptureCode.VOIDED.value),
        (both.astray.notnull(), CaptureCode.WRONG_SITE.value),
        (alone & reach.not_told(both.opened_at, both.billed_until, limits.awaited_days * _DAY), CaptureCode.AWAITED.value),
        (alone, CaptureCode.CAPTURE_WITHOUT_CLAIM.value),
        (both.refunded, CaptureCode.REFUNDED.value),
        (both.place > 0, CaptureCode.SUPERSEDED.value),
        else_=both.state,
    )
    return both.select(*_SEEN, both.linked_setl_id, code=code)


def _with_faces(coded: ir.Table, captures: ir.Table) -> ir.Table:
    """Settlements with what their capture shows, beside them once and for all: to copy both sides of nearly all of them costs as much."""
    return coded.left_join(captures.select("capture_id", *_FACES), "capture_id").drop("capture_id_right")


def _visits(coded: ir.Table) -> ir.Table:
    """Both sides of what matched, in time or late."""
    return coded.filter(coded.code.isin([SettlementCode.MATCHED.value, SettlementCode.LATE.value])).select(*_VISITED, *_FACES)
