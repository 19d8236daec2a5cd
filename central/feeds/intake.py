"""What a batch of rows does to the rows that are here: a pure decision, carried out by `importing`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from central.feeds.model import Fault

Key = tuple[str | int | None, ...]
CHANGED, TAKEN_BACK, ABSENT = "changed", "taken_back", "absent"
"""Why an older version is one: other content was stated, a row took it back, a file that was said to be complete did not name it."""


class Held(NamedTuple):
    """What is known here of a row: its content's hash and the newest import that stated it."""

    row_sha256: str
    import_id: int


class Row(NamedTuple):
    """A row that reads well: its line, its key, its content's hash, and whether it takes back what was said under its key."""

    line: int
    key: Key
    digest: str
    takes_back: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to store. `stated`: places of rows that are new or changed, by key; `confirmed`: hashes of what is here already word for word;
    of `replaced` the present content becomes an older version, for the reason given; `removed` goes altogether."""

    stated: dict[Key, int] = field(default_factory=dict)
    confirmed: dict[Key, str] = field(default_factory=dict)
    replaced: dict[Key, str] = field(default_factory=dict)
    removed: set[Key] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    tally: Counter[str] = field(default_factory=Counter)


def decide(batch: Sequence[Row], held: Mapping[Key, Held], import_id: int, key_column: str) -> Decision:
    """Go through the rows in order. A row of this import that contradicts an earlier one of it is a fault: the first one stands.

    That an import stated a row is known from `held`, so that no list of a whole file's keys is needed.
    """
    decision = Decision()
    known = dict(held)
    for place, row in enumerate(batch):
        if row.takes_back:
            _take_back(decision, row.key, known, held)
        else:
            _state(decision, place, row, known, import_id, key_column)
    return decision


def _take_back(decision: Decision, key: Key, known: dict[Key, Held], held: Mapping[Key, Held]) -> None:
    decision.tally["invalid"] += 1
    known.pop(key, None)
    decision.stated.pop(key, None)
    decision.confirmed.pop(key, None)
    if key in held:
        decision.replaced[key] = TAKEN_BACK
        decision.removed.add(key)


def _state(decision: Decision, place: int, row: Row, known: dict[Key, Held], import_id: int, key_column: str) -> None:
    before = known.get(row.key)
    verdict = _compare(before, row.digest, import_id)
    decision.tally[verdict] += 1
    if verdict == "bad":
        message = "stands twice in this file with different content; the first row counts"
        decision.faults.append(Fault(line=row.line, column=key_column, value=str(row.key[-1])[:80], message=message))
        return
    if verdict == "changed":
        decision.replaced[row.key] = CHANGED
    if verdict == "same":
        decision.confirmed[row.key] = row.digest
    else:
        decision.stated[row.key] = place
    known[row.key] = Held(row.digest, import_id)


def _compare(before: Held | None, digest: str, import_id: int) -> str:
    if before is None:
        return "new"
    if before.row_sha256 == digest:
        return "same"
    return "bad" if before.import_id == import_id else "changed"
