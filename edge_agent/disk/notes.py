"""What was said and seen while the disk had no room at all: in memory until it can be written, and gone if the program ends before."""

from collections.abc import Sized
from dataclasses import dataclass, field
from datetime import datetime

from edge_agent.chain.capture import Closed
from edge_agent.session import Answer, Bind, ByHand, Start, Void

MOST = 10_000  # of each kind, about 1 kB each: weeks of one window


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A session that the till was told is not recorded yet."""

    start: Start
    answer: Answer
    opened_at: datetime


@dataclass(slots=True, kw_only=True)
class Notes:
    """In the order in which they came; captures with what is to be remarked. Not safe to use from several threads."""

    starts: dict[str, Opened] = field(default_factory=dict)
    binds: dict[str, Bind] = field(default_factory=dict)
    checks: dict[str, ByHand] = field(default_factory=dict)
    voids: dict[str, tuple[Void, datetime]] = field(default_factory=dict)
    captures: dict[str, tuple[Closed, tuple[str, ...]]] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(map(len, self._kinds))

    @property
    def full(self) -> bool:
        """Whether no more may be kept."""
        return max(map(len, self._kinds)) >= MOST

    @property
    def _kinds(self) -> tuple[Sized, ...]:
        return self.starts, self.binds, self.checks, self.voids, self.captures
