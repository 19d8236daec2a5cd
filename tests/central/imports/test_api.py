"""Pushes of programs over the real application: once each, whatever is repeated; and what the page shows of them."""

import csv
import json
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import update

from central.accounts import service as accounts
from central.accounts.model import NoToken, Role
from central.audit import service as audit
from central.claims import service as claims
from central.imports import pushing
from central.imports.tables import pushes
from central.settings import SenderSettings
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


def test_csv_json_and_parquet_say_the_same(source: TestClient) -> None:
    typed = row(**TODAY) | {"medfee_sumamt": 38.50, "refd_setl_flag": False, "init_setl_id": None, "acct_pay": 30}
    assert send(source, lines(typed)).json()["new"] == 1
    assert send(source, as_csv(row(**TODAY)), "k2").json()["same"] == 1
    parquet = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist([row(**TODAY)]), parquet)
    assert send(source, parquet.getvalue().to_pybytes(), "k3").json()["same"] == 1
    assert send(source, parquet.getvalue().to_pybytes()[:-9], "k4").status_code == 400


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
        assert answer.json()["message"].startswith(f"{USERS[Role.SOURCE]}/k1: "), "by the name that the sender gave it"
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
    assert not list((centre.settings.data_dir / "pushed").iterdir()), "nor did anything of it ever have a name on the disk"


def test_of_two_that_took_in_the_same_both_give_the_first_answer(app: FastAPI, source: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second begins when the first seems to have died."""
    monkeypatch.setattr(pushing, "PATIENCE", timedelta())
    take, inner = pushing.import_file, dict[str, Any]()

    def beside(*given: Any) -> Any:
        report = take(*given)
        monkeypatch.setattr(pushing, "import_file", take)
        inner.update(send(source, as_csv(row(**TODAY))).json())
        return report

    monkeypatch.setattr(pushing, "import_file", beside)
    first = send(source, as_csv(row(**TODAY))).json()
    assert (first, first["same"]) == (inner, 1)


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
    again = browser.get("/imports", headers={"HX-Request": "true"}).text
    assert f"{USERS[Role.SOURCE]}/k1" in again, "what looks again every few seconds wants the list alone"
    assert f"{USERS[Role.SOURCE]}/k1" not in browser.get("/imports?dataset=staff").text
    assert browser.get("/imports?dataset=none").status_code == 400
    told = browser.get("/imports/1/faults.csv")
    assert told.content.startswith(b"\xef\xbb\xbf")
    assert next(csv.DictReader(StringIO(told.text.removeprefix("\ufeff"))))["value"] == "'=1+1"
    assert browser.get("/imports/9/faults.csv").status_code == 404
    with app.state.centre.engine.connect() as db:
        (entry,) = (each for each in audit.entries(db).rows if each.action == "import.faults")
    assert (entry.actor, entry.object, entry.detail) == (USERS[Role.MONITOR], "1", {"dataset": "claims", "faults": 1})
    listed = program(app, Role.AUDITOR).get("/api/imports").json()
    assert (listed["total"], listed["imports"][0]["kind"], listed["imports"][0]["bad"]) == (1, "push", 1)
    assert program(app, Role.AUDITOR).get("/api/imports/1").json()["faults"] == 1


def test_a_program_tied_to_institutions_says_nothing_of_others(app: FastAPI, source: TestClient) -> None:
    """Not even that a settlement of theirs is taken back."""
    other = "P99999900002"
    assert send(source, lines(row(fixmedins_code=other, **TODAY))).json()["new"] == 1, "a program that the settings do not name"
    centre = app.state.centre
    senders = (SenderSettings(account=USERS[Role.SOURCE], sites=("P99999900001",)),)
    app.state.centre = replace(centre, settings=centre.settings.model_copy(update={"senders": senders}))
    changed = row(fixmedins_code=other, vali_flag="0", **TODAY)
    answer = send(source, lines(row(**TODAY), changed, row(fixmedins_code=f"P99999900001{other}", **TODAY)), "k2").json()
    assert (answer["new"], answer["invalid"], [fault["line"] for fault in answer["first_faults"]]) == (1, 0, [2, 3])
    assert {fault["column"] for fault in answer["first_faults"]} == {"fixmedins_code"}
    refused = send(source, lines({"psn_no": "P-1", "death_date": "2020-01-01"}), "k3", "persons")
    assert (refused.status_code, "persons belong to none" in refused.json()["message"]) == (403, True)
    with centre.engine.connect() as db:
        assert claims.get(db, other, "S-1").psn_no == "PSN-1"
