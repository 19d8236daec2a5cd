"""Every way in which the ledgers can disagree is found; a comparison that cannot fail shows nothing."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contract.events import GENESIS
from edge_agent.chain.outbox import Outbox
from edge_agent.disk.vault import Vault, vault_key
from edge_agent.wiring import OUTBOX_SCHEMA
from scripts.chaos_runs.ledgers import Centre, Chain, Device, Heard, Stored, compare, read_device
from scripts.chaos_runs.tills import Line, Log, Verb, read_log

HASHES = [GENESIS, *(digit * 64 for digit in "abcd")]
EPOCH = 7


def line(verb: Verb, state: Any, number: int) -> Line:
    return Line(verb=verb, state=state, msgid=f"M{number}", setl_id="" if verb == "start" else f"S{number}")


TOLD = [line(verb, state, 1) for verb in ("start", "bind") for state in ("asked", "answered")] + [
    line("start", "asked", 2),
    line("start", "unanswered", 2),
]
CHAIN = Chain(epoch=EPOCH, last_seq=4, head=HASHES[4], receipted=4, receipted_head=HASHES[4], connection=9)
DEVICE = Device(chain=CHAIN, waiting_events=0, waiting_media=0, open_sessions=0, set_aside=())
EVENTS = tuple(Stored(epoch=EPOCH, seq=seq, sha256=HASHES[seq], prev=HASHES[seq - 1], actual=HASHES[seq]) for seq in range(1, 5))
CENTRE = Centre(
    events=EVENTS,
    ends={EPOCH: 4},
    captures=Counter(["M1"]),
    bindings=Counter(["S1"]),
    voids=Counter(),
    irregular=(),
    refused=(),
    pictures=1,
    pictures_missing=0,
)
HEARD = [Heard(epoch=EPOCH, up_to=2, head=HASHES[2]), Heard(epoch=EPOCH, up_to=0, head=GENESIS)]


def kinds(
    told: list[Line] | None = None, device: Device = DEVICE, centre: Centre = CENTRE, heard: list[Heard] | None = None
) -> dict[str, list[str]]:
    found = compare(TOLD if told is None else told, device, centre, HEARD if heard is None else heard)
    return {kind: each for kind, each in found.by_kind().items() if each}


def test_ledgers_that_agree_give_nothing() -> None:
    assert kinds() == {}


def test_an_event_of_a_request_that_was_never_answered_may_be_there() -> None:
    assert kinds(centre=replace(CENTRE, captures=Counter(["M1", "M2"]))) == {}


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("unrecorded", lambda: kinds(centre=replace(CENTRE, captures=Counter()))),
        ("unrecorded", lambda: kinds(centre=replace(CENTRE, bindings=Counter()))),
        ("unrecorded", lambda: kinds(told=[*TOLD, line("void", "asked", 1), line("void", "answered", 1)])),
        ("twice", lambda: kinds(centre=replace(CENTRE, captures=Counter(["M1", "M1"])))),
        ("invented", lambda: kinds(centre=replace(CENTRE, captures=Counter(["M1", "M3"])))),
        ("invented", lambda: kinds(centre=replace(CENTRE, voids=Counter(["S1"])))),
        ("refused", lambda: kinds(told=[*TOLD, line("bind", "refused", 2)])),
        ("lost", lambda: kinds(heard=[Heard(epoch=EPOCH, up_to=3, head=HASHES[1])])),
        ("lost", lambda: kinds(heard=[Heard(epoch=EPOCH, up_to=5, head=HASHES[1])])),
        ("gaps", lambda: kinds(device=replace(DEVICE, chain=replace(CHAIN, head="f" * 64)))),
        ("gaps", lambda: kinds(centre=replace(CENTRE, events=(*EVENTS[:3], replace(EVENTS[3], prev="f" * 64))))),
        ("gaps", lambda: kinds(centre=replace(CENTRE, events=(*EVENTS[:3], replace(EVENTS[3], actual="f" * 64))))),
        ("gaps", lambda: kinds(centre=replace(CENTRE, events=(*EVENTS, replace(EVENTS[0], epoch=8))))),
        ("irregular", lambda: kinds(centre=replace(CENTRE, irregular=("conflict",)))),
        ("irregular", lambda: kinds(device=replace(DEVICE, set_aside=("outbox.db.damaged-1",)))),
        ("undelivered", lambda: kinds(device=replace(DEVICE, open_sessions=1))),
        ("undelivered", lambda: kinds(device=replace(DEVICE, waiting_media=1))),
        ("undelivered", lambda: kinds(centre=replace(CENTRE, pictures_missing=1))),
    ],
)
def test_each_disagreement_is_found(kind: str, change: Callable[[], dict[str, list[str]]]) -> None:
    assert list(change()) == [kind]


def test_a_receipted_event_that_is_not_there_is_lost_and_a_gap() -> None:
    assert set(kinds(centre=replace(CENTRE, events=EVENTS[:1] + EVENTS[2:]))) == {"lost", "gaps"}


def test_an_event_without_receipt_waits() -> None:
    device = replace(DEVICE, chain=replace(CHAIN, receipted=3, receipted_head=HASHES[3]))
    assert kinds(device=device) == {"undelivered": ["1 events without a receipt"]}


def test_the_device_is_read_from_a_copy(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    vault = Vault.open(data / "outbox.db", vault_key(data / "vault.key"), OUTBOX_SCHEMA)
    outbox = Outbox(vault, new_epoch=EPOCH)
    outbox.append(lambda _: b"signed", [b"picture"])
    before = {path.name: path.read_bytes() for path in data.iterdir()}
    found = read_device(data, tmp_path)
    assert (found.chain.epoch, found.chain.last_seq, found.chain.receipted) == (EPOCH, 1, 0)
    assert (found.waiting_events, found.waiting_media, found.open_sessions) == (1, 1, 0)
    assert {path.name: path.read_bytes() for path in data.iterdir()} == before
    vault.close()


def test_the_log_gives_back_what_was_written(tmp_path: Path) -> None:
    log = Log(tmp_path / "till.jsonl")
    for each in TOLD:
        log.write(each)
    assert list(read_log(tmp_path / "till.jsonl")) == TOLD
    assert log.count("answered") == 2 and log.answered_since(0.0)
