"""The list, one finding, its pictures, and the review."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from central.accounts.model import Role
from central.audit import service as audit
from central.cases import dossier, service
from central.cases.model import MAX_REASON
from central.evidence.tables import media
from central.wiring import Centre
from contract.events import EvidenceMode
from tests import builders
from tests.central.building import sites
from tests.central.web.consoles import HOSTILE, PSN_NO, PSN_NO_MASKED, USERS, csrf_of, make_finding, picture, program, visitor


@pytest.fixture
def jr_id(centre: Centre) -> str:
    return make_finding(centre)


@pytest.fixture
def monitor(app: FastAPI) -> TestClient:
    return visitor(app, Role.MONITOR)


def pictures_of(centre: Centre, jr_id: str) -> tuple[str, str]:
    with centre.engine.begin() as db:
        (sighting,) = dossier.read(db, jr_id).sightings
    assert sighting.picture is not None
    assert sighting.enrolment_media_id is not None
    return sighting.enrolment_media_id, sighting.picture.media_id


def give(browser: TestClient, jr_id: str, **fields: str) -> object:
    form = {"csrf": csrf_of(browser.get("/account").text), "verdict": "dismiss", "reason": "参保人由家属代购，登记已补。"}
    return browser.post(f"/findings/{jr_id}/reviews", data=form | fields)


def test_the_list_masks_persons_and_the_finding_names_them(monitor: TestClient, jr_id: str) -> None:
    listed = monitor.get("/findings").text
    assert PSN_NO not in listed
    assert PSN_NO_MASKED in listed
    assert f'href="/findings/{jr_id}"' in listed
    assert PSN_NO in monitor.get(f"/findings/{jr_id}").text
    assert PSN_NO not in monitor.get("/").text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", True),
        ("status=open", True),
        ("status=confirmed", False),
        ("rule_id=ID-01", True),
        ("rule_id=PR-01", False),
        (f"fixmedins_code={builders.SITE}", True),
        ("fixmedins_code=P00000000000", False),
        ("status=&rule_id=&fixmedins_code=", True),
        ("status=%27+OR+1%3D1", False),
        ("page=2", False),
    ],
)
def test_filters(monitor: TestClient, jr_id: str, query: str, found: bool) -> None:
    page = monitor.get(f"/findings?{query}")
    assert page.status_code == 200
    assert (jr_id in page.text) == found


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=x", "page=99999999999999999999", f"status={'x' * 41}"])
def test_impossible_filters_are_refused_readably(monitor: TestClient, query: str) -> None:
    answer = monitor.get(f"/findings?{query}")
    assert answer.status_code == 422
    assert "输入有误" in answer.text


def test_pages_keep_the_filter(monitor: TestClient, centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("central.cases.pages.SIZE", 2)
    for number in range(1, 4):
        make_finding(centre, number=number)
    first = monitor.get("/findings?rule_id=ID-01").text
    assert 'rel="next" href="?status=&amp;rule_id=ID-01&amp;fixmedins_code=&amp;page=2"' in first
    assert 'rel="prev"' not in first
    assert "第 1 / 2 页，共 3 条" in first
    last = monitor.get("/findings?rule_id=ID-01&page=2").text
    assert 'rel="prev"' in last
    assert 'rel="next"' not in last


def test_a_finding_says_what_against_what_and_by_which_limits(monitor: TestClient, jr_id: str) -> None:
    page = monitor.get(f"/findings/{jr_id}").text
    for shown in (
        "窗口实拍人脸与登记人脸不一致。",
        "与登记人脸不一致",
        "newer_code",
        "0.210",
        "未评估",
        "S-1",
        "38.50",
        "定点药店购药",
        "最少可比对帧数",
        "第四十一条",
        "不是结论",
        "示例大药房",
    ):
        assert shown in page, shown


def test_texts_from_outside_are_escaped(monitor: TestClient, centre: Centre) -> None:
    name = f"药房{HOSTILE}\"'><img src=x onerror=alert(1)>"
    with centre.engine.begin() as db:
        site = sites.NewSite(
            fixmedins_code=builders.SITE, fixmedins_name=name, admdvs="999999", evidence_mode=EvidenceMode.ALL, legal_basis="test"
        )
        sites.register_site(db, site, now=centre.now(), actor="test")
    jr_id = make_finding(centre, says=f"看{HOSTILE}")
    give(monitor, jr_id, reason=f"查{HOSTILE}")
    monitor.get("/language/en")
    for path in ("/", "/findings", f"/findings/{jr_id}"):
        page = monitor.get(path).text
        assert HOSTILE not in page, path
        assert "<img src=x" not in page, path
        assert "&lt;script&gt;" in page, path


def test_both_pictures_are_opened_for_this_view_and_logged(monitor: TestClient, centre: Centre, jr_id: str) -> None:
    page = monitor.get(f"/findings/{jr_id}").text
    for media_id, shade in zip(pictures_of(centre, jr_id), (90, 180), strict=True):
        assert f'src="/pictures/{media_id}?finding={jr_id}"' in page
        answer = monitor.get(f"/pictures/{media_id}?finding={jr_id}")
        assert (answer.status_code, answer.headers["content-type"], answer.headers["cache-control"]) == (200, "image/jpeg", "no-store")
        assert answer.content == picture(shade)
        with centre.engine.begin() as db:
            newest = audit.entries(db).rows[0]
        assert (newest.actor, newest.action, newest.object) == (USERS[Role.MONITOR], "picture.view", media_id)
        assert newest.detail["why"] == f"finding {jr_id}"


def test_an_auditors_look_is_logged_too(app: FastAPI, centre: Centre, jr_id: str) -> None:
    media_id, _ = pictures_of(centre, jr_id)
    assert visitor(app, Role.AUDITOR).get(f"/pictures/{media_id}?finding={jr_id}").status_code == 200
    with centre.engine.begin() as db:
        assert audit.entries(db, actor=USERS[Role.AUDITOR]).rows[0].action == "picture.view"


@pytest.mark.parametrize("name", ["..%2f..%2fkeys%2fseal.pem", "../keys/seal.pem", "%00", "0" * 64, "G" * 64, "0" * 10_000])
def test_no_other_file_is_reached(monitor: TestClient, centre: Centre, jr_id: str, name: str) -> None:
    answer = monitor.get(f"/pictures/{name}?finding={jr_id}")
    assert answer.status_code == 404
    with centre.engine.begin() as db:
        assert audit.entries(db, action="picture.view").total == 0


def test_a_picture_is_seen_only_through_its_own_finding(monitor: TestClient, centre: Centre, jr_id: str) -> None:
    other = make_finding(centre, number=2)
    _, captured = pictures_of(centre, jr_id)
    assert monitor.get(f"/pictures/{captured}?finding={other}").status_code == 404
    assert monitor.get(f"/pictures/{captured}?finding=none").status_code == 404
    assert monitor.get(f"/pictures/{captured}").status_code == 422
    assert program_sees_no_picture(monitor, captured)


def program_sees_no_picture(monitor: TestClient, media_id: str) -> bool:
    token = monitor.cookies["session"]
    monitor.cookies.clear()
    return monitor.get(f"/pictures/{media_id}?finding=x", headers={"Authorization": f"Bearer {token}"}).status_code == 303


def test_a_changed_picture_is_not_shown(monitor: TestClient, centre: Centre, jr_id: str) -> None:
    _, captured = pictures_of(centre, jr_id)
    path = centre.settings.evidence_dir / captured[:2] / captured
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    answer = monitor.get(f"/pictures/{captured}?finding={jr_id}")
    assert answer.status_code == 409
    with centre.engine.begin() as db:
        assert audit.entries(db, action="picture.view").total == 0


def test_a_picture_still_on_its_way_is_said_so(monitor: TestClient, centre: Centre, jr_id: str) -> None:
    _, captured = pictures_of(centre, jr_id)
    with centre.engine.begin() as db:
        db.execute(media.update().where(media.c.media_id == captured).values(stored_at=None))
    assert "图像尚在上传" in monitor.get(f"/findings/{jr_id}").text
    assert monitor.get(f"/pictures/{captured}?finding={jr_id}").status_code == 404


@pytest.mark.parametrize(("verdict", "status", "said"), [("confirm", "confirmed", "查实"), ("dismiss", "dismissed", "排除")])
def test_a_person_decides_with_a_reason(monitor: TestClient, centre: Centre, jr_id: str, verdict: str, status: str, said: str) -> None:
    done = give(monitor, jr_id, verdict=verdict, reason="  调取监控核对。  ")
    assert (done.status_code, done.headers["location"]) == (303, f"/findings/{jr_id}")
    page = monitor.get(f"/findings/{jr_id}").text
    assert f"<strong>{said}</strong>" in page
    assert "<blockquote>调取监控核对。</blockquote>" in page
    assert 'name="verdict"' not in page
    with centre.engine.begin() as db:
        found = service.get(db, jr_id)
        newest = audit.entries(db).rows[0]
    assert (found.status, found.reviews[0].account) == (status, USERS[Role.MONITOR])
    assert (newest.action, newest.object, newest.detail["verdict"]) == ("finding.review", jr_id, verdict)


@pytest.mark.parametrize(
    ("fields", "status", "says"),
    [
        ({"reason": ""}, 400, "请填写理由"),
        ({"reason": " \n\t "}, 400, "请填写理由"),
        ({"reason": "长" * (MAX_REASON + 1)}, 400, "请填写理由"),
        ({"verdict": "guilty"}, 422, "输入有误"),
        ({"verdict": ""}, 422, "请选择结论"),
    ],
)
def test_a_review_without_verdict_or_reason_is_refused(
    monitor: TestClient, centre: Centre, jr_id: str, fields: dict[str, str], status: int, says: str
) -> None:
    answer = give(monitor, jr_id, **fields)
    assert answer.status_code == status
    assert says in answer.text
    with centre.engine.begin() as db:
        assert service.get(db, jr_id).status == "open"


def test_what_was_written_is_not_lost_when_the_verdict_is_missing(monitor: TestClient, jr_id: str) -> None:
    form = {"csrf": csrf_of(monitor.get("/account").text), "reason": "已电话核对"}
    answer = monitor.post(f"/findings/{jr_id}/reviews", data=form)
    assert answer.status_code == 422
    assert "请选择结论" in answer.text
    assert ">已电话核对</textarea>" in answer.text


def test_a_finding_is_reviewed_once(monitor: TestClient, jr_id: str) -> None:
    give(monitor, jr_id)
    again = give(monitor, jr_id, verdict="confirm")
    assert again.status_code == 409
    assert "与已有记录冲突" in again.text


def test_a_finding_that_is_not_there(monitor: TestClient) -> None:
    assert monitor.get("/findings/JR-none").status_code == 404
    assert give(monitor, "JR-none").status_code == 404


def test_an_auditor_reads_but_has_no_form(app: FastAPI, jr_id: str) -> None:
    page = visitor(app, Role.AUDITOR).get(f"/findings/{jr_id}").text
    assert "窗口实拍人脸" in page
    assert "/reviews" not in page


def test_of_many_captures_all_but_the_first_wait_to_be_opened(monitor: TestClient, centre: Centre, jr_id: str) -> None:
    assert '<details class="more"' not in monitor.get(f"/findings/{jr_id}").text
    page = monitor.get(f"/findings/{make_finding(centre, number=2, captures=7)}").text
    first, later = page.split('<details class="more"', 1)
    assert (first.count('<img loading="lazy"'), later.count('<img loading="lazy"')) == (8, 6)
    assert "其余 3 次采集" in later


def test_findings_for_programs(app: FastAPI, jr_id: str) -> None:
    client = program(app, Role.MONITOR)
    listed = client.get("/api/findings?status=open").json()
    assert (listed["total"], listed["rows"][0]["jr_id"], listed["rows"][0]["vola_amt"]) == (1, jr_id, "38.50")
    assert client.get(f"/api/findings/{jr_id}").json()["sev_deg"] == "high"
    assert client.get("/api/findings?status=guilty").status_code == 422
    review = {"verdict": "confirm", "reason": "核查属实"}
    assert client.post(f"/api/findings/{jr_id}/reviews", json=review | {"reason": ""}).status_code == 422
    assert client.post(f"/api/findings/{jr_id}/reviews", json=review).status_code == 201
    assert client.post(f"/api/findings/{jr_id}/reviews", json=review).status_code == 409
    assert client.get(f"/api/findings/{jr_id}").json()["reviews"][0]["verdict"] == "confirm"
