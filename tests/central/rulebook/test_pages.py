"""The pages and the API of rules: four eyes in the browser, trials, snoozes, samples; and that nobody else may."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from central.accounts import service as accounts
from central.accounts.model import Role
from central.cases import service as cases
from central.rulebook import service, snoozes, trials
from central.rules.base import Stage
from central.wiring import Centre
from tests.builders import AT, SITE
from tests.central.web.consoles import HOSTILE, app_of, csrf_of, make_finding, program, visitor

DAY = timedelta(days=1)
LIFETIME = timedelta(hours=8)


def second(app: FastAPI) -> TestClient:
    """Another monitor's browser."""
    centre: Centre = app.state.centre
    now = centre.now()
    with centre.engine.begin() as db:
        accounts.add(db, username="second", role=Role.MONITOR, password_hash="-", must_change_password=False, actor="test", now=now)
        entered = accounts.enter(db, attempt=accounts.begin_attempt(db, username="second", now=now), now=now, lifetime=LIFETIME)
    browser = TestClient(app, follow_redirects=False, raise_server_exceptions=False)
    browser.cookies.set("session", entered.token)
    return browser


def post(browser: TestClient, path: str, page: str = "/rules/PR-01", **fields: object) -> tuple[int, str]:
    answer = browser.post(path, data={"csrf": csrf_of(browser.get(page).text)} | fields)
    return answer.status_code, answer.text


def limits(**values: object) -> dict[str, list[object]]:
    return {"names": list(values), "values": list(values.values())}


def test_the_catalogue_and_every_rule_are_shown_in_both_languages(app: FastAPI) -> None:
    browser = visitor(app, Role.MONITOR)
    for language, word in (("zh", "供人提醒机构"), ("en", "for people to remind the institution")):
        browser.cookies.set("language", language)
        page = browser.get("/rules")
        assert page.status_code == 200
        assert word in page.text
        found = set(re.findall(r'href="/rules/([A-Z]+-\d+)"', page.text))
        assert {"ID-01", "PR-01", "CC-01"} <= found
        for rule_id in found:
            assert browser.get(f"/rules/{rule_id}").status_code == 200, rule_id
    assert browser.get("/rules/PR-99").status_code == 404


def test_a_change_is_proposed_by_one_and_approved_by_another(app: FastAPI, centre: Centre) -> None:
    anna, bert = visitor(app, Role.MONITOR), second(app)
    assert post(anna, "/rules/PR-01/changes", scope="430000", reason=HOSTILE, **limits(repeat_days=" 14 ", min_frames_seen=""))[0] == 303
    page = anna.get("/rules/PR-01").text
    assert HOSTILE not in page
    assert "本人提出的改动须由另一人批准" in page
    assert "7 → 14" in page, "who approves sees what it does where"
    assert 'value="approve"' not in page
    status, said = post(anna, "/rules/PR-01/changes/1", decision="approve")
    assert (status, "须由另一人完成" in said) == (409, True)
    assert post(bert, "/rules/PR-01/changes/1", decision="approve", reason="looked at the shadow run")[0] == 303
    with centre.engine.begin() as db:
        (done,) = service.history(db, "PR-01")
    assert (done.scope, done.limits, done.version, done.decided_by) == ("43", {"repeat_days": 14}, 1, "second")
    assert "<strong>14</strong>" in bert.get("/rules/PR-01").text


def test_a_lowering_holds_at_once_and_a_raise_waits(app: FastAPI, centre: Centre) -> None:
    anna = visitor(app, Role.MONITOR)
    assert post(anna, "/rules/PR-01/stage", stage="silent", reason="noisy")[0] == 303
    assert post(anna, "/rules/PR-01/stage", stage="restrict", reason="good")[0] == 303
    assert "待批准 1 项" in anna.get("/rules").text
    assert post(anna, "/rules/PR-01/changes/2", decision="refuse", reason="thought again")[0] == 303
    with centre.engine.begin() as db:
        assert [(each.stage, each.version) for each in service.history(db, "PR-01")] == [(Stage.RESTRICT, None), (Stage.SILENT, 1)]


@pytest.mark.parametrize(
    ("path", "fields", "named"),
    [
        ("changes", {"reason": "x"} | limits(repeat_days="0"), "repeat_days = &#39;0&#39;"),
        ("changes", {"reason": "x"} | limits(repeat="1"), "no parameter"),
        ("changes", {"reason": "", "scope": "43"} | limits(repeat_days="9"), "a reason of 1 to 500"),
        ("changes", {"reason": "x", "scope": "Hunan"} | limits(repeat_days="9"), "names no place"),
        ("stage", {"reason": "x", "stage": "loud"}, "is none of silent"),
        ("changes/9", {"decision": "approve"}, "change 9 is not here"),
        ("changes/9", {"decision": "maybe"}, "choose to approve"),
        ("trials", {"since": "gestern"}, "is no day"),
        ("snoozes", {"reason": "x", "until": "2026-01-09"}, "either one subject"),
    ],
)
def test_what_cannot_be_is_said_beside_the_form_and_nothing_entered_is_lost(
    app: FastAPI, path: str, fields: dict[str, object], named: str
) -> None:
    status, page = post(visitor(app, Role.MONITOR), f"/rules/PR-01/{path}", **fields)
    assert status in (404, 409, 422, 400)
    assert named in page
    if "scope" in fields:
        assert f'value="{fields["scope"]}"' in page


def test_a_trial_waits_until_it_is_carried_out(app: FastAPI, centre: Centre) -> None:
    anna = visitor(app, Role.MONITOR)
    assert post(anna, "/rules/PR-01/trials", **limits(repeat_days="9"))[0] == 303
    assert post(anna, "/rules/PR-01/trials", since="2026-01-01", **limits(repeat_days="9"))[0] == 303
    assert "等待下一次核对时运行" in anna.get("/rules/PR-01").text
    with centre.engine.begin() as db:
        assert [each.kind for each in trials.waiting(db)] == ["shadow", "backtest"]


def test_a_snooze_lists_what_it_holds_and_gives_it_back(app: FastAPI, centre: Centre) -> None:
    jr_id, anna = make_finding(centre), visitor(app, Role.MONITOR)
    last = (centre.now() + DAY).date().isoformat()
    assert post(anna, "/rules/ID-01/snoozes", fixmedins_code=SITE, until=last, reason="repair")[0] == 303
    assert f"/findings/{jr_id}" in anna.get("/rules/ID-01").text
    assert jr_id not in anna.get("/findings").text
    assert jr_id in anna.get("/findings?status=held").text
    assert post(anna, "/rules/ID-01/snoozes/1/end")[0] == 303
    assert jr_id in anna.get("/findings").text
    with centre.engine.begin() as db:
        assert snoozes.standing(db) == ()


def test_a_sample_is_drawn_and_judged(tmp_path: Path) -> None:
    app = app_of(tmp_path, now=lambda: AT + DAY)
    centre: Centre = app.state.centre
    make_finding(centre)
    anna = visitor(app, Role.MONITOR)
    status, said = post(anna, "/samples", "/rules", size=5, days=3000, reason="month")
    assert (status, "nothing to draw from" in said) == (400, True)
    with centre.engine.begin() as db:
        (found,) = cases.list_findings(db).rows
        cases.review(db, jr_id=found.jr_id, verdict="dismiss", reason="x", actor="a", now=centre.now())
    answer = anna.post(
        "/samples", data={"csrf": csrf_of(anna.get("/rules").text), "size": 5, "days": 3000, "rule_id": "PR-01", "reason": "m"}
    )
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == "/samples/1"
    assert "S-1" in anna.get("/samples/1").text
    assert post(anna, "/samples/1/items/1", "/samples/1", verdict="missed", reason="empty window")[0] == 303
    assert "1 / 1" in anna.get("/samples/1").text
    assert anna.get("/samples/2").status_code == 404


def test_a_program_proposes_and_another_approves(app: FastAPI) -> None:
    client = program(app, Role.MONITOR)
    assert {each["stage"] for each in client.get("/api/rules").json()} <= set(Stage)
    made = client.post("/api/rules/PR-01/changes", json={"limits": {"repeat_days": 9}, "reason": "x"})
    assert (made.status_code, made.json()["version"]) == (201, None)
    assert client.post("/api/rules/changes/1/approve", json={}).status_code == 409
    assert client.post("/api/rules/changes/1/refuse", json={"reason": "no"}).status_code == 200
    assert client.get("/api/rules/PR-01").json()["limits"]["repeat_days"] == 7
    assert len(client.get("/api/rules/PR-01/changes").json()) == 1
    assert client.post("/api/rules/PR-01/changes", json={"limits": {"repeat_days": {"a": 1}}, "reason": "x"}).status_code == 400
    assert client.get("/api/rules/PR-01?scope=Hunan").status_code == 400


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.EXAMINER, Role.AUDITOR])
def test_nobody_but_monitors_changes_rules(app: FastAPI, role: Role) -> None:
    browser = visitor(app, role)
    may_read = role is Role.AUDITOR
    assert browser.get("/rules").status_code == (200 if may_read else 403)
    assert browser.get("/rules/PR-01").status_code == (200 if may_read else 403)
    csrf = csrf_of(browser.get("/account").text)
    for path in (
        "/rules/PR-01/changes",
        "/rules/PR-01/stage",
        "/rules/PR-01/changes/1",
        "/rules/PR-01/trials",
        "/rules/PR-01/snoozes",
        "/samples",
    ):
        assert browser.post(path, data={"csrf": csrf, "reason": "x"}).status_code == 403, path
    assert program(app, role).post("/api/rules/PR-01/changes", json={"reason": "x"}).status_code == 403
