"""From a centre that runs to the first verified settlement: site, terminal, person, till, one after the other.

    python -m central up                        # in another shell
    python -m scripts.first_settlement          # a demonstration camera; every command is shown before it runs, with its time

Where a terminal runs already, with a camera of its own, this plays a person's registration and the till's part only:

    python -m scripts.first_settlement --terminal /etc/edge-agent --psn-no MINE --picture MY-FACE.jpg

Everything is real but the view of the demonstration camera, which is made from published still pictures; the terminal runs without liveness
for it, and its captures say so.
"""

import json
import os
import shlex
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from central.captures import service as captures
from central.db import reading
from central.settings import Settings as CentralSettings
from central.wiring import Centre, open_centre
from edge_agent.enrol.command import NOT_ACCEPTED
from edge_agent.enrol.draft import SETTINGS
from edge_agent.errors import AgentError
from edge_agent.keys import load_token
from edge_agent.settings import Settings, load
from models import files
from models.fetch import fetch
from scripts.scenes import Cameras
from scripts.stack import NotReady, free_port, wait_until
from scripts.town import enrolment_picture, visitor

CODE, NAME, PSN_NO, WINDOW = "P99999900001", "示例大药房", "DEMO-JIA", "W1"
BASIS = "demonstration with published pictures on one machine"
CHINA = ZoneInfo("Asia/Shanghai")
FOR_A_MADE_VIEW = {
    "EDGE_LIVENESS__ENABLED": "false",
    "EDGE_TIMES__WINDOW_AFTER_S": "1",
    "EDGE_TIMES__BACKGROUND_QUIET_S": "3",
}


@dataclass(slots=True)
class Shown:
    """Shows each command before it runs, and how long it took."""

    begun_s: float = field(default_factory=time.monotonic)
    commands: int = 0

    def say(self, text: str) -> None:
        """One line with the time since the beginning."""
        print(f"[{time.monotonic() - self.begun_s:5.1f} s] {text}", flush=True)

    def run(self, *words: str, good: tuple[int, ...] = (0,)) -> None:
        """Run one command of this project. Raises NotReady if it fails."""
        self._show(words)
        done = subprocess.run([sys.executable, "-m", *words], check=False, stdout=subprocess.PIPE, text=True)
        if done.returncode not in good:
            raise NotReady(f"`python -m {words[0]}` failed with {done.returncode}:\n{done.stdout[-2000:]}")
        print("\n".join(f"          {line}" for line in done.stdout.splitlines() if not line.startswith("enrol1-")), flush=True)

    @contextmanager
    def running(self, *words: str, log: Path, environ: Mapping[str, str]) -> Iterator[None]:
        """A command that runs until the end of the block."""
        self._show(words)
        with log.open("wb") as out:
            process = subprocess.Popen([sys.executable, "-m", *words], stdout=out, stderr=out, env={**os.environ, **environ})
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)

    def _show(self, words: tuple[str, ...]) -> None:
        self.commands += 1
        self.say("$ python -m " + shlex.join(words))


def main(
    settings: Annotated[Path | None, typer.Option(help="The centre's settings file.")] = None,
    folder: Annotated[Path, typer.Option(help="Where the new terminal shall stand.")] = Path("var/first"),
    terminal: Annotated[Path | None, typer.Option(help="Settings folder of a terminal that runs here already.")] = None,
    psn_no: Annotated[str, typer.Option(help="Whose card is used.")] = PSN_NO,
    picture: Annotated[
        Path | None, typer.Option(help=f"This person's face, for the registration; only {PSN_NO} has a published one.")
    ] = None,
    window: Annotated[str, typer.Option(help="At which window.")] = WINDOW,
) -> None:
    """Bring one settlement from the till to the centre and show what both said. Fails unless the centre verified it and knew the person."""
    shown = Shown()
    try:
        if psn_no != PSN_NO and picture is None:
            raise NotReady(
                f"--psn-no {psn_no} needs --picture: a published face would be registered as this person's, who would be accused"
            )
        with ExitStack() as parts:
            centre = open_centre(CentralSettings.read(settings))
            show = _stand_up(shown, parts, settings, folder) if terminal is None else (lambda _there: None)
            own = load((terminal or folder) / SETTINGS)
            _register(shown, settings, own.fixmedins_code, psn_no, picture)
            shown.say("waiting until the terminal is connected and knows the person")
            wait_until("a terminal that knows the person", lambda: _health(own).get("gallery_people", 0) > 0)
            outcome = _settle(shown, centre, own, psn_no, window, show)
    except (NotReady, AgentError) as error:
        print(f"first_settlement: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    shown.say(f"done: {shown.commands} commands besides `central up`")
    raise typer.Exit(0 if outcome == "same" else 1)


def _stand_up(shown: Shown, parts: ExitStack, settings: Path | None, folder: Path) -> Callable[[bool], None]:
    """Camera, site, terminal; gives what makes the person step before the camera or away."""
    for pack in ("window", "demo"):
        fetch(pack, files.default_folder(), progress=lambda _: None)
    cameras = parts.enter_context(Cameras((WINDOW,)))
    token = folder.with_name(f"{folder.name}-token.txt")
    site = ("--code", CODE, "--name", NAME, "--admdvs", "999999", "--window", f"{WINDOW}={cameras.url(WINDOW)}", "--token-file", str(token))
    more = ("--evidence-mode", "all", "--legal-basis", BASIS, "--till-port", str(free_port()))
    shown.run("scripts.enrol_site", "site", *site, *more, *_named(settings))
    shown.run("edge_agent", "enrol", f"@{token}", "--folder", str(folder), good=(0, NOT_ACCEPTED))
    run = ("run", "--settings", str(folder / SETTINGS))
    parts.enter_context(shown.running("edge_agent", *run, log=folder / "agent.log", environ=FOR_A_MADE_VIEW))

    def show(there: bool) -> None:
        cameras.show(WINDOW, visitor("甲-2") if there else None)

    return show


def _register(shown: Shown, settings: Path | None, code: str, psn_no: str, picture: Path | None) -> None:
    if picture is None:
        picture = Path(os.environ.get("TMPDIR", "/tmp")) / f"{psn_no}.jpg"  # noqa: S108 - a published picture
        picture.write_bytes(enrolment_picture(PSN_NO))
    person = ("enrol", psn_no, "--picture", str(picture), "--site", code, "--legal-basis", BASIS)
    shown.run("central", "people", *person, *_named(settings))


def _settle(shown: Shown, centre: Centre, own: Settings, psn_no: str, window: str, show: Callable[[bool], None]) -> str:
    """The till's part, and what the centre has of it then."""
    wait_until("a window that is watched", lambda: _state(own, window) == "streaming")
    time.sleep(4)  # the empty window is learnt
    at = datetime.now(CHINA).replace(microsecond=0)
    msgid = f"{own.fixmedins_code}{at:%Y%m%d%H%M%S}0001"
    show(True)
    time.sleep(2.5)
    start = {"msgid": msgid, "infno": "2102", "psn_no": psn_no, "mdtrt_cert_type": "03", "window": window}
    shown.say(f"till: POST /session/start for {psn_no}: {_till(own, '/session/start', start)['answer']}")
    time.sleep(1.5)
    bind = {"msgid": msgid, "setl_id": f"FIRST{at:%y%m%d%H%M%S}", "mdtrt_id": "M1", "setl_time": f"{at:%Y-%m-%d %H:%M:%S}"}
    _till(own, "/session/bind", bind | {"medfee_sumamt": "38.50"})
    shown.say("till: POST /session/bind; waiting for the capture at the centre")
    time.sleep(1.5)
    show(False)
    wait_until("the verified capture at the centre", lambda: bool(_captured(centre, msgid)), 60)
    (capture,) = _captured(centre, msgid)
    shown.say(f"centre: capture {capture['capture_id']} of {msgid}, signature verified, outcome {capture['outcome']}")
    return str(capture["outcome"])


def _captured(centre: Centre, msgid: str) -> list[dict[str, Any]]:
    with reading(centre.engine).begin() as db:
        rows: list[dict[str, Any]] = captures.analysis_table(db).to_pylist()
        return [row for row in rows if row["msgid"] == msgid]


def _health(own: Settings) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{own.till.port}/health", timeout=5) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    except OSError:
        return {}


def _state(own: Settings, window: str) -> str:
    return next((str(camera["state"]) for camera in _health(own).get("cameras", ()) if camera["window"] == window), "")


def _till(own: Settings, path: str, body: Mapping[str, str]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {load_token(own.files.till_token)}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{own.till.port}{path}", data=json.dumps(body).encode(), headers=headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def _named(settings: Path | None) -> tuple[str, ...]:
    return () if settings is None else ("--settings", str(settings))


if __name__ == "__main__":
    typer.run(main)
