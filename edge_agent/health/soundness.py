"""Notices that a store goes bad while the agent runs, and ends it, so that the next start reads out what can be read.

A page that fails its checksum breaks whoever needs it, again and again: the line that sends it, the capture that is written there. Whoever
catches such an error shows it here. What the start, too, would call damaged ends the agent at once; errors from a file that is whole only
where they last, so that a fault that a new start does not mend does not end it again and again.
"""

import os
import signal
from collections.abc import Callable, Sequence
from datetime import datetime
from math import inf
from pathlib import Path

import structlog

from edge_agent.clock import Clock
from edge_agent.disk.vault import DatabaseError, Vault
from edge_agent.errors import VaultDamaged, VaultError
from edge_agent.ports import Known, People

READ_EVERY_S = 60.0  # at most: the files are read whole
PATIENCE_S = 600.0

log = structlog.get_logger(__name__)

Noticed = Callable[[BaseException], None]
"""Is shown what went wrong, and judges whether it means anything to it."""


class Soundness:
    """Watches the files of vaults. `look` from one thread; the rest from any."""

    def __init__(self, files: Sequence[Path], key: bytes, clock: Clock, end: Callable[[], None]) -> None:
        """`end` ends the agent in order; it is called once."""
        self._files, self._key, self._clock, self._end = files, key, clock, end
        self._first_s, self._last_s, self._read_s = inf, -inf, -inf
        self.damaged: tuple[Path, ...] = ()

    def note(self, error: BaseException) -> None:
        """Take in an error that somebody caught; what does not come from a store, or from one that is merely in use, means nothing."""
        if isinstance(error, DatabaseError) and "locked" not in str(error):
            now_s = self._clock.mono_s()
            if now_s - self._last_s > PATIENCE_S:
                self._first_s = now_s
            self._last_s = now_s

    def look(self) -> None:
        """Read the stores if an error was noted since, and end the agent where one is damaged, or errors do not cease."""
        if self.damaged or self._last_s <= self._read_s or self._clock.mono_s() - self._read_s < READ_EVERY_S:
            return
        self._read_s = self._clock.mono_s()
        self.damaged = tuple(path for path in self._files if self._is_damaged(path))
        if self.damaged or self._last_s - self._first_s >= PATIENCE_S:
            log.error("stores_failed", damaged=[path.name for path in self.damaged])
            self._first_s = inf
            self._end()

    def _is_damaged(self, path: Path) -> bool:
        """As the start would find it."""
        try:
            Vault.open(path, self._key, "").close()
        except VaultDamaged as error:
            log.error("store_damaged", why=str(error))
            return True
        except VaultError as error:
            log.warning("store_not_read", why=str(error))
        return False


class ShownPeople:
    """Enrolled persons whose store may fail: whoever asks for them goes on without, and the error is shown here first."""

    def __init__(self, people: People, noticed: Noticed) -> None:
        self._people, self._noticed = people, noticed

    def known(self, psn_no: str, at: datetime) -> Known:
        """As the store says. Raises what it raises."""
        try:
            return self._people.known(psn_no, at)
        except Exception as error:
            self._noticed(error)
            raise


def end_in_order() -> None:
    """As the service manager ends the agent, which then starts it anew."""
    os.kill(os.getpid(), signal.SIGTERM)
