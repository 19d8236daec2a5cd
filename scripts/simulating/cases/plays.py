"""What a case is: a play of which the truth is known."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from central.scoring import Case, Kind
from scripts.simulating.stage import Stage

Told = dict[str, str] | None
"""What a play tells of itself beside its settlements: columns of the truth, as fixmedins_code, psn_no, day, subject."""
Act = Callable[[Stage], Told]

PLAYS: list["Play"] = []
"""All of them, as their modules define them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """One case of a rule. `entails` are the rules that may say something of it as well, and are right."""

    rule_id: str
    kind: Kind
    name: str
    act: Act
    entails: tuple[str, ...] = ()

    def perform(self, stage: Stage, number: int) -> list[Case]:
        """Act it out; its lines of the truth. Such a play names its settlements; one that has none names who and where."""
        stage.named.clear()
        stage.captured.clear()
        told: dict[str, Any] = dict(self.act(stage) or {})
        truth = Case(
            rule_id=self.rule_id,
            case_id=f"{self.rule_id}-{self.kind.value[0].upper()}{number:05}",
            kind=self.kind,
            look_alike="" if self.kind is Kind.PLANTED else self.name,
            setl_ids=tuple(stage.named),
            capture_ids=() if stage.named else tuple(stage.captured),
            note=self.name if self.kind is Kind.PLANTED else "",
            **told,
        )
        return [truth, *(_entailed(truth, rule_id) for rule_id in self.entails)]


def _entailed(truth: Case, rule_id: str) -> Case:
    names = {"fixmedins_code": truth.fixmedins_code, "psn_no": truth.psn_no, "setl_ids": truth.setl_ids, "capture_ids": truth.capture_ids}
    said: dict[str, Any] = {**names, "day": truth.day, "subject": truth.subject, "note": truth.note}
    return Case(rule_id=rule_id, case_id=truth.case_id, kind=Kind.ENTAILED, look_alike="", **said)


def planted(rule_id: str, name: str, *entails: str) -> Callable[[Act], Act]:
    """Register a case that the rule must find."""
    return _register(rule_id, Kind.PLANTED, name, entails)


def innocent(rule_id: str, name: str, *entails: str) -> Callable[[Act], Act]:
    """Register a look-alike, of which the rule must be silent."""
    return _register(rule_id, Kind.INNOCENT, name, entails)


def _register(rule_id: str, kind: Kind, name: str, entails: tuple[str, ...]) -> Callable[[Act], Act]:
    def register(act: Act) -> Act:
        PLAYS.append(Play(rule_id=rule_id, kind=kind, name=name, act=act, entails=entails))
        return act

    return register
