"""Which signed events explain a capture: its own, and nobody else's."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from central.captures import service as captures
from central.wiring import Centre
from contract.events import Coverage, Watched
from contract.sealed import digest
from tests import builders
from tests.central.building import Terminal, make_centre, make_intake, take

OTHER = f"{builders.MSGID[:-4]}0099"
FIRST = f"{builders.DEVICE}:{builders.EPOCH}:1"


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return make_centre(tmp_path)


def coverage(**changes: Any) -> Coverage:
    """An hour of window W1 that begins `start` after the capture's moment."""
    start = builders.AT + changes.pop("start")
    hour = Watched(window=changes.pop("window", "W1"), since=start, until=start + timedelta(hours=1), seen_s=3000, blind=())
    fields = {name: value for name, value in builders.void().model_dump().items() if name not in ("kind", "setl_id", "msgid", "software")}
    return Coverage(**fields | {"hours": (hour,)} | changes)


def test_only_what_explains_the_capture(centre: Centre) -> None:
    terminal = Terminal(centre).register()
    half = timedelta(minutes=30)
    sent = [
        terminal.event(),
        terminal.event(builders.binding),
        terminal.event(builders.manual_check),
        terminal.event(builders.void),
        terminal.event(coverage, start=-half),
        terminal.event(msgid=OTHER, psn_no="SOMEBODY-ELSE"),
        terminal.event(builders.binding, msgid=OTHER, setl_id="S-2"),
        terminal.event(builders.manual_check, msgid=OTHER),
        terminal.event(builders.void, msgid=OTHER, setl_id="S-2"),
        terminal.event(coverage, start=timedelta(hours=3)),
        terminal.event(coverage, start=-half, window="W2"),
        terminal.event(builders.footage, media=(), missing="film_not_kept"),
    ]
    take(centre, make_intake(centre), *sent)
    with centre.engine.begin() as db:
        found = captures.signed_events(db, [FIRST])
        assert captures.signed_events(db, ["nowhere:1:1"]) == ()
    assert [each.kind for each in found] == ["capture", "binding", "manual_check", "void", "coverage", "footage"]
    assert [each.signed for each in found] == [sent[place].payload for place in (0, 1, 2, 3, 4, 11)]
    assert [each.sha256 for each in found] == [digest(each.signed) for each in found]


def test_a_void_by_settlement_number_counts_too(centre: Centre) -> None:
    terminal = Terminal(centre).register()
    take(centre, make_intake(centre), terminal.event(), terminal.event(builders.binding), terminal.event(builders.void, msgid=None))
    with centre.engine.begin() as db:
        assert [each.kind for each in captures.signed_events(db, [FIRST])] == ["capture", "binding", "void"]


def test_what_was_seen_in_a_span(centre: Centre) -> None:
    terminal = Terminal(centre).register()
    take(centre, make_intake(centre), terminal.event())
    before, after = builders.AT - timedelta(hours=1), builders.AT + timedelta(hours=1)
    with centre.engine.begin() as db:
        for seen in (captures.seen_by_device(db, builders.DEVICE, before, after), captures.seen_at_site(db, builders.SITE, before, after)):
            assert [name for name, _ in seen] == [FIRST]
        assert captures.seen_by_device(db, builders.DEVICE, after, after + timedelta(hours=1)) == []
        assert captures.seen_by_device(db, "another", before, after) == []
