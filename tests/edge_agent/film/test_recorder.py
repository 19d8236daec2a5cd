"""From what a window showed to what the centre gets of it: real agent, stores, seals and clips; time and cameras are ours."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from contract.commands import EvidenceRequest, RollCall
from contract.events import CameraRole, EvidenceMode, Footage, MediaRole, Outcome
from contract.media import media_id
from contract.sealed import picture_purpose, raw_public, unseal
from edge_agent.chain.capture import Scribe
from edge_agent.chain.register import Register
from edge_agent.clock import Offset
from edge_agent.errors import VaultFull
from edge_agent.film.clip import key_frame
from edge_agent.film.filming import Chain, Filmed, Filming
from edge_agent.film.spool import DROPPED_AT_ONCE
from edge_agent.health.pulse import Pulses
from edge_agent.sections.core import SETTLING
from edge_agent.settings import load
from models.results import Picture
from tests.edge_agent.broker import wait
from tests.edge_agent.building import DEVICE, FOREVER, SITE, make_terminal, shot, sight
from tests.edge_agent.film.test_clip import frames_of
from tests.edge_agent.test_agent import BLUE, FPS, GREEN, SOFTWARE, Bench

SUBJECT, OTHER = 320, 120  # where they stand; pixels across the zone of 640
WINDOWS = '[[windows]]\nwindow = "W1"\nsource = "a"\n[[windows]]\nwindow = "W2"\nsource = "b"\n'
SMALL = "film.fps = 2.0\nfilm.long_side = 320\n"  # for quick tests
KEPT_BEFORE_S = 6.0  # film is kept in pieces of some seconds
NOON = datetime(2026, 1, 2, 4, tzinfo=UTC)


def scene(*places: int) -> Picture:
    """A zone of 640 x 400 with a chequered face at each place; the pattern is gone where it is blurred."""
    made: Picture = np.full((400, 640, 3), 60, np.uint8)
    chequers = (np.indices((60, 60)).sum(axis=0) // 10 % 2 * 200).astype(np.uint8)[..., None]
    for x in places:
        made[170:230, x - 30 : x + 30] = chequers
    return made


def seen(shown: Picture, x: int) -> bool:
    return float(shown[88:112, x // 2 - 12 : x // 2 + 12].std()) > 50


class Studio(Bench):
    """An agent whose windows are filmed; `work` is what the recorder's thread does."""

    def __init__(self, folder: Path, mode: EvidenceMode = EvidenceMode.ALL) -> None:
        terminal = make_terminal(folder, more=f'evidence_mode = "{mode}"\nlegal_basis = "test"\n{SMALL}', windows=WINDOWS)
        self.settings = load(terminal.settings_file)
        self.settings.files.data_dir.mkdir()
        super().__init__(terminal, mode)

    def restart(self) -> None:
        super().restart()
        scribe = Scribe(
            signer=self.terminal.signer,
            device=DEVICE,
            fixmedins_code=SITE,
            centre_seal_key=raw_public(self.terminal.centre_seal_key.public_key()),
            mode=self.mode,
            software=SOFTWARE,
            clock=self.clock,
            offset=Offset(),
        )
        chain = Chain(vault=self.vault, outbox=self.outbox, register=Register(self.vault), scribe=scribe)
        self.pulses = Pulses(self.clock, still_s=60)
        self.filming = Filming.open(
            self.settings, chain, self.clock, pulses=self.pulses, metrics=self.metrics, has_room=lambda: not self.reserve.given_up
        )
        self.agent._also = self.filming.recorder.settled
        self.sessions = Filmed(self.agent, self.filming.film)

    def live(self, seconds: float, colour: tuple[int, int, int] | None = BLUE, *, other: bool = False, window: str = "W1") -> None:
        """Somebody of this colour at the window for some time, perhaps beside somebody else."""
        places = [SUBJECT] * (colour is not None) + [OTHER] * other
        picture = scene(*places)
        for _ in range(round(seconds * FPS)):
            self.clock.pass_s(1 / FPS)
            shots = [shot(x=SUBJECT, colour=colour)] if colour is not None else []
            shots += [shot(x=OTHER, colour=(0, 0, 255), width=40)] if other else []
            self.sessions.observe(window, sight(self.clock.mono, *shots), picture)
            if round(self.clock.mono * FPS) % FPS == 0:
                self.filming.recorder.turn()

    def settle(self, msgid: str = "M1", colour: tuple[int, int, int] = GREEN, *, other: bool = False) -> None:
        """One whole settlement of P1: 12 s before the card, 6 s until the reply, 5 s after it."""
        self.live(12, colour, other=other)
        self.start(msgid)
        self.live(6, colour, other=other)
        self.bind(msgid, setl_id=f"S-{msgid}")
        self.live(5, colour, other=other)
        self.agent.tick()

    def work(self) -> list[Footage]:
        """What the recorder does, and what it told the centre by now."""
        self.clock.pass_s(1)
        self.filming.recorder.turn()
        return self.footage()

    def footage(self) -> list[Footage]:
        return [event for event in self.events() if isinstance(event, Footage)]

    def opened(self, told: Footage) -> list[bytes]:
        """What the centre opens of it."""
        sealed = {media_id(item): item for item in self.media()}
        return [unseal(sealed[ref.media_id], self.terminal.centre_seal_key, picture_purpose(DEVICE)) for ref in told.media]

    def ask(self, **named: str | None) -> str:
        fields = {"device": DEVICE, "at": NOON, "request": "a" * 32, "valid_until": FOREVER, "msgid": None, "setl_id": None} | named
        command = EvidenceRequest.model_validate(fields)
        self.filming.requests.take(command, self.clock.now())
        return command.request

    def call(self, window: str = "W1") -> None:
        command = RollCall(device=DEVICE, at=NOON, request="b" * 32, valid_until=FOREVER, window=window)
        self.filming.requests.take(command, self.clock.now())


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(tmp_path)
    yield made
    made.filming.spool.close()


def test_a_flagged_settlement_brings_its_clip(studio: Studio, tmp_path: Path) -> None:
    studio.settle(other=True)
    (told,) = studio.work()
    (capture,) = studio.captures()
    assert capture.outcome is Outcome.DIFFERENT
    assert (told.request, told.msgid, told.window, told.missing, told.blurred) == (None, "M1", "W1", None, True)
    assert told.since is not None and told.until is not None
    assert abs(told.since - (capture.opened_at - timedelta(seconds=10))) < timedelta(seconds=0.6)
    assert abs(told.until - capture.closed_at) < timedelta(seconds=0.6)
    ((ref,), (plain,)) = told.media, studio.opened(told)
    assert (ref.role, ref.content_type) == (MediaRole.CLIP, "video/webm")
    frames = frames_of(plain, tmp_path)
    assert len(frames) == pytest.approx(2 * 21, abs=3)
    assert frames[-1][0] == pytest.approx(21_000, abs=1000)
    assert all(seen(shown, SUBJECT) and not seen(shown, OTHER) for _, shown in frames)


def test_the_verdict_waits_for_no_clip(studio: Studio) -> None:
    studio.settle()
    assert len(studio.captures()) == 1 and studio.footage() == []


def test_a_plain_settlement_brings_none_until_the_centre_asks(studio: Studio) -> None:
    studio.settle(colour=BLUE)
    assert studio.work() == []
    request = studio.ask(setl_id="S-M1")
    (told,) = studio.work()
    assert (told.request, told.msgid, told.missing, len(told.media)) == (request, "M1", None, 1)
    assert studio.work() == [told], "once"


def test_each_request_is_answered_once_also_after_a_restart(studio: Studio) -> None:
    studio.settle(colour=BLUE)
    studio.work()
    studio.ask(msgid="M1")
    studio.filming.spool.close()
    studio.vault.close()
    studio.restart()
    assert len(studio.work()) == 1
    studio.ask(msgid="M1")
    assert len(studio.work()) == 1


def test_what_nobody_knows_is_said_so(studio: Studio) -> None:
    studio.ask(msgid="M9")
    (told,) = studio.work()
    assert (told.missing, told.media) == ("unknown_settlement", ())


def test_a_settlement_that_goes_on_is_waited_for(studio: Studio) -> None:
    studio.live(12)
    studio.start()
    studio.ask(msgid="M1")
    assert studio.work() == []
    studio.bind()
    studio.live(5)
    studio.agent.tick()
    assert [told.missing for told in studio.work()] == [None]


def test_film_that_is_gone_cannot_be_sent(studio: Studio) -> None:
    studio.settle(colour=BLUE)
    studio.work()
    studio.clock.pass_s(25 * 3600)
    studio.filming.recorder.turn()
    studio.ask(msgid="M1")
    (told,) = studio.work()
    assert (told.missing, told.msgid, told.window) == ("film_not_kept", "M1", "W1")


@pytest.mark.parametrize(("mode", "colour", "missing"), [("flagged_only", BLUE, "mode_forbids"), ("flagged_only", GREEN, None)])
def test_flagged_only_lets_only_flagged_film_out(tmp_path: Path, mode: str, colour: tuple[int, int, int], missing: str | None) -> None:
    studio = Studio(tmp_path, EvidenceMode(mode))
    studio.settle(colour=colour)
    studio.work()
    studio.ask(msgid="M1")
    assert studio.work()[-1].missing == missing


def test_verdict_only_records_nothing_and_says_why(tmp_path: Path) -> None:
    studio = Studio(tmp_path, EvidenceMode.VERDICT_ONLY)
    studio.settle()
    assert studio.work() == []
    studio.ask(msgid="M1")
    studio.call()
    studio.live(1, other=True)
    by_request = {told.request: told for told in studio.work()}
    assert by_request["a" * 32].missing == "mode_forbids"
    assert (by_request["b" * 32].missing, by_request["b" * 32].media) == ("mode_forbids", ())
    assert list(studio.media()) == []


def test_a_roll_call_shows_the_window_and_counts_the_faces(studio: Studio) -> None:
    studio.live(2, other=True)
    studio.call()
    (told,) = studio.work()
    assert (told.request, told.window, told.persons, told.missing) == ("b" * 32, "W1", 2, None)
    assert [ref.role for ref in told.media] == [MediaRole.SCENE]
    shown = cv2.imdecode(np.frombuffer(studio.opened(told)[0], np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None and not seen(shown, SUBJECT) and not seen(shown, OTHER)


@pytest.mark.parametrize("role", list(CameraRole))
def test_a_roll_call_works_at_every_camera_and_only_settlements_keep_film(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role: CameraRole
) -> None:
    monkeypatch.setattr("tests.edge_agent.film.test_recorder.WINDOWS", f'[[windows]]\nwindow = "W1"\nsource = "a"\nrole = "{role}"\n')
    studio = Studio(tmp_path)
    studio.live(20, other=True)
    held = studio.filming.film.between("W1", NOON - timedelta(days=1), NOON + timedelta(days=1))
    assert (len(held) > 30) == (role in SETTLING)
    studio.call()
    (told,) = studio.work()
    assert (told.window, told.persons, told.missing, len(told.media)) == ("W1", 2, None, 1)


def test_a_roll_call_of_a_blind_or_unknown_window_says_so(studio: Studio) -> None:
    studio.call("W2")
    assert [told.missing for told in studio.work()] == ["camera_blind"]


def test_a_clip_waits_while_too_many_pictures_wait(studio: Studio) -> None:
    studio.filming.recorder._replies._media_bytes = -1
    studio.settle()
    assert studio.work() == []
    studio.filming.recorder._replies._media_bytes = 10**9
    assert [told.missing for told in studio.work()] == [None]


def test_a_clip_that_cannot_be_made_is_told(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> bytes:
        raise RuntimeError("the coder broke")

    monkeypatch.setattr("edge_agent.film.replies.clip", broken)
    studio.settle()
    assert [(told.msgid, told.missing) for told in studio.work()] == [("M1", "film_failed")]
    assert b'edge_failures_total{step="film"} 1.0' in studio.metrics.text()


def test_a_full_disk_costs_the_film_and_nothing_else(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise VaultFull("no room")

    monkeypatch.setattr(studio.filming.spool, "keep", full)
    studio.settle()
    assert studio.work() == [] and len(studio.captures()) == 1
    monkeypatch.undo()
    assert [told.missing for told in studio.work()] == [None], "it is in memory still"


def test_little_free_disk_is_left_to_events(studio: Studio) -> None:
    studio.filming.recorder._min_free_bytes = 2**62
    studio.settle()
    assert [told.missing for told in studio.work()] == ["film_not_kept"]


def test_film_makes_room_while_the_disk_has_too_little(studio: Studio) -> None:
    studio.settle(colour=BLUE)
    studio.work()
    studio.clock.pass_s(3600)
    studio.settle("M2", colour=BLUE)
    studio.work()
    kept = studio.filming.spool.used_bytes
    assert kept > 2 * DROPPED_AT_ONCE * 1000
    studio.filming.recorder._min_free_bytes = shutil.disk_usage(studio.settings.files.data_dir).free + 2**62
    studio.filming.recorder.turn()
    assert studio.filming.spool.stills("W1", NOON - timedelta(days=1), NOON + timedelta(days=1)) == []


def test_a_clip_waits_while_what_room_there_is_belongs_to_events(studio: Studio) -> None:
    studio.settle()
    studio.reserve.give_up()
    assert studio.work() == []
    studio.reserve.keep()
    assert [told.missing for told in studio.work()] == [None]


def test_the_thread_shows_that_it_moves_on_while_it_codes_a_long_clip(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each picture takes a third of what a thread may be silent: a clip of dozens is no standstill."""
    silent = list[float]()

    def slow(picture: Picture, quality: int) -> bytes:
        silent.append(studio.pulses.clock("recorder").silent_s)
        studio.clock.pass_s(20)
        return key_frame(picture, quality)

    monkeypatch.setattr("edge_agent.film.clip.key_frame", slow)
    studio.settle()
    studio.filming.recorder.start()
    assert wait(lambda: len(studio.footage()) == 1, 20)
    studio.filming.recorder.stop()
    assert len(silent) > 40 and max(silent) < 60
    studio.clock.pass_s(61)
    assert studio.pulses.still() == ("recorder",)


def test_a_stop_gives_up_the_clip_and_the_next_start_makes_it(studio: Studio) -> None:
    studio.settle()
    studio.filming.recorder.start()
    studio.filming.recorder.stop()
    told_before = len(studio.footage())
    studio.filming.spool.close()
    studio.vault.close()
    studio.restart()
    assert told_before == 0
    assert [told.missing for told in studio.work()] == [None]


def test_only_settlements_reach_the_disk(studio: Studio) -> None:
    studio.live(60, None)
    assert studio.filming.spool.stills("W1", NOON - timedelta(days=1), NOON + timedelta(days=1)) == []
    studio.settle()
    studio.work()
    kept = studio.filming.spool.stills("W1", NOON - timedelta(days=1), NOON + timedelta(days=1))
    assert (kept[-1].at - kept[0].at).total_seconds() == pytest.approx(21, abs=KEPT_BEFORE_S)
