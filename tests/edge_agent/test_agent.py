"""One settlement from opened to sealed event, through real stores and seals; only time, eyes and network are ours."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from contract.events import (
    GENESIS,
    Binding,
    Capture,
    Closing,
    EvidenceMode,
    Liveness,
    ManualCheck,
    ManualReason,
    MediaRole,
    Outcome,
    Software,
    Void,
    parse_event,
)
from contract.sealed import digest, embedding_purpose, from_text, picture_purpose, raw_public, unseal, verify
from edge_agent import session as till
from edge_agent.agent import Agent
from edge_agent.chain.books import Books
from edge_agent.chain.capture import Scribe
from edge_agent.chain.outbox import Outbox
from edge_agent.chain.register import Register
from edge_agent.clock import Offset
from edge_agent.disk.reserve import Reserve
from edge_agent.disk.vault import KEY_BYTES, Vault
from edge_agent.errors import Conflict, TooManyOpen, UnknownMsgid, UnknownWindow
from edge_agent.health.metrics import Metrics
from edge_agent.judging.cooldown import Cooldown
from edge_agent.judging.examine import Examiner
from edge_agent.judging.judge import Judge
from edge_agent.judging.recent import RecentFaces
from edge_agent.ports import Known
from edge_agent.sections.core import Limits, Times
from edge_agent.sections.machine import Cooldown as CooldownLimits
from edge_agent.window.vacancy import Vacancy
from edge_agent.wiring import OUTBOX_SCHEMA
from models.liveness_track import WINDOW
from models.protocols import LivenessNet
from tests.edge_agent.building import DEVICE, SITE, Terminal, make_terminal, presented, shot, sight
from tests.fakes import Acquaintances, BrightnessLiveness, ColourEmbedder, HandClock

BLUE, GREEN = (255, 0, 0), (0, 255, 0)
X, Y, _ = np.eye(3, dtype=np.float32)
TIMES = Times(window_before_s=10, window_after_s=5, presence_before_s=20, presence_after_s=8, session_max_s=60, answer_look_s=3)
SOFTWARE = Software(agent="0", detector="d", embedder="e", limits_sha256="a" * 64, settings_sha256="b" * 64)
FPS = 8  # its interval has no rounding error
BY_HAND = till.ByHand(msgid="M1", opter="C7", reason=ManualReason.NOT_ENROLLED)
SCENE = np.full((400, 640, 3), 7, np.uint8)


class Unreadable(Acquaintances):
    """A register of people on a disk that has gone."""

    def known(self, psn_no: str, at: datetime) -> Known:  # noqa: ARG002 - the port's signature
        raise OSError("no disk")


class Bench:
    """An agent of two windows on a vault in a folder; `restart` is what follows a kill."""

    def __init__(
        self, terminal: Terminal, mode: EvidenceMode = EvidenceMode.ALL, liveness: LivenessNet | None = None, **bounds: int
    ) -> None:
        self.terminal, self.mode, self.bounds = terminal, mode, bounds
        self.clock, self.embedder, self.metrics = HandClock(), ColourEmbedder(), Metrics()
        self.people = Acquaintances(insured={"P1": X, "P2": Y})
        self.liveness = liveness
        self.restart()

    def restart(self) -> None:
        self.vault = Vault.open(self.terminal.folder / "outbox.db", b"k" * KEY_BYTES, OUTBOX_SCHEMA)
        self.outbox = Outbox(self.vault, new_epoch=7)
        self.reserve = Reserve(self.terminal.folder, self.bounds.get("reserve_bytes", 2**20))
        self.reserve.keep()
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
        self.agent = Agent(
            windows=["W1", "W2"],
            times=TIMES,
            max_open=self.bounds.get("open_per_window", 5),
            books=Books(
                vault=self.vault,
                outbox=self.outbox,
                register=Register(self.vault),
                scribe=scribe,
                reserve=self.reserve if self.bounds.get("reserve_bytes", 1) else None,
                media_bytes=self.bounds.get("media_bytes", 10**9),
            ),
            judge=Judge(
                embedder=self.embedder,
                people=self.people,
                recent=RecentFaces(keep_s=0, limit=Limits().among),
                limits=Limits(),
                examiner=Examiner(self.liveness, WINDOW),
            ),
            vacancy=Vacancy(["W1", "W2"], empty_share=Limits().empty_share, gap_s=TIMES.camera_gap_s),
            cooldown=Cooldown(
                CooldownLimits(failures=self.bounds.get("failures", 5), failures_a_day=max(20, self.bounds.get("failures", 20))), self.clock
            ),
            clock=self.clock,
            metrics=self.metrics,
        )

    def show(
        self, colour: tuple[int, int, int] | None, seconds: float = 3.0, window: str = "W1", liveness: float = 1.0, **ground: Any
    ) -> None:
        """A face of this colour that looks so live, or none, for some time at FPS frames a second."""
        for _ in range(round(seconds * FPS)):
            self.clock.pass_s(1 / FPS)
            shots = () if colour is None else (presented(shot(colour=colour), self.clock.mono, liveness),)
            self.agent.observe(window, sight(self.clock.mono, *shots, **ground), SCENE)

    def nobody(self, seconds: float) -> None:
        """Nobody at both windows for some time."""
        for _ in range(round(seconds * FPS)):
            self.clock.pass_s(1 / FPS)
            for window in ("W1", "W2"):
                self.agent.observe(window, sight(self.clock.mono), SCENE)

    def start(self, msgid: str = "M1", psn_no: str = "P1", window: str = "W1") -> till.Answer:
        return self.agent.start(till.Start(msgid=msgid, infno="2207", psn_no=psn_no, mdtrt_cert_type="02", window=window))

    def bind(self, msgid: str = "M1", setl_id: str = "S1", **changes: Any) -> None:
        fields = {"mdtrt_id": "V1", "setl_time": "2026-01-02 09:30:21", "medfee_sumamt": "12.5", "auth_no": "A1"} | changes
        self.agent.bind(till.Bind.model_validate({"msgid": msgid, "setl_id": setl_id} | fields))

    def events(self) -> list[Capture | Binding | Void]:
        """Everything in the chain, verified as the centre does."""
        prev, found = GENESIS, []
        for seq, signed in self.outbox.events_after(0, 1000):
            event = parse_event(verify(signed, self.terminal.find_device_key, "event").payload)
            assert (event.seq, event.prev, event.epoch) == (seq, prev, 7)
            prev = digest(signed)
            found.append(event)
        return found

    def captures(self) -> list[Capture]:
        return [event for event in self.events() if isinstance(event, Capture)]

    def media(self) -> Iterator[bytes]:
        number = 0
        while item := self.outbox.media_after(number):
            number, sealed = item
            yield sealed


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return make_terminal(tmp_path)


@pytest.fixture
def bench(terminal: Terminal) -> Bench:
    return Bench(terminal)


def test_a_genuine_settlement(bench: Bench) -> None:
    bench.show(BLUE)
    assert bench.start().answer is till.TillAnswer.PASS
    opened_at = bench.clock.now()
    bench.show(BLUE, 10)
    bench.bind()
    assert bench.agent.tick() == []
    bench.show(BLUE, 5)
    (judgement,) = bench.agent.tick()
    assert judgement is not None and judgement.decision.outcome is Outcome.SAME
    binding, capture = bench.events()
    assert isinstance(binding, Binding) and isinstance(capture, Capture)
    assert (binding.msgid, binding.setl_id, binding.medfee_sumamt, binding.auth_no) == ("M1", "S1", "12.50", "A1")
    assert (capture.outcome, capture.closing, capture.opened_at) == (Outcome.SAME, Closing.BOUND, opened_at)
    assert (capture.fixmedins_code, capture.window, capture.psn_no, capture.infno) == (SITE, "W1", "P1", "2207")
    assert capture.similarity == pytest.approx(1, abs=1e-3)
    assert capture.frames.seen == FPS * (3 + 10 + 5)
    assert bench.agent.open_sessions == 0 and bench.agent.tick() == []


def test_pictures_and_embeddings_open_at_the_centre_only(bench: Bench) -> None:
    bench.show(GREEN, 11)
    bench.start()
    bench.show(GREEN)
    bench.bind()
    bench.show(GREEN, 5)
    bench.agent.tick()
    (capture,), (sealed,) = bench.captures(), bench.media()
    assert capture.outcome is Outcome.DIFFERENT
    assert [(ref.media_id, ref.role, ref.size) for ref in capture.media] == [(digest(sealed), MediaRole.BEST, len(sealed))]
    jpeg = unseal(sealed, bench.terminal.centre_seal_key, picture_purpose(DEVICE))
    assert cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).shape == (112, 112, 3)
    assert capture.embedding is not None
    plain = unseal(from_text(capture.embedding), bench.terminal.centre_seal_key, embedding_purpose(DEVICE, "M1"))
    assert np.frombuffer(plain, "<f4") @ Y == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    ("mode", "colour", "leaves"),
    [
        (EvidenceMode.ALL, BLUE, True),
        (EvidenceMode.FLAGGED_ONLY, BLUE, False),
        (EvidenceMode.FLAGGED_ONLY, GREEN, True),
        (EvidenceMode.VERDICT_ONLY, GREEN, False),
    ],
)
def test_the_mode_says_what_leaves(terminal: Terminal, mode: EvidenceMode, colour: tuple[int, int, int], leaves: bool) -> None:
    bench = Bench(terminal, mode)
    bench.show(colour)
    bench.start()
    bench.show(colour)
    bench.bind()
    bench.show(colour, 5)
    bench.agent.tick()
    (capture,) = bench.captures()
    assert (bool(capture.media), capture.embedding is not None, any(bench.media())) == (leaves, leaves, leaves)
    assert capture.evidence_mode is mode


@pytest.mark.parametrize(
    ("before", "during", "reason"),
    [
        ({"learnt": False}, {}, "background_not_learnt"),
        ({}, {"foreground": 0.4}, "someone_without_face"),
        ({"foreground": 0.4}, {}, "someone_without_face"),
    ],
)
def test_a_window_is_empty_only_when_it_was_all_the_time(bench: Bench, before: Any, during: Any, reason: str) -> None:
    bench.show(None, 12, **before)
    bench.start()
    bench.show(None, 3, **during)
    bench.bind()
    bench.show(None, 5)
    bench.agent.tick()
    (capture,) = bench.captures()
    assert capture.outcome is Outcome.UNDECIDED and reason in capture.reasons


def empty_settlement(bench: Bench, after_s: float = 8) -> None:
    bench.start()
    bench.nobody(3)
    bench.bind()
    bench.nobody(after_s)


def test_an_empty_window_is_told_only_when_it_stayed_empty(bench: Bench) -> None:
    bench.nobody(21)
    empty_settlement(bench, after_s=7.5)
    assert bench.agent.tick() == [] and bench.agent.open_sessions == 1
    bench.nobody(0.5)
    bench.agent.tick()
    (capture,) = bench.captures()
    assert (capture.outcome, capture.closing) == (Outcome.NO_PERSON, Closing.BOUND)
    assert [ref.role for ref in capture.media] == [MediaRole.SCENE]


def test_who_stepped_aside_before_the_start_was_there(bench: Bench) -> None:
    bench.nobody(21)
    bench.show(GREEN, 2, foreground=0.4)
    bench.nobody(12)
    empty_settlement(bench)
    bench.agent.tick()
    assert bench.captures()[0].reasons == ("no_face", "person_before_or_after", "other_window_unknown")


def test_who_comes_for_the_receipt_was_there(bench: Bench) -> None:
    bench.nobody(21)
    empty_settlement(bench, after_s=5.5)
    assert bench.agent.tick() == []
    bench.show(BLUE, 0.5, foreground=0.4)
    bench.agent.tick()
    (capture,) = bench.captures()
    assert (capture.outcome, capture.reasons) == (Outcome.UNDECIDED, ("no_face", "person_before_or_after"))


def test_who_is_served_at_another_window_was_there(bench: Bench) -> None:
    bench.nobody(21)
    bench.agent.observe("W2", sight(bench.clock.mono, foreground=0.4), SCENE)
    empty_settlement(bench)
    bench.agent.tick()
    assert bench.captures()[0].reasons == ("no_face", "person_at_other_window")


def test_soon_after_the_start_of_the_agent_nothing_is_known_of_before(bench: Bench) -> None:
    bench.nobody(19)
    empty_settlement(bench)
    bench.agent.tick()
    assert bench.captures()[0].reasons == ("no_face", "before_and_after_unknown", "other_window_unknown")


def test_a_camera_that_shows_nothing_is_blind(bench: Bench) -> None:
    assert (bench.start().answer, bench.start().reasons) == (till.TillAnswer.MANUAL, ("camera_blind",))
    bench.clock.pass_s(60)
    bench.agent.tick()
    (capture,) = bench.captures()
    assert (capture.outcome, capture.closing, capture.frames.seen) == (Outcome.BLIND, Closing.TIMED_OUT, 0)


def test_a_camera_that_stopped_in_between_knows_nothing_of_emptiness(bench: Bench) -> None:
    bench.show(None, 12)
    bench.start()
    bench.clock.pass_s(4)
    bench.show(None, 2)
    bench.bind()
    bench.show(None, 5)
    bench.agent.tick()
    assert bench.captures()[0].reasons == ("no_face", "camera_interrupted")


def test_an_unknown_person_is_checked_by_hand(bench: Bench) -> None:
    bench.show(BLUE)
    assert bench.start(psn_no="P9").answer is till.TillAnswer.MANUAL
    bench.show(BLUE)
    bench.agent.by_hand(BY_HAND)
    bench.bind()
    bench.show(BLUE, 5)
    bench.agent.tick()
    (capture,) = bench.captures()
    assert capture.outcome is Outcome.MANUAL_VERIFIED and {"not_enrolled", "manual_not_enrolled"} <= set(capture.reasons)


def test_whoever_does_not_use_the_face_is_checked_by_hand_at_once_and_nothing_of_them_leaves(bench: Bench) -> None:
    bench.people.exempt.add("P1")
    bench.show(GREEN)
    answer = bench.start()
    assert (answer.answer, answer.reasons) == (till.TillAnswer.MANUAL, ("face_not_used",))
    bench.show(GREEN)
    bench.bind()
    bench.agent.by_hand(till.ByHand(msgid="M1", opter="C7", reason=ManualReason.DECLINED))
    bench.show(None, seconds=TIMES.window_after_s + TIMES.presence_after_s + 1)
    bench.agent.tick()
    (capture,) = bench.captures()
    assert capture.outcome is Outcome.MANUAL_VERIFIED and {"face_not_used", "manual_declined"} <= set(capture.reasons)
    assert (capture.similarity, capture.embedding, capture.media, list(bench.media())) == (None, None, (), [])


def test_a_register_of_people_that_cannot_be_read_compares_nobody(bench: Bench) -> None:
    bench.people = Unreadable()
    bench.restart()
    bench.show(BLUE)
    assert (bench.start().answer, bench.start().reasons) == (till.TillAnswer.MANUAL, ("judging_failed",))


def test_the_clerks_word_does_not_clear_another_person(bench: Bench) -> None:
    bench.show(GREEN, 11)
    bench.start()
    bench.bind()
    bench.agent.by_hand(BY_HAND)
    bench.show(GREEN, 5)
    bench.agent.tick()
    assert bench.captures()[0].outcome is Outcome.DIFFERENT
    assert "manual_claimed" in bench.captures()[0].reasons


def test_the_clerks_word_is_an_event_of_its_own_and_stands_once(bench: Bench) -> None:
    with pytest.raises(UnknownMsgid, match="M1"):
        bench.agent.by_hand(BY_HAND)
    bench.show(BLUE)
    bench.start()
    bench.agent.by_hand(BY_HAND)
    bench.agent.by_hand(BY_HAND)
    with pytest.raises(Conflict, match="by hand"):
        bench.agent.by_hand(BY_HAND.model_copy(update={"opter": "C8"}))
    (check,) = [event for event in bench.events() if isinstance(event, ManualCheck)]
    assert (check.msgid, check.opter, check.reason, check.proxy_psn_no) == ("M1", "C7", ManualReason.NOT_ENROLLED, None)


def test_the_clerks_word_survives_a_crash_and_may_come_late(bench: Bench) -> None:
    bench.start()
    bench.agent.by_hand(BY_HAND)
    assert bench.agent.recover() == 1
    (capture,) = bench.captures()
    assert (capture.outcome, capture.reasons) == (Outcome.MANUAL_VERIFIED, ("agent_restarted", "manual_not_enrolled"))


def test_repeating_a_start_changes_nothing(bench: Bench) -> None:
    bench.show(BLUE)
    first = bench.start()
    bench.show(GREEN)
    assert bench.start() == first
    assert bench.agent.open_sessions == 1
    with pytest.raises(Conflict, match="M1"):
        bench.start(psn_no="P2")


def test_a_start_repeated_after_the_end_opens_nothing(bench: Bench) -> None:
    first = bench.start()
    bench.bind()
    bench.clock.pass_s(5)
    bench.agent.tick()
    assert bench.start() == first
    assert bench.agent.open_sessions == 0


def test_repeating_a_bind_changes_nothing(bench: Bench) -> None:
    bench.start()
    bench.bind()
    bench.bind()
    assert [event.kind for event in bench.events()] == ["binding"]
    with pytest.raises(Conflict, match="other content"):
        bench.bind(medfee_sumamt="99")
    bench.start("M2")
    with pytest.raises(Conflict, match="S1"):
        bench.bind("M2")


def test_binding_what_was_never_started_is_refused(bench: Bench) -> None:
    with pytest.raises(UnknownMsgid, match="session/start"):
        bench.bind("M9")


def test_a_bind_after_the_end_is_still_recorded(bench: Bench) -> None:
    bench.start()
    bench.clock.pass_s(60)
    bench.agent.tick()
    bench.bind()
    assert [event.kind for event in bench.events()] == ["capture", "binding"]


def test_a_void_ends_its_session(bench: Bench) -> None:
    bench.start()
    bench.bind()
    bench.agent.void(till.Void(setl_id="S1"))
    bench.agent.void(till.Void(setl_id="S1"))
    bench.agent.tick()
    _, void, capture = bench.events()
    assert isinstance(void, Void) and isinstance(capture, Capture)
    assert (void.msgid, capture.closing) == ("M1", Closing.VOIDED)


def test_a_void_of_an_unknown_settlement_is_recorded(bench: Bench) -> None:
    bench.agent.void(till.Void(setl_id="S9"))
    (void,) = bench.events()
    assert isinstance(void, Void) and void.msgid is None


def test_the_next_customer_is_not_held_against_the_one_before(bench: Bench) -> None:
    bench.show(BLUE)
    bench.start()
    bench.show(BLUE)
    bench.bind()
    bench.show(GREEN, 1)
    bench.start("M2", "P2")
    bench.show(GREEN, 3)
    (judgement,) = bench.agent.tick()
    assert judgement is not None and judgement.decision.outcome is Outcome.SAME
    bench.bind("M2", "S2")
    bench.show(GREEN, 5)
    bench.agent.tick()
    assert [capture.outcome for capture in bench.captures()] == [Outcome.SAME, Outcome.SAME]


def test_the_next_customer_of_a_late_reply_is_not_held_against_a_hidden_face(bench: Bench) -> None:
    bench.start()
    for _ in range(8 * FPS):
        bench.clock.pass_s(1 / FPS)
        bench.agent.observe("W1", sight(bench.clock.mono, shot(colour=BLUE, covered=True), foreground=0.4), SCENE)
    bench.show(GREEN, 45, foreground=0.4)
    bench.bind()
    bench.show(GREEN, 5, foreground=0.4)
    bench.agent.tick()
    assert bench.captures()[0].outcome is Outcome.UNDECIDED


def test_who_left_before_the_start_is_not_judged(bench: Bench) -> None:
    bench.show(GREEN, 6)
    bench.show(None, 2, foreground=0.3)
    bench.start()
    bench.show(None, 2, foreground=0.3)
    bench.bind()
    bench.show(None, 5, foreground=0.3)
    bench.agent.tick()
    (capture,) = bench.captures()
    assert (capture.outcome, capture.reasons) == (Outcome.UNDECIDED, ("face_not_usable",))


def test_a_window_is_serving_from_start_to_end(bench: Bench) -> None:
    assert not bench.agent.is_serving("W1")
    bench.start()
    assert bench.agent.is_serving("W1") and not bench.agent.is_serving("W2")
    bench.bind()
    bench.show(BLUE, 5)
    bench.agent.tick()
    assert not bench.agent.is_serving("W1")


def test_windows_do_not_mix(bench: Bench) -> None:
    bench.show(BLUE, 3, "W1")
    bench.show(GREEN, 3, "W2")
    assert bench.start("M1", "P1", "W2").answer is till.TillAnswer.REMIND
    assert bench.start("M2", "P2", "W2").answer is till.TillAnswer.PASS
    with pytest.raises(UnknownWindow, match="W1, W2"):
        bench.start("M3", "P1", "W3")


def test_a_till_that_forgets_to_bind_is_bounded(terminal: Terminal) -> None:
    bench = Bench(terminal, open_per_window=2)
    bench.start("M1")
    bench.start("M2")
    with pytest.raises(TooManyOpen):
        bench.start("M3")
    bench.start("M4", window="W2")
    bench.clock.pass_s(60)
    bench.agent.tick()
    bench.start("M3")


def test_a_killed_agent_loses_no_session(bench: Bench) -> None:
    bench.show(BLUE)
    bench.start("M1")
    bench.start("M2", window="W2")
    bench.bind("M1", "S1")
    bench.clock.pass_s(30)
    bench.restart()
    assert bench.agent.recover() == 2
    assert bench.agent.recover() == 0
    captures = bench.captures()
    assert [(one.msgid, one.closing, one.outcome, one.reasons) for one in captures] == [
        ("M1", Closing.RECOVERED, Outcome.UNDECIDED, ("agent_restarted",)),
        ("M2", Closing.RECOVERED, Outcome.UNDECIDED, ("agent_restarted",)),
    ]
    bench.bind("M2", "S2")
    assert bench.start("M1").answer is till.TillAnswer.PASS


def test_an_orderly_stop_closes_open_sessions(bench: Bench) -> None:
    bench.show(BLUE)
    bench.start()
    bench.show(BLUE)
    bench.agent.stop()
    (capture,) = bench.captures()
    assert (capture.closing, capture.outcome) == (Closing.STOPPED, Outcome.SAME)
    bench.restart()
    assert bench.agent.recover() == 0


def test_a_stop_accuses_nobody(bench: Bench) -> None:
    bench.show(GREEN, 12)
    bench.start()
    bench.show(GREEN, 2)
    bench.agent.stop()
    (capture,) = bench.captures()
    assert (capture.closing, capture.outcome, capture.reasons[0]) == (Closing.STOPPED, Outcome.UNDECIDED, "agent_stopped")


@pytest.mark.parametrize(("voided", "reason"), [(False, "agent_stopped"), (True, "settlement_voided")])
def test_what_was_cut_short_is_not_called_empty(bench: Bench, voided: bool, reason: str) -> None:
    bench.nobody(21)
    bench.start()
    bench.nobody(1)
    bench.bind()
    if voided:
        bench.agent.void(till.Void(setl_id="S1"))
        bench.clock.pass_s(1 / FPS)
        bench.agent.tick()
    bench.agent.stop()
    (capture,) = bench.captures()
    assert (capture.outcome, capture.reasons) == (Outcome.UNDECIDED, (reason, "window_empty"))


def test_a_network_that_breaks_is_no_pass(bench: Bench) -> None:
    bench.embedder.fails = True
    bench.show(BLUE)
    assert bench.start().answer is till.TillAnswer.MANUAL
    bench.bind()
    bench.show(BLUE, 5)
    bench.agent.tick()
    (capture,) = bench.captures()
    assert (capture.outcome, capture.reasons, capture.similarity) == (Outcome.UNDECIDED, ("judging_failed",), None)


def test_one_session_that_cannot_be_closed_stops_no_other(bench: Bench) -> None:
    bench.show(BLUE, 3)
    for i in (1, 2, 3):
        bench.start(f"M{i}")
        bench.bind(f"M{i}", f"S{i}")
    bench.show(BLUE, 5)
    with bench.vault.transaction() as db:
        db.execute(
            "CREATE TEMP TRIGGER jam BEFORE UPDATE OF closed ON sessions WHEN new.msgid = 'M1' BEGIN SELECT raise(ABORT, 'jammed'); END"
        )
    bench.agent.tick()
    assert [capture.msgid for capture in bench.captures()] == ["M2", "M3"] and bench.agent.open_sessions == 1
    assert b'edge_failures_total{step="close"} 1.0' in bench.metrics.text()
    with bench.vault.transaction() as db:
        db.execute("DROP TRIGGER jam")
    bench.agent.stop()
    assert [capture.msgid for capture in bench.captures()] == ["M2", "M3", "M1"]


def test_pictures_that_cannot_be_sealed_are_left_out(bench: Bench) -> None:
    bench.nobody(21)
    bench.start()
    bench.clock.pass_s(1 / FPS)
    bench.agent.observe("W1", sight(bench.clock.mono), np.zeros((4, 4, 2), np.uint8))
    bench.bind()
    bench.nobody(8)
    bench.agent.tick()
    (capture,) = bench.captures()
    assert (capture.media, capture.reasons[-1]) == ((), "pictures_left_out")


def fill_up(bench: Bench, spare_pages: int) -> None:
    with bench.vault.transaction() as db:
        db.execute(f"PRAGMA max_page_count = {db.execute('PRAGMA page_count').fetchone()[0] + spare_pages}")


def make_room(bench: Bench) -> None:
    with bench.vault.transaction() as db:
        db.execute("PRAGMA max_page_count = 1000000")


def test_on_a_full_disk_pictures_give_way_to_events(bench: Bench) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (400, 640, 3), dtype=np.uint8)
    bench.nobody(21)
    bench.start()
    bench.clock.pass_s(1 / FPS)
    bench.agent.observe("W1", sight(bench.clock.mono), noise)
    bench.bind()
    bench.nobody(8)
    fill_up(bench, 5)
    bench.agent.tick()
    (capture,) = bench.captures()
    assert (capture.outcome, capture.media) == (Outcome.NO_PERSON, ())
    assert capture.reasons[-1] == "pictures_left_out"
    assert list(bench.media()) == []


def test_on_a_quite_full_disk_nothing_is_lost_but_time(terminal: Terminal) -> None:
    bench = Bench(terminal, open_per_window=100)
    bench.show(BLUE)
    bench.start()
    bench.bind()
    bench.show(BLUE, 5)
    fill_up(bench, 0)
    answers = [bench.start(f"X{i}", window="W2") for i in range(50)]
    assert (answers[-1].answer, answers[-1].reasons) == (till.TillAnswer.MANUAL, ("no_room",))
    assert bench.start("X49", window="W2") == answers[-1]
    bench.agent.tick()
    assert bench.agent.open_sessions == 50
    make_room(bench)
    bench.agent.tick()
    (capture,) = bench.captures()
    assert capture.msgid == "M1" and "recorded_late" in capture.reasons
    bench.restart()
    assert bench.agent.recover() == 50


def test_pictures_that_wait_are_bounded(terminal: Terminal) -> None:
    bench = Bench(terminal, media_bytes=1)
    for i in (1, 2):
        bench.show(GREEN)
        bench.start(f"M{i}")
        bench.bind(f"M{i}", f"S{i}")
        bench.show(GREEN, 5)
        bench.agent.tick()
    first, second = bench.captures()
    assert first.media and not second.media
    assert second.reasons[-1] == "pictures_left_out" and second.embedding is not None


def test_times_are_those_of_the_clock(bench: Bench) -> None:
    bench.start()
    bench.clock.pass_s(60)
    bench.agent.tick()
    (capture,) = bench.captures()
    assert isinstance(capture.opened_at, datetime)
    assert (capture.closed_at - capture.opened_at).total_seconds() == 60
    assert (capture.at, capture.mono_ns) == (bench.clock.now(), 1_060_000_000_000)


@pytest.mark.parametrize(
    ("liveness", "answer", "outcome", "verdict"),
    [
        (0.95, till.TillAnswer.PASS, Outcome.SAME, Liveness.LIVE),
        (0.5, till.TillAnswer.REMIND, Outcome.SAME, Liveness.CANNOT_JUDGE),
        (0.1, till.TillAnswer.REMIND, Outcome.ATTACK, Liveness.ATTACK),
    ],
)
def test_the_insured_face_passes_only_when_it_is_live(
    terminal: Terminal, liveness: float, answer: till.TillAnswer, outcome: Outcome, verdict: Liveness
) -> None:
    bench = Bench(terminal, liveness=BrightnessLiveness())
    bench.show(BLUE, 11, liveness=liveness)
    told = bench.start()
    bench.bind()
    bench.show(BLUE, 5, liveness=liveness)
    bench.agent.tick()
    (capture,) = bench.captures()
    assert (told.answer, capture.outcome, capture.liveness) == (answer, outcome, verdict)
    assert told.reasons == (() if answer is till.TillAnswer.PASS else ("not_confirmed",))
    assert ("liveness_cannot_judge" in capture.reasons) is (verdict is Liveness.CANNOT_JUDGE)
