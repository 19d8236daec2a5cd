"""How soon a flag is on the console: a real terminal's sending half, broker, ingest, claims, reconciliation and console, on a full centre.

The clock starts when the later of claim and capture begins its way: the capture when it is handed to the terminal's outbox, the claim when
its import begins. It stops when the list of findings, open in Chromium on this machine and told by the stream of runs, shows the flag.
"""

import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from queue import Empty, Queue
from tempfile import TemporaryDirectory
from threading import Event

import numpy as np
from playwright.sync_api import sync_playwright
from sqlalchemy import insert

from central.accounts import service as accounts
from central.accounts.model import Role
from central.accounts.passwords import Hashing, random_password
from central.captures.tables import captures
from central.cases import service as cases
from central.changes import service as changes
from central.china import CHINA
from central.claims import service as claims
from central.claims.tables import settlements
from central.db import reading, utc_now
from central.devices.tables import devices
from central.feeds.tables import imports
from central.linkage import service as linkage
from central.sites import service as sites
from central.sites.model import NewSite
from central.wiring import Centre
from contract.events import Closing, EvidenceMode, FrameCounts, Outcome
from edge_agent.chain.capture import Closed, Enclosed
from edge_agent.decide import Decision, Emptiness, Evidence
from edge_agent.judging.judge import Judgement
from edge_agent.session import Bind, Start
from scripts.benchmarks.errors import CannotMeasure
from scripts.benchmarks.report import Figure
from scripts.benchmarks.sending import SITE, WINDOW, SendingHalf, sending_half
from scripts.chromium import ARGUMENTS, CHROMIUM
from scripts.stack import ROOT, NotReady, Stack, wait_until

GOAL_S, GIVE_UP_S = 2.0, 30.0
PER_SITE = 2000
READY_S = 600.0
_SLICE = 5000
_WATCH = """
new MutationObserver(() => told([...document.querySelectorAll("#found a.finding-link")].map((each) => each.getAttribute("href"))))
  .observe(document.body, { childList: true, subtree: true })
"""
_HEADER = (
    "setl_id,medins_setl_id,mdtrt_id,fixmedins_code,psn_no,mdtrt_cert_type,insutype,med_type,setl_time,"
    "medfee_sumamt,fund_pay_sumamt,acct_pay,psn_cash_pay,refd_setl_flag"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One settlement at an empty window; which side came last, and how long the flag took in seconds."""

    last: str
    taken_s: float


@dataclass(frozen=True, slots=True)
class Shown:
    """The findings that the list in the browser shows, and since when, by this machine's monotonic clock."""

    at: float
    hrefs: tuple[str, ...]


def measure(folder: Path, base: int, trials: int, say: Callable[[str], None] = lambda _: None) -> list[Figure]:
    """Fill a centre with so many settlements, each with its capture; then let flags arise one by one. Raises CannotMeasure."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as place:
        stack = Stack(Path(place) / "stack", SITE, {WINDOW: "none.mkv"})
        fill(stack.centre, base)
        say(f"{base} settlements and captures are there")
        with _running(stack), sending_half(stack) as half, _console(stack) as told:
            half.connect()
            say("reconciled; flags are made one by one")
            found = [_trial(stack, half, told, number) for number in range(trials)]
        with reading(stack.centre.engine).begin() as db:
            open_ones = cases.counts(db)
    say(f"findings at the end: { {status.value: n for status, n in open_ones.items() if n} }")
    note = f"{base} settlements at {-(-base // PER_SITE)} institutions before; embedded broker, SQLite, all on this machine"
    return [
        _figure("flag on the console after the later of claim and capture", found, note),
        *(_figure(f"  the {last} came last", [each for each in found if each.last == last], "") for last in ("claim", "capture")),
    ]


def fill(centre: Centre, base: int) -> None:
    """Institutions with a month of settlements that were watched and matched: recognised persons, nothing to find."""
    now, of_import = utc_now(), {"import_id": 1, "dataset": "claims", "source": "base", "sha256": "0" * 64}
    counts = dict.fromkeys(("rows", "new", "changed", "same", "bad", "invalid"), 0)
    with centre.engine.begin() as db:
        db.execute(insert(imports).values(**of_import, started_at=now, **counts))
        for number in range(-(-base // PER_SITE)):
            code = _code(number)
            site = NewSite(
                fixmedins_code=code, fixmedins_name=code, admdvs="999999", evidence_mode=EvidenceMode.VERDICT_ONLY, legal_basis=None
            )
            sites.register_site(db, site, now=now, actor="bench")
            db.execute(insert(devices).values(device_id=f"{code}-t1", fixmedins_code=code, enrolled_at=now - timedelta(days=60)))
    for start in range(0, base, _SLICE):
        numbers = range(start, min(start + _SLICE, base))
        with centre.engine.begin() as db:
            db.execute(insert(settlements), [_billed(number, now) for number in numbers])
            db.execute(insert(captures), [_seen(number, now) for number in numbers])
    with centre.engine.begin() as db:
        changes.note_all(db)


def _code(number: int) -> str:
    return f"H{11_000_000_000 + number:011d}"


def _moment(number: int, now: datetime) -> datetime:
    return now - timedelta(days=31) + timedelta(seconds=(number // PER_SITE) % 60 + (number % PER_SITE) * 1200)


def _billed(number: int, now: datetime) -> dict[str, object]:
    money = {"medfee_sumamt": Decimal("88.50"), "fund_pay_sumamt": Decimal("58.50"), "acct_pay": Decimal(30), "psn_cash_pay": Decimal(0)}
    named = {
        "fixmedins_code": _code(number // PER_SITE),
        "setl_id": f"B{number}",
        "medins_setl_id": f"BM{number}",
        "mdtrt_id": f"V{number}",
    }
    kinds = {"psn_no": f"PSN-{number % 50_000}", "mdtrt_cert_type": "03", "insutype": "310", "med_type": "11", "refd_setl_flag": 0}
    return named | kinds | money | {"setl_time": _moment(number, now), "received_at": now, "row_sha256": "0" * 64, "import_id": 1}


def _seen(number: int, now: datetime) -> dict[str, object]:
    code, at = _code(number // PER_SITE), _moment(number, now)
    named = {"capture_id": f"{code}-t1:1:{number % PER_SITE + 1}", "device_id": f"{code}-t1", "fixmedins_code": code, "window": "W1"}
    times = {"opened_at": at - timedelta(seconds=20), "closed_at": at, "closing": "bound", "received_at": now}
    seen = {"outcome": "same", "reasons": [], "similarity": 0.9, "liveness": "live", "persons": 1, "frames_seen": 60, "frames_used": 12}
    rest = {"msgid": f"BM{number}", "infno": "2207", "psn_no": f"PSN-{number % 50_000}", "evidence_mode": "verdict_only", "software": {}}
    return named | times | seen | rest


@contextmanager
def _running(stack: Stack) -> Iterator[None]:
    """Broker, ingest, console and a reconciliation that follows; ready when everything was compared once."""
    command = [sys.executable, "-m", "central", "reconcile", "--follow", "--settings", str(stack.folder / "central.toml")]
    log = (stack.folder / "reconcile.log").open("wb")
    following = None
    try:
        stack.broker.start()
        stack.wait_for_broker()
        for child in (stack.ingest, stack.console):
            child.start()
        following = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        wait_until("the first reconciliation", lambda: _runs(stack.centre) > 0 or following.poll() is not None, READY_S)
        if following.poll() is not None:
            raise CannotMeasure(f"the reconciliation ended: {(stack.folder / 'reconcile.log').read_text()[-2000:]}")
        yield
    except NotReady as error:
        raise CannotMeasure(f"{error}: {(stack.folder / 'reconcile.log').read_text()[-2000:]}") from None
    finally:
        if following is not None:
            following.terminate()
            following.wait()
        log.close()
        stack.stop()


def _runs(centre: Centre) -> int:
    with reading(centre.engine).begin() as db:
        return linkage.newest_run(db)


@contextmanager
def _console(stack: Stack) -> Iterator["Queue[Shown]"]:
    """A monitor's browser with the list of findings open: what the list shows, each time that it changed by itself."""
    address, token = f"http://127.0.0.1:{stack.web_port}", _logged_in(stack.centre)
    shown: Queue[Shown] = Queue()
    ready, ended = Event(), Event()
    wait_until("the console", lambda: _answers(f"{address}/healthz"))
    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(_watch, address, token, shown, ready, ended)
        try:
            wait_until("the browser", lambda: ready.is_set() or watching.done())
            if watching.done():
                raise CannotMeasure(f"the browser: {watching.exception()}")
            yield shown
        finally:
            ended.set()


def _watch(address: str, token: str, shown: "Queue[Shown]", ready: Event, ended: Event) -> None:
    """Chromium with the list open, until `ended`; `ready` once the page hears of runs. Raises playwright's Error."""
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS) as chromium:
        page = chromium.new_page()
        page.context.add_cookies([{"name": "session", "value": token, "url": address}])
        page.expose_function("told", lambda hrefs: shown.put(Shown(at=time.monotonic(), hrefs=tuple(hrefs))))
        with page.expect_response("**/runs/stream?known=*"):
            page.goto(f"{address}/findings")
        page.evaluate(_WATCH)
        ready.set()
        while not ended.is_set():
            page.wait_for_timeout(100)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2):
            return True
    except OSError:
        return False


def _logged_in(centre: Centre) -> str:
    now = centre.now()
    with centre.engine.begin() as db:
        hashed = Hashing().hash(random_password())
        accounts.add(db, username="bench", role=Role.MONITOR, password_hash=hashed, must_change_password=False, actor="bench", now=now)
        attempt = accounts.begin_attempt(db, username="bench", now=now)
        return accounts.enter(db, attempt=attempt, now=now, lifetime=timedelta(hours=8)).token


def _trial(stack: Stack, half: SendingHalf, shown: "Queue[Shown]", number: int) -> Trial:
    """One settlement, its two sides in turn first and last; seconds from the later one until the console shows the flag."""
    at, last = datetime.now(UTC).replace(microsecond=0), ("claim", "capture")[number % 2]
    sides = {"claim": lambda: _claim(stack, number, at), "capture": lambda: _capture(half, number, at)}
    runs = _runs(stack.centre)
    sides["capture" if last == "claim" else "claim"]()
    wait_until("the first side", lambda: _runs(stack.centre) > runs, GIVE_UP_S)
    time.sleep(0.37 * (number % 4))  # not in step with anybody's looking
    begun = time.monotonic()
    sides[last]()
    while time.monotonic() - begun < GIVE_UP_S:
        try:
            told = shown.get(timeout=GIVE_UP_S)
        except Empty:
            break
        if _is_among(stack.centre, told, f"T{number:06}"):
            return Trial(last=last, taken_s=told.at - begun)
    log = (stack.folder / "reconcile.log").read_text()[-2000:]
    raise CannotMeasure(f"flag {number} was not shown within {GIVE_UP_S:.0f} s; the reconciliation says:\n{log}")


def _is_among(centre: Centre, shown: Shown, setl_id: str) -> bool:
    with reading(centre.engine).begin() as db:
        return any(setl_id in cases.get(db, href.rpartition("/")[2]).vola_evid["setl_ids"] for href in shown.hrefs)


def _claim(stack: Stack, number: int, at: datetime) -> None:
    path = stack.folder / "claim.csv"
    local = at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")
    row = f"T{number:06},TM{number:06},V{number},{SITE.fixmedins_code},PSN-T{number},03,310,41,{local},38.50,8.50,30.00,0.00,0"
    path.write_text(f"{_HEADER}\n{row}\n", encoding="utf-8")
    claims.import_file(stack.centre.engine, path=path, actor="bench", now=utc_now(), settings=stack.centre.settings.claims)


def _capture(half: SendingHalf, number: int, at: datetime) -> None:
    empty = Emptiness.EMPTY
    evidence = Evidence(
        frames=FrameCounts(seen=60, with_subject=0, used=0),
        interrupted=False,
        emptiness=empty,
        around=empty,
        elsewhere=empty,
        faces=0,
        enrolled=True,
    )
    decision = Decision(outcome=Outcome.NO_PERSON, reasons=())
    closed = Closed(
        start=Start(msgid=f"TM{number:06}", infno="2102", psn_no=f"PSN-T{number}", mdtrt_cert_type="03", window=WINDOW),
        opened_at=at - timedelta(seconds=20),
        closed_at=at,
        closing=Closing.BOUND,
        decision=decision,
        judgement=Judgement(decision=decision, evidence=evidence, similarity=None, vector=None, portrait=None),
        scene=None,
    )
    bind = Bind(msgid=f"TM{number:06}", setl_id=f"T{number:06}", mdtrt_id=f"V{number}", setl_time=at, medfee_sumamt=Decimal("38.50"))
    with half.vault.transaction():
        half.outbox.append(lambda place: half.scribe.capture(closed, Enclosed(), place))
        half.outbox.append(lambda place: half.scribe.binding(bind, place))


def _figure(name: str, found: Sequence[Trial], note: str) -> Figure:
    taken = np.array([each.taken_s for each in found])
    p50, p95, most = (float(np.quantile(taken, share)) for share in (0.5, 0.95, 1.0))
    return Figure(
        name=name,
        value=float(np.quantile(taken, 0.99)),
        unit="s p99",
        n=len(found),
        goal="P5",
        spread={"p50": p50, "p95": p95, "max": most},
        at_most=GOAL_S,
        note=note,
    )
