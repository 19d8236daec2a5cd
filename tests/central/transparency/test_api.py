"""The log as auditors' programs and browsers see it."""

from base64 import b64decode
from pathlib import Path

import pytest
from fastapi import FastAPI

from central.accounts.model import Role
from central.audit import service as audit
from central.transparency import service as transparency
from central.transparency.model import Entry
from central.transparency.tree import leaf_hash, require_consistent, root_of_path
from central.wiring import Centre
from contract.checkpoints import VerifierKey, open_note
from tests import builders
from tests.central.web.consoles import HOSTILE, program, visitor

COUNT = 600


@pytest.fixture
def size(centre: Centre) -> int:
    """A log of some hundred events behind the audit entries of the set-up."""
    with centre.engine.begin() as db:
        entries = [Entry(kind="event", ref=f"T1/1/{number}", content=b"event %d" % number) for number in range(COUNT)]
        transparency.append_many(db, entries, at=builders.AT)
        grown = transparency.integrate(db, centre.keys, builders.AT)
        transparency.append(db, "event", "T1/1/9999", b"later", at=builders.AT)
    assert grown is not None
    return grown.size


def test_a_proof_verifies_with_nothing_but_the_answer_and_the_key(app: FastAPI, size: int) -> None:
    auditor = program(app, Role.AUDITOR)
    key = VerifierKey.parse(auditor.get("/api/log/key").text.strip())
    proof = auditor.get("/api/log/proof", params={"kind": "event", "ref": "T1/1/77"}).json()
    signed = open_note(proof["checkpoint"], key)
    assert signed == open_note(auditor.get("/api/log/checkpoint").text, key)
    path = [b64decode(each) for each in proof["path"]]
    assert root_of_path(leaf_hash(proof["leaf"].encode()), proof["index"], proof["size"], path) == signed.root
    assert signed.size == size


def test_the_tiles_rebuild_the_tree(app: FastAPI, centre: Centre, size: int) -> None:
    auditor = program(app, Role.AUDITOR)
    hashes, leaves = b"", list[bytes]()
    for number in range(size // 256 + 1):
        suffix = "" if number < size // 256 else f".p/{size % 256}"
        hashes += auditor.get(f"/api/log/tile/0/{number:03}{suffix}").content
        bundle = auditor.get(f"/api/log/tile/entries/{number:03}{suffix}").content
        while bundle:
            length = int.from_bytes(bundle[:2], "big")
            leaves.append(bundle[2 : 2 + length])
            bundle = bundle[2 + length :]
    assert len(leaves) == size
    assert hashes == b"".join(leaf_hash(leaf) for leaf in leaves)
    answer = auditor.get("/api/log/consistency", params={"first": 300, "second": size}).json()
    with centre.engine.begin() as db:
        first, second = transparency.root(db, 300), transparency.root(db, size)
    require_consistent(300, size, first, second, [b64decode(each) for each in answer["path"]])


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("proof?kind=event&ref=nobody", 404),
        ("proof?kind=event&ref=T1/1/9999", 404),
        ("proof?kind=picture&ref=x", 422),
        ("proof?kind=event&ref=" + "x" * 97, 422),
        ("consistency?first=9&second=8", 400),
        ("consistency?first=1&second=99999999", 400),
        ("consistency?first=-1&second=1", 422),
        ("tile/0/999", 404),
        ("tile/0/000.p/256", 404),
        ("tile/0/000.p/0", 404),
        ("tile/0/002", 404),
        ("tile/1/000.p/200", 404),
        ("tile/9/000", 404),
        ("tile/-1/000", 404),
        ("tile/0/0", 404),
        ("tile/0/" + "x999/" * 6 + "999", 404),
        ("tile/entries/999", 404),
        ("tile/x/000", 422),
    ],
)
def test_what_is_not_there_is_said_so(app: FastAPI, size: int, address: str, status: int) -> None:
    assert size
    assert program(app, Role.AUDITOR).get(f"/api/log/{address}").status_code == status


def test_only_auditors_read_the_log(app: FastAPI, size: int) -> None:
    assert size
    for role in (Role.ADMINISTRATOR, Role.MONITOR):
        for address in ("checkpoint", "key", "proof?kind=event&ref=T1/1/1", "consistency?first=1&second=2", "tile/0/000"):
            assert program(app, role).get(f"/api/log/{address}").status_code == 403
        assert visitor(app, role).get("/log").status_code == 403
    assert visitor(app).get("/api/log/checkpoint").status_code == 401


def test_the_page_says_whether_an_entry_is_in_the_log(app: FastAPI, centre: Centre, size: int) -> None:
    auditor = visitor(app, Role.AUDITOR)
    auditor.cookies.set("language", "en")
    assert f"{size:,}" in auditor.get("/log").text
    assert "It is in the log; the salt is there" in auditor.get("/log?kind=event&ref=T1/1/5").text
    assert "waits for its place" in auditor.get("/log?kind=event&ref=T1/1/9999").text
    assert "holds no such entry" in auditor.get("/log", params={"kind": "event", "ref": HOSTILE}).text
    assert HOSTILE not in auditor.get("/log", params={"kind": "event", "ref": HOSTILE}).text
    with centre.engine.begin() as db:
        newest = audit.entries(db).rows[-1]
        transparency.forget(db, "event", "T1/1/5")
    assert "It is in the log; the salt is there" in auditor.get(f"/log?kind=audit&ref={newest.sha256}").text
    assert "the salt was erased" in auditor.get("/log?kind=event&ref=T1/1/5").text


def test_the_page_compares_a_checkpoint_that_somebody_holds(app: FastAPI, centre: Centre, size: int, tmp_path: Path) -> None:
    auditor = visitor(app, Role.AUDITOR)
    auditor.cookies.set("language", "en")
    with centre.engine.begin() as db:
        note = transparency.checkpoint(db)
        transparency.integrate(db, centre.keys, builders.AT)
    assert "continues this checkpoint" in auditor.get("/log", params={"note": note.replace("\n", "\r\n")}).text
    assert "no checkpoint that this log signed" in auditor.get("/log", params={"note": note.replace(f"\n{size}\n", "\n3\n")}).text
    assert "no checkpoint that this log signed" in auditor.get("/log", params={"note": HOSTILE}).text


def test_witnesses_and_anchors_are_shown(app: FastAPI, centre: Centre, size: int) -> None:
    with centre.engine.begin() as db:
        transparency.note_witness(db, "witness.example", 12, now=builders.AT, fault="it does not answer")
        assert transparency.note_anchor(db, "T1", 12, transparency.root(db, 12).hex(), said_at=builders.AT)
        assert not transparency.note_anchor(db, "T2", 12, "0" * 64, said_at=builders.AT)
        assert not transparency.note_anchor(db, "T3", size + 1, "0" * 64, said_at=builders.AT)
    auditor = visitor(app, Role.AUDITOR)
    auditor.cookies.set("language", "en")
    page = auditor.get("/log").text
    assert "it does not answer" in page
    assert "Witness witness.example has not co-signed for half an hour" in page
    assert "These terminals have seen another tree: T2, T3." in page
