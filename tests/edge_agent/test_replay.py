"""A replay is the agent itself on a recording: same code, time of the frames, nothing kept."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from contract.events import Outcome
from edge_agent.errors import SourceError
from edge_agent.replay import FrameClock, describe_software, enrol, frames, replay, report
from edge_agent.sections.core import Limits
from models.errors import PictureRefused
from models.pack import Pack
from tests.edge_agent.building import entry
from tests.fakes import BrightnessLiveness, ColourEmbedder, ListDetector, face_at

TEXTURE = np.random.default_rng(0).integers(60, 200, (67, 80), dtype=np.uint8)


@pytest.fixture
def pack() -> Pack:
    return Pack(detector=ListDetector((face_at(100, 100, 80),)), embedder=ColourEmbedder(), hashes={"list": "a" * 64})


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Twenty blue pictures, four seconds."""
    folder = tmp_path / "clip"
    folder.mkdir()
    light = cv2.resize(TEXTURE, (240, 200)) // 2
    picture = np.dstack([np.full_like(light, 255), light, light])
    for i in range(20):
        cv2.imwrite(str(folder / f"{i:02}.png"), picture)
    return folder


def test_the_enrolled_person_is_the_same(pack: Pack, clip: Path) -> None:
    judgement = replay(pack, clip, "P1", [entry("P1", [1, 0, 0])], limits=Limits(), fps=6)
    assert judgement is not None and judgement.decision.outcome is Outcome.SAME
    assert judgement.evidence.frames.seen == 20 and not judgement.evidence.interrupted


def test_frames_are_taken_by_their_own_time(pack: Pack, clip: Path) -> None:
    slow = replay(pack, clip, "P1", [entry("P1", [1, 0, 0])], limits=Limits(), fps=2.5)
    every = replay(pack, clip, "P1", [entry("P1", [1, 0, 0])], limits=Limits(), fps=None)
    assert slow is not None and every is not None
    assert (slow.evidence.frames.seen, every.evidence.frames.seen) == (10, 20)


def test_another_person_and_nobody_known(pack: Pack, clip: Path) -> None:
    other = replay(pack, clip, "P2", [entry("P2", [0, 1, 0])], limits=Limits(), fps=6)
    unknown = replay(pack, clip, "P9", [], limits=Limits(), fps=6)
    assert other is not None and other.decision.outcome is Outcome.DIFFERENT
    assert unknown is not None and "not_enrolled" in unknown.decision.reasons


def test_the_report_says_why_and_by_what(pack: Pack, clip: Path) -> None:
    judgement = replay(pack, clip, "P1", [entry("P1", [1, 0, 0])], limits=Limits(), fps=6)
    assert judgement is not None
    told = report(judgement, describe_software(pack, Limits()), Limits())
    assert told["outcome"] == "same" and "same_face" in told["reasons"]
    assert told["people"][0]["losses"] and told["software"]["detector"] == "list-aaaaaaaaaaaa"
    assert told["limits"]["same"] == Limits().same
    assert (told["liveness"], told["liveness_score"], told["liveness_reasons"]) == ("not_evaluated", None, ())
    assert "vector" not in told and "portrait" not in told


def test_the_report_says_how_live_the_face_was(pack: Pack, clip: Path) -> None:
    """Twenty equal pictures are one moment: neither live nor an attack."""
    judging = replace(pack, liveness=BrightnessLiveness())
    judgement = replay(judging, clip, "P1", [entry("P1", [1, 0, 0])], limits=Limits(), fps=6)
    assert judgement is not None
    told = report(judgement, describe_software(judging, Limits()), Limits())
    assert (told["outcome"], told["liveness"], told["liveness_reasons"]) == ("same", "cannot_judge", ("liveness_too_few_shots",))
    assert 0 < told["liveness_score"] < 1
    assert told["software"]["limits_sha256"] != describe_software(pack, Limits()).limits_sha256


def test_a_gallery_folder_needs_to_be_one(pack: Pack, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="psn_no"):
        enrol(pack, tmp_path / "none")


def test_a_gallery_folder_names_its_people(pack: Pack, clip: Path) -> None:
    entries = enrol(pack, clip.parent)
    assert [one.psn_no for one in entries] == ["clip"]
    assert entries[0].embedder == "colour-1"


@pytest.mark.parametrize(("name", "content"), [("a.mkv", b""), ("a.mkv", b"\x00" * 999)])
def test_recordings_that_cannot_be_read_are_named(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=r"a\.mkv"):
        list(frames(tmp_path / name))


def test_pictures_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"")
    with pytest.raises(PictureRefused, match="no bytes"):
        list(frames(tmp_path / "a.jpg"))


def test_the_clock_stands_still_between_frames() -> None:
    clock = FrameClock()
    before = clock.now()
    clock.set(2.5)
    assert ((clock.now() - before).total_seconds(), clock.mono_s()) == (2.5, 2.5)
