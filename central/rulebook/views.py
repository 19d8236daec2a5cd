"""What the pages of rules show. Reads only."""

from typing import Any

from sqlalchemy import Connection

from central.cases import service as cases
from central.errors import Misconfigured
from central.linkage import service as linkage
from central.rulebook import breaker, sampling, service, snoozes, trials
from central.rulebook.model import FILE, Change, Outlook, unit_of
from central.rulebook.sampling import Judgement
from central.rules.base import Stage
from central.rules.places import EVERYWHERE
from central.rules.registry import RuleBook
from central.sites import service as sites

NEWEST = 10
"""Trials that the page of a rule shows."""


def catalogue(db: Connection, base: RuleBook) -> dict[str, Any]:
    """Every rule as it holds everywhere, with the number of places that have their own; what waits, floods, sleeps and was drawn."""
    book = service.book_of(db, base)
    places = {each.rule.id: sum(one.rule.id == each.rule.id for one in book.active) - 1 for each in book.active}
    faults = {each.flood_id: breaker.finding_of(db, each) for each in breaker.open_floods(db)}
    return {
        "rules": [each for each in book.active if each.scope == EVERYWHERE],
        "places": places,
        "unusable": book.unusable,
        "waiting": service.waiting(db),
        "floods": breaker.open_floods(db),
        "faults": faults,
        "quiet": snoozes.standing(db),
        "samples": sampling.every(db),
        "judgements": tuple(Judgement),
    }


def one(db: Connection, base: RuleBook, rule_id: str) -> dict[str, Any]:
    """A rule with everything that people did to it. Raises NotFound."""
    filed = service.of_rule(base, rule_id)
    book = service.book_of(db, base)
    quiet = snoozes.every(db, rule_id)
    history = service.history(db, rule_id)
    return {
        "rule": filed.rule,
        "filed": filed,
        "holds": [each for each in book.active if each.rule.id == rule_id],
        "unusable": [why for each, why in book.unusable if each == rule_id],
        "parameters": [(name, unit_of(name), known) for name, known in filed.rule.limits.model_fields.items()],
        "stages": tuple(Stage),
        "history": [each for each in history if not each.waits],
        "waiting": [each for each in history if each.waits],
        "file_scope": FILE,
        "outlook": {each.change_id: _outlook(db, base, each) for each in history if each.waits},
        "trials": trials.of_rule(db, rule_id)[:NEWEST],
        "snoozes": quiet,
        "held": {each.snooze_id: cases.list_findings(db, held=each.holder, size=NEWEST) for each in quiet if each.ended_at is None},
        "floods": breaker.floods(db, rule_id),
        "open": {status: cases.list_findings(db, rule_id=rule_id, status=status, size=1).total for status in ("open", "held")},
        "names": {site.fixmedins_code: site.fixmedins_name for site in sites.all_sites(db)},
    }


def _outlook(db: Connection, base: RuleBook, waiting: Change) -> Outlook:
    """What a change would do, place by place; nothing where the rule could not be run with it, which its approval would say."""
    try:
        return service.outlook_of(db, base, waiting)
    except Misconfigured:
        return ()


def sample(db: Connection, sample_id: int) -> dict[str, Any]:
    """A sample with the name of each institution and the code of each settlement. Raises NotFound."""
    drawn = sampling.get(db, sample_id)
    codes = {each.number: linkage.code_of_settlement(db, each.fixmedins_code, each.setl_id) for each in drawn.items}
    return {
        "sample": drawn,
        "codes": codes,
        "names": {site.fixmedins_code: site.fixmedins_name for site in sites.all_sites(db)},
        "judgements": tuple(Judgement),
    }
