"""A network on trial: judged beside the one in force on the same sessions, counted, and never a cost to anybody."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from contract.events import Outcome
from edge_agent.decide import Emptiness
from edge_agent.disk.vault import Vault
from edge_agent.health.checks import trial as check
from edge_agent.health.metrics import Metrics
from edge_agent.judging.examine import Examiner
from edge_agent.judging.judge import Judge
from edge_agent.judging.recent import RecentFaces
from edge_agent.judging.trial import SCHEMA, Trial, agreement
from edge_agent.sections.core import Limits
from edge_agent.session import Session, Start
from edge_agent.window.track import Follower
from edge_agent.window.vacancy import Around
from models.liveness_track import WINDOW
from tests.edge_agent.building import shot, sight
from tests.fakes import Acquaintances, ColourEmbedder, HandClock

SAME, DIFFERENT, UNDECIDED, PROXY = Outcome.SAME, Outcome.DIFFERENT, Outcome.UNDECIDED, Outcome.PROXY
BLUE, GREEN = (255, 0, 0), (0, 255, 0)
X, Y, _ = np.eye(3, dtype=np.float32)
CLOCK = HandClock()


def judge(people: Acquaintances, embedder: ColourEmbedder | None = None, **parts: Any) -> Judge:
    return Judge(
        embedder=embedder or ColourEmbedder(),
        people=people,
        recent=RecentFaces(keep_s=0, limit=Limits().among),
        limits=Limits(),
        examiner=Examiner(None, WINDOW),
        **parts,
    )


def trial(people: Acquaintances, embedder: ColourEmbedder | None = None, vault: Vault | None = None, name: str = "next-1") -> Trial:
    return Trial(
        name=name,
        judge=judge(people, embedder),
        vault=vault or Vault.in_memory(SCHEMA),
        sessions=3,
        margin=0.9,
        clock=CLOCK,
        metrics=Metrics(),
    )


def serve(on_trial: Trial, colour: tuple[int, int, int] = BLUE, *, psn_no: str = "P1", times: int = 1) -> None:
    """Settlements of a person of this colour with the card of `psn_no`, judged by the network in force and then remembered."""
    now = judge(Acquaintances(insured={"P1": X, "P2": Y}), also=on_trial.note)
    for _ in range(times):
        start = Start(msgid="M1", infno="2207", psn_no=psn_no, mdtrt_cert_type="02", window="W1")
        session = Session(start=start, opened_at=CLOCK.now(), opened_s=0.0, since_s=0.0, follower=Follower(0.0))
        for at in range(12):
            session.add(sight(at / 6, shot(colour=colour)))
        empty = Around(own=Emptiness.EMPTY, others=Emptiness.EMPTY)
        now.remember(now.judge(session, at=CLOCK.now(), interrupted=False, around=empty), session)


def test_two_networks_that_agree_are_found_to_agree() -> None:
    on_trial = trial(Acquaintances(insured={"P1": X, "P2": Y}))
    serve(on_trial, times=2)
    assert not on_trial.result().agrees
    serve(on_trial, times=2)
    serve(on_trial, GREEN)
    found = on_trial.result()
    assert (found.recognised, found.lost, found.agrees, found.contradicts) == (4, 0, True, False)


def test_a_network_that_would_accuse_the_recognised_is_found_out() -> None:
    on_trial = trial(Acquaintances(insured={"P1": Y}))
    serve(on_trial, times=5)
    found = on_trial.result()
    assert (found.recognised, found.lost, found.accused, found.agrees) == (5, 5, 5, False)
    assert "contradicts" in str(check.check("next-1", found))


def test_a_network_that_would_pass_another_person_is_found_out() -> None:
    on_trial = trial(Acquaintances(insured={"P1": Y}))
    serve(on_trial, GREEN)
    assert (on_trial.result().passed, on_trial.result().contradicts) == (1, True)


def test_whom_the_next_network_does_not_know_yet_is_left_out() -> None:
    on_trial = trial(Acquaintances())
    serve(on_trial)
    assert on_trial.result().recognised == 0


def test_a_trial_that_breaks_costs_nothing() -> None:
    on_trial = trial(Acquaintances(insured={"P1": X}), ColourEmbedder(fails=True))
    serve(on_trial)
    assert on_trial.result().recognised == 0


def test_counts_outlive_a_restart_and_belong_to_one_network_and_its_limits() -> None:
    vault, people = Vault.in_memory(SCHEMA), Acquaintances(insured={"P1": X})
    serve(trial(people, vault=vault), times=2)
    assert trial(people, vault=vault).result().recognised == 2
    assert trial(people, vault=vault, name="next-2").result().recognised == 0


@pytest.mark.parametrize(
    ("counts", "agrees"),
    [
        ({(SAME, SAME): 600}, True),
        ({(SAME, SAME): 590, (PROXY, PROXY): 10}, True),
        ({(SAME, SAME): 599}, False),
        ({(SAME, SAME): 600, (SAME, UNDECIDED): 1}, False),
        ({(SAME, SAME): 1000, (SAME, UNDECIDED): 1}, True),
        ({(SAME, SAME): 100_000, (SAME, DIFFERENT): 1}, False),
        ({(SAME, SAME): 100_000, (DIFFERENT, SAME): 1}, False),
        ({(SAME, SAME): 600, (UNDECIDED, SAME): 50, (UNDECIDED, UNDECIDED): 9}, True),
        ({}, False),
    ],
)
def test_agreement_needs_enough_sessions_and_no_contradiction(counts: dict[tuple[str, str], int], agrees: bool) -> None:
    found = agreement(counts, sessions=600, margin=0.005)
    assert found.agrees is agrees


def test_nothing_is_said_while_a_trial_runs() -> None:
    running = agreement({(SAME, SAME): 10}, sessions=600, margin=0.005)
    assert check.check("next-1", running) is None
    assert "may take over" in str(check.check("next-1", replace(running, agrees=True)))
