"""Whole columns at once: what `kinds` needs of Arrow and numpy. Nothing here makes an object for each cell unless it says so."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_SPACE = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""What str.strip takes away."""

_CONTROL = r"[\x00-\x1f\x7f-\x{9f}\x{2028}\x{2029}]"
_SECOND = 1_000_000
CHINA_AHEAD = 8 * 3600 * _SECOND
YEAR_2, YEAR_10000 = -62_104_060_800 * _SECOND, 253_402_300_800 * _SECOND
_UNITS = {"s": _SECOND, "ms": 1000, "us": 1, "ns": 0}
"""Microseconds in a unit; nanoseconds do not reach far."""

_FIRST_DAY, _FILLER = "1970-01-01", "1970-01-01 00:00:00"
_ZERO = ord("0")
_FORM = np.frombuffer(b"0000-00-00 00:00:00", np.uint8)
_DIGITS = np.flatnonzero(_FORM == _ZERO)
_MARKS = np.flatnonzero(_FORM != _ZERO)
_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)

Sure = NDArray[np.bool_]


def trimmed(cells: pa.StringArray) -> pa.StringArray:
    """Without surrounding space."""
    return pc.utf8_trim(cells, characters=_SPACE)


def filled(truth: pa.Array) -> Sure:
    """Truth values, null as true: an empty cell is nothing to doubt."""
    return truth.fill_null(True).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def empty(cells: pa.StringArray) -> Sure:
    """Which cells are empty."""
    return pc.equal(pc.binary_length(cells), 0).fill_null(True).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def without_empty(cells: pa.StringArray) -> pa.StringArray:
    """Empty cells as null."""
    return nulled(cells, cells, empty(cells)) if len(cells) else cells


def with_nulls(values: pa.Array, cells: pa.StringArray) -> pa.Array:
    """Values of cells, null where these are empty."""
    return nulled(values, cells, empty(cells))


def nulled(values: pa.Array, like: pa.Array, also: Sure | None = None) -> pa.Array:
    """Values, null where another column is, and where `also` says so."""
    gone = like.is_null().to_numpy(zero_copy_only=False)
    gone = gone if also is None else gone | also
    return pc.if_else(pa.array(gone), pa.scalar(None, values.type), values) if gone.any() else values


def kept(cells: pa.StringArray, sure: Sure, otherwise: str) -> pa.StringArray:
    """Cells, with other text where they are empty or not sure."""
    good = sure & ~empty(cells)
    return cells if good.all() else pc.if_else(pa.array(good), cells, otherwise)


def no_longer(cells: pa.StringArray, longest: int) -> Sure:
    """Which cells have at most so many characters, and no control character among them."""
    fits = filled(pc.less_equal(pc.utf8_length(cells), longest))
    return fits & ~_control(cells) if _may_control(cells) else fits


def matches(cells: pa.StringArray, pattern: str) -> Sure:
    """Which cells are empty or match a whole pattern."""
    return filled(pc.match_substring_regex(cells, rf"\A(?:{pattern})?\z"))


def each_distinct(cells: pa.StringArray, good: Callable[[str], bool]) -> Sure:
    """Ask of each different text once; makes an object for each of them."""
    encoded = cells.dictionary_encode()
    verdicts = pa.array([good(text) for text in encoded.dictionary.to_pylist()], pa.bool_())
    return filled(verdicts.take(encoded.indices))


def only_of(cells: pa.StringArray, alphabet: str) -> bool:
    """Whether a whole column has no other characters than these (ASCII)."""
    return bool(_allowed(alphabet)[_bytes(cells)].all())


def holds(cells: pa.StringArray, mark: str) -> bool:
    """Whether an ASCII character is anywhere in a column."""
    return bool((_bytes(cells) == ord(mark)).any())


def unscaled(decimals: pa.Array) -> pa.Array:
    """decimal128 of at most 18 digits as whole numbers of its smallest unit."""
    words = np.frombuffer(decimals.buffers()[1], np.int64) if len(decimals) else np.zeros(0, np.int64)
    low = words[2 * decimals.offset : 2 * (decimals.offset + len(decimals)) : 2]
    return pa.array(low, mask=decimals.is_null().to_numpy(zero_copy_only=False) if decimals.null_count else None)


def credible(times: pa.Array) -> tuple[pa.Array, Sure]:
    """Timestamps or days, with the first moment of 1970 for those before the year 2 or after 9999; and which are not such. Counted in
    microseconds they could overflow, and so come to lie in our days."""
    unit = 86_400 * _SECOND if pa.types.is_date32(times.type) else 1000 if pa.types.is_date64(times.type) else _UNITS[times.type.unit]
    if not unit:
        return times, np.ones(len(times), bool)
    counted = times.cast(pa.int32() if pa.types.is_date32(times.type) else pa.int64())
    inside = filled(pc.and_(pc.greater(counted, YEAR_2 // unit), pc.less(counted, YEAR_10000 // unit)))
    return times if inside.all() else pc.if_else(pa.array(inside), times, pa.scalar(0, times.type)), inside


def moments(cells: pa.StringArray, *, day: bool) -> tuple[pa.Array, Sure]:
    """Microseconds in UTC of times in China written in 19 characters, or as days in 10; and which cells are such or empty."""
    length = pc.binary_length(cells).fill_null(0).to_numpy(zero_copy_only=False)
    if day and (length == len(_FIRST_DAY)).any():
        cells = pc.if_else(pa.array(length == len(_FIRST_DAY)), pc.binary_join_element_wise(cells, "00:00:00", " "), cells)
        length = np.where(length == len(_FIRST_DAY), len(_FILLER), length)
    right = length == len(_FILLER)
    grid = _bytes(cells if right.all() else pc.if_else(pa.array(right), cells, _FILLER)).reshape(-1, len(_FILLER))
    micros, exists = _calendar(grid)
    return pa.array(micros), (right & exists) | (length == 0)


def _calendar(grid: NDArray[np.uint8]) -> tuple[NDArray[np.int64], Sure]:
    digits = grid[:, _DIGITS] - _ZERO
    exists = (digits <= 9).all(axis=1) & (grid[:, _MARKS] == _FORM[_MARKS]).all(axis=1)
    one = digits.astype(np.int64).T
    year = one[0] * 1000 + one[1] * 100 + one[2] * 10 + one[3]
    month, day, hour, minute, second = (one[place] * 10 + one[place + 1] for place in range(4, 14, 2))
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    longest = _DAYS[np.where(month <= 12, month, 0)] + ((month == 2) & leap)
    exists &= (year >= 2) & (month >= 1) & (day >= 1) & (day <= longest) & (hour < 24) & (minute < 60) & (second < 60)
    seconds = _days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second
    return np.where(exists, seconds * _SECOND - CHINA_AHEAD, 0), exists


def _days(year: NDArray[np.int64], month: NDArray[np.int64], day: NDArray[np.int64]) -> NDArray[np.int64]:
    """Days since 1970 in the Gregorian calendar, counted in years that begin with March, so that a leap day is the last one."""
    years = year - (month <= 2)
    era, of_era = years // 400, years % 400
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


def _bytes(cells: pa.StringArray) -> NDArray[np.uint8]:
    """The text of all cells, one behind the other; of a null there is none."""
    if cells.null_count:
        cells = cells.fill_null("")
    if not len(cells) or cells.buffers()[2] is None:
        return np.zeros(0, np.uint8)
    ends = np.frombuffer(cells.buffers()[1], np.int32)[cells.offset : cells.offset + len(cells) + 1]
    return np.frombuffer(cells.buffers()[2], np.uint8)[ends[0] : ends[-1]]


def _may_control(cells: pa.StringArray) -> bool:
    """False is certain: a byte below 32 or from 127 on can be, or begin, what `_control` looks for."""
    content = _bytes(cells)
    return bool(len(content) and ((content < 32) | (content >= 127)).any())


def _control(cells: pa.StringArray) -> Sure:
    return pc.match_substring_regex(cells, _CONTROL).fill_null(False).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


@lru_cache(maxsize=32)
def _allowed(alphabet: str) -> NDArray[np.bool_]:
    table = np.zeros(256, bool)
    table[[ord(each) for each in alphabet]] = True
    return table
