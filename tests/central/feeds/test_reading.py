"""A column at once and a cell at a time must say the same; a wrong cell is named whichever way it came."""

import string
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.china import CHINA
from central.db import to_micros
from central.errors import BadInput
from central.feeds import columnar
from central.feeds.claims import claims
from central.feeds.datasets import IDENTIFIER, registers, site_code
from central.feeds.files import look_at
from central.feeds.kinds import DAY_OR_TIME, INSTANT, TIME, Kind, OneOf, Text
from central.feeds.model import Batch, Spec
from central.feeds.numbers import FLAG, MONEY, QUANTITY, MinuteOfDay, Real, Truth, Whole
from central.feeds.reading import read
from central.feeds.watching import watching
from central.inputs import SCHEMAS
from tests.central.claims.files import row, write

SITE = site_code(r"[A-Z]?[0-9]{11}")
CLAIMS = claims(SITE, earliest=date(2000, 1, 1), latest=datetime(2026, 1, 3, tzinfo=UTC))
EVERY = (CLAIMS, *registers(SITE), *watching(SITE))
KINDS: tuple[Kind, ...] = (
    *(IDENTIFIER, SITE, TIME, DAY_OR_TIME, INSTANT, MONEY, QUANTITY, FLAG, Text(12), Whole(-5, 5), Real(-90, 90), Truth(), MinuteOfDay()),
    OneOf(("bed", "treatment")),
)
WRAPPED = 2_305_844_776_531_114_952
"""Milliseconds so far ahead that their microseconds, cut to 64 bits, lie on 2026-01-02."""

LIKELY = st.one_of(
    st.text(max_size=14),
    st.text(alphabet="0123456789-:. ", max_size=20),
    st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}:[0-9]{2})?", fullmatch=True),
    st.from_regex(r"-?[0-9]{1,16}(\.[0-9]{1,4})?", fullmatch=True),
    st.from_regex(r"[A-Z]?[0-9]{11}", fullmatch=True),
    st.sampled_from(("0", "1", "true", "bed", "24:00", "8:30", "2024-02-29", "2023-02-29 00:00:00", "0001-01-01 00:00:00", "1e3", "-0")),
)


def all_of(path: Path, spec: Spec = CLAIMS, after: int | None = None) -> list[Batch]:
    return list(read(look_at(path, spec), spec, after))


def rows_of(batches: Sequence[Batch]) -> list[dict[str, Any]]:
    return [each for batch in batches for each in batch.rows.to_pylist()]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
@settings(max_examples=60)
@given(cells=st.lists(LIKELY, min_size=1, max_size=8))
def test_a_column_is_only_sure_of_what_a_cell_says_too(kind: Kind, cells: list[str]) -> None:
    text = [cell.strip() for cell in cells if not any(0xD800 <= ord(each) < 0xE000 for each in cell)]
    if not text:
        return
    values, sure = kind.of_cells(pa.array(text))
    for cell, value, is_sure in zip(text, values.to_pylist(), sure.tolist(), strict=True):
        if is_sure and cell:
            assert value == kind.read(cell)
            assert all(ord(each) > 31 and not 127 <= ord(each) < 160 for each in cell)
        elif is_sure:
            assert value is None


def test_space_is_what_python_calls_so() -> None:
    every = [chr(number) for number in range(0x110000) if not 0xD800 <= number < 0xE000]
    gone = columnar.trimmed(pa.array(every)).to_pylist()
    assert [char for char, left in zip(every, gone, strict=True) if not left] == [char for char in every if not char.strip()]


def test_every_day_of_four_centuries_is_where_the_calendar_has_it() -> None:
    days = [date.fromordinal(number).isoformat() for number in range(date(1900, 1, 1).toordinal(), date(2300, 1, 1).toordinal(), 3)]
    micros, sure = columnar.moments(pa.array(days), day=True)
    assert sure.all()
    assert micros.to_pylist() == [to_micros(datetime.fromisoformat(day).replace(tzinfo=CHINA)) for day in days]


def test_rows_come_in_the_order_of_the_file_whichever_way_they_were_read(tmp_path: Path) -> None:
    names = ["plain", 'a "quoted" one', "市药房", "plain, with a comma", "x" * 201, "last"]
    path = write(tmp_path / "claims.csv", [row(setl_id=f"S-{n}", fixmedins_name=name) for n, name in enumerate(names)])
    (batch,) = all_of(path)
    assert batch.lines.tolist() == [2, 3, 4, 5, 7]
    assert batch.rows["fixmedins_name"].to_pylist() == [*names[:4], "last"]
    assert [(fault.line, fault.column, fault.message) for fault in batch.faults] == [(6, "fixmedins_name", "has more than 200 characters")]
    assert (batch.read, batch.bad, batch.after) == (6, 1, 8)


@pytest.mark.parametrize("size", [64, 257, 4 << 20])
def test_blocks_of_any_size_give_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    rows = [row(setl_id=f"S-{n}", fixmedins_name='药"房' if n % 7 == 0 else "药房", psn_no="" if n % 11 == 0 else "P-1") for n in range(60)]
    path = write(tmp_path / "claims.csv", rows, "gb18030")
    monkeypatch.setattr("central.feeds.lines._BLOCK", size)
    batches = all_of(path)
    assert [each["setl_id"] for each in rows_of(batches)] == [f"S-{n}" for n in range(60) if n % 11]
    assert [fault.line for batch in batches for fault in batch.faults] == [n + 2 for n in range(60) if n % 11 == 0]


def test_reading_goes_on_from_any_line(tmp_path: Path) -> None:
    path = write(tmp_path / "claims.csv", [row(setl_id=f"S-{n}") for n in range(10)])
    assert [each["setl_id"] for each in rows_of(all_of(path, after=7))] == [f"S-{n}" for n in range(5, 10)]
    table = pa.Table.from_pylist([row(setl_id=f"S-{n}") for n in range(10)])
    pq.write_table(table, tmp_path / "claims.parquet")
    assert [each["setl_id"] for each in rows_of(all_of(tmp_path / "claims.parquet", after=6))] == [f"S-{n}" for n in range(5, 10)]


def test_typed_and_written_rows_are_the_same_rows(tmp_path: Path) -> None:
    texts = [row(setl_id="S-1", begndate="2026-01-01"), row(setl_id="S-2", refd_setl_flag="1", medfee_sumamt="-38.50", begndate="")]
    written = rows_of(all_of(write(tmp_path / "claims.csv", texts)))
    moment = pa.array([datetime.fromisoformat("2026-01-02 09:30:21")] * 2, pa.timestamp("us"))
    money = {name: pa.array([Decimal(each[name]) for each in texts], pa.decimal128(18, 2)) for name in ("medfee_sumamt", "acct_pay")}
    table = pa.Table.from_pylist(texts)
    for name, column in {
        **money,
        "setl_time": moment,
        "begndate": pa.array([date(2026, 1, 1), None], pa.date32()),
        "refd_setl_flag": pa.array([False, True]),
        "psn_no": table["psn_no"].dictionary_encode(),
    }.items():
        table = table.set_column(table.column_names.index(name), name, column)
    pq.write_table(table, tmp_path / "claims.parquet")
    assert rows_of(all_of(tmp_path / "claims.parquet")) == written
    zoned = pa.array([datetime(2026, 1, 2, 1, 30, 21, tzinfo=UTC)] * 2, pa.timestamp("ns", tz="UTC"))
    pq.write_table(table.set_column(table.column_names.index("setl_time"), "setl_time", zoned), tmp_path / "claims.parquet")
    assert rows_of(all_of(tmp_path / "claims.parquet")) == written


@pytest.mark.parametrize(
    ("column", "values", "line", "message"),
    [
        ("medfee_sumamt", pa.array([Decimal("1.005"), Decimal("1.000")], pa.decimal128(18, 3)), 1, "is not an amount"),
        ("medfee_sumamt", pa.array([Decimal(10**10), Decimal(1)], pa.decimal128(30, 2)), 1, "is more than any settlement"),
        ("medfee_sumamt", pa.array([None, Decimal(1)], pa.decimal128(18, 2)), 1, "is empty but required"),
        (
            "setl_time",
            pa.array([datetime.fromisoformat("2026-01-01"), datetime.fromisoformat("2099-01-01")], pa.timestamp("us")),
            2,
            "lies in the future",
        ),
        ("refd_setl_flag", pa.array([0, 7], pa.int8()), 2, "is neither 0 nor 1"),
        ("medfee_sumamt", pa.array([Decimal(10**36), Decimal(38)], pa.decimal128(38, 0)), 1, "is not an amount"),
        ("medfee_sumamt", pa.array([Decimal(38), Decimal(10**10)], pa.decimal128(11, 0)), 2, "is more than any settlement"),
        ("medfee_sumamt", pa.array([Decimal("38.501"), Decimal("38.5")], pa.decimal256(76, 60)), 1, "is not an amount"),
        ("setl_time", pa.array([2**62, 1_767_317_421_000_000], pa.timestamp("us")), 1, "is not a time like"),
        ("setl_time", pa.array([1_767_317_421_000, WRAPPED], pa.timestamp("ms")), 2, "is not a time like"),
        ("begndate", pa.array([20_454, 2**31 - 1], pa.date32()), 2, "is neither a time like"),
    ],
)
def test_a_typed_cell_is_refused_in_the_same_words(tmp_path: Path, column: str, values: pa.Array, line: int, message: str) -> None:
    table = pa.Table.from_pylist([row(setl_id="S-1", begndate=""), row(setl_id="S-2", begndate="")])
    pq.write_table(table.set_column(table.column_names.index(column), column, values), tmp_path / "claims.parquet")
    (batch,) = all_of(tmp_path / "claims.parquet")
    assert batch.rows.num_rows == 1
    assert [(fault.line, fault.column) for fault in batch.faults] == [(line, column)]
    assert message in batch.faults[0].message


@pytest.mark.parametrize(
    ("column", "values"), [("medfee_sumamt", pa.array([38.5])), ("psn_no", pa.array([7])), ("setl_time", pa.array([1_700_000_000]))]
)
def test_a_parquet_column_of_another_type_is_refused_by_name(tmp_path: Path, column: str, values: pa.Array) -> None:
    table = pa.Table.from_pylist([row()])
    pq.write_table(table.set_column(table.column_names.index(column), column, values), tmp_path / "claims.parquet")
    with pytest.raises(BadInput, match=f"claims.parquet: column {column} has the type {values.type}; expected is"):
        all_of(tmp_path / "claims.parquet")


def test_a_few_bytes_that_stand_for_much_text_are_read_in_bounded_memory(tmp_path: Path) -> None:
    """Repeated as it stands, the name of a thousand rows would take a thousand million bytes."""
    rows = 1000
    table = pa.Table.from_pylist([row()] * rows)
    long = pa.DictionaryArray.from_arrays(pa.array([0] * rows), pa.array(["药" * 333_333]))
    table = table.set_column(table.column_names.index("fixmedins_name"), "fixmedins_name", long)
    pq.write_table(table, tmp_path / "claims.parquet", dictionary_pagesize_limit=1 << 24)
    before = pa.default_memory_pool().max_memory()
    (batch,) = all_of(tmp_path / "claims.parquet")
    assert pa.default_memory_pool().max_memory() < before + (100 << 20)
    assert (batch.bad, len(batch.faults)) == (rows, rows)
    assert {fault.message for fault in batch.faults} == {"has more than 200 characters"}


def test_a_small_file_that_unpacks_to_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = pa.Table.from_pylist([row(fixmedins_name="x" * 2_000_000)])
    pq.write_table(table, tmp_path / "claims.parquet", compression="zstd")
    assert all_of(tmp_path / "claims.parquet")[0].bad == 1
    monkeypatch.setattr("central.feeds.files._UNPACKED", 1 << 20)
    with pytest.raises(BadInput, match=r"claims\.parquet: a row group unpacks to 1 MiB, at most 1 are read"):
        all_of(tmp_path / "claims.parquet")
    monkeypatch.setattr("central.feeds.files.PUSHED", 1000)
    assert all_of(tmp_path / "claims.parquet")[0].bad == 1, "a file of our own"


def test_a_parquet_file_that_was_cut_is_refused_by_name(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist([row()] * 1000), tmp_path / "claims.parquet")
    whole = (tmp_path / "claims.parquet").read_bytes()
    (tmp_path / "claims.parquet").write_bytes(whole[:-40])
    with pytest.raises(BadInput, match=r"claims\.parquet: the Parquet file is damaged"):
        all_of(tmp_path / "claims.parquet")


@pytest.mark.parametrize("spec", EVERY, ids=lambda spec: spec.name)
def test_every_dataset_says_what_it_means(spec: Spec) -> None:
    names = [column.name for column in spec.columns]
    assert len(set(spec.names())) == len(spec.names()), "no name stands for two columns"
    assert set(spec.key) <= set(names)
    assert {check.column for check in spec.checks} <= set(names)
    compared = SCHEMAS["settlements" if spec.name == "claims" else spec.name]
    assert set(compared.names) <= set(names), "everything that is compared can come from a file"
    assert all(field.type == spec.schema.field(field.name).type for field in compared)
    assert all(column.meaning and column.kind.expected for column in spec.columns)


@pytest.mark.parametrize("spec", EVERY, ids=lambda spec: spec.name)
@settings(max_examples=12)
@given(data=st.data())
def test_any_cells_give_rows_or_faults_and_never_an_error(
    tmp_path_factory: pytest.TempPathFactory, spec: Spec, data: st.DataObject
) -> None:
    cell = st.text(alphabet=string.printable + "药\x00\x85\u3000", max_size=20)
    names = [column.name for column in spec.columns]
    rows = data.draw(st.lists(st.fixed_dictionaries({name: cell for name in names}), min_size=1, max_size=3))
    path = write(tmp_path_factory.mktemp("any") / "any.csv", rows)
    for batch in all_of(path, spec):
        assert batch.bad == len({fault.line for fault in batch.faults})
        assert all(fault.message for fault in batch.faults)


def test_other_names_of_a_column_are_known(tmp_path: Path) -> None:
    (hours,) = (spec for spec in registers(SITE) if spec.name == "hours")
    path = write(tmp_path / "hours.csv", [{"fixmedins_code": "P99999900001", "weekday": "1", "open": "8:30", "close": "24:00"}])
    assert rows_of(all_of(path, hours)) == [{"fixmedins_code": "P99999900001", "weekday": 1, "opens": 510, "closes": 1440}]


@pytest.mark.parametrize(
    ("first", "message"),
    [
        ('{"fixmedins_code": "P99999900001", "weekday": 1, "open": "8:30", "opens": "9:30", "close": "17:00"}', "stands twice in it"),
        ('{"fixmedins_code": ' + "[" * 100_000, "nested too deeply"),
    ],
)
def test_a_first_line_that_is_no_row_as_json_costs_only_itself(tmp_path: Path, first: str, message: str) -> None:
    (hours,) = (spec for spec in registers(SITE) if spec.name == "hours")
    path = tmp_path / "hours.json"
    path.write_text(first + '\n{"fixmedins_code": "P99999900001", "weekday": 1, "opens": "8:30", "closes": "17:00"}\n', encoding="utf-8")
    (batch,) = all_of(path, hours)
    assert (batch.rows.num_rows, [fault.line for fault in batch.faults]) == (1, [1])
    assert message in batch.faults[0].message
