"""Bring everybody's templates up to the networks in use: a move to another network needs both until it is done."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine

from central.errors import BadInput, NotFound
from central.evidence import service as evidence
from central.evidence.objects import EvidenceStore
from central.keys import CentreKeys
from central.people import service
from central.people.faces import Enroller
from contract.sealed import Untrusted
from models.results import Template


@dataclass(slots=True)
class CaughtUp:
    """What was done; `refused` are messages that name a person and why the picture could not be used."""

    made: int = 0
    retired: int = 0
    refused: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """For people."""
        return [f"templates made: {self.made}; refused: {len(self.refused)}; people with retired ones: {self.retired}", *self.refused]


@dataclass(frozen=True, slots=True, kw_only=True)
class CatchUp:
    """What it takes to make templates of people who are enrolled already."""

    engine: Engine
    keys: CentreKeys
    files: EvidenceStore
    enroller: Enroller
    now: Callable[[], datetime]
    actor: str

    def run(self, *, retire: bool, progress: Callable[[str], None]) -> CaughtUp:
        """Make each missing template from the kept enrolment picture, in a transaction of its own; with `retire`, then drop the others.

        Every picture that is opened is logged. One that cannot be used stops no other. Raises Misconfigured when a network is missing.
        """
        done, versions = CaughtUp(), self.enroller.versions
        for version in versions:
            with self.engine.begin() as db:
                missing = service.without_template(db, version)
            for number, psn_no in enumerate(missing, start=1):
                progress(f"{version}: {number} of {len(missing)}")
                self._make(psn_no, version, done)
        if retire:
            with self.engine.begin() as db:
                done.retired = service.retire_templates(db, versions, now=self.now(), actor=self.actor)
        return done

    def _make(self, psn_no: str, version: str, done: CaughtUp) -> None:
        try:
            (template,) = self._templates(psn_no, version)
            with self.engine.begin() as db:
                service.add_template(db, self.keys, psn_no, template, now=self.now(), actor=self.actor)
        except BadInput as error:
            done.refused.append(str(error))
            return
        except (NotFound, Untrusted) as error:  # the picture was erased meanwhile, is lost, or is damaged on the disk
            done.refused.append(f"person {psn_no}: the enrolment picture cannot be opened ({error}); enrol the person anew")
            return
        done.made += 1

    def _templates(self, psn_no: str, version: str) -> tuple[Template, ...]:
        with self.engine.begin() as db:
            picture = service.picture_of(db, psn_no)
            if picture is None:
                raise BadInput(f"person {psn_no}: no enrolment picture is kept")
            plain = evidence.open_media(db, self.keys, self.files, media_id=picture, actor=self.actor, now=self.now(), why="template")
        return self.enroller.templates(psn_no, (plain.content,), only=version)
