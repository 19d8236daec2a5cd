"""The demonstration: two windows, one morning of settlements, every outcome compared with what it should be.

Everything is real: faces, networks, broker with mutual TLS, signed captures, claims, rules, console. Only the views are made, from still
pictures that registries ship; where a person has a single picture, the window shows the enrolled picture itself, moved and noisy.
A moved picture is what liveness is there to find, so the terminal runs with it turned off, and every capture says "not evaluated".
"""

import shutil
import signal
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Annotated, NoReturn
from unicodedata import east_asian_width
from zoneinfo import ZoneInfo

import typer

from central.accounts import service as accounts
from central.accounts.model import Role
from central.accounts.passwords import Hashing, random_password
from central.captures import service as captures
from central.cases import service as cases
from central.claims import service as claims
from central.db import reading, utc_now
from central.linkage import service as linkage
from central.people import service as people
from central.people.model import Enrolment, Proxy
from central.reconciliation.service import reconcile
from central.sites.model import NewSite
from contract.commands import GalleryRole
from contract.events import EvidenceMode
from models import files
from models.fetch import fetch
from scripts.scenes import Cameras
from scripts.stack import ROOT, NotReady, Stack, wait_until
from scripts.town import PEOPLE, SETTLEMENTS, Scene, enrolment_picture, visitor

SITE = NewSite(
    fixmedins_code="P99999900001",
    fixmedins_name="示例大药房",
    admdvs="999999",
    evidence_mode=EvidenceMode.ALL,
    legal_basis="demonstration with published pictures on one machine",
)
AGENT_TOML = """
[times]
window_before_s = 1.5
window_after_s = 0.5
answer_look_s = 1.5
session_max_s = 8
background_quiet_s = 3
presence_before_s = 1
presence_after_s = 0.5

[limits]
empty_everywhere = false

[liveness]
enabled = false
"""
"""A morning in a minute, and two windows that are in rooms of their own: one is busy while the other is empty."""
MARK = ".demonstration"
CHINA = ZoneInfo("Asia/Shanghai")
_WIDTHS = (8, 54, 8, 12, 24, 12)
_STEP_UP_S, _CARD_S, _LEAVE_S = 1.7, 1.0, 1.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A settlement as it went."""

    scene: Scene
    msgid: str
    setl_id: str
    at: datetime
    answer: str


def play_all(stack: Stack, cameras: Cameras) -> list[Played]:
    """Play both windows at the same time; when interrupted, end after the settlements that are under way."""
    lanes = [[scene for scene in SETTLEMENTS if scene.window == window] for window in ("W1", "W2")]
    ending = Event()
    with ThreadPoolExecutor(len(lanes)) as pool:
        try:
            runs = [pool.submit(_play_lane, stack, cameras, lane, 100 * (number + 1), ending) for number, lane in enumerate(lanes)]
            return [one for lane in runs for one in lane.result()]
        finally:
            ending.set()


def _play_lane(stack: Stack, cameras: Cameras, scenes: Sequence[Scene], first: int, ending: Event) -> list[Played]:
    """One window's settlements one after the other, as till and customers would."""
    return [_play_one(stack, cameras, scene, first + number) for number, scene in enumerate(scenes) if not ending.is_set()]


def _play_one(stack: Stack, cameras: Cameras, scene: Scene, number: int) -> Played:
    at = datetime.now(CHINA).replace(microsecond=0)
    msgid = f"{SITE.fixmedins_code}{at:%Y%m%d%H%M%S}{number:04d}"
    setl_id, answer = f"DEMO{at:%y%m%d%H%M%S}{number:04d}", "-"
    if scene.till:
        cameras.show(scene.window, visitor(scene.face) if scene.face else None)
        time.sleep(_STEP_UP_S)
        start = {"msgid": msgid, "infno": "2102", "psn_no": scene.psn_no, "mdtrt_cert_type": "03", "window": scene.window}
        answer = stack.till("/session/start", start)["answer"]
        time.sleep(_CARD_S)
        at = datetime.now(CHINA).replace(microsecond=0)
        if scene.bound:
            bind = {"msgid": msgid, "setl_id": setl_id, "mdtrt_id": f"M{setl_id}", "setl_time": f"{at:%Y-%m-%d %H:%M:%S}"}
            stack.till("/session/bind", bind | {"medfee_sumamt": scene.amount})
        time.sleep(_LEAVE_S)
        cameras.show(scene.window, None)
        time.sleep(_LEAVE_S)
    return Played(scene=scene, msgid=msgid, setl_id=setl_id, at=at, answer=answer)


def enrol_people(stack: Stack) -> None:
    """Enrol everybody from one picture each, and one registered proxy."""
    centre, now = stack.centre, utc_now()
    for psn_no in PEOPLE:
        pictures = (enrolment_picture(psn_no),)
        request = Enrolment(
            psn_no=psn_no,
            pictures=pictures,
            legal_basis=SITE.legal_basis or "",
            fixmedins_code=SITE.fixmedins_code,
            role=GalleryRole.INSURED,
        )
        centre.registrar.enrol(request, actor="demo")
    year = now.replace(microsecond=0)
    proxy = Proxy(
        psn_no="DEMO-XIN",
        proxy_psn_no="DEMO-WU",
        valid_from=year.replace(year=year.year - 1),
        valid_to=year.replace(year=year.year + 1),
        reason="家属代办",
    )
    with centre.engine.begin() as db:
        people.register_proxy(db, proxy, now=now, actor="demo")


def make_account(stack: Stack) -> str:
    """A monitor who may look at the findings; the password."""
    password = random_password()
    hashed, now = Hashing().hash(password), utc_now()
    with stack.centre.engine.begin() as db:
        accounts.add(db, username="monitor", role=Role.MONITOR, password_hash=hashed, must_change_password=False, actor="demo", now=now)
    return password


def wait_for_gallery(stack: Stack) -> None:
    """The terminal must know everybody before the first customer."""
    wait_until("the terminal's gallery", lambda: stack.health().get("gallery_people", 0) >= len(PEOPLE), 30)


def wait_for_captures(stack: Stack, expected: int) -> None:
    """Every capture with its picture must have reached the centre."""

    def arrived() -> bool:
        with reading(stack.centre.engine).begin() as db:
            rows = captures.analysis_table(db).column("capture_id").to_pylist()
            return len(rows) >= expected and all(one.stored for row in rows for one in captures.get(db, row).media)

    wait_until(f"{expected} captures with pictures at the centre", arrived, 40)


def claims_csv(played: Sequence[Played], path: Path) -> None:
    """What the fund was billed, in the national column names."""
    columns = (
        "setl_id,medins_setl_id,mdtrt_id,fixmedins_code,fixmedins_name,psn_no,mdtrt_cert_type,insutype,med_type,setl_time,"
        "medfee_sumamt,fund_pay_sumamt,acct_pay,psn_cash_pay,refd_setl_flag,init_setl_id,vali_flag"
    )
    rows = []
    for one in (one for one in played if one.scene.claimed):
        common = f"{SITE.fixmedins_code},{SITE.fixmedins_name},{one.scene.psn_no},03,310,41,{one.at:%Y-%m-%d %H:%M:%S}"
        rows.append(f"{one.setl_id},{one.msgid},M{one.setl_id},{common},{one.scene.amount},0.00,{one.scene.amount},0.00,0,,1")
    path.write_text("\n".join([columns, *rows]) + "\n", encoding="utf-8")


def outcomes(stack: Stack, played: Sequence[Played]) -> list[tuple[str, str, str]]:
    """What the centre has now for each settlement: outcome, code in the ledger, rules that found something."""
    with reading(stack.centre.engine).begin() as db:
        by_msgid = {row["msgid"]: row for row in captures.analysis_table(db).to_pylist()}
        found = cases.list_findings(db, size=200).rows
        got = []
        for one in played:
            capture = by_msgid.get(one.msgid)
            rules = sorted({row.rule_id for row in found if one.setl_id in row.vola_evid["setl_ids"]})
            code: str | None = None
            if one.scene.claimed:
                code = linkage.code_of_settlement(db, SITE.fixmedins_code, one.setl_id)
            elif capture:
                code = linkage.code_of_capture(db, capture["capture_id"])
            got.append((capture["outcome"] if capture else "-", code or "-", " ".join(rules) or "-"))
    return got


def table(played: Sequence[Played], got: Sequence[tuple[str, str, str]]) -> int:
    """Print expected and got side by side; the number of differences."""
    print(
        "\n"
        + "".join(
            _cell(text, width)
            for text, width in zip(("window", "settlement", "till", "outcome", "ledger", "findings"), _WIDTHS, strict=True)
        )
    )
    wrong = 0
    for one, found in zip(played, got, strict=True):
        scene = one.scene
        pairs = list(zip((scene.outcome, scene.code, scene.rules), found, strict=True))
        wrong += sum(expected != actual for expected, actual in pairs)
        told = [actual if expected == actual else f"{actual} (expected {expected})" for expected, actual in pairs]
        print("".join(_cell(text, width) for text, width in zip((scene.window, scene.title, one.answer, *told), _WIDTHS, strict=True)))
    print(f"\n{len(played)} settlements, {wrong} differences")
    return wrong


def _cell(text: str, width: int) -> str:
    """Pad to a width in columns; a Chinese character takes two."""
    return text + " " * max(1, width - sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text))


def run(folder: Path, *, stay: bool, mosquitto: bool = False) -> int:
    """The whole demonstration; the number of differences."""
    weights = files.default_folder()
    for pack in ("window", "demo"):
        fetch(pack, weights, progress=print)
    with Cameras(("W1", "W2")) as cameras:
        stack = Stack(folder, SITE, {"W1": cameras.url("W1"), "W2": cameras.url("W2")}, agent_toml=AGENT_TOML, mosquitto=mosquitto)
        with stack:
            print("broker, centre and agent are up; enrolling", len(PEOPLE), "people")
            print("liveness: not evaluated, as the views are made from still pictures; at a window it would call them attacks")
            password = make_account(stack)
            enrol_people(stack)
            wait_for_gallery(stack)
            time.sleep(5)  # the empty windows are learnt
            began = time.monotonic()
            played = play_all(stack, cameras)
            wait_for_captures(stack, sum(scene.outcome != "-" for scene in SETTLEMENTS))
            claims_csv(played, folder / "claims.csv")
            claims.import_file(stack.centre.engine, path=folder / "claims.csv", actor="demo", now=utc_now(), progress=lambda _: None)
            reconcile(stack.centre.engine, rules_file=ROOT / "config" / "rules.toml", now=utc_now(), progress=lambda _: None)
            wrong = table(played, outcomes(stack, played))
            print(f"played and reconciled in {time.monotonic() - began:.0f} s")
            print(f"console: http://127.0.0.1:{stack.web_port}/  log in as monitor with {password}")
            if stay:
                print("it stays up; end it with Ctrl-C")
                try:
                    stack.console.process.wait() if stack.console.process else None
                except KeyboardInterrupt:
                    print("ending")
    return wrong


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """However we are told to end, broker, centre and agent end with us."""
    raise KeyboardInterrupt


def main(
    check: Annotated[bool, typer.Option("--check", help="End by itself; exit code 1 if any outcome differs.")] = False,
    folder: Annotated[Path, typer.Option(help="Where everything is written; emptied first.")] = ROOT / "var" / "demo",
) -> None:
    """Play a morning at two settlement windows on real faces, and compare every outcome with what it should be."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupt)
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        print(f"demo: {folder} is not empty and was not made by an earlier demonstration; name another --folder", file=sys.stderr)
        raise typer.Exit(2)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MARK).touch()
    try:
        wrong = run(folder, stay=not check)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except NotReady as error:
        print(f"demo: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    raise typer.Exit(1 if wrong else 0)


if __name__ == "__main__":
    typer.run(main)
