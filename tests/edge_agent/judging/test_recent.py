"""One face with several cards is noticed for a while."""

import numpy as np

from edge_agent.judging.recent import RecentFaces
from edge_agent.sections.core import Limits

X, Y, _ = np.eye(3, dtype=np.float32)


def test_the_same_face_with_other_cards_is_counted_once_a_person() -> None:
    recent = RecentFaces(keep_s=100, limit=Limits().among)
    for psn_no in ("P1", "P2", "P2", "P3"):
        recent.add(X, psn_no, 0.0)
    recent.add(Y, "P4", 0.0)
    assert recent.other_cards(X, "P1", 50.0) == 2
    assert recent.other_cards(Y, "P4", 50.0) == 0


def test_faces_are_forgotten() -> None:
    recent = RecentFaces(keep_s=100, limit=Limits().among)
    recent.add(X, "P2", 0.0)
    assert recent.other_cards(X, "P1", 101.0) == 0


def test_nothing_is_remembered_when_turned_off() -> None:
    recent = RecentFaces(keep_s=0, limit=Limits().among)
    recent.add(X, "P2", 0.0)
    assert recent.other_cards(X, "P1", 0.0) == 0


def test_among_many_faces_the_same_one_must_be_more_alike() -> None:
    alike = (X + 0.75 * Y) / np.linalg.norm(X + 0.75 * Y)  # 0.8 to X
    recent = RecentFaces(keep_s=100, limit=Limits().among)
    recent.add(X, "P2", 0.0)
    assert recent.other_cards(alike, "P1", 0.0) == 1
    for number in range(99):
        recent.add(np.array([0, 0, 1], np.float32), f"Q{number}", 0.0)
    assert recent.other_cards(alike, "P1", 0.0) == 0
