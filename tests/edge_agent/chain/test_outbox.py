"""The chain: numbers without a gap, nothing lost by a kill, nothing deleted but on a fitting receipt."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from contract.events import GENESIS
from contract.media import media_id
from contract.receipts import Receipt
from contract.sealed import digest
from edge_agent.chain.outbox import SCHEMA, Outbox, Place, next_epoch, note_epoch
from edge_agent.disk.vault import KEY_BYTES, Vault
from edge_agent.errors import ReceiptRefused, VaultFull
from tests.edge_agent.building import DEVICE

ROOT = Path(__file__).resolve().parents[3]
KEY = b"k" * KEY_BYTES
EPOCH = 1_767_312_000


def event(text: str) -> Callable[[Place], bytes]:
    return lambda place: f"{place.epoch}.{place.seq}.{place.prev}.{text}".encode()


def receipt(up_to: int, head: str, *, epoch: int = EPOCH, media: tuple[str, ...] = ()) -> Receipt:
    return Receipt(device=DEVICE, epoch=epoch, up_to=up_to, head=head, gaps=(), media_done=media, at=datetime.now(UTC))


def new_outbox() -> Outbox:
    return Outbox(Vault.in_memory(SCHEMA), new_epoch=EPOCH)


def filled(count: int) -> tuple[Outbox, list[bytes]]:
    outbox = new_outbox()
    for i in range(count):
        outbox.append(event(str(i)))
    return outbox, [signed for _, signed in outbox.events_after(0, count)]


def test_events_are_numbered_and_chained() -> None:
    outbox, events = filled(3)
    assert events[0] == f"{EPOCH}.1.{GENESIS}.0".encode()
    assert events[1] == f"{EPOCH}.2.{digest(events[0])}.1".encode()
    assert outbox.backlog().events == 3


def test_a_failed_event_uses_no_number() -> None:
    outbox, _ = filled(1)

    def fail(place: Place) -> bytes:
        raise ValueError("cannot be signed")

    with pytest.raises(ValueError, match="signed"):
        outbox.append(fail, [b"picture"])
    assert outbox.append(event("next")).seq == 2
    assert outbox.media_after(0) is None


def test_pages_are_bounded() -> None:
    outbox, _ = filled(10)
    assert [seq for seq, _ in outbox.events_after(3, 4)] == [4, 5, 6, 7]


def test_a_fitting_receipt_deletes_what_it_covers() -> None:
    outbox, events = filled(5)
    assert outbox.prune(receipt(3, digest(events[2])))
    assert [seq for seq, _ in outbox.events_after(0, 9)] == [4, 5]
    assert (outbox.backlog().receipted, outbox.backlog().events) == (3, 2)


def test_receipts_are_idempotent_and_never_go_back() -> None:
    outbox, events = filled(5)
    outbox.prune(receipt(3, digest(events[2])))
    assert not outbox.prune(receipt(3, digest(events[2])))
    assert not outbox.prune(receipt(1, digest(events[0])))
    assert outbox.backlog().receipted == 3


def test_a_receipt_for_everything_leaves_the_chain_to_go_on() -> None:
    outbox, events = filled(2)
    outbox.prune(receipt(2, digest(events[1])))
    assert outbox.append(event("after")).prev == digest(events[1])
    assert not outbox.prune(receipt(2, digest(events[1])))


@pytest.mark.parametrize(("up_to", "says"), [(2, "another event 2"), (9, "wrote only 5")])
def test_a_receipt_that_does_not_fit_deletes_nothing(up_to: int, says: str) -> None:
    outbox, _ = filled(5)
    outbox.append(event("with picture"), [b"sealed"])
    with pytest.raises(ReceiptRefused, match=says.replace("wrote only 5", "wrote only 6")):
        outbox.prune(receipt(up_to, "f" * 64, media=(media_id(b"sealed"),)))
    assert outbox.backlog().events == 6
    assert outbox.media_after(0) is not None


def test_a_receipt_that_contradicts_an_earlier_one_is_refused() -> None:
    outbox, events = filled(5)
    outbox.prune(receipt(3, digest(events[2])))
    with pytest.raises(ReceiptRefused):
        outbox.prune(receipt(3, "f" * 64))


def test_a_receipt_of_another_epoch_is_passed_over() -> None:
    outbox, events = filled(2)
    assert not outbox.prune(receipt(2, digest(events[1]), epoch=EPOCH - 1))
    assert outbox.backlog().events == 2


def test_nothing_stored_yet_is_a_fitting_receipt() -> None:
    outbox, _ = filled(2)
    assert not outbox.prune(receipt(0, GENESIS))
    assert outbox.backlog().events == 2


def test_media_go_with_their_own_receipt() -> None:
    outbox = new_outbox()
    outbox.append(event("one"), [b"first", b"second"])
    number, sealed = outbox.media_after(0) or (0, b"")
    assert sealed == b"first"
    outbox.prune(receipt(0, GENESIS, media=(media_id(b"first"),)))
    assert not outbox.holds_media(number)
    assert outbox.media_after(0) == (2, b"second")
    assert outbox.backlog().media_bytes == len(b"second")


def test_media_go_with_a_receipt_of_any_epoch() -> None:
    outbox = new_outbox()
    outbox.append(event("one"), [b"first"])
    assert not outbox.prune(receipt(1, "f" * 64, epoch=EPOCH - 1, media=(media_id(b"first"),)))
    assert outbox.media_after(0) is None and outbox.backlog().events == 1


def test_epochs_rise_whatever_the_clock_says(tmp_path: Path) -> None:
    note = tmp_path / "epoch"
    assert next_epoch(note, EPOCH) == EPOCH
    note_epoch(note, EPOCH)
    assert next_epoch(note, EPOCH - 10_000) == EPOCH + 1
    assert next_epoch(note, EPOCH + 5) == EPOCH + 5
    assert note.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("content", [b"", b"\xff", b"soon"])
def test_an_unreadable_note_counts_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "epoch").write_bytes(content)
    assert next_epoch(tmp_path / "epoch", EPOCH) == EPOCH


def test_a_full_disk_uses_no_number(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path / "outbox.db", KEY, SCHEMA)
    outbox = Outbox(vault, new_epoch=EPOCH)
    with vault.transaction() as db:
        db.execute(f"PRAGMA max_page_count = {db.execute('PRAGMA page_count').fetchone()[0] + 4}")
    with pytest.raises(VaultFull):
        outbox.append(event("big"), [b"x" * 100_000])
    assert outbox.append(event("small")).seq == 1


def test_the_epoch_stays_and_connections_rise(tmp_path: Path) -> None:
    first = Outbox(Vault.open(tmp_path / "outbox.db", KEY, SCHEMA), new_epoch=EPOCH)
    assert (first.next_connection(), first.next_connection()) == (1, 2)
    second = Outbox(Vault.open(tmp_path / "outbox.db", KEY, SCHEMA), new_epoch=EPOCH + 99)
    assert (second.epoch, second.next_connection()) == (EPOCH, 3)


WRITER = """
import sys
from edge_agent.chain.outbox import SCHEMA, Outbox
from edge_agent.disk.vault import Vault
from pathlib import Path
outbox = Outbox(Vault.open(Path(sys.argv[1]), b"k" * 32, SCHEMA), new_epoch=1)
while True:
    place = outbox.append(lambda place: f"{place.seq}.{place.prev}".encode(), [str(outbox.backlog().last_seq).encode()])
    print(place.seq, flush=True)
"""


def test_a_killed_process_loses_nothing_that_it_told(tmp_path: Path) -> None:
    told = 0
    for lines in (1, 7, 20):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "outbox.db")], cwd=ROOT, stdout=subprocess.PIPE)
        assert process.stdout is not None
        for _ in range(lines):
            told = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        outbox = Outbox(Vault.open(tmp_path / "outbox.db", KEY, SCHEMA), new_epoch=2)
        events = outbox.events_after(0, 10_000)
        assert [seq for seq, _ in events] == list(range(1, len(events) + 1))
        assert len(events) >= told
        assert all(after.decode().endswith(digest(before)) for (_, before), (_, after) in pairwise(events))
        assert outbox.epoch == 1


class OutboxMachine(RuleBasedStateMachine):
    """Any order of appends, receipts true and false, and restarts: the chain equals the model."""

    def __init__(self) -> None:
        super().__init__()
        self.vault = Vault.in_memory(SCHEMA)
        self.outbox = Outbox(self.vault, new_epoch=EPOCH)
        self.written: list[bytes] = []
        self.receipted = 0
        self.media: list[bytes] = []

    @rule(text=st.text(max_size=5), pictures=st.integers(0, 2))
    def append(self, text: str, pictures: int) -> None:
        media = [f"{len(self.written)}-{i}".encode() for i in range(pictures)]
        place = self.outbox.append(event(text), media)
        assert place.seq == len(self.written) + 1
        assert place.prev == (digest(self.written[-1]) if self.written else GENESIS)
        self.written.append(event(text)(place))
        self.media += media

    @precondition(lambda self: self.written)
    @rule(data=st.data())
    def believe(self, data: st.DataObject) -> None:
        up_to = data.draw(st.integers(0, len(self.written)))
        done = data.draw(st.lists(st.sampled_from(self.media), unique=True)) if self.media else []
        head = digest(self.written[up_to - 1]) if up_to else GENESIS
        moved = self.outbox.prune(receipt(up_to, head, media=tuple(media_id(item) for item in done)))
        assert moved == (up_to > self.receipted)
        self.receipted = max(self.receipted, up_to)
        self.media = [item for item in self.media if item not in done]

    @rule(ahead=st.integers(0, 3))
    def refuse(self, ahead: int) -> None:
        with pytest.raises(ReceiptRefused):
            self.outbox.prune(receipt(len(self.written) + ahead, "e" * 64))

    @rule()
    def restart(self) -> None:
        self.outbox = Outbox(self.vault, new_epoch=EPOCH + 5)

    @invariant()
    def holds_exactly_what_is_not_receipted(self) -> None:
        events = self.outbox.events_after(0, 1000)
        assert events == list(enumerate(self.written, start=1))[self.receipted :]
        number, held = 0, []
        while (item := self.outbox.media_after(number)) is not None:
            number = item[0]
            held.append(item[1])
        assert held == self.media
        assert self.outbox.epoch == EPOCH


OutboxMachine.TestCase.settings = hypothesis_settings(max_examples=60, stateful_step_count=25, deadline=None)
TestOutboxMachine = OutboxMachine.TestCase


def test_the_size_of_the_backlog_is_known_without_reading_a_picture() -> None:
    vault = Vault.in_memory(SCHEMA)
    with vault.transaction() as db:
        (plan,) = db.execute("EXPLAIN QUERY PLAN SELECT coalesce(sum(length(sealed)), 0) FROM media").fetchall()
    assert "COVERING INDEX media_size" in plan[-1]
