"""A store that goes bad while the agent runs ends it once, in order; what only seems bad does not."""

import secrets
from pathlib import Path

import pytest
from sqlcipher3.dbapi2 import OperationalError

from edge_agent.chain import outbox
from edge_agent.chain.outbox import Outbox
from edge_agent.disk.vault import KEY_BYTES, DatabaseError, Vault
from edge_agent.health.soundness import PATIENCE_S, READ_EVERY_S, Soundness
from tests.fakes import HandClock

KEY = b"k" * KEY_BYTES
PAGE = 4096


class Watch:
    """A store with events in it, and whoever watches it."""

    def __init__(self, folder: Path) -> None:
        self.path, self.clock, self.ends = folder / "outbox.db", HandClock(), 0
        self.vault = Vault.open(self.path, KEY, outbox.SCHEMA)
        self.outbox = Outbox(self.vault, new_epoch=1)
        for _ in range(50):
            self.outbox.append(lambda _: secrets.token_bytes(1500))
        self.vault.checkpoint()
        self.soundness = Soundness([self.path], KEY, self.clock, self.end)

    def end(self) -> None:
        self.ends += 1

    def read(self) -> None:
        """What the line does."""
        seq = 0
        try:
            while page := self.outbox.events_after(seq, 32):
                seq = page[-1][0]
        except DatabaseError as error:
            self.soundness.note(error)

    def look(self, times: int = 1, every_s: float = 1.0) -> int:
        for _ in range(times):
            self.clock.pass_s(every_s)
            self.soundness.look()
        return self.ends


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    return Watch(tmp_path)


def flip(path: Path, pages: range) -> None:
    """One bit in each of these pages of the live file."""
    with path.open("r+b", buffering=0) as file:
        for page in pages:
            file.seek((page - 1) * PAGE + 1000)
            byte = file.read(1)[0]
            file.seek(-1, 1)
            file.write(bytes([byte ^ 4]))


def test_nothing_ends_while_nothing_is_wrong(watch: Watch) -> None:
    watch.read()
    watch.soundness.note(RuntimeError("something else"))
    watch.soundness.note(OperationalError("database is locked"))
    assert watch.look(10) == 0 and watch.soundness.damaged == ()


def test_a_page_that_goes_bad_ends_the_agent_once_somebody_meets_it(watch: Watch) -> None:
    with watch.vault.transaction() as db:
        db.execute("PRAGMA cache_size = 0")
    flip(watch.path, range(10, watch.path.stat().st_size // PAGE))
    watch.read()
    assert watch.look() == 1
    assert watch.soundness.damaged == (watch.path,)
    watch.read()
    assert watch.look(10, every_s=READ_EVERY_S) == 1


def test_errors_from_a_whole_file_are_given_time_and_the_file_is_seldom_read(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a fault of the memory: a new start helps, but an agent that ends every other minute helps nobody."""
    read = list[float]()
    examine = watch.soundness._is_damaged
    monkeypatch.setattr(watch.soundness, "_is_damaged", lambda path: read.append(watch.clock.mono_s()) or examine(path))
    watch.vault.close()
    for _ in range(int(PATIENCE_S) - 5):
        watch.read()
        assert watch.look() == 0
    assert 5 < len(read) <= PATIENCE_S / READ_EVERY_S
    for _ in range(int(READ_EVERY_S) + 10):
        watch.read()
        watch.look()
    assert watch.ends == 1 and watch.soundness.damaged == ()
