"""The ring of what was just seen."""

from edge_agent.camera.frames import Ring
from tests.edge_agent.building import sight


def test_keeps_the_last_seconds_only() -> None:
    ring = Ring(2.0)
    for i in range(50):
        ring.add(sight(i / 4))
    times = [one.mono_s for one in ring.since(0)]
    assert (times[0], times[-1]) == (10.25, 12.25)


def test_gives_what_was_seen_since() -> None:
    ring = Ring(10)
    for i in range(5):
        ring.add(sight(float(i)))
    assert [one.mono_s for one in ring.since(3.0)] == [3.0, 4.0]
    assert ring.since(9.0) == ()
