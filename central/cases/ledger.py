"""What a run's suspicions do to the findings that are here: a pure decision, carried out by the service.

Reviewed findings never change: people decided on what they saw. A suspicion about the same subject then becomes a finding of its own only
if it names a person that no reviewed one names, or if it went on: something occurred after people had looked. Of what they confirmed that
is the next thing, of what they dismissed the next that makes it graver, or anything after as long as a snooze may last; so a family is
not asked about every week, and nobody who was once believed is out of sight for ever.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from central.cases.model import GENERATION, Verdict, jr_id, subject_of
from central.rules.base import Severity, Suspicion

BELIEVED = timedelta(days=90)
"""How long a dismissal speaks for what the same persons do: a quarter, as the longest snooze."""
_GRAVITY = tuple(each.value for each in Severity)
_SAID = tuple(each.name for each in fields(Suspicion) if each.name not in ("rule_id", "subject_key"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A finding as it stands in the database: the columns of `findings`, and what people last said of it, and when (None: nothing)."""

    row: Mapping[Any, Any]
    verdict: Verdict | None = None
    reviewed_at: datetime | None = None

    @property
    def reviewed(self) -> bool:
        """Whether people decided about it."""
        return self.verdict is not None

    def went_on(self, suspicion: Suspicion) -> bool:
        """Whether what is suspected now occurred later than what people saw, and after they had decided about it."""
        if self.reviewed_at is None:
            return False
        graver = _GRAVITY.index(suspicion.sev_deg) > _GRAVITY.index(self.row["sev_deg"])
        believed = BELIEVED if self.verdict is Verdict.DISMISS and not graver else timedelta()
        return bool(suspicion.occurred_at > max(self.row["occurred_at"], self.reviewed_at + believed))

    @property
    def subject(self) -> str:
        """The subject without the number of its finding."""
        return subject_of(self.row["subject_key"])

    @property
    def generation(self) -> int:
        """1 for the first finding about a subject, 2 for the next."""
        return int(str(self.row["subject_key"]).partition(GENERATION)[2] or 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Rows to insert, (jr_id, columns) to overwrite, and jr_ids to withdraw."""

    new: list[dict[str, Any]] = field(default_factory=list)
    updated: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)


def decide(suspicions: Iterable[Suspicion], recorded: Iterable[Recorded], *, now: datetime) -> Changes:
    """Compare what is suspected now with what is recorded for the rules that ran."""
    changes = Changes()
    held: defaultdict[tuple[str, str], list[Recorded]] = defaultdict(list)
    for each in sorted(recorded, key=lambda one: one.generation):
        held[each.row["rule_id"], each.subject].append(each)
    supported: set[str] = set()
    for suspicion in suspicions:
        of_subject = held[suspicion.rule_id, suspicion.subject_key]
        unreviewed = next((each for each in of_subject if not each.reviewed), None)
        if unreviewed is not None:
            supported.add(unreviewed.row["jr_id"])
            _update(changes, suspicion, unreviewed)
        elif not of_subject or _shows_something_new(suspicion, of_subject):
            changes.new.append(_new_row(suspicion, len(of_subject) + 1, now))
    changes.withdrawn.extend(_unsupported(held.values(), supported))
    return changes


def _update(changes: Changes, suspicion: Suspicion, recorded: Recorded) -> None:
    said = _said(suspicion) | {"withdrawn_at": None}
    if any(recorded.row[name] != value for name, value in said.items()):
        changes.updated.append((recorded.row["jr_id"], said))


def _shows_something_new(suspicion: Suspicion, reviewed: Sequence[Recorded]) -> bool:
    judged = {psn_no for each in reviewed for psn_no in each.row["vola_evid"]["psn_nos"]}
    return not judged.issuperset(suspicion.vola_evid["psn_nos"]) or all(each.went_on(suspicion) for each in reviewed)


def _new_row(suspicion: Suspicion, generation: int, now: datetime) -> dict[str, Any]:
    subject_key = suspicion.subject_key if generation == 1 else f"{suspicion.subject_key}{GENERATION}{generation}"
    return _said(suspicion) | {
        "jr_id": jr_id(suspicion.rule_id, subject_key, suspicion.occurred_at),
        "rule_id": suspicion.rule_id,
        "subject_key": subject_key,
        "found_at": now,
        "withdrawn_at": None,
    }


def _said(suspicion: Suspicion) -> dict[str, Any]:
    return {name: getattr(suspicion, name) for name in _SAID}


def _unsupported(held: Iterable[Sequence[Recorded]], supported: set[str]) -> list[str]:
    each_open = (each.row for subject in held for each in subject if not each.reviewed and each.row["withdrawn_at"] is None)
    return [row["jr_id"] for row in each_open if row["jr_id"] not in supported]
