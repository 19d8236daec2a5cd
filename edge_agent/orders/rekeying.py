"""New keys while the program runs: make them, offer them in the chain, and change over when the centre has admitted them.

The order of writing is what makes it safe. New private halves are durable before they are offered; the whole set is durable in one file
before the first event is signed with it; the offer goes only then. Whatever ends in between, the next start finds one whole set, and tells
what it has not told: the centre keeps both keys until it hears the new one.
"""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import RLock

import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from contract.commands import Admission, Rekey
from contract.possession import prove
from contract.sealed import Signer, TrustedKey, raw_public
from edge_agent.chain.capture import Offer, Scribe
from edge_agent.chain.outbox import Outbox
from edge_agent.clock import Clock
from edge_agent.disk.disk import Disk
from edge_agent.disk.vault import OURS, Vault
from edge_agent.errors import BadKey, VaultFull
from edge_agent.health import machine
from edge_agent.keyring import KeyRing, KeySet, certificate_fault, private_keys, rotated, tls_files, written
from edge_agent.sections.core import Files

DRAFT = "keys-next.pem"
"""New private halves that the centre has not admitted yet."""
LOOK_EVERY_S = 3600.0

SCHEMA = """
CREATE TABLE IF NOT EXISTS rekeys (request TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS key_links (kid TEXT NOT NULL, what TEXT NOT NULL, PRIMARY KEY (kid, what));
"""
"""Orders that were obeyed, and which events about which key stand in the chain. Never emptied: both are few."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Private halves that are not in use yet."""

    sign: Ed25519PrivateKey
    seal: X25519PrivateKey
    tls: ec.EllipticCurvePrivateKey

    @property
    def kid(self) -> str:
        """The thumbprint of the signing key."""
        return TrustedKey(raw_public(self.sign.public_key())).kid

    def offer(self, device: str) -> Offer:
        """What is said of them."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, device)])
        csr = x509.CertificateSigningRequestBuilder().subject_name(name).sign(self.tls, hashes.SHA256()).public_bytes(Encoding.DER)
        seal = raw_public(self.seal.public_key())
        proof = prove(self.sign, device, seal_public=seal, csr=csr)
        return Offer(sign_public=raw_public(self.sign.public_key()), seal_public=seal, csr=csr, proof=proof)


class Rekeying:
    """The keys of one run of the program. Safe to use from several threads."""

    def __init__(  # noqa: PLR0913 - what a change of keys touches
        self,
        *,
        files: Files,
        device: str,
        ring: KeyRing,
        vault: Vault,
        outbox: Outbox,
        scribe: Scribe,
        clock: Clock,
        ask_days: int,
        disk: Disk = OURS,
    ) -> None:
        """`vault` is that of the outbox. Without an order the device offers new keys `ask_days` before its certificate ends; 0: never."""
        self._files, self._device, self._ring, self._disk = files, device, ring, disk
        self._vault, self._outbox, self._scribe, self._clock = vault, outbox, scribe, clock
        self._ask_days, self._looked_s = ask_days, clock.mono_s() - LOOK_EVERY_S
        self._lock = RLock()

    def take(self, command: Rekey | Admission) -> None:
        """Obey a verified command; one that is known, too late, or about other keys changes nothing.

        Raises VaultFull or OSError: the centre will say it again.
        """
        with self._lock:
            if isinstance(command, Admission):
                self._admitted(command)
            elif command.valid_until > self._clock.now() and not self._is_obeyed(command.request):
                self._offer(self._draft() or self._new_draft(), command.request)

    def turn(self) -> None:
        """Go on where something ended in between. To be called about once a second; never raises."""
        with self._lock:
            try:
                self._go_on()
            except (VaultFull, OSError, BadKey, ValueError) as error:
                log.warning("rekeying_waits", why=str(error))

    def _go_on(self) -> None:
        if self._ring.keys.earlier and not self._is_told(self._ring.kid, "in_use"):
            self._tell_use()
        draft = self._draft()
        if draft is not None and not self._is_told(draft.kid, "offered"):
            self._offer(draft, None)
        elif draft is None and self._is_due():
            self._offer(self._new_draft(), None)

    def _is_due(self) -> bool:
        """Whether the certificate ends soon; looked at once an hour."""
        if not self._ask_days or self._clock.mono_s() - self._looked_s < LOOK_EVERY_S:
            return False
        self._looked_s = self._clock.mono_s()
        return machine.certificate_ends(tls_files(self._files)[0]) - self._clock.now() <= timedelta(days=self._ask_days)

    def _offer(self, draft: Draft, request: str | None) -> None:
        """One event for each order; without one, one for each draft."""
        said = draft.offer(self._device)
        with self._vault.transaction() as db:
            if request is not None:
                db.execute("INSERT OR IGNORE INTO rekeys VALUES (?)", (request,))
            db.execute("INSERT OR IGNORE INTO key_links VALUES (?, 'offered')", (draft.kid,))
            self._outbox.append(lambda place: self._scribe.key_offer(said, request, place))
        log.info("keys_offered", kid=draft.kid, request=request)

    def _admitted(self, command: Admission) -> None:
        draft = self._draft()
        if draft is None or command.kid != draft.kid:
            return  # repeated, or about a draft that was lost
        if command.certificate is None:
            log.error("keys_not_admitted", kid=command.kid, why=command.why)
            self._drop_draft()
        elif fault := certificate_fault(command.certificate.encode(), draft.tls.public_key(), self._device, self._files):
            log.error("certificate_refused", kid=command.kid, why=fault)
        else:
            self._change_over(draft, command.certificate.encode())

    def _change_over(self, draft: Draft, certificate: bytes) -> None:
        """From the durable file on the new set is in force, whatever happens to the rest of it."""
        old = self._ring.keys
        earlier = (old.signer.public, *old.earlier)
        keys = KeySet(signer=Signer(draft.sign), seal_keys=(draft.seal, old.seal_keys[0]), earlier=earlier)
        content = written((draft.tls, draft.sign, *keys.seal_keys), certificate=certificate, earlier=earlier)
        with self._vault.transaction():  # nobody appends to the chain meanwhile, in this process or another
            self._disk.write_durably(rotated(self._files), content)
            self._ring.take(keys)
        self._tell_use()
        self._drop_draft()
        log.info("keys_changed", kid=keys.signer.kid)

    def _tell_use(self) -> None:
        before = TrustedKey(self._ring.keys.earlier[0]).kid
        with self._vault.transaction() as db:
            if db.execute("INSERT OR IGNORE INTO key_links VALUES (?, 'in_use')", (self._ring.kid,)).rowcount:
                self._outbox.append(lambda place: self._scribe.key_in_use(self._ring.kid, before, place))

    def _read_draft(self) -> Draft | None:
        path = self._files.data_dir / DRAFT
        if not self._disk.exists(path):
            return None
        try:
            match private_keys(self._disk.read_private(path)):
                case [ec.EllipticCurvePrivateKey() as tls, Ed25519PrivateKey() as sign, X25519PrivateKey() as seal]:
                    return Draft(sign=sign, seal=seal, tls=tls)
        except (ValueError, BadKey):  # also one that others may have read
            pass
        log.warning("draft_damaged", file=str(path))
        self._drop_draft()
        return None

    def _draft(self) -> Draft | None:
        """What waits for the centre. A draft that came into force before the program ended is none any more."""
        draft = self._read_draft()
        if draft is not None and draft.kid == self._ring.kid:
            self._drop_draft()
            return None
        return draft

    def _new_draft(self) -> Draft:
        draft = Draft(sign=Ed25519PrivateKey.generate(), seal=X25519PrivateKey.generate(), tls=ec.generate_private_key(ec.SECP256R1()))
        self._disk.write_durably(self._files.data_dir / DRAFT, written((draft.tls, draft.sign, draft.seal)))
        return draft

    def _drop_draft(self) -> None:
        path: Path = self._files.data_dir / DRAFT
        self._disk.remove(path)
        self._disk.sync(path.parent)

    def _is_obeyed(self, request: str) -> bool:
        with self._vault.transaction() as db:
            return db.execute("SELECT 1 FROM rekeys WHERE request = ?", (request,)).fetchone() is not None

    def _is_told(self, kid: str, what: str) -> bool:
        with self._vault.transaction() as db:
            return db.execute("SELECT 1 FROM key_links WHERE kid = ? AND what = ?", (kid, what)).fetchone() is not None
