"""Register a site with one terminal: particulars, approvals, cameras, token, all or nothing, and the same again changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import timedelta

from sqlalchemy import Connection

from central.enrolment import service as enrolment
from central.enrolment.model import TOKEN_LIFE, PlannedTerminal
from central.errors import BadInput, NotFound
from central.sites import hours
from central.sites import service as sites
from central.sites.model import NewApproval, NewSite
from central.wiring import Centre
from contract.enrolment import Token
from edge_agent.enrol.draft import check_settings
from edge_agent.errors import AgentError

ACTOR = "enrol-site"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A site with one of its terminals and the approvals of its location."""

    site: NewSite
    terminal: PlannedTerminal
    approvals: tuple[NewApproval, ...] = ()


def register(
    db: Connection, centre: Centre, entry: Entry, *, addresses: Sequence[str] = (), life: timedelta = TOKEN_LIFE
) -> tuple[Token | None, bool]:
    """Register and give the token, or None for a terminal that is enrolled; and whether anything had to be done for it.

    An open token with the same addresses is given again. The caller owns the transaction. Raises CentralError, also for settings that no
    agent would take.
    """
    now, code, device = centre.now(), entry.site.fixmedins_code, entry.terminal.device_id
    before = len(sites.approvals(db, code))
    changed = not _same_site(db, entry.site)
    if changed:
        sites.register_site(db, entry.site, now=now, actor=ACTOR)
    for approval in entry.approvals:
        sites.approve(db, code, approval, now=now, actor=ACTOR)
    changed = enrolment.plan(db, centre.keys, entry.terminal, now=now, actor=ACTOR) or changed
    try:
        check_settings(enrolment.settings_of(db, centre.keys, entry.terminal))
    except AgentError as error:
        raise BadInput(f"the agent would refuse these settings: {error}") from None
    changed = changed or len(sites.approvals(db, code)) != before
    if enrolment.is_enrolled(db, device):
        return None, changed
    token = enrolment.open_token(db, centre.keys, device, now)
    if token is not None and token.addresses == tuple(addresses):
        return token, changed
    return enrolment.issue(db, centre.keys, device, addresses=addresses, now=now, actor=ACTOR, life=life), True


def _same_site(db: Connection, new: NewSite) -> bool:
    try:
        known = sites.site(db, new.fixmedins_code)
    except NotFound:
        return False
    told = {field.name: getattr(new, field.name) for field in fields(new)} | {"opening_hours": hours.canonical(new.opening_hours)}
    return all(getattr(known, name) == value for name, value in told.items())
