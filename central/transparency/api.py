"""The log for auditors' programs: checkpoint, proofs, and the tree itself as C2SP tlog-tiles below /api/log."""

import re
from base64 import b64encode
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from central.db import reading
from central.errors import NotFound
from central.transparency import service
from central.transparency.model import MAX_REF, Kind
from central.transparency.tree import HASH, WIDTH
from central.web import guard
from central.web.guard import Right

router = APIRouter(prefix="/api/log", tags=["log"], dependencies=[Depends(guard.api(Right.READ_AUDIT))])
Size = Annotated[int, Query(ge=0, lt=2**62)]
Ref = Annotated[str, Query(min_length=1, max_length=MAX_REF)]
_TILE = re.compile(r"((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")
_MOST_LEVELS = 8


@router.get("/checkpoint")
def checkpoint(request: Request) -> Response:
    """The newest checkpoint as a signed note, with the co-signatures that it has."""
    with reading(guard.centre_of(request).engine).begin() as db:
        return Response(service.checkpoint(db), media_type="text/plain; charset=utf-8")


@router.get("/key")
def key(request: Request) -> Response:
    """The log's verifier key. Believe it only if somebody else says the same."""
    return Response(f"{guard.centre_of(request).keys.log_vkey}\n", media_type="text/plain; charset=utf-8")


@router.get("/proof")
def proof(request: Request, kind: Kind, ref: Ref) -> dict[str, Any]:
    """That an event, a finding or an audit entry is in the log."""
    with reading(guard.centre_of(request).engine).begin() as db:
        found = service.proof(db, kind, ref)
        if found is None:
            waits = service.waits(db, kind, ref)
            raise NotFound(f"{kind} {ref!r} " + ("waits for its place: ask again in a second" if waits else "was never logged"))
    return found.plain()


@router.get("/consistency")
def consistency(request: Request, first: Size, second: Size) -> dict[str, Any]:
    """That the tree of `second` leaves begins with that of `first` (RFC 6962, 2.1.2); hashes in base64."""
    with reading(guard.centre_of(request).engine).begin() as db:
        path = service.consistency(db, first, second)
    return {"first": first, "second": second, "path": [b64encode(hash).decode() for hash in path]}


@router.get("/tile/entries/{place:path}")
def entries(request: Request, place: str) -> Response:
    """256 leaves, or as many as the address says, each after its length in two bytes."""
    number, width = _place(place)
    with reading(guard.centre_of(request).engine).begin() as db:
        _require(service.tile(db, 0, number), width, place)
        leaves = service.leaves(db, number * WIDTH, number * WIDTH + width)
    bundle = b"".join(len(leaf.data).to_bytes(2, "big") + leaf.data for leaf in leaves)
    return Response(bundle, media_type="application/octet-stream")


@router.get("/tile/{level}/{place:path}")
def tile(request: Request, level: int, place: str) -> Response:
    """256 hashes of complete subtrees of 256**level leaves, or as many as the address says."""
    number, width = _place(place)
    if not 0 <= level < _MOST_LEVELS:
        raise NotFound(f"no tile of level {level}")
    with reading(guard.centre_of(request).engine).begin() as db:
        hashes = _require(service.tile(db, level, number), width, place)
    return Response(hashes, media_type="application/octet-stream")


def _place(text: str) -> tuple[int, int]:
    """The number in groups of three digits, all but the last after an x, and the width. Raises NotFound for another form."""
    match = _TILE.fullmatch(text)
    if match is None or len(text) > 40 or int(match[2] or WIDTH) > WIDTH or match[2] == str(WIDTH):
        raise NotFound(f"no tile {text[:40]!r}: an address is like x001/x234/067 or x001/x234/067.p/112")
    number = int(re.sub("[x/]", "", match[1]))
    if number >= 2**31:
        raise NotFound(f"no tile {text[:40]!r} in a log of this size")
    return number, int(match[2] or WIDTH)


def _require(hashes: bytes, width: int, place: str) -> bytes:
    if len(hashes) < width * HASH:
        raise NotFound(f"tile {place} has {len(hashes) // HASH} hashes now")
    return hashes[: width * HASH]
