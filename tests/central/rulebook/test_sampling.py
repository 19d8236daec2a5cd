"""A random sample of what no rule named: fair, repeatable from its seed, and a rate no surer than what people looked at."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, update

from central.cases import service as cases
from central.errors import BadInput, Conflict, NotFound
from central.rulebook import sampling
from central.rulebook.sampling import Drawing, Judgement, drawn
from central.rulebook.tables import sample_items
from tests.central.analysis import NOON, SITE, capture, refund, rows, settlement
from tests.central.rulebook.comparing import jr_ids, run, world

DAY = timedelta(days=1)
OTHER = "P43010200001"
MONTH: dict[str, Any] = {"since": NOON - DAY, "until": NOON + DAY, "reason": "monthly check"}


def test_the_same_seed_draws_the_same_whatever_the_order() -> None:
    keys = [(SITE, f"S-{n}") for n in range(1000)]
    assert drawn(keys, "seed", 20) == drawn(reversed(keys), "seed", 20)
    assert drawn(keys, "seed", 20) != drawn(keys, "other", 20)
    assert drawn(keys, "seed", 5000) == drawn(keys, "seed", 1000)


def test_each_is_as_likely_as_any_other() -> None:
    keys = [(SITE, f"S-{n}") for n in range(50)]
    times = Counter(key for seed in range(2000) for key in drawn(keys, str(seed), 5))
    assert len(times) == 50
    assert sum((n - 200) ** 2 / 200 for n in times.values()) < 85.4, "chi-squared of 49 degrees, one in a thousand"


def test_what_a_finding_names_refunds_and_other_places_are_not_drawn(engine: Engine) -> None:
    billed = [*(settlement(n) for n in range(5)), refund(9, 4, fen=100), settlement(7, fixmedins_code=OTHER), settlement(3000)]
    seen = [capture(0, outcome="different"), capture(1, outcome="no_person")]
    with engine.begin() as db:
        run(db, world(billed, seen))
        table = rows("settlements", billed)
        everywhere = sampling.draw(db, Drawing(size=100, **MONTH), table, lambda _: None, actor="anna", now=NOON)
        assert sorted(each.setl_id for each in everywhere.items) == ["S-2", "S-3", "S-4", "S-7"]
        assert everywhere.population == 4
        of_rule = sampling.draw(db, Drawing(size=100, rule_id="PR-01", **MONTH), table, lambda _: None, actor="anna", now=NOON)
        assert "S-0" in {each.setl_id for each in of_rule.items}
        there = sampling.draw(db, Drawing(size=100, scope="43", **MONTH), table, lambda _: None, actor="anna", now=NOON)
        assert [each.setl_id for each in there.items] == ["S-7"]
        assert len(everywhere.seed) == 32
        assert there.seed != everywhere.seed, "nobody chooses it"
        assert len(jr_ids(db, "PR-01")) == 1


def test_a_sample_is_drawn_again_and_shows_what_was_passed_over(sqlite: Engine) -> None:
    billed = [settlement(n) for n in range(40)]
    with sqlite.begin() as db:
        run(db, world(billed, [capture(n) for n in range(40)]))
        sample = sampling.draw(db, Drawing(size=10, **MONTH), rows("settlements", billed), lambda _: None, actor="anna", now=NOON)
        again = sampling.redraw(db, sample.sample_id, rows("settlements", billed), lambda _: None)
        assert (len(again.same), again.gone, again.passed_over) == (10, (), ())
        first = int(sample.items[0].setl_id.removeprefix("S-"))
        run(db, world(billed, [capture(n, outcome="no_person" if n == first else "same") for n in range(40)]))
        again = sampling.redraw(db, sample.sample_id, rows("settlements", billed), lambda _: None)
        assert (len(again.same), again.gone, again.passed_over) == (9, ((SITE, f"S-{first}"),), ()), "a finding names it by now"
        db.execute(update(sample_items).where(sample_items.c.number == 2).values(setl_id="S-99"))
        again = sampling.redraw(db, sample.sample_id, rows("settlements", [*billed, settlement(99)]), lambda _: None)
        assert again.passed_over == ((SITE, sample.items[1].setl_id),), "somebody put another one in its place"


def test_the_miss_rate_has_an_interval_and_leaves_out_what_is_unclear(engine: Engine) -> None:
    with engine.begin() as db:
        table = rows("settlements", [settlement(n) for n in range(30)])
        sample = sampling.draw(db, Drawing(size=20, **MONTH), table, lambda _: None, actor="anna", now=NOON)
        assert (sample.miss_rate.low, sample.miss_rate.high) == (0.0, 1.0)
        for number in range(1, 21):
            said = {1: Judgement.MISSED, 2: Judgement.UNCLEAR}.get(number, Judgement.CLEAN)
            sampling.judge(db, sample.sample_id, number, said, reason="film seen", actor="bert", now=NOON)
        (sample,) = sampling.every(db)
        assert [sample.count(each) for each in (*Judgement, None)] == [18, 1, 1, 0]
        assert (round(sample.miss_rate.low, 4), round(sample.miss_rate.high, 4)) == (0.0013, 0.2603)
        with pytest.raises(Conflict, match="judged already"):
            sampling.judge(db, sample.sample_id, 1, "clean", reason="no", actor="bert", now=NOON)
        with pytest.raises(NotFound, match="1 to 20"):
            sampling.judge(db, sample.sample_id, 21, "clean", reason="no", actor="bert", now=NOON)
        with pytest.raises(BadInput, match="'guilty' is none of"):
            sampling.judge(db, sample.sample_id, 2, "guilty", reason="no", actor="bert", now=NOON)
        assert cases.list_findings(db).total == 0


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"size": 0}, "1 to 1000 settlements, not 0"),
        ({"size": 1001}, "not 1001"),
        ({"until": NOON - 2 * DAY}, "no time to draw from"),
        ({"scope": "Hunan"}, "names no place"),
        ({"scope": "44"}, "nothing to draw from"),
        ({"reason": ""}, "a reason of"),
    ],
)
def test_a_draw_that_cannot_be_is_refused(sqlite: Engine, changes: dict[str, Any], named: str) -> None:
    drawing = Drawing(**({"size": 5} | MONTH | changes))
    with pytest.raises(BadInput, match=named), sqlite.begin() as db:
        sampling.draw(db, drawing, rows("settlements", [settlement(1)]), lambda _: None, actor="anna", now=NOON)
