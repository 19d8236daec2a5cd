"""The files of the import formats say exactly what the tables say."""

from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from central.inputs import FOREVER, SCHEMAS
from scripts.simulating.writing import FILE_NAMES, MOMENTS, MONEY, THOUSANDTHS, Folder, exported

JULY = 1_782_835_200_000_000
"""The first of July 2026 at midnight in China."""
COUNTS = frozenset(
    {
        *("refd_setl_flag", "days_rinp_flag_31", "persons", "frames_seen", "frames_used", "face_group", "entered", "stayed"),
        *("seen_us", "covered_us", "failed_us", "weekday", "opens", "closes", "prd_days", "most_days", "trdn_flag"),
    }
)


def test_of_every_whole_number_it_is_known_what_it_counts() -> None:
    whole = {field.name for schema in SCHEMAS.values() for field in schema if field.type == pa.int64()}
    assert whole - MOMENTS - MONEY - THOUSANDTHS - COUNTS == set(), "decide in writing.py whether it is a moment, money, or a quantity"
    assert whole >= MOMENTS | MONEY | THOUSANDTHS


def settled() -> pa.Table:
    rows = [
        {"setl_id": "a", "setl_time": JULY, "medfee_sumamt": 123_456_789_012, "refd_setl_flag": 0},
        {"setl_id": "b", "setl_time": JULY - 1_000_000, "medfee_sumamt": -5, "refd_setl_flag": 1},
        {"setl_id": "c", "setl_time": None, "medfee_sumamt": None, "refd_setl_flag": None},
    ]
    return pa.Table.from_pylist(rows, SCHEMAS["settlements"])


def test_parquet_holds_decimals_and_china_s_time(tmp_path: Path) -> None:
    with Folder(tmp_path, "parquet", ["settlements", "details", "proxies"]) as files:
        files.write("settlements", settled())
        files.write("settlements", settled().slice(1, 1))
        files.write("details", pa.Table.from_pylist([{"cnt": 1500}, {"cnt": None}], SCHEMAS["details"]))
        files.write("proxies", pa.Table.from_pylist([{"valid_from": JULY, "valid_to": FOREVER}], SCHEMAS["proxies"]))
    claims = pq.read_table(tmp_path / "claims.parquet")
    assert claims.schema.field("setl_time").type == pa.timestamp("us")
    assert claims.schema.field("medfee_sumamt").type == pa.decimal128(18, 2)
    assert [str(value) for value in claims["medfee_sumamt"].to_pylist()] == ["1234567890.12", "-0.05", "None", "-0.05"]
    assert [str(value) for value in claims["setl_time"].to_pylist()[:2]] == ["2026-07-01 00:00:00", "2026-06-30 23:59:59"]
    assert [str(value) for value in pq.read_table(tmp_path / "details.parquet")["cnt"].to_pylist()] == ["1.500", "None"]
    assert pq.read_table(tmp_path / "proxies.parquet")["valid_to"].to_pylist() == [None]
    assert files.rows == {"settlements": 4, "details": 2, "proxies": 1}


def test_csv_says_the_same_in_words(tmp_path: Path) -> None:
    with Folder(tmp_path, "csv", ["settlements", "captures"]) as files:
        files.write("settlements", settled())
        files.write("captures", pa.Table.from_pylist([{"capture_id": 'x,"y"', "voided": True, "distrusted": None}], SCHEMAS["captures"]))
    header, first, second, third = (tmp_path / "claims.csv").read_text().splitlines()
    assert header.replace('"', "").split(",") == SCHEMAS["settlements"].names
    assert '"2026-07-01 00:00:00"' in first and '"1234567890.12"' in first
    assert '"-0.05"' in second and "2026-06-30 23:59:59" in second
    assert third.replace(",", "") == '"c"'
    captures = pyarrow.csv.read_csv(tmp_path / "captures.csv").to_pylist()[0]
    assert (captures["capture_id"], captures["voided"], captures["distrusted"]) == ('x,"y"', 1, None)


def test_a_slice_of_a_table_is_exported_as_it_is() -> None:
    long = pa.Table.from_pylist([{"medfee_sumamt": None if n % 3 else n} for n in range(100)], SCHEMAS["settlements"])
    whole = exported(long, "parquet")["medfee_sumamt"].to_pylist()
    assert exported(long.slice(41, 30), "parquet")["medfee_sumamt"].to_pylist() == whole[41:71]


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_table_without_rows_has_a_file_too(tmp_path: Path, kind: str) -> None:
    with Folder(tmp_path, kind):  # type: ignore[arg-type]
        pass
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.{kind}" for name in FILE_NAMES.values()}
