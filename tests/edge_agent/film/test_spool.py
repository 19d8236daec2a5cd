"""Film on the disk: found again by time, encrypted, and bounded in age and size."""

from datetime import timedelta
from pathlib import Path

import pytest

from contract.events import Outcome
from edge_agent.disk.vault import KEY_BYTES, Vault
from edge_agent.film.spool import SCHEMA, Spool, Take
from tests.edge_agent.films import AT, LEFT, still

MINUTE = timedelta(minutes=1)


def take(msgid: str, minutes: float = 0) -> Take:
    since = AT + minutes * MINUTE
    subject = ((since, LEFT),)
    return Take(msgid=msgid, window="W1", since=since, until=since + MINUTE, outcome=Outcome.DIFFERENT, subject=subject)


@pytest.fixture
def spool() -> Spool:
    return Spool(Vault.in_memory(SCHEMA), keep_h=1, keep_mb=1)


def test_a_settlement_is_found_with_its_pictures_and_its_subject(spool: Spool) -> None:
    stills = [still(second, LEFT) for second in (-1, 0, 30, 60, 61)]
    spool.keep("W1", stills)
    spool.keep("W2", [still(30)])
    spool.note(take("M1"))
    found = spool.take("M1")
    assert found == take("M1")
    assert found is not None
    read = spool.stills(found.window, found.since, found.until)
    assert [(one.at, one.jpeg, one.faces) for one in read] == [(one.at, one.jpeg, one.faces) for one in stills[1:4]]
    assert spool.take("M2") is None


def test_what_is_old_goes_with_the_settlements_on_it(spool: Spool) -> None:
    for minutes in (0, 30):
        spool.keep("W1", [still(60 * minutes + second) for second in range(60)])
        spool.note(take(f"M{minutes}", minutes))
    spool.forget(AT + timedelta(hours=1, minutes=15))
    assert spool.take("M0") is None
    assert spool.stills("W1", AT, AT + 20 * MINUTE) == []
    assert spool.take("M30") is not None
    assert len(spool.stills("W1", AT, AT + 60 * MINUTE)) == 60


def test_the_oldest_goes_when_there_is_too_much() -> None:
    spool = Spool(Vault.in_memory(SCHEMA), keep_h=24, keep_mb=1)
    size = len(still(0).jpeg)
    for part in range(3):
        spool.keep("W1", [still(600 * part + number / 10) for number in range(2**20 // size // 2)])
        spool.note(take(f"M{part}", 10 * part))
    assert spool.used_bytes > 2**20
    spool.forget(AT + timedelta(hours=1))
    assert spool.used_bytes <= 2**20
    assert spool.take("M0") is None
    assert spool.take("M2") is not None


def test_no_picture_lies_in_clear_on_the_disk(tmp_path: Path) -> None:
    spool = Spool(Vault.open(tmp_path / "film.db", b"k" * KEY_BYTES, SCHEMA), keep_h=1, keep_mb=16)
    one = still(0, LEFT)
    spool.keep("W1", [one])
    spool.note(take("CANARY1"))
    for path in tmp_path.iterdir():
        data = path.read_bytes()
        assert not any(clear in data for clear in (b"JFIF", b"CANARY1", one.jpeg[100:140]))
