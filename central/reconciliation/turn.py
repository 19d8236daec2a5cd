"""Whose turn it is to follow the news: of several followers of one database one works, and the others stand by.

Without it two would only hinder each other: each run of one makes the other compare everything anew. What is stored is safe either way.
"""

import fcntl
from contextlib import suppress
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

_LOCK = 6_202_207  # a number of our own among the advisory locks of the database


class Turn:
    """Held until it is closed or this process or its connection ends. Used by one thread."""

    def __init__(self, engine: Engine) -> None:
        """Takes nothing yet."""
        self._engine = engine
        self._file: IO[bytes] | None = None
        self._connection: Connection | None = None

    def mine(self) -> bool:
        """Take it if nobody has it; whether it is ours now. Raises SQLAlchemyError or OSError where it cannot be asked."""
        if self._engine.dialect.name == "postgresql":
            return self._of_server()
        path = self._engine.url.database
        return not path or path == ":memory:" or self._of_file(Path(f"{path}.follower"))

    def close(self) -> None:
        """Give it back."""
        if self._file is not None:
            self._file.close()
        if self._connection is not None:
            with suppress(SQLAlchemyError):
                self._connection.invalidate()  # the lock goes with the session, so that must not return to the pool
                self._connection.close()
        self._file = self._connection = None

    def _of_file(self, path: Path) -> bool:
        if self._file is not None:
            return True
        file = path.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return True

    def _of_server(self) -> bool:
        if self._connection is not None:
            try:
                self._connection.execute(text("SELECT 1"))
            except SQLAlchemyError:
                self.close()  # the server let go of the lock with the session
            else:
                return True
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}):
            connection.close()
            return False
        self._connection = connection
        return True
