"""kill -9 of agent, ingest and broker in mid-work: what was answered is in the ledger, once, and nothing else is."""

import random
from pathlib import Path

import pytest

from scripts.chaos_runs.run import run

KILLS = 10


@pytest.mark.timeout(240)
@pytest.mark.parametrize("mosquitto", [False, True], ids=["embedded", "mosquitto"])
def test_nothing_answered_is_lost_and_nothing_comes_twice(tmp_path: Path, mosquitto: bool) -> None:
    seed = random.SystemRandom().randrange(1 << 30)
    print("seed", seed)
    outcome = run(tmp_path / "run", kills=KILLS, seed=seed, mosquitto=mosquitto, progress=print)
    assert {kind: found for kind, found in outcome.findings.by_kind().items() if found} == {}
    assert len(outcome.kills) == KILLS and outcome.centre is not None
    assert outcome.told["start answered"] > KILLS / 2, "there was too little to lose"
    assert sum(outcome.centre.captures.values()) >= outcome.told["start answered"] and outcome.heard
