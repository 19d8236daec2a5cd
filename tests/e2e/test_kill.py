"""kill -9 of agent, ingest and broker in mid-work: what was answered is in the ledger, once, and nothing else is."""

import random
import signal
import time
import urllib.error
from dataclasses import dataclass, field
from datetime import datetime
from os import kill
from pathlib import Path

import pytest
from sqlalchemy import func, select

from central.broker.embedded import EmbeddedBroker
from central.captures.tables import bindings, captures, events, heads, irregularities
from central.china import CHINA
from scripts.demo import AGENT_TOML, SITE, enrol_people, wait_for_gallery
from scripts.scenes import Cameras
from scripts.stack import Child, Stack, wait_until
from scripts.town import visitor

ROUNDS = 8


@dataclass
class Answered:
    """What the till was told had been taken."""

    opened: list[str] = field(default_factory=list)
    bound: list[str] = field(default_factory=list)


def settle(stack: Stack, number: int, answered: Answered) -> None:
    """One settlement by a till that goes on when the agent does not answer."""
    at = datetime.now(CHINA)
    msgid = f"{SITE.fixmedins_code}{at:%Y%m%d%H%M%S}{number:04d}"
    bind = {"msgid": msgid, "setl_id": f"S{number}", "mdtrt_id": "M1", "setl_time": f"{at:%Y-%m-%d %H:%M:%S}", "medfee_sumamt": "1.00"}
    try:
        stack.till("/session/start", {"msgid": msgid, "infno": "2102", "psn_no": "DEMO-DING", "mdtrt_cert_type": "03", "window": "W1"})
        answered.opened.append(msgid)
        time.sleep(0.3)
        stack.till("/session/bind", bind)
        answered.bound.append(msgid)
    except urllib.error.HTTPError as error:
        assert error.code in (404, 503), error.read()
    except (OSError, ValueError):
        return


def hurt(stack: Stack, which: str) -> None:
    """Kill one part without warning and start it again."""
    if which == "broker":
        assert isinstance(stack.broker, EmbeddedBroker) and stack.broker.pid is not None
        kill(stack.broker.pid, signal.SIGKILL)
        stack.broker.stop()
        stack.broker.start()
        return
    child: Child = getattr(stack, which)
    child.kill(signal.SIGKILL)
    time.sleep(0.2)
    child.start()


@pytest.mark.timeout(240)
def test_nothing_answered_is_lost_and_nothing_comes_twice(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1 << 30)
    print("seed", seed)
    dice, answered = random.Random(seed), Answered()
    with Cameras(("W1",)) as cameras:
        stack = Stack(tmp_path, SITE, {"W1": cameras.url("W1")}, agent_toml=AGENT_TOML)
        with stack:
            enrol_people(stack)
            wait_for_gallery(stack)
            cameras.show("W1", visitor("丁"))
            victims = ["agent", "ingest", "broker", "agent", "console", "ingest", "agent", "agent"]
            for number in range(ROUNDS):
                settle(stack, 2 * number, answered)
                time.sleep(dice.uniform(0, 0.8))
                hurt(stack, victims[number % len(victims)])
                settle(stack, 2 * number + 1, answered)
                stack.wait_ready()
            settle(stack, 999, answered)
            assert len(answered.opened) > ROUNDS
            _wait_for_ledger(stack, answered)
            _check_ledger(stack, answered)


def _wait_for_ledger(stack: Stack, answered: Answered) -> None:
    def complete() -> bool:
        with stack.centre.engine.begin() as db:
            here = set(db.scalars(select(captures.c.msgid)))
            bound = set(db.scalars(select(bindings.c.msgid)))
            return here >= set(answered.opened) and bound >= set(answered.bound) and stack.health().get("backlog", 1) == 0

    wait_until("every answered settlement at the centre", complete, 60)


def _check_ledger(stack: Stack, answered: Answered) -> None:
    with stack.centre.engine.begin() as db:
        msgids = list(db.scalars(select(captures.c.msgid)))
        assert len(msgids) == len(set(msgids)), "a session was counted twice"
        assert len(list(db.scalars(select(bindings.c.msgid)))) == len(set(db.scalars(select(bindings.c.msgid))))
        numbers = db.execute(select(events.c.epoch, func.count(), func.max(events.c.seq)).group_by(events.c.epoch)).all()
        assert all(count == highest for _, count, highest in numbers), f"numbers are missing: {numbers}"
        ends = {row.epoch: row.up_to for row in db.execute(select(heads.c.epoch, heads.c.up_to))}
        assert ends == {epoch: highest for epoch, _, highest in numbers}
        assert db.scalar(select(func.count()).select_from(irregularities)) == 0
    print(f"{len(answered.opened)} opened, {len(answered.bound)} bound, {len(msgids)} captures, events {numbers}")
