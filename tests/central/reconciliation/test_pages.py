"""The ledger's pages in both languages, and the stream that tells browsers of runs."""

import asyncio
from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import delete, update

from central.accounts.model import Role
from central.audit import service as audit
from central.cases.tables import findings
from central.engines.duckdb import duckdb_in_memory
from central.inputs import SCHEMAS
from central.linkage import service as linkage
from central.linkage.model import CaptureCode, LinkLimits, SettlementCode
from central.reconciliation import pages
from central.rulebook.tables import exhibits, finding_exhibits
from central.wiring import Centre
from tests.central.analysis import NOON, SITE, Row, capture, rows, settlement
from tests.central.rulebook import comparing
from tests.central.web.consoles import app_of, csrf_of, visitor

LANGUAGES = ("zh", "en")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    app = app_of(tmp_path_factory.mktemp("ledger"))
    centre: Centre = app.state.centre
    run(centre, [settlement(1), settlement(2)], [capture(1)])
    run(centre, [settlement(1), settlement(2)], [capture(1), capture(2)])
    return app


def run(centre: Centre, billed: list[Row], seen: list[Row]) -> int:
    """A reconciliation of these rows alone, without rules."""
    with duckdb_in_memory() as analysis, centre.engine.begin() as db:
        for name in SCHEMAS:
            analysis.load(name, rows(name, {"settlements": billed, "captures": seen}.get(name, [])))
        run_id = linkage.begin_run(db, engine="test", settlements=len(billed), captures=len(seen), started_at=NOON)
        linkage.load_stored(db, analysis)
        linkage.record(db, analysis, linkage.link(analysis, LinkLimits()), run_id, now=NOON)
        linkage.finish_run(db, run_id, findings_new=0, now=NOON + timedelta(seconds=1))
    return run_id


def page(app: FastAPI, path: str, language: str, role: Role = Role.MONITOR) -> str:
    browser = visitor(app, role)
    browser.cookies.set("language", language)
    answer = browser.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.mark.parametrize(("language", "said"), [("zh", "对方数据到达"), ("en", "The other side came")])
def test_a_settlement_shows_what_was_said_before_and_why_it_changed(app: FastAPI, language: str, said: str) -> None:
    shown = page(app, f"/ledger/settlement/{SITE}/S-2", language)
    assert said in shown
    assert "t1:1:2" in shown
    assert said not in page(app, f"/ledger/settlement/{SITE}/S-1", language)
    assert "S-2" in page(app, f"/ledger/capture/{SITE}/t1:1:2", language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("side", "codes"), [("settlement", SettlementCode), ("capture", CaptureCode)])
def test_every_code_has_a_name_and_a_meaning(
    app: FastAPI, language: str, side: str, codes: type[SettlementCode] | type[CaptureCode]
) -> None:
    for code in codes:
        shown = page(app, f"/ledger?side={side}&code={code.value}", language)
        assert f'value="{code.value}" selected' in shown
        assert f">{code.value}<" not in shown


def test_the_ledger_lists_what_has_a_code(app: FastAPI) -> None:
    assert "S-1" in page(app, "/ledger?code=matched", "zh")
    assert "S-1" not in page(app, "/ledger?code=blind", "zh")
    assert "t1:1:1" in page(app, "/ledger?side=capture", "en")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/ledger/settlement/{SITE}/S-9", 404),
        ("/ledger/settlement/H1/S-1", 404),
        (f"/ledger/moon/{SITE}/S-1", 400),
        ("/ledger?code=nonsense", 400),
        ("/ledger?side=moon", 400),
        ("/ledger?page=0", 400),
    ],
)
def test_what_is_not_there_is_said(app: FastAPI, path: str, status: int) -> None:
    assert visitor(app, Role.MONITOR).get(path).status_code == status


def test_strangers_see_neither_ledger_nor_stream(app: FastAPI) -> None:
    for path in ("/ledger", f"/ledger/settlement/{SITE}/S-1", "/runs/stream"):
        assert visitor(app).get(path).status_code in (303, 401)
    assert visitor(app, Role.ADMINISTRATOR).get("/ledger").status_code == 403


def test_a_page_hears_of_no_run_that_it_shows_already(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser that comes back hears of what came meanwhile, whatever its page showed at first."""
    with app.state.centre.engine.begin() as db:
        newest = linkage.newest_run(db)
    monkeypatch.setattr(pages, "LOOK_S", 0.01)
    monkeypatch.setattr(pages, "LONGEST_S", 0.1)
    monitor = visitor(app, Role.MONITOR)
    shown = f"/runs/stream?known={newest}"
    for page in ("/", "/findings"):
        assert f'"{shown}"' in monitor.get(page).text
    assert "reconciled" not in monitor.get(shown).text
    assert f"data: {newest}\n" in monitor.get(f"/runs/stream?known={newest - 1}").text
    assert f"data: {newest}\n" in monitor.get(shown, headers={"Last-Event-ID": str(newest - 1)}).text


def test_the_stream_tells_the_newest_run_at_once_and_the_next_when_it_comes(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing to a browser that knows the newest already; after its time it ends by itself."""
    centre: Centre = app.state.centre
    with centre.engine.begin() as db:
        newest = linkage.newest_run(db)
    monkeypatch.setattr(pages, "LOOK_S", 0.01)

    async def hear(known: str, parts: int) -> list[str]:
        told = pages._told(centre, known)
        heard = [await anext(told) for _ in range(parts)]
        await told.aclose()  # type: ignore[attr-defined] - it is a generator
        return heard

    assert asyncio.run(hear("", 2))[1] == f"id: {newest}\nevent: reconciled\ndata: {newest}\n\n"

    async def next_run() -> str:
        told = pages._told(centre, str(newest))
        assert await anext(told) == ": here\n\n"
        waiting = asyncio.ensure_future(anext(told))  # type: ignore[arg-type] - a coroutine
        await asyncio.sleep(0.1)
        assert not waiting.done()
        run(centre, [settlement(1)], [capture(1)])
        return str(await asyncio.wait_for(waiting, 5))

    assert f"data: {newest + 1}\n" in asyncio.run(next_run())
    monkeypatch.setattr(pages, "LONGEST_S", 0.0)

    async def all_of_it() -> list[str]:
        return [part async for part in pages._told(centre, "")]

    assert asyncio.run(all_of_it()) == [": here\n\n"]


def test_a_finding_is_replayed_and_the_page_says_what_differs(app: FastAPI) -> None:
    centre: Centre = app.state.centre
    with centre.engine.begin() as db:
        comparing.run(db, comparing.world([settlement(1)], [capture(1, outcome="no_person", persons=0)]))
        (jr_id,) = comparing.jr_ids(db, "PR-01")
    auditor = visitor(app, Role.AUDITOR)

    def replayed() -> str:
        form = csrf_of(auditor.get(f"/findings/{jr_id}").text)
        return auditor.post(f"/findings/{jr_id}/replay", data={"csrf": form}).text

    assert "结果与当时一致。" in replayed()
    with centre.engine.begin() as db:
        db.execute(update(findings).where(findings.c.jr_id == jr_id).values(sev_deg="low"))
    assert '<td class="breaking">low</td><td class="breaking">med</td>' in replayed()
    with centre.engine.begin() as db:
        db.execute(update(exhibits).values(sha256="0" * 64))
    assert "已损坏或被改动" in replayed()
    with centre.engine.begin() as db:
        db.execute(delete(finding_exhibits))
    assert "没有保留数据行" in replayed()
    with centre.engine.begin() as db:
        told = [(entry.actor, entry.object, entry.detail["same"]) for entry in audit.entries(db, action="finding.replay").rows]
    assert told == [("li.ying", jr_id, same) for same in (None, None, False, True)]
    assert auditor.post("/findings/JR0/replay", data={"csrf": csrf_of(auditor.get("/account").text)}).status_code == 404
