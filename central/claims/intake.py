"""What a batch of rows does to the settlements that are here: a pure decision, carried out by the service."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from central.claims.model import Fault, Held, Invalidated, Key, Settlement

NumberedRow = tuple[int, Settlement | Invalidated | list[Fault]]
"""A line number and what the line says, or why it says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to store: `stated` is new or changed, `confirmed` is here already word for word, of `replaced` the present content becomes an
    older version, `removed` goes altogether."""

    stated: dict[Key, tuple[Settlement, str]] = field(default_factory=dict)
    confirmed: set[Key] = field(default_factory=set)
    replaced: set[Key] = field(default_factory=set)
    removed: set[Key] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    tally: Counter[str] = field(default_factory=Counter)


def decide(batch: Sequence[NumberedRow], held: Mapping[Key, Held], import_id: int) -> Decision:
    """Go through the rows in order. A row of this import that contradicts an earlier one of it is a fault: the first one stands.

    That an import stated a row is known from `held`, so that no list of a whole file's keys is needed.
    """
    decision = Decision()
    known = dict(held)
    for line, row in batch:
        decision.tally["rows"] += 1
        if isinstance(row, list):
            decision.tally["bad"] += 1
            decision.faults.extend(row)
        elif isinstance(row, Invalidated):
            _take_back(decision, row, known, held)
        else:
            _state(decision, line, row, known, import_id)
    return decision


def _take_back(decision: Decision, row: Invalidated, known: dict[Key, Held], held: Mapping[Key, Held]) -> None:
    decision.tally["invalid"] += 1
    known.pop(row.key, None)
    decision.stated.pop(row.key, None)
    decision.confirmed.discard(row.key)
    if row.key in held:
        decision.replaced.add(row.key)
        decision.removed.add(row.key)


def _state(decision: Decision, line: int, row: Settlement, known: dict[Key, Held], import_id: int) -> None:
    digest = row.digest()
    before = known.get(row.key)
    verdict = _compare(before, digest, import_id)
    decision.tally[verdict] += 1
    if verdict == "bad":
        message = "stands twice in this file with different content; the first row counts"
        decision.faults.append(Fault(line=line, column="setl_id", value=row.setl_id, message=message))
        return
    if verdict == "changed":
        decision.replaced.add(row.key)
    decision.tally["sums_differ"] += not row.sums_up()
    if verdict == "same":
        decision.confirmed.add(row.key)
    else:
        decision.stated[row.key] = (row, digest)
    known[row.key] = Held(row_sha256=digest, import_id=import_id)


def _compare(before: Held | None, digest: str, import_id: int) -> str:
    if before is None:
        return "new"
    if before.row_sha256 == digest:
        return "same"
    return "bad" if before.import_id == import_id else "changed"
