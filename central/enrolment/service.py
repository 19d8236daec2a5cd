"""Plan terminals, issue tokens, answer requests. A request is granted or refused as a whole, in one transaction of the caller."""

import secrets
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import JsonValue, TypeAdapter, ValidationError
from sqlalchemy import Connection, RowMapping

from central.audit import service as audit
from central.certificates import CENTRE_NAME
from central.devices import service as devices
from central.enrolment import store
from central.enrolment.model import (
    MAX_EXTRA,
    MAX_HOST,
    TOKEN_LIFE,
    CameraRow,
    EnrolmentRefused,
    PlannedCamera,
    PlannedTerminal,
    TerminalRow,
    TerminalState,
    TokenRow,
    TokenState,
    secret_purpose,
    settings_toml,
    state_of,
)
from central.errors import BadInput, Conflict, NotFound
from central.keys import CentreKeys
from central.sites import service as sites
from contract.camera_address import fault, shown
from contract.enrolment import Token
from contract.events import CameraRole
from contract.ids import DeviceId, WindowId
from contract.message import first_fault
from contract.sealed import seal, to_text, unseal

_device, _window = TypeAdapter(DeviceId), TypeAdapter(WindowId)


def plan(db: Connection, keys: CentreKeys, planned: PlannedTerminal, *, now: datetime, actor: str) -> bool:
    """Say what a terminal shall be told when it enrols; a terminal that is enrolled hears of it at its next enrolment only.

    Planning the same again changes nothing; whether anything changed. Raises NotFound for an unknown site, Conflict for a terminal of
    another site, and BadInput.
    """
    _require_sound(planned)
    sites.require_site(db, planned.fixmedins_code)
    known = store.terminal(db, planned.device_id)
    if known is not None and known["fixmedins_code"] != planned.fixmedins_code:
        raise Conflict(f"terminal {planned.device_id} is planned for site {known['fixmedins_code']}: choose another name")
    if known is not None and _planned(db, keys, known) == planned:
        return False
    row = {name: getattr(planned, name) for name in ("device_id", "fixmedins_code", "broker_host", "broker_port", "till_port", "extra")}
    store.put_terminal(db, row | {"planned_at": now}, [_camera_row(keys, planned.device_id, *each) for each in enumerate(planned.cameras)])
    windows = ", ".join(camera.window for camera in planned.cameras)
    detail = {"site": planned.fixmedins_code, "windows": windows}
    audit.record(db, now=now, actor=actor, action="enrolment.plan", object=planned.device_id, detail=detail)
    return True


def issue(
    db: Connection,
    keys: CentreKeys,
    device_id: str,
    *,
    addresses: Sequence[str],
    now: datetime,
    actor: str,
    renew: bool = False,
    life: timedelta = TOKEN_LIFE,
) -> Token:
    """A new one-time token for a planned terminal; an older one that was not used counts no more.

    With `renew` it is for a terminal that is enrolled and lost its key: the old key is revoked when the new one is accepted. Raises
    NotFound, Conflict for a terminal that is enrolled and not to be renewed, or was revoked, and BadInput for an address that is none.
    """
    planned = _required(db, device_id)
    enrolled = _enrolled(db, device_id)
    if enrolled and not renew:
        raise Conflict(f"terminal {device_id} is enrolled already: `renew` gives a new token and revokes its old key when that is used")
    if not enrolled and devices.key_history(db, device_id):
        raise Conflict(f"terminal {device_id} was revoked: its name is never given again, register it under a new one")
    token = _new_token(keys, planned, tuple(addresses), now, life)
    store.withdraw_open(db, device_id, now=now)
    names = {"token_id": token.token_id, "device_id": device_id, "issued_by": actor, "addresses": list(token.addresses)}
    store.add_token(db, names | {"issued_at": token.issued_at, "valid_until": token.valid_until})
    detail: dict[str, JsonValue] = {"token": token.token_id, "valid_until": token.valid_until.isoformat(), "renews": enrolled}
    audit.record(db, now=now, actor=actor, action="enrolment.token", object=device_id, detail=detail)
    return token


def open_token(db: Connection, keys: CentreKeys, device_id: str, now: datetime) -> Token | None:
    """The token of a terminal that can be used now, with its secret made again; None if there is none."""
    for row in store.tokens_of(db, device_id):
        if token_state(row, now) is TokenState.OPEN:
            return _token(keys, _required(db, device_id), row)
    return None


def is_enrolled(db: Connection, device_id: str) -> bool:
    """Whether a terminal has a key that is believed now."""
    return _enrolled(db, device_id)


def terminals(db: Connection, fixmedins_code: str, now: datetime) -> tuple[TerminalRow, ...]:
    """The planned terminals of a site with cameras and tokens; nothing of it is secret."""
    return tuple(
        TerminalRow(
            device_id=device_id,
            cameras=tuple(
                CameraRow(**{name: row[name] for name in CameraRow.__dataclass_fields__}) for row in store.cameras_of(db, device_id)
            ),
            tokens=tuple(_token_row(row, now) for row in store.tokens_of(db, device_id)),
            enrolled=_enrolled(db, device_id),
        )
        for device_id in store.terminals_of(db, fixmedins_code)
    )


def states_by_site(db: Connection) -> dict[str, list[TerminalState]]:
    """Every planned terminal by the code of its site, however many there are."""
    enrolled, found = frozenset(devices.device_ids(db)), defaultdict[str, list[TerminalState]](list)
    for row in store.every_terminal(db):
        found[row["fixmedins_code"]].append(TerminalState(device_id=row["device_id"], enrolled=row["device_id"] in enrolled))
    return found


def planned_terminal(db: Connection, keys: CentreKeys, device_id: str) -> PlannedTerminal:
    """A planned terminal with the addresses of its cameras, passwords included. Raises NotFound."""
    return _planned(db, keys, _required(db, device_id))


def settings_of(db: Connection, keys: CentreKeys, planned: PlannedTerminal) -> str:
    """The settings that this terminal would be given now, passwords included."""
    site = sites.site(db, planned.fixmedins_code)
    public = {"sign_key": to_text(keys.signer.public), "seal_key": to_text(keys.seal_public), "log_key": keys.log_vkey}
    return settings_toml(site, planned, **public)


def note_refusal(db: Connection, refused: EnrolmentRefused, *, now: datetime, actor: str) -> None:
    """Write down that a request was refused; in a transaction of its own, for that of the request is undone."""
    if refused.device_id:
        detail = {"reason": refused.reason, "token": refused.token_id}
        audit.record(db, now=now, actor=actor, action="enrolment.refuse", object=refused.device_id, detail=detail)


def token_state(row: RowMapping, now: datetime) -> TokenState:
    """How the token of this row stands."""
    return state_of(used=row["used_at"] is not None, withdrawn=row["withdrawn_at"] is not None, valid_until=row["valid_until"], now=now)


def _require_sound(planned: PlannedTerminal) -> None:
    """What the tables and the broker need; that the agent takes the settings is tried by whoever may import it."""
    _is(_device, planned.device_id, "name of a terminal: 3 to 48 letters, digits and hyphens")
    if planned.device_id.lower().startswith(CENTRE_NAME):
        raise BadInput(f"terminal {planned.device_id}: names that begin with {CENTRE_NAME!r} are the centre's own at the broker")
    windows = [camera.window for camera in planned.cameras]
    for camera in planned.cameras:
        _is(_window, camera.window, "name of a window: 1 to 16 letters, digits and hyphens")
        if not 0 < len(camera.source) <= 500 or len(camera.camera_model) > 80:
            raise BadInput(f"window {camera.window}: a camera's address has 1 to 500 characters, its model 80 at most")
        if wrong := fault(camera.source):
            raise BadInput(f"window {camera.window}: {wrong}")
        if _has_control_signs(camera.source + camera.camera_model):
            raise BadInput(f"window {camera.window}: a camera's address and model hold no control characters")
    if not windows or len(set(windows)) != len(windows):
        raise BadInput(f"terminal {planned.device_id}: needs at least one window, each with a name of its own, not {', '.join(windows)!r}")
    if not 0 < len(planned.broker_host) <= MAX_HOST or _has_control_signs(planned.broker_host):
        raise BadInput(f"terminal {planned.device_id}: {planned.broker_host[:60]!r} is no name of a broker: 1 to {MAX_HOST} characters")
    if not 1 <= planned.broker_port <= 65535 or not 0 <= planned.till_port <= 65535:
        raise BadInput(f"terminal {planned.device_id}: broker {planned.broker_port}, till {planned.till_port}: no such ports")
    if len(planned.extra) > MAX_EXTRA:
        raise BadInput(f"terminal {planned.device_id}: more than {MAX_EXTRA} characters of further settings")


def _has_control_signs(text: str) -> bool:
    """Whether databases and terminals could choke on it."""
    return any(unicodedata.category(sign)[0] == "C" for sign in text)


def _is(kind: TypeAdapter[str], value: str, what: str) -> None:
    try:
        kind.validate_python(value)
    except ValidationError:
        raise BadInput(f"{value[:60]!r} is no {what}") from None


def _new_token(keys: CentreKeys, planned: RowMapping, addresses: tuple[str, ...], now: datetime, life: timedelta) -> Token:
    row = {"token_id": to_text(secrets.token_bytes(16)), "addresses": addresses, "issued_at": now, "valid_until": now + life}
    try:
        return _token(keys, planned, row)
    except ValidationError as error:
        raise BadInput(f"token for {planned['device_id']}: {first_fault('token', error)}; an address is http://HOST:PORT") from None


def _token(keys: CentreKeys, planned: RowMapping, row: RowMapping | dict[str, Any]) -> Token:
    return Token(
        token_id=row["token_id"],
        secret=keys.signer.derive(secret_purpose(row["token_id"])),
        centre_kid=keys.signer.kid,
        device=planned["device_id"],
        fixmedins_code=planned["fixmedins_code"],
        addresses=tuple(row["addresses"]),
        issued_at=row["issued_at"],
        valid_until=row["valid_until"],
    )


def _required(db: Connection, device_id: str) -> RowMapping:
    known = store.terminal(db, device_id)
    if known is None:
        raise NotFound(f"terminal {device_id[:60]} is not planned: register its site with it first")
    return known


def _enrolled(db: Connection, device_id: str) -> bool:
    return any(key.revoked_at is None for key in devices.key_history(db, device_id))


def _planned(db: Connection, keys: CentreKeys, row: RowMapping) -> PlannedTerminal:
    cameras = tuple(
        PlannedCamera(
            window=each["window"],
            source=unseal(each["sealed_source"], keys.seal_private, _source_purpose(row["device_id"])).decode(),
            role=CameraRole(each["role"]),
            camera_model=each["camera_model"],
        )
        for each in store.cameras_of(db, row["device_id"])
    )
    names = ("device_id", "fixmedins_code", "broker_host", "broker_port", "till_port", "extra")
    return PlannedTerminal(**{name: row[name] for name in names}, cameras=cameras)


def _camera_row(keys: CentreKeys, device_id: str, place: int, camera: PlannedCamera) -> dict[str, Any]:
    return {
        "device_id": device_id,
        "window": camera.window,
        "place": place,
        "role": camera.role.value,
        "camera_model": camera.camera_model,
        "shown": shown(camera.source)[:300],
        "sealed_source": seal(camera.source.encode(), keys.seal_public, _source_purpose(device_id)),
    }


def _source_purpose(device_id: str) -> str:
    return f"camera-source/1 {device_id}"


def _token_row(row: RowMapping, now: datetime) -> TokenRow:
    said = {name: row[name] for name in TokenRow.__dataclass_fields__ if name != "state"}
    return TokenRow(**said, state=token_state(row, now))
