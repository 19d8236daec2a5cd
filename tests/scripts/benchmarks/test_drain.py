"""The measurement of a draining backlog on a few events: everything comes once, in its chain, within the window."""

import json
from pathlib import Path

import pytest

from contract.sealed import to_text
from contract.topics import Up
from scripts.benchmarks import drain
from scripts.benchmarks.counting_broker import Counts, Ledger, payload_of
from scripts.benchmarks.errors import CannotMeasure
from scripts.benchmarks.sending import SITE, WINDOW, sending_half
from scripts.stack import Stack


def test_a_small_backlog_drains_within_the_window(tmp_path: Path) -> None:
    taken, window = drain.measure(tmp_path, 300)
    assert taken.n == 300 and taken.value > 0
    assert window.holds and 1 < window.value <= 64
    assert list(tmp_path.iterdir()) == []


def test_the_ledger_finds_what_is_missing_twice_or_changed(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "stack", SITE, {WINDOW: "none.mkv"})
    with sending_half(stack) as half:
        drain.write(half, 4)
        signed = [payload for _, payload in half.outbox.events_after(0, 4)]
    counts = Counts()
    ledger = Ledger(stack.centre.keys.signer, counts)
    for payload in (signed[0], signed[2], signed[2]):
        ledger.take(Up.EVENT, payload)
    assert (ledger.up_to, counts.events, counts.events_again) == (1, 2, 1)
    ledger.take(Up.EVENT, signed[1])
    assert (ledger.up_to, counts.faults) == (3, [])
    ledger.take(Up.EVENT, _pointing_elsewhere(signed[3]))
    assert counts.faults == ["event 4 does not point to the one before"]


def _pointing_elsewhere(signed: bytes) -> bytes:
    """The same event with another predecessor; its signature does not hold any more, which is not asked here."""
    head, _, signature = signed.split(b".")
    said = payload_of(signed) | {"prev": "f" * 64}
    return b".".join((head, to_text(json.dumps(said).encode()).encode(), signature))


def test_what_does_not_drain_in_time_is_no_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain, "GIVE_UP_S", -1.0)
    with pytest.raises(CannotMeasure):
        drain.measure(tmp_path, 300)
