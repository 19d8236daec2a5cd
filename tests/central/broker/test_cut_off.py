"""`central broker` lets devices in and cuts them off while it runs, with either broker, on connections that are open and on new ones."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from typer.testing import CliRunner

from central import __main__ as program
from central.broker import files as broker_files
from central.broker.clients import Clients
from central.certificates import issue_client, key_pem, new_key, read_revocation_list, serial_of
from central.db import utc_now
from central.devices import service as devices
from central.devices.model import NewDevice
from central.settings import Settings
from central.wiring import Centre, open_centre
from contract.sealed import Signer, raw_public
from contract.topics import Down, Up, down, ingest_filters, up
from scripts.stack import free_port, takes_connections, wait_until
from tests import builders
from tests.central.broker.test_matrix import Book, Site
from tests.central.building import make_centre
from tests.central.devices.rotation import NewKeys

LIMIT_S = 60  # the goal
STAYS, GOES = "P99999900001-t1", "P99999900001-t2"


class Town:
    """A centre whose broker runs as people run it, and two devices."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder, self.port, self.book = folder, free_port(), Book()
        self.settings_file = folder / "central.toml"
        self.settings_file.write_text(f'data_dir = "{folder / "data"}"\n[broker]\nport = {self.port}\n', encoding="utf-8")
        make_centre(folder / "data")
        self.centre: Centre = open_centre(Settings.read(self.settings_file))
        self.signers: dict[str, Signer] = {}
        for name in (STAYS, GOES):
            self.register(name)
        command = [sys.executable, "-m", "central", "broker", "--kind", kind, "--settings", str(self.settings_file)]
        with (folder / "broker.log").open("wb") as log:
            self.broker = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        wait_until("the broker", lambda: takes_connections(self.port), 60)

    def register(self, name: str) -> None:
        sign, seal, tls = Signer(Ed25519PrivateKey.generate()), X25519PrivateKey.generate(), new_key()
        certificate = issue_client(self.centre.keys.authority(), tls.public_key(), name=name, now=utc_now())
        self.write(name, certificate, key_pem(tls))
        new = NewDevice(
            device_id=name,
            fixmedins_code=builders.SITE,
            windows=("W1",),
            kid=sign.kid,
            sign_public=sign.public,
            seal_public=raw_public(seal.public_key()),
            certificate=certificate.decode(),
        )
        with self.centre.engine.begin() as db:
            devices.register_device(db, new, now=utc_now(), actor="test")

    def write(self, name: str, certificate: bytes, key: bytes) -> None:
        (self.folder / f"{name}.crt").write_bytes(certificate)
        (self.folder / f"{name}.key").write_bytes(key)

    def site(self, name: str) -> Site:
        ca, (certificate, key) = self.centre.keys.tls("ca")[0], self.centre.keys.tls("central")
        own = (self.folder / f"{name}.crt", self.folder / f"{name}.key") if name != "central" else (certificate, key)
        return Site(name, (ca, *own), self.port, self.book)

    def stop(self) -> None:
        self.broker.send_signal(signal.SIGTERM)
        self.broker.wait(20)


@pytest.fixture(params=["embedded", "mosquitto"])
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Town]:
    if request.param == "mosquitto" and shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    made = Town(tmp_path, request.param)
    yield made
    made.stop()


def test_a_revoked_device_is_cut_off_while_it_is_connected(town: Town) -> None:
    centre, stays, goes = (town.site(name) for name in ("central", STAYS, GOES))
    assert centre.connect() and stays.connect() and goes.connect()
    centre.listen(*ingest_filters())
    for name, site in ((STAYS, stays), (GOES, goes)):
        site.listen(down(Down.COMMAND, name))

    def reaches(name: str, site: Site) -> bool:
        """Whether anything of this device comes to the centre, or of the centre to it."""
        time.sleep(0.2)
        town.book.take()
        site.say(up(Up.EVENT, name))
        centre.say(down(Down.COMMAND, name))
        time.sleep(0.3)
        heard = town.book.take()
        return any(name in (receiver, sender) for receiver, _, sender in heard)

    wait_until("both to be heard", lambda: reaches(STAYS, stays) and reaches(GOES, goes), 20)
    begun = time.monotonic()
    done = CliRunner().invoke(program.app, ["device", "revoke", GOES, "--settings", str(town.settings_file), "--why", "stolen"])
    assert done.exit_code == 0, done.output
    wait_until("the revoked device to be cut off", lambda: not reaches(GOES, goes), LIMIT_S)
    print(f"cut off after {time.monotonic() - begun:.1f} s")
    assert not any(reaches(GOES, goes) for _ in range(3)), "and it stays so"
    again = town.site(GOES)
    assert not (again.connect() and reaches(GOES, again)), "nor by a new connection"
    assert reaches(STAYS, stays), "the other one is served as ever"
    for site in (centre, stays, goes, again):
        site.close()


def test_a_certificate_that_was_replaced_gets_no_connection_any_more(town: Town) -> None:
    keys = NewKeys(device=GOES)
    with town.centre.engine.begin() as db:
        old = devices.key_history(db, GOES)[0]
        devices.take_offer(db, town.centre.keys, keys.offer(), kid=old.kid, now=utc_now())
        (admitted,) = devices.admissions(db)
    first = town.site(GOES)
    assert first.connect()
    first.close()
    shutil.copy(town.folder / f"{GOES}.crt", town.folder / "old.crt")
    shutil.copy(town.folder / f"{GOES}.key", town.folder / "old.key")
    town.write(GOES, admitted.certificate.encode(), key_pem(keys.tls))

    def connects(name: str) -> bool:
        site = town.site(name)
        found = site.connect()
        if found:
            time.sleep(0.3)
            found = site.client.is_connected() and not site.refused
        site.close()
        return found

    wait_until("the new certificate to be admitted", lambda: connects(GOES), LIMIT_S)
    with town.centre.engine.begin() as db:
        key = devices.key(db, keys.signer.kid)
        assert key is not None and old.certificate is not None
        devices.note_use(db, key, builders.EPOCH, 2, now=utc_now())
    wait_until("the old certificate to be refused", lambda: not connects("old"), LIMIT_S)
    assert connects(GOES), "the new one is served"


def test_the_list_of_cut_off_certificates_grows_and_never_ends(tmp_path: Path) -> None:
    centre = make_centre(tmp_path)
    certificates = [
        issue_client(centre.keys.authority(), new_key().public_key(), name=f"device-{number}", now=utc_now()).decode()
        for number in range(3)
    ]
    begun = []
    for count in range(4):
        clients = Clients(devices={}, cut_off={serial_of(one): utc_now() for one in certificates[:count]})
        written, changed = broker_files.write(tmp_path, centre.keys, host="127.0.0.1", port=1, clients=clients)
        serials, since = read_revocation_list(written.revoked.read_bytes())
        assert serials == frozenset(clients.cut_off) and changed
        assert not broker_files.write(tmp_path, centre.keys, host="127.0.0.1", port=1, clients=clients)[1]
        begun.append(since)
    assert begun == sorted(set(begun)), "each list is later than the one before, however soon it follows"
    assert f"crlfile {written.revoked}" in written.mosquitto.read_text()


def test_files_of_a_foreign_broker_are_kept_true_and_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "central.toml").write_text(f'data_dir = "{tmp_path / "data"}"\n', encoding="utf-8")
    make_centre(tmp_path / "data")
    told = tmp_path / "told"
    reload = f"{sys.executable} -c \"open('{told}', 'a').write('x')\""
    command = [sys.executable, "-m", "central", "broker", "--reload", reload, "--settings", str(tmp_path / "central.toml")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until("the first word", told.exists, 30)
            centre = open_centre(Settings.read(tmp_path / "central.toml"))
            with centre.engine.begin() as db:
                devices.register_device(db, _device(), now=utc_now(), actor="test")
            wait_until("a word of the new device", lambda: len(told.read_text()) == 2, 30)
            assert STAYS in (tmp_path / "data" / "broker" / "mosquitto.acl").read_text()
        finally:
            process.send_signal(signal.SIGTERM)


def _device() -> NewDevice:
    keys = NewKeys(device=STAYS)
    return NewDevice(
        device_id=STAYS,
        fixmedins_code=builders.SITE,
        windows=("W1",),
        kid=keys.signer.kid,
        sign_public=keys.signer.public,
        seal_public=raw_public(keys.seal.public_key()),
    )
