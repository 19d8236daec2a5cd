"""Co-signing over real HTTP: witnesses that work, forget nothing, are down, slow or lie; and logs that were cut or rewritten."""

import time
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, delete

from central import migrate
from central.db import open_engine, reading, utc_now
from central.errors import Misconfigured
from central.keys import CentreKeys, make_keys
from central.settings import Settings, TransparencySettings, WitnessSettings
from central.transparency import service as transparency
from central.transparency import walk, witnessing
from central.transparency.model import Entry, Signed, WitnessState
from central.transparency.sequencer import Sequencer
from central.transparency.tables import log_checkpoints, log_leaves, log_tiles
from contract.checkpoints import LOG, WITNESS, Checkpoint, VerifierKey, cosign, read, sign, signed_by
from contract.sealed import raw_public
from tests.central.transparency.witnesses import false_witness, new_witness, running_witness

NAME = "witness.example"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> CentreKeys:
    return make_keys(tmp_path_factory.mktemp("keys"), broker_hosts=("localhost",), now=datetime(2026, 11, 22, tzinfo=UTC))


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = open_engine(f"sqlite:///{tmp_path / 'log.sqlite3'}")
    migrate.upgrade(engine)
    return engine


def grow(engine: Engine, keys: CentreKeys, count: int, word: str = "event") -> None:
    with engine.begin() as db:
        entries = [Entry(kind="event", ref=f"{word}/{number}", content=b"x") for number in range(count)]
        transparency.append_many(db, entries, at=utc_now())
        transparency.integrate(db, keys, utc_now())


def ask(engine: Engine, url: str, key: str, timeout_s: float = 10.0) -> WitnessState:
    witnessing.ask(engine, WitnessSettings(url=url, key=key), timeout_s=timeout_s, now=utc_now)
    with engine.begin() as db:
        (state,) = transparency.witnesses(db)
    return state


def set_back(engine: Engine) -> None:
    """An older state of the database, here an empty one."""
    with engine.begin() as db:
        for table in (log_checkpoints, log_tiles, log_leaves):
            db.execute(delete(table))


def test_a_witness_co_signs_what_only_grew_and_remembers_it_over_a_kill(engine: Engine, keys: CentreKeys, tmp_path: Path) -> None:
    key = new_witness(tmp_path / "witness", NAME)
    for count in (3, 300, 1):
        grow(engine, keys, count, word=str(count))
        with running_witness(tmp_path / "witness", keys.log_vkey) as url:
            state = ask(engine, url, key)
            assert state.fault is None
    with engine.begin() as db:
        note = transparency.checkpoint(db)
        checkpoint, signatures = read(note)
        assert (checkpoint.size, state.size, len(signatures)) == (304, 304, 2)
        at = signed_by(checkpoint, signatures[1], VerifierKey.parse(key))
        assert at is not None
        assert abs(at - time.time()) < 60
        proof = transparency.proof(db, "event", "3/0")
        assert proof is not None
        assert proof.checkpoint == note
        assert walk.verify(db, keys, [VerifierKey.parse(key)]).faults == ()
    grow(engine, keys, 5, word="later")
    with engine.begin() as db:
        proof = transparency.proof(db, "event", "3/0")
        assert proof is not None
        assert proof.size == 304, "the co-signed checkpoint says more than the newest one"
        proof = transparency.proof(db, "event", "later/0")
        assert proof is not None
        assert proof.size == 309


def test_all_witnesses_co_sign_the_same_checkpoint_however_the_log_grows(engine: Engine, keys: CentreKeys, tmp_path: Path) -> None:
    """A busy centre signs a new one each second: asked about two, no proof would ever carry the lines of both."""
    names = ("one.example", "two.example")
    verifiers = [new_witness(tmp_path / name, name) for name in names]
    grow(engine, keys, 3)

    def busy() -> datetime:
        grow(engine, keys, 2, word="meanwhile")
        return utc_now()

    with running_witness(tmp_path / names[0], keys.log_vkey) as one, running_witness(tmp_path / names[1], keys.log_vkey) as two:
        asked = [WitnessSettings(url=url, key=key) for url, key in zip((one, two), verifiers, strict=True)]
        witnessing.ask_all(engine, TransparencySettings(witnesses=tuple(asked)), busy)
        with engine.begin() as db:
            proof = transparency.proof(db, "event", "event/0")
            assert proof is not None
            assert {each.name for each in read(proof.checkpoint)[1]} == {*names, keys.log_origin}
        late = transparency_newest(engine)
        witnessing.ask_all(engine, TransparencySettings(witnesses=tuple(asked)), utc_now)
        witnessing.ask(engine, asked[0], timeout_s=5.0, now=utc_now, signed=late)
        with engine.begin() as db:
            transparency.note_witness(db, names[0], 3, now=utc_now(), fault=None)
        grow(engine, keys, 1, word="more")
        witnessing.ask(engine, asked[0], timeout_s=5.0, now=utc_now, signed=late)
        with engine.begin() as db:
            assert [each.fault for each in transparency.witnesses(db)] == [None, None], (
                "another worker asked meanwhile, nothing was set back"
            )


def transparency_newest(engine: Engine) -> Signed | None:
    with engine.begin() as db:
        return transparency.newest(db)


def test_a_log_that_was_rewritten_or_cut_gets_no_co_signature(engine: Engine, keys: CentreKeys, tmp_path: Path) -> None:
    key = new_witness(tmp_path / "witness", NAME)
    with running_witness(tmp_path / "witness", keys.log_vkey) as url:
        grow(engine, keys, 40)
        assert ask(engine, url, key).fault is None
        set_back(engine)
        grow(engine, keys, 30)
        fault = ask(engine, url, key).fault
        assert fault is not None
        assert "it has seen 40 leaves and the log has 30: the database was set back" in fault
        grow(engine, keys, 10)
        assert "status 409" in str(ask(engine, url, key).fault), "another tree of the same size"
        grow(engine, keys, 10)
        assert "status 422" in str(ask(engine, url, key).fault), "a larger tree that does not begin with the seen one"
    with engine.begin() as db:
        assert len(read(transparency.checkpoint(db))[1]) == 1


def test_a_centre_that_forgot_where_a_witness_is_is_told(engine: Engine, keys: CentreKeys, tmp_path: Path) -> None:
    key = new_witness(tmp_path / "witness", NAME)
    with running_witness(tmp_path / "witness", keys.log_vkey) as url:
        grow(engine, keys, 7)
        ask(engine, url, key)
        grow(engine, keys, 7, word="more")
        with engine.begin() as db:
            transparency.note_witness(db, NAME, 0, now=utc_now(), fault=None)
        state = ask(engine, url, key)
        assert (state.fault, state.size) == (None, 14)


def forged(
    keys: CentreKeys, key: Ed25519PrivateKey, seconds: int = 0, other: bool = False
) -> Callable[[BaseHTTPRequestHandler, bytes], None]:
    def answer(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        checkpoint, _ = read(body.decode().partition("\n\n")[2])
        if other:
            checkpoint, _ = read(sign(checkpoint, keys.log_private).replace(f"\n{checkpoint.size}\n", "\n1\n", 1))
        say(handler, 200, cosign(checkpoint, NAME, key, int(time.time()) + seconds).line)

    return answer


def say(handler: BaseHTTPRequestHandler, status: int, text: str, content_type: str = "text/plain") -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", content_type)
    handler.end_headers()
    handler.wfile.write(text.encode())


def test_a_witness_that_lies_is_not_believed(engine: Engine, keys: CentreKeys) -> None:
    grow(engine, keys, 5)
    private, stranger = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    key = str(VerifierKey(name=NAME, kind=WITNESS, public=raw_public(private.public_key())))
    lies: list[tuple[Callable[[BaseHTTPRequestHandler, bytes], object], str]] = [
        (forged(keys, stranger), "no co-signature by the key in the settings"),
        (forged(keys, private, seconds=3600), "one of the clocks is wrong"),
        (forged(keys, private, other=True), "no valid co-signature"),
        (lambda handler, _: say(handler, 200, "thank you\n"), "is no co-signature"),
        (lambda handler, _: say(handler, 200, "\u2014 " + "x" * 20_000), "longer than"),
        (lambda handler, _: say(handler, 409, "99999999\n", "text/x.tlog.size"), "the database was set back"),
        (lambda handler, _: say(handler, 409, "-3\n", "text/x.tlog.size"), "status 409"),
        (lambda handler, _: say(handler, 404, "who?\n"), "does not know this log"),
        (lambda handler, _: say(handler, 500, "\n"), "status 500"),
        (lambda handler, _: handler.wfile.write(b"rubbish\xff\r\n"), "does not answer"),
    ]
    for answer, fault in lies:
        with false_witness(answer) as url:
            assert fault in str(ask(engine, url, key).fault)
    with engine.begin() as db:
        assert len(read(transparency.checkpoint(db))[1]) == 1
    with false_witness(forged(keys, private)) as url:
        assert ask(engine, url, key).fault is None, "and an honest one is believed afterwards"


def test_a_witness_that_is_down_or_slow_costs_its_time_and_no_more(engine: Engine, keys: CentreKeys) -> None:
    grow(engine, keys, 2)
    key = str(VerifierKey(name=NAME, kind=WITNESS, public=raw_public(Ed25519PrivateKey.generate().public_key())))
    assert "does not answer" in str(ask(engine, "http://127.0.0.1:9", key).fault)
    done = Event()

    def drip(handler: BaseHTTPRequestHandler, _body: bytes) -> None:
        handler.wfile.write(b"HTTP/1.0 200 OK\r\n")
        while not done.wait(0.05):
            handler.wfile.write(b"X-More: x\r\n")

    with false_witness(drip) as url:
        begun = time.monotonic()
        assert "its answer took longer than 0.5 s" in str(ask(engine, url, key, timeout_s=0.5).fault)
        assert time.monotonic() - begun < 10
        done.set()


def test_the_sequencer_signs_and_asks_by_itself_and_survives_a_broken_log(engine: Engine, keys: CentreKeys, tmp_path: Path) -> None:
    key = new_witness(tmp_path / "witness", NAME)
    with running_witness(tmp_path / "witness", keys.log_vkey) as url:
        settings = TransparencySettings(every_s=0.02, witness_every_s=0.05, witnesses=(WitnessSettings(url=url, key=key),))
        with Sequencer(engine, keys, settings, utc_now):
            for number in range(3):
                with engine.begin() as db:
                    transparency.append(db, "event", f"x/{number}", b"x", at=utc_now())
                wait_for(lambda size=number + 1: cosigned(engine) == size)  # type: ignore[misc]
            with engine.begin() as db:
                db.execute(delete(log_tiles))
                transparency.append(db, "event", "x/9", b"x", at=utc_now())
            time.sleep(0.2)
    with engine.begin() as db:
        assert transparency.count_pending(db) == 1
    assert cosigned(engine) == 3


def cosigned(engine: Engine) -> int:
    with reading(engine).begin() as db:
        signed = transparency.newest_cosigned(db)
    return 0 if signed is None else signed.checkpoint.size


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 400),
        ("old x\n\n", 400),
        ("old 01\n\na\n1\n\n", 400),
        ("old 0\n" + "AAAA\n" * 2 + "\nx\n1\nAAAA\n\n", 400),
        ("old 0\n" + f"{b64encode(bytes(32)).decode()}\n" * 64 + "\n", 400),
        ("old 0\n\nunknown.example\n1\n" + b64encode(bytes(32)).decode() + "\n\n\u2014 x AAAA\n", 404),
    ],
)
def test_a_witness_answers_rubbish_as_the_specification_says(keys: CentreKeys, tmp_path: Path, body: str, status: int) -> None:
    new_witness(tmp_path / "witness", NAME)
    with running_witness(tmp_path / "witness", keys.log_vkey) as url:
        assert witnessing.post(f"{url}/add-checkpoint", body, 10).status == status


def test_a_witness_signs_nothing_by_another_log_key_and_nothing_without_its_memory(keys: CentreKeys, tmp_path: Path) -> None:
    new_witness(tmp_path / "witness", NAME)
    with running_witness(tmp_path / "witness", keys.log_vkey) as url:
        note = sign(one_leaf(keys), Ed25519PrivateKey.generate())
        assert witnessing.post(f"{url}/add-checkpoint", f"old 0\n\n{note}", 10).status == 403
        own = sign(one_leaf(keys), keys.log_private)
        assert witnessing.post(f"{url}/add-checkpoint", f"old 9\n\n{own}", 10).status == 400
        assert witnessing.post(f"{url}/add-checkpoint", f"old 0\n\n{own}", 10).status == 200
        told = witnessing.post(f"{url}/add-checkpoint", f"old 0\n\n{own}", 10)
        assert (told.status, told.content_type, told.body) == (409, "text/x.tlog.size", "1\n")
    for path in (tmp_path / "witness" / "logs").iterdir():
        path.write_text("{}", encoding="utf-8")
    with running_witness(tmp_path / "witness", keys.log_vkey) as url:
        assert witnessing.post(f"{url}/add-checkpoint", f"old 1\n\n{own}", 10).status == 500


def one_leaf(keys: CentreKeys) -> Checkpoint:
    return Checkpoint(origin=keys.log_origin, size=1, root=bytes(32))


LOG_VKEY = str(VerifierKey(name="log.example", kind=LOG, public=raw_public(Ed25519PrivateKey.generate().public_key())))
WITNESS_VKEY = str(VerifierKey(name=NAME, kind=WITNESS, public=raw_public(Ed25519PrivateKey.generate().public_key())))


@pytest.mark.parametrize(
    ("witnesses", "fault"),
    [
        ([{"url": "https://a.example", "key": LOG_VKEY}], "is the key of a log"),
        ([{"url": "https://a.example", "key": WITNESS_VKEY[:-2]}], "verifier key"),
        ([{"url": "ftp://a.example", "key": WITNESS_VKEY}], "url"),
        ([{"url": "https://", "key": WITNESS_VKEY}], "url"),
        ([{"url": f"https://{each}.example", "key": WITNESS_VKEY} for each in "ab"], "two witnesses have the same name"),
    ],
)
def test_a_witness_that_cannot_be_one_stops_the_start(tmp_path: Path, witnesses: list[dict[str, str]], fault: str) -> None:
    file = tmp_path / "central.toml"
    lines = ", ".join(f'{{ url = "{each["url"]}", key = "{each["key"]}" }}' for each in witnesses)
    file.write_text(f"[transparency]\nwitnesses = [{lines}]\n", encoding="utf-8")
    with pytest.raises(Misconfigured, match=fault):
        Settings.read(file)
