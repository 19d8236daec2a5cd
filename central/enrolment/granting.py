"""Answer a terminal's request: who is it, may it, are its keys its own; then register it and grant everything in one transaction."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import JsonValue
from sqlalchemy import Connection, RowMapping

from central.audit import service as audit
from central.certificates import issue_client
from central.devices import service as devices
from central.devices.model import NewDevice
from central.enrolment import service, store
from central.enrolment.model import EnrolmentRefused, TokenState, clock_fault, secret_purpose
from central.errors import Conflict
from central.keys import CentreKeys
from contract.enrolment import EnrolmentRequest, Granted, RequestEnvelope, open_request, write_answer
from contract.message import MalformedMessage
from contract.sealed import TrustedKey, Untrusted, from_text
from contract.weak_keys import WeakKey, require_strong


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """The public keys that a request shows, all three proven to be held by its sender or useless to him."""

    kid: str
    sign_public: bytes
    seal_public: bytes
    tls_public: ec.EllipticCurvePublicKey

    @property
    def tls_der(self) -> bytes:
        return self.tls_public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @property
    def sha256(self) -> str:
        """Names these three."""
        return sha256(self.sign_public + self.seal_public + self.tls_der).hexdigest()


def answer(db: Connection, keys: CentreKeys, envelope: RequestEnvelope, *, now: datetime, actor: str, carried: bool = False) -> bytes:
    """Grant a request and give the signed answer; the same keys get the same answer again, however often and late they ask.

    `carried` says that it came on a stick and may be as old as its way was long. Raises EnrolmentRefused: nothing was registered, and the
    message says what is wrong and the way out.
    """
    token = store.locked_token(db, envelope.token_id)
    if token is None:
        raise EnrolmentRefused("token_unknown", "this centre issued no such token: is it the token of another centre?")
    about = {"token_id": envelope.token_id, "device_id": token["device_id"]}
    request = _opened(keys, envelope, about)
    shown = _keys_of(envelope, request, about)
    if token["used_at"] is not None:
        return _again(db, token, shown, about)
    _require_usable(token, request, now, about)
    if fault := clock_fault(request.at - now, carried=carried, since_issue=request.at - token["issued_at"]):
        raise EnrolmentRefused("clock_wrong", f"{fault}. Nothing was registered", **about)
    return _granted(db, keys, request, shown, now=now, actor=actor, about=about)


def _opened(keys: CentreKeys, envelope: RequestEnvelope, about: dict[str, str]) -> EnrolmentRequest:
    try:
        return open_request(envelope, keys.signer.derive(secret_purpose(envelope.token_id)))
    except (Untrusted, MalformedMessage) as error:
        raise EnrolmentRefused("token_proof", f"{error}: copy the token again, as the centre printed it", **about) from None


def _keys_of(envelope: RequestEnvelope, request: EnrolmentRequest, about: dict[str, str]) -> _Shown:
    try:
        csr = x509.load_pem_x509_csr(request.csr.encode())
        public = csr.public_key()
        if not csr.is_signature_valid or not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
            raise ValueError("the certificate request is not signed with a P-256 key")
        sign_public, seal_public = from_text(envelope.sign_public), from_text(request.seal_public)
        require_strong(sign_public=sign_public, seal_public=seal_public, tls_public=public)
    except (WeakKey, ValueError) as error:
        raise EnrolmentRefused(
            "key_weak", f"{error}. Remove the folder that enrolment began, and run the same command again", **about
        ) from None
    return _Shown(kid=TrustedKey(sign_public).kid, sign_public=sign_public, seal_public=seal_public, tls_public=public)


def _again(db: Connection, token: RowMapping, shown: _Shown, about: dict[str, str]) -> bytes:
    """The answer that these keys got before."""
    if token["keys_sha256"] != shown.sha256:
        when = f"{token['used_at']:%Y-%m-%d %H:%M} UTC"
        raise EnrolmentRefused(
            "token_used",
            f"this token was used on {when} by other keys ({token['kid']}). If that was this terminal, ask for a new token (renew); "
            "if it was not, somebody else has the token: revoke the device at once",
            **about,
        )
    if all(key.revoked_at is not None for key in devices.key_history(db, token["device_id"]) if key.kid == shown.kid):
        raise EnrolmentRefused(
            "device_revoked", "the keys that this token brought were revoked since: ask the centre for a new token", **about
        )
    return bytes(token["answer"])


def _require_usable(token: RowMapping, request: EnrolmentRequest, now: datetime, about: dict[str, str]) -> None:
    state = service.token_state(token, now)
    if state is TokenState.WITHDRAWN:
        raise EnrolmentRefused("token_withdrawn", "a newer token was issued for this terminal, and only that one counts", **about)
    if state is TokenState.LATE:
        late = f"the token was good until {token['valid_until']:%Y-%m-%d %H:%M} UTC: ask the centre for a new one (renew)"
        raise EnrolmentRefused("token_late", late, **about)
    if request.device != token["device_id"]:
        raise EnrolmentRefused("other_device", f"the token is for {token['device_id']}, the request for {request.device}", **about)


def _granted(
    db: Connection, keys: CentreKeys, request: EnrolmentRequest, shown: _Shown, *, now: datetime, actor: str, about: dict[str, str]
) -> bytes:
    planned = service.planned_terminal(db, keys, request.device)
    authority = keys.authority()
    renews = bool(devices.key_history(db, request.device))
    try:
        devices.require_new_keys(db, sign_public=shown.sign_public, seal_public=shown.seal_public, tls_public=shown.tls_der)
        certificate = issue_client(authority, shown.tls_public, name=request.device, now=now)
        new = NewDevice(
            device_id=request.device,
            fixmedins_code=planned.fixmedins_code,
            windows=tuple(camera.window for camera in planned.cameras),
            kid=shown.kid,
            sign_public=shown.sign_public,
            seal_public=shown.seal_public,
            certificate=certificate.decode(),
        )
        (devices.replace_key if renews else devices.register_device)(db, new, now=now, actor=actor)
    except Conflict as error:
        raise EnrolmentRefused("key_known", f"{error}. Nothing was registered", **about) from None
    granted = Granted(
        settings=service.settings_of(db, keys, planned), certificate=certificate.decode(), authority=authority.certificate.decode()
    )
    written = write_answer(request, granted, keys.signer, device_kid=shown.kid, at=now)
    used = {"used_at": now, "kid": shown.kid, "keys_sha256": shown.sha256, "answer": written}
    store.use_token(db, request.token_id, used)
    detail: dict[str, JsonValue] = {"token": request.token_id, "kid": shown.kid, "renews": renews}
    audit.record(db, now=now, actor=actor, action="enrolment.accept", object=request.device, detail=detail)
    return written
