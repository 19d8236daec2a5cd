"""Register sites, record who approved their location, and know both."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, RowMapping

from central.audit import service as audit
from central.china import CHINA
from central.errors import BadInput, NotFound
from central.sites import hours, store
from central.sites.model import (
    MAX_APPROVER,
    MAX_BASIS,
    MAX_REFERENCE,
    Approval,
    ApprovalKind,
    NewApproval,
    NewSite,
    Site,
    Standing,
    standing_on,
)
from contract.events import EvidenceMode
from contract.ids import FixmedinsCode

_code = TypeAdapter(FixmedinsCode)
_ADMDVS = re.compile(r"[0-9]{6}")


def register_site(db: Connection, new: NewSite, *, now: datetime, actor: str) -> None:
    """Add a site or change its particulars. Raises BadInput for a code, region, name or hours that cannot be one, or for pictures to leave
    the windows without a recorded legal basis.
    """
    _require_codes(new)
    _require_line(new.fixmedins_name, "name", 200)
    if new.notice_version:
        _require_line(new.notice_version, "notice version", 80)
    if new.legal_basis:
        _require_line(new.legal_basis, "legal basis", MAX_BASIS)
    if new.evidence_mode is not EvidenceMode.VERDICT_ONLY and not (new.legal_basis or "").strip():
        raise BadInput(
            f"site {new.fixmedins_code}: evidence mode {new.evidence_mode} needs a recorded legal basis; without one use verdict_only"
        )
    store.put_site(db, replace(new, opening_hours=hours.canonical(new.opening_hours)), now=now)
    audit.record(db, now=now, actor=actor, action="site.register", object=new.fixmedins_code, detail={"evidence_mode": new.evidence_mode})


def _require_codes(new: NewSite) -> None:
    try:
        _code.validate_python(new.fixmedins_code)
    except ValidationError:
        raise BadInput(f"{new.fixmedins_code[:40]!r} is not a fixmedins_code: H or P and 11 digits") from None
    if not _ADMDVS.fullmatch(new.admdvs):
        raise BadInput(f"site {new.fixmedins_code}: {new.admdvs[:40]!r} is not an admdvs: six digits")


def approve(db: Connection, fixmedins_code: str, new: NewApproval, *, now: datetime, actor: str) -> None:
    """Record an approval of the location. Recording the same one again changes nothing; the same reference with other particulars
    replaces it from now on, and the earlier record stays. Raises NotFound, or BadInput for particulars that cannot be.
    """
    require_site(db, fixmedins_code)
    _require_line(new.reference, "reference", MAX_REFERENCE)
    _require_line(new.approved_by, "approver", MAX_APPROVER)
    if new.approved_on > (now + timedelta(days=1)).astimezone(CHINA).date():
        raise BadInput(f"approval {new.reference}: {new.approved_on} has not come yet; give the day on which it was signed")
    if new.valid_until is not None and new.valid_until < new.approved_on:
        raise BadInput(f"approval {new.reference} ends on {new.valid_until}, before it was signed on {new.approved_on}")
    if _newest_same(db, fixmedins_code, new):
        return
    store.add_approval(db, fixmedins_code, new, by=actor, now=now)
    detail = {"kind": new.kind.value, "reference": new.reference, "approved_by": new.approved_by, "approved_on": str(new.approved_on)}
    until = {} if new.valid_until is None else {"valid_until": str(new.valid_until)}
    audit.record(db, now=now, actor=actor, action="site.approve", object=fixmedins_code, detail=detail | until)


def _newest_same(db: Connection, fixmedins_code: str, new: NewApproval) -> bool:
    told = [each for each in approvals(db, fixmedins_code) if (each.kind, each.reference) == (new.kind, new.reference)]
    return bool(told) and all(getattr(told[-1], name) == getattr(new, name) for name in ("approved_by", "approved_on", "valid_until"))


def approvals(db: Connection, fixmedins_code: str) -> tuple[Approval, ...]:
    """Every approval that was ever recorded of a site, oldest record first."""
    return tuple(_approval(row) for row in store.approvals(db, fixmedins_code))


def standing(db: Connection, fixmedins_code: str, at: datetime) -> Standing:
    """Which approvals of the location stood at that moment, by the day in China. A site that is unknown has none."""
    return standing_on(at.astimezone(CHINA).date(), approvals(db, fixmedins_code))


def standings(db: Connection, codes: Sequence[str], at: datetime) -> dict[str, Standing]:
    """The same of many sites, by code, in one question."""
    recorded: dict[str, list[Approval]] = {code: [] for code in codes}
    for row in store.every_approval(db):
        if row["fixmedins_code"] in recorded:
            recorded[row["fixmedins_code"]].append(_approval(row))
    day = at.astimezone(CHINA).date()
    return {code: standing_on(day, tuple(approvals)) for code, approvals in recorded.items()}


def site(db: Connection, fixmedins_code: str) -> Site:
    """One site. Raises NotFound."""
    row = store.site(db, fixmedins_code)
    if row is None:
        raise NotFound(f"site {fixmedins_code[:40]} is not registered: register it first")
    return _site(row)


def _require_line(text: str, name: str, limit: int) -> None:
    """One line that says something and can be shown: databases and terminals choke on control characters."""
    if not 0 < len(text.strip()) <= limit or any(unicodedata.category(sign)[0] == "C" for sign in text):
        raise BadInput(f"{name} {text[:40]!r}: needs 1 to {limit} characters on one line")


def require_site(db: Connection, fixmedins_code: str) -> None:
    """Raises NotFound unless the site is registered."""
    if store.site(db, fixmedins_code) is None:
        raise NotFound(f"site {fixmedins_code} is not registered: register it first")


def all_sites(db: Connection) -> list[Site]:
    """Every site, by code."""
    return [_site(row) for row in store.all_sites(db)]


def weekly_hours(site: Site) -> tuple[tuple[int, int, int], ...]:
    """A site's opening hours: weekday (1 Monday to 7), minutes of the day from and to. None where nothing was declared."""
    declared = hours.read(site.opening_hours)
    return tuple((number, *span) for number, day in enumerate(hours.DAYS, 1) for span in declared.get(day, ()))


def _approval(row: RowMapping) -> Approval:
    said = {name: row[name] for name in Approval.__dataclass_fields__ if name != "kind"}
    return Approval(**said, kind=ApprovalKind(row["kind"]))


def _site(row: RowMapping) -> Site:
    said = {name: row[name] for name in Site.__dataclass_fields__ if name != "evidence_mode"}
    return Site(**said, evidence_mode=EvidenceMode(row["evidence_mode"]))
