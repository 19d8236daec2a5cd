"""The pages in a real browser, against the real server: no policy violation, no request to elsewhere, the review from end to end."""

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from threading import Thread
from time import monotonic, sleep

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from central.accounts.model import Role
from central.cases import service
from central.linkage import service as linkage
from central.web import assets
from central.wiring import Centre
from contract.events import MediaRole
from scripts.chromium import ARGUMENTS, CHROMIUM
from tests import builders
from tests.central.building import Terminal, make_intake, sites, take
from tests.central.indicators.counties import fill
from tests.central.web.consoles import HOSTILE, PASSWORD, PSN_NO, USERS, app_of, enclosed, make_finding, open_session, picture
from tests.edge_agent.film.test_clip import made_clip
from tests.edge_agent.films import WIDTH, still

SITES = ("/sites", f"/sites/{builders.SITE}")
pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed (apt install chromium)"),
    pytest.mark.skipif(assets.missing(), reason="front-end files are missing: run `python -m central.web.assets`"),
]


@dataclass
class Served:
    """A console that answers on a port of this machine."""

    app: FastAPI
    address: str
    centre: Centre
    jr_id: str


@dataclass
class Watched:
    """A page and everything that it complained about or asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    app = app_of(tmp_path_factory.mktemp("console"))
    jr_id = make_finding(app.state.centre)
    fill(app.state.centre.engine)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", server_header=False, timeout_graceful_shutdown=2))
        thread = Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        deadline = monotonic() + 20
        while not server.started and monotonic() < deadline:
            sleep(0.02)
        yield Served(app, f"http://127.0.0.1:{listener.getsockname()[1]}", app.state.centre, jr_id)
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield _launch(playwright)


def _launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)


@pytest.fixture
def watched(chromium: Browser) -> Iterator[Watched]:
    context = chromium.new_context(locale="zh-CN", viewport={"width": 1360, "height": 900})
    watched = Watched(context.new_page())
    watched.page.set_default_timeout(10_000)
    watched.page.on("console", lambda said: watched.complaints.append(said.text) if said.type in ("error", "warning") else None)
    watched.page.on("pageerror", lambda error: watched.complaints.append(str(error)))
    watched.page.on("request", lambda request: watched.requests.append(request.url))
    yield watched
    context.close()


def log_in(watched: Watched, served: Served, role: Role) -> None:
    token = open_session(served.centre, role).token
    watched.page.context.add_cookies([{"name": "session", "value": token, "url": served.address, "httpOnly": True, "sameSite": "Strict"}])


def assert_calm(watched: Watched, served: Served) -> None:
    assert watched.complaints == []
    assert watched.requests
    assert [url for url in watched.requests if not url.startswith(served.address + "/")] == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_page_breaks_its_policy_or_asks_elsewhere(watched: Watched, served: Served, language: str) -> None:
    page = watched.page
    page.goto(f"{served.address}/language/{language}?back=/login")
    for role, paths in {
        Role.MONITOR: (
            "/",
            "/findings",
            f"/findings/{served.jr_id}",
            "/roll-calls",
            "/coverage",
            *SITES,
            "/orders",
            "/hot-list",
            "/second-looks",
            "/findings/groups",
            "/indicators",
            "/indicators/institution/P33010100007",
            "/rules",
            "/rules/PR-01",
            "/account",
        ),
        Role.AUDITOR: ("/audit", "/audit/chain", f"/findings/{served.jr_id}", "/roll-calls", "/coverage", "/orders", "/irregularities"),
        Role.ADMINISTRATOR: ("/", "/orders", f"/devices/{builders.DEVICE}1", "/accounts"),
    }.items():
        log_in(watched, served, role)
        for path in paths:
            assert page.goto(served.address + path).status == 200
            page.wait_for_load_state("load")
            page.wait_for_timeout(600)  # the stream of runs never falls idle
            assert page.locator("html").get_attribute("lang") == {"zh": "zh-CN", "en": "en"}[language]
            assert page.evaluate("document.fonts.ready.then(() => document.title)")
    assert_calm(watched, served)


def test_the_policy_really_stops_scripts(watched: Watched, served: Served) -> None:
    """Otherwise the tests above would prove nothing."""
    page = watched.page
    page.goto(f"{served.address}/login")
    page.evaluate("const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s)")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color:red\" onclick=\"window.ran = 1\">x</p>')")
    page.locator("p", has_text="x").last.click()
    assert page.evaluate("window.ran") is None
    assert len(watched.complaints) >= 2


def test_a_clip_is_opened_when_it_is_played_and_not_before(watched: Watched, served: Served) -> None:
    jr_id = make_finding(served.centre, number=9, clip=made_clip(*(still(second, shade=20 * second) for second in range(6))))
    log_in(watched, served, Role.MONITOR)
    page = watched.page
    page.goto(f"{served.address}/findings/{jr_id}")
    page.wait_for_load_state("networkidle")
    film = page.locator("video")
    (clip,) = [film.evaluate("film => film.currentSrc || film.src")]
    assert clip not in watched.requests
    film.evaluate("film => film.play()")
    page.wait_for_function("document.querySelector('video').readyState >= 2")
    assert film.evaluate("film => [film.videoWidth, film.duration >= 5, film.error]") == [WIDTH, True, None]
    assert clip in watched.requests
    assert_calm(watched, served)


def test_a_roll_call_shows_its_picture_by_itself(watched: Watched, served: Served) -> None:
    centre = served.centre
    terminal = Terminal(centre, device_id=f"{builders.DEVICE}7").register()
    log_in(watched, served, Role.MONITOR)
    page = watched.page
    page.goto(f"{served.address}/roll-calls")
    page.get_by_label("窗口").select_option(f"{terminal.device_id}/W1")
    page.get_by_label("用途").fill("夜间巡查")
    page.get_by_role("button", name="查看此刻").click()
    page.wait_for_url("**/roll-calls/*")
    request = page.url.rpartition("/")[2]
    ref, parts = enclosed(centre, terminal, picture(70), role=MediaRole.SCENE, content_type="image/jpeg")
    told = terminal.event(builders.footage, request=request, msgid=None, persons=2, media=(ref,), missing=None)
    take(centre, make_intake(centre), told, *parts)
    page.wait_for_function("() => document.querySelector('#roll-call img')?.naturalWidth === 320")
    assert "已答复" in page.locator("#roll-call").inner_text()
    assert_calm(watched, served)


def test_from_login_to_verdict(watched: Watched, served: Served) -> None:
    jr_id = make_finding(served.centre, number=2)
    page = watched.page
    page.goto(f"{served.address}/findings/{jr_id}")
    assert page.url.startswith(f"{served.address}/login?next=")
    page.get_by_label("用户名").fill(USERS[Role.MONITOR])
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(f"**/findings/{jr_id}")
    pictures = page.locator("figure img")
    assert pictures.count() == 2
    for number in range(2):
        pictures.nth(number).scroll_into_view_if_needed()
        page.wait_for_function("n => document.querySelectorAll('figure img')[n].naturalWidth === 320", arg=number)
    assert PSN_NO in page.locator("main").inner_text()
    page.get_by_role("button", name="提交复核").click()
    assert page.evaluate("document.activeElement.name") == "verdict", "the browser asks for the verdict first"
    page.get_by_label("排除").check()
    page.get_by_label("理由").fill(f"家属代购，登记已补。{HOSTILE}")
    page.get_by_role("button", name="提交复核").click()
    page.wait_for_selector(".timeline blockquote")
    assert page.locator(".timeline blockquote").inner_text() == f"家属代购，登记已补。{HOSTILE}"
    assert page.locator(".finding-head .chip").nth(1).inner_text() == "已排除"
    assert page.get_by_role("button", name="提交复核").count() == 0
    assert_calm(watched, served)
    with served.centre.engine.begin() as db:
        assert service.get(db, jr_id).status == "dismissed"
    page.get_by_role("button", name="退出").click()
    page.wait_for_url("**/login")
    page.goto(f"{served.address}/findings")
    assert "/login?next=" in page.url


def test_the_chart_is_drawn_in_the_chosen_language(watched: Watched, served: Served) -> None:
    log_in(watched, served, Role.MONITOR)
    page = watched.page
    for language, word in (("zh", "不一致"), ("en", "Different")):
        page.goto(f"{served.address}/language/{language}?back=/")
        page.wait_for_selector("#outcomes-chart svg")
        assert page.locator("#outcomes-chart svg text", has_text=re.compile(f"^{word}$")).count() == 1
        page.locator("#outcomes-chart").hover()
    assert_calm(watched, served)


def test_filtering_swaps_the_list_without_a_new_page(watched: Watched, served: Served) -> None:
    log_in(watched, served, Role.MONITOR)
    page = watched.page
    page.goto(f"{served.address}/findings")
    page.evaluate("window.same = true")
    page.get_by_label("规则").select_option("ID-01")
    page.get_by_label("状态").select_option("withdrawn")
    page.wait_for_selector("#found td.empty")
    page.wait_for_url("**/findings?status=withdrawn&rule_id=ID-01&fixmedins_code=")
    assert page.evaluate("window.same"), "the page itself was not loaded again"
    page.reload()
    assert page.get_by_label("状态").input_value() == "withdrawn"
    assert_calm(watched, served)


def test_the_overview_keeps_itself_up_to_date(watched: Watched, served: Served) -> None:
    log_in(watched, served, Role.MONITOR)
    page = watched.page
    page.clock.install()
    page.goto(f"{served.address}/")
    page.wait_for_selector("#outcomes-chart svg")
    before = int(page.locator(".tile-value").first.inner_text())
    make_finding(served.centre, number=3)
    with served.centre.engine.begin() as db:
        code = "P99999900009"
        new = sites.NewSite(
            fixmedins_code=code,
            fixmedins_name="新药房",
            admdvs="999999",
            evidence_mode=builders.capture().evidence_mode,
            legal_basis="test",
        )
        sites.register_site(db, new, now=served.centre.now(), actor="test")
    page.clock.run_for(10_500)
    page.wait_for_function("n => Number(document.querySelector('.tile-value').textContent) === n", arg=before + 1)
    assert page.locator("#rooms h3", has_text="新药房").count() == 1
    assert page.locator("#newest li").count() == before + 1
    assert page.locator("#outcomes-chart svg").count() == 1, "the chart is not drawn anew"
    assert_calm(watched, served)


@pytest.mark.parametrize("path", ["/", "/findings"])
def test_a_page_that_is_opened_hears_news_and_is_asked_for_once(watched: Watched, served: Served, path: str) -> None:
    log_in(watched, served, Role.MONITOR)
    page = watched.page
    for opened in range(1, 9):
        with page.expect_response("**/runs/stream?known=*"):  # with scripts that come from the network, and from the browser's store
            page.goto(served.address + path)
        page.wait_for_timeout(400)  # the stream looks for a new run every quarter of a second
        assert watched.requests.count(served.address + path) == opened
    assert_calm(watched, served)


def test_what_a_run_finds_comes_to_the_open_list_by_itself(watched: Watched, served: Served) -> None:
    """The list asks only when it hears of a run; the overview would ask every ten seconds anyway."""
    log_in(watched, served, Role.MONITOR)
    page = watched.page
    with page.expect_response("**/runs/stream?known=*"):
        page.goto(f"{served.address}/findings")
    now = served.centre.now()
    jr_id = make_finding(served.centre, number=4)
    with served.centre.engine.begin() as db:
        run_id = linkage.begin_run(db, engine="test", settlements=1, captures=1, started_at=now)
        linkage.finish_run(db, run_id, findings_new=1, now=now)
    page.wait_for_selector(f"#found a[href='/findings/{jr_id}']")
    assert_calm(watched, served)


def test_an_ended_session_leads_to_the_login_by_itself(watched: Watched, served: Served) -> None:
    log_in(watched, served, Role.AUDITOR)
    page = watched.page
    page.clock.install()
    with page.expect_response("**/runs/stream?known=*"):
        page.goto(f"{served.address}/")
    page.context.clear_cookies()
    page.clock.run_for(10_500)
    page.wait_for_url("**/login?next=%2F")
    assert_calm(watched, served)


def test_a_line_of_news_that_is_refused_leads_to_the_login_and_back(watched: Watched, served: Served) -> None:
    log_in(watched, served, Role.MONITOR)
    page = watched.page
    page.route("**/runs/stream?known=*", lambda _: None)  # held until the session is over
    with page.expect_request("**/runs/stream?known=*"):
        page.goto(f"{served.address}/findings?status=open")
    page.context.clear_cookies()
    page.unroute("**/runs/stream?known=*")
    page.wait_for_url("**/login?next=%2Ffindings%3Fstatus%3Dopen")
    assert_calm(watched, served)


def test_everything_works_without_scripts(chromium: Browser, served: Served) -> None:
    context = chromium.new_context(java_script_enabled=False, locale="zh-CN")
    page = context.new_page()
    page.goto(f"{served.address}/findings")
    page.get_by_label("用户名").fill(USERS[Role.MONITOR])
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.get_by_label("状态").select_option("open")
    page.get_by_role("button", name="筛选").click()
    assert "status=open" in page.url
    page.get_by_role("link", name="人证不一致疑点").last.click()
    page.get_by_role("button", name="提交复核").wait_for()
    page.goto(f"{served.address}/")
    page.get_by_text("以表格查看").click()
    assert page.get_by_role("columnheader", name="不一致").is_visible()
    context.close()


def test_it_fits_a_telephone(watched: Watched, served: Served) -> None:
    log_in(watched, served, Role.MONITOR)
    page = watched.page
    page.set_viewport_size({"width": 375, "height": 720})
    for path in (
        "/",
        "/findings",
        f"/findings/{served.jr_id}",
        "/roll-calls",
        "/coverage",
        *SITES,
        "/orders",
        "/hot-list",
        "/second-looks",
        "/account",
    ):
        page.goto(served.address + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 375, path


def test_every_field_and_picture_has_a_name_and_headings_do_not_jump(watched: Watched, served: Served) -> None:
    page = watched.page
    nameless = """() => [...document.querySelectorAll('input:not([type=hidden]):not([hidden]),select,textarea,button,img')].filter(
        e => !(e.labels?.length || e.getAttribute('aria-label') || e.textContent.trim() || e.hasAttribute('alt'))).map(e => e.outerHTML)"""
    headings = "() => [...document.querySelectorAll('h1,h2,h3,h4')].map(e => Number(e.tagName[1]))"
    for role, paths in {
        Role.MONITOR: ("/", "/findings", f"/findings/{served.jr_id}", "/roll-calls", "/coverage", "/account"),
        Role.AUDITOR: ("/irregularities", "/orders"),
        Role.ADMINISTRATOR: ("/accounts", "/orders", f"/devices/{builders.DEVICE}1", *SITES),
    }.items():
        log_in(watched, served, role)
        for path in paths:
            page.goto(served.address + path)
            assert page.evaluate(nameless) == [], path
            levels = page.evaluate(headings)
            assert levels[0] == 1, path
            assert levels.count(1) == 1, path
            assert all(after - before <= 1 for before, after in pairwise(levels)), path
