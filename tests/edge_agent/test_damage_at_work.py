"""A store that goes bad under a running agent: it ends by itself, and started again it goes on with what could be read."""

import signal
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from edge_agent.chain.outbox import Outbox
from edge_agent.disk.vault import Vault, vault_key
from edge_agent.judging import gallery
from edge_agent.settings import load
from edge_agent.wiring import OUTBOX_SCHEMA, Program, build
from models.pack import Pack
from tests.edge_agent.broker import wait
from tests.edge_agent.building import DEVICE, Terminal, entry, make_terminal
from tests.edge_agent.test_wiring import QUICK, call, start
from tests.fakes import ColourEmbedder, ListDetector

PAGE = 4096


@pytest.fixture
def ended() -> Iterator[Event]:
    """Set when the program asks to be ended as the service manager would."""
    told = Event()
    before = signal.signal(signal.SIGTERM, lambda _number, _frame: told.set())
    yield told
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return make_terminal(tmp_path / "site", more=QUICK)


def running(terminal: Terminal) -> Program:
    pack = Pack(detector=ListDetector(), embedder=ColourEmbedder(), hashes={"list": "a" * 64, "colour": "b" * 64})
    program = build(load(terminal.settings_file), pack=pack)
    program.start()
    return program


def read_anew(terminal: Terminal) -> None:
    """Another process writes, so that the agent trusts no page that it has in memory."""
    data = terminal.folder / "data"
    vault = Vault.open(data / "outbox.db", vault_key(data / "vault.key"), OUTBOX_SCHEMA)
    Outbox(vault, new_epoch=1).next_connection()
    vault.checkpoint()
    vault.close()


def flip(path: Path, pages: range) -> None:
    """One bit in each of these pages."""
    with path.open("r+b", buffering=0) as file:
        for page in pages:
            file.seek((page - 1) * PAGE + 1000)
            byte = file.read(1)[0]
            file.seek(-1, 1)
            file.write(bytes([byte ^ 16]))


def problems(program: Program, terminal: Terminal) -> dict[str, str]:
    status, health = call(program, terminal, "/health")
    return {problem["check"]: problem["detail"] for problem in health["problems"]} if status == 200 else {}


def test_an_agent_whose_outbox_goes_bad_ends_itself_and_the_next_one_salvages(terminal: Terminal, ended: Event) -> None:
    program, path = running(terminal), terminal.folder / "data" / "outbox.db"
    for number in range(30):
        assert call(program, terminal, "/session/start", start(f"M{number}") | {"psn_no": f"P{number}"})[0] == 200
    assert wait(lambda: program.agent.open_sessions == 0, 20)
    assert "store" not in problems(program, terminal) and not ended.is_set()
    assert call(program, terminal, "/health")[1]["backlog"] == 30
    read_anew(terminal)
    flip(path, range(2, path.stat().st_size // PAGE - 2))
    call(program, terminal, "/health")
    assert ended.wait(10), "noticed within seconds"
    program.stop()
    again = running(terminal)
    try:
        told = problems(again, terminal)["store"]
        assert "outbox.db.damaged-" in told and "support" in told
        status, health = call(again, terminal, "/health")
        assert status == 200 and health["backlog"] > 0
        assert call(again, terminal, "/session/start", start("M99"))[0] == 200
    finally:
        again.stop()
    print(f"{health['backlog']} events wait after the damage of every page but a few")


def test_a_gallery_that_goes_bad_is_noticed_by_the_first_comparison(terminal: Terminal, ended: Event) -> None:
    program, path = running(terminal), terminal.folder / "data" / "gallery.db"
    vault = Vault.open(path, vault_key(terminal.folder / "data" / "vault.key"), gallery.SCHEMA)
    faces = gallery.Faces(vault=vault, seal_key=terminal.seal_key, device=DEVICE, embedder="colour-1", size=3)
    faces.add([entry(f"P{number}", [1, 0, 0]) for number in range(200)])
    vault.checkpoint()
    vault.close()
    flip(path, range(2, path.stat().st_size // PAGE + 1))
    status, answer = call(program, terminal, "/session/start", start("M1"))
    assert (status, answer["answer"]) == (200, "manual"), "the settlement goes on"
    assert ended.wait(10)
    program.stop()
    again = running(terminal)
    try:
        assert "gallery.db.damaged-" in problems(again, terminal)["store"]
    finally:
        again.stop()


@pytest.mark.parametrize("damage", ["before the start", "while it runs"])
def test_damaged_film_is_named_and_ends_nothing(terminal: Terminal, ended: Event, damage: str) -> None:
    first = running(terminal)
    film = terminal.folder / "data" / "film.db"
    assert wait(film.exists)
    if damage == "before the start":
        first.stop()
        film.write_bytes(b"no film at all" * 1000)
        first = running(terminal)
    else:
        assert wait(lambda: film.stat().st_size >= 4 * PAGE)
        spool = next(part for part in first.others if hasattr(part, "_spool"))._spool
        with spool._lock:  # a reader between would have whole pages in memory
            spool._shut()
            flip(film, range(1, film.stat().st_size // PAGE))
        spool.open()
    try:
        assert wait(lambda: "film.db.damaged-" in problems(first, terminal).get("store", ""))
        assert not ended.wait(2)
    finally:
        first.stop()
