"""What a comparison of a folder tells: to people in lines, to programs as JSON, and to other engines as one hash."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from central.rules.base import Suspicion
from central.rules.engine import RuleFault
from central.scoring import RuleScore, Score

_DECIMALS = 6
_SLOWEST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of the rows of one file: `compared` of them are in the comparison, the rest is accounted for."""

    rows: int
    compared: int
    refused: int
    repeated: int
    withdrawn: int
    first_fault: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderReport:
    """A comparison of a folder. `ledger` has the settlements and the captures by code; either adds up to what was compared.

    `fingerprint` is equal exactly when the findings are, whatever the engine; `peak_mb` is this process alone, not a server or Java beside
    it; `score` is None where no truth lay beside the data; `skipped` rules have no findings because they failed.
    """

    folder: Path
    engine: str
    taken: Mapping[str, Taken]
    ledger: Mapping[str, Mapping[str, int]]
    findings: tuple[Suspicion, ...]
    ran: frozenset[str]
    faults: tuple[RuleFault, ...]
    score: Score | None
    seconds: Mapping[str, float]
    total_s: float
    peak_mb: int

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the findings in one form and order."""
        return fingerprint(self.findings)

    def counts(self) -> dict[str, int]:
        """How many findings each rule that ran has."""
        found = Counter(each.rule_id for each in self.findings)
        return {rule_id: found[rule_id] for rule_id in sorted(self.ran)}

    def as_json(self) -> dict[str, Any]:
        """For programs: plain values, in a fixed order."""
        return {
            "folder": str(self.folder),
            "engine": self.engine,
            "inputs": {name: asdict(each) for name, each in self.taken.items()},
            "ledger": {side: dict(sorted(codes.items())) for side, codes in self.ledger.items()},
            "findings": self.counts(),
            "findings_sha256": self.fingerprint,
            "faults": [asdict(fault) for fault in self.faults],
            "score": None if self.score is None else self.score.as_json(),
            "seconds": {name: round(seconds, 3) for name, seconds in self.seconds.items()} | {"total": round(self.total_s, 3)},
            "peak_mb": self.peak_mb,
        }

    def lines(self) -> Iterator[str]:
        """For a terminal."""
        yield f"{self.folder} on {self.engine}: {self.total_s:.1f} s, {self.peak_mb} MB at most"
        for name, each in self.taken.items():
            if each.refused or each.withdrawn:
                yield f"{name}: {each.refused} of {each.rows} rows refused, {each.withdrawn} withdrawn; first: {each.first_fault or 'none'}"
        for side, codes in self.ledger.items():
            yield f"{side}: {sum(codes.values())}, of these {', '.join(f'{n} {code}' for code, n in sorted(codes.items())) or 'none'}"
        yield from self._rules()
        for fault in self.faults:
            yield f"rule {fault.rule_id} could not be run: {fault.message}"
        slowest = sorted(self.seconds.items(), key=lambda each: -each[1])[:_SLOWEST]
        yield f"longest: {', '.join(f'{name} {seconds:.1f} s' for name, seconds in slowest)}"
        yield f"findings sha256 {self.fingerprint}"

    def _rules(self) -> Iterator[str]:
        scored = {} if self.score is None else self.score.rules
        for rule_id, found in self.counts().items():
            yield f"{rule_id}: {found} findings{_scored(scored.get(rule_id))}"
        if self.score is not None:
            yield f"all rules: {self.score.overall.findings} findings{_scored(self.score.overall)}"


def fingerprint(findings: Iterable[Suspicion]) -> str:
    """SHA-256 of findings in one form and order; equal findings on two engines give equal ones. Fractions count to six decimals."""
    lines = sorted(json.dumps(_plain(each), sort_keys=True, ensure_ascii=False) for each in findings)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _plain(finding: Suspicion) -> dict[str, Any]:
    told = ("rule_id", "rule_version", "subject_key", "fixmedins_code", "psn_no", "sev_deg", "vola_evid")
    exact = {"occurred_at": finding.occurred_at.isoformat(), "vola_amt": str(finding.vola_amt)}
    return {name: _rounded(getattr(finding, name)) for name in told} | exact


def _rounded(value: Any) -> Any:
    """Engines add fractions in an order of their own."""
    if isinstance(value, float):
        return round(value, _DECIMALS)
    if isinstance(value, Mapping):
        return {str(name): _rounded(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_rounded(each) for each in value]
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def _scored(score: RuleScore | None) -> str:
    if score is None:
        return ""
    told = [f"{score.found} of {score.planted} planted found", f"{score.look_alikes_accused} of {score.look_alikes} look-alikes accused"]
    if score.precision is not None:
        told.append(f"precision {score.precision:.4f}")
    return f"; {', '.join(told)}"
