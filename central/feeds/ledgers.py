"""What rows are compared with, and what becomes of them: the database, or for a dry run a scratch copy of what the file said."""

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import pyarrow as pa
from sqlalchemy import Connection, Engine

from central.db import reading
from central.feeds import keeping
from central.feeds.base import Kept
from central.feeds.intake import Decision, Held, Key
from central.feeds.keeping import Scope


class Ledger(Protocol):
    """The database, or what it would be."""

    import_id: int

    def held(self, keys: Sequence[Key]) -> dict[Key, Held]:
        """What is known of these keys, each given once."""

    def apply(self, decision: Decision, rows: pa.RecordBatch, digests: Sequence[str]) -> None:
        """Carry out what was decided of these rows."""


class Stored:
    """The database, in a transaction of the caller's."""

    def __init__(self, db: Connection, kept: Kept, import_id: int, now: datetime) -> None:
        """For one part of a file. Waits until no other import writes the dataset."""
        self._db, self._kept, self._now = db, kept, now
        self.import_id = import_id
        keeping.alone(db, kept)

    def held(self, keys: Sequence[Key]) -> dict[Key, Held]:
        """What is stored."""
        return keeping.held(self._db, self._kept, keys)

    def apply(self, decision: Decision, rows: pa.RecordBatch, digests: Sequence[str]) -> None:
        """Store it."""
        db, kept = self._db, self._kept
        keeping.keep_versions(db, kept, decision.replaced, import_id=self.import_id, now=self._now)
        keeping.remove(db, kept, decision.removed)
        for keep, places in ((keeping.add, decision.added()), (keeping.overwrite, decision.overwritten())):
            keep(db, kept, _those(rows, places), [digests[place] for place in places], self.import_id, self._now)
        keeping.confirm(db, kept, decision.confirmed, self.import_id)


def _those(rows: pa.RecordBatch, places: Sequence[int]) -> pa.RecordBatch:
    return rows if len(places) == rows.num_rows else rows.take(pa.array(places, pa.int64()))


class Tried:
    """The database as it would be: what the file said lies in a scratch database that SQLite spills to disk and forgets when closed."""

    import_id = -1

    def __init__(self, engine: Engine, kept: Kept, scope: Scope | None) -> None:
        """Nothing said yet. `scope`: what the file is said to be complete for."""
        self._engine, self._kept, self._scope = engine, kept, scope
        self._said = sqlite3.connect("", isolation_level=None)
        self._said.execute("CREATE TABLE said (key TEXT PRIMARY KEY, digest TEXT, inside INTEGER) WITHOUT ROWID")

    def held(self, keys: Sequence[Key]) -> dict[Key, Held]:
        """What is stored, and above it what this file said before."""
        with reading(self._engine).begin() as db:
            found = keeping.held(db, self._kept, keys)
        texts = dict(zip(map(_text, keys), keys, strict=True))
        query = "SELECT said.key, digest FROM json_each(?) AS j CROSS JOIN said ON said.key = j.value"
        for text, digest in self._said.execute(query, (json.dumps(list(texts)),)):
            found.pop(texts[text], None)
            if digest is not None:
                found[texts[text]] = digest, self.import_id
        return found

    def apply(self, decision: Decision, rows: pa.RecordBatch, digests: Sequence[str]) -> None:
        """Remember what was said; of contents only their hashes, and whether the file is complete for them."""
        inside = keeping.inside(self._kept, self._scope, rows)
        places = decision.stated | decision.confirmed
        said: list[tuple[str, str | None, bool]] = [(_text(key), None, False) for key in decision.removed - places.keys()]
        said += [(_text(key), digests[place], inside[place]) for key, place in places.items()]
        self._said.execute("BEGIN")
        self._said.executemany("INSERT OR REPLACE INTO said VALUES (?, ?, ?)", said)
        self._said.execute("COMMIT")

    def known(self, keys: Sequence[Key]) -> int:
        """How many of these keys the file named."""
        texts = json.dumps([_text(key) for key in keys])
        query = "SELECT count(*) FROM json_each(?) AS j CROSS JOIN said ON said.key = j.value"
        return int(self._said.execute(query, (texts,)).fetchone()[0])

    def inside(self) -> int:
        """How many rows the file states of those that it is complete for."""
        return int(self._said.execute("SELECT count(*) FROM said WHERE inside").fetchone()[0])

    def close(self) -> None:
        """Forget everything."""
        self._said.close()


def _text(key: Key) -> str:
    """A key as one text; no cell holds the character between."""
    return "\x1f".join(map(str, key))
