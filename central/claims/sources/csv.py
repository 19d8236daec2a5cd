"""Claim files as CSV: UTF-8 (with or without BOM) or GB18030, one header row, one line per settlement, read with bounded memory."""

import codecs
import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import file_digest
from io import BufferedReader
from itertools import count
from pathlib import Path
from typing import TextIO

from central.claims.columns import PERSONAL, Column, shown
from central.claims.model import Fault
from central.errors import BadInput

_PIECE = 1 << 20
_LONGEST_LINE = 1 << 20
"""Characters; what follows on the line is skipped and the row refused."""

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
class Cells:
    """One row: its line in the file and the text of each named column."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The columns of a file: where the ones that are read stand, and which others there are."""

    width: int
    places: Mapping[str, int]
    unknown: tuple[str, ...]
    personal: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimFile:
    """A claim file that was looked at once from end to end: hash, encoding and header are known, rows are not read yet.

    `name` is the file's name as it may be shown.
    """

    path: Path
    name: str
    sha256: str
    encoding: str
    header: Header

    def rows(self) -> Iterator[Cells | Fault]:
        """Each row that is not blank, or why its line is none. A line break inside a quoted cell is refused: one stray quote
        must not swallow the rows behind it."""
        with _open_text(self.path, self.encoding) as file:
            lines = _lines(file)
            next(lines)
            for line, content in lines:
                if content.strip():
                    yield _cells(line, content, self.header)


def look_at(path: Path, wanted: Iterable[Column]) -> ClaimFile:
    """Find encoding, hash and header. Raises BadInput for what is no claim file, naming the encoding, format or columns."""
    name = shown(path.name)
    try:
        if not path.is_file():
            raise BadInput(f"{name}: there is no such file")
        with path.open("rb") as file:
            digest, encoding = _examine(file, name)
        with _open_text(path, encoding) as text:
            first = next(_lines(text))[1]
    except OSError as error:
        raise BadInput(f"{name}: cannot be read: {error.strerror}") from None
    return ClaimFile(path=path, name=name, sha256=digest, encoding=encoding, header=_header(first, tuple(wanted), name))


def _open_text(path: Path, encoding: str) -> TextIO:
    """Bytes that are not in the encoding become lone surrogates, which no cell may hold: they cost a row, not the file."""
    return path.open(encoding=encoding, errors="surrogateescape")


def _examine(file: BufferedReader, name: str) -> tuple[str, str]:
    head = file.read(4096)
    if not head.strip():
        raise BadInput(f"{name}: the file is empty; a header row with the national column names is expected")
    for start, format_name in _OTHER_FORMATS:
        if head.startswith(start):
            raise _wrong_format(name, format_name)
    if max(head[0::2].count(0), head[1::2].count(0)) > len(head) // 3:
        raise _wrong_format(name, "UTF-16")
    file.seek(0)
    digest = file_digest(file, "sha256").hexdigest()
    utf8 = _fit(file, "utf-8")
    if head.startswith(codecs.BOM_UTF8) or utf8.broken <= utf8.wide:
        return digest, "utf-8-sig"
    gb18030 = _fit(file, "gb18030")
    if gb18030.broken > gb18030.wide:
        raise _wrong_format(name, "in an encoding that is neither UTF-8 nor GB18030")
    return digest, "gb18030"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    """How well an encoding fits: characters beyond ASCII that it can read, and bytes that it cannot."""

    wide: int
    broken: int


def _fit(file: BufferedReader, encoding: str) -> _Fit:
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)("surrogateescape")
    wide = broken = 0
    while piece := file.read(_PIECE):
        text = decoder.decode(piece)
        if not text.isascii():
            unread = len(_ESCAPED.findall(text))
            broken += unread
            wide += len(text) - len(text.encode("ascii", "ignore")) - unread
    return _Fit(wide=wide, broken=broken + len(decoder.decode(b"", final=True)))


def _wrong_format(name: str, format_name: str) -> BadInput:
    return BadInput(f"{name}: the file is {format_name}; save it as CSV in UTF-8 (or GB18030)")


def _lines(file: TextIO) -> Iterator[tuple[int, str]]:
    """(number, content) of each line; of an overlong one only the beginning, which is longer than any cell may be."""
    for number in count(1):
        content = piece = file.readline(_LONGEST_LINE)
        if not content:
            return
        while piece and not piece.endswith("\n"):
            piece = file.readline(_LONGEST_LINE)
        yield number, content.rstrip("\n")


def _split(content: str) -> list[str]:
    """The cells of one line. Raises csv.Error for stray quotes and for a cell beyond the csv module's limit (131072 characters)."""
    return next(csv.reader([content], strict=True))


def _cells(line: int, content: str, header: Header) -> Cells | Fault:
    """Never repeats the line in a fault: cells in the wrong place may be anything, names and identity numbers too."""
    try:
        row = _split(content)
    except csv.Error as error:
        return Fault(line=line, column="", value=f"{len(content)} characters", message=f"is not a row of cells on one line: {error}")
    if len(row) != header.width:
        return Fault(
            line=line, column="", value=f"{len(row)} cells", message=f"has not as many cells as the header, which has {header.width}"
        )
    return Cells(line=line, cells={name: row[place] for name, place in header.places.items()})


def _header(content: str, wanted: Sequence[Column], file_name: str) -> Header:
    known = {column.name for column in wanted}
    required = {column.name for column in wanted if column.required}
    try:
        names = [name.strip() for name in _split(content)]
    except csv.Error as error:
        raise BadInput(f"{file_name}: the header row cannot be read: {error}") from None
    if missing := sorted(required - set(names)):
        raise BadInput(
            f"{file_name}: required columns are missing: {', '.join(missing)}; the header begins with {shown(content.strip())!r}"
        )
    if twice := sorted({name for name in names if names.count(name) > 1 and name in known}):
        raise BadInput(f"{file_name}: columns stand twice in the header: {', '.join(twice)}")
    return Header(
        width=len(names),
        places={name: place for place, name in enumerate(names) if name in known},
        unknown=tuple(shown(name) for name in names if name not in known | PERSONAL),
        personal=tuple(name for name in names if name in PERSONAL),
    )
