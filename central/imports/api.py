"""Where programs send data, and where anybody with the right asks what became of it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi import Path as PathParameter
from fastapi.responses import StreamingResponse

from central.db import reading
from central.feeds import service as feeds
from central.imports import pushing, service
from central.web import guard
from central.web.guard import Right, Viewer
from central.wiring import Centre

PATH = "/api/data/"
router = APIRouter(prefix="/api", tags=["data"])
Sender = Annotated[Viewer, Depends(guard.api(Right.SEND_DATA))]
Number = Annotated[int, PathParameter(ge=1, le=2**31 - 1)]
Reader = Annotated[Viewer, Depends(guard.api(Right.SEE_IMPORTS))]
_may_see = [Depends(guard.api(Right.SEE_IMPORTS))]


async def _body(request: Request) -> bytes:
    return await request.body()


@router.post(PATH.removeprefix("/api") + "{dataset}")
def send(
    request: Request,
    viewer: Sender,
    dataset: str,
    body: Annotated[bytes, Depends(_body)],
    idempotency_key: Annotated[str, Header(description="Names this sending; the same again gets the same answer for 30 days.")] = "",
    dry_run: Annotated[bool, Query(description="Only say what would happen.")] = False,
) -> dict[str, Any]:
    """Take in rows of a dataset: CSV with a header row, one JSON object a line, or Parquet; 32 MiB at most.

    Good rows are kept and refused ones named, so the answer is 200 with counts also where rows were refused. 400 for content that cannot
    be read as a whole or an unknown dataset, 403 for a dataset that the program may not send, 409 for a key that was used for other
    content or is under way, 413 for too much.
    """
    centre = guard.centre_of(request)
    now = centre.now()
    kept = service.kept_for(viewer.username, dataset, centre.settings, now=now)
    push = pushing.Push(kept=kept, actor=viewer.username, key=idempotency_key, body=body, now=now)
    work = pushing.try_out if dry_run else pushing.take
    return dict(work(centre.engine, push, _folder(centre), centre.settings.claims.withdraw_share))


@router.get("/imports", dependencies=_may_see)
def imports(request: Request, page: Annotated[int, Query(ge=1, le=1_000_000)] = 1, dataset: str | None = None) -> dict[str, Any]:
    """Imports, newest first; of one dataset, if it is named. 400 for an unknown one."""
    if dataset is not None:
        service.require_dataset(dataset)
    with reading(guard.centre_of(request).engine).begin() as db:
        rows, total = feeds.imports_page(db, number=page, dataset=dataset)
    return {"total": total, "imports": rows}


@router.get("/imports/{number}", dependencies=_may_see)
def one_import(request: Request, number: Number) -> Mapping[str, Any]:
    """One import. 404 if there is none."""
    with reading(guard.centre_of(request).engine).begin() as db:
        return feeds.import_of(db, number)


@router.get("/imports/{number}/faults.csv")
def faults_csv(request: Request, viewer: Reader, number: Number) -> StreamingResponse:
    """Why rows of an import were refused, as CSV."""
    return faults_download(guard.centre_of(request), viewer, number)


def faults_download(centre: Centre, viewer: Viewer, number: Number) -> StreamingResponse:
    """The faults of an import, read as they are sent; the log says who took them out. Raises NotFound."""
    with centre.engine.begin() as db:
        service.note_faults(db, number, actor=viewer.username, now=centre.now())

    def lines() -> Iterator[str]:
        yield "\ufeff" + feeds.FAULT_HEADER
        with reading(centre.engine).begin() as db:
            yield from map(feeds.fault_line, feeds.faults(db, number))

    name = f'attachment; filename="import-{number}-faults.csv"'
    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers={"Content-Disposition": name})


def _folder(centre: Centre) -> Path:
    """Where what was sent lies while it is taken in."""
    folder = centre.settings.data_dir / "pushed"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
