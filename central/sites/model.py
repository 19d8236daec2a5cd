"""Sites and the approvals of their location as plain records."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from contract.events import EvidenceMode

MAX_REFERENCE = 120
MAX_APPROVER = 80
MAX_BASIS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSite:
    """An institution to register. Without `legal_basis` nothing but verdicts may leave its windows.

    `opening_hours` are written as in `central.sites.hours`; `notice_version` names the notice (告知书) that hangs at its windows.
    """

    fixmedins_code: str
    fixmedins_name: str
    admdvs: str
    evidence_mode: EvidenceMode
    legal_basis: str | None
    opening_hours: str = ""
    notice_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A registered institution."""

    fixmedins_code: str
    fixmedins_name: str
    admdvs: str
    evidence_mode: EvidenceMode
    legal_basis: str | None
    opening_hours: str
    notice_version: str


class ApprovalKind(StrEnum):
    """What the rules on public video ask of a camera's place before its pictures may prove anything."""

    LEGAL = "legal"
    """法制审核: it may stand there."""
    TECHNICAL = "technical"
    """技术审核: it shows what it should and keeps it safe."""
    SIGN = "sign"
    """标志: people are told by a sign."""
    PUBLICATION = "publication"
    """公示: its place was made public."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApproval:
    """An approval to record: the document's number, who signed it on which day, and how long it holds (None: until it is taken back)."""

    kind: ApprovalKind
    reference: str
    approved_by: str
    approved_on: date
    valid_until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A recorded approval. `recorded_at` may be long after `approved_on`; both are shown."""

    kind: ApprovalKind
    reference: str
    approved_by: str
    approved_on: date
    valid_until: date | None
    recorded_by: str
    recorded_at: datetime

    def holds_on(self, day: date) -> bool:
        """Whether it was given by that day and had not run out. The last day counts."""
        return self.approved_on <= day and (self.valid_until is None or day <= self.valid_until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Which approvals of a location stood at one time."""

    legal: Approval | None
    technical: Approval | None
    sign: Approval | None
    publication: Approval | None

    @property
    def reviewed(self) -> bool:
        """Whether the location was legally and technically reviewed then: without both, evidence from it is marked."""
        return self.legal is not None and self.technical is not None

    def of(self, kind: ApprovalKind) -> Approval | None:
        """The approval of one kind."""
        return {
            ApprovalKind.LEGAL: self.legal,
            ApprovalKind.TECHNICAL: self.technical,
            ApprovalKind.SIGN: self.sign,
            ApprovalKind.PUBLICATION: self.publication,
        }[kind]

    @property
    def missing(self) -> tuple[ApprovalKind, ...]:
        """What did not stand."""
        return tuple(kind for kind in ApprovalKind if self.of(kind) is None)


def standing_on(day: date, recorded: tuple[Approval, ...]) -> Standing:
    """What held on a day in China, of approvals in the order in which they were recorded.

    A later record of the same kind and reference replaces an earlier one: that is how a mistake is mended and an approval ended early.
    Of several that hold the one recorded last stands.
    """
    in_force = {(each.kind, each.reference): each for each in recorded}
    held: dict[ApprovalKind, Approval] = {}
    for each in sorted(in_force.values(), key=lambda each: each.recorded_at):
        if each.holds_on(day):
            held[each.kind] = each
    return Standing(**{kind.value: held.get(kind) for kind in ApprovalKind})
