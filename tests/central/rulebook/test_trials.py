"""Other limits beside the live ones: what they would gain and lose, per site, and what of it people had decided."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from central.cases import service as cases
from central.errors import BadInput, Conflict, NotFound
from central.reconciliation.compare import compare
from central.rulebook import trials
from central.rulebook.model import Wanted
from central.rulebook.trials import Trial, TrialKind
from tests.central.analysis import NOON, SITE, capture, settlement
from tests.central.rulebook.comparing import BOOK, jr_ids, run, world

OTHER = "P99999900002"
DAY = timedelta(days=1)


def frames(*counts: int) -> Any:
    """Empty windows that so many frames showed; the last one at another institution."""
    sites = [SITE] * (len(counts) - 1) + [OTHER]
    billed = [settlement(n, fixmedins_code=site) for n, site in enumerate(sites)]
    seen = [
        capture(n, fixmedins_code=site, outcome="no_person", frames_seen=count)
        for n, (site, count) in enumerate(zip(sites, counts, strict=True))
    ]
    return world(billed, seen)


def tried(
    db: Connection, inputs: Any, kind: TrialKind = TrialKind.SHADOW, scope: str = "", span: trials.Span = (None, None), **limits: Any
) -> Trial:
    wanted = Wanted(rule_id="PR-01", scope=scope, reason="", limits=limits)
    trial = trials.ask(db, BOOK, wanted, kind, span=span, actor="anna", now=NOON)
    assert [each.trial_id for each in trials.waiting(db)] == [trial.trial_id]
    done = trials.carry_out(db, trial, inputs, BOOK, compare, now=NOON)
    assert trials.waiting(db) == ()
    return done


def test_a_shadow_run_says_what_would_be_gained_and_lost_and_finds_nothing(sqlite: Engine) -> None:
    inputs = frames(4, 6, 30, 3)
    with sqlite.begin() as db:
        looser = tried(db, inputs, min_frames_seen=3).result
        stricter = tried(db, inputs, min_frames_seen=10).result
        assert looser is not None
        assert stricter is not None
        assert (looser["live"], looser["draft"], looser["gained"], looser["lost"]) == (2, 4, 2, 0)
        assert [each["subject_key"] for each in looser["gains"]] == [f"{SITE}/S-0", f"{OTHER}/S-3"]
        assert looser["sites"] == [[SITE, 1, 0], [OTHER, 1, 0]]
        assert (stricter["gained"], stricter["lost"], stricter["settlements"]) == (0, 1, 4)
        assert cases.list_findings(db).total == 0


def test_a_draft_for_one_place_leaves_the_others_as_they_are(sqlite: Engine) -> None:
    with sqlite.begin() as db:
        result = tried(db, frames(4, 6, 30, 3), scope=OTHER, min_frames_seen=3).result
        assert result is not None
        assert result["sites"] == [[OTHER, 1, 0]]


def test_a_back_test_says_what_of_the_decided_would_be_lost_and_avoided(engine: Engine) -> None:
    inputs = frames(6, 7, 8, 30, 30, 30)
    with engine.begin() as db:
        run(db, inputs)
        for jr_id, verdict in zip(jr_ids(db, "PR-01"), ("dismiss", "dismiss", "confirm", "confirm", "confirm", "dismiss"), strict=True):
            cases.review(db, jr_id=jr_id, verdict=verdict, reason="seen", actor="anna", now=NOON)
        done = tried(db, inputs, TrialKind.BACKTEST, min_frames_seen=9)
        lost, avoided = done.confirmed_lost, done.dismissed_avoided
        assert (lost.count, lost.of, avoided.count, avoided.of) == (1, 3, 2, 3)
        assert (round(lost.interval.low, 4), round(lost.interval.high, 4)) == (0.0084, 0.9057)
        early = tried(db, inputs, TrialKind.BACKTEST, span=(None, NOON + timedelta(minutes=2)), min_frames_seen=9)
        assert (early.confirmed_lost.of, early.dismissed_avoided.count) == (0, 2)
        assert (early.confirmed_lost.interval.low, early.confirmed_lost.interval.high) == (0.0, 1.0)


def test_what_late_data_took_away_counts_for_neither(sqlite: Engine) -> None:
    inputs = frames(30, 30)
    with sqlite.begin() as db:
        run(db, inputs)
        for jr_id in jr_ids(db, "PR-01"):
            cases.review(db, jr_id=jr_id, verdict="confirm", reason="seen", actor="anna", now=NOON)
        later = world([settlement(0)], [capture(0, outcome="no_person")])
        assert tried(db, later, min_frames_seen=9).confirmed_lost.of == 1


@pytest.mark.parametrize(
    ("rule_id", "limits", "span", "named"),
    [
        ("PR-01", {"min_frames_seen": 0}, (None, None), "min_frames_seen = 0"),
        ("PR-01", {"frames": 1}, (None, None), "no parameter 'frames'"),
        ("PR-01", {"min_frames_seen": 9}, (NOON, NOON), "has no time in it"),
    ],
)
def test_a_trial_that_cannot_be_is_refused(sqlite: Engine, rule_id: str, limits: dict[str, Any], span: trials.Span, named: str) -> None:
    with pytest.raises(BadInput, match=named), sqlite.begin() as db:
        trials.ask(db, BOOK, Wanted(rule_id=rule_id, scope="", reason="", limits=limits), TrialKind.SHADOW, span=span, actor="a", now=NOON)


def test_an_unknown_trial_is_named(sqlite: Engine) -> None:
    with pytest.raises(NotFound, match="trial 7"), sqlite.begin() as db:
        trials.get(db, 7)


def test_no_more_wait_than_a_reconciliation_can_carry_out(sqlite: Engine) -> None:
    wanted = Wanted(rule_id="PR-01", scope="", reason="", limits={"repeat_days": 9})
    with sqlite.begin() as db:
        for _ in range(trials.MOST_WAITING):
            trials.ask(db, BOOK, wanted, TrialKind.SHADOW, actor="a", now=NOON)
        with pytest.raises(Conflict, match="20 trials wait"):
            trials.ask(db, BOOK, wanted, TrialKind.SHADOW, actor="a", now=NOON)
