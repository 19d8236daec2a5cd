"""A settings folder in the making: the power may fail and the disk be full at every step, and the same command brings it to its end."""

import errno
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from central.certificates import issue_client, make_authority, new_key
from central.devices import service as devices
from central.enrolment import service
from central.enrolment.model import EnrolmentRefused
from contract.enrolment import Granted, open_request, read_envelope, write_answer
from contract.sealed import Signer, TrustedKey, from_text, to_text
from edge_agent.disk.disk import Disk
from edge_agent.disk.stores import NAME
from edge_agent.enrol.command import take
from edge_agent.enrol.draft import SETTINGS, check_settings
from edge_agent.errors import BadSettings, EnrolmentFailed
from edge_agent.keyring import ROTATED
from edge_agent.keys import load_signer
from edge_agent.settings import load
from tests.builders import AT, DEVICE, SITE
from tests.central.building import make_centre
from tests.central.enrolment.terminal import planned
from tests.edge_agent.enrol.ends import PLANNED, Ends

FILES = ["agent.toml", "ca.crt", "enrolment.json", "seal.pem", "sign.pem", "till.token", "tls.crt", "tls.key"]


class Cut(BaseException):
    """The plug was pulled."""


class Counted(Disk):
    """The real disk, of which the call number `at` and all later ones fail, before or after they did their work."""

    CALLS = ("begin_folder", "write", "sync", "replace", "remove")

    def __init__(self, at: int, fail: Callable[[], BaseException], *, after: bool = False) -> None:
        self.calls = 0
        for name in self.CALLS:
            setattr(self, name, self._counting(getattr(super(), name), at, fail, after))

    def _counting(self, call: Callable[..., Any], at: int, fail: Callable[[], BaseException], after: bool) -> Callable[..., Any]:
        def counted(*arguments: Any) -> Any:
            self.calls += 1
            if self.calls > at or (self.calls == at and not after):
                raise fail()
            done = call(*arguments)
            if self.calls == at:
                raise fail()
            return done

        return counted


@pytest.fixture
def ends(tmp_path: Path) -> Ends:
    return Ends.new(tmp_path / "centre")


def kids(ends: Ends) -> list[str]:
    with ends.centre.engine.begin() as db:
        return [key.kid for key in devices.key_history(db, ends.device) if key.revoked_at is None]


def assert_whole(ends: Ends, folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())
    assert kids(ends) == [load_signer(folder / "sign.pem").kid]
    assert load(folder / SETTINGS).device_id == ends.device
    assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".")] == []


def no_room() -> OSError:
    return OSError(errno.ENOSPC, "No space left on device")


def steps(ends: Ends, folder: Path) -> int:
    """How many calls of the disk a whole enrolment makes."""
    disk = Counted(10**6, Cut)
    take(ends.token, folder, ends.carry, disk=disk, now=lambda: AT)
    return disk.calls


@pytest.mark.parametrize(("fail", "kind"), [(Cut, Cut), (no_room, OSError)], ids=["power", "room"])
def test_whatever_fails_at_whichever_step_the_same_command_ends_it(
    tmp_path: Path, fail: Callable[[], BaseException], kind: type[BaseException]
) -> None:
    centre = make_centre(tmp_path / "centre", now=lambda: AT)
    last = steps(Ends(centre, "counted"), tmp_path / "counted" / "t1")
    assert last > 40
    for at in range(1, last + 1):
        for after in (False, True):
            ends, folder = Ends(centre, f"t-{at}-{after}"), tmp_path / f"{at}-{after}" / "t1"
            with pytest.raises(kind):
                take(ends.token, folder, ends.carry, disk=Counted(at, fail, after=after), now=lambda: AT)
            before = kids(ends)
            if folder.exists():
                assert_whole(ends, folder)
            take(ends.token, folder, ends.carry, now=lambda: AT)
            assert_whole(ends, folder)
            assert before in ([], kids(ends)), "a granted key is never lost"


def test_the_answer_that_was_lost_on_the_way_is_given_again(ends: Ends, tmp_path: Path) -> None:
    def lost(request: bytes) -> bytes:
        ends.carry(request)
        raise ConnectionResetError("the line is gone")

    with pytest.raises(ConnectionResetError):
        take(ends.token, tmp_path / "t1", lost, now=lambda: AT)
    assert len(kids(ends)) == 1 and not (tmp_path / "t1").exists()
    take(ends.token, tmp_path / "t1", ends.carry, now=lambda: AT)
    assert_whole(ends, tmp_path / "t1")


def test_a_token_that_was_used_here_is_not_asked_again(ends: Ends, tmp_path: Path) -> None:
    folder = tmp_path / "t1"
    take(ends.token, folder, ends.carry, now=lambda: AT)
    said: list[str] = []
    take(ends.token, folder, ends.carry, now=lambda: AT, say=said.append)
    assert ends.asked == 1 and "used here before" in said[0]
    with pytest.raises(EnrolmentRefused, match="used on"):
        take(ends.token, tmp_path / "t2", ends.carry, now=lambda: AT)
    assert not (tmp_path / "t2").exists()


def test_another_enrolment_is_never_overwritten_but_kept_beside(ends: Ends, tmp_path: Path) -> None:
    folder = tmp_path / "t1"
    take(ends.token, folder, ends.carry, now=lambda: AT)
    old = load_signer(folder / "sign.pem").kid
    renewed = planned(ends.centre, PLANNED, renew=True)
    with pytest.raises(EnrolmentFailed, match="--replace"):
        take(renewed, folder, ends.carry, now=lambda: AT)
    assert kids(ends) == [old]
    take(renewed, folder, ends.carry, replace=True, now=lambda: AT)
    assert_whole(ends, folder)
    assert load_signer(tmp_path / f"t1.replaced-{AT:%Y%m%dT%H%M%S}" / "sign.pem").kid == old


def test_keys_begun_for_another_token_are_thrown_away(ends: Ends, tmp_path: Path) -> None:
    with pytest.raises(Cut):
        take(ends.token, tmp_path / "t1", ends.carry, disk=Counted(25, Cut), now=lambda: AT)
    begun = (tmp_path / ".t1.part" / "sign.pem").read_bytes()
    take(planned(ends.centre, PLANNED), tmp_path / "t1", ends.carry, now=lambda: AT)
    assert (tmp_path / "t1" / "sign.pem").read_bytes() != begun
    assert_whole(ends, tmp_path / "t1")


def test_a_key_that_was_damaged_meanwhile_is_named_with_the_way_out(ends: Ends, tmp_path: Path) -> None:
    with pytest.raises(ConnectionError):
        take(ends.token, tmp_path / "t1", lambda _: (_ for _ in ()).throw(ConnectionError()), now=lambda: AT)
    (tmp_path / ".t1.part" / "seal.pem").write_bytes(b"")
    with pytest.raises(EnrolmentFailed, match=r"seal\.pem is no private key.*Remove .*\.t1\.part"):
        take(ends.token, tmp_path / "t1", ends.carry, now=lambda: AT)
    assert ends.asked == 0


@pytest.mark.parametrize(("off", "says"), [(timedelta(days=-1), "behind"), (timedelta(days=1), "1 day, 0:00:00 ahead")])
def test_a_clock_that_is_a_day_wrong_is_named_and_nothing_is_registered(ends: Ends, tmp_path: Path, off: timedelta, says: str) -> None:
    with pytest.raises((EnrolmentFailed, EnrolmentRefused), match=says):
        take(ends.token, tmp_path / "t1", ends.carry, now=lambda: AT + off)
    assert kids(ends) == [] and not (tmp_path / "t1").exists()
    take(ends.token, tmp_path / "t1", ends.carry, now=lambda: AT)
    assert_whole(ends, tmp_path / "t1")


def granting_instead(ends: Ends, *, signer: Signer | None = None, at: datetime = AT, **change: str) -> Callable[[bytes], bytes]:
    """A carrier that grants what the centre would, but for the changes."""

    def carry(request: bytes) -> bytes:
        envelope, keys = read_envelope(request), ends.centre.keys
        opened = open_request(envelope, ends.token.secret)
        public = x509.load_pem_x509_csr(opened.csr.encode()).public_key()
        assert isinstance(public, ec.EllipticCurvePublicKey)
        certificate = issue_client(keys.authority(), public, name=DEVICE, now=AT).decode()
        with ends.centre.engine.begin() as db:
            settings = service.settings_of(db, keys, service.planned_terminal(db, keys, DEVICE))
        granted = Granted(settings=settings, certificate=certificate, authority=keys.authority().certificate.decode())
        kid = TrustedKey(from_text(envelope.sign_public)).kid
        return write_answer(opened, granted.model_copy(update=change), signer or keys.signer, device_kid=kid, at=at)

    return carry


def certificate_for(ends: Ends, *, name: str = DEVICE, now: datetime = AT) -> str:
    return issue_client(ends.centre.keys.authority(), new_key().public_key(), name=name, now=now).decode()


def test_what_a_carrier_makes_up_would_be_taken_if_it_were_right(ends: Ends, tmp_path: Path) -> None:
    take(ends.token, tmp_path / "t1", granting_instead(ends), now=lambda: AT)
    assert (tmp_path / "t1" / SETTINGS).is_file()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda _: {"authority": make_authority(now=AT).certificate.decode()}, "not issued by the authority"),
        (lambda _: {"certificate": "x"}, "not issued by the authority"),
        (lambda ends: {"certificate": certificate_for(ends)}, "another key"),
        (lambda ends: {"certificate": certificate_for(ends, name="P99999900001-t9")}, "CN=P99999900001-t9 and another key"),
        (lambda _: {"settings": "device_id = "}, "is not TOML"),
        (lambda _: {"settings": "x = 1"}, "would refuse the settings"),
        (lambda _: {"signer": Signer(Ed25519PrivateKey.generate())}, "another centre answered"),
        (lambda _: {"at": AT + timedelta(days=1)}, "1 day, 0:00:00 behind the centre's"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_and_nothing_stands_there(
    ends: Ends, tmp_path: Path, wrong: Callable[[Ends], dict[str, Any]], says: str
) -> None:
    with pytest.raises(EnrolmentFailed, match=says):
        take(ends.token, tmp_path / "t1", granting_instead(ends, **wrong(ends)), now=lambda: AT)
    assert not (tmp_path / "t1").exists()
    take(ends.token, tmp_path / "t1", ends.carry, now=lambda: AT)
    assert_whole(ends, tmp_path / "t1")


@pytest.mark.parametrize("old", [f'"{DEVICE}"', f'"{SITE}"', "sign_keys"])
def test_settings_for_another_device_site_or_centre_are_refused(ends: Ends, tmp_path: Path, old: str) -> None:
    keys = ends.centre.keys
    with ends.centre.engine.begin() as db:
        settings = service.settings_of(db, keys, service.planned_terminal(db, keys, DEVICE))
    new = {f'"{DEVICE}"': '"P99999900001-t9"', f'"{SITE}"': '"P99999900009"'}
    other = settings.replace(old, new[old], 1) if old in new else settings.replace(to_text(keys.signer.public), to_text(keys.seal_public))
    with pytest.raises(EnrolmentFailed, match="another device, another site or another centre"):
        take(ends.token, tmp_path / "t1", granting_instead(ends, settings=other), now=lambda: AT)


def test_a_certificate_whose_time_is_over_is_named_with_both_days(ends: Ends, tmp_path: Path) -> None:
    late = AT + timedelta(days=800)
    with pytest.raises(EnrolmentFailed, match=r"holds from 2026-01-01 to 2028-01-02, and this machine's clock says 2028-03-12"):
        take(ends.token, tmp_path / "t1", granting_instead(ends), now=lambda: late)


def test_an_answer_of_an_earlier_attempt_whose_keys_are_gone_is_refused(ends: Ends, tmp_path: Path) -> None:
    kept: list[bytes] = []
    take(ends.token, tmp_path / "t1", lambda request: kept.append(ends.carry(request)) or kept[0], now=lambda: AT)
    with pytest.raises(EnrolmentFailed, match="other keys than those that lie here"):
        take(ends.token, tmp_path / "t2", lambda _: kept[0], now=lambda: AT)


def test_a_data_folder_of_an_earlier_enrolment_is_not_taken_over(ends: Ends, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / NAME).touch()
    with pytest.raises(EnrolmentFailed, match="deliver them first"):
        take(ends.token, tmp_path / "t1", ends.carry, (str(tmp_path / "state"), ""), now=lambda: AT)
    assert kids(ends) == []


@pytest.mark.parametrize("name", [NAME, ROTATED])
def test_events_in_a_folder_that_is_replaced_are_not_carried_off_with_it(ends: Ends, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "t1"
    take(ends.token, folder, ends.carry, now=lambda: AT)
    (folder / "data").mkdir()
    (folder / "data" / name).touch()
    renewed = planned(ends.centre, PLANNED, renew=True)
    for places in (("data", ""), (str(tmp_path / "elsewhere"), "")):
        with pytest.raises(EnrolmentFailed, match=f"mv {folder}/data {folder}/data.old"):
            take(renewed, folder, ends.carry, places, replace=True, now=lambda: AT)
    assert kids(ends) == [load_signer(folder / "sign.pem").kid]
    (folder / "data").rename(folder / "data.old")
    take(renewed, folder, ends.carry, replace=True, now=lambda: AT)
    assert_whole(ends, folder)


def test_the_folder_behind_the_name_that_a_service_uses_is_named(ends: Ends, tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / NAME).touch()
    (tmp_path / "state").symlink_to("private")
    with pytest.raises(EnrolmentFailed, match=f"mv {tmp_path}/private {tmp_path}/private.old && rm {tmp_path}/state"):
        take(ends.token, tmp_path / "t1", ends.carry, (str(tmp_path / "state"), ""), now=lambda: AT)


def test_settings_are_tried_as_a_terminal_would(ends: Ends) -> None:
    keys = ends.centre.keys
    with ends.centre.engine.begin() as db:
        check_settings(service.settings_of(db, keys, service.planned_terminal(db, keys, DEVICE)))
    with pytest.raises(BadSettings):
        check_settings("device_id = 'x'")
