"""Whether a picture may be enrolled: read top to bottom in `Registrar.enrol`. A doubt is put before people, never decided here."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

import structlog
from pydantic import JsonValue
from sqlalchemy import Connection, Engine, RowMapping
from sqlalchemy.exc import SQLAlchemyError

from central.audit import service as audit
from central.db import reading
from central.errors import CentralError, Misconfigured
from central.evidence import service as evidence
from central.evidence.objects import EvidenceStore
from central.keys import CentreKeys
from central.people import duplicates, lists, service, store
from central.people.faces import Enroller
from central.people.gallery import opened
from central.people.model import Enrolment, Likeness, LooksLikeAnother, check
from central.people.nearest import Held, Nearest, Templates, judged
from central.settings import PeopleSettings
from central.sites import service as sites
from contract.sealed import Untrusted
from models.errors import BadVector, ModelError
from models.evaluation.limits import read_limits
from models.evaluation.rates import BandLimits
from models.results import Template

_AT_ONCE = 2000
_OVERLAP = timedelta(minutes=10)
"""Clocks of several processes differ, and a transaction ends later than it began."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """What was kept, and by how many others it was compared with; `duplicate_id` names the entry where people are asked to look."""

    psn_no: str
    embedders: tuple[str, ...]
    source: str
    people: int
    duplicate_id: int | None


class Registrar:
    """Enrols people after comparing their pictures with everybody's templates. Safe to share between threads.

    Holds the current templates of each network in use in memory, open: 77 MB for 100,000 of 192 values. They are read at the first
    enrolment and kept up with the database from then on.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        keys: CentreKeys,
        files: EvidenceStore,
        enroller: Enroller,
        settings: PeopleSettings,
        now: Callable[[], datetime],
    ) -> None:
        """Reads nothing yet."""
        self._engine, self._keys, self._files = engine, keys, files
        self._enroller, self._settings, self._now = enroller, settings, now
        self._limits: dict[str, BandLimits] = {}
        self._known: dict[str, Templates] = {}
        self._looked: dict[str, datetime] = {}
        self._read_to: dict[str, int] = {}
        self._lock = Lock()

    def warm(self) -> None:
        """Open all templates of the networks in use now, so that the first enrolment need not wait for it. Fails only into the log."""
        try:
            for version in self._enroller.versions:
                with self._lock, reading(self._engine).begin() as db:
                    self._catch_up(db, version)
        except (CentralError, SQLAlchemyError) as error:
            log.warning("templates.not_opened", error=type(error).__name__)

    def enrol(self, request: Enrolment, *, actor: str) -> Enrolled:
        """Enrol one person.

        Raises BadInput or NotFound for a wrong request, PictureUnusable, or LooksLikeAnother: the picture is then kept, sealed, with a new
        entry of the register of doubtful identities, until people have decided.
        """
        check(request, self._now())
        with reading(self._engine).begin() as db:
            sites.require_site(db, request.fixmedins_code)
        templates = self._enroller.templates(request.psn_no, request.pictures)
        return self.admit(request, templates, actor=actor)

    def admit(self, request: Enrolment, templates: tuple[Template, ...], *, actor: str) -> Enrolled:
        """The same with templates that were made of the request's pictures already, the network in force first."""
        with self._lock:
            with reading(self._engine).begin() as db:
                self._catch_up(db, templates[0].version)  # opening many seals takes seconds; nobody waits for a lock meanwhile
            with self._engine.begin() as db:
                store.lock_enrolment(db)
                done, number = self._admit(db, request, templates, actor)
        if done is None:
            raise LooksLikeAnother(number or 0, duplicates.explained(request.psn_no, number or 0))
        return done

    def _admit(self, db: Connection, request: Enrolment, templates: tuple[Template, ...], actor: str) -> tuple[Enrolled | None, int | None]:
        """Enrols, or returns None and the number of the entry that says why not."""
        now, first = self._now(), templates[0]
        self._catch_up(db, first.version)
        pardoned, oneself = duplicates.pardons(db, request.psn_no)
        found = self._known[first.version].nearest(first.vector, request.psn_no, pardoned)
        likeness = judged(found, self._limits_of(first.version), self._settings.duplicate_certain)
        if likeness is Likeness.UNLIKE_OWN and oneself:
            likeness = None
        number = None if likeness is None else self._enter(db, request, likeness, found, first.version, actor=actor, now=now)
        if likeness is not None and likeness.refuses:
            return None, number
        noted = replace(request, note="allowed by decision") if pardoned or oneself else request
        keep = self._settings.templates_kept
        service.enrol(db, self._keys, self._files, noted, templates, now=now, actor=actor, keep=keep)
        embedders = tuple(made.version for made in templates)
        return Enrolled(psn_no=request.psn_no, embedders=embedders, source=first.source, people=found.people, duplicate_id=number), None

    def _enter(
        self, db: Connection, request: Enrolment, likeness: Likeness, found: Nearest, version: str, *, actor: str, now: datetime
    ) -> int:
        other = request.psn_no if likeness is Likeness.UNLIKE_OWN else found.other_psn_no or ""
        if (known := duplicates.undecided(db, request.psn_no, other, likeness)) is not None:
            return known
        picture = None
        if likeness.refuses:
            purpose = f"enrolment-picture/1 {request.psn_no}"
            picture = evidence.keep_own(db, self._files, self._keys, request.pictures[0], purpose=purpose, role="refused", now=now)
        similarity = found.own if likeness is Likeness.UNLIKE_OWN else found.other
        row: dict[str, Any] = {"psn_no": request.psn_no, "other_psn_no": other, "finding": likeness.value, "refused": likeness.refuses}
        row |= {"embedder": version, "similarity": similarity, "own": found.own, "compared": found.people, "media_id": picture}
        number = lists.add_duplicate(db, row | {"found_at": now, "found_by": actor})
        detail: dict[str, JsonValue] = {"number": number, "other": other, "finding": likeness.value}
        audit.record(db, now=now, actor=actor, action="duplicate.enter", object=request.psn_no, detail=detail)
        return number

    def _limits_of(self, version: str) -> BandLimits:
        """The measured ones where the settings name a file. Raises Misconfigured for a file that was edited or is of another network."""
        if version not in self._limits:
            path = self._settings.measured
            try:
                self._limits[version] = BandLimits() if path is None else read_limits(path, version)
            except (ModelError, OSError) as error:
                raise Misconfigured(f"limits {path}: {error}") from None
        return self._limits[version]

    def _catch_up(self, db: Connection, version: str) -> None:
        """Take in what the database has more, and drop what is out of use there."""
        known, now = self._known.setdefault(version, Templates()), self._now()
        known.drop(store.out_of_use_since(db, self._looked.get(version, now) - _OVERLAP))
        while rows := store.current_after(db, version, self._read_to.get(version, 0), _AT_ONCE):
            known.add(held for row in rows if (held := self._held(row)) is not None)
            self._read_to[version] = rows[-1]["template_id"]
        self._looked[version] = now

    def _held(self, row: RowMapping) -> Held | None:
        """One that does not open cannot be compared; the others can."""
        try:
            return Held(template_id=row["template_id"], psn_no=row["psn_no"], vector=opened(self._keys, row))
        except (Untrusted, BadVector) as error:
            log.error("template.not_opened", template=row["template_id"], error=type(error).__name__)
            return None
