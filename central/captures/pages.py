"""Pages and API of what devices tell: roll-calls (云查房), how long each window was watched, and what was irregular."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from central.captures import service
from central.captures.coverage import Hour, WindowDay
from central.captures.model import FootageView, IrregularityPage
from central.china import CHINA
from central.db import reading
from central.devices import service as devices
from central.errors import CentralError, NotFound
from central.evidence import service as evidence
from central.orders import service as orders
from central.orders.model import MAX_PURPOSE, Asking, Kind, Order
from central.sites import service as sites
from central.web import guard
from central.web.console import console_of
from central.web.guard import Right, Viewer

pages = APIRouter(include_in_schema=False)
api = APIRouter(prefix="/api", tags=["watching"])
Onlooker = Annotated[Viewer, Depends(guard.page(Right.SEE_PICTURES))]
Asker = Annotated[Viewer, Depends(guard.form(Right.ASK_FILM))]
Reader = Annotated[Viewer, Depends(guard.page(Right.READ_FINDINGS))]
Auditor = Annotated[Viewer, Depends(guard.page(Right.READ_AUDIT))]
Number = Annotated[int, Query(ge=1, le=1_000_000)]
Choice = Annotated[str, Query(max_length=40)]
SIZE = 30


@pages.get("/roll-calls")
def roll_calls(request: Request, viewer: Onlooker, page: Number = 1) -> HTMLResponse:
    """The form, and earlier roll-calls, newest first."""
    return _roll_calls(request, viewer, page=page)


@pages.post("/roll-calls")
def call_roll(
    request: Request, viewer: Asker, post: Annotated[str, Form(max_length=80)] = "", purpose: Annotated[str, Form()] = ""
) -> Response:
    """Ask for the picture of a window now. `post` is device and window with a slash between."""
    centre = guard.centre_of(request)
    device_id, _, window = post.partition("/")
    try:
        with centre.engine.begin() as db:
            order = orders.ask_roll_call(db, device_id, window, by=Asking(actor=viewer.username, purpose=purpose, at=centre.now()))
    except CentralError as error:
        return _roll_calls(request, viewer, fault=error.code, post=post, purpose=purpose, status=error.status)
    return RedirectResponse(f"/roll-calls/{order.request}", status_code=303)


@pages.get("/roll-calls/{number}")
def roll_call(request: Request, viewer: Onlooker, number: str) -> HTMLResponse:
    """One roll-call; reads itself again until the picture is there."""
    centre = guard.centre_of(request)
    with reading(centre.engine).begin() as db:
        order = _of(orders.get(db, number, viewer=viewer, now=centre.now()))
        footage = service.footage_of(db, order.device_id, number)
        names = {site.fixmedins_code: site.fixmedins_name for site in sites.all_sites(db)}
    shown = {"order": order, "footage": footage, "site_name": names.get(order.fixmedins_code, "")}
    return console_of(request).page(request, "roll_call.html", viewer=viewer, shown=shown)


@pages.get("/roll-calls/{number}/pictures/{media_id}")
def roll_call_picture(request: Request, viewer: Onlooker, number: str, media_id: str) -> Response:
    """Open the picture of a roll-call for this view; who looked goes into the audit log."""
    centre = guard.centre_of(request)
    with reading(centre.engine).begin() as db:
        order = _of(orders.get(db, number, viewer=viewer, now=centre.now()))
        footage = service.footage_of(db, order.device_id, number)
    if footage is None or media_id not in {each.media_id for each in footage.media}:
        raise NotFound("this picture does not belong to this roll-call")
    with centre.engine.begin() as db:
        plain = evidence.open_media(
            db, centre.keys, centre.pictures, media_id=media_id, actor=viewer.username, now=centre.now(), why=f"roll-call {number}"
        )
    return Response(plain.content, media_type=plain.content_type)


@pages.get("/coverage")
def coverage_page(request: Request, viewer: Reader, fixmedins_code: Choice = "", day: date | None = None) -> HTMLResponse:
    """One site on one day: what each window saw, was blind for, and when nobody watched."""
    centre = guard.centre_of(request)
    today = centre.now().astimezone(CHINA).date()
    chosen = day or today
    with reading(centre.engine).begin() as db:
        names = {site.fixmedins_code: site.fixmedins_name for site in sites.all_sites(db)}
        site = fixmedins_code or next(iter(names), "")
        found = service.coverage(db, site, chosen, now=centre.now()) if site else []
    shown = {"found": found, "names": names, "site": site, "day": chosen, "today": today, "hour_codes": tuple(Hour)}
    return console_of(request).page(request, "coverage.html", viewer=viewer, shown=shown)


@pages.get("/irregularities")
def irregularities_page(request: Request, viewer: Auditor, kind: Choice = "", page: Number = 1) -> HTMLResponse:
    """What was signed and yet not as it should be, and what was refused."""
    with reading(guard.centre_of(request).engine).begin() as db:
        shown = {
            "found": service.irregularities(db, kind=kind or None, page=page, size=SIZE),
            "kinds": service.irregularity_kinds(db),
            "kind": kind,
            "rejections": service.rejection_counts(db) if page == 1 else [],
        }
    return console_of(request).page(request, "irregularities.html", viewer=viewer, shown=shown)


@api.get("/coverage", dependencies=[Depends(guard.api(Right.READ_FINDINGS))])
def coverage_api(request: Request, fixmedins_code: Annotated[str, Query(max_length=40)], day: date) -> list[WindowDay]:
    """How much each window of a site saw on a day in China. 404 for an unknown site."""
    centre = guard.centre_of(request)
    with reading(centre.engine).begin() as db:
        return service.coverage(db, fixmedins_code, day, now=centre.now())


@api.get("/irregularities", dependencies=[Depends(guard.api(Right.READ_AUDIT))])
def irregularities_api(request: Request, kind: Choice = "", page: Number = 1) -> IrregularityPage:
    """What was irregular, newest first."""
    with reading(guard.centre_of(request).engine).begin() as db:
        return service.irregularities(db, kind=kind or None, page=page)


@api.get("/footage/{number}")
def footage_api(request: Request, viewer: Annotated[Viewer, Depends(guard.api(Right.READ_FINDINGS))], number: str) -> FootageView:
    """What answered an order for film: how many faces, which media, or why none. 404 for another order, or one without an answer."""
    centre = guard.centre_of(request)
    with reading(centre.engine).begin() as db:
        order = orders.get(db, number, viewer=viewer, now=centre.now())
        found = service.footage_of(db, order.device_id, number)
    if found is None:
        raise NotFound(f"order {number[:40]} has no film for an answer")
    return found


def _roll_calls(
    request: Request, viewer: Viewer, *, page: int = 1, fault: str | None = None, post: str = "", purpose: str = "", status: int = 200
) -> HTMLResponse:
    centre = guard.centre_of(request)
    with reading(centre.engine).begin() as db:
        devices_of = devices.by_site(db, centre.now())
        found = orders.list_orders(db, kinds={Kind.ROLL_CALL}, page=page, size=SIZE, now=centre.now())
        shown = {
            "found": found,
            "footage": {each.request: service.footage_of(db, each.device_id, each.request) for each in found.rows},
            "sites": [(site.fixmedins_name, devices_of.get(site.fixmedins_code, ())) for site in sites.all_sites(db)],
            "fault": fault,
            "post": post,
            "purpose": purpose[:MAX_PURPOSE],
            "max_purpose": MAX_PURPOSE,
        }
    return console_of(request).page(request, "roll_calls.html", viewer=viewer, status=status, shown=shown)


def _of(order: Order) -> Order:
    if order.kind is not Kind.ROLL_CALL:
        raise NotFound(f"order {order.request} is no roll-call")
    return order
