"""What the timetable's settlements look like to the fund and to the windows: claims, lines, captures, and what explains the odd ones."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from central.inputs import FOREVER
from scripts.simulating import catalogue, towns
from scripts.simulating.catalogue import CODES, DRUGS, INGREDIENTS
from scripts.simulating.columns import Ints, Truths, chosen, face, person, stamp, table, text, where
from scripts.simulating.month import DAY, MINUTE, SECOND, Month
from scripts.simulating.timetable import Oddity, Timetable
from scripts.simulating.towns import HOSPITAL

SETL_FROM = 330_000_000_000_000_000
_LINES = 2
_RELATIVES_FROM = 2 << 36
_STREAM = 3
_VERIFIED_BY_HAND = ["not_enrolled", "not_recognised", "infirm", "proxy"]
_OUTCOMES = {
    Oddity.BLIND: "blind",
    Oddity.UNDECIDED: "undecided",
    Oddity.MANUAL: "manual_verified",
    Oddity.PROXY: "proxy",
    Oddity.CANNOT_JUDGE: "undecided",
}


@dataclass(frozen=True, slots=True)
class Visits:
    """The timetable with what every table of it needs."""

    month: Month
    plan: Timetable
    site: pa.Array
    setl_id: pa.Array
    msgid: pa.Array
    psn_no: pa.Array
    total: Ints
    first_line: Ints
    fund: Ints
    account: Ints
    is_refund: Truths
    lines: Ints
    rng: np.random.Generator


def visits(plan: Timetable, month: Month, seed: int) -> Visits:
    """Amounts in fen, ids and lines of settlements."""
    rng = np.random.default_rng([seed, _STREAM, int(plan.number[0])])
    rows, hospital, is_refund = len(plan.at), plan.site == HOSPITAL, plan.original >= 0
    origin = np.where(is_refund, plan.original, np.arange(rows))
    total = np.exp(rng.normal(np.where(hospital, 9.6, 8.4), 0.6)).astype(np.int64) + 600
    total = np.where(is_refund, -(total[origin] // np.where(plan.oddity == Oddity.PART_REFUND, 2, 1)), total)
    fund = total * np.where(hospital, rng.integers(40, 75, rows)[origin], 0) // 100
    account = (total - fund) * rng.integers(50, 101, rows)[origin] // 100
    lines = rng.integers(1, _LINES + 1, rows)[origin]
    site = towns.site_code(plan.town, plan.site)
    return Visits(
        month=month,
        plan=plan,
        site=site,
        setl_id=text(SETL_FROM + plan.number),
        msgid=text(site, stamp(month, plan.at, 1000 + plan.turn)),
        psn_no=person(plan.person),
        total=total,
        first_line=np.where(lines == 1, total, total * rng.integers(30, 70, rows)[origin] // 100),
        fund=fund,
        account=account,
        is_refund=is_refund,
        lines=lines,
        rng=rng,
    )


def settlements(seen: Visits) -> pa.Table:
    """The claims."""
    plan, month, hospital = seen.plan, seen.month, seen.plan.site == HOSPITAL
    region = text(towns.region(plan.town))
    shift = text(plan.site, "-", plan.window + 1)
    return table(
        "settlements",
        len(plan.at),
        fixmedins_code=seen.site,
        setl_id=seen.setl_id,
        medins_setl_id=seen.msgid,
        mdtrt_id=text("V", plan.number + 10**12),
        psn_no=seen.psn_no,
        mdtrt_cert_type=chosen(["01", "02", "03"], plan.person % 7 % 3),
        insutype=chosen(["310", "390"], plan.person % 2),
        med_type=chosen(["11", "14", "41"], np.where(hospital, plan.person % 5 // 4, 2)),
        mdtrtarea_admvs=region,
        insuplc_admdvs=region,
        setl_time=plan.at,
        medfee_sumamt=seen.total,
        fund_pay_sumamt=seen.fund,
        acct_pay=seen.account,
        psn_cash_pay=seen.total - seen.fund - seen.account,
        refd_setl_flag=seen.is_refund.astype(np.int64),
        init_setl_id=where(seen.is_refund, text(SETL_FROM + plan.number[plan.original])),
        dr_codg=where(hospital, _doctor(plan)),
        dept_code=where(hospital, chosen(["0300", "0400", "0500", "1300"], plan.turn % 4)),
        opter=text("OP", shift, "-", month.start // DAY % 7 + plan.morning),
        dev_no=text("DEV", shift),
    )


def _doctor(plan: Timetable) -> pa.Array:
    return towns.doctor_code(plan.town, plan.site, np.where(plan.site == HOSPITAL, plan.turn % towns.DOCTORS, 0))


def details(seen: Visits) -> tuple[pa.Table, Ints, Ints]:
    """One or two lines for each, no ingredient twice for anybody; also the place in the catalogue and the thousandths of every line."""
    plan, rng = seen.plan, seen.rng
    rows = np.repeat(np.arange(len(plan.at)), seen.lines)
    line = np.arange(len(rows)) - np.repeat(np.cumsum(seen.lines) - seen.lines, seen.lines)
    origin = np.where(seen.is_refund, plan.original, np.arange(len(plan.at)))
    ingredient = (rng.integers(0, INGREDIENTS // 4, len(plan.at)) * 4)[origin[rows]] + plan.again[rows] * 2 + line
    service = (plan.site[rows] == HOSPITAL) & (line == 1)
    item = np.where(service, DRUGS + ingredient % catalogue.SERVICES, catalogue.drug(ingredient, plan.person[rows] % 2))
    whole_boxes = 1 + (plan.person[rows] + line) % 2
    sign = np.where(seen.is_refund[rows], -1, 1)
    fee = np.where(line == 0, seen.first_line[rows], seen.total[rows] - seen.first_line[rows])
    quantity = np.where((plan.oddity[rows] == Oddity.PART_REFUND) & seen.is_refund[rows], 500, 1000) * whole_boxes * sign
    at_shop = plan.site[rows] != HOSPITAL
    lines = table(
        "details",
        len(rows),
        fixmedins_code=seen.site.take(pa.array(rows)),
        setl_id=seen.setl_id.take(pa.array(rows)),
        feedetl_sn=text(line + 1),
        fee_ocur_time=plan.at[rows] - 3 * MINUTE,
        med_list_codg=chosen(CODES, item),
        list_type=chosen(["101", "201"], service.astype(np.int64)),
        cnt=quantity,
        det_item_fee_sumamt=fee,
        inscp_amt=fee * 9 // 10,
        prd_days=where(~service, 3 + (ingredient + plan.person[rows]) % 5),
        rxno=where(~at_shop, text("RX", plan.number[origin[rows]])),
        bilg_dr_codg=where(~at_shop, _doctor(plan).take(pa.array(rows))),
        phar_code=where(at_shop & _pharmacist_there(seen)[rows], _doctor(plan).take(pa.array(rows))),
        drug_trac_codg=where(~service & at_shop, text("8", 10**18 + (plan.number[origin[rows]] * _LINES + line))),
    )
    return lines, item, quantity


def _pharmacist_there(seen: Visits) -> Truths:
    minute = (seen.plan.at - seen.month.start) % DAY // MINUTE
    return minute < 21 * 60


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
        face_group=where(seen_face, face(np.where(proxy, _RELATIVES_FROM + plan.person, plan.person))),
        face_band=where(seen_face, chosen(["first", "same"], plan.again)),
        camera_fault=blind,
        manual_reason=where(proxy | (odd == Oddity.MANUAL), chosen(_VERIFIED_BY_HAND, np.where(proxy, 3, plan.person % 3))),
        proxy_psn_no=where(proxy, person(_RELATIVES_FROM + plan.person)),
        clock_error_ms=np.where(odd == Oddity.CLOCK, 45_000.0, np.round(rng.normal(0, 20, rows), 1)),
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
    """Sessions without a settlement, before settlements of the same persons: reversed by the till, or never finished (paid in cash)."""
    plan, rng = seen.plan, seen.rng
    able = np.flatnonzero(~np.isin(plan.oddity, (Oddity.MOBILE, Oddity.NO_CAPTURE, Oddity.PROXY)) & ~seen.is_refund)
    rows = able[np.arange(count) * len(able) // count] if count else able[:0]
    at = plan.at[rows] - 180 * SECOND - rng.integers(0, 60, count) * SECOND
    cash = rng.random(count) < 0.4
    site = seen.site.take(pa.array(rows))
    return table(
        "captures",
        count,
        capture_id=text(device(plan).take(pa.array(rows)), ":3:", plan.number[rows] + 1),
        device_id=device(plan).take(pa.array(rows)),
        fixmedins_code=site,
        window=text("W", plan.window[rows] + 1),
        msgid=text(site, stamp(seen.month, at, 5000 + plan.turn[rows])),
        psn_no=seen.psn_no.take(pa.array(rows)),
        opened_at=at,
        closed_at=at + 40 * SECOND,
        closing=chosen(["voided", "timed_out"], cash.astype(np.int64)),
        outcome="same",
        similarity=np.round(np.clip(rng.normal(0.72, 0.07, count), 0.5, 0.95), 4),
        liveness="live",
        persons=1,
        frames_seen=rng.integers(60, 300, count),
        frames_used=rng.integers(5, 40, count),
        voided=~cash,
        face_group=face(plan.person[rows]),
        face_band="same",
        staff_face=False,
        watched_face=False,
        camera_fault=False,
        clock_error_ms=np.round(rng.normal(0, 20, count), 1),
        distrusted=False,
    )


def registered(seen: Visits) -> dict[str, pa.Table]:
    """The persons, the proxies who came, and where mobile payments were ordered."""
    plan, month = seen.plan, seen.month
    first = (plan.again == 0) & ~seen.is_refund
    proxy, mobile = (plan.oddity == Oddity.PROXY), (plan.oddity == Oddity.MOBILE)
    latitude, longitude = towns.place(plan.town[mobile], plan.site[mobile])
    unknown = plan.number[mobile] % 4 == 0
    near = seen.rng.uniform(-0.008, 0.008, (2, int(mobile.sum())))
    return {
        "persons": table("persons", int(first.sum()), psn_no=seen.psn_no.filter(pa.array(first))),
        "proxies": table(
            "proxies",
            int(proxy.sum()),
            psn_no=seen.psn_no.filter(pa.array(proxy)),
            proxy_psn_no=person(_RELATIVES_FROM + plan.person[proxy]),
            valid_from=month.start - (90 + plan.number[proxy] % 300) * DAY,
            valid_to=FOREVER,
        ),
        "places": table(
            "places",
            int(mobile.sum()),
            fixmedins_code=seen.site.filter(pa.array(mobile)),
            setl_id=seen.setl_id.filter(pa.array(mobile)),
            latitude=np.where(unknown, 0.0, np.round(latitude + near[0], 6)),
            longitude=np.where(unknown, 0.0, np.round(longitude + near[1], 6)),
        ),
    }


def stock(seen: Visits, item: Ints, quantity: Ints) -> pa.Table:
    """What each institution had and bought of each drug: always a little more than it billed."""
    plan = seen.plan
    drugs = item < DRUGS
    rows = np.repeat(np.arange(len(plan.at)), seen.lines)[drugs]
    shops = (plan.town - plan.town[0]) * towns.SITES + plan.site
    key = shops[rows] * DRUGS + item[drugs]
    sold = np.bincount(key, weights=np.maximum(quantity[drugs], 0))
    keys = np.flatnonzero(sold)
    need = sold[keys].astype(np.int64)
    bought = need * 6 // 10 // 1000 * 1000
    shop = keys // DRUGS
    code = towns.site_code(plan.town[0] + shop // towns.SITES, shop % towns.SITES)
    name = chosen(CODES, keys % DRUGS)
    shared = {"fixmedins_code": code, "med_list_codg": name}
    start = seen.month.start
    opened = table("stock", len(keys), **shared, moved_at=start, movement="opening", cnt=need - bought + 5000 + keys % 20 * 1000)
    restocked = table("stock", len(keys), **shared, moved_at=start + (1 + keys % 9) * DAY, movement="purchase", cnt=bought + 2000)
    lost = table("stock", len(keys), **shared, moved_at=start + (12 + keys % 9) * DAY, movement="loss", cnt=1000)
    return pa.concat_tables([opened, restocked, lost.filter(pa.array(keys % 10 == 0))])
