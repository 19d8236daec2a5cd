"""The transparency log among real processes: broker, ingest, terminal and a witness of another organisation."""

from pathlib import Path

import pytest

from central.captures.logged import unlogged
from central.db import reading
from central.transparency import service as transparency
from central.transparency import walk
from contract.checkpoints import VerifierKey, open_note
from edge_agent.disk.vault import Vault, vault_key
from edge_agent.wiring import OUTBOX_SCHEMA
from models.errors import ModelError
from models.pack import load_pack
from scripts.demo import SITE
from scripts.stack import Stack, wait_until
from tests.central.transparency.witnesses import new_witness, running_witness

VOIDS = 5


@pytest.fixture(scope="module", autouse=True)
def networks() -> None:
    try:
        load_pack()
    except ModelError as error:
        pytest.skip(f"the face networks are not at hand: {error}")


def state(stack: Stack) -> tuple[int, int, int]:
    """(events in the log, leaves that a witness co-signed, terminals that read the log)."""
    device = f"{SITE.fixmedins_code}-t1"
    with reading(stack.centre.engine).begin() as db:
        newest, cosigned = transparency.newest(db), transparency.newest_cosigned(db)
        size = 0 if newest is None else newest.checkpoint.size
        events = sum(leaf.kind == "event" for leaf in transparency.leaves(db, 0, size))
        return events, 0 if cosigned is None else cosigned.checkpoint.size, len(transparency.listeners(db, [device], stack.centre.keys))


def seen(stack: Stack) -> str:
    """The checkpoint that the stopped terminal keeps."""
    data = stack.agent_folder / "data"
    vault = Vault.open(data / "outbox.db", vault_key(data / "vault.key"), OUTBOX_SCHEMA)
    with vault.transaction() as db:
        note: str = db.execute("SELECT note FROM log_seen").fetchone()[0]
    vault.close()
    return note


def test_what_the_till_does_is_logged_co_signed_and_seen_by_the_terminal(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "stack", SITE, {"W1": "none.mkv"})
    key = new_witness(tmp_path / "witness", "witness.example")
    with running_witness(tmp_path / "witness", stack.centre.keys.log_vkey) as url:
        with (stack.folder / "central.toml").open("a", encoding="utf-8") as settings:
            witnesses = f'[{{ url = "{url}", key = "{key}" }}]'
            settings.write(f"[transparency]\nevery_s = 0.2\nwitness_every_s = 0.5\nwitnesses = {witnesses}\n")
        with stack:
            wait_until("a birth that names the log", lambda: state(stack)[2] == 1)
            for number in range(VOIDS):
                stack.till("/session/void", {"setl_id": f"S{number}"})
            wait_until("every event in the log and a first co-signature", lambda: state(stack)[0] >= VOIDS and state(stack)[1] > 0)
            size = state(stack)[1]
            stack.till("/session/void", {"setl_id": "S-last"})
            wait_until("a new co-signature", lambda: state(stack)[1] > size and state(stack)[0] > VOIDS)
            wait_until("an empty outbox", lambda: stack.health()["backlog"] == 0)
    checkpoint = open_note(seen(stack), VerifierKey.parse(stack.centre.keys.log_vkey))
    with reading(stack.centre.engine).begin() as db:
        assert transparency.root(db, checkpoint.size) == checkpoint.root
        report = walk.verify(db, stack.centre.keys, [VerifierKey.parse(key)])
        assert report.faults == ()
        assert report.cosignatures > 1
        assert list(unlogged(db, report.size)) == []
