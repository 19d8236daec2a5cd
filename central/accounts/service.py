"""Use cases of accounts. Passwords are hashed and checked by the caller outside transactions: it takes 0.1 s, and a writing
transaction on SQLite would hold up the ingest for that long. Only the first start hashes inside one."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection

from central.accounts import store
from central.accounts.model import (
    Account,
    LoginRefused,
    NoSuchAccount,
    NoToken,
    OwnAccount,
    Role,
    UsernameTaken,
    Viewer,
    locked_until,
    require_username,
)
from central.accounts.passwords import DECOY, Hashing, random_password
from central.audit import service as audit

FIRST_ADMINISTRATOR = "admin"
SYSTEM = "system"
"""The actor of what the centre does by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A login that has been counted (`counted`) and now waits for its password to be checked; one not counted can only fail."""

    username: str
    password_hash: str = field(repr=False)
    counted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    """A session just made; the only moment at which its token is known here."""

    token: str = field(repr=False)
    username: str
    role: Role
    expires_at: datetime


def ensure_administrator(db: Connection, now: datetime) -> str | None:
    """Make the first administrator if there is no account yet, and return its random password, which is kept nowhere; else None."""
    if store.any_account(db):
        return None
    password = random_password()
    add(
        db,
        username=FIRST_ADMINISTRATOR,
        role=Role.ADMINISTRATOR,
        password_hash=Hashing().hash(password),
        must_change_password=False,
        actor=SYSTEM,
        now=now,
    )
    return password


def begin_attempt(db: Connection, *, username: str, now: datetime) -> Attempt:
    """Count a login as failed before its password is checked, so that attempts made at the same time cannot pass the lock.

    An unknown, locked or disabled account gives an attempt that can only fail but costs the same check.
    """
    known = store.credentials(db, username)
    if known is None:
        return Attempt(username=username, password_hash=DECOY, counted=False)
    if known.disabled_at is not None or (known.locked_until is not None and known.locked_until > now):
        return Attempt(username=username, password_hash=known.password_hash, counted=False)
    failures = known.failures + 1
    store.set_failures(db, username, failures, locked_until(failures, now))
    return Attempt(username=username, password_hash=known.password_hash, counted=True)


def refuse(db: Connection, *, attempt: Attempt, now: datetime) -> None:
    """Record that a counted attempt had the wrong password. Names that do not exist are not recorded: people type passwords there."""
    if attempt.counted:
        audit.record(db, now=now, actor=attempt.username, action="session.refuse", object=attempt.username)


def enter(db: Connection, *, attempt: Attempt, now: datetime, lifetime: timedelta) -> NewSession:
    """Open a session for an attempt whose password was right; forgets its failures. Raises LoginRefused if it may not enter."""
    account = store.find(db, attempt.username)
    if not attempt.counted or account is None or account.disabled_at is not None:
        raise LoginRefused("wrong username or password, or the account is locked or disabled")
    token, expires_at = secrets.token_urlsafe(32), now + lifetime
    store.set_failures(db, account.username, 0, None)
    store.remove_expired_sessions(db, now)
    store.add_session(
        db,
        token_sha256=_digest(token),
        username=account.username,
        csrf_token=secrets.token_urlsafe(32),
        created_at=now,
        expires_at=expires_at,
    )
    audit.record(db, now=now, actor=account.username, action="session.begin", object=account.username)
    return NewSession(token=token, username=account.username, role=account.role, expires_at=expires_at)


def viewer_of(db: Connection, *, token: str, now: datetime) -> Viewer | None:
    """Who holds this token; None if it is unknown or expired or its account is disabled."""
    return store.viewer(db, _digest(token), now)


def log_out(db: Connection, *, token: str, now: datetime) -> None:
    """End the session; an unknown one is no error."""
    username = store.session_user(db, _digest(token))
    if username is not None:
        store.remove_session(db, _digest(token))
        audit.record(db, now=now, actor=username, action="session.end", object=username)


def add(db: Connection, *, username: str, role: Role, password_hash: str, must_change_password: bool, actor: str, now: datetime) -> None:
    """Add an account. Raises BadUsername or UsernameTaken."""
    require_username(username)
    if store.find(db, username) is not None:
        raise UsernameTaken(f"account {username!r} exists already; a disabled one can be enabled again")
    store.add(db, username=username, role=role, password_hash=password_hash, must_change_password=must_change_password, created_at=now)
    audit.record(db, now=now, actor=actor, action="account.add", object=username, detail={"role": role.value})


def issue_token(db: Connection, *, username: str, lifetime: timedelta, actor: str, now: datetime) -> NewSession:
    """A token for a program that sends data; tokens issued before stay good until they run out. Disabling the account ends all of them.

    Raises NoSuchAccount, or NoToken for an account of a person.
    """
    account = store.find(db, username)
    if account is None:
        raise NoSuchAccount(f"account {username[:40]!r} does not exist")
    if account.role is not Role.SOURCE or account.disabled_at is not None:
        raise NoToken(
            f"{username!r} is {account.role}{', disabled' if account.disabled_at else ''}; a token needs an account with the role source"
        )
    token, expires_at = secrets.token_urlsafe(32), now + lifetime
    said = {"csrf_token": secrets.token_urlsafe(32), "created_at": now, "expires_at": expires_at}
    store.add_session(db, token_sha256=_digest(token), username=username, **said)  # type: ignore[arg-type]
    audit.record(db, now=now, actor=actor, action="account.token", object=username, detail={"valid_until": expires_at.isoformat()})
    return NewSession(token=token, username=username, role=account.role, expires_at=expires_at)


def disable(db: Connection, *, username: str, actor: str, now: datetime) -> None:
    """Refuse further logins and end every session. Raises NoSuchAccount, or OwnAccount for one's own."""
    _require_other(db, username, actor)
    store.set_disabled(db, username, now)
    store.remove_sessions_of(db, username)
    audit.record(db, now=now, actor=actor, action="account.disable", object=username)


def enable(db: Connection, *, username: str, actor: str, now: datetime) -> None:
    """Allow logins again with the old password. Raises NoSuchAccount, or OwnAccount for one's own."""
    _require_other(db, username, actor)
    store.set_disabled(db, username, None)
    audit.record(db, now=now, actor=actor, action="account.enable", object=username)


def reset_password(db: Connection, *, username: str, password_hash: str, actor: str, now: datetime) -> None:
    """Give another's account a new password that must be changed at the next login; lifts a lock, ends every session.

    Raises NoSuchAccount, or OwnAccount for one's own.
    """
    _require_other(db, username, actor)
    store.set_password(db, username, password_hash, must_change_password=True)
    store.remove_sessions_of(db, username)
    audit.record(db, now=now, actor=actor, action="account.reset_password", object=username)


def change_password(db: Connection, *, username: str, password_hash: str, token: str, now: datetime) -> None:
    """Replace one's own password, whose old one the caller has checked; ends every session but the one of `token`."""
    store.set_password(db, username, password_hash, must_change_password=False)
    store.remove_sessions_of(db, username, except_token_sha256=_digest(token))
    audit.record(db, now=now, actor=username, action="account.change_password", object=username)


def every(db: Connection) -> tuple[Account, ...]:
    """All accounts by name."""
    return store.every(db)


def _require_other(db: Connection, username: str, actor: str) -> None:
    if username == actor:
        raise OwnAccount(f"{actor!r} cannot do this to the own account; another administrator can")
    if store.find(db, username) is None:
        raise NoSuchAccount(f"account {username[:40]!r} does not exist")


def _digest(token: str) -> str:
    return sha256(token.encode(errors="surrogatepass")).hexdigest()
