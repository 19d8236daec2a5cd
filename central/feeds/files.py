"""A file from outside, looked at once from end to end: its format, hash, encoding and header. Rows are not read yet."""

import codecs
import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from io import BufferedReader
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from central.errors import BadInput
from central.feeds.model import PERSONAL, Spec, shown

_PIECE = 1 << 22
LONGEST_LINE = 1 << 20
"""Bytes; what follows on the line is skipped and the row refused."""

PUSHED = 32 << 20
"""Bytes, as many as a program may push: a Parquet file no longer than that can stand for a thousand gigabytes, so it is read with care."""

_UNPACKED = 512 << 20
"""Bytes of a part of such a file; a million settlements have less than half of it."""

PARQUET, JSON = "parquet", "json lines"
_MARK = "\ufeff"
"""The byte-order mark, which GB18030 has too, and which a file put together of others may bear twice."""

_ESCAPED = re.compile("[\udc80-\udcff]")
_OTHER_FORMATS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
    (b"PK\x03\x04", "an Excel workbook or a zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"\x1f\x8b", "compressed with gzip"),
    (b"%PDF", "a PDF"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The columns of a file: where the ones that are read stand (by their own names), and which others there are."""

    width: int
    places: Mapping[str, int]
    unknown: tuple[str, ...]
    personal: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file that can be read. `name` is its name as it may be shown; `encoding` is `parquet` for a Parquet file."""

    path: Path
    name: str
    sha256: str
    encoding: str
    header: Header
    size: int


def look_at(path: Path, spec: Spec, name: str | None = None) -> Source:
    """Find format, encoding, hash and header. `name`: how it is called, if not by its path. Raises BadInput for what cannot be read, naming
    the encoding, format or columns."""
    name = shown(name or path.name)
    try:
        if not path.is_file():
            raise BadInput(f"{name}: there is no such file")
        with path.open("rb") as file:
            digest, encoding = _examine(file, name)
            header = _any_header(path, file, encoding, spec, name)
    except OSError as error:
        raise BadInput(f"{name}: cannot be read: {error.strerror or error}") from None
    return Source(path=path, name=name, sha256=digest, encoding=encoding, header=header, size=path.stat().st_size)


def split(content: str) -> list[str]:
    """The cells of one line. Raises csv.Error for stray quotes and for a cell beyond the csv module's limit (131072 characters)."""
    return next(csv.reader([content], strict=True))


def _examine(file: BufferedReader, name: str) -> tuple[str, str]:
    head = file.read(4096)
    if head.startswith(b"PAR1"):
        return "".join(_hashed(file)), PARQUET
    if not head.removeprefix(codecs.BOM_UTF8).strip():
        raise BadInput(f"{name}: the file is empty; a header row with the national column names is expected")
    for start, format_name in _OTHER_FORMATS:
        if head.startswith(start):
            raise _wrong_format(name, format_name)
    if max(head[0::2].count(0), head[1::2].count(0)) > len(head) // 3:
        raise _wrong_format(name, "UTF-16")
    digest = "".join(_hashed(file))
    if head.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"{"):
        return digest, JSON
    if _is_utf8(file):
        return digest, "utf-8-sig"
    utf8 = _fit(file, "utf-8")
    if head.startswith(codecs.BOM_UTF8) or utf8.broken <= utf8.wide:
        return digest, "utf-8-sig"
    gb18030 = _fit(file, "gb18030")
    if gb18030.broken > gb18030.wide:
        raise _wrong_format(name, "in an encoding that is neither UTF-8 nor GB18030")
    return digest, "gb18030"


def _hashed(file: BufferedReader) -> Iterator[str]:
    digest = sha256()
    for piece in _pieces(file):
        digest.update(piece)
    yield digest.hexdigest()


def _pieces(file: BufferedReader) -> Iterator[bytes]:
    file.seek(0)
    while piece := file.read(_PIECE):
        yield piece


def _is_utf8(file: BufferedReader) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for piece in _pieces(file):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    """How well an encoding fits: characters beyond ASCII that it can read, and bytes that it cannot."""

    wide: int
    broken: int


def _fit(file: BufferedReader, encoding: str) -> _Fit:
    decoder = codecs.getincrementaldecoder(encoding)("surrogateescape")
    wide = broken = 0
    for piece in _pieces(file):
        text = decoder.decode(piece)
        if not text.isascii():
            unread = len(_ESCAPED.findall(text))
            broken += unread
            wide += len(text) - len(text.encode("ascii", "ignore")) - unread
    return _Fit(wide=wide, broken=broken + len(decoder.decode(b"", final=True)))


def _wrong_format(name: str, format_name: str) -> BadInput:
    return BadInput(f"{name}: the file is {format_name}; save it as CSV in UTF-8 (or GB18030), or as Parquet")


def _any_header(path: Path, file: BufferedReader, encoding: str, spec: Spec, name: str) -> Header:
    if encoding == PARQUET:
        return _parquet_header(path, spec, name)
    return _json_header(file, spec) if encoding == JSON else _text_header(file, encoding, spec, name)


def _json_header(file: BufferedReader, spec: Spec) -> Header:
    """Every column may stand in each row; what is unknown is told of the first one."""
    file.seek(0)
    known = spec.names()
    try:
        first = json.loads(file.readline(LONGEST_LINE).decode("utf-8-sig", "surrogateescape"))
    except (ValueError, RecursionError):
        first = {}
    unknown = tuple(shown(each) for each in first if each not in known and each not in PERSONAL) if isinstance(first, dict) else ()
    personal = tuple(each for each in first if each in PERSONAL)
    places = {column.name: place for place, column in enumerate(spec.columns)}
    return Header(width=len(places), places=places, unknown=unknown, personal=personal)


def _text_header(file: BufferedReader, encoding: str, spec: Spec, name: str) -> Header:
    file.seek(0)
    first = file.readline(LONGEST_LINE).decode(encoding, "surrogateescape").splitlines()[0].lstrip(_MARK)
    try:
        names = [each.strip() for each in split(first)]
    except csv.Error as error:
        raise BadInput(f"{name}: the header row cannot be read: {error}") from None
    return _header(names, spec, name, f"the header begins with {shown(first.strip())!r}")


def _parquet_header(path: Path, spec: Spec, name: str) -> Header:
    try:
        schema, parts = pq.read_schema(path), pq.read_metadata(path)
    except pa.ArrowInvalid as error:
        raise BadInput(f"{name}: the Parquet file is damaged or cut short: {shown(str(error))}") from None
    unpacked = max((parts.row_group(place).total_byte_size for place in range(parts.num_row_groups)), default=0)
    if path.stat().st_size <= PUSHED and unpacked > _UNPACKED:
        raise BadInput(f"{name}: a row group unpacks to {unpacked >> 20} MiB, at most {_UNPACKED >> 20} are read: write smaller ones")
    return _header(schema.names, spec, name, f"it has {shown(', '.join(schema.names))}")


def _header(names: Sequence[str], spec: Spec, file_name: str, what: str) -> Header:
    known = spec.names()
    given = [known[each].name for each in names if each in known]
    if missing := sorted({column.name for column in spec.columns if column.required} - set(given)):
        raise BadInput(f"{file_name}: required columns are missing: {', '.join(missing)}; {what}")
    if twice := sorted({each for each in given if given.count(each) > 1}):
        raise BadInput(f"{file_name}: columns stand twice in the header: {', '.join(twice)}")
    return Header(
        width=len(names),
        places={known[each].name: place for place, each in enumerate(names) if each in known},
        unknown=tuple(shown(each) for each in names if each not in known and each not in PERSONAL),
        personal=tuple(each for each in names if each in PERSONAL),
    )
