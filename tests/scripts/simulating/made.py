"""One small month, made once for all tests."""

from dataclasses import dataclass
from functools import cache

import pandas as pd
import pyarrow as pa

from central.inputs import SCHEMAS
from central.scoring import Case
from scripts.simulating.making import Order, pieces
from scripts.simulating.month import read_month

JUNE = read_month("2026-06")
CLAIMS = 6000


@dataclass(frozen=True)
class Made:
    """A month in memory: tables in the inputs' schemas, and the truth."""

    tables: dict[str, pa.Table]
    truth: tuple[Case, ...]

    def frame(self, name: str) -> pd.DataFrame:
        """A table for assertions; whole numbers that can be missing stay whole."""
        return self.tables[name].to_pandas(integer_object_nulls=True)


def make(order: Order) -> Made:
    """Make a month in memory."""
    parts: dict[str, list[pa.Table]] = {name: [schema.empty_table()] for name, schema in SCHEMAS.items()}
    truth = []
    for piece in pieces(order):
        if isinstance(piece, Case):
            truth.append(piece)
        else:
            parts[piece[0]].append(piece[1])
    return Made(tables={name: pa.concat_tables(tables) for name, tables in parts.items()}, truth=tuple(truth))


@cache
def small() -> Made:
    """The month that most tests look at."""
    return make(Order(claims=CLAIMS, month=JUNE, seed=7))
