"""What a terminal acknowledged, and what must therefore be on its disk."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from edge_agent.chain import outbox

SKIP = ("skipped", "")


class Violation(AssertionError):
    """Something that was promised did not survive."""


@dataclass(slots=True)
class Ledger:
    """What the disk must hold. Events stand as (kind, name) until their bytes are known."""

    epoch: int = 0
    connection: int = 0
    receipted: int = 0
    events: list[tuple[str, str]] = field(default_factory=list)
    sessions: dict[str, tuple[str | None, bool]] = field(default_factory=dict)
    voids: set[str] = field(default_factory=set)
    media: set[str] = field(default_factory=set)


Step = Callable[[Ledger], None]


def captured(msgid: str, media: Sequence[str]) -> Step:
    """A session ends in a capture with these pictures."""

    def effect(ledger: Ledger) -> None:
        ledger.sessions[msgid] = (ledger.sessions[msgid][0], True)
        ledger.events.append(("capture", msgid))
        ledger.media |= set(media)

    return effect


def stages(ledger: Ledger, steps: Sequence[Step]) -> list[Ledger]:
    """The ledger before, between and after the steps that were under way."""
    found = [deepcopy(ledger)]
    for step in steps:
        found.append(deepcopy(found[-1]))
        step(found[-1])
    return found


def skipped(ledger: Ledger, times: int) -> Ledger:
    """The ledger after starts that found the log torn: each skips numbers and says so."""
    found = deepcopy(ledger)
    found.events += times * [*outbox.SKIPPED * [SKIP], ("loss", str(ledger.epoch))]
    return found


def demand(holds: bool, what: str) -> None:
    """Raises Violation unless it holds."""
    if not holds:
        raise Violation(what)
