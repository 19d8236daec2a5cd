"""No picture outlives its purpose: two clocks, suspicions in force hold, and what went is written down."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from central.audit.tables import audit_log
from central.cases import service as cases
from central.errors import NotFound
from central.evidence import service as evidence
from central.evidence import store
from central.linkage import service as linkage
from central.retention import expire
from central.rules.engine import RuleResults
from central.settings import RetentionSettings
from central.wiring import Centre
from contract.events import MediaRef, MediaRole
from contract.media import MediaPart, media_id
from contract.sealed import picture_purpose, seal
from tests import builders
from tests.central.analysis import NOON
from tests.central.building import make_centre
from tests.central.cases.test_ledger import SUSPICION

SETTINGS = RetentionSettings(seen_days=10, finding_days=100)
(HELD,) = SUSPICION.vola_evid["capture_ids"]
DEVICE = "P99999900001-t1"


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return make_centre(tmp_path)


def arrive(centre: Centre, capture_id: str, at: datetime = NOON) -> str:
    """A picture of this capture, as a device sent it."""
    sealed = seal(capture_id.encode(), centre.keys.seal_public, picture_purpose(DEVICE))
    ref = MediaRef(media_id=media_id(sealed), role=MediaRole.BEST, content_type="image/jpeg", size=len(sealed))
    part = MediaPart(device=DEVICE, media_id=ref.media_id, size=ref.size, index=0, count=1, part_sha256=media_id(sealed))
    with centre.engine.begin() as db:
        evidence.announce(db, device_id=DEVICE, capture_id=capture_id, refs=[ref], now=at)
        assert evidence.take_part(db, centre.pictures, part, sealed, now=at)
    return ref.media_id


def suspect(centre: Centre) -> None:
    with centre.engine.begin() as db:
        run_id = linkage.begin_run(db, engine="test", settlements=0, captures=0, started_at=NOON)
        results = RuleResults(suspicions=(SUSPICION,), ran=frozenset({SUSPICION.rule_id}), faults=())
        cases.record(db, results, run_id=run_id, now=NOON)


def judge(centre: Centre, verdict: str, at: datetime) -> None:
    with centre.engine.begin() as db:
        (row,) = cases.list_findings(db).rows
        cases.review(db, jr_id=row.jr_id, verdict=verdict, reason="看过录像", actor="monitor", now=at)


def run(centre: Centre, days: float) -> int:
    return expire(centre.engine, centre.pictures, SETTINGS, now=NOON + timedelta(days=days))


def is_here(centre: Centre, name: str) -> bool:
    with centre.engine.begin() as db:
        row = store.one(db, name)
    assert row is not None
    path = centre.settings.evidence_dir / name[:2] / name
    assert evidence.is_here(row) == path.exists()
    return path.exists()


def test_what_was_merely_seen_goes_and_an_enrolment_picture_stays(centre: Centre) -> None:
    seen, newer = arrive(centre, "seen"), arrive(centre, "newer", NOON + timedelta(days=5))
    with centre.engine.begin() as db:
        enrolled = evidence.keep_own(db, centre.pictures, centre.keys, b"face", purpose="p", role="enrolment", now=NOON)
    assert run(centre, 9.9) == 0
    assert run(centre, 10.1) == 1
    assert [is_here(centre, name) for name in (seen, newer, enrolled)] == [False, True, True]
    assert run(centre, 10.2) == 0
    with centre.engine.begin() as db:
        (entry,) = db.execute(select(audit_log).where(audit_log.c.action == "evidence.erase")).mappings()
        assert (entry["actor"], entry["detail"]["objects"]) == ("retention", [seen])
        with pytest.raises(NotFound, match="erased at 2026"):
            evidence.open_media(db, centre.keys, centre.pictures, media_id=seen, actor="m", now=NOON, why="w")


def test_an_open_suspicion_holds_however_old_it_is(centre: Centre) -> None:
    held = arrive(centre, HELD)
    suspect(centre)
    assert run(centre, 3000) == 0 and is_here(centre, held)


def test_a_confirmed_one_holds_from_its_review_by_a_clock_of_its_own(centre: Centre) -> None:
    held = arrive(centre, HELD)
    suspect(centre)
    judge(centre, "confirm", NOON + timedelta(days=50))
    assert run(centre, 149) == 0 and is_here(centre, held)
    assert run(centre, 151) == 1 and not is_here(centre, held)


def test_a_dismissed_one_holds_nothing(centre: Centre) -> None:
    arrive(centre, HELD)
    suspect(centre)
    judge(centre, "dismiss", NOON + timedelta(days=20))
    assert run(centre, 21) == 1


def test_page_by_page_nothing_is_passed_over(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("central.evidence.service._ERASED_AT_ONCE", 2)
    held = arrive(centre, HELD)
    suspect(centre)
    others = [arrive(centre, f"c{number}") for number in range(10, 17)]
    assert run(centre, 11) == 7
    assert is_here(centre, held) and not any(is_here(centre, name) for name in others)


def test_what_went_before_a_crash_is_noted_the_next_time(centre: Centre) -> None:
    seen = arrive(centre, "seen")
    centre.pictures.remove(seen)
    assert run(centre, 11) == 1 and not is_here(centre, seen)


def test_a_device_that_sends_it_again_is_told_that_it_came(centre: Centre) -> None:
    sealed = seal(b"again", centre.keys.seal_public, picture_purpose(DEVICE))
    name = media_id(sealed)
    ref = MediaRef(media_id=name, role=MediaRole.CLIP, content_type="video/webm", size=len(sealed))
    part = MediaPart(device=DEVICE, media_id=name, size=len(sealed), index=0, count=1, part_sha256=name)
    for _ in range(2):
        with centre.engine.begin() as db:
            evidence.announce(db, device_id=DEVICE, capture_id="seen", refs=[ref], now=NOON)
            assert evidence.take_part(db, centre.pictures, part, sealed, now=builders.AT)
        run(centre, 11)
        assert not is_here(centre, name)
