"""The page of the log: how large it is, who vouches for it, and a place to check an entry or a checkpoint that somebody holds."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import Connection

from central.db import reading
from central.transparency import service
from central.transparency.model import MAX_REF, Kind
from central.web import guard
from central.web.console import console_of
from central.web.guard import Right, Viewer
from contract.checkpoints import MAX_NOTE, VerifierKey, open_note
from contract.sealed import Untrusted

router = APIRouter(include_in_schema=False)
Reader = Annotated[Viewer, Depends(guard.page(Right.READ_AUDIT))]
Ref = Annotated[str, Query(max_length=MAX_REF)]
Note = Annotated[str, Query(max_length=MAX_NOTE)]

_SHOWN = 100


@router.get("/log")
def log_page(request: Request, viewer: Reader, kind: Kind = Kind.EVENT, ref: Ref = "", note: Note = "") -> HTMLResponse:
    """The log as it stands; with `ref` whether that is in it, with `note` whether it continues that checkpoint."""
    centre = guard.centre_of(request)
    key = VerifierKey.parse(centre.keys.log_vkey)
    with reading(centre.engine).begin() as db:
        newest = service.newest(db)
        shown: dict[str, Any] = {
            "head": newest,
            "waiting": service.count_pending(db),
            "cosigned": service.newest_cosigned(db),
            "witnesses": service.witnesses(db),
            "unasked": [each.name for each in centre.settings.transparency.witness_keys],
            "anchors": service.anchors(db, _SHOWN),
            "anchored": service.count_anchors(db),
            "key": str(key),
            "kinds": tuple(Kind),
            "kind": kind,
            "ref": ref.strip(),
            "note": note,
            "entry": _entry(db, kind, ref.strip()) if ref.strip() else None,
            "held": _held(db, note, key) if note.strip() else None,
        }
    size = 0 if newest is None else newest.checkpoint.size
    shown["late"] = [each.witness for each in shown["witnesses"] if each.is_late(size, centre.now())]
    shown["unasked"] = [name for name in shown["unasked"] if name not in {each.witness for each in shown["witnesses"]}]
    return console_of(request).page(request, "log.html", viewer=viewer, shown=shown)


def _entry(db: Connection, kind: Kind, ref: str) -> dict[str, Any]:
    """`state` is here, waits or unknown."""
    proof = service.proof(db, kind, ref)
    if proof is None:
        return {"state": "waits" if service.waits(db, kind, ref) else "unknown", "proof": None}
    return {"state": "here" if proof.salt is not None else "erased", "proof": proof}


def _held(db: Connection, note: str, key: VerifierKey) -> dict[str, Any]:
    """`state` is continued, rewritten, cut or foreign. A browser sends lines with carriage returns."""
    try:
        held = open_note(note.replace("\r\n", "\n").strip("\n") + "\n", key)
    except Untrusted as error:
        return {"state": "foreign", "why": str(error), "size": 0}
    newest = service.newest(db)
    if newest is None or held.size > newest.checkpoint.size:
        return {"state": "cut", "why": "", "size": held.size}
    return {"state": "continued" if service.root(db, held.size) == held.root else "rewritten", "why": "", "size": held.size}
