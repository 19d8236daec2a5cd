"""The enrolled persons of this site, encrypted on the device and in no other form than templates."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from pydantic import ValidationError

from contract.commands import Gallery, GalleryEntry, GalleryPage, GalleryRole
from contract.message import first_fault
from contract.sealed import Untrusted, from_text, gallery_purpose, unseal
from edge_agent.disk.vault import Connection, Vault
from edge_agent.errors import GalleryRefused
from edge_agent.keyring import KeyRing
from edge_agent.ports import Known, Matrix
from models import compare
from models.errors import BadVector
from models.results import Vector

SCHEMA = """
CREATE TABLE IF NOT EXISTS state (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL);
INSERT OR IGNORE INTO state VALUES (1, 0);
CREATE TABLE IF NOT EXISTS faces (
    psn_no TEXT NOT NULL,
    role TEXT NOT NULL,
    embedder TEXT NOT NULL,
    vector BLOB NOT NULL,
    expires_at TEXT NOT NULL,
    PRIMARY KEY (psn_no, role, embedder)
);
CREATE TABLE IF NOT EXISTS acting (insured TEXT NOT NULL, proxy TEXT NOT NULL, role TEXT NOT NULL, PRIMARY KEY (insured, proxy, role));
CREATE TABLE IF NOT EXISTS exempt (psn_no TEXT PRIMARY KEY, expires_at TEXT NOT NULL);
"""
VECTOR_TYPE = "<f4"


class Faces:
    """Templates by psn_no. Safe to use from several threads. Templates of another embedder, and expired ones, do not exist for it."""

    def __init__(self, *, vault: Vault, seal_key: X25519PrivateKey | KeyRing, device: str, embedder: str, size: int) -> None:
        """A page opens with `seal_key`; with a ring, with the key in use or the one before, for it may have been on its way."""
        self._vault, self._seal_key, self._device = vault, seal_key, device
        self._embedder, self._size = embedder, size

    @property
    def version(self) -> int:
        """The last change that was applied; 0 for an empty gallery."""
        with self._vault.transaction() as db:
            found: int = db.execute("SELECT version FROM state").fetchone()[0]
        return found

    def people(self, at: datetime) -> int:
        """How many persons can be compared with."""
        with self._vault.transaction() as db:
            found: int = db.execute(
                "SELECT count(DISTINCT psn_no) FROM faces WHERE embedder = ? AND expires_at > ?", (self._embedder, _text(at))
            ).fetchone()[0]
        return found

    def known(self, psn_no: str, at: datetime) -> Known:
        """Whom a face may be compared with when this person's card is used: nobody where the person is exempt."""
        usable = (self._embedder, _text(at))
        with self._vault.transaction() as db:
            if db.execute("SELECT 1 FROM exempt WHERE psn_no = ? AND expires_at > ?", (psn_no, _text(at))).fetchone():
                nobody = self._matrix(())
                return Known(insured=None, proxies=nobody, staff=nobody, watched=nobody, exempt=True)
            insured = db.execute(
                "SELECT vector FROM faces WHERE psn_no = ? AND embedder = ? AND expires_at > ? ORDER BY role LIMIT 1", (psn_no, *usable)
            ).fetchone()
            proxies = db.execute(
                "SELECT vector FROM faces JOIN acting ON proxy = psn_no AND acting.role = faces.role"
                " WHERE insured = ? AND embedder = ? AND expires_at > ?",
                (psn_no, *usable),
            ).fetchall()
            others = {
                role: db.execute(
                    "SELECT vector FROM faces WHERE role = ? AND psn_no <> ? AND embedder = ? AND expires_at > ?", (role, psn_no, *usable)
                ).fetchall()
                for role in (GalleryRole.STAFF, GalleryRole.WATCH)
            }
        return Known(
            insured=None if insured is None else _vector(insured[0]),
            proxies=self._matrix(proxies),
            staff=self._matrix(others[GalleryRole.STAFF]),
            watched=self._matrix(others[GalleryRole.WATCH]),
        )

    def apply(self, command: Gallery, at: datetime) -> bool:
        """Apply a verified command of this device. False if it does not start at our version: the centre learns ours from our state.

        Raises GalleryRefused for a page that does not open or holds a damaged template; nothing of it is applied then.
        """
        page = self._opened(command)
        rows = [_row(entry, self._size, self._embedder) for entry in page.hold if entry.expires_at > at]
        with self._vault.transaction() as db:
            if db.execute("UPDATE state SET version = ? WHERE version = ?", (command.to_version, command.from_version)).rowcount == 0:
                return False
            named = [*(one.psn_no for one in page.hold), *(one.psn_no for one in page.exempt)]
            _forget(db, [*page.forget, *named])  # a page says all that is known of a person
            self._hold(db, rows, page.hold)
            db.executemany("INSERT OR REPLACE INTO exempt VALUES (?, ?)", [(one.psn_no, _text(one.expires_at)) for one in page.exempt])
            for table in ("faces", "exempt"):
                db.execute(f"DELETE FROM {table} WHERE expires_at <= ?", (_text(at),))  # noqa: S608 - our own names
        return True

    def add(self, entries: Sequence[GalleryEntry]) -> None:
        """Hold these persons without a command; for a replay. Raises GalleryRefused for a damaged template."""
        rows = [_row(entry, self._size, self._embedder) for entry in entries]
        with self._vault.transaction() as db:
            self._hold(db, rows, entries)

    def _opened(self, command: Gallery) -> GalleryPage:
        try:
            return GalleryPage.model_validate_json(self._unsealed(from_text(command.page)))
        except ValidationError as error:
            fault = first_fault("page", error)
        except (Untrusted, ValueError) as error:
            fault = str(error)
        raise GalleryRefused(f"gallery version {command.to_version} cannot be read: {fault}")

    def _unsealed(self, page: bytes) -> bytes:
        keys = self._seal_key.keys.seal_keys if isinstance(self._seal_key, KeyRing) else (self._seal_key,)
        for key in keys[:-1]:
            with suppress(Untrusted):
                return unseal(page, key, gallery_purpose(self._device))
        return unseal(page, keys[-1], gallery_purpose(self._device))

    def _hold(self, db: Connection, rows: Sequence[tuple[str, str, str, bytes, str]], entries: Sequence[GalleryEntry]) -> None:
        db.executemany("INSERT OR REPLACE INTO faces VALUES (?, ?, ?, ?, ?)", rows)
        held = {(row[0], row[1]) for row in rows}
        acting = [(insured, e.psn_no, e.role) for e in entries if (e.psn_no, e.role) in held for insured in e.acts_for]
        db.executemany("INSERT OR REPLACE INTO acting VALUES (?, ?, ?)", acting)

    def _matrix(self, rows: Sequence[tuple[bytes]]) -> Matrix:
        return np.stack([_vector(row[0]) for row in rows]) if rows else np.empty((0, self._size), np.float32)


def _forget(db: Connection, people: Sequence[str]) -> None:
    names = [(name,) for name in people]
    db.executemany("DELETE FROM faces WHERE psn_no = ?", names)
    db.executemany("DELETE FROM acting WHERE proxy = ?", names)
    db.executemany("DELETE FROM exempt WHERE psn_no = ?", names)


def _row(entry: GalleryEntry, size: int, embedder: str) -> tuple[str, str, str, bytes, str]:
    try:
        vector = _vector(from_text(entry.vector))
        compare.unit(vector)
    except (BadVector, ValueError) as error:
        raise GalleryRefused(f"a template in the page is damaged: {error}") from None
    if entry.embedder == embedder and vector.size != size:
        raise GalleryRefused(f"a template in the page has {vector.size} values, {embedder} makes {size}")
    return entry.psn_no, entry.role, entry.embedder, vector.astype(VECTOR_TYPE).tobytes(), _text(entry.expires_at)


def _vector(data: bytes) -> Vector:
    return np.frombuffer(data, VECTOR_TYPE).astype(np.float32)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
