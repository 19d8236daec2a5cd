"""Notices that a store goes bad while the agent runs, and ends it, so that the next start reads out what can be read.

A page that fails its checksum makes SQLCipher refuse every further call on that connection, whoever met it first: nothing more could be
recorded or sent. So each store is tried every second. What the start, too, would call damaged ends the agent at once; a connection that
fails while its file is whole only after a while, so that a fault that lasts does not end it again and again.
"""

import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

import structlog

from edge_agent.clock import Clock
from edge_agent.disk.vault import DatabaseError, Vault
from edge_agent.errors import VaultDamaged, VaultError, VaultFull

PATIENCE_S = 600.0

log = structlog.get_logger(__name__)


class Soundness:
    """Watches vaults by their files. `look` from one thread; `damaged` from any."""

    def __init__(self, vaults: Mapping[Path, Vault], key: bytes, clock: Clock, end: Callable[[], None]) -> None:
        """`end` ends the agent in order; it is called once."""
        self._vaults, self._key, self._clock, self._end = vaults, key, clock, end
        self._failing_since_s: dict[Path, float] = {}
        self.damaged: tuple[Path, ...] = ()

    def look(self) -> None:
        """Try every store, and end the agent where one can be used no more."""
        if not self.damaged:
            self.damaged = tuple(path for path, vault in self._vaults.items() if self._is_lost(path, vault))
            if self.damaged:
                log.error("stores_damaged", files=[path.name for path in self.damaged])
                self._end()

    def _is_lost(self, path: Path, vault: Vault) -> bool:
        if not _fails(vault):
            self._failing_since_s.pop(path, None)
            return False
        now_s = self._clock.mono_s()
        if path in self._failing_since_s:
            return now_s - self._failing_since_s[path] >= PATIENCE_S
        self._failing_since_s[path] = now_s
        return self._is_damaged(path)

    def _is_damaged(self, path: Path) -> bool:
        """As the start would find it; reads the whole file."""
        try:
            Vault.open(path, self._key, "").close()
        except VaultDamaged:
            return True
        except VaultError as error:
            log.warning("store_not_read", why=str(error))
        return False


def end_in_order() -> None:
    """As the service manager ends the agent, which then starts it anew."""
    os.kill(os.getpid(), signal.SIGTERM)


def _fails(vault: Vault) -> bool:
    try:
        with vault.transaction():
            return False
    except VaultFull:
        return False
    except DatabaseError as error:
        log.warning("store_fails", why=str(error))
        return True
