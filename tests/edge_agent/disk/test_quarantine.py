"""An event that cannot be sent stops no other: it is kept apart, told, named by a check, and can be sent again."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from typer.testing import CliRunner

from contract.events import Loss, parse_event
from contract.sealed import Signer, TrustedKey, raw_public, verify
from edge_agent.__main__ import app
from edge_agent.chain.losses import Losses
from edge_agent.chain.outbox import Outbox, Place
from edge_agent.disk.apart import gaps
from edge_agent.disk.quarantine import KeysOnDisk, replay_all
from edge_agent.disk.stores import NAME, open_outbox
from edge_agent.disk.vault import OURS, Vault
from edge_agent.health.checks import quarantine as quarantine_check
from edge_agent.keyring import rotated, written
from edge_agent.link.sender import Sender
from edge_agent.sections.core import Link
from edge_agent.settings import load
from edge_agent.wiring import OUTBOX_SCHEMA
from tests import builders
from tests.edge_agent.building import DEVICE, make_terminal
from tests.fakes import HandClock

SIGNER = Signer(Ed25519PrivateKey.generate())
KEY = TrustedKey(SIGNER.public)


class Bench:
    """An outbox of signed events in which some bytes can be changed."""

    def __init__(self, events: int) -> None:
        self.vault, self.clock = Vault.in_memory(OUTBOX_SCHEMA), HandClock()
        self.outbox = Outbox(self.vault, new_epoch=5)
        self.losses = Losses(signer=SIGNER, device=DEVICE, clock=self.clock)
        for number in range(events):
            self.outbox.append(lambda place, number=number: signed(place, f"S{number}"))  # type: ignore[misc]

    def spoil(self, seq: int) -> None:
        with self.vault.transaction() as db:
            db.execute("UPDATE events SET signed = CAST(signed || 'x' AS BLOB) WHERE seq = ?", (seq,))

    def drain(self) -> list[object]:
        sender = Sender(outbox=self.outbox, signer=SIGNER, device=DEVICE, limits=Link(), clock=self.clock)
        return [parse_event(verify(parcel.payload, {KEY.kid: KEY}.get, "event").payload) for parcel in iter(sender.next, None) if parcel]


def signed(place: Place, setl_id: str) -> bytes:
    return SIGNER.sign(builders.void(device=DEVICE, epoch=place.epoch, seq=place.seq, prev=place.prev, setl_id=setl_id))


def test_an_event_whose_bytes_changed_stops_no_other_and_is_told() -> None:
    bench = Bench(5)
    bench.spoil(2)
    bench.spoil(3)
    sent = bench.drain()
    assert [event.seq for event in sent] == [1, 4, 5, 6]  # type: ignore[attr-defined]
    loss = sent[-1]
    assert isinstance(loss, Loss)
    assert (loss.of_epoch, loss.lost, loss.why) == (5, ((2, 3),), "bytes_changed")
    assert len(bench.drain()) == 4, "told once"


def test_a_page_full_of_such_events_does_not_look_like_the_end() -> None:
    bench = Bench(70)
    for seq in range(1, 66):
        bench.spoil(seq)
    assert [event.seq for event in bench.drain()] == [66, 67, 68, 69, 70, 71]  # type: ignore[attr-defined]


def test_the_check_names_it_until_it_is_gone() -> None:
    bench = Bench(2)
    assert quarantine_check.check(bench.outbox.apart.held()) is None
    bench.spoil(2)
    bench.drain()
    problem = quarantine_check.check(bench.outbox.apart.held())
    assert problem is not None and "1 events cannot be sent, first number 2 of epoch 5 (bytes_changed)" in problem.detail


def test_what_is_ours_is_sent_again_under_a_new_number_and_the_rest_stays() -> None:
    bench = Bench(3)
    with bench.vault.transaction() as db:
        db.execute("UPDATE events SET sha256 = ? WHERE seq = 1", ("0" * 64,))
    bench.spoil(2)
    bench.drain()
    assert replay_all(bench.outbox, bench.losses) == 1
    assert [item.seq for item in bench.outbox.apart.held()] == [2]
    last = bench.drain()[-1]
    assert (last.kind, last.setl_id, last.seq) == ("void", "S0", 5)  # type: ignore[attr-defined]


def test_losses_are_told_in_pages() -> None:
    pages = gaps(7, range(1, 1200, 2), "store_damaged")
    assert [len(page.lost) for page in pages] == [256, 256, 88]
    assert {page.last_seq for page in pages} == {1199}
    assert gaps(7, [], "store_damaged", 9)[0].lost == ()


def test_what_is_sent_again_is_signed_with_the_keys_as_they_lie_there_then(tmp_path: Path) -> None:
    """The agent may change its keys while the command runs: the centre refuses for ever what an old key signs above the handover."""
    files = load(make_terminal(tmp_path).settings_file).files
    ring, sign, seal = KeysOnDisk(files), Ed25519PrivateKey.generate(), X25519PrivateKey.generate()
    OURS.write_durably(rotated(files), written((ec.generate_private_key(ec.SECP256R1()), sign, seal), earlier=(ring.public,)))
    new = TrustedKey(raw_public(sign.public_key()))
    assert verify(ring.sign(builders.void(device=DEVICE)), {new.kid: new}.get, "event").kid == new.kid


@pytest.mark.parametrize(
    ("command", "code", "says"), [("list", 0, "\t1\tbytes_changed"), ("replay", 1, "0 events will be sent again, 1 stay")]
)
def test_the_command_line_shows_and_replays(tmp_path: Path, command: str, code: int, says: str) -> None:
    terminal = make_terminal(tmp_path)
    losses = Losses(signer=terminal.signer, device=DEVICE, clock=HandClock())
    opened = open_outbox(terminal.folder / "data", OUTBOX_SCHEMA, 9, losses)
    opened.outbox.append(lambda place: signed(place, "S1"))
    with opened.vault.transaction() as db:
        db.execute("UPDATE events SET sha256 = ?", ("0" * 64,))
    opened.outbox.events_after(0, 9)
    opened.vault.close()
    assert (terminal.folder / "data" / NAME).exists()
    result = CliRunner().invoke(app, ["quarantine", command, "--settings", str(terminal.settings_file)])
    assert result.exit_code == code
    assert says in result.output
