"""Pairs settlements with captures, relationally and without a clock: the same expressions run on any engine that Ibis speaks to.

Tables come in as `central.inputs` describes them.
"""

from dataclasses import dataclass
from functools import lru_cache

import ibis
import ibis.expr.types as ir

from central.engines.base import Planner, Step, named
from central.linkage import reach
from central.linkage.model import CaptureCode, LinkLimits, SettlementCode
from contract.events import Closing, Outcome

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_VERIFIED = [outcome.value for outcome in (Outcome.SAME, Outcome.MANUAL_VERIFIED, Outcome.PROXY)]
_BY_BINDING, _BY_MSGID = 0, 1
_MOST_SHARING = 10
_MOBILE = "3"
_PAIR = (
    "capture_id",
    "fixmedins_code",
    "setl_id",
    "via",
    "given_up",
    "refunded",
    "psn_no",
    "seen_psn_no",
    "setl_time",
    "opened_at",
    "closed_at",
    "outcome",
    "distrusted",
    "clock_error_us",
    "apart_us",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """What pairing gives, each a table of its own.

    settlements: every settlement with code, capture_id, and what was netted.
    captures: every capture with code and linked_setl_id.
    visits: the matched and the late pairs with the columns of both sides.
    """

    settlements: ir.Table
    captures: ir.Table
    visits: ir.Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The steps of pairing, in their order, and the tables that they leave."""

    steps: tuple[Step, ...]
    links: Links


@lru_cache(maxsize=16)
def plan(limits: LinkLimits, dialect: str) -> Plan:
    """How an engine that speaks this dialect pairs the tables `settlements` and `captures`, with what `sites`, `reports`, `coverage` and
    `places` say of those that have no other side."""
    planner = Planner(dialect)
    links = link(named("settlements"), named("captures"), limits, planner)
    return Plan(steps=tuple(planner.steps), links=links)


def link(settlements: ir.Table, captures: ir.Table, limits: LinkLimits, planner: Planner) -> Links:
    """Give every settlement and every capture its code.

    A capture belongs to the settlement that its binding names; if the claims have none such, to the one whose medins_setl_id is its
    msgid. Of several captures of one settlement the one most in favour of the person stands for it.
    """
    netted = planner.keep("netted", net(settlements))
    seen = planner.keep("seen", _seen(captures))
    pairs = planner.keep("pairs", _judged(_pairs(netted, seen), limits))
    astray = planner.keep("astray", _astray(netted, seen, pairs))
    told = planner.keep("told", reach.told(settlements, captures))
    coded = planner.keep("coded", _settlement_codes(netted, pairs, astray, told, limits))
    return Links(
        settlements=coded,
        captures=planner.keep("coded_captures", _capture_codes(captures, pairs, astray, told, limits)),
        visits=planner.keep("visits", _visits(coded, captures)),
    )


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
    both = settlements.left_join(refunds, ["fixmedins_code", "setl_id"])
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
        "msgid",
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


def _pairs(netted: ir.Table, seen: ir.Table) -> ir.Table:
    """Captures with the settlement each belongs to, at most one; refunds belong to nobody. `via` tells by what they were paired."""
    paid = netted.filter(~netted.is_refund).select(
        "fixmedins_code", "setl_id", "medins_setl_id", "psn_no", "setl_time", "refunded", "received_at"
    )
    by_binding = seen.join(paid.mutate(bound_setl_id=paid.setl_id), ["fixmedins_code", "bound_setl_id"]).mutate(via=_BY_BINDING)
    rest = seen.anti_join(by_binding, "capture_id")
    by_msgid = rest.join(_telling(paid), ["fixmedins_code", "msgid"]).mutate(via=_BY_MSGID)
    choice = ibis.row_number().over(
        group_by=by_msgid.capture_id, order_by=[by_msgid.psn_no != by_msgid.seen_psn_no, by_msgid.setl_time, by_msgid.setl_id]
    )
    by_msgid = by_msgid.mutate(choice=choice).filter(lambda t: t.choice == 0)
    both = [pairs.mutate(apart_us=(pairs.received_at - pairs.seen_received_at).abs()).select(*_PAIR) for pairs in (by_binding, by_msgid)]
    return both[0].union(both[1])


def _astray(netted: ir.Table, seen: ir.Table, pairs: ir.Table) -> ir.Table:
    """Captures and settlements of one person that name each other but not the same institution: each side has one such, and no pair.

    A number may stand for different settlements at different institutions, so the person must be the same too.
    """
    paid = netted.filter(~netted.is_refund).anti_join(pairs, ["fixmedins_code", "setl_id"])
    billed = paid.select("setl_id", "medins_setl_id", psn_no=paid.psn_no, billed_by=paid.fixmedins_code)
    lone = seen.filter(~seen.given_up).anti_join(pairs, "capture_id")
    seen_by = lone.select("capture_id", "msgid", "bound_setl_id", psn_no=lone.seen_psn_no, seen_at=lone.fixmedins_code)
    named = [
        seen_by.join(billed, ["psn_no", ("bound_setl_id", "setl_id")]).select("capture_id", "billed_by", "setl_id", "seen_at"),
        seen_by.join(billed, ["psn_no", ("msgid", "medins_setl_id")]).select("capture_id", "billed_by", "setl_id", "seen_at"),
    ]
    found = named[0].union(named[1], distinct=True)
    found = found.filter(found.billed_by != found.seen_at)
    rivals = {
        "claims": found.setl_id.count().over(ibis.window(group_by=found.capture_id)),
        "captures": found.capture_id.count().over(ibis.window(group_by=[found.billed_by, found.setl_id])),
    }
    alone = found.mutate(**rivals).filter(lambda t: (t.claims == 1) & (t.captures == 1))
    return alone.select("setl_id", fixmedins_code=alone.billed_by, astray=alone.capture_id)


def _telling(paid: ir.Table) -> ir.Table:
    """Settlements whose msgid tells them from others: one that many share is a placeholder of some export."""
    shared = paid.setl_id.count().over(ibis.window(group_by=[paid.fixmedins_code, paid.medins_setl_id]))
    return paid.mutate(msgid=paid.medins_setl_id, sharing=shared).filter(lambda t: t.sharing <= _MOST_SHARING)


def _judged(pairs: ir.Table, limits: LinkLimits) -> ir.Table:
    """Pairs with `place` (0: this capture stands for the settlement) and `state`, the code if it does."""
    slack = limits.off_time_s * _SECOND + pairs.clock_error_us
    pairs = pairs.mutate(
        wrong_person=pairs.psn_no != pairs.seen_psn_no,
        off_time=(pairs.setl_time < pairs.opened_at - slack) | (pairs.setl_time > pairs.closed_at + slack),
        unverified=pairs.outcome.notin(_VERIFIED),
        late=(pairs.apart_us > limits.late_days * _DAY).fill_null(False),
    )
    order = [
        pairs.distrusted,
        pairs.given_up,
        pairs.wrong_person,
        pairs.off_time,
        pairs.unverified,
        pairs.via,
        pairs.opened_at.desc(),
        pairs.capture_id,
    ]
    return pairs.mutate(
        place=ibis.row_number().over(group_by=[pairs.fixmedins_code, pairs.setl_id], order_by=order),
        state=ibis.cases(
            (pairs.distrusted, SettlementCode.DISTRUSTED.value),
            (pairs.wrong_person, SettlementCode.WRONG_PERSON.value),
            (pairs.off_time, SettlementCode.OFF_TIME.value),
            (pairs.outcome == Outcome.BLIND.value, SettlementCode.BLIND.value),
            (pairs.outcome == Outcome.MANUAL_VERIFIED.value, SettlementCode.MANUAL.value),
            (pairs.outcome == Outcome.PROXY.value, SettlementCode.PROXY.value),
            (pairs.late, SettlementCode.LATE.value),
            else_=SettlementCode.MATCHED.value,
        ),
    )


def _settlement_codes(netted: ir.Table, pairs: ir.Table, astray: ir.Table, told: ir.Table, limits: LinkLimits) -> ir.Table:
    """Every settlement with `code` and `capture_id`: the capture that stands for it, or the one that went astray (null: neither)."""
    standing = pairs.filter(pairs.place == 0).select("fixmedins_code", "setl_id", "capture_id", "given_up", "state")
    originals = netted.filter(~netted.is_refund).select("fixmedins_code", init_setl_id="setl_id", original="setl_id")
    both = netted.left_join(standing, ["fixmedins_code", "setl_id"]).drop("fixmedins_code_right", "setl_id_right")
    both = both.left_join(originals, ["fixmedins_code", "init_setl_id"]).drop("fixmedins_code_right", "init_setl_id_right")
    both = both.left_join(astray, ["fixmedins_code", "setl_id"]).drop("fixmedins_code_right", "setl_id_right")
    both = both.left_join(told, "fixmedins_code").drop("fixmedins_code_right")
    remote = named("places").select("fixmedins_code", "setl_id").distinct().mutate(mobile="setl_id")
    both = both.left_join(remote, ["fixmedins_code", "setl_id"]).drop("fixmedins_code_right", "setl_id_right")
    alone = both.capture_id.isnull()
    code = ibis.cases(
        (both.is_refund & both.original.isnull(), SettlementCode.REFUND_ALONE.value),
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
    refunds = both.is_refund | both.refunded
    capture_id = both.capture_id.coalesce((~refunds).ifelse(both.astray, ibis.null("string")))
    return both.select(*netted.columns, capture_id=capture_id, code=code)


def _capture_codes(captures: ir.Table, pairs: ir.Table, astray: ir.Table, told: ir.Table, limits: LinkLimits) -> ir.Table:
    """Every capture with `code` and `linked_setl_id`, the settlement of the same institution that it belongs to (null: none)."""
    paired = pairs.select("capture_id", "setl_id", "refunded", "place", "state")
    both = captures.left_join(paired.rename(linked_setl_id="setl_id"), "capture_id").drop("capture_id_right")
    both = both.left_join(astray.select("astray"), both.capture_id == astray.astray)
    both = both.left_join(told, "fixmedins_code").drop("fixmedins_code_right")
    alone = both.linked_setl_id.isnull()
    code = ibis.cases(
        (_given_up(both), CaptureCode.VOIDED.value),
        (both.astray.notnull(), CaptureCode.WRONG_SITE.value),
        (alone & reach.not_told(both.opened_at, both.billed_until, limits.awaited_days * _DAY), CaptureCode.AWAITED.value),
        (alone, CaptureCode.CAPTURE_WITHOUT_CLAIM.value),
        (both.refunded, CaptureCode.REFUNDED.value),
        (both.place > 0, CaptureCode.SUPERSEDED.value),
        else_=both.state,
    )
    return both.select(*captures.columns, both.linked_setl_id, code=code)


def _visits(coded: ir.Table, captures: ir.Table) -> ir.Table:
    """Both sides of what matched; names that both have are the settlement's."""
    seen = captures.select(*[name for name in captures.columns if name == "capture_id" or name not in coded.columns])
    return coded.filter(coded.code.isin([SettlementCode.MATCHED.value, SettlementCode.LATE.value])).join(seen, "capture_id")
