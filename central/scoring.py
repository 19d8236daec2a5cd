"""How well rules did on a month of which the truth is known: what was planted and found, and which findings were false.

Pure: neither reads a database nor runs a rule. `scripts/simulate.py` writes the truth beside its month.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from central.china import local_text
from central.errors import BadInput
from central.rules.base import Suspicion

COLUMNS = (
    "rule_id",
    "case_id",
    "kind",
    "look_alike",
    "fixmedins_code",
    "psn_no",
    "setl_ids",
    "capture_ids",
    "note",
    "day",
    "subject",
)
"""The header of truth.csv. The last two may be missing."""

_BETWEEN = ";"


class Kind(StrEnum):
    """What is true of a case."""

    PLANTED = "planted"
    """The rule must find it."""
    ENTAILED = "entailed"
    """Planted for another rule; this one may say something of it as well and is right, but need not."""
    INNOCENT = "innocent"
    """Looks alike and is not: whoever accuses it is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One line of the truth. `look_alike` names what makes it look like the other kind; `day` is a day in China (yyyy-MM-dd); `subject` is
    a part of the finding's subject_key, such as a doctor's code. Empty text and empty tuples say nothing.
    """

    rule_id: str
    case_id: str
    kind: Kind
    look_alike: str = ""
    fixmedins_code: str = ""
    psn_no: str = ""
    setl_ids: tuple[str, ...] = ()
    capture_ids: tuple[str, ...] = ()
    note: str = ""
    day: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleScore:
    """One rule, or all of them. `look_alikes_accused` counts innocent cases, `false` counts findings that meet no case in which the rule is
    right; `missed` and `accused` name cases, `strays` subject keys of false findings, each at most a score's `names`.
    """

    rule_id: str
    planted: int
    found: int
    look_alikes: int
    look_alikes_accused: int
    findings: int
    false: int
    missed: tuple[str, ...] = ()
    accused: tuple[str, ...] = ()
    strays: tuple[str, ...] = ()

    @property
    def precision(self) -> float | None:
        """Share of findings that are right; None without findings."""
        return None if self.findings == 0 else (self.findings - self.false) / self.findings

    @property
    def recall(self) -> float | None:
        """Share of planted cases that were found; None where nothing was planted."""
        return None if self.planted == 0 else self.found / self.planted

    def as_json(self) -> dict[str, Any]:
        """For a report; shares rounded to six decimals."""
        shares = {"precision": self.precision, "recall": self.recall}
        numbers = {name: None if share is None else round(share, 6) for name, share in shares.items()}
        counts = ("planted", "found", "look_alikes", "look_alikes_accused", "findings", "false")
        names = ("missed", "accused", "strays")
        return (
            {name: getattr(self, name) for name in counts}
            | numbers
            | {name: list(getattr(self, name)) for name in names if getattr(self, name)}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Every rule that has a case or a finding, by id, and all of them together."""

    rules: Mapping[str, RuleScore]
    overall: RuleScore

    def as_json(self) -> dict[str, Any]:
        """For a report."""
        return {"overall": self.overall.as_json(), "rules": {rule_id: each.as_json() for rule_id, each in self.rules.items()}}


def score(findings: Iterable[Suspicion], truth: Sequence[Case], *, names: int = 20) -> Score:
    """Compare findings with the truth.

    A finding meets a case of its rule when it names one of the case's settlements or captures. For a case that has neither, whatever it
    says of institution, person, day and subject must fit. Planted cases that are met are found; a finding that meets no case in which its
    rule is right is false. A finding that meets a planted and an innocent case accuses both.
    """
    by_rule: dict[str, list[Suspicion]] = defaultdict(list)
    for finding in findings:
        by_rule[finding.rule_id].append(finding)
    cases: dict[str, list[Case]] = defaultdict(list)
    for case in truth:
        cases[case.rule_id].append(case)
    rules = {rule_id: _score_rule(rule_id, by_rule[rule_id], cases[rule_id], names) for rule_id in sorted({*by_rule, *cases})}
    return Score(rules=rules, overall=_overall(list(rules.values())))


def read_truth(text: str, source: str) -> tuple[Case, ...]:
    """The truth from the text of a CSV file. Raises BadInput naming `source`, line and value for one that is none."""
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    cases: dict[tuple[str, str], Case] = {}
    try:
        if missing := [name for name in COLUMNS[:8] if name not in (rows.fieldnames or ())]:
            raise BadInput(f"{source}: has no column {missing[0]}; the header is {','.join(COLUMNS)}")
        for row in rows:
            case = _case(row, f"{source} line {rows.line_num}")
            if cases.setdefault((case.rule_id, case.case_id), case) is not case:
                raise BadInput(f"{source} line {rows.line_num}: case {case.case_id} of {case.rule_id} stands twice")
    except csv.Error as error:
        raise BadInput(f"{source} line {rows.line_num}: {error}") from None
    return tuple(cases.values())


def write_truth(cases: Iterable[Case]) -> Iterator[str]:
    """The lines of the file, the header first, each with its end."""
    for cells in ([*COLUMNS], *(_cells(case) for case in cases)):
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(cells)
        yield line.getvalue()


def _cells(case: Case) -> list[str]:
    texts = {name: getattr(case, name) for name in COLUMNS}
    return [_BETWEEN.join(value) if isinstance(value, tuple) else str(value) for value in texts.values()]


def _case(row: Mapping[str, Any], where: str) -> Case:
    cells = {name: (row.get(name) or "").strip() for name in COLUMNS}
    if cells["kind"] not in tuple(Kind):
        raise BadInput(f"{where}: kind {cells['kind']!r} is none of {', '.join(Kind)}")
    if not cells["rule_id"] or not cells["case_id"]:
        raise BadInput(f"{where}: rule_id and case_id must not be empty")
    lists = {name: tuple(filter(None, cells.pop(name).split(_BETWEEN))) for name in ("setl_ids", "capture_ids")}
    said: dict[str, Any] = {**cells, **lists, "kind": Kind(cells["kind"])}
    return Case(**said)


@dataclass(slots=True)
class _Index:
    """Cases of one rule by what a finding can name."""

    by_name: dict[str, list[Case]] = field(default_factory=lambda: defaultdict(list))
    nameless: dict[str, list[Case]] = field(default_factory=lambda: defaultdict(list))

    def add(self, case: Case) -> None:
        for name in (*(f"s {each}" for each in case.setl_ids), *(f"c {each}" for each in case.capture_ids)):
            self.by_name[name].append(case)
        if not case.setl_ids and not case.capture_ids:
            self.nameless[case.fixmedins_code].append(case)

    def met(self, finding: Suspicion) -> list[Case]:
        evidence = finding.vola_evid
        named = (*(f"s {each}" for each in evidence["setl_ids"]), *(f"c {each}" for each in evidence["capture_ids"]))
        fitting = [case for site in {finding.fixmedins_code, ""} for case in self.nameless.get(site, ()) if _fits(case, finding)]
        return [case for name in named for case in self.by_name.get(name, ())] + fitting


def _fits(case: Case, finding: Suspicion) -> bool:
    persons = {finding.psn_no, *finding.vola_evid["psn_nos"]}
    return (
        case.psn_no in {"", *persons}
        and case.day in ("", local_text(finding.occurred_at)[:10])
        and case.subject in ("", *finding.subject_key.split("/"))
    )


def _score_rule(rule_id: str, findings: Sequence[Suspicion], cases: Sequence[Case], names: int) -> RuleScore:
    index = _Index()
    for case in cases:
        index.add(case)
    met: dict[Kind, set[str]] = {kind: set() for kind in Kind}
    strays = []
    for finding in findings:
        touched = index.met(finding)
        for case in touched:
            met[case.kind].add(case.case_id)
        if all(case.kind is Kind.INNOCENT for case in touched):
            strays.append(finding.subject_key)
    planted, innocent = (sorted(case.case_id for case in cases if case.kind is kind) for kind in (Kind.PLANTED, Kind.INNOCENT))
    missed = [case_id for case_id in planted if case_id not in met[Kind.PLANTED]]
    return RuleScore(
        rule_id=rule_id,
        planted=len(planted),
        found=len(planted) - len(missed),
        look_alikes=len(innocent),
        look_alikes_accused=len(met[Kind.INNOCENT]),
        findings=len(findings),
        false=len(strays),
        missed=tuple(missed[:names]),
        accused=tuple(sorted(met[Kind.INNOCENT])[:names]),
        strays=tuple(sorted(strays)[:names]),
    )


def _overall(rules: Sequence[RuleScore]) -> RuleScore:
    counts = ("planted", "found", "look_alikes", "look_alikes_accused", "findings", "false")
    return RuleScore(rule_id="all", **{name: sum(getattr(each, name) for each in rules) for name in counts})
