"""People as plain records. No name is kept; psn_no is opaque."""

from dataclasses import dataclass
from datetime import datetime

from contract.commands import GalleryRole


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """A request to enrol one person. `legal_basis` says why the centre may hold the face (consent, or the rule of law)."""

    psn_no: str
    pictures: tuple[bytes, ...]
    legal_basis: str
    fixmedins_code: str
    role: GalleryRole


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A registered proxy (代办人): who may settle for whom, and when."""

    psn_no: str
    proxy_psn_no: str
    valid_from: datetime
    valid_to: datetime
    reason: str
