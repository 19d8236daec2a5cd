"""Rights, locks and passwords as plain functions."""

from datetime import UTC, datetime, timedelta

import pytest

from central.accounts.model import (
    FREE_FAILURES,
    LONGEST_LOCK,
    RIGHTS,
    BadUsername,
    Right,
    Role,
    WeakPassword,
    locked_until,
    require_password,
    require_username,
)
from central.accounts.passwords import DECOY, Busy, Hashing, random_password

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_managing_reviewing_and_auditing_never_go_together() -> None:
    for role, rights in RIGHTS.items():
        own = rights & {Right.MANAGE_ACCOUNTS, Right.REVIEW, Right.READ_AUDIT, Right.STAMP_EVIDENCE}
        assert len(own) == (0 if role is Role.SOURCE else 1)


def test_a_program_that_sends_data_can_do_nothing_else() -> None:
    assert RIGHTS[Role.SOURCE] == {Right.SEND_DATA}


def test_an_administrator_sees_neither_findings_nor_pictures() -> None:
    assert not RIGHTS[Role.ADMINISTRATOR] & {Right.READ_FINDINGS, Right.SEE_PICTURES, Right.REVIEW}


def test_every_right_belongs_to_a_role() -> None:
    assert frozenset(Right) == frozenset().union(*RIGHTS.values())


def test_the_lock_grows_and_stays_bounded() -> None:
    assert locked_until(FREE_FAILURES - 1, NOW) is None
    waits = [until - NOW for failures in range(FREE_FAILURES, 10_000, 97) if (until := locked_until(failures, NOW)) is not None]
    assert waits[0] == timedelta(minutes=1)
    assert waits == sorted(waits)
    assert max(waits) == LONGEST_LOCK
    second = locked_until(FREE_FAILURES + 1, NOW)
    assert second is not None
    assert second - NOW == timedelta(minutes=2)


@pytest.mark.parametrize("name", ["", "a", "Admin", "1abc", "a b", "a/b", "a\n", "..", "管理员", "a" * 33, "<script>"])
def test_what_is_no_username(name: str) -> None:
    with pytest.raises(BadUsername):
        require_username(name)


@pytest.mark.parametrize("name", ["li", "wang.fang", "a_b-c9", "a" * 32])
def test_what_is_a_username(name: str) -> None:
    require_username(name)


@pytest.mark.parametrize("password", ["", "short", "x" * 129, "aaaaaaaaaaaaaaaa", "my-LI-password-1"])
def test_weak_passwords_are_refused_without_being_repeated(password: str) -> None:
    with pytest.raises(WeakPassword) as refused:
        require_password("li", password)
    assert not password or password not in str(refused.value)


def test_a_long_passphrase_is_fine() -> None:
    require_password("wang", "四匹白马在雨中慢慢走过石桥")


def test_random_passwords_are_strong_and_differ() -> None:
    made = {random_password() for _ in range(200)}
    assert len(made) == 200
    for password in made:
        require_password("admin", password)
        assert not set(password) & set("l1o0IO")


def test_the_decoy_costs_what_a_real_hash_costs() -> None:
    hashing = Hashing()
    real = hashing.hash("correct horse battery")
    assert DECOY.split("$")[:4] == real.split("$")[:4], "other parameters would betray unknown usernames by time"
    assert not hashing.fits(DECOY, "correct horse battery")


def test_hashing_and_checking() -> None:
    hashing = Hashing()
    stored = hashing.hash("correct horse battery")
    assert "correct" not in stored
    assert hashing.fits(stored, "correct horse battery")
    assert not hashing.fits(stored, "correct horse batterY")
    assert not hashing.fits(stored, "x" * 1_000_000)
    assert not hashing.fits("not a hash", "x")


def test_no_slot_means_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("central.accounts.passwords._WAIT_S", 0.01)
    with pytest.raises(Busy):
        Hashing(slots=0).hash("correct horse battery")
