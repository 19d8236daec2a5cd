"""Who is the subject in each picture of a film."""

from datetime import timedelta

from edge_agent.film.bystanders import overlap, subject_of
from edge_agent.film.film import FaceBox
from tests.edge_agent.films import AT, LEFT, RIGHT, still


def moved(face: FaceBox, across: float) -> FaceBox:
    return face[0] + across, face[1], face[2] + across, face[3]


def test_a_face_is_followed_from_where_the_verdict_saw_it_to_both_sides() -> None:
    steps = [moved(LEFT, number / 40) for number in range(9)]
    stills = [still(number / 5, step, RIGHT) for number, step in enumerate(steps)]
    assert subject_of(stills, [(AT + timedelta(seconds=0.8), steps[4])]) == steps


def test_nobody_is_the_subject_where_the_verdict_names_nobody() -> None:
    assert subject_of([still(0, LEFT), still(1, LEFT)], []) == [None, None]


def test_whoever_stands_there_after_a_while_is_somebody_else() -> None:
    stills = [still(0, LEFT), still(0.2, LEFT), still(3, LEFT)]
    assert subject_of(stills, [(AT, LEFT)]) == [LEFT, LEFT, None]
    again = [(AT, LEFT), (AT + timedelta(seconds=3), LEFT)]
    assert subject_of(stills, again) == [LEFT, LEFT, LEFT]


def test_a_moment_that_is_not_on_the_film_names_nobody() -> None:
    assert subject_of([still(0, LEFT)], [(AT + timedelta(seconds=9), LEFT)]) == [None]
    assert subject_of([still(0, RIGHT)], [(AT, LEFT)]) == [None]


def test_overlap_is_a_share_of_both() -> None:
    assert overlap(LEFT, LEFT) == 1
    assert overlap(LEFT, RIGHT) == 0
    assert 0.3 < overlap(LEFT, moved(LEFT, 0.1)) < 0.34
