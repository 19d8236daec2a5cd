"""Rows of a CSV file as columns of text, some thousand lines at a time.

Lines without quotes are parted all at once; the others, and those with bytes that are not in the encoding, one by one. A line break
inside a quoted cell is refused: one stray quote must not swallow the rows behind it.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from central.feeds.files import JSON, LONGEST_LINE, Source, split
from central.feeds.model import Fault

_BLOCK = 4 << 20
_LONG_CELL = 1 << 17
_LINES = 1 << 15
"""In one part, however short they are: a file of nothing but line ends and faults takes no more memory than another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Some lines: `columns` holds the cells of most by column, `odd` those of the others one by one, and `faults` lines that are no rows.

    `lines` are where the rows of `columns` stand; `after` is the number of the line behind the last.
    """

    lines: NDArray[np.int64]
    columns: dict[str, pa.StringArray]
    odd: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    after: int


def read_text(source: Source, after: int = 2) -> Iterator[Texts]:
    """The rows behind the header, from line `after` on."""
    for first, block in blocks(source):
        content = block if block.endswith(b"\n") else block + b"\n"
        ends = _places(content, b"\n") + 1
        skipped = max(0, min(after - first, len(ends)))
        for start in range(skipped, len(ends), _LINES):
            stop = min(start + _LINES, len(ends))
            yield _part(source, content[ends[start - 1] if start else 0 : ends[stop - 1]], first + start)


def blocks(source: Source) -> Iterator[tuple[int, bytes]]:
    """(number of the first line, whole lines); of an overlong line only the beginning, which is longer than any cell may be."""
    line, rest = 1, b""
    with source.path.open("rb") as file:
        if source.encoding in {"utf-8-sig", JSON} and file.read(3) != b"\xef\xbb\xbf":
            file.seek(0)
        while piece := file.read(_BLOCK):
            if piece.endswith(b"\r"):
                piece += file.read(1)  # else a line end could be parted
            block = rest + piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            cut = block.rfind(b"\n") + 1
            if cut:
                yield line, block[:cut]
                line += block.count(b"\n", 0, cut)
            rest = block[cut : cut + LONGEST_LINE]
            if len(block) - cut > LONGEST_LINE:
                rest += b'"'  # keeps it unreadable, however it ends
    if rest:
        yield line, rest


def _part(source: Source, content: bytes, first: int) -> Texts:
    """Whole lines, each with its end: what they hold is looked for in all of them at once."""
    ends = _places(content, b"\n")
    begins = np.concatenate([ends[:1] * 0, ends[:-1] + 1])
    cells = _count(content, b",", begins, ends) + 1
    easy = (cells == source.header.width) & (_count(content, b'"', begins, ends) == 0) & (ends - begins < _LONG_CELL)
    if not _decodes(content, source.encoding):
        easy &= np.fromiter((_decodes(content[begin:end], source.encoding) for begin, end in zip(begins, ends, strict=True)), bool)
    for place in np.flatnonzero(easy & (cells == 1)):
        easy[place] = bool(content[begins[place] : ends[place]].strip())
    numbers = np.arange(first, first + len(ends), dtype=np.int64)
    odd, faults = _one_by_one(source, [(int(numbers[place]), content[begins[place] : ends[place]]) for place in np.flatnonzero(~easy)])
    chosen = content if easy.all() else np.frombuffer(content, np.uint8)[np.repeat(easy, ends - begins + 1)].tobytes()
    return Texts(lines=numbers[easy], columns=_columns(source, chosen), odd=odd, faults=faults, after=first + len(ends))


def _places(content: bytes, mark: bytes) -> NDArray[np.int64]:
    """Where a byte stands. No character of UTF-8 or GB18030 but the one itself holds a comma, a quote or a line end."""
    return np.flatnonzero(np.frombuffer(content, np.uint8) == mark[0])


def _count(content: bytes, mark: bytes, begins: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """How often a byte stands in each line."""
    found = _places(content, mark)
    return np.searchsorted(found, ends) - np.searchsorted(found, begins)


def _decodes(content: bytes, encoding: str) -> bool:
    if content.isascii():
        return True
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _columns(source: Source, content: bytes) -> dict[str, pa.StringArray]:
    names = [str(place) for place in range(source.header.width)]
    if not content:
        return {name: pa.array([], pa.string()) for name in source.header.places}
    if source.encoding != "utf-8-sig" and not content.isascii():
        content = content.decode(source.encoding).encode()
    table = pacsv.read_csv(
        BytesIO(content),
        read_options=pacsv.ReadOptions(column_names=names, use_threads=False, block_size=len(content) + 1),
        parse_options=pacsv.ParseOptions(quote_char=False, newlines_in_values=False, ignore_empty_lines=False),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=False,
            include_columns=[str(place) for place in source.header.places.values()],
        ),
    )
    return {name: _one(table[str(place)]) for name, place in source.header.places.items()}


def _one(column: pa.ChunkedArray) -> pa.StringArray:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _one_by_one(source: Source, lines: list[tuple[int, bytes]]) -> tuple[list[tuple[int, dict[str, str]]], list[Fault]]:
    """Never repeats a line in a fault: cells in the wrong place may be anything, names and identity numbers too."""
    odd: list[tuple[int, dict[str, str]]] = []
    faults: list[Fault] = []
    for number, line in lines:
        content = line[:LONGEST_LINE].decode("utf-8" if source.encoding == "utf-8-sig" else source.encoding, "surrogateescape")
        if not content.strip():
            continue
        try:
            row = split(content)
        except (csv.Error, StopIteration) as error:
            message = f"is not a row of cells on one line: {error}"
            faults.append(Fault(line=number, column="", value=f"{len(content)} characters", message=message))
            continue
        if len(row) == source.header.width and len(line) <= LONGEST_LINE:
            odd.append((number, {name: row[place] for name, place in source.header.places.items()}))
            continue
        message = f"has not as many cells as the header, which has {source.header.width}"
        faults.append(Fault(line=number, column="", value=f"{len(row)} cells", message=message))
    return odd, faults
