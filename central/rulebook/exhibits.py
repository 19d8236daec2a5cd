"""What a finding replays from: the rows that it hung on, as they were, kept when it was found, and tried out at once."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection

from central.cases import service as cases
from central.cases.model import FindingView, subject_of
from central.engines.base import Analysis
from central.engines.duckdb import duckdb_in_memory
from central.errors import NotFound
from central.inputs import Inputs
from central.linkage.model import LinkLimits
from central.rulebook import store
from central.rulebook.slices import narrow, pack, unpack, wide
from central.rules.base import Rule, Stage, Suspicion
from central.rules.engine import RuleResults
from central.rules.registry import RULES, RuleBook, Variant

Key = tuple[str, str]
"""Rule and subject."""
Compare = Callable[[Analysis, Inputs, RuleBook], tuple[Any, RuleResults]]
"""Loads the tables, links and runs a book; what linkage made is not asked for."""
SAID = ("fixmedins_code", "psn_no", "occurred_at", "vola_cont", "vola_cont_en", "vola_amt", "sev_deg", "vola_evid", "limits")
"""What must be the same for a replay to be the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What came out. `same`: the rule says of the kept rows what it said then. `differs`: by field, (then, now).

    `code_changed`: the rule's version today is another than the finding's, so a difference may come from the rule.
    `promised`: whether it had been tried out when it was found: "narrow" or "wide" (how much had to be kept), or "no". `version` is the
    finding's, `kept_version` the one that the rows are of: one that was held, withdrawn or silent meanwhile has a higher one.
    """

    jr_id: str
    same: bool
    differs: Mapping[str, tuple[Any, Any]]
    then_version: int
    now_version: int
    setting: int | None
    kept_at: datetime
    rows: Mapping[str, int]
    promised: str
    version: int
    kept_version: int

    @property
    def code_changed(self) -> bool:
        """Whether the rule has another version by now."""
        return self.then_version != self.now_version


def keep(db: Connection, inputs: Inputs, results: RuleResults, book: RuleBook, compare: Compare, *, run_id: int, now: datetime) -> int:
    """Keep what the unreviewed findings of these suspicions hang on, where it was not kept for their version yet; how many they are.

    To be called after the findings were kept, with the very inputs that were compared. Silent findings are left out: nobody is asked to
    decide about them. Each is replayed at once; what the narrow slice does not explain is kept in the wide one.
    """
    by_key = {
        (each.rule_id, each.subject_key): each
        for each in results.suspicions
        if each.held != Stage.SILENT.value and each.rule_id in results.seconds
    }
    due = _due(db, by_key)
    if not due:
        return 0
    by_key = {key: by_key[key] for key in due}
    row = {"run_id": run_id, "at": now, "linkage": book.linkage.model_dump(mode="json")}
    near = narrow(inputs, by_key.values())
    puzzling = _unlike(near, by_key, book, compare)
    _add(db, row, near, {due[key]: "narrow" for key in by_key if key not in puzzling})
    if puzzling:
        far = wide(inputs, puzzling.values(), {each.rule.id: each.rule.by for each in book.active})
        still = puzzling if far is None else _unlike(far, puzzling, book, compare)
        _add(db, row, near if far is None else far, {due[key]: "no" if key in still else "wide" for key in puzzling})
    return len(due)


def replay(db: Connection, jr_id: str, compare: Compare) -> Replay:
    """Run the finding's rule over the kept rows, with the limits that are recorded with the finding.

    Raises NotFound for an unknown finding, one of whom nothing was kept, and a rule that is gone; BadInput for kept rows that were changed.
    """
    finding = cases.get(db, jr_id)
    row = store.exhibit_of(db, jr_id)
    if row is None:
        raise NotFound(f"of finding {jr_id} no rows were kept: it is silent, or older than this way of keeping them")
    tables = unpack(row["content"], row["sha256"])
    rule = _rule(finding.rule_id)
    differs = _differs(finding, rule, tables, LinkLimits.model_validate(row["linkage"]), compare)
    return Replay(
        jr_id=jr_id,
        same=not differs,
        differs=differs,
        then_version=finding.rule_version,
        now_version=rule.version,
        setting=finding.setting,
        kept_at=row["at"],
        rows={name: table.num_rows for name, table in tables.items()},
        promised=row["replays"],
        version=finding.version,
        kept_version=row["version"],
    )


def _add(db: Connection, row: Mapping[str, Any], tables: Inputs, findings: Mapping[tuple[str, int], str]) -> None:
    if findings:
        content, digest = pack(tables)
        rows = [{"jr_id": jr_id, "version": version, "replays": replays} for (jr_id, version), replays in findings.items()]
        store.add_exhibit(db, dict(row) | {"content": content, "sha256": digest}, rows)


def _due(db: Connection, by_key: Collection[Key]) -> dict[Key, tuple[str, int]]:
    """(jr_id, version) by rule and subject of the findings whose version has no exhibit yet."""
    subjects: defaultdict[str, list[str]] = defaultdict(list)
    for rule_id, subject_key in by_key:
        subjects[rule_id].append(subject_key)
    found = {(rule_id, key): finding for rule_id, keys in subjects.items() for key, finding in cases.unreviewed(db, rule_id, keys).items()}
    done = store.exhibited(db, [jr_id for jr_id, _ in found.values()])
    return {key: (jr_id, version) for key, (jr_id, version) in found.items() if done.get(jr_id, 0) < version}


def _unlike(tables: Inputs, by_key: Mapping[Key, Suspicion], book: RuleBook, compare: Compare) -> dict[Key, Suspicion]:
    """The suspicions that their rules do not repeat, word for word, from these rows alone."""
    rules = {rule_id for rule_id, _ in by_key}
    with duckdb_in_memory() as analysis:
        of_rules = replace(book, active=tuple(each for each in book.active if each.rule.id in rules), unusable=())
        _, results = compare(analysis, tables, of_rules)
    again = {(each.rule_id, each.subject_key): each for each in results.suspicions}
    return {key: each for key, each in by_key.items() if key not in again or _words(again[key]) != _words(each)}


def _differs(finding: FindingView, rule: Rule[Any], tables: Inputs, linkage: LinkLimits, compare: Compare) -> dict[str, tuple[Any, Any]]:
    try:
        limits = rule.limits.model_validate(dict(finding.limits))
    except ValidationError as error:
        return {"limits": (dict(finding.limits), str(error.errors(include_url=False)[0]["msg"]))}
    alone = RuleBook(linkage=linkage, active=(Variant(rule=rule, limits=limits, stage=rule.stage),))
    with duckdb_in_memory() as analysis:
        _, results = compare(analysis, tables, alone)
    if results.faults:
        return {"rule": ("ran", results.faults[0].message)}
    again = next((each for each in results.suspicions if each.subject_key == subject_of(finding.subject_key)), None)
    if again is None:
        return {"finding": (finding.subject_key, None)}
    then, now = _words(finding), _words(again)
    return {name: (then[name], now[name]) for name in SAID if then[name] != now[name]}


def _words(said: Suspicion | FindingView) -> dict[str, Any]:
    return {name: _plain(getattr(said, name)) for name in SAID}


def _plain(value: Any) -> Any:
    """The same for what comes from a rule and what was stored as JSON; a list that a rule collected has no order."""
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return sorted((_plain(each) for each in value), key=repr)
    return str(value) if isinstance(value, Decimal) else value


def _rule(rule_id: str) -> Rule[Any]:
    for rule in RULES:
        if rule.id == rule_id:
            return rule
    raise NotFound(f"{rule_id} is no rule of this version, so its findings cannot be replayed; install the version that found them")
