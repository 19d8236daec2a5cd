"""Evidence at rest: sealed, whole, and opened only for a view that is written down."""

from pathlib import Path

import pytest
from sqlalchemy import select

from central.audit.tables import audit_log
from central.errors import NotFound
from central.evidence import service as evidence
from central.evidence.objects import FileEvidence
from central.wiring import Centre
from contract.sealed import Untrusted
from tests import builders
from tests.central.building import make_centre


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return make_centre(tmp_path)


def keep(centre: Centre) -> str:
    with centre.engine.begin() as db:
        return evidence.keep_own(db, centre.pictures, centre.keys, b"a face", purpose="p", role="enrolment", now=builders.AT)


def look(centre: Centre, media_id: str) -> bytes:
    with centre.engine.begin() as db:
        plain = evidence.open_media(
            db, centre.keys, centre.pictures, media_id=media_id, actor="monitor", now=builders.AT, why="finding F-1"
        )
    return plain.content


def test_a_look_is_written_down(centre: Centre) -> None:
    media_id = keep(centre)
    assert look(centre, media_id) == b"a face"
    with centre.engine.begin() as db:
        (row,) = db.execute(select(audit_log).where(audit_log.c.action == "picture.view")).mappings()
    assert (row["actor"], row["object"], row["detail"]["why"]) == ("monitor", media_id, "finding F-1")


def test_a_changed_file_is_not_shown(centre: Centre) -> None:
    media_id = keep(centre)
    path = centre.settings.evidence_dir / media_id[:2] / media_id
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(Untrusted):
        look(centre, media_id)


@pytest.mark.parametrize("media_id", ["", "../../etc/passwd", "0" * 64, "G" * 64, "a/" * 32])
def test_other_names_are_nothing(centre: Centre, media_id: str) -> None:
    with pytest.raises(NotFound):
        look(centre, media_id)
    with pytest.raises(NotFound):
        FileEvidence(centre.settings.evidence_dir).get(media_id)


def test_files_are_for_the_owner_only(centre: Centre) -> None:
    media_id = keep(centre)
    assert (centre.settings.evidence_dir / media_id[:2] / media_id).stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in centre.settings.keys_dir.glob("*.key"))
    assert all(path.stat().st_mode & 0o077 == 0 for path in centre.settings.keys_dir.glob("*.pem"))
