"""Keys of a real terminal change under load, with either broker, while the agent is killed: nothing is lost, counted twice or refused."""

import random
from pathlib import Path

import pytest

from scripts.chaos_runs.rotation import run

ROTATIONS = 2


@pytest.mark.timeout(240)
@pytest.mark.parametrize("mosquitto", [False, True], ids=["embedded", "mosquitto"])
def test_keys_change_under_load_and_nothing_is_lost(tmp_path: Path, mosquitto: bool) -> None:
    seed = random.SystemRandom().randrange(1 << 30)
    print("seed", seed)
    outcome, turned = run(tmp_path / "run", rotations=ROTATIONS, seed=seed, mosquitto=mosquitto, progress=print)
    assert {kind: found for kind, found in outcome.findings.by_kind().items() if found} == {}
    assert turned.faults == [] and turned.events > ROTATIONS
    assert (turned.keys, turned.closed) == (ROTATIONS + 1, ROTATIONS)
    assert outcome.told["start answered"], "there was nothing to lose"
