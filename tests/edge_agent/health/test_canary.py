"""The made picture finds every part that no longer does its work, and disturbs nobody."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_agent.disk.vault import KEY_BYTES, Vault
from edge_agent.health import drawing
from edge_agent.health.canary import Canary, Line
from models.errors import ModelError
from models.pack import Pack, load_pack
from models.results import Face
from tests.edge_agent.building import make_terminal
from tests.fakes import ColourEmbedder, HandClock, ListDetector

SCHEMA = "CREATE TABLE IF NOT EXISTS notes (text TEXT NOT NULL);"


@pytest.fixture(scope="module")
def pack() -> Pack:
    try:
        return load_pack()
    except ModelError as error:
        pytest.skip(f"the face networks are not at hand: {error}")


@pytest.fixture
def line(tmp_path: Path, pack: Pack) -> Line:
    terminal = make_terminal(tmp_path)
    vault = Vault.open(tmp_path / "a.db", b"k" * KEY_BYTES, SCHEMA)
    return Line(pack=pack, signer=terminal.signer, seal_key=terminal.seal_key, vaults=[vault])


def fault(line: Line) -> str | None:
    canary = Canary(line, every_s=3600, clock=HandClock(), idle=lambda: True)
    canary.run()
    return canary.fault


def test_a_whole_line_passes(line: Line) -> None:
    assert fault(line) is None


def test_the_drawing_is_the_same_everywhere() -> None:
    assert drawing.face().shape == (drawing.HEIGHT, drawing.WIDTH, 3)
    assert sha256(drawing.face().tobytes()).hexdigest() == "e24a3d34a116a1bdef245c05ca6e3250458f24fbef3e7de09b913ad69d4b956a"


@dataclass(slots=True)
class Noisy:
    """A network whose weights went wrong: it answers with noise."""

    inner: Any
    version: str
    size: int

    def describe(self, chips: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        vectors, strengths = self.inner.describe(chips)
        noisy = vectors + np.random.default_rng(0).normal(0, 0.03, vectors.shape).astype(np.float32)
        return noisy / np.linalg.norm(noisy, axis=1, keepdims=True), strengths


class Broken:
    """A network that raises."""

    def detect(self, picture: NDArray[np.uint8]) -> tuple[Face, ...]:
        raise RuntimeError(f"no memory for {picture.shape}")


@dataclass(slots=True)
class Dead:
    """A network that always says the same."""

    version: str

    def score(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.zeros(len(crops), np.float32)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda pack: replace(pack, detector=ListDetector()), "detector (0 faces"),
        (lambda pack: replace(pack, detector=Broken()), "detector (RuntimeError)"),
        (lambda pack: replace(pack, embedder=Noisy(pack.embedder, pack.embedder.version, pack.embedder.size)), "embedder (similarity"),
        (lambda pack: replace(pack, liveness=Dead(pack.liveness.version)), "liveness (score"),
    ],
)
def test_a_network_that_went_wrong_is_named(line: Line, change: Callable[[Pack], Pack], says: str) -> None:
    assert str(fault(replace(line, pack=change(line.pack)))).startswith(says)


def test_a_store_that_cannot_be_written_is_named_and_nothing_is_ever_kept(line: Line) -> None:
    assert fault(line) is None
    (vault,) = line.vaults
    with vault.transaction() as db:
        assert [row[0] for row in db.execute("SELECT name FROM sqlite_master")] == ["notes"]
    vault.close()
    assert str(fault(line)).startswith("store (")


def test_other_networks_are_held_to_their_own_first_answer(line: Line) -> None:
    embedder = ColourEmbedder()
    canary = Canary(
        replace(line, pack=replace(line.pack, embedder=embedder, liveness=None)), every_s=1, clock=HandClock(), idle=lambda: True
    )
    canary.run()
    assert canary.fault is None
    embedder.fails = True
    canary.run()
    assert canary.fault == "embedder (RuntimeError)"


def test_it_waits_for_a_quiet_moment_and_says_when_none_comes(line: Line) -> None:
    clock, idle = HandClock(), [False]
    canary = Canary(line, every_s=3600, clock=clock, idle=lambda: idle[0])
    canary.run_if_due()
    assert canary.late_s == 3600
    clock.pass_s(60)
    idle[0] = True
    canary.run_if_due()
    assert canary.late_s == 0 and canary.fault is None
    clock.pass_s(3599)
    canary.run_if_due()
    assert canary.late_s == 3599
    clock.pass_s(1)
    canary.run_if_due()
    assert canary.late_s == 0
