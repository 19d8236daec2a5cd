"""A face shown on a drawn phone before a window, through the code that runs there. Drawn scenes are no field attacks."""

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import cv2
import pytest

from contract.events import Liveness, Outcome
from edge_agent.judging.judge import Judgement
from edge_agent.replay import entry_of, frames, replay
from edge_agent.sections.core import Limits
from edge_agent.session import TillAnswer
from edge_agent.till import texts
from models.errors import ModelError
from models.pack import Pack, load_pack
from models.template import from_pictures
from scripts.attack_scenes import scene

ROOT = Path(__file__).resolve().parents[2]
CLIPS = Path(os.environ.get("SHARED_DIR", ROOT.parent / "shared")) / "data" / "window"
ROOM = "no-face-visitors.gif"
SHOWN = ("again.mkv", "milk.mkv", "walk.mkv")
SCENES = 6
FRAMES = 24


@pytest.fixture(scope="module")
def pack() -> Pack:
    if not CLIPS.is_dir():
        pytest.skip(f"the clips are not at hand: {CLIPS} does not exist; set SHARED_DIR")
    try:
        loaded = load_pack()
    except ModelError as error:
        pytest.skip(f"the face networks are not at hand: {error}")
    if loaded.liveness is None:
        pytest.skip("the liveness weights are not at hand: python -m models fetch --pack liveness")
    return loaded


def played(pack: Pack, folder: Path, number: int) -> Judgement:
    """Somebody shows a clip of the insured person before an empty room; the person is enrolled from that very clip."""
    clip = SHOWN[number % len(SHOWN)]
    pictures = [picture for _, picture in frames(CLIPS / clip)][::4]
    faces = [(picture, found[0].box) for picture in pictures if (found := pack.detector.detect(picture))]
    room = cv2.resize(next(frames(CLIPS / ROOM))[1], (853, 480))[:, 100:740]
    for at, (picture, _) in enumerate(scene(faces, room, seed=5000 + number, frames=FRAMES)):
        cv2.imwrite(str(folder / f"{at:03}.png"), picture)
    entry = entry_of("P1", from_pictures(pack, pictures))
    judgement = replay(pack, folder, "P1", [entry], limits=Limits(), fps=None)
    assert judgement is not None
    return judgement


def test_a_face_on_a_phone_never_passes(pack: Pack, tmp_path: Path) -> None:
    found = Counter[tuple[Outcome, Liveness | None]]()
    for number in range(SCENES):
        folder = tmp_path / str(number)
        folder.mkdir()
        decision = played(pack, folder, number).decision
        assert texts.answer(decision).answer is not TillAnswer.PASS, decision
        found[decision.outcome, None if decision.person is None else decision.person.liveness] += 1
    print(f"{SCENES} made scenes: {dict(found)}")
    assert found[Outcome.ATTACK, Liveness.ATTACK] >= SCENES / 2


def test_without_its_weights_the_same_scene_says_that_liveness_was_not_evaluated(pack: Pack, tmp_path: Path) -> None:
    decision = played(replace(pack, liveness=None), tmp_path, 0).decision
    assert "liveness_not_evaluated" in decision.reasons and decision.outcome is not Outcome.ATTACK
