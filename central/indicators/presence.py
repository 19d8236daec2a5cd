"""What windows, cameras and wards show, counted by institution, doctor and day. Each function gives one table of counts."""

from functools import reduce

import ibis
import ibis.expr.types as ir

from central.linkage.model import SettlementCode
from central.rules.base import HOUR, MINUTE, Tables, china_day
from central.rules.model import IndicatorLimits
from contract.events import Outcome

_UNKNOWN = [
    code.value
    for code in (
        SettlementCode.REMOTE,
        SettlementCode.UNWATCHED,
        SettlementCode.AWAITED,
        SettlementCode.WRONG_SITE,
        SettlementCode.DISTRUSTED,
        SettlementCode.BLIND,
    )
]
"""Settlements of which no window can say, or has yet said, who was there."""
_BY_OTHER_MEANS = [SettlementCode.MANUAL.value, SettlementCode.PROXY.value]
_DECIDED = [Outcome.SAME.value, Outcome.DIFFERENT.value]
_DOUBTFUL = "doubtful"
_WINDOW, _ENTRANCE, _BED = "window", "entrance", "bed"
_UNSURE = ["blind", "undecided"]


def settled(tables: Tables) -> ir.Table:
    """Settlements that stand, with `day` and the doctor as `dr` (empty: none named)."""
    paid = tables.settlements
    paid = paid.filter(~paid.is_refund, ~paid.refunded)
    return paid.mutate(day=china_day(paid.setl_time), dr=paid.dr_codg.fill_null(""))


def verified(tables: Tables, _: IndicatorLimits) -> ir.Table:
    """实名核验率: of the settlements that a window watched, those with the right face, a check by hand or a registered proxy."""
    paid = settled(tables).filter(lambda t: t.code.notin(_UNKNOWN))
    watched = tables.sites.filter(tables.sites.watched_from.notnull()).select("fixmedins_code", "watched_from")
    both = paid.left_join(watched, "fixmedins_code")
    due = both.filter(both.capture_id.notnull() | (both.watched_from <= both.setl_time).fill_null(False))
    by_camera = tables.visits.filter(tables.visits.outcome == Outcome.SAME.value)
    by_camera = by_camera.mutate(day=china_day(by_camera.setl_time), dr=by_camera.dr_codg.fill_null(""))
    return added("verified", n=(due.filter(due.code.isin(_BY_OTHER_MEANS)), by_camera), of=(due,))


def faces(tables: Tables, limits: IndicatorLimits) -> ir.Table:
    """人证不符率, 空刷疑似率, 员工在场率: of what cameras judged without a fault. An undecided face is nobody's."""
    seen = tables.visits.filter(~tables.visits.camera_fault.fill_null(False), tables.visits.outcome != Outcome.BLIND.value)
    seen = seen.mutate(day=china_day(seen.setl_time), dr=seen.dr_codg.fill_null(""))
    excused = _excused(seen, tables).select("capture_id", excused=1)
    staff = tables.staff.filter(tables.staff.psn_no.notnull()).select("fixmedins_code", "psn_no", own=1).distinct()
    both = seen.left_join(excused, "capture_id").left_join(staff, ["fixmedins_code", "psn_no"])
    decided = both.outcome.isin(_DECIDED) & both.excused.isnull()
    looked = both.frames_seen >= limits.min_frames_seen
    clerks = both.staff_face.notnull() & both.own.isnull()
    return counted(
        both,
        mismatch_n=decided & (both.outcome == Outcome.DIFFERENT.value),
        mismatch_of=decided,
        empty_window_n=looked & (both.outcome == Outcome.NO_PERSON.value),
        empty_window_of=looked,
        staff_present_n=clerks & both.staff_face,
        staff_present_of=clerks,
    )


def _excused(seen: ir.Table, tables: Tables) -> ir.Table:
    """capture_id of visits of persons who do not use the face, or for whom a proxy was registered then: another face says nothing."""
    spans = tables.exemptions.select("psn_no", "valid_from", "valid_to").union(tables.proxies.select("psn_no", "valid_from", "valid_to"))
    then = [seen.psn_no == spans.psn_no, seen.setl_time >= spans.valid_from, seen.setl_time < spans.valid_to]
    return seen.join(spans, then).select("capture_id").distinct()


def cards_per_face(tables: Tables, limits: IndicatorLimits) -> ir.Table:
    """一脸多卡指数: of the faces seen on a day, how many cards each used in the days up to it. Doubtful groupings never count."""
    seen = tables.visits.filter(tables.visits.face_group.notnull(), tables.visits.face_band != _DOUBTFUL)
    used = seen.select("fixmedins_code", "face_group", "psn_no", day=china_day(seen.setl_time)).distinct()
    faces = used.select("fixmedins_code", "face_group", "day").distinct()
    crowds = used.group_by("fixmedins_code", "face_group").agg(cards=used.psn_no.nunique()).filter(lambda t: t.cards > 1)
    key = ["fixmedins_code", "face_group"]
    earlier = used.semi_join(crowds, key).select("fixmedins_code", "face_group", "psn_no", used_on="day")
    within = faces.join(earlier, key).filter(lambda t: t.used_on <= t.day, lambda t: t.used_on > t.day - limits.card_days)
    cards = within.group_by("fixmedins_code", "face_group", "day").agg(more=within.psn_no.nunique() - 1)
    both = faces.left_join(cards, [*key, "day"])
    return (
        both.group_by("fixmedins_code", "day")
        .agg(cards_per_face_n=(both.more.fill_null(0) + 1).sum(), cards_per_face_of=both.count())
        .mutate(dr=ibis.literal(""))
    )


def traffic(tables: Tables, limits: IndicatorLimits) -> ir.Table:
    """客流比: settlements to people who came in, in hours in which every entrance was seen and counted."""
    doors = tables.coverage.filter(tables.coverage.role == _ENTRANCE).mutate(hour=lambda t: t.since // HOUR)
    per_door = doors.group_by("fixmedins_code", "hour", "device_id", "window").agg(
        seen=doors.seen_us.sum(), entered=doors.entered.sum(), uncounted=doors.entered.isnull().ifelse(1, 0).sum()
    )
    hours = per_door.group_by("fixmedins_code", "hour").agg(
        seen=per_door.seen.min(), entered=per_door.entered.sum(), uncounted=per_door.uncounted.sum()
    )
    hours = hours.filter(hours.uncounted == 0, hours.seen * 100 >= limits.entrance_up_percent * HOUR)
    people = hours.group_by("fixmedins_code", day=china_day(hours.hour * HOUR)).agg(of=hours.entered.sum())
    paid = settled(tables).filter(lambda t: t.code != SettlementCode.REMOTE.value).mutate(hour=lambda t: t.setl_time // HOUR)
    bills = paid.group_by("fixmedins_code", "day", "hour").agg(n=paid.count()).semi_join(hours, ["fixmedins_code", "hour"])
    bills = bills.select("fixmedins_code", "day", "n", of=ibis.literal(0, "int64"))
    both = people.select("fixmedins_code", "day", n=ibis.literal(0, "int64"), of="of").union(bills)
    return both.group_by("fixmedins_code", "day").agg(traffic_n=both.n.sum(), traffic_of=both.of.sum()).mutate(dr=ibis.literal(""))


def devices_online(tables: Tables, _: IndicatorLimits) -> ir.Table:
    """设备在线率: minutes that cameras of windows saw, of those that were reported, and of hours with settlements that none reported.

    Hours before the first and after the last report of an institution are not known and do not count.
    """
    told = tables.coverage.filter(tables.coverage.role == _WINDOW)
    told = told.mutate(hour=told.since // HOUR)
    reported = told.select("fixmedins_code", "hour", n=told.seen_us, of=told.until - told.since)
    span = told.group_by("fixmedins_code").agg(first=told.hour.min(), last=told.hour.max())
    paid = settled(tables).filter(lambda t: t.code != SettlementCode.REMOTE.value)
    hours = paid.select("fixmedins_code", hour=paid.setl_time // HOUR).distinct().join(span, "fixmedins_code")
    silent = hours.filter(hours.hour > hours.first, hours.hour < hours.last).anti_join(told, ["fixmedins_code", "hour"])
    silent = silent.select("fixmedins_code", "hour", n=ibis.literal(0, "int64"), of=ibis.literal(HOUR, "int64"))
    both = reported.union(silent)
    by_day = both.group_by("fixmedins_code", day=china_day(both.hour * HOUR)).agg(n=both.n.sum(), of=both.of.sum())
    return by_day.select(
        "fixmedins_code",
        "day",
        dr=ibis.literal(""),
        devices_online_n=by_day.n // MINUTE,
        devices_online_of=by_day.of // MINUTE,
    )


def ward_sign_in(tables: Tables, _: IndicatorLimits) -> ir.Table:
    """住院签到率: of the full days in hospital on which rounds were made in the patient's ward, those with the patient's face at the bed.

    The days of admission, discharge and leave do not count, nor those on which nobody could tell.
    """
    rounds = tables.rounds.filter(tables.rounds.place == _BED).mutate(day=lambda t: china_day(t.at))
    stays = tables.stays.select(
        "fixmedins_code",
        "mdtrt_id",
        ward_of=tables.stays.ward.fill_null(""),
        admitted=china_day(tables.stays.admitted_at),
        discharged=china_day(tables.stays.discharged_at),
    )
    held = rounds.join(stays, ["fixmedins_code", "mdtrt_id"]).select("fixmedins_code", "ward_of", "day").distinct()
    days = stays.join(held, ["fixmedins_code", "ward_of"])
    days = days.filter(days.day > days.admitted, (days.day < days.discharged) | days.discharged.isnull())
    leaves = tables.leaves.select(
        "fixmedins_code", "mdtrt_id", first=china_day(tables.leaves.leave_from), last=china_day(tables.leaves.leave_to)
    )
    away = days.join(leaves, ["fixmedins_code", "mdtrt_id"]).filter(lambda t: t.day >= t.first, lambda t: t.day <= t.last)
    key = ["fixmedins_code", "mdtrt_id", "day"]
    met = rounds.group_by(*key).agg(
        met=(rounds.outcome == Outcome.SAME.value).ifelse(1, 0).max(), unsure=rounds.outcome.isin(_UNSURE).ifelse(1, 0).max()
    )
    both = days.anti_join(away, key).left_join(met, key)
    due = both.filter((both.met.fill_null(0) == 1) | (both.unsure.fill_null(0) == 0))
    return counted(due.mutate(dr=ibis.literal("")), ward_sign_in_n=due.met.fill_null(0) == 1, ward_sign_in_of=None)


def counted(rows: ir.Table, **cases: ir.BooleanValue | None) -> ir.Table:
    """How many rows of each institution, doctor and day are such (None: all of them)."""
    sums = {name: rows.count() if case is None else case.fill_null(False).ifelse(1, 0).sum() for name, case in cases.items()}
    return rows.group_by("fixmedins_code", "dr", "day").agg(**sums)


def added(name: str, *, n: tuple[ir.Table, ...], of: tuple[ir.Table, ...]) -> ir.Table:
    """The rows of some tables counted as cases, those of others as trials: cheaper than joining each case to its trial."""
    none, one = ibis.literal(0, "int64"), ibis.literal(1, "int64")
    rows = [each.select("fixmedins_code", "dr", "day", n=one, of=none) for each in n]
    rows += [each.select("fixmedins_code", "dr", "day", n=none, of=one) for each in of]
    every = reduce(lambda left, right: left.union(right), rows)
    return every.group_by("fixmedins_code", "dr", "day").agg(**{f"{name}_n": every.n.sum(), f"{name}_of": every.of.sum()})
