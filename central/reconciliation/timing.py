"""How long each part of a comparison took."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import pyarrow as pa

from central.engines.base import Analysis, Rows


class Stopwatch:
    """Seconds by the name of what was done, in the order in which it was begun."""

    def __init__(self) -> None:
        """Begins now."""
        self.seconds: dict[str, float] = {}
        self._begun = monotonic()

    @property
    def total(self) -> float:
        """Since the beginning."""
        return monotonic() - self._begun

    @contextmanager
    def times(self, name: str) -> Iterator[None]:
        """What is done inside counts under this name."""
        begun = monotonic()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + monotonic() - begun


class Timed:
    """An engine of which it is known how long loading and keeping each table took."""

    def __init__(self, analysis: Analysis, watch: Stopwatch) -> None:
        """Asks the engine, and tells the watch."""
        self._analysis, self._watch = analysis, watch

    @property
    def dialect(self) -> str:
        """The engine's."""
        return self._analysis.dialect

    @property
    def numbered(self) -> bool:
        """The engine's."""
        return self._analysis.numbered

    def load(self, name: str, rows: Rows) -> None:
        """As the engine does it."""
        with self._watch.times(f"load {name}"):
            self._analysis.load(name, rows)

    def settle(self) -> None:
        """As the engine does it."""
        with self._watch.times("lay out"):
            self._analysis.settle()

    def keep(self, name: str, sql: str) -> None:
        """As the engine does it."""
        with self._watch.times(f"link {name}"):
            self._analysis.keep(name, sql)

    def show(self, name: str, sql: str) -> None:
        """As the engine does it."""
        self._analysis.show(name, sql)

    def forget(self, name: str) -> None:
        """As the engine does it."""
        self._analysis.forget(name)

    def rows(self, sql: str) -> Iterator[pa.RecordBatch]:
        """As the engine does it."""
        return self._analysis.rows(sql)
