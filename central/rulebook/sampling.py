"""A random sample of settlements that no rule named, for people to look at: how much do the rules miss?

The draw is made by the smallest SHA-256 of seed, institution and settlement, so whoever knows the seed draws the same again. Nobody chooses
a seed: who could, would try until the sample shows nothing.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from heapq import nsmallest
from secrets import token_hex
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, RowMapping

from central.audit import service as audit
from central.cases import service as cases
from central.db import to_micros
from central.errors import BadInput, Conflict, NotFound
from central.rulebook import store
from central.rulebook.model import RegionOf, checked_reason
from central.rules.places import checked_scope, covers
from models.evaluation.intervals import Interval, clopper_pearson

LARGEST = 1000
"""Settlements of a sample: 300 clean ones show that fewer than 1 % are missed; more than 1000 nobody reads."""


class Judgement(StrEnum):
    """What a person says of a settlement that no rule named."""

    CLEAN = "clean"
    MISSED = "missed"
    UNCLEAR = "unclear"
    """The evidence does not tell; it counts for neither."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One settlement of a sample, and what somebody said of it."""

    number: int
    fixmedins_code: str
    setl_id: str
    verdict: Judgement | None
    reason: str | None
    account: str | None
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A draw: of which rule's un-named settlements (None: of all rules'), where, when, how many there were, by which seed."""

    sample_id: int
    rule_id: str | None
    scope: str
    seed: str
    size: int
    population: int
    since: datetime
    until: datetime
    reason: str
    account: str
    at: datetime
    items: tuple[Item, ...] = ()

    def count(self, verdict: Judgement | None) -> int:
        """How many were judged so (None: not yet)."""
        return sum(each.verdict == verdict for each in self.items)

    @property
    def miss_rate(self) -> Interval:
        """Between which rates the share of missed ones lies with 95 % confidence, from those that were clear."""
        missed = self.count(Judgement.MISSED)
        return clopper_pearson(missed, missed + self.count(Judgement.CLEAN))


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """What to draw: settlements of a span (since, up to until), at a place, that no finding (of one rule) names."""

    size: int
    since: datetime
    until: datetime
    reason: str
    rule_id: str | None = None
    scope: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redrawn:
    """A sample drawn again from what is here now, as (fixmedins_code, setl_id). `gone`: drawn then, and not to be drawn any more, as a
    finding names it by now; `passed_over`: drawn now and not then, as it came since, or a finding no longer names it.
    """

    same: tuple[tuple[str, str], ...]
    gone: tuple[tuple[str, str], ...]
    passed_over: tuple[tuple[str, str], ...]


def drawn(keys: Iterable[tuple[str, str]], seed: str, size: int) -> list[tuple[str, str]]:
    """`size` of the keys (fixmedins_code, setl_id), each as likely as any other; the same for the same seed, whatever their order. Pure."""
    return nsmallest(size, keys, key=lambda key: (sha256(f"{seed}|{key[0]}|{key[1]}".encode()).digest(), key))


def draw(db: Connection, drawing: Drawing, settlements: pa.Table, region_of: RegionOf, *, actor: str, now: datetime) -> Sample:
    """Draw and keep a sample from the table of settlements (columns of `central.inputs`). Refunds are not drawn, nor what a finding names.

    Raises BadInput for an impossible size, span or place, or when there is nothing to draw from.
    """
    because, scope = checked_reason(drawing.reason), checked_scope(drawing.scope)
    if not 1 <= drawing.size <= LARGEST:
        raise BadInput(f"a sample has 1 to {LARGEST} settlements, not {drawing.size}")
    if drawing.since >= drawing.until:
        raise BadInput(f"from {drawing.since.isoformat()} to {drawing.until.isoformat()} there is no time to draw from")
    keys = _population(settlements, drawing, cases.named_settlements(db, drawing.rule_id), scope, region_of)
    if not keys:
        raise BadInput("there is no settlement in this span and place that no finding names: nothing to draw from")
    seed = token_hex(16)
    chosen = drawn(keys, seed, drawing.size)
    row: dict[str, Any] = {"rule_id": drawing.rule_id, "scope": scope, "seed": seed, "size": len(chosen), "population": len(keys)}
    told = {"since": drawing.since, "until": drawing.until, "reason": because, "account": actor, "at": now}
    number = store.add_sample(db, row | told, chosen)
    audit.record(db, now=now, actor=actor, action="sample.draw", object=f"sample {number}", detail=row | {"reason": because})
    return get(db, number)


def redraw(db: Connection, sample_id: int, settlements: pa.Table, region_of: RegionOf) -> Redrawn:
    """Draw a sample again by its seed, to see that it was drawn and not chosen; nothing is kept. Raises NotFound."""
    sample = get(db, sample_id)
    span: dict[str, Any] = {"since": sample.since, "until": sample.until, "reason": sample.reason}
    drawing = Drawing(size=sample.size, rule_id=sample.rule_id, scope=sample.scope, **span)
    keys = _population(settlements, drawing, cases.named_settlements(db, sample.rule_id), sample.scope, region_of)
    then, there = [(each.fixmedins_code, each.setl_id) for each in sample.items], frozenset(keys)
    left = [key for key in then if key in there]
    now = drawn(keys, sample.seed, len(left))
    return Redrawn(
        same=tuple(key for key in left if key in now),
        gone=tuple(key for key in then if key not in there),
        passed_over=tuple(key for key in now if key not in left),
    )


def get(db: Connection, sample_id: int) -> Sample:
    """One sample with its settlements. Raises NotFound."""
    row = store.sample(db, sample_id)
    if row is None:
        raise NotFound(f"sample {sample_id} is not here")
    return _sample(row, tuple(_item(each) for each in store.items(db, sample_id)))


def every(db: Connection, rule_id: str | None = None) -> tuple[Sample, ...]:
    """Samples with their settlements, newest first; of one rule where given."""
    return tuple(get(db, row["sample_id"]) for row in store.samples(db, rule_id))


def judge(db: Connection, sample_id: int, number: int, verdict: Judgement | str, *, reason: str, actor: str, now: datetime) -> None:
    """Note what a person says of one settlement; it accuses nobody. Raises NotFound, BadInput, or Conflict where it was said before."""
    because, sample = checked_reason(reason), get(db, sample_id)
    try:
        said = Judgement(verdict)
    except ValueError:
        raise BadInput(f"verdict {str(verdict)[:20]!r} is none of {', '.join(Judgement)}") from None
    if not 1 <= number <= sample.size:
        raise NotFound(f"sample {sample_id} has settlements 1 to {sample.size}, no {number}")
    if not store.judge(db, sample_id, number, {"verdict": said.value, "reason": because, "account": actor, "at": now}):
        raise Conflict(f"settlement {number} of sample {sample_id} was judged already")
    detail = {"number": number, "verdict": said.value, "reason": because}
    audit.record(db, now=now, actor=actor, action="sample.judge", object=f"sample {sample_id}", detail=detail)


def _population(settlements: pa.Table, drawing: Drawing, named: Collection[str], scope: str, region_of: RegionOf) -> list[tuple[str, str]]:
    at = settlements["setl_time"]
    own = pc.and_(pc.greater_equal(at, to_micros(drawing.since)), pc.less(at, to_micros(drawing.until)))
    own = pc.and_(own, pc.not_equal(pc.fill_null(settlements["refd_setl_flag"], 0), 1))
    own = pc.and_(own, pc.invert(pc.is_in(settlements["setl_id"], pa.array(sorted(named), pa.string()))))
    found = settlements.select(["fixmedins_code", "setl_id"]).filter(own)
    here = {code for code in pc.unique(found["fixmedins_code"]).to_pylist() if covers(scope, code, region_of(code))}
    return [key for key in zip(*(column.to_pylist() for column in found.columns), strict=True) if key[0] in here]


def _sample(row: RowMapping, items: tuple[Item, ...]) -> Sample:
    return Sample(**dict(row), items=items)


def _item(row: RowMapping) -> Item:
    said = {name: row[name] for name in Item.__dataclass_fields__ if name != "verdict"}
    return Item(**said, verdict=row["verdict"] and Judgement(row["verdict"]))
