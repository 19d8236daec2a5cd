"""What the windows of the background saw: a capture for nearly every settlement, and sessions that were given up."""

import numpy as np
import pyarrow as pa

from scripts.simulating.columns import chosen, face, person, stamp, table, text, where
from scripts.simulating.month import SECOND
from scripts.simulating.timetable import Oddity, Timetable
from scripts.simulating.visits import Visits

RELATIVES_FROM = 2 << 36
"""The numbers of proxies: of each person, a relative who settles nothing of his own."""
_VERIFIED_BY_HAND = ["not_enrolled", "not_recognised", "infirm", "proxy"]
_TWICE = 2
_OUTCOMES = {
    Oddity.BLIND: "blind",
    Oddity.UNDECIDED: "undecided",
    Oddity.MANUAL: "manual_verified",
    Oddity.PROXY: "proxy",
    Oddity.CANNOT_JUDGE: "undecided",
}


def captures(seen: Visits) -> pa.Table:
    """What the windows saw of the settlements that passed one."""
    plan, rng, odd = seen.plan, seen.rng, seen.plan.oddity
    rows = len(plan.at)
    plain = _plain_captures(seen)
    proxy, blind, judged = odd == Oddity.PROXY, odd == Oddity.BLIND, np.isin(odd, (Oddity.UNDECIDED, Oddity.CANNOT_JUDGE))
    outcomes = sorted(set(_OUTCOMES.values()) | {"same"})
    outcome = np.array([outcomes.index(_OUTCOMES.get(oddity, "same")) for oddity in Oddity])[odd]
    similarity = np.round(np.where(judged, rng.normal(0.4, 0.02, rows), np.clip(rng.normal(0.72, 0.07, rows), 0.5, 0.95)), 4)
    seen_face = ~blind & (odd != Oddity.CANNOT_JUDGE)
    mixed = table(
        "captures",
        rows,
        **plain,
        closed_at=plan.at + rng.integers(4, 16, rows) * SECOND,
        closing="bound",
        setl_id=where(odd != Oddity.UNBOUND, seen.setl_id),
        bound_setl_time=where(odd != Oddity.UNBOUND, plan.at),
        outcome=chosen(outcomes, outcome),
        similarity=where(seen_face & ~proxy & (odd != Oddity.MANUAL), similarity),
        liveness=chosen(["live", "cannot_judge"], (~seen_face).astype(np.int64)),
        persons=np.where(blind, 0, 1 + (rng.random(rows) < 0.15)),
        frames_seen=np.where(blind, 0, rng.integers(60, 300, rows)),
        frames_used=np.where(blind, 0, rng.integers(5, 40, rows)),
        voided=False,
        face_group=where(seen_face, face(np.where(proxy, RELATIVES_FROM + plan.person, plan.person))),
        face_band=where(seen_face, chosen(["first", "same"], plan.again)),
        camera_fault=blind,
        manual_reason=where(proxy | (odd == Oddity.MANUAL), chosen(_VERIFIED_BY_HAND, np.where(proxy, 3, plan.person % 3))),
        proxy_psn_no=where(proxy, person(RELATIVES_FROM + plan.person)),
        face_similarity=where(seen_face & (plan.again == 1) & ~proxy, np.round(np.clip(rng.normal(0.8, 0.05, rows), 0.62, 0.98), 4)),
        clock_error_ms=where(plan.town % 13 != 12, np.where(odd == Oddity.CLOCK, 45_000.0, np.round(rng.normal(0, 20, rows), 1))),
        distrusted=odd == Oddity.DISTRUSTED,
    )
    return mixed.filter(pa.array(~np.isin(odd, (Oddity.NO_CAPTURE, Oddity.MOBILE)) & ~seen.is_refund))


def _plain_captures(seen: Visits) -> dict[str, object]:
    plan = seen.plan
    return {
        "capture_id": text(device(plan), ":1:", plan.number + 1),
        "device_id": device(plan),
        "fixmedins_code": seen.site,
        "window": text("W", plan.window + 1),
        "msgid": seen.msgid,
        "psn_no": seen.psn_no,
        "opened_at": plan.at - seen.rng.integers(20, 60, len(plan.at)) * SECOND,
        "staff_face": False,
        "watched_face": False,
    }


def device(plan: Timetable) -> pa.Array:
    """The device of a window."""
    return text("t-", plan.town, "-", plan.site)


def given_up(seen: Visits, count: int) -> pa.Table:
    """Sessions before settlements of the same persons: reversed by the till, never finished (paid in cash), or told twice."""
    plan, rng = seen.plan, seen.rng
    able = np.flatnonzero(~np.isin(plan.oddity, (Oddity.MOBILE, Oddity.NO_CAPTURE, Oddity.PROXY)) & ~seen.is_refund)
    rows = able[np.arange(count) * len(able) // count] if count else able[:0]
    at = plan.at[rows] - 180 * SECOND - rng.integers(0, 60, count) * SECOND
    ending = rng.choice(3, count, p=(0.55, 0.35, 0.1))
    twice = ending == _TWICE
    site = seen.site.take(pa.array(rows))
    return table(
        "captures",
        count,
        capture_id=text(device(plan).take(pa.array(rows)), ":3:", plan.number[rows] + 1),
        device_id=device(plan).take(pa.array(rows)),
        fixmedins_code=site,
        window=text("W", plan.window[rows] + 1),
        msgid=text(
            site, np.where(twice, stamp(seen.month, plan.at[rows], 1000 + plan.turn[rows]), stamp(seen.month, at, 5000 + plan.turn[rows]))
        ),
        psn_no=seen.psn_no.take(pa.array(rows)),
        opened_at=at,
        closed_at=at + 40 * SECOND,
        closing=chosen(["voided", "timed_out", "bound"], ending),
        setl_id=where(twice, seen.setl_id.take(pa.array(rows))),
        bound_setl_time=where(twice, plan.at[rows]),
        outcome="same",
        similarity=np.round(np.clip(rng.normal(0.72, 0.07, count), 0.5, 0.95), 4),
        liveness="live",
        persons=1,
        frames_seen=rng.integers(60, 300, count),
        frames_used=rng.integers(5, 40, count),
        voided=ending == 0,
        face_group=face(plan.person[rows]),
        face_band="same",
        staff_face=False,
        watched_face=False,
        camera_fault=False,
        clock_error_ms=np.round(rng.normal(0, 20, count), 1),
        distrusted=False,
    )
