"""Orders over the API: who may give which, what is refused, and what is told afterwards."""

from typing import Any

import pytest
from fastapi import FastAPI

from central.accounts.model import Role
from central.audit import service as audit
from central.devices import service as devices
from central.orders import service
from central.wiring import Centre
from tests import builders
from tests.builders import AT, DEVICE, MSGID
from tests.central.building import Terminal
from tests.central.web.consoles import USERS, program, visitor

PURPOSE = "核对就诊人"
BODIES: dict[str, dict[str, Any]] = {
    "evidence": {"msgid": MSGID},
    "roll-call": {"window": "W1"},
    "configure": {"settings": {"limits": {"same": 0.7}}},
    "revoke": {"why": "moved"},
}
GIVERS = {"evidence": Role.MONITOR, "roll-call": Role.MONITOR, "configure": Role.ADMINISTRATOR, "revoke": Role.ADMINISTRATOR}


@pytest.fixture
def device(centre: Centre) -> Terminal:
    terminal = Terminal(centre).register()
    with centre.engine.begin() as db:
        devices.note_state(db, builders.birth(), now=AT)
    return terminal


def body(kind: str, **changes: Any) -> dict[str, Any]:
    return {"device_id": DEVICE, "purpose": PURPOSE} | BODIES[kind] | changes


def given(centre: Centre) -> int:
    with centre.engine.begin() as db:
        assert audit.entries(db, action="order.ask").total == service.list_orders(db, now=AT).total
        return service.list_orders(db, now=AT).total


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("role", Role)
def test_each_order_is_given_by_those_who_may_and_by_no_others(
    app: FastAPI,
    centre: Centre,
    device: Terminal,
    kind: str,
    role: Role,
) -> None:
    answer = program(app, role).post(f"/api/orders/{kind}", json=body(kind))
    if role is not GIVERS[kind]:
        assert (answer.status_code, answer.json()["code"], given(centre)) == (403, "forbidden", 0)
        return
    told = answer.json()
    assert answer.status_code == 201
    assert (told["state"], told["purpose"], told["asked_by"], told["device_id"]) == ("asked", PURPOSE, USERS[role], device.device_id)
    assert program(app, role).get(f"/api/orders/{told['request']}").json() == told
    assert program(app, Role.AUDITOR).get("/api/orders").json()["rows"] == [told]
    assert given(centre) == 1


@pytest.mark.parametrize("kind", BODIES)
def test_a_cookie_alone_orders_nothing(app: FastAPI, centre: Centre, device: Terminal, kind: str) -> None:
    assert visitor(app, GIVERS[kind]).post(f"/api/orders/{kind}", json=body(kind)).status_code == 401
    assert visitor(app).get("/api/orders").status_code == 401
    assert given(centre) == 0


@pytest.mark.parametrize(
    ("kind", "changes", "status", "code"),
    [
        ("evidence", {"purpose": ""}, 422, "bad_input"),
        ("evidence", {"purpose": "   "}, 400, "purpose_missing"),
        ("evidence", {"setl_id": "S-1"}, 400, "bad_input"),
        ("evidence", {"msgid": None}, 400, "bad_input"),
        ("evidence", {"msgid": "'; DROP TABLE orders; --"}, 400, "bad_input"),
        ("evidence", {"device_id": "nobody"}, 404, "device_gone"),
        ("evidence", {"psn_no": "P1"}, 422, "bad_input"),
        ("evidence", {"valid_minutes": 0}, 422, "bad_input"),
        ("evidence", {"valid_minutes": 10**9}, 422, "bad_input"),
        ("roll-call", {"window": "W9"}, 404, "not_found"),
        ("configure", {"settings": "[limits"}, 400, "bad_input"),
        ("configure", {"settings": {"limits": {"same": None}}}, 400, "bad_input"),
        ("configure", {"settings": {"limits": {}}}, 400, "bad_input"),
        ("configure", {"settings": [1]}, 422, "bad_input"),
        ("revoke", {"why": "It moved."}, 400, "bad_input"),
    ],
)
def test_what_cannot_be_is_refused(
    app: FastAPI,
    centre: Centre,
    device: Terminal,
    kind: str,
    changes: dict[str, Any],
    status: int,
    code: str,
) -> None:
    answer = program(app, GIVERS[kind]).post(f"/api/orders/{kind}", json=body(kind, **changes))
    assert (answer.status_code, answer.json()["code"], given(centre)) == (status, code, 0)


def test_settings_are_refused_for_a_device_that_never_reported(app: FastAPI, centre: Centre) -> None:
    Terminal(centre).register()
    answer = program(app, Role.ADMINISTRATOR).post("/api/orders/configure", json=body("configure"))
    assert (answer.status_code, answer.json()["code"]) == (409, "never_reported")
    assert "let it connect once" in answer.json()["message"]


def test_settings_come_as_json_or_toml_and_name_those_that_were_reported(app: FastAPI, device: Terminal) -> None:
    chief = program(app, Role.ADMINISTRATOR)
    first = chief.post("/api/orders/configure", json=body("configure", settings="[limits]\nsame = 0.7", valid_minutes=1)).json()
    assert first["body"] == {"from_sha256": builders.SOFTWARE.settings_sha256, "settings": {"limits": {"same": 0.7}}}
    again = chief.post("/api/orders/configure", json=body("configure"))
    assert (again.status_code, again.json()["code"]) == (409, "already_asked")


def test_monitors_do_not_read_orders_of_administrators(app: FastAPI, device: Terminal) -> None:
    ended = program(app, Role.ADMINISTRATOR).post("/api/orders/revoke", json=body("revoke")).json()
    monitor = program(app, Role.MONITOR)
    assert monitor.get(f"/api/orders/{ended['request']}").status_code == 404
    assert monitor.get("/api/orders?kind=revoke").json()["total"] == 0
    assert program(app, Role.AUDITOR).get(f"/api/orders?kind=revoke&device_id={DEVICE}").json()["total"] == 1
    assert monitor.get("/api/orders?kind=shoot").status_code == 422
    assert monitor.get("/api/orders/nothing").status_code == 404
