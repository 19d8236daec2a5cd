"""Rules for programs: what holds where, changes and their approval."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, status
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from central.db import reading
from central.rulebook import service
from central.rulebook.model import MAX_REASON, Change, Wanted
from central.rules.base import Stage
from central.rules.registry import Variant, read_rules
from central.web import guard
from central.web.guard import Right, Viewer

router = APIRouter(prefix="/api/rules", tags=["rules"])
READER = [Depends(guard.api(Right.SEE_RULES))]
Setter = Annotated[Viewer, Depends(guard.api(Right.SET_RULES))]
Place = Annotated[str, Query(max_length=20)]


class Holds(BaseModel):
    """What holds for a rule at a place."""

    rule_id: str
    rule_version: int
    scope: str
    stage: Stage
    setting: int
    limits: dict[str, Any]


class NewChange(BaseModel):
    """Limits to set at a place (null: as the wider place has it), and perhaps a stage; `reset` drops everything that is set there."""

    model_config = ConfigDict(extra="forbid")
    scope: str = Field(default="", max_length=20)
    limits: dict[str, JsonValue] = Field(default_factory=dict, max_length=100)
    stage: Stage | None = None
    reset: bool = False
    reason: str = Field(min_length=1, max_length=MAX_REASON)


class Said(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(default="", max_length=MAX_REASON)


@router.get("", dependencies=READER)
def rules(request: Request) -> list[Holds]:
    """Every rule at every place that has a setting of its own."""
    centre = guard.centre_of(request)
    with reading(centre.engine).begin() as db:
        return [_holds(each) for each in service.book_of(db, read_rules(centre.settings.rules_file)).active]


@router.get("/{rule_id}", dependencies=READER)
def rule(request: Request, rule_id: str, scope: Place = "") -> Holds:
    """What holds for a rule at a place."""
    centre = guard.centre_of(request)
    with reading(centre.engine).begin() as db:
        return _holds(service.holds_at(db, read_rules(centre.settings.rules_file), rule_id, scope))


@router.get("/{rule_id}/changes", dependencies=READER)
def changes(request: Request, rule_id: str) -> list[Change]:
    """Every change of a rule, newest first."""
    centre = guard.centre_of(request)
    with reading(centre.engine).begin() as db:
        service.of_rule(read_rules(centre.settings.rules_file), rule_id)
        return list(service.history(db, rule_id))


@router.post("/{rule_id}/changes", status_code=status.HTTP_201_CREATED)
def change(request: Request, viewer: Setter, rule_id: str, body: NewChange) -> Change:
    """Set limits or a stage at a place; without a `version` in the answer it waits for a second person."""
    centre = guard.centre_of(request)
    wanted = Wanted(rule_id=rule_id, scope=body.scope, reason=body.reason, limits=body.limits, stage=body.stage, reset=body.reset)
    with centre.engine.begin() as db:
        return service.change(db, read_rules(centre.settings.rules_file), wanted, actor=viewer.username, now=centre.now())


@router.post("/changes/{change_id}/approve")
def approve(request: Request, viewer: Setter, change_id: int, body: Said) -> Change:
    """Let a change come into force that another person proposed."""
    centre = guard.centre_of(request)
    with centre.engine.begin() as db:
        base = read_rules(centre.settings.rules_file)
        return service.approve(db, base, change_id, why=body.reason, actor=viewer.username, now=centre.now())


@router.post("/changes/{change_id}/refuse")
def refuse(request: Request, viewer: Setter, change_id: int, body: Said) -> None:
    """Drop a change that waits."""
    centre = guard.centre_of(request)
    with centre.engine.begin() as db:
        service.refuse(db, change_id, why=body.reason, actor=viewer.username, now=centre.now())


def _holds(variant: Variant) -> Holds:
    return Holds(
        rule_id=variant.rule.id,
        rule_version=variant.rule.version,
        scope=variant.scope,
        stage=variant.stage,
        setting=variant.setting,
        limits=variant.limits.model_dump(mode="json"),
    )
