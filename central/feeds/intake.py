"""What a batch of rows does to the rows that are here: a pure decision, carried out by `importing`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Key = tuple[str | int | None, ...]
Held = tuple[str, int]
"""What is known here of a row: its content's hash and the newest import that stated it. A plain tuple: one is made for each row."""

CHANGED, TAKEN_BACK, ABSENT = "changed", "taken_back", "absent"
"""Why an older version is one: other content was stated, a row took it back, a file that was said to be complete did not name it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to store, rows named by their places in the batch. `stated`: those that are new or changed, by key; `confirmed`: those that are
    here already word for word; of `replaced` the present content becomes an older version, for the reason given; `removed` goes
    altogether; `twice`: those that contradict an earlier row of the same import."""

    stated: dict[Key, int] = field(default_factory=dict)
    confirmed: dict[Key, int] = field(default_factory=dict)
    replaced: dict[Key, str] = field(default_factory=dict)
    removed: set[Key] = field(default_factory=set)
    twice: list[int] = field(default_factory=list)
    tally: Counter[str] = field(default_factory=Counter)

    def overwritten(self) -> list[int]:
        """Places of stated rows whose key is here and stays."""
        return [place for key, place in self.stated.items() if self.replaced.get(key) == CHANGED]

    def added(self) -> list[int]:
        """Places of stated rows whose key is not here, or no more."""
        return [place for key, place in self.stated.items() if self.replaced.get(key) != CHANGED]


def decide(keys: Sequence[Key], digests: Sequence[str], gone: Sequence[bool], held: Mapping[Key, Held], import_id: int) -> Decision:
    """Go through rows in order: their keys, their contents' hashes, and whether they take back what was said under the key. A row of this
    import that contradicts an earlier one of it is a fault: the first one stands.

    That an import stated a row is known from `held`, so that no list of a whole file's keys is needed.
    """
    decision, known = Decision(), dict(held)
    for place, (key, digest, takes_back) in enumerate(zip(keys, digests, gone, strict=True)):
        if takes_back:
            _take_back(decision, key, known, held)
        elif key in known:
            _state_again(decision, place, key, digest, known, import_id)
        else:
            decision.stated[key], known[key] = place, (digest, import_id)
            decision.tally["new"] += 1
    return decision


def _take_back(decision: Decision, key: Key, known: dict[Key, Held], held: Mapping[Key, Held]) -> None:
    decision.tally["invalid"] += 1
    known.pop(key, None)
    decision.stated.pop(key, None)
    decision.confirmed.pop(key, None)
    if key in held:
        decision.replaced[key] = TAKEN_BACK
        decision.removed.add(key)


def _state_again(decision: Decision, place: int, key: Key, digest: str, known: dict[Key, Held], import_id: int) -> None:
    content, stated_by = known[key]
    if content == digest:
        decision.tally["same"] += 1
        decision.confirmed[key] = place
    elif stated_by == import_id:
        decision.tally["bad"] += 1
        decision.twice.append(place)
        return
    else:
        decision.tally["changed"] += 1
        decision.replaced[key] = CHANGED
        decision.stated[key] = place
    known[key] = digest, import_id
