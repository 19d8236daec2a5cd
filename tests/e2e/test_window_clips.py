"""The agent on real clips: one enrolled clip of each person against every other clip, through the code that runs at a window."""

import csv
import os
from dataclasses import replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from contract.commands import GalleryEntry
from contract.events import Liveness, Outcome
from edge_agent.judging.judge import Judgement
from edge_agent.replay import entry_of, frames, replay
from edge_agent.sections.core import Limits
from models.align import TEMPLATE, similarity_transform
from models.errors import ModelError
from models.pack import Pack, load_pack
from models.results import Face, Picture
from models.template import from_pictures
from scripts.benchmarks.replayed_clips import OnceDetector

ROOT = Path(__file__).resolve().parents[2]
CLIPS = Path(os.environ.get("SHARED_DIR", ROOT.parent / "shared")) / "data" / "window"
FPS = 6.0
NOBODY = "no-face-visitors.gif"
HIDDEN = "bird.mkv"

Seen = tuple[Outcome, float | None]


@pytest.fixture(scope="module")
def people() -> dict[str, str]:
    """Who is in which clip; nobody is the empty name."""
    labels = CLIPS / "labels.csv"
    if not labels.is_file():
        pytest.skip(f"the clips are not at hand: {labels} does not exist; set SHARED_DIR")
    with labels.open(encoding="utf-8") as file:
        return {row["file"]: row["person"] for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def pack() -> Pack:
    try:
        loaded = load_pack()
    except ModelError as error:
        pytest.skip(f"the face networks are not at hand: {error}")
    return replace(loaded, detector=OnceDetector(loaded.detector))


@pytest.fixture(scope="module")
def judgements(pack: Pack, people: dict[str, str]) -> dict[tuple[str, str], Judgement]:
    """The judgement on each (enrolled clip, clip at the window)."""
    entries = {clip: _enrolled(pack, clip) for clip, person in people.items() if person}
    found = {}
    for seen in people:
        for enrolled, entry in entries.items():
            judgement = replay(pack, CLIPS / seen, entry.psn_no, list(entries.values()), limits=Limits(), fps=FPS)
            assert judgement is not None
            found[enrolled, seen] = judgement
    return found


@pytest.fixture(scope="module")
def matrix(judgements: dict[tuple[str, str], Judgement]) -> dict[tuple[str, str], Seen]:
    """Outcome and similarity for each (enrolled clip, clip at the window)."""
    return {key: (one.decision.outcome, one.similarity) for key, one in judgements.items()}


def test_matrix_is_printed(matrix: dict[tuple[str, str], Seen], people: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print("\n\n" + "\n".join(_lines(matrix, people)))
    assert len(matrix) == sum(bool(person) for person in people.values()) * len(people)


def test_every_other_clip_of_the_same_person_is_same(matrix: dict[tuple[str, str], Seen], people: dict[str, str]) -> None:
    pairs = {(one, other): outcome for (one, other), (outcome, _) in matrix.items() if one != other and people[one] == people[other]}
    assert len(pairs) == 6
    assert set(pairs.values()) == {Outcome.SAME}, pairs


def test_no_clip_of_another_person_is_same(matrix: dict[tuple[str, str], Seen], people: dict[str, str]) -> None:
    pairs = {key: outcome for key, (outcome, _) in matrix.items() if people[key[1]] and people[key[0]] != people[key[1]]}
    assert len(pairs) == 50
    assert set(pairs.values()) == {Outcome.DIFFERENT, Outcome.UNDECIDED}, pairs


def test_people_at_the_window_are_live(pack: Pack, judgements: dict[tuple[str, str], Judgement], people: dict[str, str]) -> None:
    found = {seen: one.decision.person.liveness for (_, seen), one in judgements.items() if people[seen] and one.decision.person}
    assert len(found) == sum(bool(person) for person in people.values())
    assert set(found.values()) == {Liveness.NOT_EVALUATED if pack.liveness is None else Liveness.LIVE}, found
    assert not any(one.decision.outcome is Outcome.ATTACK for one in judgements.values())


def test_a_hand_before_the_mouth_accuses_nobody(matrix: dict[tuple[str, str], Seen], people: dict[str, str]) -> None:
    own = [outcome for (enrolled, seen), (outcome, _) in matrix.items() if seen == HIDDEN and people[enrolled] == people[HIDDEN]]
    assert own == [Outcome.SAME, Outcome.SAME]


def test_a_person_with_the_back_to_the_camera_is_neither_accused_nor_overlooked(matrix: dict[tuple[str, str], Seen]) -> None:
    assert {outcome for (_, seen), (outcome, _) in matrix.items() if seen == NOBODY} == {Outcome.UNDECIDED}


@pytest.mark.parametrize(("seen", "enrolled"), [("milk.mkv", "bird.mkv"), ("walk.mkv", "book.mkv"), ("eat.mkv", "eat.mkv")])
@pytest.mark.parametrize(
    "colour", [(230, 190, 120), (235, 235, 235), (30, 30, 30), (140, 160, 200)], ids=["blue", "white", "black", "skin"]
)
def test_a_mask_accuses_nobody(
    pack: Pack, people: dict[str, str], tmp_path: Path, seen: str, enrolled: str, colour: tuple[int, int, int]
) -> None:
    """The whole lower half of the face is hidden in every frame; the embedder then knows the person hardly or not at all."""
    assert people[seen] == people[enrolled]
    for number, (_, frame) in enumerate(islice(frames(CLIPS / seen), 0, 48, 6)):
        cv2.imwrite(str(tmp_path / f"{number}.png"), _masked(frame, pack.detector.detect(frame)[0], colour))
    entry = _enrolled(pack, enrolled)
    judgement = replay(pack, tmp_path, entry.psn_no, [entry], limits=Limits(), fps=None)
    assert judgement is not None and judgement.decision.person is not None
    assert judgement.decision.outcome in (Outcome.SAME, Outcome.UNDECIDED), judgement.similarity


def _masked(frame: Picture, face: Face, colour: tuple[int, int, int]) -> Picture:
    """Cloth with a little texture from the nose down."""
    below_eyes = np.array([[0, 62], [112, 62], [112, 130], [0, 130]], np.float64)
    matrix = similarity_transform(TEMPLATE, face.landmarks)
    area = np.zeros(frame.shape[:2], np.uint8)
    cv2.fillPoly(area, [(np.column_stack([below_eyes, np.ones(4)]) @ matrix.T).astype(np.int32)], 1)
    cloth = np.array(colour) + np.random.default_rng(0).normal(0, 6, frame.shape)
    return np.where(area[:, :, np.newaxis] == 1, np.clip(cloth, 0, 255), frame).astype(np.uint8)


def _enrolled(pack: Pack, clip: str) -> GalleryEntry:
    """The clip's person under the clip's own name, from every fourth frame."""
    pictures = (frame for _, frame in islice(frames(CLIPS / clip), 0, None, 4))
    return entry_of(clip.partition(".")[0], from_pictures(pack, pictures))


def _lines(matrix: dict[tuple[str, str], Seen], people: dict[str, str]) -> list[str]:
    enrolled = sorted({one for one, _ in matrix}, key=lambda clip: people[clip])
    names = ["seen / enrolled".ljust(24), *(f"{people[clip]} {clip.partition('.')[0]}"[:14].ljust(15) for clip in enrolled)]
    lines = ["".join(names)]
    for seen in sorted(people, key=lambda clip: people[clip] or "~"):
        cells = [_cell(*matrix[clip, seen]) for clip in enrolled]
        lines.append("".join([f"{people[seen] or '-'} {seen.partition('.')[0]}"[:23].ljust(24), *cells]))
    return lines


def _cell(outcome: Outcome, similarity: float | None) -> str:
    return f"{outcome.value[:9]:<9} {'' if similarity is None else f'{similarity:.2f}':<5}"
