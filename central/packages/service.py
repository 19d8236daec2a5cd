"""Stamp evidence as reviewed, hold it, and know every package that went out. Making a package is in `export`."""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

from pydantic import JsonValue
from sqlalchemy import Connection, RowMapping

from central.audit import service as audit
from central.captures import service as captures
from central.cases import dossier
from central.cases import service as cases
from central.cases.dossier import Dossier
from central.devices import service as devices
from central.errors import BadInput, NotFound
from central.holds import service as holds
from central.holds.model import Hold, Kind, NewHold, require_placeable
from central.packages import store
from central.packages.model import (
    MAX_REASON,
    Marking,
    Package,
    Stamp,
    StampKind,
    StampResult,
    canonical,
    checked,
    marking,
    require_other_person,
)
from central.sites import service as sites


def covers(read: Dossier) -> str:
    """The digest of what a stamp is about: what the finding says, by which limits, and every picture and settlement that it rests on."""
    finding = read.finding
    said = {name: getattr(finding, name) for name in ("jr_id", "rule_id", "rule_version", "vola_cont", "vola_amt", "vola_evid", "limits")}
    seen = [[each.capture.capture_id, sorted(one.media_id for one in each.capture.media if not one.erased)] for each in read.sightings]
    return sha256(canonical(said | {"seen": seen, "billed": [each.digest() for each in read.settlements]})).hexdigest()


def stamp(db: Connection, jr_id: str, *, kind: StampKind, result: StampResult, reason: str, actor: str, now: datetime) -> None:
    """Record a legal or technical review of a finding's evidence, and audit it.

    Raises NotFound, BadInput, or Conflict where the same person did the other kind of review.
    """
    cases.lock(db, jr_id)
    because = checked("reason", reason, MAX_REASON)
    require_other_person(stamps_of(db, jr_id), kind, actor)
    covered = covers(dossier.read(db, jr_id))
    told = {"kind": kind.value, "result": result.value, "reason": because}
    store.add_stamp(db, told | {"jr_id": jr_id, "account": actor, "at": now, "covers": covered})
    audit.record(db, now=now, actor=actor, action="evidence.stamp", object=jr_id, detail={**told, "covers": covered})


def stamps_of(db: Connection, jr_id: str) -> tuple[Stamp, ...]:
    """The stamps of a finding, oldest first."""
    return tuple(_stamp(row) for row in store.stamps_of(db, jr_id))


def marking_of(db: Connection, read: Dossier) -> Marking:
    """Whether a finding's evidence may serve for a penalty, and what stands against it."""
    standings = [sites.standing(db, each.capture.fixmedins_code, each.capture.opened_at) for each in read.sightings]
    reviewed = [(each.legal is not None, each.technical is not None) for each in standings]
    return marking(reviewed, stamps_of(db, read.finding.jr_id), covers(read))


def hold(db: Connection, new: NewHold, *, actor: str, now: datetime) -> int:
    """Place a hold on a finding, a capture, or a span of a terminal or site; its number. Raises NotFound or BadInput."""
    require_placeable(new)
    if new.kind is Kind.SITE:
        sites.require_site(db, new.subject)
    if new.kind is Kind.DEVICE and new.subject not in devices.every_device(db):
        raise NotFound(f"device {new.subject[:60]!r} was never registered here: a hold on it would keep nothing")
    kept, persons = _kept(db, new.kind, new.subject, new.since, new.until)
    return holds.place(db, new, captures=kept, persons=persons, actor=actor, now=now)


def extend_holds(db: Connection) -> None:
    """Let every standing hold also keep what came after it was placed; repeating it changes nothing."""
    for each in holds.standing(db):
        kept, persons = _kept(db, each.kind, each.subject, each.since, each.until)
        holds.extend(db, each.hold_id, captures=kept, persons=persons)


def holds_about(db: Connection, jr_id: str) -> tuple[Hold, ...]:
    """Every hold on a finding itself, released ones included, oldest first."""
    return holds.about(db, Kind.FINDING, jr_id)


def note_export(db: Connection, made: Package) -> None:
    """Keep what went out, and audit it with its purpose."""
    store.add_package(db, {name: getattr(made, name) for name in Package.__dataclass_fields__})
    detail: dict[str, JsonValue] = {"package": made.package_id, "purpose": made.purpose, "sha256": made.sha256, "size": made.size}
    audit.record(db, now=made.exported_at, actor=made.exported_by, action="package.export", object=made.jr_id, detail=detail)


def packages_of(db: Connection, jr_id: str) -> tuple[Package, ...]:
    """Every package of a finding that went out, newest first."""
    return tuple(Package(**row) for row in store.packages_of(db, jr_id))


def newest_packages(db: Connection, limit: int = 50) -> tuple[Package, ...]:
    """The newest packages that went out."""
    return tuple(Package(**row) for row in store.newest_packages(db, limit))


def recognise(db: Connection, digest: str) -> Package:
    """The package with this SHA-256. Raises NotFound: this centre exported no such file, or it was changed since."""
    row = store.package_with(db, digest)
    if row is None:
        raise NotFound(f"no package with SHA-256 {digest[:64]} was exported here: it comes from elsewhere, or was changed since")
    return Package(**row)


def _kept(db: Connection, kind: Kind, subject: str, since: datetime | None, until: datetime | None) -> tuple[Iterable[str], Iterable[str]]:
    if kind is Kind.FINDING:
        evidence = cases.get(db, subject).vola_evid
        return evidence["capture_ids"], evidence["psn_nos"]
    if kind is Kind.CAPTURE:
        return [subject], [captures.get(db, subject).psn_no]
    if since is None or until is None:
        raise BadInput(f"a hold on a {kind} needs a span of time: since when, and until when after that")
    seen = (captures.seen_by_device if kind is Kind.DEVICE else captures.seen_at_site)(db, subject, since, until)
    return [name for name, _ in seen], [psn_no for _, psn_no in seen if psn_no is not None]


def _stamp(row: RowMapping) -> Stamp:
    return Stamp(**dict(row) | {"kind": StampKind(row["kind"]), "result": StampResult(row["result"])})
