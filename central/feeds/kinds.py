"""What a cell may hold, kind by kind: read one by one with words for what is wrong, or a column at once where nothing is.

A column at once may only doubt, never refuse: `of_cells` says which cells it is sure of, and each of the others is read one by one by
`read`, whose word counts. Moments become microseconds in UTC, money fen, quantities thousandths, as in `central.inputs`.
"""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from central.china import CHINA, local_text
from central.db import from_micros, to_micros
from central.feeds import columnar

Sure = NDArray[np.bool_]
Stored = Literal["text", "moment", "fen", "whole", "real", "truth"]
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Kind(ABC):
    """One kind of cell. Equal ones are equal. `longest`: characters of text."""

    longest: int = 0
    arrow: ClassVar[pa.DataType] = pa.int64()
    typed: ClassVar[str] = "text"
    """What a Parquet column of this kind may be, in words."""
    stored: ClassVar[Stored] = "whole"
    """As what a database keeps it."""

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

    def plain(self, value: Any) -> str | int | float | bool:
        """What `read` gave, as JSON says it to people."""
        plain: str | int | float | bool = value
        return plain


@dataclass(frozen=True)
class Text(Kind):
    """Free text of at most `longest` characters."""

    longest: int
    arrow: ClassVar[pa.DataType] = pa.string()
    stored: ClassVar[Stored] = "text"

    @property
    def expected(self) -> str:
        """In words."""
        return f"text of at most {self.longest} characters"

    def read(self, text: str) -> str:
        """The text itself."""
        if len(text) > self.longest:
            raise ValueError(f"has more than {self.longest} characters")
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
    stored: ClassVar[Stored] = "text"

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
    longest: int = 20
    arrow: ClassVar[pa.DataType] = pa.string()
    stored: ClassVar[Stored] = "text"

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
    """A time in China. `day` allows a day alone, which means its beginning; `fraction` allows parts of a second, and typed whole numbers,
    which are microseconds in UTC."""

    day: bool = False
    fraction: bool = False
    stored: ClassVar[Stored] = "moment"
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
        if self.fraction and column.type == pa.int64():
            column = column.cast(pa.timestamp("us", tz="UTC"))
        if not pa.types.is_timestamp(column.type) and not (self.day and pa.types.is_date(column.type)):
            return None
        column, inside = columnar.credible(column)
        whole = column.cast(pa.timestamp("us", tz=getattr(column.type, "tz", None)), safe=False).cast(pa.int64())
        if getattr(column.type, "tz", None) is None:
            whole = pc.subtract(whole, columnar.CHINA_AHEAD)
        return whole, inside & columnar.filled(pc.and_(pc.greater(whole, columnar.YEAR_2), pc.less(whole, columnar.YEAR_10000)))

    def text_of(self, value: Any) -> str:
        """Without fraction unless there is one."""
        here = value.astimezone(CHINA) if getattr(value, "tzinfo", None) else value
        return str(here.replace(tzinfo=None) if hasattr(here, "hour") else here)

    def written(self, value: Any) -> str:
        """Time in China."""
        return local_text(from_micros(value))

    def plain(self, value: Any) -> str | int:
        """ISO 8601 in UTC; the end of time as its number."""
        return from_micros(value).isoformat() if value < columnar.YEAR_10000 else int(value)


TIME, INSTANT, DAY_OR_TIME = Moment(), Moment(day=True, fraction=True), Moment(day=True)
