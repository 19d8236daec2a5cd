"""Following faces: who is at the window, and which moments speak for a face."""

from edge_agent.camera.frames import Sight
from edge_agent.window.track import BETTER_NEARBY, MAX_SHOTS, MAX_TRACKS, BestShots, Follower
from tests.edge_agent.building import shot, sight


def follow(*sights: Sight, opened_s: float = 0.0) -> Follower:
    follower = Follower(opened_s)
    for one in sights:
        follower.add(one)
    return follower


def keys(follower: Follower, min_frames: int = 3, min_score: float = 0.65) -> list[int]:
    return [track.key for track in follower.real(min_score=min_score, min_frames=min_frames)]


def test_a_moving_face_is_one_track() -> None:
    follower = follow(*(sight(i / 6, shot(100 + 20 * i, 150)) for i in range(20)))
    assert keys(follower) == [1]
    assert follower.real(min_score=0.65, min_frames=3)[0].frames == 20


def test_two_faces_stay_apart_when_they_come_close() -> None:
    follower = follow(*(sight(i / 6, shot(200 + 4 * i, 200), shot(400 - 4 * i, 200)) for i in range(16)))
    assert len(keys(follower)) == 2
    assert follower.persons(follower.real(min_score=0.65, min_frames=3)) == 2


def test_a_face_that_was_away_is_a_new_one() -> None:
    follower = follow(*(sight(t, shot()) for t in (0, 0.2, 0.4, 3.0, 3.2, 3.4)))
    assert len(keys(follower)) == 2
    assert follower.persons(follower.real(min_score=0.65, min_frames=3)) == 1


def test_a_face_of_another_size_is_another_face() -> None:
    follower = follow(*(sight(i / 6, shot(width=60 if i < 3 else 200)) for i in range(6)))
    assert len(keys(follower)) == 2


def test_a_larger_print_below_the_face_is_no_person() -> None:
    """As the skull on a hoodie: larger than the face, seen as long, with a lower score."""
    follower = follow(*(sight(i / 6, shot(320, 150, width=80, score=0.9), shot(320, 320, width=160, score=0.6)) for i in range(12)))
    assert [track.last.box.width for track in follower.real(min_score=0.65, min_frames=3)] == [80]


def test_size_alone_does_not_choose_the_subject() -> None:
    follower = follow(*(sight(i / 6, shot(320, 200, width=60, score=0.92), shot(610, 380, width=90, score=0.7)) for i in range(12)))
    assert follower.real(min_score=0.65, min_frames=3)[0].last.box.width == 60


def test_of_equal_faces_the_nearer_one_is_the_subject() -> None:
    follower = follow(*(sight(i / 6, shot(240, 200, width=40), shot(400, 200, width=90)) for i in range(12)))
    assert follower.real(min_score=0.65, min_frames=3)[0].last.box.width == 90


def test_who_left_before_the_start_is_not_at_the_window() -> None:
    before = [sight(t / 10, shot(200, 200)) for t in range(10)]
    after = [sight(2 + t / 10, shot(420, 200)) for t in range(10)]
    follower = follow(*before, *after, opened_s=1.5)
    assert [track.last.box.centre[0] for track in follower.real(min_score=0.65, min_frames=3)] == [420]
    assert follower.frames_inside == 10


def test_who_was_there_before_and_stays_counts_with_all_frames() -> None:
    track = follow(*(sight(t / 10, shot()) for t in range(20)), opened_s=1.0).real(min_score=0.65, min_frames=3)[0]
    assert (track.frames, track.frames_inside) == (20, 10)


def test_tracks_are_bounded() -> None:
    follower = Follower(0.0)
    for i in range(3 * MAX_TRACKS):
        follower.add(sight(2.0 * i, shot()))
    for i in range(3):
        follower.add(sight(1000 + i / 6, shot(100, 100)))
    assert len(keys(follower, min_frames=1)) <= MAX_TRACKS
    assert len(keys(follower, min_frames=3)) == 1


def test_every_stretch_of_time_has_one_shot() -> None:
    best = BestShots()
    for i in range(10):
        best.add(i / 10, shot(weight=0.9 if i in (1, 7) else 0.2))
    weights = [one.quality.weight for one in best.shots()]
    assert weights == [0.9, 0.2, 0.9, 0.2]
    assert best.lost[BETTER_NEARBY] == 6


def test_a_hand_before_the_face_does_not_speak_for_all() -> None:
    """As in a real clip: for a third of the time a hand makes the picture sharper, so its shots rate best."""
    best = BestShots()
    for i in range(60):
        best.add(i / 30, shot(weight=0.6 if 20 <= i < 40 else 0.3))
    assert sum(one.quality.weight == 0.6 for one in best.shots()) <= len(best.shots()) / 2


def test_an_uncovered_shot_beats_a_sharper_covered_one() -> None:
    best = BestShots()
    best.add(0.01, shot(weight=0.9, covered=True))
    best.add(0.02, shot(weight=0.1))
    assert [one.covered for one in best.shots()] == [False]


def test_shots_are_bounded_and_span_the_whole_time() -> None:
    best = BestShots()
    for i in range(3000):
        best.add(i / 6, shot(weight=i / 3000))
    assert MAX_SHOTS / 2 <= len(best.shots()) <= MAX_SHOTS
    assert best.shots()[0].quality.weight < 0.2
    assert best.shots()[-1].quality.weight > 0.99


def test_unusable_shots_are_counted_by_their_problems() -> None:
    best = BestShots()
    for _ in range(3):
        best.add(0.0, shot(problems=("blurred", "tilted")))
    assert best.shots() == ()
    assert best.lost == {"blurred": 3, "tilted": 3}


def test_where_a_face_was_seen_is_known_by_its_key() -> None:
    follower = Follower(0.0)
    for number in range(5):
        follower.add(sight(number / 4, shot(x=300 + number), shot(x=100)))
    (first, second) = follower.real(min_score=0.5, min_frames=3)
    moments = follower.moments(first.key)
    assert moments[-1] == (1.0, shot(x=304).box)
    assert {round(box.centre[0]) for _, box in moments} <= set(range(300, 305))
    assert {round(box.centre[0]) for _, box in follower.moments(second.key)} == {100}
    assert follower.moments(99) == ()
