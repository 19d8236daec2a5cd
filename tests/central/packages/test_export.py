"""What a package holds, what it must not hold, and that it appears whole or not at all."""

import json
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from central.audit import service as audit
from central.captures import service as captures
from central.cases import dossier
from central.cases import service as cases
from central.errors import BadInput, Misconfigured, NotFound
from central.packages import contents, report, service
from central.packages.model import CannotWrite, StampKind, StampResult, new_package_id
from central.rules.base import Suspicion
from central.rules.engine import RuleResults
from central.transparency import service as transparency
from central.wiring import Centre
from contract.checkpoints import WITNESS, VerifierKey, cosign, read
from contract.sealed import raw_public, to_text
from scripts.verify_evidence import verify_package
from tests import builders
from tests.central.packages.building import CLIP, approve, documents, export, exporter, members_of, reviewed_finding, sha256_of, stamp
from tests.central.web.consoles import HOSTILE, make_console, make_finding, picture
from tests.postgres import private_postgres

ROOT = Path(__file__).parents[3]


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return make_console(tmp_path / "centre")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "out" / "package.zip"


@pytest.fixture(autouse=True)
def folder(target: Path) -> Iterator[None]:
    target.parent.mkdir()
    yield
    assert not list(target.parent.glob(".*")), "a draft was left behind"


def test_a_package_holds_all_that_explains_the_finding(centre: Centre, target: Path) -> None:
    jr_id = reviewed_finding(centre)
    made = export(centre, jr_id, target)
    members = members_of(target)
    assert made.sha256 == sha256_of(target)
    assert made.size == target.stat().st_size
    assert [json.loads(members["events.json"])[n]["kind"] for n in (0, 1)] == ["capture", "footage"]
    assert picture(180) in members.values()
    assert picture(90) in members.values(), "the enrolment picture with which the finding compares"
    assert CLIP in members.values()
    assert members["report.pdf"].startswith(b"%PDF")
    assert "核验" in members["README.txt"].decode()
    assert "How to check" in members["README.txt"].decode()
    assert documents(target, "rule.json")["limits"] == {"min_frames_used": 3}
    (claim,) = documents(target, "claims.json")
    assert claim["settlement"]["medfee_sumamt"] == "38.50"
    assert len(claim["import"]["sha256"]) == 64
    assert documents(target, "site.json")["standing_when_seen"][0]["legal"]["approved_by"] == "法规处"
    assert {each["account"] for each in documents(target, "reviews.json")["stamps"]} == {"wang.fang", "chen.jie"}
    assert documents(target, "finding.json")["reviews"][0]["reason"] == "属实"
    assert {each["action"] for each in documents(target, "custody.json")["entries"]} >= {
        "finding.review",
        "evidence.stamp",
        "package.ask",
        "picture.view",
    }
    assert "proofs/finding.json" in members
    manifest = json.loads(members["manifest.json"])
    assert manifest["marking"]["reviewed"] is True
    assert (manifest["purpose"], manifest["exported_by"]) == ("案件移送", "zhang.min")


def test_what_nobody_reviewed_is_marked_as_such(centre: Centre, target: Path) -> None:
    export(centre, make_finding(centre), target)
    marking = documents(target, "manifest.json")["marking"]
    assert marking["reviewed"] is False
    assert marking["missing"] == ["site_legal", "stamp_legal", "site_technical", "stamp_technical"]
    assert marking["text_zh"] == "未经法制和技术审核，不得作为行政处罚的证据"


def test_no_other_face_and_no_template_is_in_it(centre: Centre, target: Path) -> None:
    """The finding is about one face with many cards: it compares with no enrolment picture."""
    make_finding(centre)
    with centre.engine.begin() as db:
        row = cases.list_findings(db).rows[0]
        many = Suspicion(
            **{name: getattr(row, name) for name in Suspicion.__dataclass_fields__} | {"rule_id": "CC-01", "subject_key": "face-1"}
        )
        cases.record(db, results(many), run_id=2, now=centre.now())
        jr_id = next(each.jr_id for each in cases.list_findings(db).rows if each.rule_id == "CC-01")
    export(centre, jr_id, target)
    members = members_of(target)
    assert picture(90) not in members.values()
    assert picture(180) in members.values()
    assert b"sealed_vector" not in b"".join(data for name, data in members.items() if name.endswith(".json"))


def results(suspicion: Suspicion) -> RuleResults:
    return RuleResults(suspicions=(suspicion,), ran=frozenset({suspicion.rule_id}), faults=())


def test_who_takes_what_and_why_is_on_record(centre: Centre, target: Path) -> None:
    jr_id = make_finding(centre)
    made = export(centre, jr_id, target, purpose="  协查 <b>  ")
    with centre.engine.begin() as db:
        log = {entry.action: entry for entry in audit.entries(db).rows}
        assert service.recognise(db, sha256_of(target)) == made
        assert service.packages_of(db, jr_id) == (made,)
        with pytest.raises(NotFound, match="changed since"):
            service.recognise(db, "0" * 64)
    assert log["package.ask"].detail["purpose"] == "协查 <b>"
    assert log["package.export"].detail["sha256"] == made.sha256
    assert log["picture.view"].detail["why"] == f"package {made.package_id}"


@pytest.mark.parametrize("purpose", ["", "   ", "x" * 501])
def test_no_package_goes_out_without_a_purpose(centre: Centre, target: Path, purpose: str) -> None:
    jr_id = make_finding(centre)
    with pytest.raises(BadInput, match="purpose"):
        export(centre, jr_id, target, purpose=purpose)
    assert not target.exists()


def test_an_unknown_finding_or_a_name_that_is_taken_is_refused(centre: Centre, target: Path) -> None:
    with pytest.raises(NotFound):
        export(centre, "JR20260102-ID-01-0000000000000000", target)
    jr_id = make_finding(centre)
    target.write_bytes(b"mine")
    with pytest.raises(BadInput, match="exists already"):
        export(centre, jr_id, target)
    assert target.read_bytes() == b"mine"


@pytest.mark.parametrize("where", ["contents.members", "media.open_all", "report.make"])
def test_an_export_that_is_interrupted_leaves_nothing(centre: Centre, target: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    jr_id = make_finding(centre)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"central.packages.{where}", full)
    with pytest.raises(CannotWrite, match="No space left on device: free some room"):
        export(centre, jr_id, target)
    assert not list(target.parent.iterdir())
    with centre.engine.begin() as db:
        assert service.packages_of(db, jr_id) == ()
        assert "package.ask" in audit.actions(db), "who opened pictures stays on record"
        assert "package.export" not in audit.actions(db)


def test_where_a_file_cannot_get_its_name_later_it_is_copied(centre: Centre, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_link(*_: object, **__: object) -> None:
        raise OSError(95, "Operation not supported")

    first, second = make_finding(centre), make_finding(centre, number=2)
    monkeypatch.setattr("os.link", no_link)
    made = export(centre, first, target)
    assert sha256_of(target) == made.sha256
    assert [each.name for each in target.parent.iterdir()] == [target.name]
    monkeypatch.setattr(Path, "replace", no_link)
    with pytest.raises(CannotWrite, match="not supported"):
        export(centre, second, target.with_name("second.zip"))
    assert [each.name for each in target.parent.iterdir()] == [target.name]


def test_a_killed_export_leaves_no_byte(tmp_path: Path, target: Path) -> None:
    """A process of its own is killed while it writes; nothing opened is found in the folder or in the centre's."""
    code = (
        "import os, signal, sys; from pathlib import Path; from tests.central.packages import building as b;"
        "from central.packages import report; c = b.make_console(Path(sys.argv[1])); j = b.make_finding(c, clip=b.CLIP);"
        "report.make = lambda *_: os.kill(os.getpid(), signal.SIGKILL); b.export(c, j, Path(sys.argv[2]))"
    )
    killed = subprocess.run([sys.executable, "-c", code, tmp_path / "killed", target], cwd=ROOT, check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert not list(target.parent.iterdir())
    files = [each for each in (tmp_path / "killed").rglob("*") if each.is_file()]
    assert not [each for each in files if picture(180) in each.read_bytes()]


def test_a_missing_font_is_named_before_anything_is_opened(centre: Centre, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jr_id = make_finding(centre)
    monkeypatch.setattr(report, "_families", lambda: frozenset({"DejaVu Sans"}))
    with pytest.raises(Misconfigured, match="fonts-noto-cjk"):
        export(centre, jr_id, target)
    with centre.engine.begin() as db:
        assert "picture.view" not in audit.actions(db)


@pytest.mark.parametrize("says", [HOSTILE, '#read("/etc/passwd")', "*_`$#@<label>[]{}\\", "a" * 3000, "\u202e\u0000x"])
def test_words_from_outside_are_words_in_the_report(centre: Centre, target: Path, says: str) -> None:
    export(centre, make_finding(centre, says=says), target)
    assert members_of(target)["report.pdf"].startswith(b"%PDF")


def test_a_picture_that_is_none_or_gone_is_named_and_does_not_stop_the_package(centre: Centre, target: Path) -> None:
    jr_id = make_finding(centre, clip=b"not a film")
    with centre.engine.begin() as db:
        read = dossier.read(db, jr_id)
    media_id = next(each.media_id for each in read.sightings[0].capture.media if each.role == "best")
    centre.pictures.remove(media_id)
    export(centre, jr_id, target)
    absent = {each["media_id"]: each["absent"] for each in documents(target, "media.json")}
    assert absent[media_id] == "lost"
    assert sorted(absent.values(), key=str) == [None, None, "lost"]


def jpeg(width: int, height: int) -> bytes:
    return cv2.imencode(".jpg", np.zeros((height, width, 3), np.uint8))[1].tobytes()


@pytest.mark.parametrize("size", [(320, 240), (1, 1), (3000, 20), (20, 3000)])
def test_pictures_of_any_shape_are_printed(size: tuple[int, int]) -> None:
    printed = report.for_print(jpeg(*size))
    assert printed is not None
    assert max(cv2.imdecode(np.frombuffer(printed, np.uint8), cv2.IMREAD_COLOR).shape[:2]) == min(max(size), 720)


def swollen(picture: bytes) -> bytes:
    """A small file that says to be 65535 pixels wide and high."""
    place = picture.index(b"\xff\xc0")
    return picture[: place + 5] + b"\xff\xff\xff\xff" + picture[place + 9 :]


@pytest.mark.parametrize(
    "picture", [b"", b"\xff\xd8", b"\xff\xd8" + b"\xff" * 40, b"GIF89a", jpeg(64, 64)[:80], swollen(jpeg(64, 64)), b"\x00" * 1000]
)
def test_what_is_no_picture_or_a_trap_is_not_printed(picture: bytes) -> None:
    assert report.for_print(picture) is None


def test_stamps_are_of_two_people_and_of_what_they_saw(centre: Centre, target: Path) -> None:
    jr_id = make_finding(centre)
    approve(centre)
    stamp(centre, jr_id)
    with centre.engine.begin() as db:
        read = dossier.read(db, jr_id)
        assert service.marking_of(db, read).reviewed
        with pytest.raises(Exception, match="another person"):
            service.stamp(db, jr_id, kind=StampKind.TECHNICAL, result=StampResult.PASSED, reason="x", actor="wang.fang", now=centre.now())
        with pytest.raises(BadInput, match="reason"):
            service.stamp(db, jr_id, kind=StampKind.LEGAL, result=StampResult.PASSED, reason=" ", actor="wang.fang", now=centre.now())
        service.stamp(db, jr_id, kind=StampKind.LEGAL, result=StampResult.FAILED, reason="来源不明", actor="wang.fang", now=centre.now())
        assert service.marking_of(db, read).missing == ("failed_legal",)


def test_evidence_that_changed_after_its_review_is_not_reviewed(centre: Centre) -> None:
    jr_id = make_finding(centre)
    approve(centre)
    stamp(centre, jr_id)
    with centre.engine.begin() as db:
        row = cases.get(db, jr_id)
        said = {name: getattr(row, name) for name in Suspicion.__dataclass_fields__} | {"vola_amt": row.vola_amt + 1}
        cases.record(db, results(Suspicion(**said)), run_id=3, now=centre.now())
        read = dossier.read(db, jr_id)
        assert service.marking_of(db, read).missing == ("changed_legal", "changed_technical")


def test_the_site_is_judged_by_the_day_of_the_capture(centre: Centre) -> None:
    jr_id = make_finding(centre)
    stamp(centre, jr_id)
    approve(centre, since=builders.AT.date() + timedelta(days=1))
    with centre.engine.begin() as db:
        assert service.marking_of(db, dossier.read(db, jr_id)).missing == ("site_legal", "site_technical")


def test_what_was_erased_on_request_stands_by_its_hash(centre: Centre, target: Path) -> None:
    jr_id = make_finding(centre, clip=CLIP)
    with centre.engine.begin() as db:
        (capture_id,) = cases.get(db, jr_id).capture_ids
        captures.erase_faces(db, centre.pictures, [capture_id], why="request", actor="clerk", now=centre.now())
    export(centre, jr_id, target)
    members = members_of(target)
    assert picture(180) not in members.values()
    assert CLIP not in members.values()
    first, second = documents(target, "events.json")
    assert (first["member"], len(first["sha256"])) == (None, 64)
    assert second["prev"] == first["sha256"]
    assert {each["absent"] for each in documents(target, "media.json") if each["role"] != "enrolment"} == {"erased"}
    remarks = verify_package(str(target))["remarks"]
    assert [remark for remark in remarks if "erased on request" in remark]


def test_a_package_is_made_on_postgresql_too(tmp_path: Path, target: Path) -> None:
    with private_postgres(tmp_path) as url:
        centre = make_console(tmp_path / "kept", database_url=url)
        made = export(centre, reviewed_finding(centre), target)
        assert verify_package(str(target))["package"] == made.package_id
        with centre.engine.begin() as db:
            assert service.newest_packages(db) == (made,)
        centre.engine.dispose()


def decided_meanwhile(centre: Centre, jr_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a package is written, once its dossier was read, somebody reviews the finding and a rule states it anew."""
    tell = contents.tell

    def slow(db: Any, *arguments: Any) -> Any:
        with centre.engine.begin() as other:
            row = cases.get(other, jr_id)
            said = {name: getattr(row, name) for name in Suspicion.__dataclass_fields__} | {"vola_amt": row.vola_amt + 1}
            cases.record(other, results(Suspicion(**said)), run_id=9, now=centre.now())
            cases.review(other, jr_id=jr_id, verdict="confirm", reason="属实", actor="zhang.min", now=centre.now())
        return tell(db, *arguments)

    monkeypatch.setattr(contents, "tell", slow)


def test_what_is_decided_while_a_package_is_written_is_not_in_it_by_halves(
    centre: Centre, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jr_id = make_finding(centre)
    decided_meanwhile(centre, jr_id, monkeypatch)
    export(centre, jr_id, target)
    verify_package(str(target))


def test_nor_on_postgresql(tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with private_postgres(tmp_path) as url:
        centre = make_console(tmp_path / "kept", database_url=url)
        jr_id = make_finding(centre)
        decided_meanwhile(centre, jr_id, monkeypatch)
        export(centre, jr_id, target)
        verify_package(str(target))
        centre.engine.dispose()


def test_a_witness_that_was_dismissed_or_got_another_key_spoils_no_package(centre: Centre, target: Path) -> None:
    jr_id = make_finding(centre)
    private = [Ed25519PrivateKey.generate() for _ in range(3)]
    keys = [VerifierKey(name=name, kind=WITNESS, public=raw_public(each.public_key())) for name, each in zip("aab", private, strict=True)]
    with centre.engine.begin() as db:
        grown = transparency.integrate(db, centre.keys, centre.now())
        assert grown is not None
        for signer, key in zip(private[1:], keys[1:], strict=True):
            line = cosign(grown, key.name, signer, int(centre.now().timestamp()))
            transparency.keep_cosignature(db, grown, line, key, now=centre.now())
    name = f"events/{builders.DEVICE}1-{builders.EPOCH}-1"
    for named, expected in (({"a": keys[1]}, {"a"}), ({"a": keys[0]}, set())):
        target.unlink(missing_ok=True)
        asked: dict[str, Any] = {"package_id": new_package_id(centre.now()), "purpose": "x", "actor": "a", "now": centre.now()}
        exporter(centre, witnesses={each: to_text(key.public) for each, key in named.items()}).export(jr_id, target, **asked)
        assert verify_package(str(target))["kind"] == "package"
        lines = read(documents(target, f"proofs/{name}.json")["checkpoint"])[1]
        assert {line.name for line in lines} == {centre.keys.log_origin} | expected


def test_film_is_held_in_memory_one_clip_at_a_time(centre: Centre, target: Path) -> None:
    """Four clips of 8 MiB go into a package; what Python holds at the peak stays below four of them: sealed, opened, and room to work."""
    each = 8 << 20
    jr_ids = [make_finding(centre, number=number, clip=bytes([number]) * each) for number in range(1, 5)]
    with centre.engine.begin() as db:
        rows = [cases.get(db, jr_id) for jr_id in jr_ids]
        evid = {name: [one for row in rows for one in row.vola_evid[name]] for name in ("capture_ids", "setl_ids", "psn_nos")} | {
            "seen": {}
        }
        said = {name: getattr(rows[0], name) for name in Suspicion.__dataclass_fields__} | {"subject_key": "all", "vola_evid": evid}
        cases.record(db, results(Suspicion(**said)), run_id=4, now=centre.now())
        jr_id = next(row.jr_id for row in cases.list_findings(db).rows if row.subject_key == "all")
    tracemalloc.start()
    export(centre, jr_id, target)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert target.stat().st_size > 8 * each
    assert peak < 4 * each
