"""Sites as plain records."""

from dataclasses import dataclass

from contract.events import EvidenceMode


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSite:
    """An institution to register. Without `legal_basis` nothing but verdicts may leave its windows."""

    fixmedins_code: str
    fixmedins_name: str
    admdvs: str
    evidence_mode: EvidenceMode
    legal_basis: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A registered institution."""

    fixmedins_code: str
    fixmedins_name: str
    admdvs: str
    evidence_mode: EvidenceMode
    legal_basis: str | None
