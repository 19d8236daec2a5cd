"""Erase what shows a person, as far as nothing holds it, and prove it; read `erase` from top to bottom."""

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping

from central.audit import service as audit
from central.captures import service as captures
from central.cases import service as cases
from central.devices import service as devices
from central.errors import BadInput, Conflict, NotFound
from central.evidence.objects import EvidenceStore
from central.holds import service as holds
from central.keys import CentreKeys
from central.packages import service as packages
from central.people import service as people
from central.people.model import MAX_REFERENCE, ExemptReason, words
from central.settings import Settings
from central.subjects import store
from central.subjects.model import NAMED, Erased, Erasure, ErasureStatement, Held, Terminal, TerminalState, Why, digest
from central.subjects.wording import chinese, english

ACTOR = "erasing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Eraser:
    """What it takes to erase: keys that sign, the store of sealed objects, the settings that say what a finding keeps, and who does it."""

    keys: CentreKeys
    files: EvidenceStore
    settings: Settings
    actor: str

    def erase(self, db: Connection, psn_no: str, why: Why, reference: str, *, now: datetime) -> Erasure:
        """Erase everything here that shows this person's face: templates, enrolment pictures, and vectors and pictures of captures.

        What a finding in force or a legal hold needs stays, named with its reason, but is compared with nobody any more. The terminals are
        told to forget. After a withdrawn consent the till is told to check by hand. Raises NoSuchPerson, BadInput without a reference, or
        Conflict where nothing of the person is left.
        """
        said = words(reference, "the reference of the request", most=MAX_REFERENCE)
        people.require_person(db, psn_no)
        if why is Why.WITHDRAWN:
            self._withdraw(db, psn_no, said, now)
        packages.extend_holds(db)  # what came after a hold was placed is held too
        held = _held(db, psn_no, self.since(now))
        gone = self._erase_all(db, psn_no, {one.name for one in held}, now)
        if not gone and not held and why is not Why.WITHDRAWN:
            raise Conflict(f"person {psn_no}: nothing is kept that shows the face; earlier proofs are on the person's page")
        return self._kept(db, self._done(psn_no, why, said, now) | {"erased": gone, "held": held, "terminals": _terminals(db, psn_no, now)})

    def complete(self, db: Connection, psn_no: str, reference: str, names: Set[str], *, asked_at: datetime, now: datetime) -> Erasure:
        """Erase those of `names`, which an earlier erasing had to leave, that nothing holds any more.

        Whoever has enrolled again since stays enrolled: only what was here when it was `asked` to be erased goes.
        """
        held = tuple(one for one in _held(db, psn_no, self.since(now)) if one.name in names)
        free = names - {one.name for one in held}
        gone = list[dict[str, str]]()
        if psn_no in free:
            gone += people.erase_face(db, self.files, psn_no, until=asked_at, why=f"erasing {psn_no}", now=now, actor=self.actor)
        shown = [name for name in captures.showing(db, psn_no) if name in free]
        gone += captures.erase_faces(db, self.files, shown, why=f"erasing {psn_no}", actor=self.actor, now=now)
        told = {} if any(row["current"] for row in people.kept_of(db, psn_no, now=now).templates) else _terminals(db, psn_no, now)
        done = self._done(psn_no, Why.COMPLETED, reference, now)
        return self._kept(db, done | {"erased": _named(gone), "held": held, "terminals": told})

    def since(self, now: datetime) -> datetime:
        """Findings that were confirmed since then keep what they need."""
        return now - timedelta(days=self.settings.retention.finding_days)

    def _done(self, psn_no: str, why: Why, reference: str, now: datetime) -> dict[str, Any]:
        return {"psn_no": psn_no, "why": why, "reference": reference, "erased_at": now, "erased_by": self.actor}

    def restate(self, db: Connection, erasure: Erasure, *, now: datetime) -> bytes:
        """The statement as it is true now, signed anew: terminals have confirmed since. Who asked for it is logged."""
        audit.record(db, now=now, actor=self.actor, action="person.statement", object=erasure.psn_no, detail={"number": erasure.erasure_id})
        return self._signed(db, erasure, now)

    def _withdraw(self, db: Connection, psn_no: str, reference: str, now: datetime) -> None:
        people.withdraw_basis(db, psn_no, reference, now=now, actor=self.actor)
        if people.sites_expecting(db, psn_no):
            people.add_exemption(db, psn_no, ExemptReason.WITHDRAWN, note=reference, now=now, actor=self.actor)

    def _erase_all(self, db: Connection, psn_no: str, held: set[str], now: datetime) -> tuple[Erased, ...]:
        why = f"erasing {psn_no}"
        gone: list[dict[str, str]] = []
        if psn_no in held:
            people.stop_using(db, psn_no, now=now)
        else:
            gone += people.erase_face(db, self.files, psn_no, why=why, now=now, actor=self.actor)
        free = [name for name in captures.showing(db, psn_no) if name not in held]
        gone += captures.erase_faces(db, self.files, free, why=why, actor=self.actor, now=now)
        return _named(gone)

    def _kept(self, db: Connection, done: Mapping[str, Any]) -> Erasure:
        erasure = Erasure(**done, erasure_id=0, statement=b"")
        now = erasure.erased_at
        row = {name: getattr(erasure, name) for name in ("psn_no", "reference", "erased_at", "erased_by", "statement")}
        lists = {"erased": [one.model_dump() for one in erasure.erased], "held": [one.model_dump() for one in erasure.held]}
        told = {device: list(told) for device, told in erasure.terminals.items()}
        number = store.add(db, row | lists | {"why": erasure.why.value, "terminals": told})
        kept = replace(erasure, erasure_id=number)
        signed = self._signed(db, kept, now)
        store.put_statement(db, number, signed)
        detail = {"number": number, "why": erasure.why.value, "reference": erasure.reference, "objects": len(erasure.erased)}
        audit.record(
            db, now=now, actor=self.actor, action="person.erase", object=erasure.psn_no, detail=dict(detail) | {"held": len(erasure.held)}
        )
        return replace(kept, statement=signed)

    def _signed(self, db: Connection, erasure: Erasure, now: datetime) -> bytes:
        terminals = terminals_of(db, erasure, now=now, gallery_days=self.settings.people.gallery_days)
        statement = ErasureStatement(
            number=erasure.erasure_id,
            psn_no=erasure.psn_no,
            why=erasure.why,
            reference=erasure.reference,
            erased_at=erasure.erased_at,
            erased_by=erasure.erased_by,
            count=len(erasure.erased),
            digest=digest(erasure.erased),
            erased=erasure.erased[:NAMED],
            held=erasure.held[:NAMED],
            terminals=terminals[:NAMED],
            stated_at=now,
            text_zh=chinese(erasure, terminals),
            text_en=english(erasure, terminals),
        )
        return self.keys.signer.sign(statement)


def askable(why: str, psn_no: str, sure: str) -> Why:
    """The reason that a form names. Raises BadInput for another one, or where the number that was typed to be sure is not the person's."""
    if sure.strip() != psn_no:
        raise BadInput(f"to erase the face of {psn_no} type this number once more; {sure[:40]!r} is another")
    try:
        return Why(why)
    except ValueError:
        raise BadInput(f"why {why[:20]!r} is none of {', '.join(Why)}") from None


def get(db: Connection, erasure_id: int) -> Erasure:
    """One erasing. Raises NotFound."""
    row = store.one(db, erasure_id)
    if row is None:
        raise NotFound(f"erasing {erasure_id} is not here")
    return _erasure(row)


def of_person(db: Connection, psn_no: str) -> tuple[Erasure, ...]:
    """Every erasing of one person, the newest first."""
    return tuple(_erasure(row) for row in store.of_person(db, psn_no))


def terminals_of(db: Connection, erasure: Erasure, *, now: datetime, gallery_days: int) -> tuple[Terminal, ...]:
    """Which terminals have confirmed that they forgot, and which have not. One that was not heard of holds nothing once it has expired."""
    here = {row.device_id: row.gallery_version for rows in devices.by_site(db, now).values() for row in rows}
    over = now >= erasure.erased_at + timedelta(days=gallery_days)

    def state(device: str, version: int) -> TerminalState:
        if device not in here:
            return TerminalState.OUT_OF_SERVICE
        if here[device] >= version:
            return TerminalState.CONFIRMED
        return TerminalState.EXPIRED if over else TerminalState.PENDING

    return tuple(
        Terminal(device=device, fixmedins_code=site, version=version, state=state(device, version))
        for device, (site, version) in sorted(erasure.terminals.items())
    )


def finish_held(
    engine: Engine, keys: CentreKeys, files: EvidenceStore, settings: Settings, *, now: datetime, progress: Callable[[str], None]
) -> int:
    """Erase what an earlier erasing had to leave and nothing holds any more; how many persons that were. Repeating it changes nothing."""
    eraser = Eraser(keys=keys, files=files, settings=settings, actor=ACTOR)
    with engine.begin() as db:
        packages.extend_holds(db)
        waiting = [(row["psn_no"], row["reference"]) for row in store.newest_of_all(db) if row["held"]]
    done = 0
    for psn_no, reference in waiting:
        with engine.begin() as db:
            newest, *_ = past = store.of_person(db, psn_no)
            before = {one["name"] for one in newest["held"]}
            if before - {one.name for one in _held(db, psn_no, eraser.since(now))}:
                asked_at = max(row["erased_at"] for row in past if row["why"] != Why.COMPLETED)
                eraser.complete(db, psn_no, reference, before, asked_at=asked_at, now=now)
                done += 1
                progress(f"what was held of a person at an earlier erasing was erased ({done})")
    return done


def _named(gone: Iterable[Mapping[str, str]]) -> tuple[Erased, ...]:
    return tuple(Erased(what=one["what"], sha256=one["sha256"]) for one in gone)


def _held(db: Connection, psn_no: str, confirmed_since: datetime) -> tuple[Held, ...]:
    """What must stay: the enrolment (named by the person's number) and captures (by theirs), each with the reason."""
    showing, legal = set(captures.showing(db, psn_no)), holds.held_captures(db)
    found = [Held(what="enrolment", name=psn_no, because="hold", reference=hold.document) for hold in holds.holds_of_person(db, psn_no)]
    for finding in cases.keeping(db, confirmed_since):
        if psn_no in finding.persons:
            found.append(Held(what="enrolment", name=psn_no, because="finding", reference=finding.jr_id))
        found += [
            Held(what="capture", name=name, because="finding", reference=finding.jr_id) for name in sorted(finding.captures & showing)
        ]
    documents = ", ".join(sorted({hold.document for hold in holds.standing(db)}))[:200]
    found += [Held(what="capture", name=name, because="hold", reference=documents) for name in sorted(showing & legal)]
    return tuple(found)


def _terminals(db: Connection, psn_no: str, now: datetime) -> dict[str, tuple[str, int]]:
    at_site = devices.by_site(db, now)
    return {row.device_id: (site, version) for site, version in people.sites_told_of(db, psn_no).items() for row in at_site.get(site, ())}


def _erasure(row: RowMapping) -> Erasure:
    return Erasure(
        **{name: row[name] for name in ("erasure_id", "psn_no", "reference", "erased_at", "erased_by", "statement")},
        why=Why(row["why"]),
        erased=tuple(Erased(**one) for one in row["erased"]),
        held=tuple(Held(**one) for one in row["held"]),
        terminals={device: (site, version) for device, (site, version) in row["terminals"].items()},
    )
