"""Orders in the console: film for a finding, roll-calls, settings and retirement; the watch of the windows; irregularities."""

import re
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from central.accounts.model import Role
from central.audit import service as audit
from central.captures.model import Incoming
from central.devices import service as devices
from central.orders import service as orders
from central.orders.model import Answer, Kind, Order
from central.wiring import Centre
from contract.events import MediaRole
from tests import builders
from tests.builders import AT, MSGID
from tests.central.building import Terminal, make_intake, take
from tests.central.told import asking, coverage, result, watched
from tests.central.web.consoles import HOSTILE, USERS, csrf_of, enclosed, make_finding, picture, program, visitor

PURPOSE = "核对就诊人"
CAPTURE = f"{builders.DEVICE}1:{builders.EPOCH}:1"


@pytest.fixture
def monitor(app: FastAPI) -> TestClient:
    return visitor(app, Role.MONITOR)


@pytest.fixture
def jr_id(centre: Centre) -> str:
    return make_finding(centre)


@pytest.fixture
def terminal(centre: Centre) -> Terminal:
    terminal = Terminal(centre).register()
    with centre.engine.begin() as db:
        devices.note_state(db, builders.birth(), now=AT)
    return terminal


def send(browser: TestClient, path: str, **fields: str) -> Any:
    return browser.post(path, data={"csrf": csrf_of(browser.get("/account").text)} | fields)


def every(centre: Centre) -> list[Order]:
    with centre.engine.begin() as db:
        return list(orders.list_orders(db, now=AT).rows)


def answer(centre: Centre, terminal: Terminal, request: str, *enclosures: Incoming, **changes: Any) -> None:
    take(centre, make_intake(centre), terminal.event(builders.footage, request=request, **changes), *enclosures)


def ask_film(browser: TestClient, jr_id: str, **changes: str) -> Any:
    return send(browser, f"/findings/{jr_id}/film", **({"capture_id": CAPTURE, "purpose": PURPOSE} | changes))


def test_film_is_asked_for_from_a_finding_and_its_fate_is_shown(monitor: TestClient, centre: Centre, jr_id: str) -> None:
    assert "向终端调取" in monitor.get(f"/findings/{jr_id}").text
    assert ask_film(monitor, jr_id).status_code == 303
    (order,) = every(centre)
    assert (order.kind, order.subject, order.device_id, order.asked_by) == (
        Kind.EVIDENCE_REQUEST,
        MSGID,
        f"{builders.DEVICE}1",
        USERS[Role.MONITOR],
    )
    page = monitor.get(f"/findings/{jr_id}").text
    assert "待发送" in page
    assert PURPOSE in page
    assert "向终端调取" not in page, "the same is not asked twice at once"
    with centre.engine.begin() as db:
        assert orders.answer_film(db, order.device_id, order.request, no_film("film_not_kept"))
    page = monitor.get(f"/findings/{jr_id}").text
    assert re.search(r"未提供：</strong>\s*录像未保留或已到期", page)
    assert "向终端调取" in page
    monitor.get("/language/en")
    assert "no film was kept, or its time is over" in monitor.get(f"/findings/{jr_id}").text


def no_film(why: str) -> Answer:
    return Answer(result="no_film", why=why, detail="", at=AT)


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"purpose": ""}, 400, "请填写用途"),
        ({"purpose": "长" * 501}, 400, "请填写用途"),
        ({"capture_id": "P99999900001-t9:1:1"}, 404, "没有找到"),
        ({"capture_id": ""}, 404, "没有找到"),
    ],
)
def test_film_is_not_asked_for_without_purpose_or_about_others(
    monitor: TestClient, centre: Centre, jr_id: str, changes: dict[str, str], status: int, says: str
) -> None:
    given = ask_film(monitor, jr_id, **changes)
    assert given.status_code == status
    assert says in given.text
    assert every(centre) == []


def test_the_same_film_asked_twice_is_a_conflict(monitor: TestClient, jr_id: str) -> None:
    ask_film(monitor, jr_id)
    again = ask_film(monitor, jr_id)
    assert again.status_code == 409
    assert "同样的指令已经下达" in again.text


def test_a_device_that_has_ended_cannot_be_asked(monitor: TestClient, centre: Centre, jr_id: str) -> None:
    with centre.engine.begin() as db:
        devices.revoke_device(db, f"{builders.DEVICE}1", now=AT, actor="test")
    given = ask_film(monitor, jr_id)
    assert given.status_code == 404
    assert "设备未登记或已停用" in given.text
    assert f">{PURPOSE}</textarea>" in given.text


def test_a_finding_whose_clip_is_here_asks_for_none(monitor: TestClient, centre: Centre) -> None:
    assert "向终端调取" not in monitor.get(f"/findings/{make_finding(centre, clip=b'webm')}").text


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.ADMINISTRATOR])
def test_only_monitors_ask_for_film_and_roll_calls(app: FastAPI, centre: Centre, terminal: Terminal, jr_id: str, role: Role) -> None:
    browser = visitor(app, role)
    assert ask_film(browser, jr_id).status_code == 403
    assert send(browser, "/roll-calls", post=f"{terminal.device_id}/W1", purpose=PURPOSE).status_code == 403
    assert every(centre) == []


def test_a_form_of_another_session_orders_nothing(monitor: TestClient, centre: Centre, terminal: Terminal, jr_id: str) -> None:
    fields = {"csrf": "forged", "post": f"{terminal.device_id}/W1", "capture_id": CAPTURE, "purpose": PURPOSE}
    for path in ("/roll-calls", f"/findings/{jr_id}/film"):
        assert monitor.post(path, data=fields).status_code == 403
    assert every(centre) == []


def call(monitor: TestClient, terminal: Terminal, **changes: str) -> str:
    done = send(monitor, "/roll-calls", **({"post": f"{terminal.device_id}/W1", "purpose": PURPOSE} | changes))
    assert done.status_code == 303
    return str(done.headers["location"])


def test_a_roll_call_from_asking_to_its_picture(app: FastAPI, monitor: TestClient, centre: Centre, terminal: Terminal) -> None:
    place = call(monitor, terminal)
    page = monitor.get(place).text
    assert "尚未发送" in page
    assert 'hx-trigger="every 2s"' in page
    ref, parts = enclosed(centre, terminal, picture(120), role=MediaRole.SCENE, content_type="image/jpeg")
    told = {"msgid": None, "persons": 3, "since": AT, "until": AT, "blurred": True, "media": (ref,), "missing": None}
    answer(centre, terminal, place.rpartition("/")[2], **told)
    page = monitor.get(place).text
    assert "图像尚在上传" in page
    assert 'hx-trigger="every 2s"' in page
    take(centre, make_intake(centre), *parts)
    page = monitor.get(place).text
    assert f'src="{place}/pictures/{ref.media_id}"' in page
    assert "面部已模糊" in page
    assert "hx-trigger" not in page
    for role in (Role.MONITOR, Role.AUDITOR):
        shown = visitor(app, role).get(f"{place}/pictures/{ref.media_id}")
        assert (shown.status_code, shown.content, shown.headers["cache-control"]) == (200, picture(120), "no-store")
        with centre.engine.begin() as db:
            newest = audit.entries(db).rows[0]
        assert (newest.actor, newest.action, newest.object) == (USERS[role], "picture.view", ref.media_id)
        assert newest.detail["why"] == f"roll-call {place.rpartition('/')[2]}"
    told_to_programs = program(app, Role.MONITOR).get(f"/api/footage/{place.rpartition('/')[2]}").json()
    assert (told_to_programs["persons"], told_to_programs["media"][0]["stored"]) == (3, True)
    assert program(app, Role.ADMINISTRATOR).get(f"/api/footage/{place.rpartition('/')[2]}").status_code == 403
    assert program(app, Role.MONITOR).get(f"/api/footage/{'f' * 32}").status_code == 404
    listed = monitor.get("/roll-calls").text
    assert re.search(r'<td class="number">3</td>', listed)
    assert "已提供" in listed


def test_a_roll_call_without_picture_says_why(monitor: TestClient, centre: Centre, terminal: Terminal) -> None:
    place = call(monitor, terminal)
    answer(centre, terminal, place.rpartition("/")[2], msgid=None, persons=0, missing="mode_forbids")
    assert "该机构的外发方式不允许" in monitor.get(place).text
    monitor.get("/language/en")
    assert "what may leave this site does not include it" in monitor.get(place).text
    assert re.search(r'<td class="number">0</td>', monitor.get("/roll-calls").text)


def test_a_picture_is_seen_only_through_its_own_roll_call(
    app: FastAPI, monitor: TestClient, centre: Centre, terminal: Terminal, jr_id: str
) -> None:
    place = call(monitor, terminal)
    ref, parts = enclosed(centre, terminal, picture(120), role=MediaRole.SCENE, content_type="image/jpeg")
    answer(centre, terminal, place.rpartition("/")[2], *parts, msgid=None, media=(ref,), missing=None)
    other = call(monitor, terminal)
    ask_film(monitor, jr_id)
    film = next(order.request for order in every(centre) if order.kind is Kind.EVIDENCE_REQUEST)
    for wrong in (f"{other}/pictures/{ref.media_id}", f"/roll-calls/{film}", f"/roll-calls/{'f' * 32}", f"{place}/pictures/{'0' * 64}"):
        assert monitor.get(wrong).status_code == 404, wrong
    assert visitor(app, Role.ADMINISTRATOR).get(f"{place}/pictures/{ref.media_id}").status_code == 403
    assert visitor(app).get(f"{place}/pictures/{ref.media_id}").status_code == 303
    with centre.engine.begin() as db:
        assert audit.entries(db, action="picture.view").total == 0


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"purpose": " "}, 400, "请填写用途"),
        ({"post": ""}, 404, "没有找到"),
        ({"post": f"{builders.DEVICE}/W9"}, 404, "没有找到"),
        ({"post": f"{builders.DEVICE}/W1/x"}, 404, "没有找到"),
    ],
)
def test_a_roll_call_that_cannot_be_is_refused_and_what_was_written_stays(
    monitor: TestClient, centre: Centre, terminal: Terminal, changes: dict[str, str], status: int, says: str
) -> None:
    given = send(monitor, "/roll-calls", **({"post": f"{terminal.device_id}/W1", "purpose": "巡查"} | changes))
    assert given.status_code == status
    assert says in given.text
    assert every(centre) == []
    assert changes.get("purpose") == " " or ">巡查</textarea>" in given.text


def test_an_administrator_sets_and_retires_devices(app: FastAPI, centre: Centre, terminal: Terminal) -> None:
    chief = visitor(app, Role.ADMINISTRATOR)
    done = send(chief, "/orders/configure", device_id=terminal.device_id, settings="[limits]\nsame = 0.7", purpose=PURPOSE)
    assert (done.status_code, done.headers["location"]) == (303, "/orders")
    (order,) = every(centre)
    take(
        centre, make_intake(centre), terminal.event(result, request=order.request, result="refused", why="bad_value", detail="limits.same")
    )
    page = chief.get("/orders").text
    for shown in ("limits.same = 0.7", "设备拒绝：", "数值不被接受", PURPOSE):
        assert shown in page, shown
    assert send(chief, "/orders/revoke", device_id=terminal.device_id, why="moved", purpose="搬迁").status_code == 303
    assert "1 条指令待答复" in chief.get("/").text
    with centre.engine.begin() as db:
        assert devices.device_ids(db) == [terminal.device_id], "it delivers what it has first"


@pytest.mark.parametrize(
    ("path", "fields", "status", "says"),
    [
        ("configure", {"settings": "[limits"}, 400, "输入有误"),
        ("configure", {"settings": "[a]\nb = [1]"}, 400, "输入有误"),
        ("configure", {"device_id": "nobody"}, 409, "设备从未上报过其设置"),
        ("configure", {"purpose": ""}, 400, "请填写用途"),
        ("revoke", {"device_id": "nobody"}, 404, "设备未登记或已停用"),
        ("revoke", {"why": "It moved"}, 400, "输入有误"),
        ("revoke", {"why": ""}, 400, "输入有误"),
    ],
)
def test_a_wrong_order_is_refused_with_what_was_written(
    app: FastAPI, centre: Centre, terminal: Terminal, path: str, fields: dict[str, str], status: int, says: str
) -> None:
    entered = {"device_id": terminal.device_id, "purpose": f"改{HOSTILE}"} | ({"why": "moved"} if path == "revoke" else {}) | fields
    given = send(visitor(app, Role.ADMINISTRATOR), f"/orders/{path}", **entered)
    assert given.status_code == status
    assert says in given.text
    assert HOSTILE not in given.text
    assert every(centre) == []


@pytest.mark.parametrize("role", [Role.MONITOR, Role.AUDITOR])
def test_nobody_else_sets_or_retires_devices(app: FastAPI, centre: Centre, terminal: Terminal, role: Role) -> None:
    browser = visitor(app, role)
    assert "/orders/revoke" not in browser.get("/orders").text
    for path in ("configure", "revoke"):
        assert send(browser, f"/orders/{path}", device_id=terminal.device_id, why="moved", purpose=PURPOSE).status_code == 403
    assert every(centre) == []


def test_everybody_sees_their_orders_and_an_auditor_all(app: FastAPI, centre: Centre, terminal: Terminal) -> None:
    with centre.engine.begin() as db:
        orders.ask_roll_call(db, terminal.device_id, "W1", by=asking(purpose=f"夜查{HOSTILE}"))
        orders.ask_revoke(db, terminal.device_id, "moved", by=asking(purpose="搬迁", actor="chief"))
    seen = {role: visitor(app, role).get("/orders").text for role in Role}
    assert {role for role in Role if "夜查" in seen[role]} == {Role.MONITOR, Role.AUDITOR}
    assert {role for role in Role if "搬迁" in seen[role]} == {Role.ADMINISTRATOR, Role.AUDITOR}
    assert HOSTILE not in seen[Role.AUDITOR]
    assert "没有指令" in visitor(app, Role.AUDITOR).get("/orders?device_id=other").text


def test_the_watch_of_a_day_in_both_languages_and_for_programs(
    app: FastAPI, monitor: TestClient, centre: Centre, terminal: Terminal
) -> None:
    hour = AT.replace(minute=0, second=0) - timedelta(hours=1)
    told = watched(hour, seen_s=1800, blind=(("frozen", 1200),))
    take(centre, make_intake(centre), terminal.event(lambda **place: coverage(told, **place)))
    place = f"/coverage?fixmedins_code={builders.SITE}&day=2026-01-02"
    page = monitor.get(place).text
    for shown in ("30 分钟", "摄像头画面静止不变 20 分钟", "无人值守", "示例大药房", 'title="08:00 部分看到"'):
        assert shown in page, shown
    monitor.get("/language/en")
    assert 'title="08:00 Partly seen"' in monitor.get(place).text
    found = program(app, Role.AUDITOR).get(f"/api{place}").json()
    assert [(row["window"], row["seen_s"], row["blind_s"], row["hours"][8]) for row in found] == [("W1", 1800, {"frozen": 1200}, "partly")]
    assert visitor(app, Role.AUDITOR).get("/coverage").status_code == 200


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?fixmedins_code=nowhere", 404),
        ("?day=yesterday", 422),
        ("?day=9999-12-31", 400),
        ("?day=0001-01-01", 400),
        ("?day=2099-12-31", 200),
    ],
)
def test_no_day_and_no_site_breaks_the_watch(monitor: TestClient, terminal: Terminal, query: str, status: int) -> None:
    assert monitor.get(f"/coverage{query}").status_code == status


def test_the_watch_is_not_for_administrators(app: FastAPI) -> None:
    assert visitor(app, Role.ADMINISTRATOR).get("/coverage").status_code == 403
    assert program(app, Role.ADMINISTRATOR).get(f"/api/coverage?fixmedins_code={builders.SITE}&day=2026-01-02").status_code == 403


def test_irregularities_are_for_auditors_in_pages(app: FastAPI, centre: Centre, terminal: Terminal) -> None:
    take(centre, make_intake(centre), *(terminal.event(builders.footage, request=f"{number:032x}") for number in range(31)))
    take(centre, make_intake(centre), terminal.event(builders.thinning), Incoming(topic="v1/up/00/x/event", payload=b"junk"))
    auditor = visitor(app, Role.AUDITOR)
    page = auditor.get("/irregularities").text
    for shown in ("共 32 条", "设备舍弃图像", "无人要求的答复", 'href="?kind=&amp;page=2"', "未知设备"):
        assert shown in page, shown
    assert "共 1 条" in auditor.get("/irregularities?kind=thinned").text
    last = auditor.get("/irregularities?kind=unasked&page=2").text
    assert last.count('class="number nowrap"') == 1
    auditor.get("/language/en")
    assert "Answer that nobody asked for" in auditor.get("/irregularities").text
    assert program(app, Role.AUDITOR).get("/api/irregularities?kind=thinned").json()["total"] == 1
    for role in (Role.MONITOR, Role.ADMINISTRATOR):
        assert visitor(app, role).get("/irregularities").status_code == 403
        assert program(app, role).get("/api/irregularities").status_code == 403
