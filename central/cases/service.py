"""Findings: kept up to date by the rules, decided by people."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, RowMapping

from central.audit import service as audit
from central.cases import group_store, groups, store
from central.cases.ledger import Recorded, decide
from central.cases.model import (
    FindingChanges,
    FindingPage,
    FindingView,
    Group,
    GroupPage,
    Keeping,
    Outcome,
    Review,
    Status,
    Verdict,
    checked_reason,
    content,
    log_ref,
    move,
    subject_of,
)
from central.errors import BadInput, NotFound
from central.rules.engine import RuleFault, RuleResults
from central.rules.model import GroupLimits
from central.transparency import service as transparency
from central.transparency.model import Entry, Kind

_LARGEST_PAGE = 500


def list_findings(
    db: Connection,
    *,
    status: str | None = None,
    rule_id: str | None = None,
    fixmedins_code: str | None = None,
    held: str | None = None,
    page: int = 1,
    size: int = 50,
) -> FindingPage:
    """One page of findings, newest first, of one status, rule, institution and holder where given. Raises BadInput for an impossible page.

    Without a status or a holder the held ones are left out: they are on no monitor's list.
    """
    if page < 1 or not 1 <= size <= _LARGEST_PAGE:
        raise BadInput(f"page {page} of size {size}: pages count from 1 and hold 1 to {_LARGEST_PAGE} findings")
    asked = {"status": status, "rule_id": rule_id, "fixmedins_code": fixmedins_code, "held": held}
    wanted = {name: value for name, value in asked.items() if value is not None}
    rows, total = store.page(db, wanted, offset=(page - 1) * size, size=size)
    reviewed = _reviews(db, [row["jr_id"] for row in rows])
    return FindingPage(rows=tuple(_view(row, reviewed[row["jr_id"]]) for row in rows), total=total, page=page, size=size)


def get(db: Connection, jr_id: str) -> FindingView:
    """One finding with its reviews. Raises NotFound."""
    row = store.one(db, jr_id)
    if row is None:
        raise NotFound(f"finding {jr_id[:60]!r} is not here")
    return _view(row, _reviews(db, [jr_id])[jr_id])


def lock(db: Connection, jr_id: str) -> None:
    """Keep others from deciding about this finding until the transaction ends."""
    store.lock(db, jr_id)


def review(db: Connection, *, jr_id: str, verdict: Verdict | str, reason: str, actor: str, now: datetime) -> None:
    """Record what a person decided about an open finding, and audit it. It decides about the finding only: nobody is punished by it.

    Raises NotFound, BadInput (verdict or reason), or Conflict if the finding is withdrawn or was reviewed before.
    """
    store.lock(db, jr_id)
    current = get(db, jr_id).status
    said, because = _verdict(verdict), checked_reason(reason)
    after = move(current, said)
    store.add_review(db, jr_id=jr_id, verdict=said.value, reason=because, account=actor, at=now)
    audit.record(db, now=now, actor=actor, action="finding.review", object=jr_id, detail={"verdict": said.value, "status": after.value})


def group_of(db: Connection, jr_id: str) -> Group | None:
    """The group of a finding with the reason, or None where it belongs to no other."""
    name = group_store.groups_of(db, [jr_id]).get(jr_id)
    found = None if name is None else group(db, name)
    return found if found is not None and len(found.findings) > 1 else None


def group(db: Connection, group_id: str) -> Group:
    """One group, whatever became of its findings. Raises NotFound."""
    rows = group_store.views(db, group_id)
    if not rows:
        raise NotFound(f"group {group_id[:60]!r} is not here")
    reviewed = _reviews(db, [row["jr_id"] for row in rows])
    found = tuple(_view(row, reviewed[row["jr_id"]]) for row in rows)
    return Group(group_id=group_id, findings=found, shared=groups.shared(db, [group_id]).get(group_id, ()))


def list_groups(db: Connection, *, only_open: bool = True, page: int = 1, size: int = 50) -> GroupPage:
    """One page of groups of two and more findings, those that moved last first. Raises BadInput for an impossible page."""
    return groups.list_groups(db, only_open=only_open, page=page, size=size)


def counts(db: Connection) -> dict[Status, int]:
    """Findings by status, every status named."""
    found = store.counts(db)
    return {status: found.get(status, 0) for status in Status}


def outcomes(db: Connection) -> tuple[Outcome, ...]:
    """What became of every finding that people were asked about; held and withdrawn ones are not among them."""
    return tuple(
        Outcome(
            fixmedins_code=row["fixmedins_code"],
            found_at=row["found_at"],
            reviewed_at=row["reviewed_at"],
            confirmed=row["status"] == Status.CONFIRMED,
        )
        for row in store.outcomes(db)
    )


def rule_ids(db: Connection) -> tuple[str, ...]:
    """Rules that have findings, for a filter."""
    return store.rule_ids(db)


def record(
    db: Connection,
    results: RuleResults,
    *,
    run_id: int,
    now: datetime,
    about: Mapping[str, Collection[str]] | None = None,
    group_limits: GroupLimits | None = None,
) -> FindingChanges:
    """Bring the findings up to date with what the rules say: all findings of the rules that ran, or of a rule named in `about` only those
    whose subjects begin with one of these values and a slash, because it looked at no others.

    A new suspicion becomes a finding; an unreviewed finding is updated, or withdrawn if its rule ran and no longer supports it; reviewed
    ones stay as people saw them, and `ledger` says what becomes a further one. A rule that could not be run is noted, and its findings
    stay. Then what was touched is grouped anew. Repeating it changes nothing.
    """
    recorded = [_recorded(row) for row in store.of_rules(db, results.ran, about or {})]
    changes = decide(results.suspicions, recorded, now=now)
    store.add(db, changes.new)
    store.overwrite(db, changes.updated)
    store.withdraw(db, changes.withdrawn, now=now)
    touched = [row["jr_id"] for row in changes.new] + [jr_id for jr_id, _ in changes.updated] + changes.withdrawn
    transparency.append_many(db, [_log_entry(row) for row in store.rows_of(db, touched)], at=now)
    for fault in results.faults:
        store.add_rule_fault(db, run_id=run_id, rule_id=fault.rule_id, message=fault.message, now=now)
    groups.regroup(db, touched, group_limits or GroupLimits())
    return FindingChanges(new=len(changes.new), updated=len(changes.updated), withdrawn=len(changes.withdrawn))


def hold(db: Connection, rule_id: str, held: str, same: Mapping[str, str], *, now: datetime, group_limits: GroupLimits) -> int:
    """Take a rule's open findings off the monitors' lists: those about one `subject_key`, or at one `fixmedins_code`; how many they are."""
    return _hold(db, store.open_of(db, rule_id, same), held, now, group_limits)


def free(db: Connection, held: str, *, now: datetime, group_limits: GroupLimits) -> int:
    """Let the findings that this holds come to the monitors' lists; how many they are."""
    return _hold(db, store.held_by(db, held), None, now, group_limits)


def found_counts(db: Connection, rule_id: str, since: datetime) -> tuple[int, int]:
    """How many findings of a rule were found before that moment, and how many since."""
    return store.found_counts(db, rule_id, since)


def known_subjects(db: Connection, rule_id: str, subjects: Sequence[str]) -> frozenset[str]:
    """Those of the subjects that a rule has a finding about already."""
    return frozenset(store.known(db, rule_id, subjects))


def subjects_held(db: Connection, held: str) -> frozenset[str]:
    """The subjects of the findings that this holds."""
    return frozenset(subject_of(each) for each in store.subjects_held(db, held))


def subjects_staged(db: Connection, rule_id: str) -> frozenset[str]:
    """The subjects of a rule's findings that its stage keeps off the lists, and nobody reviewed."""
    return frozenset(subject_of(each) for each in store.subjects_staged(db, rule_id))


def unreviewed(db: Connection, rule_id: str, subjects: Sequence[str]) -> dict[str, tuple[str, int]]:
    """(jr_id, version) of what a rule suspects of these subjects and nobody reviewed, by subject."""
    return {subject_of(row["subject_key"]): (row["jr_id"], row["version"]) for row in store.unreviewed(db, rule_id, subjects)}


def judged(db: Connection, rule_id: str) -> list[tuple[str, Status]]:
    """(subject, status) of a rule's findings that people decided."""
    return [(subject_of(row["subject_key"]), Status(row["status"])) for row in store.judged(db, rule_id)]


def named_settlements(db: Connection, rule_id: str | None = None) -> frozenset[str]:
    """setl_id of every settlement that some finding (of one rule where given) names, open or not, held or not."""
    return frozenset(setl_id for evid in store.named(db, rule_id) for setl_id in evid["setl_ids"])


def about_subject(db: Connection, rule_id: str, subject_key: str) -> FindingView | None:
    """The finding of a rule about a subject, or None."""
    row = store.of_subject(db, rule_id, subject_key)
    return None if row is None else _view(row, _reviews(db, [row["jr_id"]])[row["jr_id"]])


def _hold(db: Connection, jr_ids: Sequence[str], held: str | None, now: datetime, group_limits: GroupLimits) -> int:
    store.hold(db, jr_ids, held)
    transparency.append_many(db, [_log_entry(row) for row in store.rows_of(db, jr_ids)], at=now)
    groups.regroup(db, jr_ids, group_limits)
    return len(jr_ids)


def stated(db: Connection, jr_id: str) -> tuple[str, bytes]:
    """The name of a finding in the transparency log and what is committed to there, as it stands now. Raises NotFound."""
    entry = next((_log_entry(row) for row in store.rows_of(db, [jr_id])), None)
    if entry is None:
        raise NotFound(f"finding {jr_id[:60]!r} is not here")
    return entry.ref, entry.content


def captures_in_force(db: Connection, confirmed_since: datetime) -> frozenset[str]:
    """Captures that support a finding which is open, however old, or was confirmed since then."""
    return frozenset(name for evid in store.in_force(db, confirmed_since) for name in evid["capture_ids"])


def keeping(db: Connection, confirmed_since: datetime) -> tuple[Keeping, ...]:
    """Every finding in force, open or confirmed since then, and what it needs: captures and persons."""
    return tuple(
        Keeping(
            jr_id=row["jr_id"],
            status=Status(row["status"]),
            captures=frozenset(row["vola_evid"]["capture_ids"]),
            persons=frozenset({*row["vola_evid"].get("psn_nos", ()), *([row["psn_no"]] if row["psn_no"] else [])}),
        )
        for row in store.about_in_force(db, confirmed_since)
    )


def decided_about(db: Connection, psn_no: str) -> tuple[FindingView, ...]:
    """Findings about one person that people decided, the newest first. What is open is not among them."""
    rows, _ = store.page(db, {"psn_no": psn_no}, offset=0, size=_LARGEST_PAGE)
    reviewed = _reviews(db, [row["jr_id"] for row in rows])
    return tuple(_view(row, reviewed[row["jr_id"]]) for row in rows if reviewed[row["jr_id"]])


def rule_faults(db: Connection, run_id: int) -> tuple[RuleFault, ...]:
    """Rules that could not be run in a run."""
    return tuple(RuleFault(rule_id=row["rule_id"], message=row["message"]) for row in store.rule_faults_of(db, run_id))


def _recorded(row: RowMapping) -> Recorded:
    return Recorded(row=row, verdict=row["verdict"] and Verdict(row["verdict"]), reviewed_at=row["reviewed_at"])


def _log_entry(row: RowMapping) -> Entry:
    return Entry(kind=Kind.FINDING, ref=log_ref(row), content=content(row))


def _verdict(text: str) -> Verdict:
    try:
        return Verdict(text)
    except ValueError:
        raise BadInput(f"verdict {text[:20]!r} is none of {', '.join(Verdict)}") from None


def _reviews(db: Connection, jr_ids: Sequence[str]) -> defaultdict[str, list[Review]]:
    found: defaultdict[str, list[Review]] = defaultdict(list)
    for row in store.reviews_of(db, jr_ids):
        found[row["jr_id"]].append(Review(verdict=Verdict(row["verdict"]), reason=row["reason"], account=row["account"], at=row["at"]))
    return found


def _view(row: RowMapping, reviews: Sequence[Review]) -> FindingView:
    names = [name for name in FindingView.__dataclass_fields__ if name not in ("status", "reviews")]
    return FindingView(**{name: row[name] for name in names}, status=Status(row["status"]), reviews=tuple(reviews))
