"""The line in miniature on a few real frames: what is measured is what an agent does."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from contract.commands import GalleryEntry
from contract.events import Liveness, Outcome
from edge_agent.disk.vault import Vault, vault_key
from edge_agent.wiring import OUTBOX_SCHEMA
from models import files
from models.fetch import fetch
from models.pack import Pack, load_pack
from scripts.benchmarks import clips
from scripts.benchmarks.clips import Clip
from scripts.benchmarks.edge import full_session, line_figures, one_frame
from scripts.benchmarks.errors import CannotMeasure
from scripts.benchmarks.line import Line, enrolled
from scripts.benchmarks.parts import measure_parts
from scripts.benchmarks.peers import measure_peers
from scripts.benchmarks.report import Figure

FEW = 2


@pytest.fixture(scope="module")
def pack() -> Pack:
    fetch("window", files.default_folder())
    return load_pack()


@pytest.fixture(scope="module")
def found() -> tuple[Clip, ...]:
    try:
        return clips.read(clips.default_folder())
    except CannotMeasure as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def few(found: tuple[Clip, ...]) -> tuple[Clip, ...]:
    return tuple(replace(clip, frames=clip.frames[:FEW]) for clip in found if clip.name in {"walk", "milk"})


@pytest.fixture(scope="module")
def people(pack: Pack, few: tuple[Clip, ...]) -> list[GalleryEntry]:
    return enrolled(pack, few)


@pytest.fixture
def line(pack: Pack, people: list[GalleryEntry], tmp_path: Path) -> Iterator[Line]:
    made = Line(pack, tmp_path, people)
    yield made
    made.close()


def test_one_frame_becomes_one_signed_capture_with_its_picture_on_the_disk(line: Line, few: tuple[Clip, ...], tmp_path: Path) -> None:
    verdict = one_frame(line, few[0].frames[0], few[0].person)
    assert verdict.judged
    assert verdict.judgement.decision.outcome is Outcome.SAME
    line.close()
    again = Vault.open(tmp_path / "outbox.db", vault_key(tmp_path / "vault.key"), OUTBOX_SCHEMA)
    with again.transaction() as db:
        events = [row[0] for row in db.execute("SELECT signed FROM events ORDER BY seq")]
        pictures = db.execute("SELECT count(*), min(length(sealed)) FROM media").fetchone()
    again.close()
    assert len(events) == 2  # the binding, then the capture
    assert pictures[0] == 1
    assert pictures[1] > 1000


def test_every_step_is_counted_once_and_together_they_are_the_whole(line: Line, few: tuple[Clip, ...]) -> None:
    verdict = one_frame(line, few[0].frames[0], few[0].person)
    split = verdict.split()
    assert min(split.values()) >= 0
    assert sum(split.values()) == pytest.approx(verdict.seconds, rel=0.1)
    assert split["find faces"] > split["sign"] > 0


def test_another_persons_card_is_not_called_the_same(line: Line, few: tuple[Clip, ...]) -> None:
    assert one_frame(line, few[0].frames[0], few[1].person).judgement.decision.outcome is not Outcome.SAME


def test_liveness_is_judged_from_one_frame_where_its_weights_are(line: Line, pack: Pack, few: tuple[Clip, ...]) -> None:
    person = one_frame(line, few[0].frames[0], few[0].person).judgement.evidence.people[0]
    if pack.liveness is None:
        assert person.liveness is Liveness.NOT_EVALUATED
    else:
        assert person.liveness_score is not None
        assert "liveness_too_few_shots" not in person.liveness_reasons


def test_a_receipt_empties_the_outbox(line: Line, few: tuple[Clip, ...]) -> None:
    one_frame(line, few[0].frames[0], few[0].person)
    assert line.outbox.backlog().media_bytes > 0
    line.receive()
    line.receive()
    assert (line.outbox.backlog().events, line.outbox.backlog().media_bytes) == (0, 0)


def test_a_frame_without_a_face_is_no_measurement_of_the_whole_line(line: Line, few: tuple[Clip, ...]) -> None:
    assert not one_frame(line, few[0].frames[0] * 0, few[0].person).judged


def test_a_full_session_has_all_its_best_shots(pack: Pack, found: tuple[Clip, ...], tmp_path: Path) -> None:
    line = Line(pack, tmp_path, [])
    assert any(full_session(line, clip) is not None for clip in found)
    line.close()


def test_the_figures_name_the_goal_and_how_many_frames_stand_behind_them(pack: Pack, few: tuple[Clip, ...], tmp_path: Path) -> None:
    whole, *steps = line_figures(pack, few, tmp_path, passes=1, waiting=10)
    assert (whole.goal, whole.at_most) == ("P1", 60)
    assert whole.n == 2 * FEW
    assert sum((step.spread or {})["median"] for step in steps if "of it" in step.name) == pytest.approx(
        (whole.spread or {})["median"], rel=0.2
    )
    parts = measure_parts(pack, few)
    assert {figure.at_most for figure in parts} >= {1.0, 3.0}
    assert not list(tmp_path.iterdir())


def test_without_a_compiler_the_other_library_is_left_out_and_ours_is_told(
    pack: Pack, few: tuple[Clip, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("insightface", reason="the optional extra `insightface` is not installed")
    monkeypatch.setenv("PATH", str(tmp_path))
    said: list[str] = []
    figures = measure_peers(pack, few, Figure(name="line", value=1, unit="ms p95", n=1), tmp_path, said.append)
    assert [figure.name for figure in figures][:2] == ["embed a face", "embed a face through the adapter of insightface"]
    assert "g++" in said[-1]
    assert "apt-get install" in said[-1]


def test_missing_clips_are_said(tmp_path: Path) -> None:
    with pytest.raises(CannotMeasure, match="SHARED_DIR"):
        clips.read(tmp_path)
