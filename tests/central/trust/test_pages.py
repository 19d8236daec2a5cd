"""The pages and the API of a terminal's keys, the hot list and second looks, through the application, by role."""

from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from central.accounts.model import Role
from central.captures import looks
from central.devices import service as devices
from central.hotlist import service as hotlist
from central.hotlist.model import HotKind
from central.orders.tables import orders
from central.wiring import Centre
from contract.sealed import to_text
from tests import builders
from tests.central.building import Terminal, make_intake, take
from tests.central.devices.rotation import NewKeys, in_use
from tests.central.web.consoles import HOSTILE, csrf_of, make_finding, program, visitor


@pytest.fixture
def terminal(centre: Centre) -> Terminal:
    """A device with a replaced key and one in use."""
    made, intake, keys = Terminal(centre).register(), make_intake(centre), NewKeys()
    take(centre, intake, made.event(), made.event(keys.offer))
    made.signer = keys.signer
    take(centre, intake, made.event(in_use))
    return made


def doubt(centre: Centre, device_id: str = builders.DEVICE) -> int:
    with centre.engine.begin() as db:
        number = hotlist.distrust(
            db, HotKind.DEVICE, device_id, reason=HOSTILE, since=centre.now() - timedelta(1), now=centre.now(), actor="t"
        )
        looks.sweep(db, now=centre.now() + looks.SETTLED)
    return number


def test_the_page_of_a_device_shows_every_key(app: FastAPI, terminal: Terminal) -> None:
    page = visitor(app, Role.AUDITOR).get(f"/devices/{terminal.device_id}")
    assert page.status_code == 200 and terminal.signer.kid[:16] in page.text
    assert "已更换" in page.text and "在用" in page.text and "<form method" not in page.text.split("<main", 1)[1]
    assert visitor(app, Role.AUDITOR).get("/devices/nobody").status_code == 404


def test_an_administrator_orders_new_keys(app: FastAPI, centre: Centre, terminal: Terminal) -> None:
    browser = visitor(app, Role.ADMINISTRATOR)
    address = f"/devices/{terminal.device_id}"
    csrf = csrf_of(browser.get(address).text)
    missing = browser.post(f"{address}/rekey", data={"csrf": csrf, "purpose": " "})
    assert missing.status_code == 400 and "请填写用途" in missing.text
    assert browser.post(f"{address}/rekey", data={"csrf": csrf, "purpose": "yearly"}).status_code == 303
    with centre.engine.begin() as db:
        assert db.scalar(select(orders.c.kind)) == "rekey"
    assert "例行更换" in browser.get("/orders").text
    assert visitor(app, Role.MONITOR).post(f"{address}/rekey", data={"csrf": csrf, "purpose": "x"}).status_code == 403


def test_revoking_asks_for_the_name_and_queues_the_last_days(app: FastAPI, centre: Centre, terminal: Terminal) -> None:
    browser = visitor(app, Role.ADMINISTRATOR)
    address = f"/devices/{terminal.device_id}"
    csrf = csrf_of(browser.get(address).text)
    said = {"csrf": csrf, "why": "stolen", "since": "2025-12-31"}
    for spoilt in (
        {"confirmed": "yes"},
        {"confirmed": terminal.device_id, "why": "moved"},
        {"confirmed": terminal.device_id, "since": "x"},
    ):
        refused = browser.post(f"{address}/revoke", data=said | spoilt)
        assert refused.status_code == 400 and 'role="alert"' in refused.text
    with centre.engine.begin() as db:
        assert devices.device_ids(db) == [terminal.device_id]
    assert browser.post(f"{address}/revoke", data=said | {"confirmed": terminal.device_id}).status_code == 303
    with centre.engine.begin() as db:
        (entry,) = hotlist.entries(db)
        assert devices.device_ids(db) == [] and looks.sweep(db, now=centre.now() + looks.SETTLED) == 1
    assert entry.since.isoformat() == "2025-12-30T16:00:00+00:00", "midnight of that day in China"
    assert "本终端已吊销" in browser.get(address).text


def test_a_monitor_puts_on_the_list_and_takes_off(app: FastAPI, centre: Centre) -> None:
    browser = visitor(app, Role.MONITOR)
    csrf = csrf_of(browser.get("/hot-list").text)
    entry = {"csrf": csrf, "kind": "operator", "value": "C7", "since": "2026-01-01", "reason": HOSTILE}
    assert browser.post("/hot-list", data=entry | {"reason": ""}).status_code == 400
    assert browser.post("/hot-list", data=entry | {"kind": "person"}).status_code == 400
    assert browser.post("/hot-list", data=entry | {"since": "2030-01-01"}).status_code == 400
    assert browser.post("/hot-list", data=entry).status_code == 303
    page = browser.get("/hot-list").text
    assert "C7" in page and HOSTILE not in page and "&lt;script&gt;" in page
    with centre.engine.begin() as db:
        (made,) = hotlist.entries(db)
    assert browser.post(f"/hot-list/{made.entry_id}/end", data={"csrf": csrf, "reason": "cleared"}).status_code == 303
    assert browser.post(f"/hot-list/{made.entry_id}/end", data={"csrf": csrf, "reason": "cleared"}).status_code == 409
    for role, status in ((Role.AUDITOR, 403), (Role.ADMINISTRATOR, 403)):
        assert visitor(app, role).post("/hot-list", data=entry).status_code == status


def test_a_monitor_looks_again_and_the_finding_says_so(app: FastAPI, centre: Centre) -> None:
    jr_id = make_finding(centre)
    number = doubt(centre, f"{builders.DEVICE}1")
    browser = visitor(app, Role.MONITOR)
    assert "部分证据待复看" in browser.get(f"/findings/{jr_id}").text
    page = browser.get("/second-looks").text
    subject = f"{builders.DEVICE}1:{builders.EPOCH}:1"
    assert subject in page and "43000000000000001101" not in page
    said = {"csrf": csrf_of(page), "subject": subject, "entry_id": str(number), "decision": "distrust", "reason": "封条破损"}
    assert browser.post("/second-looks", data=said | {"reason": " "}).status_code == 400
    assert browser.post("/second-looks", data=said | {"decision": "delete"}).status_code == 400
    assert browser.post("/second-looks", data=said).status_code == 303
    assert browser.post("/second-looks", data=said).status_code == 409
    finding = browser.get(f"/findings/{jr_id}").text
    assert "部分证据经复看不予采信" in finding and "封条破损" in finding
    assert subject not in browser.get("/second-looks").text and subject in browser.get("/second-looks?decision=distrust").text
    assert visitor(app, Role.ADMINISTRATOR).get("/second-looks").status_code == 403
    assert '<form method="post"' not in visitor(app, Role.AUDITOR).get("/second-looks?decision=all").text.split("<main", 1)[1]


def test_programs_read_keys_and_decide(app: FastAPI, centre: Centre, terminal: Terminal) -> None:
    auditor, monitor = program(app, Role.AUDITOR), program(app, Role.MONITOR)
    old, new = auditor.get(f"/api/devices/{terminal.device_id}/keys").json()
    assert (old["last_epoch"], old["last_seq"]) == (builders.EPOCH, 2) and new["sign_public"] == to_text(terminal.signer.public)
    assert new["certificate"].startswith("-----BEGIN CERTIFICATE") and auditor.get("/api/devices/nobody/keys").status_code == 404
    entry = {"kind": "device", "value": terminal.device_id, "since": "2026-01-01T00:00:00+08:00", "reason": "r"}
    assert auditor.post("/api/hot-list", json=entry).status_code == 403
    assert monitor.post("/api/hot-list", json=entry | {"since": "2026-01-01T00:00:00"}).status_code == 422, "a time without zone"
    made = monitor.post("/api/hot-list", json=entry)
    assert made.status_code == 201
    with centre.engine.begin() as db:
        looks.sweep(db, now=centre.now() + looks.SETTLED)
    (look,) = auditor.get("/api/second-looks?decision=open").json()["rows"]
    said = {"subject": look["subject"], "entry_id": made.json()["entry_id"], "decision": "keep", "reason": "fine"}
    assert auditor.post("/api/second-looks", json=said).status_code == 403
    assert monitor.post("/api/second-looks", json=said).status_code == 204
    assert monitor.post("/api/second-looks", json=said).status_code == 409
    assert monitor.post(f"/api/hot-list/{made.json()['entry_id']}/end", json={"reason": "over"}).status_code == 204
    assert auditor.get("/api/hot-list?only_open=true").json() == [] and len(auditor.get("/api/hot-list").json()) == 1
