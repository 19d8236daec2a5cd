"""Pages of the lists besides faces: proxies, staff, exceptions and the watch list, each with its form."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Path, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import Connection

from central.db import reading
from central.errors import BadInput, CentralError
from central.people import service, views, watch
from central.people.model import MAX_WORDS, ExemptReason, NewWatch, Proxy
from central.sites import service as sites
from central.web import guard
from central.web.console import console_of
from central.web.guard import Right, Viewer
from contract.commands import GalleryRole

router = APIRouter(prefix="/people", include_in_schema=False)
Reader = Annotated[Viewer, Depends(guard.page(Right.SEE_PEOPLE))]
Keeper = Annotated[Viewer, Depends(guard.form(Right.ENROL))]
Watcher = Annotated[Viewer, Depends(guard.form(Right.KEEP_WATCH))]
Number = Annotated[int, Query(ge=1, le=1_000_000)]
Entry = Annotated[int, Path(ge=1, le=2**31 - 1)]
Text = Annotated[str, Form()]
SIZE = 30
READ = {"proxies": views.proxies, "staff": views.staff, "exceptions": views.exemptions, "watch": views.watches}
List = Annotated[str, Path(pattern="^(proxies|staff|exceptions|watch)$")]


@router.get("/{name}")
def list_page(request: Request, viewer: Reader, name: List, page: Number = 1) -> HTMLResponse:
    """One of the lists, newest first, with the form to add to it."""
    return _list(request, viewer, name, page=page)


@router.post("/proxies")
def register_proxy(
    request: Request,
    viewer: Keeper,
    psn_no: Text = "",
    proxy_psn_no: Text = "",
    first_day: Text = "",
    last_day: Text = "",
    reason: Text = "",
) -> Response:
    """Register a proxy."""
    centre = guard.centre_of(request)
    entered = {"psn_no": psn_no, "proxy_psn_no": proxy_psn_no, "first_day": first_day, "last_day": last_day, "reason": reason}

    def work(db: Connection) -> None:
        proxy = Proxy(
            psn_no=psn_no.strip(),
            proxy_psn_no=proxy_psn_no.strip(),
            valid_from=views.day(first_day) or centre.now(),
            valid_to=_needed(views.last_day(last_day), "the last day"),
            reason=reason,
        )
        service.register_proxy(db, proxy, now=centre.now(), actor=viewer.username, limits=centre.settings.people)

    return _changed(request, viewer, "proxies", entered, work)


@router.post("/proxies/end")
def end_proxy(request: Request, viewer: Keeper, psn_no: Text = "", proxy_psn_no: Text = "", reason: Text = "") -> Response:
    """End a proxy before its time."""
    centre = guard.centre_of(request)
    entered = {"form": "end"}
    return _changed(
        request, viewer, "proxies", entered,
        lambda db: service.end_proxy(db, psn_no, proxy_psn_no, reason, now=centre.now(), actor=viewer.username),
    )  # fmt: skip


@router.post("/staff")
def add_staff(
    request: Request, viewer: Keeper, psn_no: Text = "", fixmedins_code: Text = "", reference: Text = "", last_day: Text = ""
) -> Response:
    """Let a site know a member of its staff."""
    centre = guard.centre_of(request)
    entered = {"psn_no": psn_no, "fixmedins_code": fixmedins_code, "reference": reference, "last_day": last_day}

    def work(db: Connection) -> None:
        until, code = views.last_day(last_day), reference.strip()[:100] or None
        service.expect(
            db,
            psn_no.strip(),
            fixmedins_code,
            GalleryRole.STAFF,
            reference=code,
            valid_until=until,
            now=centre.now(),
            actor=viewer.username,
        )

    return _changed(request, viewer, "staff", entered, work)


@router.post("/staff/end")
def staff_leaves(request: Request, viewer: Keeper, psn_no: Text = "", fixmedins_code: Text = "") -> Response:
    """A member of staff has left."""
    centre = guard.centre_of(request)
    return _changed(
        request, viewer, "staff", {"form": "end"},
        lambda db: service.expect_no_more(db, psn_no, fixmedins_code, now=centre.now(), actor=viewer.username),
    )  # fmt: skip


@router.post("/exceptions")
def add_exemption(
    request: Request, viewer: Keeper, psn_no: Text = "", reason: Text = "", note: Text = "", fixmedins_code: Text = "", last_day: Text = ""
) -> Response:
    """Except somebody who cannot or will not use the face."""
    centre = guard.centre_of(request)
    entered = {"psn_no": psn_no, "reason": reason, "note": note, "fixmedins_code": fixmedins_code, "last_day": last_day}

    def work(db: Connection) -> None:
        chosen, until = views.chosen(ExemptReason, reason), views.last_day(last_day)
        places = (fixmedins_code,) if fixmedins_code else ()
        service.add_exemption(
            db, psn_no.strip(), chosen, note=note, valid_until=until, fixmedins_codes=places, now=centre.now(), actor=viewer.username
        )

    return _changed(request, viewer, "exceptions", entered, work)


@router.post("/exceptions/{number}/end")
def end_exemption(request: Request, viewer: Keeper, number: Entry, reason: Text = "") -> Response:
    """End an exception before its time."""
    now = guard.centre_of(request).now()
    return _changed(
        request, viewer, "exceptions", {"form": "end"}, lambda db: service.end_exemption(db, number, reason, now=now, actor=viewer.username)
    )


@router.post("/watch")
def enter_watch(  # noqa: PLR0913, PLR0917 - the fields of a form
    request: Request,
    viewer: Watcher,
    psn_no: Text = "",
    fixmedins_code: Text = "",
    document: Text = "",
    decided_by: Text = "",
    decided_on: Text = "",
    last_day: Text = "",
    reason: Text = "",
) -> Response:
    """Enter somebody by a written decision."""
    centre = guard.centre_of(request)
    entered = {"psn_no": psn_no, "fixmedins_code": fixmedins_code, "document": document, "decided_by": decided_by}
    entered |= {"decided_on": decided_on, "last_day": last_day, "reason": reason}

    def work(db: Connection) -> None:
        new = NewWatch(
            psn_no=psn_no.strip(),
            fixmedins_code=fixmedins_code,
            document=document,
            decided_by=decided_by,
            decided_on=_needed(views.day(decided_on), "the day of the decision"),
            valid_until=_needed(views.last_day(last_day), "the last day"),
            reason=reason,
        )
        watch.enter(db, new, most_days=centre.settings.people.watch_days, now=centre.now(), actor=viewer.username)

    return _changed(request, viewer, "watch", entered, work)


@router.post("/watch/{number}/confirm")
def confirm_watch(request: Request, viewer: Watcher, number: Entry) -> Response:
    """Put an entry into force, as a second person."""
    now = guard.centre_of(request).now()
    return _changed(request, viewer, "watch", {"form": "end"}, lambda db: watch.confirm(db, number, now=now, actor=viewer.username))


@router.post("/watch/{number}/end")
def end_watch(request: Request, viewer: Watcher, number: Entry, reason: Text = "") -> Response:
    """End an entry before its time."""
    now = guard.centre_of(request).now()
    return _changed(request, viewer, "watch", {"form": "end"}, lambda db: watch.end(db, number, reason, now=now, actor=viewer.username))


def _changed(request: Request, viewer: Viewer, name: str, entered: Mapping[str, str], work: Callable[[Connection], None]) -> Response:
    try:
        with guard.centre_of(request).engine.begin() as db:
            work(db)
    except CentralError as error:
        said = {key: text[:MAX_WORDS] for key, text in entered.items()} | {"fault": error.code, "fault_message": str(error)}
        return _list(request, viewer, name, entered=said, status=error.status)
    return RedirectResponse(f"/people/{name}", status_code=303)


def _list(
    request: Request, viewer: Viewer, name: str, *, page: int = 1, entered: Mapping[str, Any] | None = None, status: int = 200
) -> HTMLResponse:
    centre = guard.centre_of(request)
    with reading(centre.engine).begin() as db:
        shown = {
            "name": name,
            "found": READ[name](db, page=page, size=SIZE),
            "sites": sites.all_sites(db),
            "state_of": lambda row: views.state_of(row, centre.now()),
            "reasons": tuple(ExemptReason),
            "entered": entered or {},
            "max_words": MAX_WORDS,
        }
    return console_of(request).page(request, f"people_{name}.html", viewer=viewer, status=status, shown=shown)


def _needed(value: Any, name: str) -> Any:
    if value is None:
        raise BadInput(f"{name} is missing")
    return value
