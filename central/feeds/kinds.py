"""What a cell may hold, kind by kind: read one by one with words for what is wrong, or a column at once where nothing is.

A column at once may only doubt, never refuse: `of_cells` says which cells it is sure of, and each of the others is read one by one by
`read`, whose word counts. Moments become microseconds in UTC, money fen, quantities thousandths, as in `central.inputs`.
"""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from central.china import CHINA, local_text
from central.db import from_micros, to_micros
from central.feeds import columnar

Sure = NDArray[np.bool_]
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MINUTE = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])|24:00")
_REAL = re.compile(r"[-+]?[0-9]{1,15}(\.[0-9]{1,17})?([eE][-+]?[0-9]{1,2})?")
_WORDS = {"0": False, "1": True, "false": False, "true": True}


class Kind(ABC):
    """One kind of cell. Equal ones are equal."""

    arrow: ClassVar[pa.DataType] = pa.int64()
    typed: ClassVar[str] = "text"
    """What a Parquet column of this kind may be, in words."""

    @property
    @abstractmethod
    def expected(self) -> str:
        """What a cell must be, for a fault and for the documentation: `an amount like 38.50`."""

    @abstractmethod
    def read(self, text: str) -> Any:
        """The value of one cell that is not empty. Raises ValueError with what is wrong."""

    @abstractmethod
    def of_cells(self, cells: pa.StringArray) -> tuple[pa.Array, Sure]:
        """Values of cells without surrounding space, null for empty ones; and which of them are sure."""

    def of_typed(self, column: pa.Array) -> tuple[pa.Array, Sure] | None:  # noqa: ARG002 - kinds that are text only
        """The same of a column that has a type already; None if it is of a type that this kind cannot be."""
        return None

    def text_of(self, value: Any) -> str:
        """A typed value of a Parquet file as the text that `read` takes."""
        return str(value)

    def written(self, value: Any) -> str:
        """What `read` gave, as a file writes it."""
        return str(value)


@dataclass(frozen=True)
class Text(Kind):
    """Free text of at most `longest` characters."""

    longest: int
    arrow: ClassVar[pa.DataType] = pa.string()

    @property
    def expected(self) -> str:
        """In words."""
        return f"text of at most {self.longest} characters"

    def read(self, text: str) -> str:
        """The text itself."""
        if len(text) > self.longest:
            raise ValueError(f"has {len(text)} characters, at most {self.longest} are allowed")
        return text

    def of_cells(self, cells: pa.StringArray) -> tuple[pa.Array, Sure]:
        """The cells themselves."""
        return columnar.without_empty(cells), columnar.no_longer(cells, self.longest)


@dataclass(frozen=True)
class Code(Kind):
    """Text that matches a whole pattern. `alphabet`: where any of these characters in any order match, so that a column needs no search."""

    pattern: str
    meaning: str
    longest: int
    alphabet: str = ""
    arrow: ClassVar[pa.DataType] = pa.string()

    @property
    def expected(self) -> str:
        """In words."""
        return self.meaning

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern, re.ASCII)

    def read(self, text: str) -> str:
        """The text itself."""
        if len(text) > self.longest or not self._compiled.fullmatch(text):
            raise ValueError(f"is not {self.meaning}")
        return text

    def of_cells(self, cells: pa.StringArray) -> tuple[pa.Array, Sure]:
        """The cells themselves."""
        fits = columnar.no_longer(cells, self.longest)
        if not (self.alphabet and columnar.only_of(cells, self.alphabet)):
            fits &= columnar.each_distinct(cells, lambda text: not text or self._compiled.fullmatch(text) is not None)
        return columnar.without_empty(cells), fits


@dataclass(frozen=True)
class OneOf(Kind):
    """One of a closed list of words."""

    words: tuple[str, ...]
    arrow: ClassVar[pa.DataType] = pa.string()

    @property
    def expected(self) -> str:
        """In words."""
        return f"one of {', '.join(self.words)}"

    def read(self, text: str) -> str:
        """The word."""
        if text not in self.words:
            raise ValueError(f"is not {self.expected}")
        return text

    def of_cells(self, cells: pa.StringArray) -> tuple[pa.Array, Sure]:
        """The words."""
        return columnar.without_empty(cells), columnar.each_distinct(cells, lambda text: not text or text in self.words)


@dataclass(frozen=True)
class Moment(Kind):
    """A time in China. `day` allows a day alone, which means its beginning; `fraction` allows parts of a second."""

    day: bool = False
    fraction: bool = False
    typed: ClassVar[str] = "timestamp (without zone: in China) or text"

    @property
    def expected(self) -> str:
        """In words."""
        return "a time like 2026-01-31 09:30:00 or a day like 2026-01-31" if self.day else "a time like 2026-01-31 09:30:00"

    def read(self, text: str) -> int:
        """Microseconds in UTC."""
        pattern = _INSTANT if self.fraction else _MOMENT
        if not pattern.fullmatch(text) and not (self.day and _DAY.fullmatch(text)):
            wanted = "neither a time like 2026-01-31 09:30:00 nor a day like 2026-01-31" if self.day else f"not {self.expected}"
            raise ValueError(f"is {wanted}")
        try:
            return to_micros(datetime.fromisoformat(text).replace(tzinfo=CHINA))
        except (ValueError, OverflowError):
            raise ValueError("does not exist in the calendar") from None

    def of_cells(self, cells: pa.StringArray) -> tuple[pa.Array, Sure]:
        """From text of 19 characters; sure of no other, but of a whole column of days."""
        micros, sure = columnar.moments(cells, day=self.day)
        return columnar.with_nulls(micros, cells), sure

    def of_typed(self, column: pa.Array) -> tuple[pa.Array, Sure] | None:
        """From timestamps; those without zone are times in China."""
        if not pa.types.is_timestamp(column.type) and not (self.day and pa.types.is_date(column.type)):
            return None
        whole = column.cast(pa.timestamp("us", tz=getattr(column.type, "tz", None)), safe=False).cast(pa.int64())
        if getattr(column.type, "tz", None) is None:
            whole = pc.subtract(whole, columnar.CHINA_AHEAD)
        return whole, columnar.filled(pc.and_(pc.greater(whole, columnar.YEAR_2), pc.less(whole, columnar.YEAR_10000)))

    def text_of(self, value: Any) -> str:
        """Without fraction unless there is one."""
        here = value.astimezone(CHINA) if getattr(value, "tzinfo", None) else value
        return str(here.replace(tzinfo=None) if hasattr(here, "hour") else here)

    def written(self, value: Any) -> str:
        """Time in China."""
        return local_text(from_micros(value))


@dataclass(frozen=True)
class Decimals(Kind):
    """A number with so many decimals at most, below a limit under which sums stay exact in 64 bits; kept in its smallest unit."""

    places: int
    below: int
    example: str
    what: str
    too_much: str
    typed: ClassVar[str] = "decimal128 or text"

    @property
    def expected(self) -> str:
        """In words."""
        return f"{self.what} like {self.example} (at most 14 digits before and {self.places} behind the point)"

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(rf"-?[0-9]{{1,14}}(\.[0-9]{{1,{self.places}}})?")

    def read(self, text: str) -> int:
        """In the smallest unit."""
        if not self._compiled.fullmatch(text):
            raise ValueError(f"is not {self.expected}")
        amount = Decimal(text)
        if abs(amount) >= self.below:
            raise ValueError(f"is more than any {self.too_much}")
        return int(amount.scaleb(self.places))

    def of_cells(self, cells: pa.StringArray) -> tuple[pa.Array, Sure]:
        """From text, by one search and one conversion."""
        sure = columnar.matches(cells, rf"-?[0-9]{{1,14}}(\.[0-9]{{1,{self.places}}})?")
        exact = columnar.kept(cells, sure, "0").cast(pa.decimal128(18, self.places))
        return self._within(columnar.with_nulls(columnar.unscaled(exact), cells), sure)

    def of_typed(self, column: pa.Array) -> tuple[pa.Array, Sure] | None:
        """From decimals; a finer one that is no whole unit is not sure."""
        if not pa.types.is_decimal(column.type):
            return None
        rounded = column.cast(pa.decimal128(38, self.places), safe=False)
        small = columnar.filled(pc.less(pc.abs(rounded), pa.scalar(Decimal(self.below), pa.decimal128(38, self.places))))
        exact = small & columnar.filled(pc.equal(rounded.cast(pa.decimal128(38, max(column.type.scale, self.places))), column))
        fits = pc.if_else(pa.array(exact), rounded, pa.scalar(Decimal(0), rounded.type)).cast(pa.decimal128(18, self.places))
        return columnar.nulled(columnar.unscaled(fits), column), exact

    def written(self, value: Any) -> str:
        """With all its decimals."""
        return str(Decimal(value).scaleb(-self.places))

    def _within(self, values: pa.Array, sure: Sure) -> tuple[pa.Array, Sure]:
        return values, sure & columnar.filled(pc.less(pc.abs(values), self.below * 10**self.places))


@dataclass(frozen=True)
class Whole(Kind):
    """A whole number between two others, both included."""

    least: int
    most: int
    typed: ClassVar[str] = "a whole number or text"

    @property
    def expected(self) -> str:
        """In words."""
        return " nor ".join(("0", "1")) if (self.least, self.most) == (0, 1) else f"a whole number from {self.least} to {self.most}"

    def read(self, text: str) -> int:
        """The number."""
        if not re.fullmatch(r"-?[0-9]{1,19}", text) or not self.least <= int(text) <= self.most:
            raise ValueError("is neither 0 nor 1" if (self.least, self.most) == (0, 1) else f"is not {self.expected}")
        return int(text)

    def of_cells(self, cells: pa.StringArray) -> tuple[pa.Array, Sure]:
        """From text of at most 18 digits."""
        sure = columnar.matches(cells, "-?[0-9]{1,18}")
        return self._within(columnar.with_nulls(columnar.kept(cells, sure, "0").cast(pa.int64()), cells), sure)

    def of_typed(self, column: pa.Array) -> tuple[pa.Array, Sure] | None:
        """From whole numbers and truth values."""
        if not pa.types.is_integer(column.type) and not pa.types.is_boolean(column.type):
            return None
        if column.type == pa.uint64():
            column = pc.min_element_wise(column, pa.scalar(2**63 - 1, pa.uint64()))
        return self._within(column.cast(pa.int64()), np.ones(len(column), bool))

    def text_of(self, value: Any) -> str:
        """Truth as 0 or 1."""
        return str(int(value))

    def _within(self, values: pa.Array, sure: Sure) -> tuple[pa.Array, Sure]:
        return values, sure & columnar.filled(pc.and_(pc.greater_equal(values, self.least), pc.less_equal(values, self.most)))


@dataclass(frozen=True)
class Real(Kind):
    """A number between two others, both included."""

    least: float
    most: float
    arrow: ClassVar[pa.DataType] = pa.float64()
    typed: ClassVar[str] = "a number or text"

    @property
    def expected(self) -> str:
        """In words."""
        return f"a number from {self.least:g} to {self.most:g}"

    def read(self, text: str) -> float:
        """The number."""
        if not _REAL.fullmatch(text) or not self.least <= float(text) <= self.most:
            raise ValueError(f"is not {self.expected}")
        return float(text)

    def of_cells(self, cells: pa.StringArray) -> tuple[pa.Array, Sure]:
        """From text."""
        sure = columnar.matches(cells, _REAL.pattern)
        return self._within(columnar.with_nulls(columnar.kept(cells, sure, "0").cast(pa.float64()), cells), sure)

    def of_typed(self, column: pa.Array) -> tuple[pa.Array, Sure] | None:
        """From numbers."""
        if not pa.types.is_floating(column.type) and not pa.types.is_integer(column.type):
            return None
        return self._within(column.cast(pa.float64(), safe=False), np.ones(len(column), bool))

    def _within(self, values: pa.Array, sure: Sure) -> tuple[pa.Array, Sure]:
        return values, sure & columnar.filled(pc.and_(pc.greater_equal(values, self.least), pc.less_equal(values, self.most)))


@dataclass(frozen=True)
class Truth(Kind):
    """Yes or no: 0 or 1, false or true."""

    arrow: ClassVar[pa.DataType] = pa.bool_()
    typed: ClassVar[str] = "bool, a whole number or text"

    @property
    def expected(self) -> str:
        """In words."""
        return "0 or 1"

    def read(self, text: str) -> bool:
        """The answer."""
        if text not in _WORDS:
            raise ValueError("is neither 0 nor 1")
        return _WORDS[text]

    def of_cells(self, cells: pa.StringArray) -> tuple[pa.Array, Sure]:
        """From text."""
        yes = pc.is_in(cells, pa.array(["1", "true"]))
        return columnar.nulled(yes, columnar.without_empty(cells)), columnar.each_distinct(cells, lambda text: not text or text in _WORDS)

    def of_typed(self, column: pa.Array) -> tuple[pa.Array, Sure] | None:
        """From truth values, and whole numbers that are 0 or 1."""
        if pa.types.is_boolean(column.type):
            return column, np.ones(len(column), bool)
        if not pa.types.is_integer(column.type):
            return None
        return column.cast(pa.bool_()), columnar.filled(pc.is_in(column, pa.array([0, 1], column.type)))


@dataclass(frozen=True)
class MinuteOfDay(Kind):
    """A time of the day like 08:30, or its minutes; 24:00 is the end of the day."""

    typed: ClassVar[str] = "a whole number of minutes or text"

    @property
    def expected(self) -> str:
        """In words."""
        return "a time of the day like 08:30, or its minutes"

    def read(self, text: str) -> int:
        """Minutes since midnight."""
        if text.isascii() and text.isdigit() and len(text) <= 4 and int(text) <= 1440:
            return int(text)
        if not _MINUTE.fullmatch(text):
            raise ValueError(f"is not {self.expected}")
        hours, minutes = text.split(":")
        return int(hours) * 60 + int(minutes)

    def of_cells(self, cells: pa.StringArray) -> tuple[pa.Array, Sure]:
        """One by one: hours are few."""
        return pa.nulls(len(cells), pa.int64()), columnar.empty(cells)

    def of_typed(self, column: pa.Array) -> tuple[pa.Array, Sure] | None:
        """From minutes."""
        return Whole(0, 1440).of_typed(column) if pa.types.is_integer(column.type) else None


MONEY = Decimals(2, 10_000_000_000, "38.50", "an amount", "settlement can be (10 thousand million yuan)")
QUANTITY = Decimals(3, 1_000_000_000, "2.500", "a quantity", "line can hold (a thousand million)")
FLAG = Whole(0, 1)
TIME, INSTANT, DAY_OR_TIME = Moment(), Moment(day=True, fraction=True), Moment(day=True)
