"""People who cannot or will not use the face: the till is told to check by hand, and nobody is compared."""

from collections.abc import Collection
from datetime import datetime

from pydantic import JsonValue
from sqlalchemy import Connection

from central.audit import service as audit
from central.changes import service as changes
from central.changes.model import persons
from central.errors import BadInput, Conflict, NotFound
from central.people import lists, store
from central.people.gallery import tell_sites
from central.people.model import MAX_WORDS, ExemptReason, require_psn_no, words
from central.sites import service as sites
from contract.commands import GalleryRole


def add_exemption(
    db: Connection,
    psn_no: str,
    reason: ExemptReason,
    *,
    note: str = "",
    valid_until: datetime | None = None,
    fixmedins_codes: Collection[str] = (),
    now: datetime,
    actor: str,
) -> int:
    """Except somebody, enrolled or not, until then or for good (None), at the sites that expect them and at those named; its number.

    Raises BadInput for an end that has passed, a note that is too long, or a person whom no site expects and none is named; NotFound for an
    unknown site.
    """
    require_psn_no(psn_no)
    if valid_until is not None and valid_until <= now:
        raise BadInput(f"exception of {psn_no}: its end ({valid_until:%Y-%m-%d}) has passed")
    if len(note) > MAX_WORDS:
        raise BadInput(f"exception of {psn_no}: the note has {len(note)} characters, at most {MAX_WORDS} are allowed")
    for fixmedins_code in fixmedins_codes:
        sites.require_site(db, fixmedins_code)
    known = store.sites_expecting(db, psn_no)
    if not known and not fixmedins_codes:
        raise BadInput(f"exception of {psn_no}: no site expects this person yet; name the site whose windows should know")
    store.know_person(db, psn_no, now=now)
    for fixmedins_code in set(fixmedins_codes) - set(known):
        row = {
            "fixmedins_code": fixmedins_code,
            "psn_no": psn_no,
            "role": GalleryRole.INSURED.value,
            "reference": None,
            "valid_until": None,
        }
        store.expect(db, row | {"added_at": now, "added_by": actor})
    entry = {"psn_no": psn_no, "reason": reason.value, "note": note.strip(), "valid_until": valid_until}
    number = lists.add_exemption(db, entry | {"entered_at": now, "entered_by": actor})
    changes.note(db, persons([psn_no]))
    tell_sites(db, psn_no, now=now)
    audit.record(db, now=now, actor=actor, action="exemption.add", object=psn_no, detail={"reason": reason.value, "number": number})
    return number


def end_exemption(db: Connection, exemption_id: int, why: str, *, now: datetime, actor: str) -> None:
    """End an exception before its time. Raises NotFound, Conflict if it is over, BadInput without a reason."""
    because = words(why, "the reason")
    row = lists.exemption(db, exemption_id)
    if row is None:
        raise NotFound(f"exception {exemption_id} is not here")
    if row["ended_at"] is not None or (row["valid_until"] is not None and row["valid_until"] <= now):
        raise Conflict(f"exception {exemption_id} of {row['psn_no']} is over already")
    lists.end_exemption(db, exemption_id, why=because, actor=actor, now=now)
    changes.note(db, persons([row["psn_no"]]))
    tell_sites(db, row["psn_no"], now=now)
    detail: dict[str, JsonValue] = {"number": exemption_id, "reason": because}
    audit.record(db, now=now, actor=actor, action="exemption.end", object=row["psn_no"], detail=detail)
