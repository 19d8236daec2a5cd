"""Enrolment at the centre: once, whole, for keys of its own, and every refusal says why and registers nothing."""

import tomllib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import select

from central.audit import service as audit
from central.devices import service as devices
from central.enrolment import service
from central.enrolment.model import REASONS, EnrolmentRefused, Gate, PlannedCamera, TokenState, TooManyRequests, clock_fault
from central.enrolment.tables import cameras, enrolment_tokens
from central.errors import BadInput, Conflict, NotFound
from central.sites import service as sites
from central.wiring import Centre
from contract.sealed import Signer, to_text
from tests.builders import AT, DEVICE, SITE
from tests.central.building import make_centre
from tests.central.enrolment.terminal import PASSWORD, PLANNED, Newcomer, later, planned
from tests.postgres import private_postgres


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return make_centre(tmp_path)


def kids(centre: Centre) -> list[str]:
    with centre.engine.begin() as db:
        return [key.kid for key in devices.key_history(db, DEVICE) if key.revoked_at is None]


def test_a_terminal_is_granted_what_was_planned(centre: Centre) -> None:
    terminal = Newcomer(planned(centre))
    granted = terminal.granted(terminal.ask(centre))
    told = tomllib.loads(granted.settings)
    assert told["windows"][0] == {
        "window": "W1",
        "role": "window",
        "source": f"rtsp://user:{PASSWORD}@10.0.0.9/stream",
        "camera_model": "HIK DS-2CD",
    }
    assert told["windows"][1]["role"] == "entrance"
    assert told["centre"]["sign_keys"] == [to_text(centre.keys.signer.public)]
    assert (told["evidence_mode"], told["broker"]["host"]) == ("all", "10.0.0.1")
    certificate = x509.load_pem_x509_certificate(granted.certificate.encode())
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(granted.authority.encode()))
    assert certificate.public_key() == terminal.tls_key.public_key()
    assert certificate.subject.rfc4514_string() == f"CN={DEVICE}"
    assert kids(centre) == [terminal.signer.kid]
    with centre.engine.begin() as db:
        assert devices.key_history(db, DEVICE)[0].certificate == granted.certificate
        assert devices.windows_of(db, DEVICE) == ("E1", "W1")


def test_the_same_keys_get_the_same_answer_however_late_and_others_get_none(centre: Centre) -> None:
    terminal = Newcomer(planned(centre))
    first = terminal.ask(centre)
    assert terminal.ask(centre, now=later(40), at=later(40)) == first
    with pytest.raises(EnrolmentRefused, match=r"used on 2026-01-02 .* by other keys") as refused:
        Newcomer(terminal.token).ask(centre)
    assert refused.value.reason == "token_used"
    assert kids(centre) == [terminal.signer.kid]


def test_a_token_that_is_late_withdrawn_or_of_elsewhere_is_named(centre: Centre, tmp_path: Path) -> None:
    old = planned(centre)
    new = planned(centre)
    foreign = planned(make_centre(tmp_path / "other"))
    for token, now, reason in ((old, AT, "token_withdrawn"), (new, later(7.01), "token_late"), (foreign, AT, "token_unknown")):
        with pytest.raises(EnrolmentRefused) as refused:
            Newcomer(token).ask(centre, now=now, at=now)
        assert refused.value.reason == reason
    assert kids(centre) == []
    Newcomer(new).ask(centre, now=later(6.9), at=later(6.9))


def test_who_does_not_know_the_secret_gets_nothing(centre: Centre) -> None:
    token = planned(centre)
    with pytest.raises(EnrolmentRefused, match="secret") as refused:
        Newcomer(token.model_copy(update={"secret": to_text(bytes(32))})).ask(centre)
    assert refused.value.reason == "token_proof"
    with pytest.raises(EnrolmentRefused, match="the request for") as refused:
        Newcomer(token).ask(centre, device="P99999900001-t9")
    assert refused.value.reason == "other_device"
    assert kids(centre) == []


@pytest.mark.parametrize(
    ("off", "carried", "says"),
    [
        (timedelta(days=1), False, "1 day, 0:00:00 ahead"),
        (timedelta(days=-1), False, "1 day, 0:00:00 behind"),
        (timedelta(minutes=6), True, "0:06:00 ahead"),
        (timedelta(days=-1), True, "1 day, 0:00:00 behind"),
    ],
)
def test_a_wrong_clock_is_named_by_how_much(centre: Centre, off: timedelta, carried: bool, says: str) -> None:
    terminal = Newcomer(planned(centre))
    with pytest.raises(EnrolmentRefused, match=says) as refused:
        terminal.ask(centre, at=AT + off, carried=carried)
    assert refused.value.reason == "clock_wrong" and "timedatectl" in str(refused.value)
    assert kids(centre) == []
    terminal.ask(centre)


def test_a_stick_may_be_three_days_on_its_way(centre: Centre) -> None:
    terminal = Newcomer(planned(centre))
    with pytest.raises(EnrolmentRefused, match="behind"):
        terminal.ask(centre, now=later(3))
    terminal.ask(centre, now=later(3), carried=True)


def weak(name: str, terminal: Newcomer) -> Newcomer:
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    made = {
        "signer": lambda: Signer(Ed25519PrivateKey.from_private_bytes(seed)),
        "seal_key": lambda: X25519PrivateKey.from_private_bytes(bytes(32)),
        "tls_key": lambda: ec.derive_private_key(1, ec.SECP256R1()),
    }
    setattr(terminal, name, made[name]())
    return terminal


@pytest.mark.parametrize("name", ["signer", "seal_key", "tls_key"])
def test_a_sample_key_is_refused(centre: Centre, name: str) -> None:
    terminal = Newcomer(planned(centre))
    with pytest.raises(EnrolmentRefused, match="key is") as refused:
        weak(name, terminal).ask(centre)
    assert refused.value.reason == "key_weak"
    assert kids(centre) == []


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP256K1()])
def test_a_tls_key_of_another_kind_is_refused(centre: Centre, curve: ec.EllipticCurve) -> None:
    terminal = Newcomer(planned(centre))
    terminal.tls_key = ec.generate_private_key(curve)
    with pytest.raises(EnrolmentRefused, match="P-256"):
        terminal.ask(centre)


@pytest.mark.parametrize("csr", ["x", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"])
def test_a_certificate_request_that_is_none_is_refused(centre: Centre, csr: str) -> None:
    with pytest.raises(EnrolmentRefused) as refused:
        Newcomer(planned(centre)).ask(centre, csr=csr)
    assert refused.value.reason == "key_weak"


@pytest.mark.parametrize("name", ["signer", "seal_key", "tls_key"])
@pytest.mark.parametrize("revoked", [False, True])
def test_a_key_of_another_device_is_refused_also_when_that_one_was_revoked(centre: Centre, name: str, revoked: bool) -> None:
    first = Newcomer(planned(centre))
    first.ask(centre)
    if revoked:
        with centre.engine.begin() as db:
            devices.revoke_device(db, DEVICE, now=AT, actor="test")
    other = replace(PLANNED, device_id="P99999900001-t2")
    second = Newcomer(planned(centre, other), **{name: getattr(first, name)})
    with pytest.raises(EnrolmentRefused, match=f"already belongs to device {DEVICE}") as refused:
        second.ask(centre)
    assert refused.value.reason == "key_known"
    with centre.engine.begin() as db:
        assert devices.key_history(db, other.device_id) == ()
        assert service.open_token(db, centre.keys, other.device_id, AT) == second.token
    Newcomer(second.token).ask(centre)


def test_after_a_lost_key_a_new_token_replaces_it_and_the_old_key_counts_until_then(centre: Centre) -> None:
    first = Newcomer(planned(centre))
    answer = first.ask(centre)
    with pytest.raises(Conflict, match="renew"):
        planned(centre)
    second = Newcomer(planned(centre, now=later(1), renew=True))
    assert kids(centre) == [first.signer.kid]
    second.ask(centre, now=later(1), at=later(1))
    assert kids(centre) == [second.signer.kid]
    with centre.engine.begin() as db:
        assert devices.key(db, first.signer.kid) is None
        assert devices.key_history(db, DEVICE)[0].revoked_why == "replaced"
    with pytest.raises(EnrolmentRefused, match="revoked since") as refused:
        assert first.ask(centre, now=later(1)) != answer
    assert refused.value.reason == "device_revoked"


def test_a_revoked_name_is_never_given_again(centre: Centre) -> None:
    waiting = Newcomer(planned(centre))
    waiting.ask(centre)
    renewal = Newcomer(planned(centre, renew=True))
    with centre.engine.begin() as db:
        devices.revoke_device(db, DEVICE, now=AT, actor="test")
    with pytest.raises(EnrolmentRefused, match="never given again"):
        renewal.ask(centre)
    for renew in (False, True):
        with pytest.raises(Conflict, match="never given again"):
            planned(centre, renew=renew)


def test_of_two_terminals_that_use_a_token_at_once_one_is_refused(tmp_path: Path) -> None:
    with private_postgres(tmp_path) as url:
        centre = make_centre(tmp_path / "centre", database_url=url)
        token, start, said = planned(centre), Barrier(2), list[str]()

        def ask(terminal: Newcomer) -> None:
            start.wait()
            try:
                terminal.granted(terminal.ask(centre))
                said.append("granted")
            except EnrolmentRefused as refused:
                said.append(refused.reason)

        threads = [Thread(target=ask, args=(Newcomer(token),)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(said) == ["granted", "token_used"]
        assert len(kids(centre)) == 1
        centre.engine.dispose()


def test_no_password_and_no_secret_lies_in_the_database(centre: Centre) -> None:
    token = planned(centre)
    terminal = Newcomer(token)
    terminal.ask(centre)
    with centre.engine.begin() as db:
        (row,) = db.execute(select(cameras).where(cameras.c.window == "W1")).mappings().all()
        assert row["shown"] == "rtsp://10.0.0.9"
        assert db.execute(select(enrolment_tokens)).mappings().one()["token_id"] == token.token_id
    centre.engine.dispose()
    for path in centre.settings.data_dir.glob("central.sqlite3*"):
        content = path.read_bytes()
        assert PASSWORD.encode() not in content and token.secret.encode() not in content


def test_every_step_is_in_the_audit_log(centre: Centre) -> None:
    terminal = Newcomer(planned(centre))
    with pytest.raises(EnrolmentRefused) as refused:
        weak("signer", Newcomer(terminal.token)).ask(centre)
    with centre.engine.begin() as db:
        service.note_refusal(db, refused.value, now=AT, actor="terminal")
    terminal.ask(centre)
    with centre.engine.begin() as db:
        told = [(entry.action, entry.object) for entry in audit.entries(db).rows if entry.action.startswith("enrolment")]
        assert audit.verify_chain(db).intact
    steps = ("enrolment.accept", "enrolment.refuse", "enrolment.token", "enrolment.plan")
    assert told == [(step, DEVICE) for step in steps]


def test_planning_the_same_again_changes_nothing_and_another_site_may_not_take_it(centre: Centre) -> None:
    planned(centre)
    with centre.engine.begin() as db:
        before = audit.entries(db).total
        service.plan(db, centre.keys, PLANNED, now=later(1), actor="test")
        assert audit.entries(db).total == before
        sites.register_site(db, replace(sites.site(db, SITE), fixmedins_code="P99999900002"), now=AT, actor="test")  # type: ignore[arg-type]
        with pytest.raises(Conflict, match="choose another name"):
            service.plan(db, centre.keys, replace(PLANNED, fixmedins_code="P99999900002"), now=AT, actor="test")
        with pytest.raises(NotFound):
            service.plan(db, centre.keys, replace(PLANNED, device_id="new-1", fixmedins_code="P99999900009"), now=AT, actor="test")


@pytest.mark.parametrize(
    "wrong",
    [
        replace(PLANNED, device_id="a b"),
        replace(PLANNED, device_id="central-1"),
        replace(PLANNED, cameras=()),
        replace(PLANNED, cameras=(PLANNED.cameras[0], PLANNED.cameras[0])),
        replace(PLANNED, cameras=(PlannedCamera(window="W 1", source="0"),)),
        replace(PLANNED, cameras=(PlannedCamera(window="W1", source=""),)),
        replace(PLANNED, broker_port=0),
        replace(PLANNED, broker_host=""),
        replace(PLANNED, broker_host="b" * 254),
        replace(PLANNED, broker_host="broker\0"),
        replace(PLANNED, cameras=(PlannedCamera(window="W1", source="rstp://admin:pa55@camera/1"),)),
        replace(PLANNED, cameras=(PlannedCamera(window="W1", source="clip\0.mkv"),)),
        replace(PLANNED, cameras=(PlannedCamera(window="W1", source="clip\udcff.mkv"),)),
        replace(PLANNED, cameras=(PlannedCamera(window="W1", source="0", camera_model="M\0"),)),
        replace(PLANNED, extra="x" * 20_001),
    ],
)
def test_a_plan_that_cannot_be_is_refused(centre: Centre, wrong: service.PlannedTerminal) -> None:
    with pytest.raises(BadInput) as refused, centre.engine.begin() as db:
        service.plan(db, centre.keys, wrong, now=AT, actor="test")
    assert "pa55" not in str(refused.value)


def test_tokens_are_told_apart(centre: Centre) -> None:
    first = planned(centre)
    second = planned(centre, now=later(0.1))
    Newcomer(second).ask(centre, now=later(0.1), at=later(0.1))
    planned(centre, now=later(0.2), renew=True)
    with centre.engine.begin() as db:
        (terminal,) = service.terminals(db, SITE, later(20))
    assert [token.state for token in terminal.tokens] == [TokenState.LATE, TokenState.USED, TokenState.WITHDRAWN]
    assert terminal.tokens[2].token_id == first.token_id and terminal.enrolled


def test_a_list_of_many_says_the_same_as_each_alone(centre: Centre) -> None:
    Newcomer(planned(centre)).ask(centre)
    for name in ("a-new-one", "z-revoked"):
        token = planned(centre, replace(PLANNED, device_id=name))
        if name == "z-revoked":
            Newcomer(token).ask(centre)
    with centre.engine.begin() as db:
        devices.revoke_device(db, "z-revoked", now=later(1), actor="test")
        states = service.states_by_site(db)
        alone = [(each.device_id, each.enrolled) for each in service.terminals(db, SITE, later(1))]
    assert {code: [(each.device_id, each.enrolled) for each in found] for code, found in states.items()} == {SITE: alone}
    assert sorted(enrolled for _, enrolled in alone) == [False, False, True]


def test_an_address_that_is_none_issues_nothing(centre: Centre) -> None:
    with centre.engine.begin() as db:
        service.plan(db, centre.keys, PLANNED, now=AT, actor="test")
        with pytest.raises(BadInput, match="http://HOST:PORT"):
            service.issue(db, centre.keys, DEVICE, addresses=("10.0.0.1:8080",), now=AT, actor="test")
        assert service.open_token(db, centre.keys, DEVICE, AT) is None


def test_the_gate_lets_a_thousand_terminals_through_and_no_flood() -> None:
    gate = Gate(each=3, total=5)
    for now_s in (0, 1, 2):
        gate.admit("a", now_s)
    with pytest.raises(TooManyRequests):
        gate.admit("a", 3)
    for name in ("b", "c"):
        gate.admit(name, 4)
    with pytest.raises(TooManyRequests):
        gate.admit("d", 5)
    gate.admit("a", 61)


def test_the_gate_counts_right_when_many_ask_at_once() -> None:
    gate, let_in = Gate(each=500, total=500), list[int]()

    def ask() -> None:
        for _ in range(200):
            try:
                gate.admit("a", 1)
                let_in.append(1)
            except TooManyRequests:
                continue

    threads = [Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(let_in) == 500


def test_every_reason_is_listed() -> None:
    source = (Path(service.__file__).parent / "granting.py").read_text(encoding="utf-8")
    assert {reason for reason in REASONS if f'"{reason}"' not in source} == set()


def test_a_clock_that_is_right_is_not_blamed() -> None:
    for seconds in (-299, 0, 299):
        assert clock_fault(timedelta(seconds=seconds), carried=False, since_issue=timedelta(hours=1)) is None
