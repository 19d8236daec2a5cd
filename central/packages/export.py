"""Make an evidence package: one file that appears whole or not at all.

Until then the file has no name, so that nothing opened outlives this process. Who takes out what, and for which purpose, is written into
the audit log before anything is opened; the package itself is noted by its SHA-256 before it appears. Should this end in between, the log
says that pictures were opened, and there is no package.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from sqlalchemy import Connection, Engine

from central.audit import service as audit
from central.cases import dossier
from central.cases.dossier import Dossier
from central.db import unmoved
from central.errors import BadInput
from central.evidence import service as evidence
from central.evidence.objects import EvidenceStore
from central.files import sync_folder
from central.keys import CentreKeys
from central.packages import contents, media, report, service
from central.packages.model import MAX_PURPOSE, CannotWrite, Package, Speaker, checked
from central.packages.writer import Member, digest_of, write_package
from central.transparency import service as transparency

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Exporter:
    """What exports need besides the request. `speakers` are the languages of the report, the first one first; `witnesses` the public keys
    (base64url) of those who co-sign the log. `progress` is told of every picture and clip."""

    engine: Engine
    keys: CentreKeys
    files: EvidenceStore
    speakers: tuple[Speaker, ...]
    witnesses: Mapping[str, str]
    progress: Callable[[str], None] = lambda _: None

    def export(self, jr_id: str, target: Path, *, package_id: str, purpose: str, actor: str, now: datetime) -> Package:
        """Write the package of a finding to `target`, which must not exist yet. Raises NotFound, BadInput, Misconfigured, CannotWrite."""
        if target.exists():
            raise BadInput(f"{target} exists already: a package is never written over another file")
        with _explained(target.parent), TemporaryFile(dir=target.parent) as file:
            made = self.write(jr_id, file, package_id=package_id, purpose=purpose, actor=actor, now=now)
            _appear(file, target)
        return made

    def write(self, jr_id: str, file: BinaryIO, *, package_id: str, purpose: str, actor: str, now: datetime) -> Package:
        """The same into an open, empty file, synced and read from the start. Raises OSError where the disk does not take it."""
        said = checked("purpose", purpose, MAX_PURPOSE)
        report.require_fonts()
        asked = Package(package_id=package_id, jr_id=jr_id, sha256="", size=0, purpose=said, exported_by=actor, exported_at=now)
        self._log(asked)
        with unmoved(self.engine).begin() as db:
            self._write(db, file, asked)
        file.flush()
        os.fsync(file.fileno())
        made = replace(asked, sha256=digest_of(file), size=file.tell())
        with self.engine.begin() as db:
            service.note_export(db, made)
        file.seek(0)
        return made

    def _log(self, asked: Package) -> None:
        """Write down who gets to see which pictures and why, and give the log's newest entries their places."""
        with self.engine.begin() as db:
            read = dossier.read(db, asked.jr_id)
            detail = {"package": asked.package_id, "purpose": asked.purpose}
            audit.record(db, now=asked.exported_at, actor=asked.exported_by, action="package.ask", object=asked.jr_id, detail=detail)
            for each in media.wanted(read):
                if each.absent is None:
                    why = f"package {asked.package_id}"
                    evidence.log_view(db, each.media_id, actor=asked.exported_by, now=asked.exported_at, why=why)
        with self.engine.begin() as db:
            transparency.integrate(db, self.keys, asked.exported_at)

    def _write(self, db: Connection, file: BinaryIO, asked: Package) -> None:
        read = dossier.read(db, asked.jr_id)
        told = contents.tell(db, self.keys, read, self.witnesses)
        members = self._members(db, read, told, asked)
        write_package(file, members, self._head(told, asked), self.keys.signer, now=asked.exported_at)

    def _members(self, db: Connection, read: Dossier, told: contents.Told, asked: Package) -> Iterator[Member]:
        shown = list[media.Shown]()
        readme = "\n\n".join(speaker.text("package.readme", package=asked.package_id) for speaker in self.speakers)
        yield Member(name="README.txt", what="readme", content=readme.encode())
        yield from contents.members(db, self.keys, told)
        yield from media.open_all(db, self.keys, self.files, media.wanted(read), shown, self.progress)
        yield Member(name="report.pdf", what="report", content=report.make(told, asked, shown, self.keys, self.speakers))

    def _head(self, told: contents.Told, asked: Package) -> dict[str, Any]:
        texts = {f"text_{speaker.language}": self._marked(speaker, told) for speaker in self.speakers}
        return {
            "v": VERSION,
            "kind": "evidence-package",
            "package": asked.package_id,
            "jr_id": asked.jr_id,
            "exported_at": asked.exported_at,
            "exported_by": asked.exported_by,
            "purpose": asked.purpose,
            "centre": told.documents["keys"]["centre"],
            "marking": {"reviewed": told.marking.reviewed, "missing": told.marking.missing, **texts},
        }

    @staticmethod
    def _marked(speaker: Speaker, told: contents.Told) -> str:
        return speaker.text("package.reviewed" if told.marking.reviewed else "package.unreviewed")


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotWrite(f"folder {folder}: {error.strerror}: free some room or choose another; nothing was left there") from None


def _appear(file: BinaryIO, target: Path) -> None:
    """Give a finished file without a name its name; on a file system that cannot, write it anew beside and rename it."""
    try:
        os.link(f"/proc/self/fd/{file.fileno()}", target, follow_symlinks=True)
    except OSError:
        draft = target.with_name(f".{target.name}.part")
        try:
            with draft.open("wb") as copy:
                copyfileobj(file, copy)
                copy.flush()
                os.fsync(copy.fileno())
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
    sync_folder(target.parent)
