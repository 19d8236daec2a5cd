"""Pages of groups: findings that belong together, and why."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from central.cases import service
from central.db import reading
from central.sites import service as sites
from central.web import guard
from central.web.console import console_of
from central.web.guard import Right, Viewer

router = APIRouter(include_in_schema=False)
Reader = Annotated[Viewer, Depends(guard.page(Right.READ_FINDINGS))]
SIZE = 30


@router.get("/findings/groups")
def groups_page(
    request: Request,
    viewer: Reader,
    every: Annotated[str, Query(max_length=10)] = "",
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
) -> HTMLResponse:
    """Groups with something to review (or all of them), those that moved last first. Persons are masked."""
    with reading(guard.centre_of(request).engine).begin() as db:
        found = service.list_groups(db, only_open=not every, page=page, size=SIZE)
        names = {site.fixmedins_code: site.fixmedins_name for site in sites.all_sites(db)}
    shown = {"found": found, "names": names, "every": every}
    return console_of(request).page(request, "finding_groups.html", viewer=viewer, shown=shown)


@router.get("/findings/groups/{group_id}")
def group_page(request: Request, viewer: Reader, group_id: str) -> HTMLResponse:
    """One group: what its findings share, and each of them with what became of it."""
    with reading(guard.centre_of(request).engine).begin() as db:
        group = service.group(db, group_id)
        names = {site.fixmedins_code: site.fixmedins_name for site in sites.all_sites(db)}
    return console_of(request).page(request, "finding_group.html", viewer=viewer, shown={"group": group, "names": names})
