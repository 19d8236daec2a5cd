"""Enrol people, keep the proxy register, and bring each site's terminals the faces that it expects."""

import csv
from collections.abc import Sequence
from datetime import datetime, timedelta
from io import StringIO

import numpy as np
import pyarrow as pa
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, RowMapping, Subquery

from central.arrow import read_table
from central.audit import service as audit
from central.china import CHINA
from central.devices import service as devices
from central.errors import BadInput, NotFound
from central.evidence import service as evidence
from central.evidence.objects import EvidenceStore
from central.keys import CentreKeys
from central.people import store
from central.people.model import Enrolment, Proxy
from central.sites import service as sites
from contract.commands import GALLERY_PAGE, MAX_ACTS_FOR, Gallery, GalleryEntry, GalleryPage, GalleryRole
from contract.ids import PsnNo
from contract.sealed import gallery_purpose, seal, to_text, unseal
from models.results import Template

_psn_no = TypeAdapter(PsnNo)
_OPEN_END = datetime(2099, 12, 30, tzinfo=CHINA)
_REGISTER_COLUMNS = ("psn_no", "proxy_psn_no", "from", "to", "reason")


def check(request: Enrolment) -> None:
    """Raises BadInput for an identifier that cannot be one, or a missing legal basis."""
    require_psn_no(request.psn_no)
    if not request.legal_basis.strip():
        raise BadInput(f"person {request.psn_no}: a face may be held only on a legal basis: name it")


def require_psn_no(text: str) -> None:
    """Raises BadInput unless the text can be a psn_no."""
    try:
        _psn_no.validate_python(text)
    except ValidationError:
        raise BadInput(f"{text[:40]!r} is not a psn_no: 1 to 30 letters, digits, - or _") from None


def enrol(
    db: Connection, keys: CentreKeys, files: EvidenceStore, request: Enrolment, templates: Sequence[Template], *, now: datetime, actor: str
) -> None:
    """Keep one person's templates, one for each network, and picture, all sealed, and let the site's terminals know.

    Does not look for duplicates. A new template replaces the earlier one of the same network. Raises NotFound for an unknown site, BadInput
    for a wrong request.
    """
    check(request)
    sites.require_site(db, request.fixmedins_code)
    store.put_person(db, request.psn_no, request.legal_basis, now=now)
    purpose = f"enrolment-picture/1 {request.psn_no}"
    picture = evidence.keep_own(db, files, keys, request.pictures[0], purpose=purpose, role="enrolment", now=now)
    for template in templates:
        _put_template(db, keys, request.psn_no, template, picture, now=now, actor=actor)
    store.expect(db, request.fixmedins_code, request.psn_no, request.role)
    _tell_sites(db, request.psn_no, now=now)
    audit.record(db, now=now, actor=actor, action="person.enrol", object=request.psn_no, detail={"site": request.fixmedins_code})


def without_template(db: Connection, version: str) -> list[str]:
    """People who have a picture but no template of this network, in order."""
    return store.without_template(db, version)


def add_template(db: Connection, keys: CentreKeys, psn_no: str, template: Template, *, now: datetime, actor: str) -> None:
    """One more template from the person's current picture, and let the sites' terminals know."""
    picture = store.picture_of(db, psn_no)
    if picture is None:
        raise NotFound(f"person {psn_no} has no enrolment picture")
    _put_template(db, keys, psn_no, template, picture, now=now, actor=actor)
    _tell_sites(db, psn_no, now=now)
    audit.record(db, now=now, actor=actor, action="person.template", object=psn_no, detail={"embedder": template.version})


def retire_templates(db: Connection, versions: Sequence[str], *, now: datetime, actor: str) -> int:
    """Take templates of all other networks out of use, for people who have one of each of `versions`; how many people that were.

    The terminals forget them with the next page. What was judged with them stays explained: the rows are kept.
    """
    people = store.with_other_templates(db, versions)
    for psn_no in people:
        store.retire_templates(db, psn_no, versions, now=now)
        _tell_sites(db, psn_no, now=now)
    if people:
        audit.record(db, now=now, actor=actor, action="templates.retire", object=" ".join(versions)[:200], detail={"people": len(people)})
    return len(people)


def _put_template(db: Connection, keys: CentreKeys, psn_no: str, template: Template, picture: str, *, now: datetime, actor: str) -> None:
    vector = np.ascontiguousarray(template.vector, dtype="<f4").tobytes()
    row = {
        "psn_no": psn_no,
        "embedder": template.version,
        "sealed_vector": seal(vector, keys.seal_public, _template_purpose(psn_no)),
        "quality": template.quality.weight,
        "media_id": picture,
        "enrolled_at": now,
        "enrolled_by": actor,
    }
    store.put_template(db, row, now=now)


def expect(db: Connection, psn_no: str, fixmedins_code: str, role: GalleryRole, *, now: datetime, actor: str) -> None:
    """One more site expects a person who is enrolled already."""
    sites.require_site(db, fixmedins_code)
    store.expect(db, fixmedins_code, psn_no, role)
    store.add_change(db, fixmedins_code, psn_no, now=now)
    audit.record(db, now=now, actor=actor, action="person.expect", object=psn_no, detail={"site": fixmedins_code})


def register_proxy(db: Connection, proxy: Proxy, *, now: datetime, actor: str) -> None:
    """Add a proxy. Raises BadInput for oneself, or for an end before the begin."""
    require_psn_no(proxy.psn_no)
    require_psn_no(proxy.proxy_psn_no)
    if proxy.psn_no == proxy.proxy_psn_no:
        raise BadInput(f"person {proxy.psn_no} cannot be registered as the proxy of the same person")
    if proxy.valid_to <= proxy.valid_from:
        raise BadInput(f"proxy of {proxy.psn_no}: it ends ({proxy.valid_to.isoformat()}) before it begins ({proxy.valid_from.isoformat()})")
    store.add_proxy(db, proxy)
    if len(store.acting_for(db, [proxy.proxy_psn_no], now=max(now, proxy.valid_from)).get(proxy.proxy_psn_no, ())) > MAX_ACTS_FOR:
        raise BadInput(f"{proxy.proxy_psn_no} would be the proxy of more than {MAX_ACTS_FOR} people at one time: end earlier entries first")
    for fixmedins_code in store.sites_expecting(db, proxy.psn_no):
        if proxy.proxy_psn_no not in store.roles_at(db, fixmedins_code, [proxy.proxy_psn_no]):
            store.expect(db, fixmedins_code, proxy.proxy_psn_no, GalleryRole.INSURED)
    _tell_sites(db, proxy.proxy_psn_no, now=now)
    audit.record(db, now=now, actor=actor, action="proxy.register", object=proxy.psn_no, detail={"proxy": proxy.proxy_psn_no})


def read_proxies(text: str) -> list[Proxy]:
    """Read a proxy register (psn_no, proxy_psn_no, from, to, reason; local dates). Raises BadInput naming line and column."""
    reader = csv.DictReader(StringIO(text))
    if missing := [name for name in _REGISTER_COLUMNS if name not in (reader.fieldnames or ())]:
        raise BadInput(f"proxy register: column {missing[0]!r} is missing; the columns are {', '.join(_REGISTER_COLUMNS)}")
    return [
        Proxy(
            psn_no=row["psn_no"],
            proxy_psn_no=row["proxy_psn_no"],
            valid_from=_local_date(row["from"], line, "from"),
            valid_to=_day_after(_local_date(row["to"], line, "to")),
            reason=row["reason"] or "",
        )
        for line, row in enumerate(reader, start=2)
    ]


def proxies_table(db: Connection) -> pa.Table:
    """The proxy register for the rules: psn_no, proxy_psn_no, valid_from, valid_to."""
    return read_table(db, store.proxy_register())


def picture_of(db: Connection, psn_no: str) -> str | None:
    """The media_id of the current enrolment picture, or None."""
    return store.picture_of(db, psn_no)


def renew_galleries(db: Connection, *, now: datetime, days: int) -> int:
    """Send again what would otherwise expire at the terminals, at half its life; how many entries that were."""
    due = store.last_told_before(db, now - timedelta(days=days) / 2)
    for row in due:
        store.add_change(db, row["fixmedins_code"], row["psn_no"], now=now)
    return len(due)


def newest_changes() -> Subquery:
    """Selects the newest gallery version of each site."""
    return store.newest_changes()


def gallery_command(db: Connection, keys: CentreKeys, device_id: str, from_version: int, *, now: datetime, days: int) -> Gallery | None:
    """The next page for a device that holds `from_version`; None if it is up to date. The page is sealed to the device."""
    key = devices.current_key(db, device_id)
    changes = _that_fit(db, store.changes_after(db, key.fixmedins_code, from_version, GALLERY_PAGE))
    if not changes:
        return None
    named = tuple(dict.fromkeys(row["psn_no"] for row in changes))
    hold = _entries(db, keys, key.fixmedins_code, named, now=now, expires_at=now + timedelta(days=days))
    page = GalleryPage(hold=tuple(hold), forget=tuple(sorted(set(named) - {entry.psn_no for entry in hold})))
    return Gallery(
        device=device_id,
        at=now,
        from_version=from_version,
        to_version=changes[-1]["version"],
        page=to_text(seal(page.model_dump_json().encode(), key.seal_public, gallery_purpose(device_id))),
    )


def _that_fit(db: Connection, changes: Sequence[RowMapping]) -> Sequence[RowMapping]:
    """The first changes whose templates, several for a person while networks change, make one page at most."""
    entries = store.count_templates(db, [row["psn_no"] for row in changes])
    total, seen = 0, set[str]()
    for count, row in enumerate(changes):
        total += 0 if row["psn_no"] in seen else entries.get(row["psn_no"], 0)
        seen.add(row["psn_no"])
        if total > GALLERY_PAGE:
            return changes[:count]
    return changes


def _entries(
    db: Connection, keys: CentreKeys, fixmedins_code: str, psn_nos: Sequence[str], *, now: datetime, expires_at: datetime
) -> list[GalleryEntry]:
    roles = store.roles_at(db, fixmedins_code, psn_nos)
    acting = store.acting_for(db, psn_nos, now=now)
    return [
        GalleryEntry(
            psn_no=row["psn_no"],
            role=GalleryRole(roles[row["psn_no"]]),
            embedder=row["embedder"],
            vector=to_text(unseal(row["sealed_vector"], keys.seal_private, _template_purpose(row["psn_no"]))),
            acts_for=acting.get(row["psn_no"], ())[:MAX_ACTS_FOR],
            expires_at=expires_at,
        )
        for row in store.current_templates(db, roles)
    ]


def _tell_sites(db: Connection, psn_no: str, *, now: datetime) -> None:
    for fixmedins_code in store.sites_expecting(db, psn_no):
        store.add_change(db, fixmedins_code, psn_no, now=now)


def _template_purpose(psn_no: str) -> str:
    return f"template/1 {psn_no}"


def _day_after(day: datetime) -> datetime:
    """The last day counts whole; 9999-12-31 and the like mean that no end is set."""
    return min(day, _OPEN_END) + timedelta(days=1)


def _local_date(text: str | None, line: int, column: str) -> datetime:
    try:
        return datetime.strptime(text or "", "%Y-%m-%d").replace(tzinfo=CHINA)
    except ValueError:
        raise BadInput(f"proxy register line {line}, column {column!r}: {(text or '')[:40]!r} is not a date like 2026-01-31") from None
