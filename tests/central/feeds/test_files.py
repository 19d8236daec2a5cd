"""Whole files: encodings, formats, headers, and lines that are no rows."""

import tracemalloc
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from central.errors import BadInput
from central.feeds.claims import claims
from central.feeds.datasets import site_code
from central.feeds.files import Source, look_at
from central.feeds.model import Batch, Fault
from central.feeds.reading import read
from tests.central.claims.files import ROW, row, write

WANTED = claims(site_code(r"[A-Z]?[0-9]{11}"), earliest=date(2000, 1, 1), latest=datetime(2026, 1, 3, tzinfo=UTC))


def look(path: Path) -> Source:
    return look_at(path, WANTED)


def batches(path: Path) -> Iterator[Batch]:
    return read(look(path), WANTED)


def names(path: Path) -> list[str]:
    return [name for batch in batches(path) for name in batch.rows["fixmedins_name"].to_pylist()]


def raw(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def header_and(*lines: str) -> bytes:
    return "\n".join([",".join(ROW), *lines, ""]).encode()


@pytest.mark.parametrize(
    ("encoding", "named"), [("utf-8", "utf-8-sig"), ("utf-8-sig", "utf-8-sig"), ("gb18030", "gb18030"), ("gbk", "gb18030")]
)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_utf8_and_gb18030_are_read(tmp_path: Path, encoding: str, named: str, mark: str) -> None:
    """Also with a mark before the header; "utf-8-sig" then bears two, as a file put together of others may."""
    if mark and encoding == "gbk":
        return
    path = write(tmp_path / "claims.csv", [row(fixmedins_name="市第一人民医院药房")] * 3, encoding)
    path.write_bytes(mark.encode("utf-8" if encoding == "utf-8-sig" else encoding) + path.read_bytes())
    assert look(path).encoding == named
    assert names(path) == ["市第一人民医院药房"] * 3


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("setl_id\n".encode("utf-16"), "UTF-16"),
        ("setl_id,mdtrt_id\n".encode("utf-16-le"), "UTF-16"),
        ("setl_id\n".encode("utf-32"), "UTF-32"),
        (b"PK\x03\x04rest", "Excel workbook"),
        (b"\xd0\xcf\x11\xe0rest", "old Excel workbook"),
        (b"\x1f\x8brest", "gzip"),
        (b"setl_id\xff\xff\xff\xff\n", "neither UTF-8 nor GB18030"),
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\x84\x31\x95\x33", "required columns are missing"),
    ],
)
def test_other_encodings_and_formats_are_refused_by_name(tmp_path: Path, content: bytes, named: str) -> None:
    with pytest.raises(BadInput, match=named):
        look(raw(tmp_path / "claims.csv", content))


def test_a_missing_file_and_a_folder_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        look(tmp_path / "absent.csv")
    with pytest.raises(BadInput, match="no such file"):
        look(tmp_path)


def test_all_missing_required_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"missing: acct_pay, fixmedins_code, .*setl_time; the header begins with 'setl_id,psn_no'"):
        look(raw(tmp_path / "claims.csv", b"setl_id,psn_no\n"))


def test_a_column_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="twice in the header: psn_no"):
        look(raw(tmp_path / "claims.csv", (",".join(ROW) + ",psn_no\n").encode()))


def test_unknown_columns_are_named_and_personal_ones_are_never_handed_on(tmp_path: Path) -> None:
    path = write(tmp_path / "claims.csv", [row(remark="x", psn_name="甲", certno="110101199003071234")])
    file = look(path)
    assert file.header.unknown == ("remark",)
    assert set(file.header.personal) == {"psn_name", "certno"}
    (batch,) = batches(path)
    assert "甲" not in str(batch.rows.to_pylist())
    assert set(file.header.places) == set(ROW)


def test_a_line_that_is_no_row_costs_only_itself(tmp_path: Path) -> None:
    good = ",".join(ROW.values())
    long = f"{'x' * 1_000_000},{good}"
    lines = [good, '"never closed,1,2', good, "too,few,cells", "", good, long, f'"{"y" * 3_000_000}', good, "z" * 9_000_000, good]
    found = list(batches(raw(tmp_path / "claims.csv", header_and(*lines))))
    assert [line for batch in found for line in batch.lines.tolist()] == [2, 4, 7, 10, 12]
    faults: list[Fault] = [fault for batch in found for fault in batch.faults]
    assert [(fault.line, fault.value) for fault in faults] == [
        (3, "17 characters"),
        (5, "3 cells"),
        (8, f"{len(long)} characters"),
        (9, "1048576 characters"),
        (11, "1048576 characters"),
    ]
    assert "1,2" not in "".join(fault.value + fault.message for fault in faults), "a line in disorder is never repeated: it may hold names"


def test_quoted_commas_and_any_line_end_are_read(tmp_path: Path) -> None:
    cells = ",".join(value if name != "fixmedins_name" else '"甲, ""乙"""' for name, value in ROW.items())
    for end in ("\n", "\r\n", "\r"):
        path = raw(tmp_path / "claims.csv", header_and(cells).decode().replace("\n", end).encode())
        assert names(path) == ['甲, "乙"']


def test_one_broken_byte_in_a_utf8_file_does_not_turn_it_into_gb18030(tmp_path: Path) -> None:
    good = ",".join(ROW.values())
    content = header_and(good, good).replace("药房".encode(), "药".encode() + b"\xe6", 1)
    path = raw(tmp_path / "claims.csv", content)
    assert look(path).encoding == "utf-8-sig"
    (batch,) = batches(path)
    assert batch.rows["fixmedins_name"].to_pylist() == [ROW["fixmedins_name"]]
    assert [(fault.line, fault.column) for fault in batch.faults] == [(2, "fixmedins_name")]


def test_a_long_file_is_read_in_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("lines._BLOCK", "files._PIECE"):
        monkeypatch.setattr(f"central.feeds.{name}", 1 << 18)
    line = (",".join(ROW.values()) + "\n").encode()
    path = raw(tmp_path / "claims.csv", header_and() + line * 60_000)
    before = pa.total_allocated_bytes()  # what others in this process still hold
    tracemalloc.start()
    held = [(len(batch.lines), pa.total_allocated_bytes() - before) for batch in batches(path)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(rows for rows, _ in held) == 60_000
    assert peak + max(size for _, size in held) < path.stat().st_size // 2
    assert len(held) > 5, "in parts, so that a file ten times as long takes no more"
