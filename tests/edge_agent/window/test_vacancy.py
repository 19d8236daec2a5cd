"""When a window is known to have been empty, and when not."""

import pytest

from edge_agent.camera.frames import Sight
from edge_agent.decide import Emptiness
from edge_agent.ports import Fault
from edge_agent.window.vacancy import Around, Vacancy
from tests.edge_agent.building import shot, sight

EMPTY, OCCUPIED, UNKNOWN = Emptiness.EMPTY, Emptiness.OCCUPIED, Emptiness.UNKNOWN


def watched(*, first: int = 0, last: int = 20) -> Vacancy:
    """Two windows that were empty in every second."""
    vacancy = Vacancy(["W1", "W2"], empty_share=0.02, gap_s=2)
    for second in range(first, last + 1):
        vacancy.note("W1", sight(second))
        vacancy.note("W2", sight(second))
    return vacancy


def test_empty_windows_are_empty() -> None:
    assert watched().around("W1", 0, 20, own=(0, 20)) == Around(own=EMPTY, others=EMPTY)


@pytest.mark.parametrize("seen", [sight(21, shot()), sight(21, foreground=0.03)], ids=["a face", "something"])
def test_people_are_remembered_as_long_as_it_is_asked_for(seen: Sight) -> None:
    vacancy = watched()
    vacancy.note("W1", seen)
    for second in range(22, 40):
        vacancy.note("W1", sight(second))
        vacancy.note("W2", sight(second))
    assert vacancy.around("W1", 21, 39, own=(21, 39)) == Around(own=OCCUPIED, others=EMPTY)
    assert vacancy.around("W2", 21, 39, own=(21, 39)) == Around(own=EMPTY, others=OCCUPIED)
    assert vacancy.around("W1", 21.1, 39, own=(21.1, 39)) == Around(own=EMPTY, others=EMPTY)


def test_nothing_is_known_of_what_was_not_seen() -> None:
    assert Vacancy(["W1"], empty_share=0.02, gap_s=2).around("W1", 0, 1, own=(0, 1)) == Around(own=UNKNOWN, others=EMPTY)
    assert watched(first=5).around("W1", 4, 20, own=(4, 20)).own is UNKNOWN
    assert watched().around("W1", 0, 22.1, own=(0, 22.1)) == Around(own=UNKNOWN, others=UNKNOWN)
    vacancy = watched()
    vacancy.note("W1", sight(23))
    assert vacancy.around("W1", 10, 23, own=(10, 23)).own is UNKNOWN and vacancy.around("W1", 23, 23, own=(23, 23)).own is EMPTY


def test_a_background_that_is_not_learnt_tells_only_faces() -> None:
    vacancy = watched()
    vacancy.note("W1", sight(21, learnt=False, foreground=1.0))
    assert vacancy.around("W1", 10, 21, own=(10, 21)).own is UNKNOWN
    vacancy.note("W1", sight(22, shot(), learnt=False))
    assert vacancy.around("W1", 10, 22, own=(10, 22)).own is OCCUPIED


def test_a_window_with_a_fault_is_not_known_to_be_empty_and_the_cause_is_remembered_for_its_time() -> None:
    vacancy = watched()
    for second in range(10, 21):
        vacancy.note_faults("W1", [Fault(code="covered", since_s=8)], second)
        vacancy.note("W1", sight(second))
    assert vacancy.around("W1", 5, 20, own=(5, 20)) == Around(own=UNKNOWN, others=EMPTY, faults=("covered",))
    assert vacancy.around("W2", 5, 20, own=(5, 20)) == Around(own=EMPTY, others=UNKNOWN)
    for second in range(21, 40):
        vacancy.note("W1", sight(second))
        vacancy.note("W2", sight(second))
    assert vacancy.around("W1", 21, 39, own=(21, 39)) == Around(own=EMPTY, others=EMPTY)
    assert vacancy.around("W1", 1, 39, own=(1, 7)).faults == ()
    vacancy.note_faults("W1", [Fault(code="covered", since_s=50), Fault(code="moved", since_s=49)], 51)
    assert vacancy.around("W1", 1, 51, own=(30, 51)).faults == ("covered", "moved")
    assert vacancy.around("W1", 1, 51, own=(30, 40)).faults == ()


def test_a_bed_tells_nothing_of_whether_anybody_was_there_but_of_faults() -> None:
    vacancy = Vacancy(["W1", "B1"], empty_share=0.02, gap_s=2, untold=["B1"])
    for second in range(21):
        vacancy.note("W1", sight(second))
        vacancy.note("B1", sight(second, shot()))
    vacancy.note_faults("B1", [Fault(code="covered", since_s=15)], 20)
    assert vacancy.around("W1", 0, 20, own=(0, 20)) == Around(own=EMPTY, others=EMPTY)
    assert vacancy.around("B1", 0, 20, own=(0, 20)) == Around(own=UNKNOWN, others=EMPTY, faults=("covered",))
