"""The honest month, town by town: by construction nothing in it is a case of any rule."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from scripts.simulating import catalogue, towns
from scripts.simulating.cameras import coverage
from scripts.simulating.month import Month
from scripts.simulating.registered import registered
from scripts.simulating.seen import captures, given_up
from scripts.simulating.timetable import FEWEST_PER_TOWN, PER_TOWN, share, timetable
from scripts.simulating.towns import Towns
from scripts.simulating.visits import details, settlements, stock, visits
from scripts.simulating.wards import ENDED, Wards

TOWNS_AT_ONCE = 50
"""So many are in memory at a time, about 90,000 settlements."""
FEWEST = FEWEST_PER_TOWN + ENDED
"""Settlements of the smallest background."""

Pieces = Iterator[tuple[str, pa.Table]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """So many settlements and captures, refunds among the settlements."""

    settlements: int
    captures: int
    month: Month
    seed: int

    @property
    def towns(self) -> int:
        """How many towns settle that many."""
        return max(1, round(self.settlements / (PER_TOWN + ENDED)))

    def pieces(self) -> Pieces:
        """Every table, piece by piece."""
        yield "items", catalogue.items()
        for first in range(0, self.towns, TOWNS_AT_ONCE):
            yield from self._towns(Towns(first, min(TOWNS_AT_ONCE, self.towns - first)))

    def _towns(self, some: Towns) -> Pieces:
        """The number of captures is met exactly: what settlements leave are sessions that were given up."""
        sizes = share(self.settlements, self.towns, some.first, some.count) - ENDED
        plan = timetable(some, sizes, self.month, self.seed, self.settlements * some.first // self.towns)
        seen, wards = visits(plan, self.month, self.seed), Wards(some, self.month, self.seed).tables()
        lines, item, quantity = details(seen)
        looked = captures(seen)
        wanted = int(share(self.captures, self.towns, some.first, some.count).sum())
        yield "captures", given_up(seen, wanted - looked.num_rows - wards["captures"].num_rows)
        yield "captures", looked
        yield "settlements", settlements(seen)
        yield "details", lines
        yield "stock", stock(seen, item, quantity)
        yield "coverage", coverage(some, plan, self.month, self.seed)
        for tables in (registered(seen), towns.registers(some, self.month, self.seed), wards):
            yield from tables.items()
