"""The pages of the register of people: what they show to whom, and what their forms do."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from central.accounts.model import Role
from central.audit import service as audit
from central.people import lists, store
from central.people import service as people
from central.people.model import LooksLikeAnother
from central.subjects.model import ErasureStatement
from central.web.texts import Language, load
from central.wiring import Centre
from contract.sealed import TrustedKey, verify
from models import files
from models.quality import problems
from tests.builders import SITE
from tests.central.building import Terminal, unit_vector
from tests.central.people.people import CONSENT, NOW, admit
from tests.central.web.consoles import USERS, csrf_of, program, visitor

ADMINISTRATOR, MONITOR, AUDITOR = Role.ADMINISTRATOR, Role.MONITOR, Role.AUDITOR
PSN = "43000000000000001101"
FACES = files.default_folder()
needs_faces = pytest.mark.skipif(
    not all((FACES / name).exists() for name in ("demo-person-01-a.jpg", "demo-person-01-half-1.jpg", "mobilefacenet.onnx")),
    reason="run `python -m models fetch --pack all` first",
)
LISTS = ("", "/duplicates", "/proxies", "/staff", "/exceptions", "/watch", "/registers")


@pytest.fixture
def known(centre: Centre) -> Centre:
    """One person who is enrolled, and another whose picture waits for a decision."""
    Terminal(centre).register()
    admit(centre, PSN, unit_vector("me"), basis=CONSENT)
    with pytest.raises(LooksLikeAnother):
        admit(centre, "OTHER", unit_vector("twin", unit_vector("me"), 0.9))
    return centre


def post(browser: TestClient, path: str, **fields: Any) -> Any:
    return browser.post(path, data={"csrf": csrf_of(browser.get("/account").text)} | fields)


def actions(centre: Centre, *objects: str) -> list[tuple[str, str]]:
    with centre.engine.begin() as db:
        return [(entry.action, entry.actor) for entry in audit.about(db, objects)]


@pytest.mark.parametrize("role", [ADMINISTRATOR, MONITOR, AUDITOR])
@pytest.mark.parametrize("name", LISTS)
def test_every_role_reads_the_register_in_both_languages(app: FastAPI, known: Centre, role: Role, name: str) -> None:
    browser = visitor(app, role)
    for language in Language:
        browser.cookies.set("language", language)
        answer = browser.get(f"/people{name}")
        assert answer.status_code == 200 and PSN not in answer.text.replace(f"/people/person/{PSN}", ""), "numbers are masked in lists"
    assert ('action="/people/enrol"' in browser.get("/people").text) == (role is ADMINISTRATOR)


def test_a_search_finds_by_the_beginning_and_takes_nothing_else_for_it(app: FastAPI, known: Centre) -> None:
    browser = visitor(app, AUDITOR)
    for beginning, found in (("4300", True), ("9", False), ("%", False), ("_", False), ("'--", False)):
        assert (f"/people/person/{PSN}" in browser.get("/people", params={"beginning": beginning}).text) == found, beginning


def test_what_is_due_is_listed(app: FastAPI, known: Centre) -> None:
    browser = visitor(app, AUDITOR)
    admit(known, "OLD", unit_vector("old"), taken_at=NOW - timedelta(days=2000))
    for only, shown in (("renewal", {"OLD"}), ("basis", set()), ("", {"OLD", PSN})):
        page = browser.get("/people", params={"only": only}).text
        assert {name for name in ("OLD", PSN) if f"/people/person/{name}" in page} == shown
    with known.engine.begin() as db:
        people.withdraw_basis(db, PSN, "W-1", now=NOW, actor="test")
    assert f"/people/person/{PSN}" in browser.get("/people", params={"only": "basis"}).text
    assert browser.get("/people", params={"only": "whom"}).status_code == 422


def test_a_picture_is_opened_only_with_a_purpose_and_logged(app: FastAPI, known: Centre) -> None:
    with known.engine.begin() as db:
        (row,) = store.templates_of(db, PSN)
    path = f"/people/person/{PSN}/picture"
    monitor = visitor(app, MONITOR)
    assert f'src="/{row["media_id"]}' not in monitor.get(f"/people/person/{PSN}").text
    assert post(monitor, path, media_id=row["media_id"], purpose=" ").status_code == 400
    assert post(monitor, path, media_id="f" * 64, purpose="x").status_code == 404
    assert post(visitor(app, ADMINISTRATOR), path, media_id=row["media_id"], purpose="x").status_code == 403
    answer = post(monitor, path, media_id=row["media_id"], purpose="complaint 7")
    assert (answer.status_code, answer.content) == (200, f"jpeg of {PSN}".encode())
    assert actions(known, row["media_id"]) == [("picture.view", USERS[MONITOR])]


def test_who_enrols_does_not_learn_whom_a_face_resembles(app: FastAPI, known: Centre) -> None:
    """Else a stranger's picture under an invented number would tell who the stranger is."""
    chief, monitor = visitor(app, ADMINISTRATOR), visitor(app, MONITOR)
    for path in ("/people/duplicates", "/people/duplicates/1", "/people/person/OTHER"):
        answer = chief.get(path)
        assert answer.status_code in (200, 404) and f"/people/person/{PSN}" not in answer.text, path
    assert "duplicates/1" not in chief.get(f"/people/person/{PSN}").text, "nor by looking through all people for the entry"
    assert "duplicates/1" in monitor.get(f"/people/person/{PSN}").text
    assert f"/people/person/{PSN}" in monitor.get("/people/duplicates/1").text
    assert program(app, ADMINISTRATOR).get("/api/people/duplicates/1").json()["other_psn_no"] == ""


def test_a_monitor_decides_about_a_doubt_with_both_pictures(app: FastAPI, known: Centre) -> None:
    monitor, chief = visitor(app, MONITOR), visitor(app, ADMINISTRATOR)
    assert monitor.get("/people/duplicates/1/pictures/new").content == b"jpeg of OTHER"
    assert monitor.get("/people/duplicates/1/pictures/known").content == f"jpeg of {PSN}".encode()
    assert chief.get("/people/duplicates/1/pictures/new").status_code == 403
    assert post(chief, "/people/duplicates/1", verdict="mistake", reason="x").status_code == 403
    bad = post(monitor, "/people/duplicates/1", verdict="mistake", reason="")
    assert bad.status_code == 400 and "checked" in bad.text, "what was chosen stays"
    assert post(monitor, "/people/duplicates/1", verdict="different_people", reason="twins").status_code == 303
    page = monitor.get("/people/duplicates/1").text
    assert "twins" in page and "pictures/new" not in page
    assert monitor.get("/people/duplicates/1/pictures/new").status_code == 404
    assert monitor.get("/people/duplicates/9").status_code == 404
    assert ("duplicate.decide", USERS[MONITOR]) in actions(known, "OTHER")


def test_the_lists_are_kept_by_their_forms(app: FastAPI, known: Centre) -> None:
    chief, monitor = visitor(app, ADMINISTRATOR), visitor(app, MONITOR)
    day = (NOW + timedelta(days=20)).date().isoformat()
    proxy = {"psn_no": PSN, "proxy_psn_no": "CARER", "first_day": "2026-01-01", "last_day": day, "reason": "family"}
    assert post(chief, "/people/proxies", **proxy).status_code == 303
    refused = post(chief, "/people/proxies", **proxy | {"last_day": "2025-01-01"})
    assert refused.status_code == 400 and 'value="CARER"' in refused.text
    assert post(chief, "/people/proxies/end", psn_no=PSN, proxy_psn_no="CARER", reason="moved").status_code == 303
    assert post(chief, "/people/staff", psn_no=PSN, fixmedins_code=SITE, reference="S-7").status_code == 303
    assert "S-7" in monitor.get("/people/staff").text
    assert post(chief, "/people/exceptions", psn_no=PSN, reason="health", note="cast", last_day=day).status_code == 303
    assert post(chief, "/people/exceptions", psn_no=PSN, reason="whim").status_code == 400
    assert post(chief, "/people/exceptions/1/end", reason="healed").status_code == 303
    watch = {"psn_no": PSN, "fixmedins_code": SITE, "document": "D-1", "decided_by": "x", "decided_on": "2026-01-01", "last_day": day}
    assert post(chief, "/people/watch", **watch, reason="case").status_code == 303
    assert post(chief, "/people/watch/1/confirm").status_code == 409
    assert post(monitor, "/people/watch/1/confirm").status_code == 303
    assert post(visitor(app, AUDITOR), "/people/watch/1/end", reason="x").status_code == 403
    assert post(monitor, "/people/watch/1/end", reason="closed").status_code == 303
    assert post(chief, "/people/staff/end", psn_no=PSN, fixmedins_code=SITE).status_code == 303
    for path in ("/people/proxies", "/people/exceptions", "/people/watch"):
        assert post(monitor if "watch" not in path else visitor(app, AUDITOR), path, psn_no=PSN).status_code == 403
    with known.engine.begin() as db:
        assert lists.watch_page(db, offset=0, size=5)[0][0]["ended_by"] == USERS[MONITOR]


@needs_faces
def test_a_person_is_enrolled_from_the_page_and_a_bad_picture_says_how_to_do_better(app: FastAPI, known: Centre) -> None:
    chief = visitor(app, ADMINISTRATOR)
    fields = {"psn_no": "NEW", "fixmedins_code": SITE, "reference": "C-9", "given_on": "2025-12-31", "taken_on": "2025-12-30"}

    def enrol(name: str) -> Any:
        csrf = csrf_of(chief.get("/account").text)
        return chief.post("/people/enrol", data=fields | {"csrf": csrf}, files={"pictures": (name, (FACES / name).read_bytes())})

    bad = enrol("demo-person-01-half-1.jpg")
    zh, en = (load(language).entries["picture_fault.cut_off"] for language in Language)
    assert bad.status_code == 400 and zh in bad.text and 'value="C-9"' in bad.text
    chief.cookies.set("language", "en")
    assert en in enrol("demo-person-01-half-1.jpg").text
    good = enrol("demo-person-01-a.jpg")
    assert (good.status_code, good.headers["location"]) == (303, "/people/person/NEW")
    with known.engine.begin() as db:
        kept = people.kept_of(db, "NEW", now=NOW)
    assert kept.bases[0]["reference"] == "C-9" and kept.templates[0]["taken_at"] is not None


def test_every_fault_of_a_picture_has_its_advice() -> None:
    codes = {"not_a_picture", "truncated", "too_small", "too_large", "no_face", "several_faces", "poor_quality"}
    codes |= {
        "eyes_covered",
        "mouth_covered",
        "face_covered",
        *(problems.__doc__ or "").split("Codes: ")[1].strip().rstrip(".").split(", "),
    }
    for language in Language:
        entries = load(language).entries
        assert not {code for code in codes if f"picture_fault.{code.strip()}" not in entries}


def test_a_persons_requests_are_answered_and_logged(app: FastAPI, known: Centre) -> None:
    chief, path = visitor(app, ADMINISTRATOR), f"/people/person/{PSN}"
    assert visitor(app, MONITOR).get(f"{path}/requests").status_code == 403
    assert post(chief, f"{path}/report", reference=" ").status_code == 400
    report = post(chief, f"{path}/report", reference="Q-1")
    assert report.status_code == 200 and "个人信息查阅报告" in report.text and "What is kept of you" in report.text and "C-1" in report.text
    assert "OTHER" not in report.text, "whom the face resembles is not told"
    assert post(chief, f"{path}/erase", why="request", reference="E-1", sure="another").status_code == 400
    done = post(chief, f"{path}/erase", why="withdrawn", reference="E-1", sure=PSN)
    assert (done.status_code, done.headers["location"]) == (303, "/people/erasures/1")
    proof = chief.get("/people/erasures/1").text
    assert "E-1" in proof and "已从中心删除" in proof
    key = TrustedKey(known.keys.signer.public)
    signed = post(chief, "/people/erasures/1/statement").content
    assert ErasureStatement.from_bytes(verify(signed, {key.kid: key}.get, "erasure").payload).reference == "E-1"
    told = [action for action, _ in actions(known, PSN)]
    assert {"person.report", "person.withdraw", "exemption.add", "person.erase", "person.statement"} <= set(told)


def test_a_basis_is_renewed(app: FastAPI, known: Centre) -> None:
    chief = visitor(app, ADMINISTRATOR)
    fields = {"basis": "law", "reference": "L-2", "given_on": "2026-01-01", "last_day": "2030-01-01"}
    assert post(chief, f"/people/person/{PSN}/basis", **fields | {"given_on": "2031-01-01"}).status_code == 400
    assert post(chief, f"/people/person/{PSN}/basis", **fields).status_code == 303
    assert "L-2" in chief.get(f"/people/person/{PSN}").text
    assert program(app, ADMINISTRATOR).post(f"/api/people/{PSN}/basis", json=fields | {"reference": "L-3"}).status_code == 204
    with known.engine.begin() as db:
        assert [row["reference"] for row in store.bases_of(db, PSN)] == ["L-3", "L-2", "C-1"]


def test_programs_do_the_same(app: FastAPI, known: Centre) -> None:
    chief, monitor = program(app, ADMINISTRATOR), program(app, MONITOR)
    assert chief.get("/api/people/due").json() == {"renewals": 0, "without_basis": 0, "duplicates": 1, "faces": 1}
    assert monitor.get("/api/people/duplicates/1").json()["other_psn_no"] == PSN
    decision = {"verdict": "mistake", "reason": "mixed up"}
    assert monitor.post("/api/people/duplicates/1/decision", json=decision).json()["verdict"] == "mistake"
    assert monitor.post("/api/people/duplicates/1/decision", json=decision).status_code == 409
    exception = {"psn_no": PSN, "reason": "faith"}
    assert chief.post("/api/people/exceptions", json=exception).json() == {"number": 1}
    assert monitor.post("/api/people/exceptions", json=exception).status_code == 403
    report = chief.get(f"/api/people/{PSN}/report", params={"reference": "Q-2"}).json()
    assert report["exemptions"][0]["reason"] == "faith" and "sealed_vector" not in str(report)
    proof = chief.post(f"/api/people/{PSN}/erase", json={"why": "request", "reference": "E-2"})
    assert proof.status_code == 201 and proof.json()["terminals"][0]["state"] == "pending"
    assert chief.get(f"/api/people/erasures/{proof.json()['number']}/statement").text == proof.json()["statement"]
    assert chief.get("/api/people/NOBODY/report", params={"reference": "Q"}).status_code == 404


def test_many_faces_are_warned_of_on_the_overview_and_as_figures(app: FastAPI, known: Centre) -> None:
    chief = visitor(app, ADMINISTRATOR)
    assert "备案" not in chief.get("/").text
    with known.engine.begin() as db:
        people.count_faces(db, (80_000, 100_000), seen=81_000, now=NOW, actor="count")
    assert "备案" in chief.get("/").text and "81,001" in chief.get("/people").text
    client = TestClient(app, client=("127.0.0.1", 50_000))
    figures = client.get("/metrics").text
    for line in (
        "central_faces_enrolled 1.0",
        "central_faces_seen 81000.0",
        "central_faces_warned_at 80000.0",
        "central_identities_doubtful 1.0",
    ):
        assert line in figures
