"""Pairs settlements with captures, relationally and without a clock: the same expressions run on any engine that Ibis speaks to.

Tables come in as `central.inputs` describes them.
"""

from dataclasses import dataclass
from functools import lru_cache

import ibis
import ibis.expr.types as ir

from central.engines.base import Planner, Step, named
from central.linkage.model import CaptureCode, LinkLimits, SettlementCode
from contract.events import Closing, Outcome

_SECOND = 1_000_000
_VERIFIED = [outcome.value for outcome in (Outcome.SAME, Outcome.MANUAL_VERIFIED, Outcome.PROXY)]
_BY_BINDING, _BY_MSGID = 0, 1
_MOST_SHARING = 10
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
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """What pairing gives, each a table of its own.

    settlements: every settlement with code, capture_id, and what was netted.
    captures: every capture with code and linked_setl_id.
    visits: the matched pairs with the columns of both sides.
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
    """How an engine that speaks this dialect pairs the tables `settlements` and `captures`."""
    planner = Planner(dialect)
    links = link(named("settlements"), named("captures"), limits, planner)
    return Plan(steps=tuple(planner.steps), links=links)


def link(settlements: ir.Table, captures: ir.Table, limits: LinkLimits, planner: Planner) -> Links:
    """Give every settlement and every capture its code.

    A capture belongs to the settlement that its binding names; if the claims have none such, to the one whose medins_setl_id is its
    msgid. Of several captures of one settlement the one most in favour of the person stands for it.
    """
    netted = planner.keep("netted", net(settlements))
    pairs = planner.keep("pairs", _judged(_pairs(netted, _seen(captures)), limits))
    coded = planner.keep("coded", _settlement_codes(netted, pairs))
    return Links(
        settlements=coded,
        captures=planner.keep("coded_captures", _capture_codes(captures, pairs)),
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
    )


def _given_up(captures: ir.Table) -> ir.BooleanValue:
    return captures.voided.fill_null(False) | (captures.closing == Closing.VOIDED.value)


def _pairs(netted: ir.Table, seen: ir.Table) -> ir.Table:
    """Captures with the settlement each belongs to, at most one; refunds belong to nobody. `via` tells by what they were paired."""
    paid = netted.filter(~netted.is_refund).select("fixmedins_code", "setl_id", "medins_setl_id", "psn_no", "setl_time", "refunded")
    by_binding = seen.join(paid.mutate(bound_setl_id=paid.setl_id), ["fixmedins_code", "bound_setl_id"]).mutate(via=_BY_BINDING)
    rest = seen.anti_join(by_binding, "capture_id")
    by_msgid = rest.join(_telling(paid), ["fixmedins_code", "msgid"]).mutate(via=_BY_MSGID)
    choice = ibis.row_number().over(
        group_by=by_msgid.capture_id, order_by=[by_msgid.psn_no != by_msgid.seen_psn_no, by_msgid.setl_time, by_msgid.setl_id]
    )
    by_msgid = by_msgid.mutate(choice=choice).filter(lambda t: t.choice == 0)
    return by_binding.select(*_PAIR).union(by_msgid.select(*_PAIR))


def _telling(paid: ir.Table) -> ir.Table:
    """Settlements whose msgid tells them from others: one that many share is a placeholder of some export."""
    shared = paid.setl_id.count().over(ibis.window(group_by=[paid.fixmedins_code, paid.medins_setl_id]))
    return paid.mutate(msgid=paid.medins_setl_id, sharing=shared).filter(lambda t: t.sharing <= _MOST_SHARING)


def _judged(pairs: ir.Table, limits: LinkLimits) -> ir.Table:
    """Pairs with `place` (0: this capture stands for the settlement) and `state`, the code if it does."""
    slack = limits.off_time_s * _SECOND
    pairs = pairs.mutate(
        wrong_person=pairs.psn_no != pairs.seen_psn_no,
        off_time=(pairs.setl_time < pairs.opened_at - slack) | (pairs.setl_time > pairs.closed_at + slack),
        unverified=pairs.outcome.notin(_VERIFIED),
    )
    order = [pairs.given_up, pairs.wrong_person, pairs.off_time, pairs.unverified, pairs.via, pairs.opened_at.desc(), pairs.capture_id]
    return pairs.mutate(
        place=ibis.row_number().over(group_by=[pairs.fixmedins_code, pairs.setl_id], order_by=order),
        state=ibis.cases(
            (pairs.wrong_person, SettlementCode.WRONG_PERSON.value),
            (pairs.off_time, SettlementCode.OFF_TIME.value),
            (pairs.outcome == Outcome.BLIND.value, SettlementCode.BLIND.value),
            (pairs.outcome == Outcome.MANUAL_VERIFIED.value, SettlementCode.MANUAL.value),
            (pairs.outcome == Outcome.PROXY.value, SettlementCode.PROXY.value),
            else_=SettlementCode.MATCHED.value,
        ),
    )


def _settlement_codes(netted: ir.Table, pairs: ir.Table) -> ir.Table:
    """Every settlement with `code` and `capture_id` (null without capture)."""
    standing = pairs.filter(pairs.place == 0).select("fixmedins_code", "setl_id", "capture_id", "given_up", "state")
    both = netted.left_join(standing, ["fixmedins_code", "setl_id"])
    code = ibis.cases(
        (both.is_refund, SettlementCode.REFUND.value),
        (both.refunded, SettlementCode.REFUNDED.value),
        (both.capture_id.isnull(), SettlementCode.CLAIM_WITHOUT_CAPTURE.value),
        (both.given_up, SettlementCode.VOIDED.value),
        else_=both.state,
    )
    return both.select(*[both[name] for name in netted.columns], both.capture_id, code=code)


def _capture_codes(captures: ir.Table, pairs: ir.Table) -> ir.Table:
    paired = pairs.select("capture_id", "setl_id", "refunded", "place", "state")
    both = captures.left_join(paired.rename(linked_setl_id="setl_id"), "capture_id")
    given_up = _given_up(both)
    code = ibis.cases(
        (given_up, CaptureCode.VOIDED.value),
        (both.linked_setl_id.isnull(), CaptureCode.CAPTURE_WITHOUT_CLAIM.value),
        (both.refunded, CaptureCode.REFUNDED.value),
        (both.place > 0, CaptureCode.SUPERSEDED.value),
        else_=both.state,
    )
    return both.select(*[both[name] for name in captures.columns], both.linked_setl_id, code=code)


def _visits(coded: ir.Table, captures: ir.Table) -> ir.Table:
    """Both sides of what matched; names that both have are the settlement's."""
    believed = captures.filter(~captures.distrusted.fill_null(False))
    seen = believed.select(*[name for name in captures.columns if name == "capture_id" or name not in coded.columns])
    return coded.filter(coded.code == SettlementCode.MATCHED.value).join(seen, "capture_id")
