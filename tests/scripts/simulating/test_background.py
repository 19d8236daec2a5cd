"""The honest part of a month: by construction there is nothing in it that any rule of the catalogue names."""

from functools import cache

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from central.inputs import SCHEMAS
from scripts.simulating.background import FEWEST, Background
from scripts.simulating.month import DAY, HOUR, MINUTE, SECOND
from scripts.simulating.timetable import Oddity, share, timetable
from scripts.simulating.towns import HOSPITAL, LATE_SHOP, Towns
from tests.scripts.simulating.made import JUNE, small


@cache
def tables() -> dict[str, pd.DataFrame]:
    """Four towns."""
    parts: dict[str, list[pa.Table]] = {name: [schema.empty_table()] for name, schema in SCHEMAS.items()}
    for name, table in Background(settlements=7000, captures=8400, month=JUNE, seed=5).pieces():
        parts[name].append(table)
    return {name: pa.concat_tables(each).to_pandas(integer_object_nulls=True) for name, each in parts.items()}


def paid() -> pd.DataFrame:
    claims = tables()["settlements"]
    return claims[claims.refd_setl_flag == 0].sort_values(["fixmedins_code", "setl_time"])


def local_minute(at: pd.Series) -> pd.Series:
    return (at - JUNE.start) % DAY / MINUTE


def test_settlements_of_an_institution_lie_minutes_apart() -> None:
    gaps = paid()[lambda t: t.med_type != "21"].groupby("fixmedins_code").setl_time.diff().dropna()
    assert gaps.min() > 3 * MINUTE
    assert paid().groupby(["fixmedins_code", "dev_no"]).setl_time.diff().dropna().min() > 2 * MINUTE


def test_nobody_comes_more_than_twice_or_within_a_week() -> None:
    visits = paid().sort_values(["psn_no", "setl_time"]).groupby("psn_no").setl_time
    assert visits.size().max() == 2
    assert visits.diff().dropna().min() > 7 * DAY


def test_a_face_belongs_to_one_card_and_a_card_has_one_face_but_for_registered_proxies() -> None:
    captures = tables()["captures"]
    own = captures[captures.face_group.notna() & (captures.outcome != "proxy")]
    assert own.groupby("face_group").psn_no.nunique().max() == 1
    assert own.groupby("psn_no").face_group.nunique().max() == 1
    served = captures[captures.outcome == "proxy"]
    register = set(zip(tables()["proxies"].psn_no, tables()["proxies"].proxy_psn_no, strict=True))
    assert len(served) > 5 and set(zip(served.psn_no, served.proxy_psn_no, strict=True)) <= register
    assert served.groupby("proxy_psn_no").size().max() == 1


def test_nothing_speaks_against_anybody() -> None:
    captures = tables()["captures"]
    assert set(captures.outcome) == {"same", "undecided", "blind", "manual_verified", "proxy"}
    assert not captures.staff_face.any() and not captures.watched_face.any()
    assert set(captures.liveness) == {"live", "cannot_judge"}
    assert tables()["persons"].death_date.dropna().min() >= JUNE.end


def test_who_is_insured_elsewhere_has_filed_it() -> None:
    claims, filed = tables()["settlements"], tables()["filings"]
    away = claims[claims.insuplc_admdvs != claims.mdtrtarea_admvs].merge(filed, on=["psn_no", "mdtrtarea_admvs"], how="left")
    assert len(away) > 50 and ((away.valid_from < away.setl_time) & (away.setl_time < away.valid_to)).all()
    assert not filed.psn_no.duplicated().any() and len(tables()["exemptions"]) > 0
    assert set(claims.psn_no) <= set(tables()["persons"].psn_no), "everybody is registered"


def test_at_most_one_settlement_of_a_day_and_institution_is_not_plainly_verified() -> None:
    claims, captures = paid(), tables()["captures"]
    good = captures[
        captures.outcome.isin(["same", "manual_verified", "proxy"]) & ~captures.distrusted.astype(bool) & ~captures.voided.astype(bool)
    ]
    odd = claims[~claims.setl_id.isin(good.setl_id) & ~claims.medins_setl_id.isin(good.msgid)]
    per_day = odd.groupby(["fixmedins_code", (odd.setl_time - JUNE.start) // DAY]).size()
    assert per_day.max() == 1 and len(per_day) > 50


def test_all_is_settled_in_business_hours_and_night_shops_have_them_at_night() -> None:
    visits, hours = paid(), tables()["hours"].drop_duplicates("fixmedins_code").set_index("fixmedins_code")
    always = set(tables()["sites"][lambda t: t.always_open].fixmedins_code)
    assert always and set(tables()["sites"].fixmedins_code) - always == set(hours.index)
    declared = visits[~visits.fixmedins_code.isin(always)]
    minute = local_minute(declared.setl_time)
    assert (minute >= declared.fixmedins_code.map(hours.opens)).all() and (minute < declared.fixmedins_code.map(hours.closes)).all()
    assert (local_minute(visits[visits.fixmedins_code.isin(always)].setl_time) > 22 * 60).any()


def test_who_is_named_on_a_line_signed_in_before_in_that_half_of_the_day() -> None:
    lines, signed = tables()["details"], tables()["sign_ins"]
    named = pd.concat([lines.assign(code=lines.bilg_dr_codg), lines.assign(code=lines.phar_code)]).dropna(subset="code")
    half = (named.fee_ocur_time - JUNE.start) // (12 * HOUR)
    there = signed.assign(half=(signed.signed_at - JUNE.start) // (12 * HOUR)).set_index(["fixmedins_code", "code", "half"]).signed_at
    found = there.reindex(pd.MultiIndex.from_arrays([named.fixmedins_code, named.code, half])).to_numpy(float)
    assert len(named) > 1000 and (found < named.fee_ocur_time.to_numpy(float)).all()


def test_no_trace_code_comes_twice_and_no_ingredient_to_one_person() -> None:
    claims, lines, items = paid(), tables()["details"], tables()["items"]
    sold = lines.merge(claims[["fixmedins_code", "setl_id", "psn_no"]]).merge(items, on="med_list_codg")
    assert not sold.drug_trac_codg.dropna().duplicated().any()
    drugs = sold[sold.ingredient.notna()]
    assert not drugs.duplicated(["psn_no", "ingredient"]).any()
    assert drugs.prd_days.max() <= 7


def test_no_more_is_billed_than_there_was() -> None:
    lines, stock = tables()["details"], tables()["stock"]
    drugs = lines[lines.list_type == "101"]
    key = ["fixmedins_code", "med_list_codg"]
    sold = drugs[drugs.cnt > 0].groupby(key).cnt.sum()
    sign = stock.movement.map({"opening": 1, "purchase": 1, "return": -1, "loss": -1})
    had = (stock.cnt * sign).groupby([stock[name] for name in key]).sum()
    assert (stock.cnt > 0).all() and (had.reindex(sold.index) >= sold).all()


def test_inpatients_are_met_every_day_or_on_leave_and_billed_once() -> None:
    rounds, leaves, stays = tables()["rounds"], tables()["leaves"], tables()["stays"]
    day = (rounds["at"] - JUNE.start) // DAY
    met = (
        rounds.assign(day=day, met=rounds.outcome != "absent").groupby(["mdtrt_id", "day"]).agg(met=("met", "any"), rounds=("met", "size"))
    )
    away = met[~met.met & (met.rounds == 2)].reset_index().merge(leaves, on="mdtrt_id", how="left")
    begins = JUNE.start + away.day * DAY
    assert len(away) > 0 and ((away.leave_from < begins) & (away.leave_to > begins + DAY)).all()
    assert not stays.psn_no.duplicated().any()
    bills = paid()[lambda t: t.med_type == "21"]
    assert len(bills) == stays.discharged_at.notna().sum()
    assert not set(stays.psn_no) & set(paid()[lambda t: t.med_type != "21"].psn_no)


def test_more_people_enter_than_settle() -> None:
    doors = tables()["coverage"][lambda t: t.role == "entrance"]
    day = (doors.since - JUNE.start) // DAY
    entered = doors.groupby([doors.fixmedins_code, day]).entered.sum()
    claims = paid()
    settled = claims.groupby([claims.fixmedins_code, (claims.setl_time - JUNE.start) // DAY]).size()
    assert len(entered) > 0 and (settled.reindex(entered.index).fillna(0) < entered).all()


def test_cameras_are_covered_for_seconds_only() -> None:
    assert tables()["coverage"].covered_us.max() <= MINUTE
    assert 0 < tables()["coverage"].failed_us.max() < HOUR / 4


def test_phones_order_near_the_institution_or_nowhere() -> None:
    places = tables()["places"].merge(tables()["sites"], on="fixmedins_code", suffixes=("", "_of"))
    known = places[places.latitude != 0]
    assert 0 < len(known) < len(places)
    assert ((known.latitude - known.latitude_of).abs().max() < 0.01) and ((known.longitude - known.longitude_of).abs().max() < 0.01)


def test_persons_of_cases_are_not_in_the_background() -> None:
    made = small()
    cases, captures = {name for case in made.truth for name in case.setl_ids}, made.frame("captures")
    claims = made.frame("settlements")
    acted = claims.setl_id.isin(cases)
    sites = set(claims[acted].fixmedins_code)
    assert not set(claims[acted].psn_no) & set(claims[~claims.fixmedins_code.isin(sites)].psn_no)
    faces = captures[captures.fixmedins_code.isin(sites)].face_group.dropna()
    assert not set(faces) & set(captures[~captures.fixmedins_code.isin(sites)].face_group.dropna())


@pytest.mark.parametrize("size", [FEWEST - 10, 1800, 2700])
def test_however_large_a_town_is_one_oddity_is_no_more_than_a_tenth_of_a_day(size: int) -> None:
    plan = timetable(Towns(0, 1), np.array([size]), JUNE, 1, 0)
    days = pd.DataFrame({"site": plan.site, "day": plan.day, "odd": (plan.oddity != Oddity.NONE) & (plan.original < 0)})
    sums = days.groupby(["site", "day"]).odd.agg(["sum", "size"])
    assert sums["sum"].max() == 1 and sums["size"].min() >= 10
    assert set(days.site) == set(range(HOSPITAL, LATE_SHOP + 1))


def test_refunds_come_back_at_the_same_institution_later_that_day() -> None:
    plan = timetable(Towns(3, 8), np.full(8, 1800), JUNE, 1, 0)
    back = np.flatnonzero(plan.original >= 0)
    of = plan.original[back]
    assert len(back) > 20
    for column in ("town", "day", "site", "person"):
        assert (getattr(plan, column)[back] == getattr(plan, column)[of]).all()
    assert (plan.at[back] - plan.at[of]).min() > 60 * SECOND


def test_shares_are_exact_however_they_are_cut() -> None:
    whole = share(10_007, 13, 0, 13)
    assert whole.sum() == 10_007 and whole.max() - whole.min() == 1
    assert np.concatenate([share(10_007, 13, 0, 5), share(10_007, 13, 5, 8)]).tolist() == whole.tolist()
