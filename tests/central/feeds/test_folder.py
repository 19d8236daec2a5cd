"""A folder as a source: streamed, each key once, what was taken back left out, and everything counted."""

from pathlib import Path

import pytest

from central.errors import BadInput
from central.feeds import service as feeds
from central.inputs import SCHEMAS
from tests.central.claims.files import row, write


def test_tables_come_in_the_schemas_of_what_is_compared(tmp_path: Path) -> None:
    write(tmp_path / "claims.csv", [row(), row(setl_id="S-2", setl_time="2031-05-05 00:00:00")])
    write(tmp_path / "proxies.csv", [{"psn_no": "A", "proxy_psn_no": "B", "valid_from": "2026-01-01", "valid_to": ""}])
    folder = feeds.read_folder(tmp_path)
    assert folder.names == ("settlements", "proxies")
    settlements = folder.table("settlements")
    assert settlements.schema == SCHEMAS["settlements"]
    assert settlements["medfee_sumamt"].to_pylist() == [3850, 3850]
    assert folder.table("proxies").to_pylist()[0]["valid_to"] == 253_402_300_800_000_000
    assert folder.table("staff") == SCHEMAS["staff"].empty_table()


def test_each_key_stands_once_and_another_content_is_a_named_fault(tmp_path: Path) -> None:
    rows = [row(), row(setl_id="S-2"), row(), row(psn_no="PSN-2"), row(setl_id="S-3"), row(setl_id="S-2", medfee_sumamt="x")]
    write(tmp_path / "settlements.csv", rows)
    folder = feeds.read_folder(tmp_path)
    assert folder.table("settlements")["setl_id"].to_pylist() == ["S-1", "S-2", "S-3"]
    count = folder.counts["settlements"]
    assert (count.rows, count.bad, count.repeated, count.withdrawn) == (6, 2, 1, 0)
    assert [(fault.line, fault.column) for fault in count.faults] == [(7, "medfee_sumamt"), (5, "setl_id")]
    assert "line 2" in count.faults[1].message


def test_a_settlement_that_the_file_takes_back_later_is_left_out(tmp_path: Path) -> None:
    flags = [("S-1", "1"), ("S-2", "1"), ("S-1", "0"), ("S-3", "0"), ("S-3", "1")]
    write(tmp_path / "claims.csv", [row(setl_id=name, vali_flag=flag) for name, flag in flags])
    folder = feeds.read_folder(tmp_path)
    assert folder.table("settlements")["setl_id"].to_pylist() == ["S-2", "S-3"]
    assert folder.counts["settlements"].withdrawn == 3


def test_a_folder_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such folder"):
        feeds.read_folder(tmp_path / "absent")
    with pytest.raises(BadInput, match=r"no file here is named as a dataset: claims, details"):
        feeds.read_folder(tmp_path)
    write(tmp_path / "claims.csv", [row()])
    write(tmp_path / "settlements.csv", [row()])
    with pytest.raises(BadInput, match=r"claims\.csv and settlements\.csv hold the same dataset"):
        feeds.read_folder(tmp_path)
