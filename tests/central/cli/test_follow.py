"""A follower goes on when what failed is over, and stands by while another works."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event, Timer

import pytest
from sqlalchemy import Engine

from central.cli import follow
from central.errors import Misconfigured
from central.linkage import service as linkage
from central.reconciliation.live import Live
from central.reconciliation.turn import Turn
from central.wiring import Centre
from tests.central.building import make_centre
from tests.central.reconciliation.happenings import do, prepared, state


@pytest.fixture
def centre(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Centre]:
    for name, seconds in (("LOOK_S", 0.01), ("BESIDES_S", 0.0), ("STAND_BY_S", 0.05)):
        monkeypatch.setattr(follow, name, seconds)
    centre = make_centre(tmp_path)
    prepared(str(centre.engine.url)).dispose()
    yield centre
    centre.engine.dispose()


def newest(engine: Engine) -> int:
    with engine.connect() as db:
        return linkage.newest_run(db)


def test_an_engine_that_dies_in_mid_run_is_named_and_followed_by_another(
    centre: Centre, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it had found stays, its news stays queued, and the next look finds everything."""
    stop, at_work = Event(), []

    class Known(Live):
        def everything(self):  # type: ignore[no-untyped-def]
            at_work.append(self)
            return super().everything()

    def besides() -> None:
        if len(state(centre.engine)["settlement_links"]) == 2:
            stop.set()
        elif len(at_work) == 1 and newest(centre.engine) == 1:
            do(centre.engine, [("bill", 1, 0, 0)])
        elif len(at_work) == 1:
            do(centre.engine, [("bill", 2, 0, 0)])
            at_work[0]._at_hand.analysis.close()

    monkeypatch.setattr(follow, "Live", Known)
    follow.follow(centre, stop, every_s=follow.DAY_S, besides=besides)
    assert len(at_work) == 2
    assert newest(centre.engine) == 3
    said = capsys.readouterr()
    assert "not reconciled now, tried again in 1 s" in said.err
    assert "onnection" in said.err
    assert "run 3: 2 settlements" in said.out


def test_rules_that_cannot_be_read_end_it_at_the_first_look(centre: Centre, tmp_path: Path) -> None:
    centre.settings.rules_file.stat()
    broken = tmp_path / "rules.toml"
    broken.write_text("[CC-01]\nwindow_cards = 1\n", encoding="utf-8")
    object.__setattr__(centre, "settings", centre.settings.model_copy(update={"rules_file": broken}))
    with pytest.raises(Misconfigured, match="window_cards = 1"):
        follow.follow(centre, Event(), every_s=follow.DAY_S, besides=lambda: None)


def test_of_two_followers_one_stands_by_until_the_other_ends(centre: Centre, capsys: pytest.CaptureFixture[str]) -> None:
    other, stop = Turn(centre.engine), Event()
    assert other.mine()
    assert other.mine()
    ends = Timer(0.5, lambda: (told.append(newest(centre.engine)), other.close()))
    told: list[int] = []
    ends.start()
    follow.follow(centre, stop, every_s=follow.DAY_S, besides=stop.set)
    said = capsys.readouterr()
    assert said.err.count("another follower of this database is at work; this one stands by") == 1
    assert told == [0], "nothing was compared meanwhile"
    assert newest(centre.engine) == 1
    assert other.mine(), "given back at the end"
    other.close()
