"""The pages of sites: what each is told to watch, on which basis, with whose approval, and how its terminals came to be trusted."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from central.china import CHINA
from central.db import reading
from central.devices import service as devices
from central.enrolment import service
from central.errors import BadInput, CentralError
from central.sites import service as sites
from central.sites.model import MAX_APPROVER, MAX_REFERENCE, ApprovalKind, NewApproval
from central.web import guard
from central.web.console import console_of
from central.web.guard import Right, Viewer

router = APIRouter(include_in_schema=False)
Reader = Annotated[Viewer, Depends(guard.page(Right.SEE_OVERVIEW))]
Keeper = Annotated[Viewer, Depends(guard.form(Right.MANAGE_SITES))]
Text = Annotated[str, Form(max_length=200)]


@router.get("/sites")
def sites_page(request: Request, viewer: Reader) -> HTMLResponse:
    """Every site, what its approvals lack today, and how many of its terminals are enrolled."""
    centre = guard.centre_of(request)
    now = centre.now()
    with reading(centre.engine).begin() as db:
        known = sites.all_sites(db)
        stood, terminals = sites.standings(db, [site.fixmedins_code for site in known], now), service.states_by_site(db)
        rows = [
            {
                "site": site,
                "missing": stood[site.fixmedins_code].missing,
                "terminals": terminals.get(site.fixmedins_code, ()),
            }
            for site in known
        ]
    return console_of(request).page(request, "sites.html", viewer=viewer, shown={"rows": rows})


@router.get("/sites/{code}")
def site_page(request: Request, viewer: Reader, code: str) -> HTMLResponse:
    """One site with everything that is known of how it was enrolled. No password and no token is shown."""
    return _site(request, viewer, code)


@router.post("/sites/{code}/approvals")
def approve(
    request: Request,
    viewer: Keeper,
    code: str,
    kind: Text = "",
    reference: Text = "",
    approved_by: Text = "",
    approved_on: Text = "",
    valid_until: Text = "",
) -> Response:
    """Record an approval of the location."""
    centre = guard.centre_of(request)
    entered = {"kind": kind, "reference": reference, "approved_by": approved_by, "approved_on": approved_on, "valid_until": valid_until}
    try:
        new = NewApproval(
            kind=_kind(kind),
            reference=reference.strip(),
            approved_by=approved_by.strip(),
            approved_on=_day(approved_on),
            valid_until=_day(valid_until) if valid_until else None,
        )
        with centre.engine.begin() as db:
            sites.approve(db, code, new, now=centre.now(), actor=viewer.username)
    except BadInput as error:
        return _site(request, viewer, code, entered=entered, fault=error)
    return RedirectResponse(f"/sites/{code}", status_code=303)


def _site(
    request: Request, viewer: Viewer, code: str, *, entered: dict[str, str] | None = None, fault: CentralError | None = None
) -> HTMLResponse:
    centre = guard.centre_of(request)
    now = centre.now()
    with reading(centre.engine).begin() as db:
        site = sites.site(db, code)
        shown = {
            "site": site,
            "standing": sites.standing(db, code, now),
            "approvals": tuple(reversed(sites.approvals(db, code))),
            "today": now.astimezone(CHINA).date(),
            "terminals": service.terminals(db, code, now),
            "devices": {device.device_id: device for device in devices.by_site(db, now).get(code, ())},
            "kinds": tuple(ApprovalKind),
            "entered": entered or {},
            "fault": fault,
            "limits": {"reference": MAX_REFERENCE, "approved_by": MAX_APPROVER},
        }
    return console_of(request).page(request, "site.html", viewer=viewer, status=fault.status if fault else 200, shown=shown)


def _kind(text: str) -> ApprovalKind:
    try:
        return ApprovalKind(text)
    except ValueError:
        raise BadInput(f"{text[:40]!r} is no kind of approval: choose one") from None


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text[:40]!r} is no day: write yyyy-mm-dd") from None
