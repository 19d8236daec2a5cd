"""The steps of a login and of a change of password: count, check outside any transaction, record."""

from datetime import timedelta

from fastapi import Request

from central.accounts import service
from central.accounts.model import LoginRefused, Viewer, WrongPassword, require_password
from central.accounts.passwords import Hashing
from central.accounts.service import NewSession
from central.wiring import Centre


def hashing_of(request: Request) -> Hashing:
    """The bounded hashing of this application."""
    hashing: Hashing = request.app.state.hashing
    return hashing


def log_in(centre: Centre, hashing: Hashing, *, username: str, password: str) -> NewSession:
    """Open a session. Raises LoginRefused without saying which part was wrong, or Busy."""
    with centre.engine.begin() as db:
        attempt = service.begin_attempt(db, username=username.strip().lower(), now=centre.now())
    fits = hashing.fits(attempt.password_hash, password)
    with centre.engine.begin() as db:
        if fits and attempt.counted:
            return service.enter(db, attempt=attempt, now=centre.now(), lifetime=timedelta(hours=centre.settings.web.session_hours))
        service.refuse(db, attempt=attempt, now=centre.now())
    raise LoginRefused("wrong username or password, or the account is locked or disabled")


def change_password(centre: Centre, hashing: Hashing, *, viewer: Viewer, token: str, current: str, new: str) -> None:
    """Replace one's own password; a wrong current one counts like a failed login. Raises WrongPassword, WeakPassword or Busy."""
    require_password(viewer.username, new)
    with centre.engine.begin() as db:
        attempt = service.begin_attempt(db, username=viewer.username, now=centre.now())
    if not (attempt.counted and hashing.fits(attempt.password_hash, current)):
        with centre.engine.begin() as db:
            service.refuse(db, attempt=attempt, now=centre.now())
        raise WrongPassword("the current password is not right, or the account is locked for a while")
    password_hash = hashing.hash(new)
    with centre.engine.begin() as db:
        service.change_password(db, username=viewer.username, password_hash=password_hash, token=token, now=centre.now())
