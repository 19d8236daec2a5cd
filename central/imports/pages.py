"""The page of what came in: imports with their counts, faults to download, the size and contradictions of registers, the columns."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import HTMLResponse, StreamingResponse

from central.db import reading
from central.feeds import service as feeds
from central.imports import service
from central.imports.api import faults_download
from central.registers import service as registers
from central.web import guard
from central.web.console import console_of
from central.web.guard import Right, Viewer

router = APIRouter(include_in_schema=False)
Reader = Annotated[Viewer, Depends(guard.page(Right.SEE_IMPORTS))]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
SIZE = 50


@router.get("/imports")
def imports_page(request: Request, viewer: Reader, page: Annotated[int, Query(ge=1, le=1_000_000)] = 1, dataset: str = "") -> HTMLResponse:
    """What came in, newest first."""
    if dataset:
        service.require_dataset(dataset)
    centre = guard.centre_of(request)
    with reading(centre.engine).begin() as db:
        rows, total = feeds.imports_page(db, number=page, dataset=dataset or None)
        found = {"rows": rows, "total": total, "page": page, "size": SIZE}
        again = "hx-request" in request.headers  # every few seconds while something comes in, and of the list alone
        told, sizes = ((), {}) if again else (registers.contradictions(db), registers.sizes(db))
    shown = {
        "found": found,
        "dataset": dataset,
        "datasets": service.DATASETS,
        "contradictions": [each for each in told if each.count],
        "sizes": sizes,
        "specs": service.specs(centre.settings.claims, now=centre.now()),
    }
    return console_of(request).page(request, "imports.html", viewer=viewer, shown=shown)


@router.get("/imports/{number}/faults.csv")
def faults(request: Request, viewer: Reader, number: Number) -> StreamingResponse:
    """Why rows of an import were refused."""
    return faults_download(guard.centre_of(request), viewer, number)
