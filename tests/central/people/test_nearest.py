"""Whom a template resembles, and what that means: exact, and more cautious the more people there are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.people.model import Likeness
from central.people.nearest import Held, Nearest, Templates, judged
from models.errors import BadVector
from models.evaluation.rates import BandLimits
from tests.central.building import unit_vector

LIMITS = BandLimits()
CERTAIN = 0.75


def held(number: int, psn_no: str, vector: np.ndarray) -> Held:
    return Held(template_id=number, psn_no=psn_no, vector=vector)


def filled(*entries: Held) -> Templates:
    templates = Templates()
    templates.add(entries)
    return templates


def test_the_nearest_other_and_the_own_are_told_apart() -> None:
    mine = unit_vector("me")
    near, far = unit_vector("a", mine, 0.6), unit_vector("b", mine, 0.1)
    templates = filled(held(1, "ME", unit_vector("old", mine, 0.8)), held(2, "A", near), held(3, "B", far), held(4, "A", far))
    found = templates.nearest(mine, "ME", frozenset())
    assert (found.other_psn_no, found.people) == ("A", 2)
    assert found.other == pytest.approx(0.6, abs=1e-5) and found.own == pytest.approx(0.8, abs=1e-5)
    pardoned = templates.nearest(mine, "ME", frozenset({"A"}))
    assert (pardoned.other_psn_no, pardoned.people) == ("B", 1)
    assert templates.nearest(mine, "ME", frozenset({"A", "B", "nobody"})).other is None


def test_nobody_is_near_in_an_empty_register() -> None:
    assert Templates().nearest(unit_vector("me"), "ME", frozenset()) == Nearest(other_psn_no=None, other=None, own=None, people=0)


def test_what_is_dropped_is_found_no_more_and_not_in_memory() -> None:
    mine = unit_vector("me")
    templates = filled(*(held(number, f"P{number}", unit_vector(str(number), mine, number / 10)) for number in range(1, 10)))
    before = templates._rows
    templates.drop([9, 8, 77])
    assert templates.nearest(mine, "ME", frozenset()).other_psn_no == "P7"
    assert not before.any() and len(templates) == 7
    templates.add([held(12, "P12", mine)])
    assert templates.nearest(mine, "ME", frozenset()).other == pytest.approx(1, abs=1e-5)


def test_vectors_of_another_size_are_refused() -> None:
    templates = filled(held(1, "A", unit_vector("a")))
    with pytest.raises(BadVector, match="template 2"):
        templates.add([held(2, "B", np.ones(3, np.float32))])
    with pytest.raises(BadVector, match="3 values"):
        templates.nearest(np.ones(3, np.float32), "ME", frozenset())


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 10_000)), min_size=1, max_size=40), st.sets(st.integers(0, 39)))
def test_it_is_what_comparing_one_by_one_gives(entries: list[tuple[int, int]], gone: set[int]) -> None:
    templates, probe = Templates(), unit_vector("probe")
    made = [held(number, f"P{who}", unit_vector(str(seed))) for number, (who, seed) in enumerate(entries)]
    templates.add(made)
    templates.drop(gone)
    rest = [one for one in made if one.template_id not in gone]
    found = templates.nearest(probe, "P0", frozenset({"P1"}))
    others = [float(one.vector @ probe) for one in rest if one.psn_no not in ("P0", "P1")]
    own = [float(one.vector @ probe) for one in rest if one.psn_no == "P0"]
    assert found.other == (pytest.approx(max(others), abs=1e-5) if others else None)
    assert found.own == (pytest.approx(max(own), abs=1e-5) if own else None)
    assert found.people == len({one.psn_no for one in rest} - {"P0", "P1"})


@pytest.mark.parametrize(
    ("other", "own", "people", "meaning"),
    [
        (None, None, 0, None),
        (0.60, None, 1, None),
        (0.66, None, 1, Likeness.OTHER),
        (0.66, None, 10, Likeness.PERHAPS),
        (0.74, None, 100, Likeness.PERHAPS),
        (0.76, None, 100, Likeness.OTHER),
        (0.74, None, 100_000, None),
        (0.76, None, 100_000, Likeness.OTHER),
        (0.76, 0.9, 100_000, Likeness.OTHER),
        (0.5, 0.45, 100_000, Likeness.NEARER),
        (0.5, 0.6, 100_000, None),
        (0.3, 0.2, 1, Likeness.UNLIKE_OWN),
        (None, 0.35, 0, Likeness.UNLIKE_OWN),
        (None, 0.36, 0, None),
    ],
)
def test_what_a_match_means(other: float | None, own: float | None, people: int, meaning: Likeness | None) -> None:
    found = Nearest(other_psn_no="A" if other is not None else None, other=other, own=own, people=people)
    assert judged(found, LIMITS, CERTAIN) is meaning
