"""The engine: one rule's failure is recorded and is nobody else's; many rows are no trouble."""

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import ibis.expr.types as ir
import pytest

from central.engines.duckdb import duckdb_in_memory
from central.reconciliation.compare import compare
from central.rules import id_01
from central.rules.base import Hit, Tables
from central.rules.registry import rule_book
from tests.central.analysis import NOON, World, capture, proxy, rows, settlement


def broken_find(_: Tables, __: object) -> ir.Table:
    raise ZeroDivisionError("on purpose")


def unknown_column(tables: Tables, _: object) -> ir.Table:
    return tables.visits.select("no_such_column")


def too_few_columns(tables: Tables, _: object) -> ir.Table:
    return tables.visits.select("setl_id")


def twice(tables: Tables, limits: Any) -> ir.Table:
    found = id_01.RULE.find(tables, limits)
    return found.union(found)


def broken_text(_: Hit, __: object) -> Any:
    raise KeyError("window")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"find": broken_find}, "ZeroDivisionError: on purpose"),
        ({"find": unknown_column}, "no_such_column"),
        ({"find": too_few_columns}, "KeyError: 'subject_key'"),
        ({"explain": broken_text}, "KeyError: 'window'"),
        ({"find": twice}, "names 'P99999900001/S-1' twice"),
    ],
)
def test_a_rule_that_fails_is_recorded_and_stops_no_other(change: dict[str, Any], named: str) -> None:
    healthy = rule_book({}, "test")
    bad = replace(id_01.RULE, **change)
    active = tuple(variant for variant in healthy.active if variant.rule.id in ("ID-01", "PR-01"))
    book = replace(healthy, active=tuple(replace(each, rule=bad) if each.rule.id == "ID-01" else each for each in active))
    billed, seen = [settlement(1), settlement(2)], [capture(1, outcome="different"), capture(2, outcome="no_person")]
    with duckdb_in_memory() as analysis:
        _, results = compare(analysis, {"settlements": rows("settlements", billed), "captures": rows("captures", seen)}, book)
    assert [fault.rule_id for fault in results.faults] == ["ID-01"]
    assert named in results.faults[0].message
    assert results.ran == {"PR-01"}
    assert [each.rule_id for each in results.suspicions] == ["PR-01"]


def test_fifty_thousand_settlements_give_what_a_plain_loop_gives() -> None:
    """The relational rules against counting by hand, on a random month with planted cases."""
    draw = random.Random(20260114)
    billed, seen, different, empty = [], [], set(), set()
    represented = {f"PSN-{draw.randrange(50_000)}" for _ in range(2_000)}
    for number in range(50_000):
        at = NOON + timedelta(seconds=draw.randrange(20 * 86_400) - 10 * 86_400)
        site = f"P{draw.randrange(40):011d}"
        outcome = draw.choices(["same", "different", "no_person", "undecided", "blind"], [940, 20, 10, 20, 10])[0]
        frames = draw.randrange(1, 20)
        billed.append(settlement(number, setl_time=at, fixmedins_code=site))
        times = {"opened_at": at - timedelta(seconds=10), "closed_at": at}
        seen.append(capture(number, fixmedins_code=site, outcome=outcome, frames_used=frames, **times))
        if outcome == "different" and frames >= 3 and f"PSN-{number}" not in represented:
            different.add(f"{site}/S-{number}")
        if outcome == "no_person":
            empty.add(f"{site}/S-{number}")
    world = World(billed, seen, [proxy(psn_no, "PSN-X") for psn_no in represented])
    assert {each.subject_key for each in world.suspicions("ID-01")} == different
    assert {each.subject_key for each in world.suspicions("PR-01")} == empty
    assert world.suspicions("CC-01") == []
    assert len(different) > 500
    assert len(empty) > 300
