"""What cells that are fine one by one may not say together, for whole batches."""

import functools
from collections.abc import Sequence
from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from central.china import CHINA
from central.db import to_micros
from central.feeds.model import Check


def before(column: str, earliest: date) -> Check:
    """A moment lies before a day in China."""
    limit = to_micros(datetime(earliest.year, earliest.month, earliest.day, tzinfo=CHINA))
    return Check(column=column, message=f"lies before {earliest.isoformat()}", wrong=lambda rows: _true(pc.less(rows[column], limit)))


def ahead(column: str, latest: datetime) -> Check:
    """A moment lies in the future."""
    limit = to_micros(latest)
    return Check(column=column, message="lies in the future", wrong=lambda rows: _true(pc.greater(rows[column], limit)))


def order(first: str, second: str, *, apart: bool = False) -> Check:
    """One moment lies before another that it should follow; `apart`: they may not be equal either."""
    compare = pc.less_equal if apart else pc.less
    message = f"does not lie after {first}" if apart else f"lies before {first}"
    return Check(column=second, message=message, wrong=lambda rows: _true(compare(rows[second], rows[first])))


def positive_refund(total: str, refund: str) -> Check:
    """A refund that takes money instead of giving it back."""
    return Check(
        column=total,
        message=f"is positive in a refund ({refund} 1)",
        wrong=lambda rows: _true(pc.and_(pc.equal(rows[refund], 1), pc.greater(rows[total], 0))),
    )


def negative(amount: str, refund: str) -> Check:
    """A negative amount outside of a refund."""
    return Check(
        column=amount,
        message=f"is negative, which only a refund ({refund} 1) may be",
        wrong=lambda rows: _true(pc.and_kleene(pc.equal(rows[refund], 0), pc.less(rows[amount], 0))),
    )


def not_above_zero(column: str) -> Check:
    """A quantity that is nothing or less."""
    return Check(column=column, message="is not above 0", wrong=lambda rows: _true(pc.less_equal(rows[column], 0)))


def same(first: str, second: str) -> Check:
    """Two columns that may not be equal are."""
    return Check(column=second, message=f"is the same as {first}", wrong=lambda rows: _true(pc.equal(rows[second], rows[first])))


def sums(total: str, parts: Sequence[str], perhaps: str) -> Check:
    """Amounts that do not make the total, with or without one of them. Other payers exist, so it is no fault."""

    def wrong(rows: pa.RecordBatch) -> NDArray[np.bool_]:
        rest = pc.subtract(rows[total], functools.reduce(pc.add, (rows[part] for part in parts)))
        return _true(pc.and_(pc.not_equal(rest, 0), pc.not_equal(rest, rows[perhaps].fill_null(0))))

    return Check(column=total, message="whose amounts do not make the total (other payers may exist)", wrong=wrong)


def _true(verdict: pa.Array) -> NDArray[np.bool_]:
    return verdict.fill_null(False).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]
