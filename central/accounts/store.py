"""All SQL of accounts and of their sessions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, insert, select, update

from central.accounts.model import Account, Role, Viewer
from central.accounts.tables import accounts, browser_sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a login is checked against."""

    password_hash: str
    failures: int
    locked_until: datetime | None
    disabled_at: datetime | None


def any_account(db: Connection) -> bool:
    """Whether there is an account at all, disabled ones included."""
    return db.execute(select(accounts.c.username).limit(1)).first() is not None


def add(db: Connection, *, username: str, role: Role, password_hash: str, must_change_password: bool, created_at: datetime) -> None:
    """Add an account that is neither locked nor disabled."""
    db.execute(
        insert(accounts).values(
            username=username,
            role=role.value,
            password_hash=password_hash,
            must_change_password=must_change_password,
            created_at=created_at,
            failures=0,
        )
    )


def find(db: Connection, username: str) -> Account | None:
    """The account, without its password hash."""
    row = db.execute(select(accounts).where(accounts.c.username == username)).one_or_none()
    return None if row is None else _account(row)


def every(db: Connection) -> tuple[Account, ...]:
    """All accounts by name."""
    return tuple(_account(row) for row in db.execute(select(accounts).order_by(accounts.c.username)))


def credentials(db: Connection, username: str) -> Credentials | None:
    """What a login of this username is checked against; None for an unknown one."""
    columns = (accounts.c.password_hash, accounts.c.failures, accounts.c.locked_until, accounts.c.disabled_at)
    row = db.execute(select(*columns).where(accounts.c.username == username)).one_or_none()
    return None if row is None else Credentials(**row._mapping)


def set_failures(db: Connection, username: str, failures: int, locked_until: datetime | None) -> None:
    """Write the count of failed attempts in a row and the lock that follows from it."""
    db.execute(update(accounts).where(accounts.c.username == username).values(failures=failures, locked_until=locked_until))


def set_password(db: Connection, username: str, password_hash: str, *, must_change_password: bool) -> None:
    """Replace the password and lift a lock."""
    changed = {"password_hash": password_hash, "must_change_password": must_change_password, "failures": 0, "locked_until": None}
    db.execute(update(accounts).where(accounts.c.username == username).values(changed))


def set_disabled(db: Connection, username: str, disabled_at: datetime | None) -> None:
    """Disable (a time) or enable (None)."""
    db.execute(update(accounts).where(accounts.c.username == username).values(disabled_at=disabled_at))


def add_session(db: Connection, *, token_sha256: str, username: str, csrf_token: str, created_at: datetime, expires_at: datetime) -> None:
    """Add a session; the token itself is never stored."""
    db.execute(
        insert(browser_sessions).values(
            token_sha256=token_sha256, username=username, csrf_token=csrf_token, created_at=created_at, expires_at=expires_at
        )
    )


def viewer(db: Connection, token_sha256: str, now: datetime) -> Viewer | None:
    """Who holds this session; None if there is none, it has expired or the account is disabled."""
    columns = (accounts.c.username, accounts.c.role, accounts.c.must_change_password, browser_sessions.c.csrf_token)
    joined = browser_sessions.join(accounts, browser_sessions.c.username == accounts.c.username)
    valid = and_(browser_sessions.c.token_sha256 == token_sha256, browser_sessions.c.expires_at > now, accounts.c.disabled_at.is_(None))
    row = db.execute(select(*columns).select_from(joined).where(valid)).one_or_none()
    return None if row is None else Viewer(**{**row._mapping, "role": Role(row.role)})


def session_user(db: Connection, token_sha256: str) -> str | None:
    """Whose session this is, expired or not."""
    return db.execute(select(browser_sessions.c.username).where(browser_sessions.c.token_sha256 == token_sha256)).scalar_one_or_none()


def remove_session(db: Connection, token_sha256: str) -> None:
    """Remove one session."""
    db.execute(delete(browser_sessions).where(browser_sessions.c.token_sha256 == token_sha256))


def remove_sessions_of(db: Connection, username: str, *, except_token_sha256: str | None = None) -> None:
    """Remove every session of an account, but the one given."""
    wanted = browser_sessions.c.username == username
    if except_token_sha256 is not None:
        wanted = and_(wanted, browser_sessions.c.token_sha256 != except_token_sha256)
    db.execute(delete(browser_sessions).where(wanted))


def remove_expired_sessions(db: Connection, now: datetime) -> None:
    """Remove sessions that nobody can use any more."""
    db.execute(delete(browser_sessions).where(browser_sessions.c.expires_at <= now))


def _account(row: Row[Any]) -> Account:
    return Account(
        username=row.username,
        role=Role(row.role),
        created_at=row.created_at,
        disabled_at=row.disabled_at,
        locked_until=row.locked_until,
        must_change_password=row.must_change_password,
    )
