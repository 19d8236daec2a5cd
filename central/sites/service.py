"""Register sites, and know them."""

import re
from datetime import datetime

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, RowMapping

from central.audit import service as audit
from central.errors import BadInput, NotFound
from central.sites import store
from central.sites.model import NewSite, Site
from contract.events import EvidenceMode
from contract.ids import FixmedinsCode

_code = TypeAdapter(FixmedinsCode)
_ADMDVS = re.compile(r"[0-9]{6}")


def register_site(db: Connection, new: NewSite, *, now: datetime, actor: str) -> None:
    """Add a site or change its particulars. Raises BadInput for a code or region that cannot be one, or for pictures to leave the windows
    without a recorded legal basis.
    """
    _require_codes(new)
    if new.evidence_mode is not EvidenceMode.VERDICT_ONLY and not (new.legal_basis or "").strip():
        raise BadInput(
            f"site {new.fixmedins_code}: evidence mode {new.evidence_mode} needs a recorded legal basis; without one use verdict_only"
        )
    store.put_site(db, new, now=now)
    audit.record(db, now=now, actor=actor, action="site.register", object=new.fixmedins_code, detail={"evidence_mode": new.evidence_mode})


def _require_codes(new: NewSite) -> None:
    try:
        _code.validate_python(new.fixmedins_code)
    except ValidationError:
        raise BadInput(f"{new.fixmedins_code[:40]!r} is not a fixmedins_code: H or P and 11 digits") from None
    if not _ADMDVS.fullmatch(new.admdvs):
        raise BadInput(f"site {new.fixmedins_code}: {new.admdvs[:40]!r} is not an admdvs: six digits")


def require_site(db: Connection, fixmedins_code: str) -> None:
    """Raises NotFound unless the site is registered."""
    if store.site(db, fixmedins_code) is None:
        raise NotFound(f"site {fixmedins_code} is not registered: register it first")


def all_sites(db: Connection) -> list[Site]:
    """Every site, by code."""
    return [_site(row) for row in store.all_sites(db)]


def _site(row: RowMapping) -> Site:
    said = {name: row[name] for name in Site.__dataclass_fields__ if name != "evidence_mode"}
    return Site(**said, evidence_mode=EvidenceMode(row["evidence_mode"]))
