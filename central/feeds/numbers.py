"""Kinds of cells that are numbers: amounts, quantities, counts, degrees, yes or no, minutes of a day. See `kinds`."""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from central.feeds import columnar
from central.feeds.kinds import Kind, Stored, Sure

_MINUTE = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])|24:00")
_REAL = re.compile(r"[-+]?[0-9]{1,15}(\.[0-9]{1,17})?([eE][-+]?[0-9]{1,2})?")
_WORDS = {"0": False, "1": True, "false": False, "true": True}


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
        small = self._small(column)
        tame = pc.if_else(pa.array(small), column, pa.scalar(Decimal(0), column.type))
        rounded = tame.cast(pa.decimal128(18, self.places), safe=False)
        exact = small & columnar.filled(pc.equal(rounded.cast(column.type, safe=False), tame))
        return columnar.nulled(columnar.unscaled(rounded), column), exact

    def _small(self, column: pa.Array) -> Sure:
        """Which typed ones lie below the limit; compared in their own type, for no other need hold them."""
        if column.type.precision - column.type.scale < len(str(self.below)):
            return np.ones(len(column), bool)
        return columnar.filled(pc.less(pc.abs(column), pa.scalar(Decimal(self.below), column.type)))

    def written(self, value: Any) -> str:
        """With all its decimals."""
        return f"{Decimal(value).scaleb(-self.places):.{self.places}f}"

    def plain(self, value: Any) -> str:
        """With all its decimals."""
        return self.written(value)

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
    stored: ClassVar[Stored] = "real"
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
    stored: ClassVar[Stored] = "truth"
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

    def text_of(self, value: Any) -> str:
        """0 or 1."""
        return str(int(value))

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


@dataclass(frozen=True)
class Money(Decimals):
    """Yuan, kept in fen."""

    stored: ClassVar[Stored] = "fen"


MONEY = Money(2, 10_000_000_000, "38.50", "an amount", "settlement can be (10 thousand million yuan)")
QUANTITY = Decimals(3, 1_000_000_000, "2.500", "a quantity", "line can hold (a thousand million)")
FLAG = Whole(0, 1)
