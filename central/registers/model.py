"""What registers may say against each other. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Contradiction(StrEnum):
    """Two registers, or two rows of one, that cannot both be true. What they say excuses, and nobody is accused by it."""

    ALIVE_AFTER_DEATH = "alive_after_death"
    """A person was admitted, or seen at a bed, more than a day after the registered death: the death counts as not registered."""
    ONE_CODE_TWO_PERSONS = "one_code_two_persons"
    """A staff code belongs to two persons at a time: whose it is counts as not known."""
    TWO_STAYS_AT_ONCE = "two_stays_at_once"
    """A person lies in two institutions at a time, by more than a day: neither stay counts."""
    TWO_OPENING_HOURS = "two_opening_hours"
    """A site's hours here and in its register differ: it was open whenever one of them says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """How often registers contradict each other in one way, and some of the subjects (psn_no, code, mdtrt_id or fixmedins_code)."""

    kind: Contradiction
    count: int
    examples: tuple[str, ...]
