"""A terminal changes its keys at work: what it says, what it believes, and that power that goes at any step leaves one whole set."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from typer.testing import CliRunner

from central.certificates import Pair, issue_client, make_authority, new_key, reissue
from central.devices.offers import read_offer
from contract.commands import Admission, GalleryPage, Rekey
from contract.events import AnyEvent, EventBase, EvidenceMode, KeyInUse, KeyOffer, Loss, Software, parse_event
from contract.sealed import TrustedKey, raw_public, verify
from edge_agent.__main__ import app
from edge_agent.chain import outbox
from edge_agent.chain.capture import Scribe
from edge_agent.chain.losses import Losses
from edge_agent.clock import Offset
from edge_agent.disk.stores import NAME, Opened, open_outbox
from edge_agent.disk.vault import OURS, DatabaseError, Store, Vault, vault_key
from edge_agent.errors import BadKey, VaultFull
from edge_agent.judging import gallery
from edge_agent.keyring import ROTATED, KeyRing, load_keys, parse, rotated, tls_files
from edge_agent.link.connection import new_tls
from edge_agent.orders.rekeying import DRAFT, SCHEMA, Rekeying
from edge_agent.settings import load
from scripts.power.disk import StrictDisk
from scripts.power.store import StrictStore
from tests.edge_agent.building import DEVICE, SITE, Terminal, make_terminal
from tests.fakes import HandClock

REQUEST, OTHER = "1" * 32, "2" * 32
STEPS = 200


class Device:
    """One terminal as far as its keys go, with its real files and stores. `boot` starts its program, as after a crash."""

    def __init__(self, terminal: Terminal, disk: Store = OURS, ask_days: int = 0) -> None:
        self.terminal, self.disk, self.clock, self.ask_days = terminal, disk, HandClock(), ask_days
        self.settings = load(terminal.settings_file)
        self.centre = Centre(terminal)
        self.boot()

    @property
    def data(self) -> Path:
        return self.settings.files.data_dir

    def boot(self) -> None:
        self.ring = KeyRing(load_keys(self.settings.files, self.disk.read_private))
        losses = Losses(signer=self.ring, device=DEVICE, clock=self.clock, find_own=self.ring.find)
        self.opened: Opened = open_outbox(self.data, outbox.SCHEMA + SCHEMA, int(self.clock.now().timestamp()), losses, self.disk)
        software = Software(agent="0", detector="d", embedder="e", limits_sha256="a" * 64, settings_sha256="b" * 64)
        self.scribe = Scribe(
            signer=self.ring,
            device=DEVICE,
            fixmedins_code=SITE,
            centre_seal_key=bytes(32),
            mode=EvidenceMode.VERDICT_ONLY,
            software=software,
            clock=self.clock,
            offset=Offset(),
        )
        self.rekeying = Rekeying(
            files=self.settings.files,
            device=DEVICE,
            ring=self.ring,
            vault=self.opened.vault,
            outbox=self.opened.outbox,
            scribe=self.scribe,
            clock=self.clock,
            ask_days=self.ask_days,
            disk=self.disk,
        )

    def order(self, request: str = REQUEST, **changes: Any) -> Rekey:
        until = self.clock.now() + timedelta(days=1)
        return Rekey(**({"device": DEVICE, "at": self.clock.now(), "request": request, "valid_until": until, "why": "routine"} | changes))

    def live(self, turns: int = 3) -> None:
        """So many seconds with a centre that hears everything and answers."""
        for _ in range(turns):
            self.clock.pass_s(1)
            self.rekeying.turn()
            self.settle()
            for command in self.centre.hear(self.events()):
                self.rekeying.take(command)

    def settle(self) -> None:
        """An event of the daily work."""
        self.opened.outbox.append(lambda place: self.scribe.void(_void(place.seq), None, place))

    def events(self) -> list[bytes]:
        return [signed for _, signed in self.opened.outbox.events_after(0, 10_000)]


class Centre:
    """What the centre does: it admits what is offered, and knows which key it heard."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal, self.keys = terminal, [TrustedKey(terminal.signer.public)]
        self.authority: Pair = terminal.authority
        self.heard: list[tuple[str, AnyEvent]] = []

    def find(self, kid: str) -> TrustedKey | None:
        return next((key for key in self.keys if key.kid == kid), None)

    def hear(self, chain: list[bytes]) -> list[Admission]:
        """Every event must be signed by a key that was admitted, and the keys follow each other in the chain."""
        self.heard, answers = [], list[Admission]()
        for signed in chain:
            verified = verify(signed, self.find, EventBase.typ)
            event = parse_event(verified.payload)
            self.heard.append((verified.kid, event))
            if isinstance(event, KeyOffer):
                offered = read_offer(event)
                if self.find(offered.kid) is None:
                    self.keys.append(TrustedKey(offered.sign_public))
                answers.append(self.admission(offered.kid, offered.tls_public))
        order = [key.kid for key in self.keys]
        kids = [order.index(kid) for kid, _ in self.heard]
        assert kids == sorted(kids), "no event is signed with an old key behind one with a new key"
        return answers

    def admission(self, kid: str, public: ec.EllipticCurvePublicKey, name: str = DEVICE) -> Admission:
        now = HandClock().now()
        certificate = issue_client(self.authority, public, name=name, now=now).decode()
        return Admission(device=DEVICE, at=now, kid=kid, certificate=certificate, why=None)

    def said(self, kind: type[AnyEvent]) -> list[Any]:
        return [event for _, event in self.heard if isinstance(event, kind)]

    def named_lost(self) -> list[int]:
        """Numbers that the device gave to nobody, where its log looked torn."""
        return [number for loss in self.said(Loss) for first, last in loss.lost for number in range(first, last + 1)]


def _void(number: int) -> Any:
    class Words:
        setl_id, msgid = f"S{number}", None

    return Words


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return make_terminal(tmp_path)


def test_keys_change_over_at_work(terminal: Terminal) -> None:
    device = Device(terminal)
    device.rekeying.take(device.order())
    device.live()
    (offer,), (use,) = device.centre.said(KeyOffer), device.centre.said(KeyInUse)
    assert offer.request == REQUEST and use.kid == device.ring.kid != terminal.signer.kid and use.before == terminal.signer.kid
    assert not (device.data / DRAFT).exists() and (device.data / ROTATED).stat().st_mode & 0o777 == 0o600
    certificate, _ = tls_files(device.settings.files)
    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    assert found.serial_number != x509.load_pem_x509_certificate(device.settings.files.tls_cert.read_bytes()).serial_number
    new_tls(device.settings)  # raises if certificate and key do not belong together
    device.boot()
    assert device.ring.kid == use.kid and device.ring.find(terminal.signer.kid) is not None
    device.live()
    assert len(device.centre.said(KeyInUse)) == 1


def test_a_repeated_or_late_order_changes_nothing(terminal: Terminal) -> None:
    device = Device(terminal)
    device.rekeying.take(device.order(valid_until=device.clock.now()))
    assert device.events() == []
    order = device.order()
    device.rekeying.take(order)
    device.rekeying.take(order)
    device.live()
    device.rekeying.take(order)
    device.live()
    assert len(device.centre.said(KeyOffer)) == len(device.centre.said(KeyInUse)) == 1


def test_a_second_order_names_the_same_draft(terminal: Terminal) -> None:
    device = Device(terminal)
    device.rekeying.take(device.order())
    device.rekeying.take(device.order(OTHER))
    device.live()
    first, second = device.centre.said(KeyOffer)
    assert first.sign_public == second.sign_public and (first.request, second.request) == (REQUEST, OTHER)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda centre, kid, public: centre.admission(kid, public, name="P99999900001-t2"),
        lambda centre, kid, public: centre.admission(kid, ec.generate_private_key(ec.SECP256R1()).public_key()),  # noqa: ARG005
        lambda centre, kid, public: centre.admission("x" * 43, public),  # noqa: ARG005
        lambda centre, kid, public: centre.admission(kid, public).model_copy(update={"certificate": "no certificate"}),
    ],
    ids=["another device", "another key", "another draft", "no certificate"],
)
def test_a_certificate_that_is_not_for_these_keys_is_refused(terminal: Terminal, spoil: Callable[..., Admission]) -> None:
    device = Device(terminal)
    device.rekeying.take(device.order())
    offered = read_offer(parse_event(verify(device.events()[0], device.centre.find, "event").payload))  # type: ignore[arg-type]
    device.rekeying.take(spoil(device.centre, offered.kid, offered.tls_public))
    assert device.ring.kid == terminal.signer.kid and not rotated(device.settings.files).exists()
    device.live()
    assert device.ring.kid == offered.kid, "the right one is still taken"


def test_a_certificate_of_another_authority_is_refused(terminal: Terminal) -> None:
    device = Device(terminal)
    device.centre.authority = make_authority(now=device.clock.now())
    device.rekeying.take(device.order())
    device.live()
    assert device.ring.kid == terminal.signer.kid and (device.data / DRAFT).exists()


def test_an_offer_that_the_centre_refused_is_dropped(terminal: Terminal) -> None:
    device = Device(terminal)
    device.rekeying.take(device.order())
    kid = device.rekeying._draft().kid  # type: ignore[union-attr]
    device.rekeying.take(Admission(device=DEVICE, at=device.clock.now(), kid=kid, certificate=None, why="bad_offer"))
    assert not (device.data / DRAFT).exists() and device.ring.kid == terminal.signer.kid


def test_a_clock_a_day_off_changes_nothing(terminal: Terminal) -> None:
    device = Device(terminal)
    device.clock.wall -= timedelta(days=1)
    device.rekeying.take(device.order())
    device.live()
    assert device.ring.kid != terminal.signer.kid


def test_a_certificate_that_ends_soon_makes_the_device_ask(terminal: Terminal) -> None:
    device = Device(terminal, ask_days=30)
    device.clock.wall = x509.load_pem_x509_certificate(device.settings.files.tls_cert.read_bytes()).not_valid_after_utc - timedelta(days=31)
    device.live()
    assert device.centre.said(KeyOffer) == []
    device.clock.wall += timedelta(days=2)
    device.clock.mono += 4000
    device.rekeying.turn()
    assert len(device.events()) > 0 and (device.data / DRAFT).exists()


@pytest.mark.parametrize("changed", [False, True], ids=["keys of enrolment", "keys that replaced them"])
def test_a_certificate_is_carried_here_where_the_own_ended(terminal: Terminal, changed: bool) -> None:
    """Enrolled anew it could not deliver what it signed before: keys and chain stay, and the line comes back."""
    device = Device(terminal)
    if changed:
        device.rekeying.take(device.order())
        device.live()
    files = device.settings.files
    path, _ = tls_files(files)
    mode, old = path.stat().st_mode, x509.load_pem_x509_certificate(path.read_bytes())
    carried, now = terminal.folder / "passing.crt", datetime.now(UTC)
    passing = reissue(terminal.authority, old.public_bytes(Encoding.PEM), now=now, days=14)
    assert passing is not None
    for spoilt in (b"rubbish", issue_client(terminal.authority, new_key().public_key(), name=DEVICE, now=now)):
        carried.write_bytes(spoilt)
        refused = CliRunner().invoke(app, ["certificate", str(carried), "--settings", str(terminal.settings_file)])
        assert refused.exit_code == 2 and "does not fit" in refused.output
    carried.write_bytes(passing)
    result = CliRunner().invoke(app, ["certificate", str(carried), "--settings", str(terminal.settings_file)])
    assert result.exit_code == 0 and str(path) in result.output
    new = x509.load_pem_x509_certificate(path.read_bytes())
    assert new.serial_number != old.serial_number and path.stat().st_mode == mode
    new_tls(device.settings)  # raises if certificate and key do not belong together
    assert load_keys(files).signer.kid == device.ring.kid and load_keys(files).earlier == device.ring.keys.earlier


def test_pages_sealed_to_the_key_before_still_open_once(terminal: Terminal) -> None:
    device = Device(terminal)
    faces = gallery.Faces(vault=Vault.in_memory(gallery.SCHEMA), seal_key=device.ring, device=DEVICE, embedder="colour-1", size=3)
    first = terminal.gallery(GalleryPage(hold=(), forget=("P1",)), from_version=0, to_version=1)
    second = terminal.gallery(GalleryPage(hold=(), forget=("P1",)), from_version=1, to_version=2)
    device.rekeying.take(device.order())
    device.live()
    assert faces.apply(first, device.clock.now())
    device.rekeying.take(device.order(OTHER))
    device.live()
    assert len(device.ring.keys.seal_keys) == 2 and raw_public(terminal.seal_key.public_key()) not in [
        raw_public(key.public_key()) for key in device.ring.keys.seal_keys
    ]
    with pytest.raises(Exception, match="cannot be read"):
        faces.apply(second, device.clock.now())


def test_events_of_replaced_keys_are_salvaged(terminal: Terminal) -> None:
    device = Device(terminal)
    device.settle()
    (old,) = device.events()
    for request in (REQUEST, OTHER):
        device.rekeying.take(device.order(request))
        device.live()
    losses = Losses(signer=device.ring, device=DEVICE, clock=device.clock, find_own=device.ring.find)
    assert losses.ours(old) is not None


def test_a_damaged_set_is_named(terminal: Terminal) -> None:
    device = Device(terminal)
    device.rekeying.take(device.order())
    device.live()
    path = rotated(device.settings.files)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(BadKey, match=r"keys\.pem"):
        load_keys(device.settings.files)
    path.write_bytes(content)
    path.chmod(0o644)
    with pytest.raises(BadKey, match="chmod 600"):
        load_keys(device.settings.files)
    with pytest.raises(BadKey, match="not a whole set"):
        parse(b"", path)


@pytest.mark.parametrize("exposed", [False, True], ids=["damaged", "readable by others"])
def test_a_draft_that_is_no_good_is_made_anew(terminal: Terminal, exposed: bool) -> None:
    device = Device(terminal)
    device.rekeying.take(device.order())
    if exposed:
        (device.data / DRAFT).chmod(0o644)
    else:
        (device.data / DRAFT).write_bytes(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    device.rekeying.turn()
    device.rekeying.take(device.order(OTHER))
    device.live()
    assert len(device.centre.said(KeyInUse)) == 1 and len(device.centre.said(KeyOffer)) == 2


def test_without_room_the_keys_stay_and_the_change_comes_later(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device(terminal)
    device.rekeying.take(device.order())
    answers = device.centre.hear(device.events())

    def full(*_: object) -> None:
        raise VaultFull("no room")

    with monkeypatch.context() as patch:
        patch.setattr(device.rekeying, "_tell_use", full)
        with pytest.raises(VaultFull):
            device.rekeying.take(answers[0])
    device.live()
    assert len(device.centre.said(KeyInUse)) == 1 and not (device.data / DRAFT).exists()


class Watched(Store):
    """Tries, while new keys are written, whether another process could write to the chain."""

    free: bool | None = None

    def write_durably(self, path: Path, content: bytes) -> None:
        super().write_durably(path, content)
        if path.name == ROTATED:
            other = self.connect(str(path.parent / NAME))
            other.execute(f"PRAGMA key = \"x'{vault_key(path.parent / 'vault.key').hex()}'\"")
            other.execute("PRAGMA busy_timeout = 0")
            try:
                other.execute("BEGIN IMMEDIATE")
                self.free = True
            except DatabaseError:
                self.free = False
            other.close()


def test_no_other_process_appends_to_the_chain_while_the_keys_change(terminal: Terminal) -> None:
    disk = Watched()
    device = Device(terminal, disk)
    device.rekeying.take(device.order())
    device.live()
    assert device.ring.kid != terminal.signer.kid and disk.free is False


def test_an_order_right_behind_a_crash_offers_no_key_that_is_in_use(terminal: Terminal) -> None:
    device = Device(terminal)
    device.rekeying.take(device.order())
    draft = (device.data / DRAFT).read_bytes()
    device.live()
    OURS.write_durably(device.data / DRAFT, draft)
    device.boot()
    device.rekeying.take(device.order(OTHER))
    device.live()
    first, second = device.centre.said(KeyOffer)
    assert first.sign_public != second.sign_public and len(device.centre.said(KeyInUse)) == 2


def test_power_that_goes_at_any_step_leaves_one_whole_set(terminal: Terminal) -> None:
    """The centre says its order and its answer again and again; settlements go on all the time."""
    kids, cuts = set[bool](), 0
    for step in range(STEPS):
        disk = StrictDisk()
        store = StrictStore(disk, 1000)
        device = Device(terminal, store)
        device.settle()
        order = device.order()
        disk.cut_after(step)
        try:
            device.rekeying.take(order)
            device.live()
            held = True
        except Exception:
            if not disk.off:
                raise
            held = False
        disk.cut_after(None)
        if not held or disk.off:
            disk.off = True
            store.forget()
            disk.cut(Random(step))
            cuts += 1
            device.boot()
            kids.add(device.ring.kid == terminal.signer.kid)
        device.rekeying.take(order)
        device.live(4)
        assert device.ring.kid != terminal.signer.kid and len(device.centre.said(KeyInUse)) == 1, step
        assert not store.exists(device.data / DRAFT), step
        given = [event.seq for _, event in device.centre.heard]
        assert sorted(given + device.centre.named_lost()) == list(range(1, given[-1] + 1)), step
        if held:
            break
    assert held and cuts > 20 and kids == {True, False}
