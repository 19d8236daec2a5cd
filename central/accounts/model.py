"""Who may do what, what a password must be, how long a lock lasts. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from central.errors import BadInput, CentralError, Conflict, Forbidden, NotFound

USERNAME = re.compile(r"[a-z][a-z0-9._-]{1,31}")
MIN_PASSWORD = 12
MAX_PASSWORD = 128
FREE_FAILURES = 5
"""Failed attempts in a row before the account is locked for the first time."""
FIRST_LOCK = timedelta(minutes=1)
LONGEST_LOCK = timedelta(minutes=15)


class Role(StrEnum):
    """Closed list; nobody both manages accounts and reads findings, nobody both reviews and audits."""

    ADMINISTRATOR = "administrator"
    MONITOR = "monitor"
    AUDITOR = "auditor"
    EXAMINER = "examiner"
    """Reviews evidence legally or technically (审核人员); decides about no finding."""
    SOURCE = "source"
    """A program that sends data; nobody logs in with it, an administrator issues its token."""


class Right(StrEnum):
    """What an endpoint asks for."""

    SEE_OVERVIEW = "see_overview"
    MANAGE_ACCOUNTS = "manage_accounts"
    MANAGE_SITES = "manage_sites"
    ENROL = "enrol"
    SEE_PEOPLE = "see_people"
    KEEP_WATCH = "keep_watch"
    READ_FINDINGS = "read_findings"
    SEE_PICTURES = "see_pictures"
    REVIEW = "review"
    ASK_FILM = "ask_film"
    READ_AUDIT = "read_audit"
    EXPORT_EVIDENCE = "export_evidence"
    STAMP_EVIDENCE = "stamp_evidence"
    HOLD_EVIDENCE = "hold_evidence"
    SEE_IMPORTS = "see_imports"
    SEND_DATA = "send_data"
    SEE_RULES = "see_rules"
    SET_RULES = "set_rules"
    """Propose, approve what somebody else proposed, try out, make quiet, draw samples."""


RIGHTS: Mapping[Role, frozenset[Right]] = MappingProxyType(
    {
        Role.ADMINISTRATOR: frozenset(
            {
                Right.SEE_OVERVIEW,
                Right.MANAGE_ACCOUNTS,
                Right.MANAGE_SITES,
                Right.ENROL,
                Right.SEE_PEOPLE,
                Right.KEEP_WATCH,
                Right.SEE_IMPORTS,
            }
        ),
        Role.MONITOR: frozenset(
            {
                Right.SEE_OVERVIEW,
                Right.READ_FINDINGS,
                Right.SEE_PICTURES,
                Right.REVIEW,
                Right.ASK_FILM,
                Right.SEE_PEOPLE,
                Right.KEEP_WATCH,
                Right.EXPORT_EVIDENCE,
                Right.HOLD_EVIDENCE,
                Right.SEE_IMPORTS,
                Right.SEE_RULES,
                Right.SET_RULES,
            }
        ),
        Role.AUDITOR: frozenset(
            {
                Right.SEE_OVERVIEW,
                Right.READ_FINDINGS,
                Right.SEE_PICTURES,
                Right.READ_AUDIT,
                Right.SEE_PEOPLE,
                Right.EXPORT_EVIDENCE,
                Right.HOLD_EVIDENCE,
                Right.SEE_IMPORTS,
                Right.SEE_RULES,
            }
        ),
        Role.EXAMINER: frozenset({Right.SEE_OVERVIEW, Right.READ_FINDINGS, Right.SEE_PICTURES, Right.STAMP_EVIDENCE}),
        Role.SOURCE: frozenset({Right.SEND_DATA}),
    }
)


class LoginRefused(CentralError):
    """Wrong name, wrong password, locked or disabled: deliberately not told apart."""

    status = 401
    code = "login_refused"


class NotLoggedIn(CentralError):
    """No session, or one that has expired."""

    status = 401
    code = "not_logged_in"


class MustChangePassword(Forbidden):
    """The password was set by somebody else; nothing else is allowed before it is changed."""

    code = "must_change_password"


class FormExpired(Forbidden):
    """The form was not issued to this session."""

    code = "form_expired"


class Busy(CentralError):
    """Too many passwords are being checked at this moment."""

    status = 503
    code = "busy"


class BadUsername(BadInput):
    """Not a username."""

    code = "bad_username"


class WeakPassword(BadInput):
    """A password that is too short, too long or contains the username."""

    code = "weak_password"


class WrongPassword(BadInput):
    """The current password was not right."""

    code = "wrong_password"


class UsernameTaken(Conflict):
    """The username exists, perhaps disabled."""

    code = "username_taken"


class OwnAccount(Conflict):
    """Administrators do not disable or reset themselves: nobody could undo it."""

    code = "own_account"


class NoToken(Conflict):
    """Only an account for programs, which nobody logs in with, gets a token that lasts."""

    code = "no_token"


class NoSuchAccount(NotFound):
    """The account does not exist."""

    code = "no_such_account"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account as an administrator sees it; the password hash stays in the store."""

    username: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None
    locked_until: datetime | None
    must_change_password: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who a request comes from. `csrf_token` is what this session's forms must carry."""

    username: str
    role: Role
    csrf_token: str
    must_change_password: bool

    def may(self, right: Right) -> bool:
        """Whether the role includes the right."""
        return right in RIGHTS[self.role]


def locked_until(failures: int, now: datetime) -> datetime | None:
    """Until when an account is locked after so many failed attempts in a row; doubles each time up to LONGEST_LOCK."""
    if failures < FREE_FAILURES:
        return None
    doublings = min(failures - FREE_FAILURES, 10)
    return now + min(FIRST_LOCK * (1 << doublings), LONGEST_LOCK)


def require_username(username: str) -> None:
    """Raises BadUsername unless it is 2 to 32 of a-z, 0-9, dot, underscore, hyphen, beginning with a letter."""
    if not USERNAME.fullmatch(username):
        raise BadUsername(f"username {username[:40]!r}: 2 to 32 of a-z 0-9 . _ - beginning with a letter")


def require_password(username: str, password: str) -> None:
    """Raises WeakPassword, never repeating the password, unless it is long enough, not endless and does not contain the username."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise WeakPassword(f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters; this one has {len(password)}")
    if username in password.lower():
        raise WeakPassword("the password contains the username")
    if len(set(password)) < 5:
        raise WeakPassword("the password repeats fewer than five different characters")
