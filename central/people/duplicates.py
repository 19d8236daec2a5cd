"""Doubtful identities: two numbers with one face, or one number with two. People look at both pictures and decide; nobody is accused."""

from dataclasses import replace
from datetime import datetime

from pydantic import JsonValue
from sqlalchemy import Connection

from central.audit import service as audit
from central.errors import BadInput, Conflict, NotFound
from central.evidence import service as evidence
from central.evidence.objects import EvidenceStore
from central.people import lists, service, store
from central.people.model import Duplicate, Likeness, Verdict, allows, words


def get(db: Connection, duplicate_id: int) -> Duplicate:
    """One entry. Raises NotFound."""
    row = lists.duplicate(db, duplicate_id)
    if row is None:
        raise NotFound(f"entry {duplicate_id} of the register of doubtful identities is not here")
    return service.duplicate_of(row)


def shown(found: Duplicate, *, named: bool) -> Duplicate:
    """The entry, without whom the picture resembles unless that may be `named`: whoever enrols must not learn who a face is by trying."""
    return found if named or found.psn_no == found.other_psn_no else replace(found, other_psn_no="")


def decide(db: Connection, files: EvidenceStore, duplicate_id: int, verdict: str, reason: str, *, now: datetime, actor: str) -> Duplicate:
    """Record what a person decided after looking at both pictures; it cannot be changed.

    Whoever may be enrolled now is enrolled by handing the picture in again; the one that was kept for the decision is erased. Raises
    NotFound, BadInput (verdict or reason), Conflict if it was decided before.
    """
    found = get(db, duplicate_id)
    said, because = _verdict(verdict), words(reason, "the reason")
    if found.verdict is not None:
        raise Conflict(f"entry {duplicate_id} was decided already: {found.verdict}, by {found.decided_by}")
    lists.decide_duplicate(db, duplicate_id, verdict=said.value, reason=because, decided_at=now, decided_by=actor)
    if found.media_id is not None:
        evidence.erase(db, files, [found.media_id], why=f"duplicate {duplicate_id}", actor=actor, now=now)
    detail: dict[str, JsonValue] = {"number": duplicate_id, "other": found.other_psn_no, "verdict": said.value, "reason": because}
    audit.record(db, now=now, actor=actor, action="duplicate.decide", object=found.psn_no, detail=detail)
    return get(db, duplicate_id)


def pardons(db: Connection, psn_no: str) -> tuple[frozenset[str], bool]:
    """People of whom it was decided that they are different from this one; and whether a picture unlike the earlier ones may come now.

    The second holds for the next picture only: a decision about one picture says nothing about those after it.
    """
    entries = [service.duplicate_of(row) for row in lists.duplicates_about(db, psn_no)]
    allowed = [one for one in entries if one.verdict and allows(one.verdict, oneself=one.psn_no == one.other_psn_no)]
    others = frozenset({name for one in allowed for name in (one.psn_no, one.other_psn_no)} - {psn_no})
    newest = max((row["enrolled_at"] for row in store.templates_of(db, psn_no)), default=None)
    oneself = any(
        one.psn_no == one.other_psn_no and one.decided_at is not None and (newest is None or one.decided_at >= newest) for one in allowed
    )
    return others, oneself


def undecided(db: Connection, psn_no: str, other_psn_no: str, likeness: Likeness) -> int | None:
    """The number of the entry about the same that waits for a decision already; None if there is none."""
    entries = [service.duplicate_of(row) for row in lists.duplicates_about(db, psn_no)]
    same = (one for one in entries if (one.psn_no, one.other_psn_no, one.finding) == (psn_no, other_psn_no, likeness))
    return next((one.duplicate_id for one in same if one.verdict is None), None)


def explained(psn_no: str, duplicate_id: int) -> str:
    """Why the picture waits, without a word about whom it resembles."""
    return (
        f"person {psn_no}: the picture is kept apart until people have decided (entry {duplicate_id}): it resembles another person's, or"
        " not this person's earlier ones; twins and families do, and pictures are mixed up. Hand it in again after the decision"
    )


def _verdict(text: str) -> Verdict:
    try:
        return Verdict(text)
    except ValueError:
        raise BadInput(f"verdict {text[:20]!r} is none of {', '.join(Verdict)}") from None
