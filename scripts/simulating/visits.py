"""What the timetable's settlements look like to the fund: claims, their lines, and the stock that they were sold from."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from scripts.simulating import catalogue, towns
from scripts.simulating.catalogue import CODES, DRUGS, INGREDIENTS
from scripts.simulating.columns import Ints, Truths, chosen, person, stamp, table, text, where
from scripts.simulating.month import DAY, MINUTE, Month
from scripts.simulating.timetable import Oddity, Timetable
from scripts.simulating.towns import HOSPITAL

_ELSEWHERE = 340_102
SETL_FROM = 330_000_000_000_000_000
_LINES = 2
_STREAM = 3


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
        med_type=chosen(["11", "14", "13", "41"], np.where(hospital, plan.person % 9 // 4, 3)),
        mdtrtarea_admvs=region,
        insuplc_admdvs=text(np.where(travels(plan.person), _ELSEWHERE, towns.region(plan.town))),
        setl_time=plan.at,
        medfee_sumamt=seen.total,
        fund_pay_sumamt=seen.fund,
        acct_pay=seen.account,
        psn_cash_pay=seen.total - seen.fund - seen.account,
        refd_setl_flag=seen.is_refund.astype(np.int64),
        init_setl_id=where(seen.is_refund, text(SETL_FROM + plan.number[plan.original])),
        dr_codg=where(hospital, _doctor(plan)),
        dept_code=where(hospital, chosen(["0300", "0400", "0500", "1300"], plan.turn % 4)),
        opter_type=where(plan.town % 10 != 9, chosen(["1", "3"], (plan.oddity == Oddity.MOBILE).astype(np.int64))),
        opter=text("OP", shift, "-", month.start // DAY % 7 + plan.morning),
        dev_no=text("DEV", shift),
    )


def travels(who: Ints) -> Truths:
    """Which persons are insured in another province, and have filed that."""
    away: Truths = who % 53 == 0
    return away


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
        inscp_amt=where(plan.town[rows] % 11 != 10, fee * 9 // 10),
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
