"""Pushes of programs over the real application: once each, whatever is repeated; and what the page shows of them."""

import csv
import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import update

from central.accounts import service as accounts
from central.accounts.model import NoToken, Role
from central.claims import service as claims
from central.imports import pushing
from central.imports.tables import pushes
from tests.central.claims.files import row
from tests.central.web.consoles import USERS, program, visitor

TODAY = {"setl_time": "2026-01-01 08:00:00"}


@pytest.fixture
def source(app: FastAPI) -> TestClient:
    """A program with a token as an administrator issues it."""
    centre = app.state.centre
    with centre.engine.begin() as db:
        issued = accounts.issue_token(
            db, username=USERS[Role.SOURCE], lifetime=timedelta(days=90), actor=USERS[Role.ADMINISTRATOR], now=centre.now()
        )
    return TestClient(app, headers={"Authorization": f"Bearer {issued.token}"}, raise_server_exceptions=False)


def lines(*rows: dict[str, Any]) -> bytes:
    return "\n".join(json.dumps(each, ensure_ascii=False) for each in rows).encode()


def as_csv(*rows: dict[str, str]) -> bytes:
    text = StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def send(source: TestClient, body: bytes, key: str = "k1", dataset: str = "claims", **query: str) -> Any:
    return source.post(f"/api/data/{dataset}", content=body, headers={"Idempotency-Key": key}, params=query)


def test_the_same_again_gets_the_same_answer_and_is_stored_once(app: FastAPI, source: TestClient) -> None:
    body = lines(row(**TODAY), row(setl_id="S-2", medfee_sumamt="much", **TODAY))
    first, again = send(source, body), send(source, body)
    assert first.status_code == 200
    assert first.json() == again.json()
    assert {name: first.json()[name] for name in ("rows", "new", "bad", "import_id")} == {"rows": 2, "new": 1, "bad": 1, "import_id": 1}
    assert first.json()["first_faults"][0] | {"message": ""} == {"line": 2, "column": "medfee_sumamt", "value": "much", "message": ""}
    assert send(source, body, "k2").json()["same"] == 1, "under another key it is another sending"
    other = send(source, lines(row(psn_no="X", **TODAY)))
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    with app.state.centre.engine.connect() as db:
        assert claims.get(db, "P99999900001", "S-1").psn_no == "PSN-1"


def test_csv_and_json_say_the_same(source: TestClient) -> None:
    typed = row(**TODAY) | {"medfee_sumamt": 38.50, "refd_setl_flag": False, "init_setl_id": None, "acct_pay": 30}
    assert send(source, lines(typed)).json()["new"] == 1
    assert send(source, as_csv(row(**TODAY)), "k2").json()["same"] == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"setl_id": "S-1"', "is not a row as JSON: Expecting ',' delimiter"),
        ("[1]", "the line is no object"),
        ('{"setl_id": {"a": 1}}', "setl_id is neither text nor a number"),
        ('{"setl_id": "a", "setl_id": "b"}', "a name stands twice in it"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_line_that_is_no_row_is_named_and_costs_only_itself(source: TestClient, line: str, message: str) -> None:
    answer = send(source, lines(row(**TODAY)) + b"\n" + line.encode() + b"\n\n" + lines(row(setl_id="S-2", **TODAY))).json()
    assert (answer["rows"], answer["new"], answer["bad"]) == (3, 2, 1)
    (fault,) = answer["first_faults"]
    assert fault["line"] == 2
    assert message in fault["message"]


def test_what_cannot_be_read_as_a_whole_is_refused_and_its_key_is_free_again(source: TestClient) -> None:
    for body, said in ((b"", "empty"), (b"a,b\n1,2\n", "required columns are missing"), ("药".encode("utf-16"), "UTF-16")):
        answer = send(source, body)
        assert (answer.status_code, said in answer.json()["message"]) == (400, True), answer.text
    assert send(source, as_csv(row(**TODAY))).json()["new"] == 1
    assert send(source, as_csv(row()), dataset="cliams").status_code == 400
    assert send(source, as_csv(row()), key="").status_code == 400
    assert send(source, as_csv(row()), key="x" * 65).status_code == 400


def test_a_dry_run_stores_nothing_and_needs_no_key(source: TestClient) -> None:
    dry = source.post("/api/data/claims?dry_run=true", content=as_csv(row(**TODAY))).json()
    assert (dry["new"], dry["dry_run"], dry["import_id"]) == (1, True, None)
    assert send(source, as_csv(row(**TODAY))).json()["new"] == 1


def test_what_is_under_way_is_not_taken_in_beside_itself_and_what_died_is(app: FastAPI, source: TestClient) -> None:
    body = as_csv(row(**TODAY))
    send(source, body)
    centre = app.state.centre
    with centre.engine.begin() as db:
        db.execute(update(pushes).values(answer=None, received_at=centre.now()))
    assert send(source, body).status_code == 409
    with centre.engine.begin() as db:
        db.execute(update(pushes).values(received_at=centre.now() - pushing.PATIENCE))
    assert send(source, body).json()["same"] == 1


def test_too_much_is_refused_before_it_is_read(source: TestClient) -> None:
    assert send(source, b"x" * (pushing.MAX_BYTES + 1)).status_code == 413


def test_a_token_goes_with_its_account_and_is_for_programs_only(app: FastAPI, source: TestClient) -> None:
    centre = app.state.centre
    with centre.engine.begin() as db:
        with pytest.raises(NoToken):
            accounts.issue_token(db, username=USERS[Role.MONITOR], lifetime=timedelta(days=1), actor="chief", now=centre.now())
        accounts.disable(db, username=USERS[Role.SOURCE], actor="chief", now=centre.now())
    assert send(source, as_csv(row(**TODAY))).status_code == 401


def test_the_page_shows_what_came_and_gives_the_faults(app: FastAPI, source: TestClient) -> None:
    send(source, as_csv(row(**TODAY), row(setl_id="S-2", medfee_sumamt="=1+1", **TODAY)))
    browser = visitor(app, Role.MONITOR)
    page = browser.get("/imports").text
    assert f"{USERS[Role.SOURCE]}/k1" in page
    assert "medfee_sumamt" in page
    assert f"{USERS[Role.SOURCE]}/k1" not in browser.get("/imports?dataset=staff").text
    assert browser.get("/imports?dataset=none").status_code == 400
    told = browser.get("/imports/1/faults.csv")
    assert told.content.startswith(b"\xef\xbb\xbf")
    assert next(csv.DictReader(StringIO(told.text.removeprefix("\ufeff"))))["value"] == "'=1+1"
    assert browser.get("/imports/9/faults.csv").status_code == 404
    listed = program(app, Role.AUDITOR).get("/api/imports").json()
    assert (listed["total"], listed["imports"][0]["kind"], listed["imports"][0]["bad"]) == (1, "push", 1)
    assert program(app, Role.AUDITOR).get("/api/imports/1").json()["faults"] == 1
