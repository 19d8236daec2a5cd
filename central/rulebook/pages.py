"""Pages of rules: the catalogue, one rule with its limits by place, versions, trials and snoozes, and samples."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import Connection

from central.china import CHINA
from central.claims import service as claims
from central.db import reading
from central.errors import BadInput, CentralError
from central.inputs import shaped
from central.rulebook import sampling, service, snoozes, trials, views
from central.rulebook.model import MAX_REASON, Wanted
from central.rulebook.sampling import Drawing
from central.rulebook.snoozes import Quiet
from central.rulebook.trials import TrialKind
from central.rules.base import Stage
from central.rules.registry import RuleBook, read_rules
from central.web import guard
from central.web.console import console_of
from central.web.guard import Right, Viewer

router = APIRouter(include_in_schema=False)
Reader = Annotated[Viewer, Depends(guard.page(Right.SEE_RULES))]
Setter = Annotated[Viewer, Depends(guard.form(Right.SET_RULES))]
Judge = Annotated[Viewer, Depends(guard.form(Right.REVIEW))]
Short = Annotated[str, Form(max_length=200)]
Text = Annotated[str, Form()]
Many = Annotated[list[str] | None, Form()]
Entered = dict[str, Any]


def _entries(names: Many = None, values: Many = None) -> dict[str, str]:
    """The fields of limits as they were entered, by name."""
    return dict(zip(names or [], values or [], strict=False))


Entries = Annotated[dict[str, str], Depends(_entries)]


@router.get("/rules")
def rules_page(request: Request, viewer: Reader) -> HTMLResponse:
    """The catalogue, what waits for a second person, what floods, and the samples."""
    return _rules(request, viewer)


@router.get("/rules/{rule_id}")
def rule_page(request: Request, viewer: Reader, rule_id: str) -> HTMLResponse:
    """One rule."""
    return _rule(request, viewer, rule_id)


@router.post("/rules/{rule_id}/changes")
def change(
    request: Request,
    viewer: Setter,
    rule_id: str,
    entries: Entries,
    scope: Short = "",
    reason: Text = "",
    reset: Short = "",
) -> Response:
    """Set limits at a place, or drop everything that is set there."""
    entered = {"form": "change", "scope": scope, "reason": reason[:MAX_REASON], "values": entries}
    wanted = Wanted(rule_id=rule_id, scope=scope, reason=reason, limits=_given(entries), reset=bool(reset))

    def do(db: Connection, base: RuleBook, now: datetime) -> None:
        service.change(db, base, wanted, actor=viewer.username, now=now)

    return _done(request, do, f"/rules/{rule_id}", lambda said, status: _rule(request, viewer, rule_id, entered | said, status))


@router.post("/rules/{rule_id}/stage")
def stage(request: Request, viewer: Setter, rule_id: str, stage: Short = "", scope: Short = "", reason: Text = "") -> Response:
    """Raise (a second person approves) or lower a rule."""
    entered = {"form": "stage", "scope": scope, "stage": stage, "reason": reason[:MAX_REASON]}

    def do(db: Connection, base: RuleBook, now: datetime) -> None:
        if stage not in set(Stage):
            raise BadInput(f"stage {stage[:20]!r} is none of {', '.join(Stage)}")
        wanted = Wanted(rule_id=rule_id, scope=scope, reason=reason, limits={}, stage=Stage(stage))
        service.change(db, base, wanted, actor=viewer.username, now=now)

    return _done(request, do, f"/rules/{rule_id}", lambda said, status: _rule(request, viewer, rule_id, entered | said, status))


@router.post("/rules/{rule_id}/changes/{change_id}")
def decide(request: Request, viewer: Setter, rule_id: str, change_id: int, decision: Short = "", reason: Text = "") -> Response:
    """Approve what another person proposed, or refuse it."""
    entered = {"form": f"decide-{change_id}", "reason": reason[:MAX_REASON]}

    def do(db: Connection, base: RuleBook, now: datetime) -> None:
        if decision == "approve":
            service.approve(db, base, change_id, why=reason, actor=viewer.username, now=now)
        elif decision == "refuse":
            service.refuse(db, change_id, why=reason, actor=viewer.username, now=now)
        else:
            raise BadInput("choose to approve or to refuse")

    return _done(request, do, f"/rules/{rule_id}", lambda said, status: _rule(request, viewer, rule_id, entered | said, status))


@router.post("/rules/{rule_id}/trials")
def try_out(
    request: Request,
    viewer: Setter,
    rule_id: str,
    entries: Entries,
    scope: Short = "",
    since: Short = "",
    until: Short = "",
) -> Response:
    """Ask what other limits would find; the next reconciliation carries it out. With a span it is a back-test of that span."""
    entered = {"form": "change", "scope": scope, "values": entries, "since": since, "until": until}

    def do(db: Connection, base: RuleBook, now: datetime) -> None:
        span = (_day(since), _day(until))
        kind = TrialKind.SHADOW if span == (None, None) else TrialKind.BACKTEST
        wanted = Wanted(rule_id=rule_id, scope=scope, reason="", limits=_given(entries))
        trials.ask(db, base, wanted, kind, span=span, actor=viewer.username, now=now)

    again = f"/rules/{rule_id}#trials"
    return _done(request, do, again, lambda said, status: _rule(request, viewer, rule_id, entered | said, status))


@router.post("/rules/{rule_id}/snoozes")
def snooze(
    request: Request,
    viewer: Setter,
    rule_id: str,
    subject_key: Short = "",
    fixmedins_code: Short = "",
    until: Short = "",
    reason: Text = "",
) -> Response:
    """Let a rule be quiet about a subject or an institution until the end of a day."""
    entered = {
        "form": "snooze",
        "subject_key": subject_key,
        "fixmedins_code": fixmedins_code,
        "until": until,
        "reason": reason[:MAX_REASON],
    }

    def do(db: Connection, base: RuleBook, now: datetime) -> None:
        service.of_rule(base, rule_id)
        end = (_day(until) or now) + timedelta(days=1)
        quiet = Quiet(rule_id=rule_id, until=end, reason=reason, subject_key=subject_key, fixmedins_code=fixmedins_code)
        snoozes.begin(db, quiet, actor=viewer.username, now=now, group_limits=base.groups)

    again = f"/rules/{rule_id}#snoozes"
    return _done(request, do, again, lambda said, status: _rule(request, viewer, rule_id, entered | said, status))


@router.post("/rules/{rule_id}/snoozes/{snooze_id}/end")
def wake(request: Request, viewer: Setter, rule_id: str, snooze_id: int) -> Response:
    """End a snooze now."""

    def do(db: Connection, base: RuleBook, now: datetime) -> None:
        snoozes.end(db, snooze_id, actor=viewer.username, now=now, group_limits=base.groups)

    again = f"/rules/{rule_id}#snoozes"
    return _done(request, do, again, lambda said, status: _rule(request, viewer, rule_id, {"form": "wake"} | said, status))


@router.post("/samples")
def draw(
    request: Request,
    viewer: Setter,
    size: Annotated[int, Form()] = 0,
    days: Annotated[int, Form()] = 30,
    rule_id: Short = "",
    scope: Short = "",
    reason: Text = "",
) -> Response:
    """Draw settlements that no finding names."""
    entered = {"form": "sample", "size": size, "days": days, "rule_id": rule_id, "scope": scope, "reason": reason[:MAX_REASON]}
    made: list[int] = []

    def do(db: Connection, base: RuleBook, now: datetime) -> None:
        if rule_id:
            service.of_rule(base, rule_id)
        if not 1 <= days <= 3660:
            raise BadInput(f"the last {days} days: 1 to 3660 can be drawn from")
        since = now - timedelta(days=days)
        drawing = Drawing(size=size, since=since, until=now, reason=reason, rule_id=rule_id or None, scope=scope)
        settlements = shaped("settlements", claims.analysis_table(db))
        made.append(sampling.draw(db, drawing, settlements, service.regions(db), actor=viewer.username, now=now).sample_id)

    return _done(request, do, lambda: f"/samples/{made[0]}", lambda said, status: _rules(request, viewer, entered | said, status))


@router.get("/samples/{sample_id}")
def sample_page(request: Request, viewer: Reader, sample_id: int) -> HTMLResponse:
    """One sample, and what people said of its settlements."""
    return _sample(request, viewer, sample_id)


@router.post("/samples/{sample_id}/items/{number}")
def judge(request: Request, viewer: Judge, sample_id: int, number: int, verdict: Short = "", reason: Text = "") -> Response:
    """Say of one settlement whether a rule should have named it."""
    entered = {"form": f"item-{number}", "reason": reason[:MAX_REASON], "verdict": verdict}

    def do(db: Connection, base: RuleBook, now: datetime) -> None:  # noqa: ARG001 - as the others
        sampling.judge(db, sample_id, number, verdict, reason=reason, actor=viewer.username, now=now)

    return _done(request, do, f"/samples/{sample_id}", lambda said, status: _sample(request, viewer, sample_id, entered | said, status))


def _done(
    request: Request,
    do: Callable[[Connection, RuleBook, datetime], None],
    back: str | Callable[[], str],
    again: Callable[[Entered, int], HTMLResponse],
) -> Response:
    """Do it and go back to the page, or show the form `again` with what was wrong."""
    centre = guard.centre_of(request)
    base = read_rules(centre.settings.rules_file)
    try:
        with centre.engine.begin() as db:
            do(db, base, centre.now())
    except CentralError as error:
        return again({"fault": error.code, "fault_message": str(error)}, error.status)
    return RedirectResponse(back if isinstance(back, str) else back(), status_code=303)


def _rules(request: Request, viewer: Viewer, entered: Entered | None = None, status: int = 200) -> HTMLResponse:
    centre = guard.centre_of(request)
    base = read_rules(centre.settings.rules_file)
    with reading(centre.engine).begin() as db:
        shown = views.catalogue(db, base)
    shown |= {"entered": entered or {}, "max_reason": MAX_REASON, "largest": sampling.LARGEST}
    return console_of(request).page(request, "rules.html", viewer=viewer, status=status, shown=shown)


def _rule(request: Request, viewer: Viewer, rule_id: str, entered: Entered | None = None, status: int = 200) -> HTMLResponse:
    centre = guard.centre_of(request)
    base = read_rules(centre.settings.rules_file)
    with reading(centre.engine).begin() as db:
        shown = views.one(db, base, rule_id)
    today = centre.now().astimezone(CHINA).date()
    shown |= {"entered": entered or {}, "max_reason": MAX_REASON, "today": today, "latest": today + snoozes.LONGEST - timedelta(days=1)}
    return console_of(request).page(request, "rule.html", viewer=viewer, status=status, shown=shown)


def _sample(request: Request, viewer: Viewer, sample_id: int, entered: Entered | None = None, status: int = 200) -> HTMLResponse:
    with reading(guard.centre_of(request).engine).begin() as db:
        shown = views.sample(db, sample_id)
    shown |= {"entered": entered or {}, "max_reason": MAX_REASON}
    return console_of(request).page(request, "sample.html", viewer=viewer, status=status, shown=shown)


def _given(entries: dict[str, str]) -> dict[str, Any]:
    """What was entered; a field that was left empty leaves the limit as it is."""
    return {name: value.strip() for name, value in entries.items() if value.strip()}


def _day(text: str) -> datetime | None:
    """The beginning of a day in China. Raises BadInput."""
    try:
        return datetime.combine(date.fromisoformat(text), time(), CHINA) if text else None
    except ValueError:
        raise BadInput(f"{text[:20]!r} is no day like 2026-01-31") from None
