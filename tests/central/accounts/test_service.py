"""Accounts on a real database: first start, logins, locks, sessions, passwords."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from central import migrate
from central.accounts import service
from central.accounts.model import FREE_FAILURES, LoginRefused, NoSuchAccount, OwnAccount, Role, UsernameTaken
from central.accounts.passwords import DECOY, Hashing
from central.accounts.service import Attempt, NewSession
from central.audit import service as audit
from central.db import open_engine

NOW = datetime(2026, 1, 2, tzinfo=UTC)
HOURS = timedelta(hours=8)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = open_engine(f"sqlite:///{tmp_path / 'accounts.sqlite3'}")
    migrate.upgrade(engine)
    return engine


@pytest.fixture
def monitor(engine: Engine) -> Engine:
    """A database with the account `li`; its stored hash is not looked at by these tests."""
    with engine.begin() as db:
        service.add(db, username="li", role=Role.MONITOR, password_hash=DECOY, must_change_password=False, actor="admin", now=NOW)
    return engine


def attempt(engine: Engine, now: datetime = NOW, username: str = "li") -> Attempt:
    with engine.begin() as db:
        return service.begin_attempt(db, username=username, now=now)


def enter(engine: Engine, now: datetime = NOW) -> NewSession:
    with engine.begin() as db:
        return service.enter(db, attempt=service.begin_attempt(db, username="li", now=now), now=now, lifetime=HOURS)


def test_the_first_start_makes_one_administrator_once(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as db:
        password = service.ensure_administrator(db, NOW)
        assert service.ensure_administrator(db, NOW) is None
        (account,) = service.every(db)
    assert (account.username, account.role) == ("admin", Role.ADMINISTRATOR)
    assert password is not None
    assert Hashing().fits(attempt(engine, username="admin").password_hash, password)
    engine.dispose()
    assert all(password.encode() not in path.read_bytes() for path in tmp_path.iterdir()), "it is stored nowhere in clear"


def test_no_administrator_is_made_beside_other_accounts(monitor: Engine) -> None:
    with monitor.begin() as db:
        assert service.ensure_administrator(db, NOW) is None


def test_an_attempt_counts_before_its_password_is_checked(monitor: Engine) -> None:
    counted = [attempt(monitor).counted for _ in range(FREE_FAILURES + 3)]
    assert counted == [True] * FREE_FAILURES + [False] * 3


def test_a_lock_ends_and_the_next_is_longer(monitor: Engine) -> None:
    for _ in range(FREE_FAILURES):
        attempt(monitor)
    assert not attempt(monitor, NOW + timedelta(seconds=59)).counted
    later = NOW + timedelta(seconds=61)
    assert attempt(monitor, later).counted, "one more try after the lock"
    assert not attempt(monitor, later + timedelta(seconds=61)).counted
    assert attempt(monitor, later + timedelta(seconds=121)).counted


def test_a_login_forgets_the_failures(monitor: Engine) -> None:
    for _ in range(FREE_FAILURES - 1):
        attempt(monitor)
    enter(monitor)
    assert [attempt(monitor).counted for _ in range(FREE_FAILURES)] == [True] * FREE_FAILURES


def test_an_unknown_name_is_checked_against_the_decoy_and_recorded_nowhere(monitor: Engine) -> None:
    unknown = attempt(monitor, username="hunter2-my-password")
    assert (unknown.password_hash, unknown.counted) == (DECOY, False)
    with monitor.begin() as db:
        before = audit.entries(db).total
        service.refuse(db, attempt=unknown, now=NOW)
        assert audit.entries(db).total == before
        with pytest.raises(LoginRefused):
            service.enter(db, attempt=unknown, now=NOW, lifetime=HOURS)


def test_a_refused_login_is_recorded(monitor: Engine) -> None:
    tried = attempt(monitor)
    with monitor.begin() as db:
        service.refuse(db, attempt=tried, now=NOW)
        assert audit.entries(db).rows[0].action == "session.refuse"


def test_a_session_is_known_by_its_token_until_it_expires(monitor: Engine, tmp_path: Path) -> None:
    opened = enter(monitor)
    with monitor.begin() as db:
        viewer = service.viewer_of(db, token=opened.token, now=NOW + HOURS - timedelta(seconds=1))
        assert viewer is not None
        assert (viewer.username, viewer.role) == ("li", Role.MONITOR)
        assert service.viewer_of(db, token=opened.token, now=NOW + HOURS) is None
        assert service.viewer_of(db, token="x" * 43, now=NOW) is None
        assert service.viewer_of(db, token="\udcff", now=NOW) is None
    monitor.dispose()
    assert all(opened.token.encode() not in path.read_bytes() for path in tmp_path.iterdir()), "only its hash is stored"
    assert opened.token not in repr(opened)


def test_expired_sessions_are_removed_at_the_next_login(monitor: Engine, tmp_path: Path) -> None:
    enter(monitor)
    enter(monitor, NOW + HOURS)
    with sqlite3.connect(tmp_path / "accounts.sqlite3") as db:
        assert db.execute("SELECT count(*) FROM browser_sessions").fetchone() == (1,)


def test_logging_out_ends_this_session_only(monitor: Engine) -> None:
    first, second = enter(monitor), enter(monitor)
    with monitor.begin() as db:
        service.log_out(db, token=first.token, now=NOW)
        service.log_out(db, token=first.token, now=NOW)
        assert service.viewer_of(db, token=first.token, now=NOW) is None
        assert service.viewer_of(db, token=second.token, now=NOW) is not None
        assert [row.action for row in audit.entries(db).rows].count("session.end") == 1


def test_a_disabled_account_is_out_at_once_and_can_come_back(monitor: Engine) -> None:
    opened = enter(monitor)
    tried = attempt(monitor)
    with monitor.begin() as db:
        service.disable(db, username="li", actor="admin", now=NOW)
        assert service.viewer_of(db, token=opened.token, now=NOW) is None
        with pytest.raises(LoginRefused):
            service.enter(db, attempt=tried, now=NOW, lifetime=HOURS)
    assert not attempt(monitor).counted
    with monitor.begin() as db:
        service.enable(db, username="li", actor="admin", now=NOW)
        assert service.viewer_of(db, token=opened.token, now=NOW) is None, "old sessions stay ended"
    assert enter(monitor).username == "li"


def test_a_reset_password_must_be_changed_lifts_the_lock_and_ends_sessions(monitor: Engine) -> None:
    opened = enter(monitor)
    for _ in range(FREE_FAILURES):
        attempt(monitor)
    with monitor.begin() as db:
        service.reset_password(db, username="li", password_hash="new", actor="admin", now=NOW)
        assert service.viewer_of(db, token=opened.token, now=NOW) is None
    opened = enter(monitor)
    with monitor.begin() as db:
        viewer = service.viewer_of(db, token=opened.token, now=NOW)
    assert viewer is not None
    assert viewer.must_change_password


def test_changing_ones_password_ends_the_other_sessions(monitor: Engine) -> None:
    here, elsewhere = enter(monitor), enter(monitor)
    with monitor.begin() as db:
        service.change_password(db, username="li", password_hash="new", token=here.token, now=NOW)
        assert service.viewer_of(db, token=here.token, now=NOW) is not None
        assert service.viewer_of(db, token=elsewhere.token, now=NOW) is None
    assert attempt(monitor).password_hash == "new"


def test_a_name_is_used_once(monitor: Engine) -> None:
    with monitor.begin() as db, pytest.raises(UsernameTaken):
        service.add(db, username="li", role=Role.AUDITOR, password_hash=DECOY, must_change_password=True, actor="admin", now=NOW)


def test_nobody_does_it_to_the_own_account_or_to_nobody(monitor: Engine) -> None:
    with monitor.begin() as db:
        for use in (service.disable, service.enable):
            with pytest.raises(OwnAccount):
                use(db, username="li", actor="li", now=NOW)
            with pytest.raises(NoSuchAccount):
                use(db, username="nobody", actor="li", now=NOW)
        with pytest.raises(OwnAccount):
            service.reset_password(db, username="li", password_hash="x", actor="li", now=NOW)


def test_every_change_is_recorded_with_who_did_it(monitor: Engine) -> None:
    with monitor.begin() as db:
        service.disable(db, username="li", actor="admin", now=NOW)
        service.enable(db, username="li", actor="admin", now=NOW)
        service.reset_password(db, username="li", password_hash="x", actor="admin", now=NOW)
        log = [(row.actor, row.action, row.object) for row in audit.entries(db).rows]
    assert log == [
        ("admin", "account.reset_password", "li"),
        ("admin", "account.enable", "li"),
        ("admin", "account.disable", "li"),
        ("admin", "account.add", "li"),
    ]
