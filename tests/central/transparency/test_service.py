"""The log on real SQLite and real PostgreSQL: places, checkpoints, proofs, erasure, and what is refused."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, delete, select, update

from central import migrate
from central.db import metadata, open_engine
from central.errors import BadInput, NotFound
from central.keys import CentreKeys, make_keys
from central.transparency import service as transparency
from central.transparency.model import Entry, LogBroken
from central.transparency.tables import log_checkpoints, log_leaves, log_pending, log_tiles
from central.transparency.tree import leaf_hash, require_consistent, root_of_path
from contract.checkpoints import VerifierKey, open_note
from tests.postgres import private_postgres

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> CentreKeys:
    return make_keys(tmp_path_factory.mktemp("keys"), broker_hosts=("localhost",), now=NOW)


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with private_postgres(tmp_path_factory.mktemp("postgres")) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path / 'log.sqlite3'}" if request.param == "sqlite" else request.getfixturevalue("postgres")
    engine = open_engine(url)
    migrate.upgrade(engine)
    with engine.begin() as db:
        for table in reversed(metadata.sorted_tables):
            db.execute(delete(table))
    yield engine
    engine.dispose()


def append(engine: Engine, first: int, count: int) -> None:
    entries = [Entry(kind="event", ref=f"T1/1/{number}", content=b"event %d" % number) for number in range(first, first + count)]
    with engine.begin() as db:
        transparency.append_many(db, entries, at=NOW)


def integrate(engine: Engine, keys: CentreKeys, limit: int = 1000) -> None:
    with engine.begin() as db:
        transparency.integrate(db, keys, NOW, limit=limit)


def checked(db: Connection, keys: CentreKeys, number: int) -> None:
    """The proof of one event, verified with nothing but what it says and the log's public key."""
    proof = transparency.proof(db, "event", f"T1/1/{number}")
    assert proof is not None
    signed = open_note(proof.checkpoint, VerifierKey.parse(keys.log_vkey))
    assert signed.size == proof.size
    assert root_of_path(leaf_hash(proof.leaf), proof.index, proof.size, proof.path) == signed.root
    assert transparency.opens(db, "event", proof.ref, b"event %d" % number) is True
    assert transparency.opens(db, "event", proof.ref, b"another") is False


def test_what_was_appended_is_proved_once_it_has_its_place(engine: Engine, keys: CentreKeys) -> None:
    append(engine, 0, 5)
    with engine.begin() as db:
        assert transparency.proof(db, "event", "T1/1/0") is None
        assert transparency.waits(db, "event", "T1/1/0")
        with pytest.raises(NotFound, match="the log is empty"):
            transparency.checkpoint(db)
    integrate(engine, keys)
    append(engine, 5, 700)
    while True:
        with engine.begin() as db:
            if transparency.integrate(db, keys, NOW, limit=97) is None:
                break
    with engine.begin() as db:
        for number in (0, 4, 5, 255, 256, 704):
            checked(db, keys, number)
        assert transparency.count_pending(db) == 0
        assert not transparency.waits(db, "event", "T1/1/0")
        assert transparency.proof(db, "event", "T1/1/705") is None


def test_every_checkpoint_continues_the_one_before(engine: Engine, keys: CentreKeys) -> None:
    key, roots = VerifierKey.parse(keys.log_vkey), list[tuple[int, bytes]]()
    for step in (1, 2, 300, 7, 1):
        append(engine, sum(size for size, _ in roots[-1:]), step)
        integrate(engine, keys)
        with engine.begin() as db:
            signed = open_note(transparency.checkpoint(db), key)
            roots.append((signed.size, signed.root))
    assert [size for size, _ in roots] == [1, 3, 303, 310, 311]
    with engine.begin() as db:
        for first, old in roots:
            assert transparency.root(db, first) == old
            for second, new in roots:
                if first <= second:
                    require_consistent(first, second, old, new, transparency.consistency(db, first, second))
        with pytest.raises(BadInput, match="no proof from 3 to 312"):
            transparency.consistency(db, 3, 312)


def test_a_transaction_that_fails_leaves_no_leaf(engine: Engine, keys: CentreKeys) -> None:
    with pytest.raises(RuntimeError), engine.begin() as db:
        transparency.append(db, "event", "T1/1/9", b"event 9", at=NOW)
        raise RuntimeError
    append(engine, 0, 1)
    with pytest.raises(RuntimeError), engine.begin() as db:
        transparency.integrate(db, keys, NOW)
        raise RuntimeError
    with engine.begin() as db:
        assert transparency.newest(db) is None
        assert transparency.count_pending(db) == 1
    integrate(engine, keys)
    with engine.begin() as db:
        checked(db, keys, 0)
        assert transparency.integrate(db, keys, NOW) is None


def test_an_erased_salt_breaks_nothing(engine: Engine, keys: CentreKeys) -> None:
    append(engine, 0, 3)
    with engine.begin() as db:
        assert transparency.forget(db, "event", "T1/1/2"), "one that still waits for its place"
    integrate(engine, keys)
    with engine.begin() as db:
        before = transparency.proof(db, "event", "T1/1/1")
        assert transparency.forget(db, "event", "T1/1/1")
        assert not transparency.forget(db, "event", "T1/1/1")
        assert not transparency.forget(db, "event", "T1/1/77")
        after = transparency.proof(db, "event", "T1/1/1")
    assert before is not None
    assert after is not None
    assert before.salt is not None
    assert after.salt is None
    assert (after.leaf, after.path, after.checkpoint) == (before.leaf, before.path, before.checkpoint)
    with engine.begin() as db:
        assert transparency.opens(db, "event", "T1/1/1", b"event 1") is None
        assert transparency.opens(db, "event", "T1/1/2", b"event 2") is None
        checked(db, keys, 0)
        assert db.execute(select(log_leaves.c.salt).where(log_leaves.c.ref == "T1/1/1")).scalar_one() is None
    append(engine, 3, 3)
    integrate(engine, keys)
    with engine.begin() as db:
        checked(db, keys, 5)


def test_the_same_content_gives_leaves_that_nobody_can_compare(engine: Engine, keys: CentreKeys) -> None:
    with engine.begin() as db:
        transparency.append(db, "event", "T1/1/1", b"same", at=NOW)
        transparency.append(db, "event", "T1/1/2", b"same", at=NOW)
    integrate(engine, keys)
    with engine.begin() as db:
        first, second = transparency.leaves(db, 0, 2)
    assert first.commitment != second.commitment
    assert first.data != second.data


def test_nothing_is_signed_over_a_tree_that_was_changed(engine: Engine, keys: CentreKeys) -> None:
    append(engine, 0, 300)
    integrate(engine, keys)
    append(engine, 300, 1)
    with engine.begin() as db:
        tile = db.execute(select(log_tiles.c.hashes).where(log_tiles.c.level == 0, log_tiles.c.number == 1)).scalar_one()
        db.execute(update(log_tiles).where(log_tiles.c.level == 0, log_tiles.c.number == 1).values(hashes=bytes(32) + tile[32:]))
    with pytest.raises(LogBroken, match="is not the one that was signed"):
        integrate(engine, keys)
    with engine.begin() as db:
        db.execute(update(log_tiles).where(log_tiles.c.level == 0, log_tiles.c.number == 1).values(hashes=tile[:-32]))
    with pytest.raises(LogBroken, match="a tile holds 43 hashes where 44 are needed"):
        integrate(engine, keys)
    with engine.begin() as db:
        db.execute(update(log_tiles).where(log_tiles.c.level == 0, log_tiles.c.number == 1).values(hashes=tile))
        assert db.execute(select(log_pending.c.names)).scalar_one() == "event T1/1/300\n", "what waits is still there"
    integrate(engine, keys)
    with engine.begin() as db:
        checked(db, keys, 300)


def test_nothing_is_signed_by_another_key_or_for_fewer_leaves(engine: Engine, keys: CentreKeys, tmp_path: Path) -> None:
    append(engine, 0, 3)
    integrate(engine, keys)
    append(engine, 3, 3)
    with pytest.raises(LogBroken, match=r"put back its log\.pem"):
        integrate(engine, make_keys(tmp_path / "other", broker_hosts=("localhost",), now=NOW))
    with engine.begin() as db:
        db.execute(delete(log_leaves).where(log_leaves.c.place == 2))
        db.execute(delete(log_tiles))
    with pytest.raises(LogBroken, match="cannot be read"):
        integrate(engine, keys)


def test_old_checkpoints_that_nobody_vouched_for_go(engine: Engine, keys: CentreKeys) -> None:
    for day in range(4):
        append(engine, day, 1)
        with engine.begin() as db:
            transparency.integrate(db, keys, NOW + timedelta(days=day))
    with engine.begin() as db:
        assert list(db.scalars(select(log_checkpoints.c.size).order_by(log_checkpoints.c.size))) == [3, 4]
        require_consistent(1, 4, transparency.root(db, 1), transparency.root(db, 4), transparency.consistency(db, 1, 4))


@pytest.mark.parametrize(("kind", "ref"), [("picture", "x"), ("event", ""), ("event", "x" * 97), ("event", "a b"), ("event", "a\nb")])
def test_a_name_that_does_not_fit_is_refused(engine: Engine, kind: str, ref: str) -> None:
    with pytest.raises(BadInput, match=r"log (kind|reference)"), engine.begin() as db:
        transparency.append(db, kind, ref, b"", at=NOW)


def test_several_sequencers_and_writers_at_once_make_one_tree(engine: Engine, keys: CentreKeys) -> None:
    done = threading.Event()

    def write(writer: int) -> None:
        for number in range(20):
            append(engine, writer * 1000 + number, 1)

    def sequence() -> None:
        while not done.wait(0.002):
            integrate(engine, keys, limit=7)

    with ThreadPoolExecutor() as pool:
        sequencers = [pool.submit(sequence) for _ in range(2)]
        try:
            list(pool.map(write, range(3)))
        finally:
            done.set()
        assert [each.result() for each in sequencers] == [None, None]
    integrate(engine, keys)
    with engine.begin() as db:
        assert len({leaf.ref for leaf in transparency.leaves(db, 0, 99)}) == 60
        for number in (0, 1019, 2007):
            checked(db, keys, number)
