"""A log made by the centre's own parts: signed events taken in, findings of rules, looks and decisions in the audit log, co-signed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from central import migrate
from central.audit import service as audit
from central.captures.intake import Intake
from central.captures.model import Incoming
from central.cases import service as cases
from central.devices import service as devices
from central.devices.model import NewDevice
from central.keys import CentreKeys, make_keys
from central.rules.base import Severity, Suspicion
from central.rules.engine import RuleResults
from central.settings import Settings
from central.sites import service as sites
from central.sites.model import NewSite
from central.transparency import export
from central.transparency import service as transparency
from central.wiring import Centre, open_centre
from contract.checkpoints import WITNESS, VerifierKey, cosign, read
from contract.events import GENESIS, Binding, EvidenceMode
from contract.sealed import Signer, digest, raw_public
from contract.topics import Up, up

SITE, DEVICE, EPOCH = "P99999900001", "P99999900001-t1", 1_790_000_000
BEGUN = datetime(2026, 11, 22, 1, tzinfo=UTC)
WITNESSES = ("witness-one.example", "witness-two.example")


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An export with its secrets. `older` are notes of earlier checkpoints, `known` the newest one."""

    export: Path
    keys: CentreKeys
    witnesses: dict[str, Ed25519PrivateKey]
    older: tuple[str, ...]
    known: str

    def witness_key(self, name: str) -> Ed25519PrivateKey:
        """The private key of a witness."""
        return self.witnesses[name]


def make_log(folder: Path, events: int, seed: int) -> Made:
    """A centre in `folder` whose log holds so many events, a fifth as many findings, and the audit entries of all this."""
    random, centre = Random(seed), new_centre(folder / "centre")  # noqa: S311 - to repeat a run
    private = {name: Ed25519PrivateKey.generate() for name in WITNESSES}
    notes = []
    for first in range(0, events, 50):
        _fill(centre, random, first, min(50, events - first))
        with centre.engine.begin() as db:
            transparency.integrate(db, centre.keys, centre.now())
            notes.append(transparency.checkpoint(db))
    keys = [VerifierKey(name=name, kind=WITNESS, public=raw_public(key.public_key())) for name, key in private.items()]
    with centre.engine.begin() as db:
        head = read(notes[-1])[0]
        for key in keys:
            line = cosign(head, key.name, private[key.name], int(centre.now().timestamp()))
            transparency.keep_cosignature(db, head, line, key, now=centre.now())
        signed = transparency.newest(db)
        assert signed is not None  # noqa: S101 - it was just made
        path = folder / "log.zip"
        export.write(db, signed, centre.keys, keys, path, audit=audit.logged(db, head.size))
    return Made(export=path, keys=centre.keys, witnesses=private, older=tuple(notes[:-1]), known=notes[-1])


def new_centre(folder: Path, database_url: str = "") -> Centre:
    """Keys, an empty database at the newest schema, one site; SQLite in the folder unless another database is named."""
    settings = Settings(data_dir=folder, database_url=database_url)
    make_keys(settings.keys_dir, broker_hosts=("127.0.0.1",), now=BEGUN)
    centre = open_centre(settings, now=lambda: BEGUN)
    migrate.upgrade(centre.engine)
    with centre.engine.begin() as db:
        mode = EvidenceMode.VERDICT_ONLY
        new = NewSite(fixmedins_code=SITE, fixmedins_name="示例大药房", admdvs="999999", evidence_mode=mode, legal_basis="")
        sites.register_site(db, new, now=BEGUN, actor="set-up")
    return centre


def _fill(centre: Centre, random: Random, first: int, count: int) -> None:
    """Events of a device of their own, findings about some, and somebody who looks at one."""
    with centre.engine.begin() as db:
        signer, device = Signer(Ed25519PrivateKey.generate()), f"{DEVICE}{first:04}"
        seal = raw_public(X25519PrivateKey.generate().public_key())
        public = {"kid": signer.kid, "sign_public": signer.public, "seal_public": seal}
        devices.register_device(db, terminal(device, **public), now=BEGUN, actor="set-up")
        intake = Intake(keys=centre.keys, files=centre.pictures, faces=centre.settings.faces, now=centre.now)
        intake.take(db, list(signed_events(signer, device, count)))
        suspicions = tuple(_suspicion(f"S{first + number}") for number in range(0, count, 5))
        cases.record(db, RuleResults(suspicions=suspicions, ran=frozenset({f"R-{first}"}), faults=()), run_id=1, now=BEGUN)
        for number in range(0, count, 5):
            looked = {"capture_id": f"{device}:{EPOCH}:{number + 1}", "reason": random.choice(("复核 finding", "抽查"))}
            audit.record(db, now=BEGUN + timedelta(seconds=number), actor="li.na", action="picture.view", object=f"m{first}", detail=looked)


def terminal(device: str, **public: Any) -> NewDevice:
    """A terminal of the site, by its public keys."""
    return NewDevice(device_id=device, fixmedins_code=SITE, windows=("W1",), **public)


def signed_events(signer: Signer, device: str, count: int) -> Iterator[Incoming]:
    """So many bindings in an unbroken chain, as the broker delivers them."""
    prev = GENESIS
    for seq in range(1, count + 1):
        at = BEGUN + timedelta(seconds=seq)
        place: dict[str, Any] = {
            "device": device,
            "epoch": EPOCH,
            "seq": seq,
            "prev": prev,
            "at": at,
            "mono_ns": seq,
            "clock_offset_ms": 0.0,
        }
        names = {"msgid": f"M{seq}", "setl_id": f"S{seq}", "mdtrt_id": f"V{seq}", "auth_no": None, "out_biz_no": None}
        event = Binding(**place, **names, setl_time=at, medfee_sumamt="38.50")
        signed = signer.sign(event)
        prev = digest(signed)
        yield Incoming(topic=up(Up.EVENT, device), payload=signed)


def _suspicion(settlement: str) -> Suspicion:
    return Suspicion(
        rule_id="ID-01",
        rule_version=1,
        subject_key=settlement,
        fixmedins_code=SITE,
        psn_no="PSN-1",
        rule_name="疑似冒名就医",
        vola_cont="示例",
        vola_cont_en="Example",
        vola_amt=Decimal("38.50"),
        sev_deg=Severity.HIGH,
        vola_evid={"setl_ids": [settlement], "capture_ids": [], "psn_nos": ["PSN-1"], "seen": {}},
        vola_bhvr_type="冒名就医",
        legal_basis="示例",
        limits={"same": 0.65},
        occurred_at=BEGUN,
    )
