"""The whole walk and the export: whole when untouched, and each kind of change found and named."""

import json
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from zipfile import ZipFile

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, delete, insert, update
from typer.testing import CliRunner

from central.__main__ import app
from central.audit import service as audit
from central.audit.tables import audit_log
from central.transparency import service as transparency
from central.transparency import walk
from central.transparency.model import Entry, Signed
from central.transparency.tables import log_anchors, log_checkpoints, log_cosignatures, log_leaves, log_tiles
from central.wiring import Centre
from contract.checkpoints import WITNESS, VerifierKey, cosign, sign
from contract.sealed import raw_public
from tests import builders
from tests.central.building import make_centre
from tests.postgres import private_postgres

VERIFIER = Path(__file__).parents[3] / "scripts" / "verify_evidence.py"
PRIVATE = Ed25519PrivateKey.generate()
WITNESS_KEY = VerifierKey(name="witness.example", kind=WITNESS, public=raw_public(PRIVATE.public_key()))
EVENTS = 600


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    """A log of some hundred events in two checkpoints, the newer one co-signed, and one device that has seen the older one."""
    centre = make_centre(tmp_path / "centre")
    for part in range(2):
        with centre.engine.begin() as db:
            entries = [Entry(kind="event", ref=f"T{part}/1/{number}", content=b"x") for number in range(EVENTS // 2)]
            transparency.append_many(db, entries, at=builders.AT)
            audit.record(db, now=builders.AT, actor="li.na", action="picture.view", object="m1", detail={"reason": "复核"})
            grown = transparency.integrate(db, centre.keys, builders.AT)
            assert grown is not None
    assert grown is not None
    with centre.engine.begin() as db:
        at = int(builders.AT.timestamp())
        transparency.keep_cosignature(db, grown, cosign(grown, WITNESS_KEY.name, PRIVATE, at), WITNESS_KEY, now=builders.AT)
        assert transparency.note_anchor(db, "T1", 300, transparency.root(db, 300).hex(), said_at=builders.AT)
    return centre


def faults(centre: Centre) -> tuple[str, ...]:
    with centre.engine.begin() as db:
        return walk.verify(db, centre.keys, [WITNESS_KEY]).faults


def test_an_untouched_log_is_whole(centre: Centre) -> None:
    with centre.engine.begin() as db:
        report = walk.verify(db, centre.keys, [WITNESS_KEY])
        assert list(audit.unlogged(db)) == []
    assert (report.intact, report.cosignatures, report.anchors, report.waiting) == (True, 1, 1, 0)
    assert report.size == EVENTS + 3


def changed_tile(db: Connection) -> None:
    db.execute(update(log_tiles).where(log_tiles.c.level == 0, log_tiles.c.number == 0).values(hashes=bytes(32 * 256)))


def other_note(db: Connection) -> None:
    note = transparency.checkpoint(db).replace("\n603\n", "\n602\n")
    db.execute(update(log_checkpoints).where(log_checkpoints.c.size == 603).values(note=note))


def signed_by_another(db: Connection) -> None:
    newest = transparency.newest(db)
    assert newest is not None
    note = sign(newest.checkpoint, Ed25519PrivateKey.generate())
    db.execute(update(log_checkpoints).where(log_checkpoints.c.size == 603).values(note=note))


def forged_cosignature(db: Connection) -> None:
    newest = transparency.newest(db)
    assert newest is not None
    line = cosign(newest.checkpoint, WITNESS_KEY.name, PRIVATE, 1).line
    other = cosign(newest.checkpoint, WITNESS_KEY.name, PRIVATE, 2).line
    db.execute(update(log_cosignatures).values(line=line[:-20] + other[-20:]))


CHANGES: list[tuple[Callable[[Connection], object], str]] = [
    (lambda db: db.execute(update(log_leaves).where(log_leaves.c.place == 7).values(commitment=bytes(32))), "is not that of the leaves"),
    (lambda db: db.execute(update(log_leaves).where(log_leaves.c.place == 7).values(kind="audit")), "the leaves lead to root"),
    (lambda db: db.execute(delete(log_leaves).where(log_leaves.c.place == 7)), "is missing"),
    (lambda db: db.execute(delete(log_leaves).where(log_leaves.c.place >= 600)), "is missing"),
    (
        lambda db: db.execute(insert(log_leaves).values(place=603, kind="event", ref="x", at=builders.AT, commitment=bytes(32))),
        "behind the signed tree",
    ),
    (changed_tile, "tile 0/0 is not that of the leaves"),
    (other_note, "no valid signature"),
    (signed_by_another, "no valid signature"),
    (forged_cosignature, "the co-signature of witness.example at 603 leaves is false"),
    (lambda db: db.execute(update(log_anchors).values(root="0" * 64)), "device T1 has seen a tree of 300 leaves that is not this one"),
    (lambda db: db.execute(update(log_anchors).values(size=9999)), "device T1 has seen a tree of 9999 leaves"),
]


@pytest.mark.parametrize(("change", "fault"), CHANGES)
def test_every_change_is_named(centre: Centre, change: Callable[[Connection], object], fault: str) -> None:
    with centre.engine.begin() as db:
        change(db)
    assert any(fault in each for each in faults(centre)), faults(centre)


def test_an_audit_entry_that_was_rewritten_with_its_chain_is_not_what_was_logged(centre: Centre) -> None:
    """The chain of hashes alone would fit; the log remembers."""
    with centre.engine.begin() as db:
        last = audit.entries(db).rows[0]
        db.execute(delete(audit_log).where(audit_log.c.audit_id == last.audit_id))
        audit.record(db, now=builders.AT, actor="nobody", action="picture.view", object="m1")
        transparency.integrate(db, centre.keys, builders.AT)
        assert audit.verify_chain(db).intact
        assert list(audit.unlogged(db)) == []
        db.execute(delete(log_leaves).where(log_leaves.c.ref == audit.entries(db).rows[0].sha256))
        assert list(audit.unlogged(db)) == [f"audit entry {audit.entries(db).rows[0].audit_id} was never logged"]


def run(centre: Centre, *words: str) -> tuple[int, str]:
    """The command line against this centre, with its witness in the settings."""
    settings = centre.settings.data_dir / "central.toml"
    witness = f'witnesses = [{{ url = "http://127.0.0.1:9", key = "{WITNESS_KEY}" }}]'
    settings.write_text(f'data_dir = "{centre.settings.data_dir}"\n[transparency]\n{witness}\n', encoding="utf-8")
    done = CliRunner().invoke(app, ["log", *words, "--settings", str(settings)])
    return done.exit_code, done.output


def test_the_export_is_verified_by_a_program_that_shares_nothing_with_us(centre: Centre, tmp_path: Path) -> None:
    path, known = tmp_path / "log.zip", tmp_path / "known"
    status, said = run(centre, "export", str(path), "--with-audit")
    assert status == 0, said
    with ZipFile(path) as archive:
        assert archive.namelist() == ["checkpoint", "keys.json", "leaves.jsonl", "audit.jsonl"]
        assert len(archive.read("leaves.jsonl").splitlines()) == EVENTS + 3
        assert json.loads(archive.read("keys.json"))["witnesses"] == {WITNESS_KEY.name: b64encode(WITNESS_KEY.public).decode()}
    with centre.engine.begin() as db:
        known.write_text(transparency.checkpoint(db), encoding="utf-8")
    held = ["--log-key", b64encode(centre.keys.log_public).decode(), "--known-checkpoint", str(known)]
    command = [sys.executable, "-I", str(VERIFIER), *held]
    assert subprocess.run([*command, str(path)], check=False, cwd=tmp_path).returncode == 0
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert subprocess.run([*command, str(path)], check=False, cwd=tmp_path).returncode == 1


def test_the_commands_tell_and_check(centre: Centre, tmp_path: Path) -> None:
    assert "whole" in run(centre, "verify")[1]
    status, said = run(centre, "status")
    assert (status, "603 leaves" in said) == (0, True)
    assert run(centre, "key")[1].strip() == centre.keys.log_vkey
    status, proof = run(centre, "proof", "event", "T0/1/7")
    held, content = tmp_path / "proof.json", tmp_path / "content"
    held.write_text(proof, encoding="utf-8")
    content.write_bytes(b"x")
    assert "the leaf commits to" in run(centre, "check", str(held), "--content", str(content))[1]
    content.write_bytes(b"y")
    assert run(centre, "check", str(held), "--content", str(content))[0] == 1
    said_by = json.loads(proof)
    held.write_text(json.dumps(said_by | {"index": said_by["index"] + 1}), encoding="utf-8")
    assert run(centre, "check", str(held))[0] == 1
    held.write_text("{}", encoding="utf-8")
    assert run(centre, "check", str(held))[0] == 2
    assert run(centre, "proof", "event", "nobody") == (2, "central: event 'nobody' was never logged\n")
    assert "nothing waited" in run(centre, "integrate")[1]


def test_a_checkpoint_held_elsewhere_shows_a_log_that_was_cut_or_rewritten(centre: Centre, tmp_path: Path) -> None:
    held = tmp_path / "note"
    with centre.engine.begin() as db:
        held.write_text(transparency.checkpoint(db), encoding="utf-8")
    assert "continues this checkpoint" in run(centre, "check", str(held))[1]
    with centre.engine.begin() as db:
        db.execute(delete(log_checkpoints).where(log_checkpoints.c.size == 603))
    status, said = run(centre, "check", str(held))
    assert (status, "the end of the log was cut off" in said) == (1, True)
    held.write_text("rubbish", encoding="utf-8")
    assert run(centre, "check", str(held))[0] == 1


def test_verify_ends_with_one_at_a_fault(centre: Centre) -> None:
    with centre.engine.begin() as db:
        changed_tile(db)
        db.execute(update(audit_log).where(audit_log.c.audit_id == 1).values(actor="nobody"))
    status, said = run(centre, "verify")
    assert status == 1
    assert "FAULT tile 0/0" in said
    assert "FAULT at entry 1" in said
    assert "FAULT audit entry 1 is not what was logged" in said


def test_a_log_that_grows_while_it_is_verified_is_whole_on_postgresql_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long walk, and a device that says meanwhile to have seen what was signed meanwhile: nobody may be accused of that."""
    newest = walk.store.newest
    with private_postgres(tmp_path) as url:
        centre = make_centre(tmp_path / "centre", database_url=url)
        with centre.engine.begin() as db:
            transparency.integrate(db, centre.keys, builders.AT)

        def meanwhile(db: Connection) -> Signed | None:
            found = newest(db)
            with centre.engine.begin() as other:
                audit.record(other, now=builders.AT, actor="li.na", action="picture.view", object="m1")
                grown = transparency.integrate(other, centre.keys, builders.AT)
                assert grown is not None
                transparency.note_anchor(other, "T1", grown.size, grown.root.hex(), said_at=builders.AT)
            return found

        walked = SimpleNamespace(**vars(walk.store) | {"newest": meanwhile})
        monkeypatch.setattr(walk, "store", walked)
        monkeypatch.setenv("CENTRAL_DATABASE_URL", url)
        status, said = run(centre, "verify")
        assert (status, "FAULT" in said) == (0, False), said
        centre.engine.dispose()


def test_an_export_of_an_empty_log_or_into_no_folder_is_explained(tmp_path: Path) -> None:
    centre = make_centre(tmp_path / "centre")
    status, said = run(centre, "export", str(tmp_path / "log.zip"))
    assert (status, "run `central log integrate`" in said) == (2, True)
    assert run(centre, "integrate")[0] == 0
    assert run(centre, "export", str(tmp_path / "nowhere" / "log.zip"))[0] == 2
    assert run(centre, "export", str(tmp_path / "log.zip"), "--cosigned")[0] == 2
    assert run(centre, "export", str(tmp_path / "log.zip"))[0] == 0
    assert list(tmp_path.glob(".*")) == []
