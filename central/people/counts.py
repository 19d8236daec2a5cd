"""How many faces are kept: whoever stores many has to file with the authority, and should hear of it before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from central.audit import service as audit
from central.china import CHINA
from central.people import lists, store


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceCount:
    """Faces kept at `counted_at`: people with a template, and different faces among captures besides (a bound from above: a face that was
    never recognised counts, also where it is an enrolled one). `warned_at` is the highest number of the settings that was reached; 0: none.
    """

    enrolled: int
    seen: int
    warned_at: int
    counted_at: datetime

    @property
    def total(self) -> int:
        """All of them."""
        return self.enrolled + self.seen


def count_faces(db: Connection, warn: Sequence[int], *, seen: int | None = None, now: datetime, actor: str) -> FaceCount:
    """Count, keep the figure of the day, and write into the audit log when one of `warn` is reached that was not before.

    `seen` is the number of other faces among captures; where the caller does not know it the last one stands.
    """
    before = newest_count(db)
    others = seen if seen is not None else (before.seen if before else 0)
    total = store.count_faces(db) + others
    found = FaceCount(enrolled=total - others, seen=others, warned_at=max((at for at in warn if total >= at), default=0), counted_at=now)
    day = now.astimezone(CHINA).date().isoformat()
    row = {"day": day, "enrolled": found.enrolled, "seen": found.seen, "warned_at": found.warned_at, "counted_at": now}
    lists.put_count(db, row)
    if found.warned_at > (before.warned_at if before else 0):
        audit.record(db, now=now, actor=actor, action="faces.warn", object=str(found.warned_at), detail={"faces": found.total})
    return found


def newest_count(db: Connection) -> FaceCount | None:
    """The last count; None before the first."""
    row = lists.newest_count(db)
    return None if row is None else FaceCount(**{name: row[name] for name in FaceCount.__dataclass_fields__})
