"""A terminal keeps watch over the centre's log: what it may believe, what it writes down, and what survives a start."""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contract.checkpoints import LOG, Checkpoint, VerifierKey, sign
from contract.events import LogSplit, parse_event
from contract.receipts import Receipt
from contract.sealed import Untrusted, raw_public, verify
from edge_agent.chain import outbox
from edge_agent.disk.vault import Vault
from edge_agent.errors import VaultFull
from edge_agent.link.log_watch import SCHEMA, LogWatch
from tests import builders
from tests.edge_agent.building import Terminal, make_terminal
from tests.edge_agent.chain.test_capture import scribe
from tests.edge_agent.link.test_inbox import RECEIPT, Desk

PRIVATE = Ed25519PrivateKey.generate()
KEY = VerifierKey(name="window-watch.log/test", kind=LOG, public=raw_public(PRIVATE.public_key()))
AT = builders.AT
MINUTE = timedelta(minutes=1)


def note(size: int, word: str = "true", private: Ed25519PrivateKey = PRIVATE, origin: str = KEY.name) -> str:
    return sign(Checkpoint(origin=origin, size=size, root=sha256(f"{size} {word}".encode()).digest()), private)


@dataclass
class Watcher:
    """A log watch on a real vault, and how it starts anew."""

    terminal: Terminal
    vault: Vault
    outbox: outbox.Outbox

    def start(self, key: VerifierKey | None = KEY) -> LogWatch:
        return LogWatch(key, self.vault, self.outbox, scribe(self.terminal))

    def told(self) -> list[LogSplit]:
        payloads = [verify(signed, self.terminal.find_device_key, "event").payload for _, signed in self.outbox.events_after(0, 99)]
        return [event for payload in payloads if isinstance(event := parse_event(payload), LogSplit)]


@pytest.fixture
def watcher(tmp_path: Path) -> Watcher:
    vault = Vault.in_memory(outbox.SCHEMA + SCHEMA)
    return Watcher(make_terminal(tmp_path), vault, outbox.Outbox(vault, new_epoch=7))


def size(watch: LogWatch) -> int | None:
    return None if watch.newest is None else watch.newest.size


def test_a_log_that_grows_is_believed_and_nothing_is_told(watcher: Watcher) -> None:
    watch = watcher.start()
    for number in (0, 1, 1, 7, 900):
        watch.take(note(number), AT + MINUTE * number)
        assert size(watch) == number
    watch.take(None, AT + MINUTE * 901)
    assert (watch.problem, size(watch), watcher.told()) == (None, 900, [])


@pytest.mark.parametrize(
    "shown",
    [
        note(5, private=Ed25519PrivateKey.generate()),
        note(5, origin="window-watch.log/other"),
        note(5).replace("\n5\n", "\n6\n"),
        note(5) + "rubbish",
        "",
        "\u2014" * 4096,
    ],
)
def test_what_the_log_did_not_sign_is_refused(watcher: Watcher, shown: str) -> None:
    watch = watcher.start()
    watch.take(note(9), AT)
    with pytest.raises(Untrusted):
        watch.take(shown, AT + MINUTE)
    assert (size(watch), watch.problem) == (9, None)


def test_two_roots_for_one_size_go_into_the_chain_as_they_were_signed(watcher: Watcher) -> None:
    watch = watcher.start()
    watch.take(note(9), AT)
    watch.take(note(9, "false"), AT)
    watch.take(note(9, "false"), AT + MINUTE)
    (split,) = watcher.told()
    assert (split.held, split.shown, split.why) == (note(9), note(9, "false"), "two_roots")
    assert watch.problem is not None
    assert "two_roots" in watch.problem
    assert size(watch) == 9
    watch.take(note(9), AT + 2 * MINUTE)
    assert watch.problem is not None, "the true one again takes nothing back"
    watch.take(note(10), AT + 3 * MINUTE)
    assert (watch.problem, size(watch)) == (None, 10)
    assert len(watcher.told()) == 1


def test_a_log_that_went_back_is_told_but_a_receipt_that_was_overtaken_is_not(watcher: Watcher) -> None:
    watch = watcher.start()
    watch.take(note(100), AT)
    watch.take(note(99), AT + timedelta(seconds=30))
    assert (watch.problem, size(watch)) == (None, 100)
    watch.take(note(40, "restored"), AT + 2 * MINUTE)
    watch.take(note(41, "restored"), AT + 3 * MINUTE)
    (split,) = watcher.told()
    assert (split.why, split.held, size(watch)) == ("went_back", note(100), 100)


def test_what_was_seen_survives_a_start_and_is_written_at_most_once_a_minute(watcher: Watcher) -> None:
    watch = watcher.start()
    watch.take(note(1), AT)
    for second in range(1, 60):
        watch.take(note(1 + second), AT + timedelta(seconds=second))
    assert size(watcher.start()) == 1
    watch.take(note(500), AT + MINUTE)
    again = watcher.start()
    assert again.newest == watch.newest
    again.take(note(500, "false"), AT + 2 * MINUTE)
    assert [split.held for split in watcher.told()] == [note(500)]


def test_another_key_begins_anew_and_none_watches_nothing(watcher: Watcher) -> None:
    watcher.start().take(note(9), AT)
    other = VerifierKey(name=KEY.name, kind=LOG, public=raw_public(Ed25519PrivateKey.generate().public_key()))
    assert watcher.start(other).newest is None
    watch = watcher.start(None)
    watch.take(note(3), AT)
    assert (watch.newest, watch.key_id) == (None, None)
    assert watcher.start().key_id == KEY.key_id.hex()


def test_a_receipt_counts_whatever_the_log_shows(watcher: Watcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(make_terminal(tmp_path / "desk"))
    watch = watcher.start()
    desk.inbox._log_watch = watch
    event = desk.outbox.events_after(0, 1)[0][1]
    fields = {"device": desk.inbox._device, "epoch": 7, "up_to": 1, "head": sha256(event).hexdigest(), "gaps": (), "media_done": ()}

    def receipt(checkpoint: str | None) -> bytes:
        return desk.terminal.centre_signer.sign(Receipt(**fields, at=AT, checkpoint=checkpoint))  # type: ignore[arg-type]

    assert desk.inbox.take(RECEIPT, receipt(note(5, private=Ed25519PrivateKey.generate()))).receipt is not None
    assert desk.counted("checkpoint")
    assert desk.outbox.backlog().receipted == 1
    assert desk.inbox.take(RECEIPT, receipt(note(5))).receipt is not None
    assert size(watch) == 5

    def full(*_args: object) -> None:
        raise VaultFull("no room")

    monkeypatch.setattr(watch, "_keep", full)
    assert desk.inbox.take(RECEIPT, receipt(note(5, "false"))).receipt is not None
    assert watch.problem is None, "what could not be told is told when it is shown again"
    assert watcher.told() == []
