"""Film on the disk: found again by time, encrypted, and bounded in age and size."""

import itertools
import math
from datetime import timedelta
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from contract.events import Outcome
from edge_agent.disk.vault import KEY_BYTES, DatabaseError, Vault
from edge_agent.errors import VaultFull
from edge_agent.film.film import Still
from edge_agent.film.spool import DROPPED_AT_ONCE, SCHEMA, Spool, Take
from tests.edge_agent.films import AT, LEFT, still
from tests.fakes import HandClock

MINUTE = timedelta(minutes=1)


def take(msgid: str, minutes: float = 0) -> Take:
    since = AT + minutes * MINUTE
    subject = ((since, LEFT),)
    return Take(msgid=msgid, window="W1", since=since, until=since + MINUTE, outcome=Outcome.DIFFERENT, subject=subject)


def made(folder: Path, *, keep_h: float = 1, keep_mb: int = 16) -> Spool:
    return Spool(folder / "film.db", b"k" * KEY_BYTES, HandClock(), keep_h=keep_h, keep_mb=keep_mb)


def full(spool: Spool, megabytes: int) -> None:
    """Pictures that nothing makes smaller, a settlement in each megabyte."""
    noise = np.random.default_rng(0)
    for number in range(megabytes):
        at = AT + number * MINUTE
        stills = [Still(at=at + i * MINUTE / 64, jpeg=noise.bytes(2**14), faces=(LEFT,)) for i in range(64)]
        spool.keep("W1", stills)
        spool.note(take(f"M{number}", number))


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return made(tmp_path)


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


def test_the_oldest_goes_when_there_is_too_much_and_the_file_with_it(tmp_path: Path) -> None:
    spool = made(tmp_path, keep_h=24, keep_mb=4)
    full(spool, 12)
    assert spool.used_bytes > 12 * 2**20
    spool.forget(AT + timedelta(hours=1))
    assert spool.used_bytes <= 4 * 2**20 and size(tmp_path) < 6 * 2**20
    assert spool.take("M0") is None
    assert spool.take("M11") is not None and len(spool.stills("W1", AT + 11 * MINUTE, AT + 12 * MINUTE)) == 64


def test_each_step_of_giving_way_makes_the_file_smaller_until_nothing_is_left(tmp_path: Path) -> None:
    spool, sizes = made(tmp_path), list[int]()
    full(spool, 8)
    while spool.shrink():
        sizes.append(size(tmp_path))
    assert len(sizes) == math.ceil(8 * 64 / DROPPED_AT_ONCE)
    assert all(after < before for before, after in itertools.pairwise(sizes)) and sizes[-1] < 2**17
    full(spool, 1)
    assert len(spool.stills("W1", AT, AT + MINUTE)) == 64


def test_a_file_that_cannot_shrink_yet_is_made_one_that_can_and_loses_nothing(tmp_path: Path) -> None:
    """As an agent of an earlier version left it."""
    Vault.open(tmp_path / "film.db", b"k" * KEY_BYTES, SCHEMA).close()
    spool = made(tmp_path)
    full(spool, 2)
    assert len(spool.stills("W1", AT, AT + 10 * MINUTE)) == 2 * 64
    assert spool.shrink() and size(tmp_path) < 2 * 2**20


def test_what_age_left_free_inside_goes_before_any_picture(tmp_path: Path) -> None:
    spool = made(tmp_path)
    full(spool, 12)
    spool.forget(AT + timedelta(hours=1, minutes=8))
    spool.close()
    spool = made(tmp_path)
    left, before = spool.stills("W1", AT, AT + 12 * MINUTE), size(tmp_path)
    assert 4 * 64 <= len(left) < 5 * 64 and before > 12 * 2**20
    assert spool.shrink()
    assert 2**21 < before - size(tmp_path) < 2**23, "a step is small"
    assert [(one.at, one.jpeg) for one in spool.stills("W1", AT, AT + 12 * MINUTE)] == [(one.at, one.jpeg) for one in left]


def test_all_is_given_up_without_a_byte_of_room_and_film_begins_anew(tmp_path: Path) -> None:
    spool = made(tmp_path)
    assert not spool.give_up(), "there is nothing yet"
    full(spool, 2)
    assert spool.give_up() and size(tmp_path) == 0
    assert not spool.give_up()
    assert spool.take("M0") is None and spool.set_aside == ()
    full(spool, 1)
    assert spool.take("M0") is not None


def test_film_that_is_being_read_is_not_waited_for(tmp_path: Path) -> None:
    spool, said = made(tmp_path), list[bool]()
    full(spool, 1)
    with spool.transaction():
        other = Thread(target=lambda: said.append(spool.give_up()))
        other.start()
        other.join()
    assert said == [False] and spool.give_up()


def test_what_was_closed_stays_closed(tmp_path: Path) -> None:
    spool = made(tmp_path)
    full(spool, 1)
    spool.close()
    assert not spool.give_up() and (tmp_path / "film.db").exists()
    with pytest.raises(VaultFull):
        spool.take("M0")


@pytest.mark.parametrize("open_before", [False, True], ids=["before the start", "while it runs"])
def test_a_damaged_film_is_set_aside_and_named(tmp_path: Path, open_before: bool) -> None:
    spool = made(tmp_path)
    full(spool, 12)
    if not open_before:
        spool.close()
        spool = made(tmp_path)
    with (tmp_path / "film.db").open("r+b") as file:
        for page in range(1, 3000, 10):
            file.seek(4096 * page + 100)
            file.write(b"damaged!")
    if open_before:
        with pytest.raises(DatabaseError):
            spool.stills("W1", AT, AT + 12 * MINUTE)
    assert spool.stills("W1", AT, AT + 12 * MINUTE) == []
    assert [path.name[:16] for path in spool.set_aside] == ["film.db.damaged-"]
    full(spool, 1)
    assert len(spool.stills("W1", AT, AT + 12 * MINUTE)) == 64


def test_no_picture_lies_in_clear_on_the_disk(tmp_path: Path) -> None:
    spool = made(tmp_path)
    one = still(0, LEFT)
    spool.keep("W1", [one])
    spool.note(take("CANARY1"))
    for path in tmp_path.iterdir():
        data = path.read_bytes()
        assert not any(clear in data for clear in (b"JFIF", b"CANARY1", one.jpeg[100:140]))
