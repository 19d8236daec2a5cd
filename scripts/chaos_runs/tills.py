"""A load of settlements over the till's real interface, with a log of its own: what was asked, and what was answered.

A till repeats a request until it is answered or its patience ends, as settlement software does, and it writes down each answer durably
before it goes on. That log is the first of the ledgers that are compared.
"""

import json
import os
import random
import time
import urllib.error
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, Literal

from central.china import CHINA
from scripts.stack import Stack

WINDOW = "W1"
PATIENCE_S, AGAIN_S = 6.0, 0.1
BEFORE_BIND_S, BEFORE_VOID_S, BETWEEN_S = (0.02, 0.5), (0.0, 0.8), (0.05, 0.5)
NEVER_BOUND, VOIDED = 0.1, 0.15  # shares of settlements

Verb = Literal["start", "bind", "void"]
State = Literal["asked", "answered", "refused", "unanswered"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the log: a request, or what became of it. `setl_id` is empty where the request names none."""

    verb: Verb
    state: State
    msgid: str
    setl_id: str
    detail: str = ""


class Log:
    """A file of lines that survives a power cut. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        """Begin a new file."""
        self._file = path.open("x", encoding="utf-8")
        self._lock = Lock()
        self._counts = dict.fromkeys(("asked", "answered", "refused", "unanswered"), 0)
        self._answered_s = 0.0

    def write(self, line: Line) -> None:
        """Append a line; it is on the disk when this returns."""
        text = json.dumps({name: getattr(line, name) for name in Line.__dataclass_fields__}, ensure_ascii=False)
        with self._lock:
            self._file.write(text + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())
            self._counts[line.state] += 1
            if line.state == "answered":
                self._answered_s = time.monotonic()

    def count(self, state: State) -> int:
        """How many lines say so."""
        return self._counts[state]

    def answered_since(self, mono_s: float) -> bool:
        """Whether the agent has answered a request since this moment of the monotonic clock."""
        return self._answered_s > mono_s


def read_log(path: Path) -> Iterator[Line]:
    """The lines of a log, in order."""
    with path.open(encoding="utf-8") as file:
        for text in file:
            yield Line(**json.loads(text))


class Tills:
    """Several tills at one window, each a thread. `start` once, `stop` once."""

    def __init__(self, stack: Stack, log: Log, *, site: str, lanes: int, seed: int) -> None:
        self._stack, self._log, self._site = stack, log, site
        self._stop = Event()
        self._threads = [
            Thread(target=self._work, args=(lane, random.Random(f"{seed} {lane}")), name=f"till-{lane}", daemon=True)  # noqa: S311
            for lane in range(lanes)
        ]

    def start(self) -> None:
        """Begin to settle."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End after the settlements that are under way."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _work(self, lane: int, dice: random.Random) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            self._settle(lane, number, dice)
            self._stop.wait(dice.uniform(*BETWEEN_S))

    def _settle(self, lane: int, number: int, dice: random.Random) -> None:
        at, fate = datetime.now(CHINA), dice.random()
        msgid, setl_id = f"{self._site}{at:%y%m%d}{lane:02d}{number:08d}", f"S{lane:02d}{number:08d}"
        start = {"msgid": msgid, "infno": "2102", "psn_no": f"CHAOS-{lane}-{number % 7}", "mdtrt_cert_type": "03", "window": WINDOW}
        if not self._say("start", start, msgid) or fate < NEVER_BOUND:
            return
        time.sleep(dice.uniform(*BEFORE_BIND_S))
        bind = {"msgid": msgid, "setl_id": setl_id, "mdtrt_id": f"M{setl_id}", "setl_time": f"{at:%Y-%m-%d %H:%M:%S}"}
        if not self._say("bind", bind | {"medfee_sumamt": "38.50"}, msgid, setl_id) or fate < 1 - VOIDED:
            return
        time.sleep(dice.uniform(*BEFORE_VOID_S))
        self._say("void", {"setl_id": setl_id}, msgid, setl_id)

    def _say(self, verb: Verb, body: Mapping[str, Any], msgid: str, setl_id: str = "") -> bool:
        """Ask until answered; whether it was. A refusal is an answer that the ledgers are asked about, too."""
        self._log.write(Line(verb=verb, state="asked", msgid=msgid, setl_id=setl_id))
        until_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < until_s and not self._stop.is_set():
            try:
                self._stack.till(f"/session/{verb}", body)
            except urllib.error.HTTPError as error:
                self._log.write(Line(verb=verb, state="refused", msgid=msgid, setl_id=setl_id, detail=_why(error)))
                return False
            except (OSError, ValueError):  # nobody there, cut in mid-answer, or an answer cut short
                time.sleep(AGAIN_S)
                continue
            self._log.write(Line(verb=verb, state="answered", msgid=msgid, setl_id=setl_id))
            return True
        self._log.write(Line(verb=verb, state="unanswered", msgid=msgid, setl_id=setl_id))
        return False


def _why(error: urllib.error.HTTPError) -> str:
    try:
        return f"{error.code} {json.loads(error.read())['error']}"
    except (OSError, ValueError, KeyError):
        return str(error.code)
