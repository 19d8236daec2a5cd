"""The button, the page and the API of evidence: who may, what comes, what is refused."""

import json
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import Response

from central.accounts.model import Role
from central.wiring import Centre
from scripts.verify_evidence import verify_package
from tests.central.packages.building import approve, stamp
from tests.central.web.consoles import HOSTILE, csrf_of, make_finding, program, visitor


@pytest.fixture
def jr_id(centre: Centre) -> str:
    return make_finding(centre)


@pytest.fixture
def monitor(app: FastAPI) -> TestClient:
    return visitor(app, Role.MONITOR)


def post(browser: TestClient, address: str, **fields: str) -> Response:
    return browser.post(address, data={"csrf": csrf_of(browser.get("/account").text)} | fields)


def test_the_button_gives_a_package_that_holds(monitor: TestClient, centre: Centre, jr_id: str, tmp_path: Path) -> None:
    page = monitor.get(f"/findings/{jr_id}").text
    assert f'action="/findings/{jr_id}/package"' in page
    answer = post(monitor, f"/findings/{jr_id}/package", purpose="案件移送")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith('attachment; filename="EP2026')
    assert answer.headers["cache-control"] == "no-store"
    target = tmp_path / "taken.zip"
    target.write_bytes(answer.content)
    assert verify_package(str(target))["purpose"] == "案件移送"
    assert len(answer.content) == int(answer.headers["content-length"])
    clear = [each for each in centre.settings.data_dir.rglob("*") if each.is_file() and b"%PDF" in each.read_bytes()]
    assert clear == [target], "nothing opened stays on the disk"
    assert answer.headers["x-package-sha256"] in monitor.get(f"/findings/{jr_id}/evidence").text


@pytest.mark.parametrize("purpose", ["", "  ", "x" * 501])
def test_no_purpose_no_package(monitor: TestClient, jr_id: str, purpose: str) -> None:
    answer = post(monitor, f"/findings/{jr_id}/package", purpose=purpose)
    assert answer.status_code == 422
    assert "请填写用途" in answer.text


@pytest.mark.parametrize(
    ("role", "address", "status"),
    [
        (Role.EXAMINER, "package", 403),
        (Role.ADMINISTRATOR, "package", 403),
        (Role.AUDITOR, "package", 200),
        (Role.MONITOR, "stamps", 403),
        (Role.AUDITOR, "stamps", 403),
        (Role.EXAMINER, "holds", 403),
        (Role.ADMINISTRATOR, "holds", 403),
    ],
)
def test_each_needs_its_own_right(app: FastAPI, jr_id: str, role: Role, address: str, status: int) -> None:
    fields = {"purpose": "x", "kind": "legal", "result": "passed", "reason": "x", "document": "x"}
    assert post(visitor(app, role), f"/findings/{jr_id}/{address}", **fields).status_code == status


def test_a_form_of_another_session_is_refused(monitor: TestClient, jr_id: str) -> None:
    assert monitor.post(f"/findings/{jr_id}/package", data={"purpose": "x", "csrf": "x"}).status_code == 403
    assert monitor.post(f"/api/findings/{jr_id}/package", json={"purpose": "x"}).status_code == 401


def test_what_was_not_reviewed_is_marked_on_both_pages(monitor: TestClient, centre: Centre, jr_id: str) -> None:
    assert "不得作为行政处罚的证据" in monitor.get(f"/findings/{jr_id}").text
    page = monitor.get(f"/findings/{jr_id}/evidence").text
    assert "未经法制和技术审核，不得作为行政处罚的证据" in page
    assert "采集时场所未经法制审核" in page
    approve(centre)
    assert "不得作为行政处罚的证据" not in monitor.get(f"/findings/{jr_id}").text
    stamp(centre, jr_id)
    reviewed = monitor.get(f"/findings/{jr_id}/evidence").text
    assert "不得作为行政处罚的证据" not in reviewed
    assert "均经法制审核和技术审核通过" in reviewed


def test_two_people_stamp(app: FastAPI, jr_id: str) -> None:
    examiner = visitor(app, Role.EXAMINER)
    address = f"/findings/{jr_id}/stamps"
    assert post(examiner, address, kind="legal", result="passed", reason=f"齐全{HOSTILE}").status_code == 303
    again = post(examiner, address, kind="technical", result="passed", reason="x")
    assert again.status_code == 409
    assert "须由另一人完成" in again.text
    page = examiner.get(f"/findings/{jr_id}/evidence").text
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    assert post(examiner, address, kind="legal", result="passed", reason=" ").status_code == 400
    assert post(examiner, address, kind="x", result="passed", reason="x").status_code == 422


def test_two_people_end_a_hold(app: FastAPI, jr_id: str) -> None:
    monitor, auditor = visitor(app, Role.MONITOR), visitor(app, Role.AUDITOR)
    assert post(monitor, f"/findings/{jr_id}/holds", reason="复议", document="").status_code == 400
    assert post(monitor, f"/findings/{jr_id}/holds", reason="复议", document="复议〔2026〕1号").status_code == 303
    address = f"/findings/{jr_id}/holds/1"
    assert post(monitor, address, step="ask", reason="已结").status_code == 303
    own = post(monitor, address, step="confirm")
    assert own.status_code == 409
    assert "须由另一人完成" in own.text
    assert 'value="confirm"' not in monitor.get(f"/findings/{jr_id}/evidence").text
    assert 'value="confirm"' in auditor.get(f"/findings/{jr_id}/evidence").text
    assert post(auditor, address, step="confirm").status_code == 303
    assert "已解除，li.ying 确认" in monitor.get(f"/findings/{jr_id}/evidence").text
    assert post(auditor, address, step="refuse").status_code == 409


def test_programs_can_do_the_same(app: FastAPI, jr_id: str) -> None:
    monitor, auditor, examiner = (program(app, role) for role in (Role.MONITOR, Role.AUDITOR, Role.EXAMINER))
    number = monitor.post("/api/holds", json={"kind": "finding", "subject": jr_id, "reason": "r", "document": "d"}).json()
    assert monitor.post(f"/api/holds/{number}/release", json={"reason": "r"}).status_code == 200
    assert monitor.post(f"/api/holds/{number}/confirm").status_code == 409
    assert auditor.post(f"/api/holds/{number}/refuse").status_code == 200
    assert monitor.post(f"/api/holds/{number}/release", json={"reason": "r"}).status_code == 200
    assert auditor.post(f"/api/holds/{number}/confirm").status_code == 200
    assert [each["released_by"] for each in auditor.get("/api/holds").json()] == ["li.ying"]
    told = {"kind": "legal", "result": "passed", "reason": "r"}
    assert examiner.post(f"/api/findings/{jr_id}/stamps", json=told).status_code == 201
    answer = auditor.post(f"/api/findings/{jr_id}/package", json={"purpose": "抽查"})
    with ZipFile(BytesIO(answer.content)) as archive:
        assert json.loads(archive.read("manifest.json"))["exported_by"] == "li.ying"
    known = auditor.get(f"/api/packages/{answer.headers['x-package-sha256']}").json()
    assert known["purpose"] == "抽查"
    assert auditor.get(f"/api/packages/{'0' * 64}").status_code == 404
    standing = auditor.get(f"/api/findings/{jr_id}/evidence").json()
    assert [each["package_id"] for each in standing["packages"]] == [known["package_id"]]
    assert standing["marking"]["missing"] == ["site_legal", "site_technical", "stamp_technical"]


def test_the_page_speaks_english_too(monitor: TestClient, jr_id: str) -> None:
    monitor.get("/language/en")
    page = monitor.get(f"/findings/{jr_id}/evidence").text
    assert "Not reviewed legally and technically" in page
    assert "the evidence had no legal review" in page
