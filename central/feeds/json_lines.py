"""Rows of a file with one JSON object a line, as columns of text."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from central.feeds.files import LONGEST_LINE, Source
from central.feeds.lines import Texts, blocks
from central.feeds.model import Fault, Spec

_WORDS = {True: "1", False: "0", None: ""}


def read_json(source: Source, spec: Spec, after: int = 1) -> Iterator[Texts]:
    """The rows from line `after` on. Numbers are read as they are written; what is not in a row is empty."""
    for first, block in blocks(source):
        lines = block.split(b"\n")
        skipped = max(0, min(after - first, len(lines)))
        if skipped < len(lines):
            yield _part(spec, lines[skipped:], first + skipped)


def _part(spec: Spec, lines: list[bytes], first: int) -> Texts:
    known = {name: column.name for name, column in spec.names().items()}
    good: list[tuple[int, Mapping[str, str]]] = []
    odd: list[tuple[int, dict[str, str]]] = []
    faults: list[Fault] = []
    for number, line in enumerate(lines, first):
        if not line.strip():
            continue
        try:
            cells = _cells(line, known)
        except ValueError as error:
            faults.append(Fault(line=number, column="", value=f"{len(line)} bytes", message=f"is not a row as JSON: {error}"))
            continue
        (odd if _undecoded(cells) else good).append((number, cells))
    columns = {column.name: pa.array([cells.get(column.name, "") for _, cells in good], pa.string()) for column in spec.columns}
    after = first + len(lines) - (not lines[-1])
    return Texts(lines=np.array([number for number, _ in good], np.int64), columns=columns, odd=odd, faults=faults, after=after)


def _cells(line: bytes, known: Mapping[str, str]) -> dict[str, str]:
    """The known cells of a line. Raises ValueError, never repeating the line: it may hold names."""
    if len(line) > LONGEST_LINE:
        raise ValueError(f"the line is longer than {LONGEST_LINE} bytes")
    try:
        row = json.loads(line.decode("utf-8", "surrogateescape"), parse_int=str, parse_float=str, object_pairs_hook=_once)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(getattr(error, "msg", "it is nested too deeply")) from None
    if not isinstance(row, dict):
        raise ValueError("the line is no object")
    given = [name for name in row if name in known]
    if len({known[name] for name in given}) < len(given):
        raise ValueError("a column stands twice in it, by two of its names")
    return {known[name]: _text(name, row[name]) for name in given}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in it")
    return found


def _text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    raise ValueError(f"{name} is neither text nor a number")


def _undecoded(cells: Mapping[str, str]) -> bool:
    return any(0xD800 <= ord(each) < 0xE000 for cell in cells.values() if not cell.isascii() for each in cell)
