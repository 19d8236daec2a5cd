"""A whole month: exact size, unique keys, amounts that add up, the same bytes every time."""

import hashlib
from collections import Counter
from pathlib import Path

import pytest

from central.errors import BadInput
from central.inputs import SCHEMAS
from central.scoring import Kind, read_truth
from scripts.simulating.making import Order, pieces, write
from scripts.simulating.month import read_month
from tests.scripts.simulating.made import CLAIMS, JUNE, make, small

KEYS = {
    "settlements": ["fixmedins_code", "setl_id"],
    "captures": ["capture_id"],
    "coverage": ["device_id", "window", "since"],
    "sites": ["fixmedins_code"],
    "hours": ["fixmedins_code", "weekday"],
    "persons": ["psn_no"],
    "proxies": ["psn_no", "proxy_psn_no", "valid_from"],
    "details": ["fixmedins_code", "setl_id", "feedetl_sn"],
    "items": ["med_list_codg"],
    "stays": ["fixmedins_code", "mdtrt_id"],
    "places": ["fixmedins_code", "setl_id"],
    "reports": ["fixmedins_code", "source"],
}


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_every_table_has_rows_in_its_schema(name: str) -> None:
    table = small().tables[name]
    assert table.schema == SCHEMAS[name]
    assert table.num_rows > 0


@pytest.mark.parametrize("name", sorted(KEYS))
def test_keys_are_unique_and_known(name: str) -> None:
    keys = small().frame(name)[KEYS[name]]
    assert not keys.isna().any().any()
    assert not keys.duplicated().any()


def test_size_is_exact() -> None:
    made = small()
    assert made.tables["settlements"].num_rows == CLAIMS
    assert made.tables["captures"].num_rows == CLAIMS * 12 // 10


def test_shares_of_a_bill_and_its_lines_add_up() -> None:
    claims, lines = small().frame("settlements"), small().frame("details")
    assert (claims.medfee_sumamt == claims.fund_pay_sumamt + claims.acct_pay + claims.psn_cash_pay).all()
    paid = claims[claims.refd_setl_flag == 0]
    assert (paid[["medfee_sumamt", "fund_pay_sumamt", "acct_pay", "psn_cash_pay"]] >= 0).all().all()
    sums = lines.groupby(["fixmedins_code", "setl_id"]).det_item_fee_sumamt.sum()
    bills = claims.set_index(["fixmedins_code", "setl_id"]).medfee_sumamt
    assert sums.sort_index().equals(bills.astype(sums.dtype).sort_index().rename(sums.name))


def test_refunds_name_their_originals_and_take_back_no_more() -> None:
    claims = small().frame("settlements")
    refunds = claims[claims.refd_setl_flag == 1]
    alone = ~refunds.init_setl_id.isin(claims.setl_id)
    assert 0 < alone.sum() < 10, "of an earlier month"
    refunds = refunds[~alone]
    both = refunds.merge(claims, left_on=["fixmedins_code", "init_setl_id"], right_on=["fixmedins_code", "setl_id"], suffixes=("", "_of"))
    assert len(both) == len(refunds) > 10
    assert (both.refd_setl_flag_of == 0).all() and (both.psn_no == both.psn_no_of).all()
    assert (both.medfee_sumamt < 0).all() and (both.medfee_sumamt + both.medfee_sumamt_of >= 0).all()
    assert (both.setl_time > both.setl_time_of).all()
    assert not both.init_setl_id.duplicated().any()


def test_everything_lies_in_the_month_and_at_a_known_institution() -> None:
    made, sites = small(), set(small().frame("sites").fixmedins_code)
    for name, at in (("settlements", "setl_time"), ("captures", "opened_at"), ("rounds", "at"), ("sign_ins", "signed_at")):
        frame = made.frame(name)
        assert set(frame.fixmedins_code) <= sites
        assert frame[at].min() >= JUNE.start - 3_600_000_000 and frame[at].max() < JUNE.end


def test_captures_are_bound_to_settlements_that_exist() -> None:
    claims, captures = small().frame("settlements"), small().frame("captures")
    bound = captures[captures.setl_id.notna()]
    astray = set(zip(bound.fixmedins_code, bound.setl_id, strict=True)) - set(zip(claims.fixmedins_code, claims.setl_id, strict=True))
    assert set(bound.setl_id) <= set(claims.setl_id) and len(astray) < 5, "a few are told by the terminal next door"
    assert {"bound", "voided", "timed_out"} <= set(captures.closing)
    unbound = captures[captures.setl_id.isna() & (captures.closing == "bound")]
    assert len(unbound) > 0 and set(unbound.msgid) <= set(claims.medins_setl_id)


def test_a_month_has_all_that_may_happen_with_nobody_to_blame() -> None:
    captures = small().frame("captures")
    assert set(captures.outcome) == {"same", "different", "undecided", "attack", "no_person", "blind", "manual_verified", "proxy"}
    assert captures.distrusted.any() and captures.camera_fault.any() and (captures.clock_error_ms > 30_000).any()
    coverage = small().frame("coverage")
    assert (coverage.seen_us + coverage.covered_us + coverage.failed_us == coverage.until - coverage.since).all()
    assert (coverage.failed_us > 0).any() and set(coverage.role) == {"window", "entrance"}


def test_the_same_order_gives_the_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    order = Order(claims=4000, month=JUNE, seed=3)
    for name in ("a", "b"):
        write(order, tmp_path / name, "parquet")
    write(Order(claims=4000, month=JUNE, seed=4), tmp_path / "c", "parquet")
    first, again, other = (hashes(tmp_path / name) for name in ("a", "b", "c"))
    assert first == again
    assert first["claims.parquet"] != other["claims.parquet"] and first["captures.parquet"] != other["captures.parquet"]


def test_a_file_is_in_pieces_and_the_truth_comes_back(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    rows = write(Order(claims=4000, month=JUNE, seed=3), tmp_path, "csv", lambda *said: told.append(said))
    assert rows["settlements"] == 4000 == len((tmp_path / "claims.csv").read_text().splitlines()) - 1
    truth = read_truth((tmp_path / "truth.csv").read_text(), "truth.csv")
    assert Counter(case.kind for case in truth)[Kind.PLANTED] == 33 * 5
    assert {what for what, _, _ in told} == {"cases", "claims"}
    assert all(done <= of for _, done, of in told) and told[-1][1] == told[-1][2]
    assert not (tmp_path / ".part").exists()


def test_an_earlier_month_is_replaced_as_a_whole_and_only_by_a_whole_one(tmp_path: Path) -> None:
    write(Order(claims=4000, month=JUNE, seed=3), tmp_path, "parquet")
    before = hashes(tmp_path)
    with pytest.raises(BadInput, match="too few"):
        write(Order(claims=2000, month=JUNE, seed=3), tmp_path, "parquet")
    assert hashes(tmp_path) == before
    write(Order(claims=4000, month=JUNE, seed=3), tmp_path, "csv")
    assert not list(tmp_path.glob("*.parquet"))


@pytest.mark.parametrize("claims", [1, 2000])
def test_too_few_claims_are_refused_with_what_is_needed(claims: int) -> None:
    with pytest.raises(BadInput, match=rf"{claims} claims are too few: the cases need \d+ and the background \d+"):
        list(pieces(Order(claims=claims, month=JUNE, seed=1)))


@pytest.mark.parametrize("month", ["2024-02", "2026-12"])
def test_other_months_are_as_whole(month: str) -> None:
    made = make(Order(claims=4000, month=read_month(month), seed=1))
    claims = made.frame("settlements")
    assert len(claims) == 4000
    assert claims.setl_time.between(read_month(month).start, read_month(month).end - 1).all()
