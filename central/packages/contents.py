"""What a package says besides pictures and film: each document of it as one member. Reads only.

Nothing of other people is in it: an enrolment picture only where the finding compares with it, no template and no embedding beyond the
sealed one that the signed event carries, which nobody but the centre can open.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection

from central.audit import service as audit
from central.audit.model import Entry
from central.captures import service as captures
from central.captures.model import SignedEvent
from central.cases import service as cases
from central.cases.dossier import Dossier
from central.claims import service as claims
from central.devices import service as devices
from central.keys import CentreKeys
from central.packages import service
from central.packages.model import Marking, plain
from central.packages.writer import Member
from central.sites import service as sites
from central.transparency import service as transparency
from central.transparency.model import Proof
from contract.checkpoints import WITNESS, VerifierKey, read
from contract.sealed import from_text, to_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Everything that the documents, and the readable report made of them, draw from."""

    read: Dossier
    marking: Marking
    events: tuple[SignedEvent, ...]
    custody: tuple[Entry, ...]
    documents: Mapping[str, Any]


def tell(db: Connection, keys: CentreKeys, read: Dossier, witnesses: Mapping[str, str]) -> Told:
    """Gather what is known about a finding at this moment. `witnesses` names the public keys that co-sign the log (base64url)."""
    jr_id = read.finding.jr_id
    names = [each.capture.capture_id for each in read.sightings]
    events = captures.signed_events(db, names)
    media = {one.media_id for each in read.sightings for one in each.capture.media} | enrolment_pictures(read)
    custody = audit.about(db, {jr_id, *names, *media})
    marking = service.marking_of(db, read)
    documents = {
        "finding": _finding(read),
        "rule": _rule(read),
        "claims": [_claim(db, read, setl_id) for setl_id in read.finding.setl_ids],
        "site": _site(db, read),
        "captures": [asdict(each.capture) for each in read.sightings],
        "keys": _keys(db, keys, events, witnesses),
        "events": [_event(each) for each in events],
        "reviews": {"marking": {"reviewed": marking.reviewed, "missing": marking.missing}, "stamps": service.stamps_of(db, jr_id)},
        "holds": service.holds_about(db, jr_id),
        "exports": service.packages_of(db, jr_id),
        "custody": {"entries": [asdict(each) for each in custody]},
    }
    return Told(
        read=read, marking=marking, events=events, custody=custody, documents={name: said(each) for name, each in documents.items()}
    )


def enrolment_pictures(read: Dossier) -> set[str]:
    """The enrolment pictures with which the finding compares: of a person whose identity it doubts, and of nobody else."""
    if not read.finding.rule_id.startswith("ID-"):
        return set()
    return {each.enrolment_media_id for each in read.sightings if each.enrolment_media_id is not None}


def members(db: Connection, keys: CentreKeys, told: Told) -> Iterator[Member]:
    """The documents, the signed events as they were sent, certificates and proofs."""
    for name, content in told.documents.items():
        yield Member(name=f"{name}.json", what=name, content=readable(content))
    for event in told.events:
        if event.signed:
            yield Member(name=event_name(event), what="event", content=event.signed)
    yield Member(name="certificates/authority.pem", what="authority", content=keys.tls("ca")[0].read_bytes())
    for key in told.documents["keys"]["devices"]:
        if key["certificate"] is not None:
            yield Member(name=key["certificate"], what="certificate", content=_certificates(db, {key["device"]})[key["certificate"]])
    yield from _proofs(db, told)


def event_name(event: SignedEvent) -> str:
    """Where a signed event lies in the package."""
    return f"events/{event.device_id}-{event.epoch}-{event.seq}.jws"


def said(value: Any) -> Any:
    """Records as JSON can say them."""
    if hasattr(value, "__dataclass_fields__"):
        return plain(asdict(value))
    if isinstance(value, list | tuple):
        return [said(each) for each in value]
    if isinstance(value, Mapping):
        return {name: said(each) for name, each in value.items()}
    return plain(value)


def readable(content: object) -> bytes:
    """JSON that people can read too."""
    return (json.dumps(plain(content), sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _finding(read: Dossier) -> dict[str, Any]:
    return asdict(read.finding) | {"status": read.finding.status.value}


def _rule(read: Dossier) -> dict[str, Any]:
    finding = read.finding
    texts = {"rule_name": finding.rule_name, "says": finding.vola_cont, "says_en": finding.vola_cont_en, "legal_basis": finding.legal_basis}
    return {"rule_id": finding.rule_id, "version": finding.rule_version, "limits": finding.limits, **texts}


def _claim(db: Connection, read: Dossier, setl_id: str) -> dict[str, Any]:
    for each in read.settlements:
        if each.setl_id == setl_id:
            return {"settlement": each.as_json(), **claims.provenance(db, each.fixmedins_code, setl_id)}
    return {"setl_id": setl_id, "settlement": None}


def _site(db: Connection, read: Dossier) -> dict[str, Any]:
    known = sites.site(db, read.finding.fixmedins_code)
    seen = [(each.capture.capture_id, sites.standing(db, each.capture.fixmedins_code, each.capture.opened_at)) for each in read.sightings]
    standings = [{"capture_id": name, **asdict(standing)} for name, standing in seen]
    return {"site": asdict(known), "approvals": sites.approvals(db, known.fixmedins_code), "standing_when_seen": standings}


def _keys(db: Connection, keys: CentreKeys, events: Iterable[SignedEvent], witnesses: Mapping[str, str]) -> dict[str, Any]:
    centre = {"kid": keys.signer.kid, "sign_public": to_text(keys.signer.public), "seal_public": to_text(keys.seal_public)}
    told = []
    for device_id in sorted({each.device_id for each in events}):
        for period in devices.key_history(db, device_id):
            named = None if period.certificate is None else _certificate_name(device_id, period.kid)
            public = {"sign_public": to_text(period.sign_public), "seal_public": to_text(period.seal_public), "certificate": named}
            told.append({"device": device_id, **asdict(period), **public})
    return {"centre": centre, "devices": told, "log": {"vkey": keys.log_vkey, "witnesses": dict(witnesses)}}


def _certificate_name(device_id: str, kid: str) -> str:
    return f"certificates/{device_id}-{kid[:16]}.pem"


def _certificates(db: Connection, device_ids: Iterable[str]) -> dict[str, bytes]:
    return {
        _certificate_name(device_id, period.kid): period.certificate.encode()
        for device_id in device_ids
        for period in devices.key_history(db, device_id)
        if period.certificate is not None
    }


def _event(event: SignedEvent) -> dict[str, Any]:
    names = ("device_id", "epoch", "seq", "kind", "sha256", "prev", "kid", "at", "received_at")
    return {name: getattr(event, name) for name in names} | {"member": event_name(event) if event.signed else None}


def _proofs(db: Connection, told: Told) -> Iterator[Member]:
    ref, content = cases.stated(db, told.read.finding.jr_id)
    yield Member(name="finding.stated.json", what="stated", content=content)
    wanted = [("finding", ref, "finding.stated.json", "proofs/finding.json")]
    for event in told.events:
        name = event_name(event)
        if event.signed:
            wanted.append(("event", f"{event.device_id}/{event.epoch}/{event.seq}", name, f"proofs/{name[:-4]}.json"))
    for number, entry in enumerate(told.custody):
        wanted.append(("audit", entry.sha256, f"custody.json#{number}", f"proofs/audit/{entry.audit_id}.json"))
    for kind, ref, of, name in wanted:
        proof = transparency.proof(db, kind, ref)
        if proof is not None:
            yield Member(name=name, what="proof", content=readable(_proof(proof, of, told.documents["keys"]["log"]["witnesses"])))


def _proof(proof: Proof, of: str, witnesses: Mapping[str, str]) -> dict[str, Any]:
    """Co-signatures of witnesses that the package does not name are left out, for nobody could check them."""
    hashes = {"salt": None if proof.salt is None else proof.salt.hex(), "path": [each.hex() for each in proof.path]}
    placed = {"kind": proof.kind, "ref": proof.ref, "index": proof.index, "size": proof.size}
    checkpoint, lines = read(proof.checkpoint)
    known = {VerifierKey(name=name, kind=WITNESS, public=from_text(key)).key_id for name, key in witnesses.items()}
    named = "".join(line.line for line in lines if line.name == checkpoint.origin or line.key_id in known)
    return {"of": of, "leaf": proof.leaf.decode(), **placed, "checkpoint": f"{checkpoint.body}\n{named}", **hashes}
