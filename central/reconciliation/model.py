"""What a reconciliation tells of itself."""

from collections.abc import Iterator
from dataclasses import dataclass

from central.cases.model import FindingChanges
from central.linkage.model import LedgerCounts
from central.rules.engine import RuleFault


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What a reconciliation saw and changed. Findings of a rule in `faults` were left as they are."""

    run_id: int
    settlements: int
    captures: int
    ledger: LedgerCounts
    findings: FindingChanges
    faults: tuple[RuleFault, ...]
    seconds: float

    def lines(self) -> Iterator[str]:
        """The report as lines for a terminal."""
        yield f"run {self.run_id}: {self.settlements} settlements, {self.captures} captures, {self.seconds:.1f} s"
        for side, codes in (("settlements", self.ledger.settlements), ("captures", self.ledger.captures)):
            yield f"{side}: {', '.join(f'{n} {code}' for code, n in codes.items() if n) or 'none'}"
        yield f"findings: {self.findings.new} new, {self.findings.updated} updated, {self.findings.withdrawn} withdrawn"
        for fault in self.faults:
            yield f"rule {fault.rule_id} could not be run, its findings stay as they are: {fault.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsReport:
    """What a look at news changed: so many pieces of news, so many codes of the ledger. Findings of a rule in `faults` were left as they
    are."""

    run_id: int
    news: int
    codes: int
    findings: FindingChanges
    faults: tuple[RuleFault, ...]
    seconds: float

    def lines(self) -> Iterator[str]:
        """The report as one line for a terminal, and one for each fault."""
        found = f"{self.findings.new} findings new, {self.findings.updated} updated, {self.findings.withdrawn} withdrawn"
        yield f"run {self.run_id}: {self.news} news, {self.codes} codes changed, {found}, {self.seconds:.2f} s"
        for fault in self.faults:
            yield f"rule {fault.rule_id} could not be run, its findings stay as they are: {fault.message}"
