"""Whether another network may take over: it judges the same settlements in silence, and nothing is kept but counts of outcomes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from contract.events import Outcome
from edge_agent.clock import Clock
from edge_agent.disk.vault import Vault
from edge_agent.health.metrics import Metrics
from edge_agent.judging.calibration import measured
from edge_agent.judging.examine import Examiner
from edge_agent.judging.judge import Judge, Judgement
from edge_agent.judging.recent import RecentFaces
from edge_agent.ports import People
from edge_agent.session import Session
from edge_agent.settings import Settings
from edge_agent.window.vacancy import Around
from models.evaluation.intervals import upper_bound
from models.pack import Pack, with_own_embedder
from models.protocols import Embedder

SCHEMA = """
CREATE TABLE IF NOT EXISTS trial (
    name TEXT NOT NULL,
    outcome TEXT NOT NULL,
    next_outcome TEXT NOT NULL,
    sessions INTEGER NOT NULL,
    PRIMARY KEY (name, outcome, next_outcome)
);
"""
RECOGNISED = (Outcome.SAME, Outcome.PROXY)
COUNTED = (*RECOGNISED, Outcome.DIFFERENT, Outcome.UNDECIDED)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What a trial has shown. Nobody knows the truth at a window, so the network in force stands for it.

    Of the `recognised`, the next network would have `lost` some to people's eyes and `accused` some of being another person. Of those that
    the network in force calls other persons, it would have `passed` some. It would have `gained` some that are undecided now.
    """

    recognised: int
    lost: int
    accused: int
    passed: int
    gained: int
    lost_at_most: float
    """Upper end of the 95 % interval of the share lost (Clopper-Pearson, one-sided)."""
    agrees: bool
    """Enough were recognised, `lost_at_most` is within the margin, and the two never contradict each other."""

    @property
    def contradicts(self) -> bool:
        """One network accuses whom the other recognises."""
        return self.accused > 0 or self.passed > 0


def agreement(counts: Mapping[tuple[str, str], int], *, sessions: int, margin: float) -> Agreement:
    """Judge counts of sessions by (outcome in force, outcome of the next network)."""

    def total(outcomes: tuple[Outcome, ...], following: tuple[Outcome, ...]) -> int:
        return sum(counts.get((now, then), 0) for now in outcomes for then in following)

    recognised = total(RECOGNISED, COUNTED)
    lost = total(RECOGNISED, (Outcome.DIFFERENT, Outcome.UNDECIDED))
    accused, passed = total(RECOGNISED, (Outcome.DIFFERENT,)), total((Outcome.DIFFERENT,), RECOGNISED)
    bound = upper_bound(lost, recognised) if recognised else 1.0
    return Agreement(
        recognised=recognised,
        lost=lost,
        accused=accused,
        passed=passed,
        gained=total((Outcome.UNDECIDED,), RECOGNISED),
        lost_at_most=bound,
        agrees=recognised >= sessions and bound <= margin and not accused and not passed,
    )


class Trial:
    """Runs a second judge, with its own network, gallery and limits, over sessions that were closed. Safe to use from several threads."""

    def __init__(self, *, name: str, judge: Judge, vault: Vault, sessions: int, margin: float, clock: Clock, metrics: Metrics) -> None:
        """`name` names network and limits: with other limits a trial begins anew."""
        self._name, self._judge, self._vault = name, judge, vault
        self._sessions, self._margin = sessions, margin
        self._clock, self._metrics = clock, metrics

    @property
    def name(self) -> str:
        """The network on trial and its limits."""
        return self._name

    def note(self, judgement: Judgement, session: Session) -> None:
        """Judge a closed session again and count both outcomes; never fails and changes nothing else.

        Sessions without a comparison, and persons of whom the next network has no template yet, are left out.
        """
        if judgement.decision.outcome not in COUNTED or not judgement.evidence.enrolled:
            return
        try:
            following = self._judged(judgement, session)
            if following.evidence.enrolled and following.decision.outcome in COUNTED:
                self._count(judgement.decision.outcome, following.decision.outcome)
        except Exception:  # a trial must never cost a settlement anything
            log.exception("trial_failed", network=self._name)
            self._metrics.failed("trial")

    def result(self) -> Agreement:
        """What was shown until now."""
        with self._vault.transaction() as db:
            rows = db.execute("SELECT outcome, next_outcome, sessions FROM trial WHERE name = ?", (self._name,)).fetchall()
        return agreement({(now, following): count for now, following, count in rows}, sessions=self._sessions, margin=self._margin)

    def _judged(self, judgement: Judgement, session: Session) -> Judgement:
        seen = judgement.evidence
        around = Around(own=seen.around, others=seen.elsewhere)
        return self._judge.judge(session, at=self._clock.now(), interrupted=seen.interrupted, around=around)

    def _count(self, outcome: Outcome, following: Outcome) -> None:
        with self._vault.transaction() as db:
            db.execute(
                "INSERT INTO trial VALUES (?, ?, ?, 1) ON CONFLICT (name, outcome, next_outcome) DO UPDATE SET sessions = sessions + 1",
                (self._name, outcome, following),
            )


def on_trial(
    settings: Settings, pack: Pack, people: Callable[[Embedder], People], vault: Vault, clock: Clock, metrics: Metrics
) -> Trial | None:
    """The network on trial, which sees what the one in force sees; liveness is left to the latter. None where none is on trial.

    `people` gives whom the window knows by their templates of a network. Raises ModelError or BadSettings.
    """
    wanted = settings.networks
    if wanted.next_embedder is None:
        return None
    embedder = with_own_embedder(pack, wanted.next_embedder, wanted.next_licence).embedder
    limits = measured(settings.limits.model_copy(update={"measured": wanted.next_limits}), embedder.version)
    return Trial(
        name=f"{embedder.version} {limits.sha256()[:12]}",
        judge=Judge(
            embedder=embedder,
            people=people(embedder),
            recent=RecentFaces(keep_s=0, limit=limits.among),
            limits=limits,
            examiner=Examiner(None, settings.liveness.limits()),
        ),
        vault=vault,
        sessions=wanted.agree_sessions,
        margin=wanted.agree_margin,
        clock=clock,
        metrics=metrics,
    )
