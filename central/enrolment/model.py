"""Planned terminals, their tokens, and what the centre writes into a terminal's settings. Pure."""

import json
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from threading import Lock

from central.errors import CentralError
from central.sites.model import Site
from contract.enrolment import Token
from contract.events import CameraRole

TOKEN_LIFE = timedelta(days=7)
MAX_CLOCK_ERROR = timedelta(minutes=5)
"""A terminal whose clock is further off is told before anything is registered: its certificate and its times would be wrong."""
MAX_EXTRA = 20_000
MAX_HOST = 253


class EnrolmentRefused(CentralError):
    """A terminal's request was refused and nothing was registered. `reason` is a code of REASONS, `token_id` the token it came with."""

    status = 409
    code = "enrolment_refused"

    def __init__(self, reason: str, message: str, *, token_id: str = "", device_id: str = "") -> None:
        """`message` is for whoever stands before the terminal: what is wrong, and the way out."""
        super().__init__(message)
        self.reason, self.token_id, self.device_id = reason, token_id, device_id


REASONS = (
    *("token_unknown", "token_late", "token_used", "token_withdrawn", "token_proof"),
    *("other_device", "clock_wrong", "key_weak", "key_known", "device_revoked"),
)


class TooManyRequests(CentralError):
    """Somebody asks faster than any terminal does."""

    status = 429
    code = "too_many"


class TokenState(StrEnum):
    """Read from the times of a token, never stored."""

    OPEN = "open"
    USED = "used"
    LATE = "late"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCamera:
    """One camera of a planned terminal; `source` is its address with its password."""

    window: str
    source: str
    role: CameraRole = CameraRole.WINDOW
    camera_model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTerminal:
    """What a terminal shall be told when it enrols. `extra` is TOML put at the end of its settings."""

    device_id: str
    fixmedins_code: str
    cameras: tuple[PlannedCamera, ...]
    broker_host: str
    broker_port: int
    till_port: int = 8787
    extra: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraRow:
    """A camera as it may be shown: no password."""

    window: str
    role: str
    camera_model: str
    shown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRow:
    """A token as it may be shown: no secret."""

    token_id: str
    device_id: str
    issued_at: datetime
    issued_by: str
    valid_until: datetime
    state: TokenState
    used_at: datetime | None
    kid: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalState:
    """A planned terminal in a list of many; `enrolled` says that it has a key that is believed."""

    device_id: str
    enrolled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalRow:
    """A planned terminal with its cameras and tokens, newest token first; `enrolled` says that it has a key that is believed."""

    device_id: str
    cameras: tuple[CameraRow, ...]
    tokens: tuple[TokenRow, ...]
    enrolled: bool


def state_of(*, used: bool, withdrawn: bool, valid_until: datetime, now: datetime) -> TokenState:
    """How a token stands."""
    if used:
        return TokenState.USED
    if withdrawn:
        return TokenState.WITHDRAWN
    return TokenState.LATE if now > valid_until else TokenState.OPEN


def secret_purpose(token_id: str) -> str:
    """For what the centre derives a token's secret from its signing key, so that no database holds one."""
    return f"enrolment-token/1 {token_id}"


def clock_fault(offset: timedelta, *, carried: bool, since_issue: timedelta) -> str | None:
    """What is wrong with a terminal's clock, or None. `offset` is its clock minus ours.

    A request that was carried is as old as the way was long: it may lie behind, but not before the token, and never ahead.
    """
    wrong = offset > MAX_CLOCK_ERROR or since_issue < -MAX_CLOCK_ERROR or (not carried and offset < -MAX_CLOCK_ERROR)
    if not wrong:
        return None
    amount = timedelta(seconds=round(abs(offset.total_seconds())))
    way_out = "set it (timedatectl set-ntp true, or timedatectl set-time) and run the same command again"
    return f"the terminal's clock is {amount} {'ahead of' if offset > timedelta(0) else 'behind'} the centre's: {way_out}"


def settings_toml(site: Site, terminal: PlannedTerminal, *, sign_key: str, seal_key: str, log_key: str) -> str:
    """The terminal's settings but for the places of its files; every text is quoted as JSON, which TOML's basic strings read the same."""
    windows = "\n".join(_window(camera) for camera in terminal.cameras)
    return f"""device_id = {_quoted(terminal.device_id)}
fixmedins_code = {_quoted(site.fixmedins_code)}
evidence_mode = {_quoted(site.evidence_mode.value)}
legal_basis = {_quoted(site.legal_basis or "")}

[broker]
host = {_quoted(terminal.broker_host)}
port = {terminal.broker_port}

[centre]
sign_keys = [{_quoted(sign_key)}]
seal_key = {_quoted(seal_key)}
log_key = {_quoted(log_key)}

[till]
port = {terminal.till_port}

{windows}{terminal.extra}"""


def _window(camera: PlannedCamera) -> str:
    lines = [f"window = {_quoted(camera.window)}", f"role = {_quoted(camera.role.value)}", f"source = {_quoted(camera.source)}"]
    if camera.camera_model:
        lines.append(f"camera_model = {_quoted(camera.camera_model)}")
    return "[[windows]]\n" + "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def token_line(token: Token) -> str:
    """What a person needs to know of a token besides its text."""
    where = ", ".join(token.addresses) or "no address: carried on a stick"
    return f"{token.device} of {token.fixmedins_code}, until {token.valid_until:%Y-%m-%d %H:%M} UTC, once; {where}"


@dataclass(slots=True)
class Gate:
    """Lets so many requests through in a minute, from one address and in all. Holds no more addresses than it lets requests through.

    Safe to use from several threads.
    """

    each: int = 60
    total: int = 1200
    _times: deque[tuple[float, str]] = field(default_factory=deque)
    _lock: Lock = field(default_factory=Lock)

    def admit(self, address: str, now_s: float) -> None:
        """Count a request. Raises TooManyRequests."""
        with self._lock:
            while self._times and self._times[0][0] <= now_s - 60:
                self._times.popleft()
            if len(self._times) >= self.total or sum(who == address for _, who in self._times) >= self.each:
                raise TooManyRequests("more enrolment requests than terminals can have: wait a minute, then run the same command again")
            self._times.append((now_s, address))
