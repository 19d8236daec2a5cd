"""Rows as JSON that says the same for the same content, whole columns at once, and the hashes of that."""

from collections.abc import Sequence
from hashlib import sha256

import pyarrow as pa
import pyarrow.compute as pc

from central.feeds import columnar
from central.feeds.kinds import Moment
from central.feeds.model import Spec
from central.feeds.numbers import Decimals

_SECOND = 1_000_000
_CENTURIES = 253_402_300_800 * _SECOND


def digests(rows: pa.RecordBatch, spec: Spec, names: Sequence[str], later: Sequence[str]) -> list[str]:
    """SHA-256 of each row's named columns as a JSON list, `later` behind them where they are not null."""
    return [sha256(text).hexdigest() for text in lists(rows, spec, names, later).cast(pa.binary()).to_pylist()]


def lists(rows: pa.RecordBatch, spec: Spec, names: Sequence[str], later: Sequence[str] = ()) -> pa.StringArray:
    """Each row as a JSON list."""
    if not rows.num_rows:
        return pa.array([], pa.string())
    pieces = [written(rows, spec, name) for name in names]
    content = pc.binary_join_element_wise(*pieces, ", ")
    for name in later:
        if rows[name].null_count == rows.num_rows:
            continue
        more = pc.binary_join_element_wise(content, written(rows, spec, name), ", ")
        content = pc.if_else(rows[name].is_valid(), more, content)
    return pc.binary_join_element_wise(pa.repeat("[", rows.num_rows), content, "]", "")


def written(rows: pa.RecordBatch, spec: Spec, name: str) -> pa.StringArray | pa.StringScalar:
    """One column as JSON: moments as ISO 8601 in UTC and amounts as text with their decimals, as people read them."""
    kind = next(column.kind for column in spec.columns if column.name == name)
    values = rows[name]
    if values.null_count == len(values):
        return pa.scalar("null")
    if isinstance(kind, Moment):
        text = _quoted(_iso(values))
    elif isinstance(kind, Decimals):
        text = _quoted(_decimal(values, kind.places))
    elif pa.types.is_string(values.type):
        for mark in "\\", '"':
            values = pc.replace_substring(values, mark, f"\\{mark}") if columnar.holds(values, mark) else values
        text = _quoted(values)
    else:
        text = values.cast(pa.string())
    return text.fill_null("null") if values.null_count else text


def _quoted(text: pa.StringArray) -> pa.StringArray:
    return pc.binary_join_element_wise('"', text, '"', "")


def _iso(micros: pa.Array) -> pa.StringArray:
    """As datetime.isoformat writes it, without fraction where there is none; the end of time as its number."""
    late = pc.greater_equal(micros, _CENTURIES)
    text = pc.if_else(late, 0, micros).cast(pa.timestamp("us")).cast(pa.string())
    text = pc.replace_substring(text, " ", "T")
    whole = pc.equal(pc.subtract(micros, pc.multiply(pc.divide(micros, _SECOND), _SECOND)), 0)
    text = pc.if_else(whole, pc.utf8_slice_codeunits(text, 0, 19), text)
    return pc.if_else(late, micros.cast(pa.string()), pc.binary_join_element_wise(text, "+00:00", ""))


def _decimal(units: pa.Array, places: int) -> pa.StringArray:
    scaled = pc.multiply(units.cast(pa.decimal128(19, 0)), pa.scalar(10**-places).cast(pa.decimal128(places + 1, places)))
    return scaled.cast(pa.string())
