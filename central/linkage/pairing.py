"""Pairs settlements with captures, relationally and without a clock: the same expressions run on any engine that Ibis speaks to.

Tables come in as `claims.service.analysis_table` and `captures.service.analysis_table` give them, but with every moment as whole
microseconds since 1970 (int64), which mean the same everywhere.
"""

from collections.abc import Callable
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from central.linkage.model import CaptureCode, LinkLimits, SettlementCode
from contract.events import Closing, Outcome

Keep = Callable[[str, ir.Table], ir.Table]
"""Compute a table now and give it back by name, so that what builds on it does not compute it again."""

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
    """What pairing gives.

    settlements: fixmedins_code, setl_id, code, capture_id; one row per settlement.
    captures: capture_id, code, fixmedins_code, setl_id; one row per capture.
    visits: the matched pairs with the columns of both sides and net_fund, net_acct (fen, refunds deducted).
    """

    settlements: ir.Table
    captures: ir.Table
    visits: ir.Table


def link(settlements: ir.Table, captures: ir.Table, limits: LinkLimits, keep: Keep) -> Links:
    """Give every settlement and every capture its code.

    A capture belongs to the settlement that its binding names; if the claims have none such, to the one whose medins_setl_id is its
    msgid. Of several captures of one settlement the one most in favour of the person stands for it.
    """
    netted = keep("netted", net(settlements))
    pairs = keep("pairs", _judged(_pairs(netted, _seen(captures)), limits))
    coded = keep("coded", _settlement_codes(netted, pairs))
    return Links(
        settlements=coded.select("fixmedins_code", "setl_id", "code", "capture_id"),
        captures=keep("coded_captures", _capture_codes(captures, pairs)),
        visits=keep("visits", _visits(coded, captures)),
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
        given_up=captures.voided.fill_null(False) | (captures.closing == Closing.VOIDED.value),
    )


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
    seen = _seen(captures).select("capture_id", "fixmedins_code", "given_up")
    both = seen.left_join(paired, "capture_id")
    code = ibis.cases(
        (both.given_up, CaptureCode.VOIDED.value),
        (both.setl_id.isnull(), CaptureCode.CAPTURE_WITHOUT_CLAIM.value),
        (both.refunded, CaptureCode.REFUNDED.value),
        (both.place > 0, CaptureCode.SUPERSEDED.value),
        else_=both.state,
    )
    return both.select("capture_id", "fixmedins_code", "setl_id", code=code)


def _visits(coded: ir.Table, captures: ir.Table) -> ir.Table:
    seen = captures.select(
        "capture_id", "window", "outcome", "similarity", "frames_seen", "frames_used", "face_group", "face_band", "opened_at", "closed_at"
    )
    matched = coded.filter(coded.code == SettlementCode.MATCHED.value)
    return matched.select("fixmedins_code", "setl_id", "psn_no", "setl_time", "net_fund", "net_acct", "capture_id").join(seen, "capture_id")
