"""The whole agent as one program: real threads, port, stores and camera; stand-ins only for the networks and the broker (away)."""

import json
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from contract.events import CameraRole, Closing, Headcount, Liveness, Outcome, parse_event
from contract.sealed import verify
from edge_agent.camera import coverage
from edge_agent.chain import outbox
from edge_agent.disk.vault import Vault, vault_key
from edge_agent.errors import BadKey, BadSettings
from edge_agent.orders import standing
from edge_agent.settings import load
from edge_agent.software import describe, detector_name
from edge_agent.wiring import OUTBOX_SCHEMA, Program, build
from models.evaluation.limits import write_limits
from models.evaluation.rates import BandLimits
from models.files import default_folder, sha256
from models.pack import Pack
from tests.edge_agent.broker import wait
from tests.edge_agent.building import Terminal, make_terminal
from tests.fakes import BrightnessLiveness, ColourEmbedder, HandClock, ListDetector, ScriptedStream, face_at

QUICK = """[times]
window_before_s = 0.5
window_after_s = 0.3
session_max_s = 3
answer_look_s = 1
analyse_fps = 20
[limits]
min_track_frames = 2
[machine]
max_memory_mb = 100000
"""
"""The agent is part of the test's process here, which grows with every test before it: how much it takes says nothing.

Whoever adds to this is in the section of the machine.
"""

WINDOWS = """[[windows]]
window = "W1"
source = "pictures"
loop = true
[[windows]]
window = "W2"
source = "missing.mkv"
"""


@pytest.fixture
def pack() -> Pack:
    return Pack(detector=ListDetector((face_at(100, 100, 80),)), embedder=ColourEmbedder(), hashes={"list": "a" * 64, "colour": "b" * 64})


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    terminal = make_terminal(tmp_path, more=QUICK, windows=WINDOWS)
    (tmp_path / "pictures").mkdir()
    texture = np.random.default_rng(0).integers(0, 255, (80, 80, 3), dtype=np.uint8)
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / "pictures" / name), cv2.resize(texture, (240, 200)))
    return terminal


@pytest.fixture
def program(terminal: Terminal, pack: Pack) -> Iterator[Program]:
    one = build(load(terminal.settings_file), pack=pack)
    one.start()
    yield one
    one.stop()


def call(program: Program, terminal: Terminal, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {terminal.token}", "Content-Type": "application/json"}
    address = f"http://127.0.0.1:{program.server.port}{path}"
    request = urllib.request.Request(address, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own port
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def analysed(program: Program, window: str = "W1") -> float:
    """Frames of a window that were looked at."""
    with urllib.request.urlopen(f"http://127.0.0.1:{program.server.port}/metrics", timeout=10) as answer:
        found = re.search(rf'edge_frames_total{{window="{window}"}} (\S+)', answer.read().decode())
    return float(found[1]) if found else 0.0


def start(msgid: str, window: str = "W1") -> dict[str, Any]:
    return {"msgid": msgid, "infno": "2207", "psn_no": "P1", "mdtrt_cert_type": "02", "window": window}


def events(terminal: Terminal) -> list[Any]:
    """What lies in the outbox after the program has ended."""
    vault = Vault.open(terminal.folder / "data" / "outbox.db", vault_key(terminal.folder / "data" / "vault.key"), OUTBOX_SCHEMA)
    signed = outbox.Outbox(vault, new_epoch=1).events_after(0, 100)
    vault.close()
    return [parse_event(verify(one, terminal.find_device_key, "event").payload) for _, one in signed]


def test_a_settlement_without_any_network(program: Program, terminal: Terminal) -> None:
    assert wait(lambda: analysed(program) >= 3)
    status, answer = call(program, terminal, "/session/start", start("M1"))
    assert (status, answer["answer"]) == (200, "manual")
    bind = {"msgid": "M1", "setl_id": "S1", "mdtrt_id": "V1", "setl_time": "2026-01-02 09:30:21", "medfee_sumamt": "1.00"}
    assert call(program, terminal, "/session/bind", bind) == (200, {"recorded": True})
    assert wait(lambda: program.agent.open_sessions == 0)
    _, health = call(program, terminal, "/health")
    assert (health["backlog"], health["connected"]) == (2, False)
    assert {camera["window"]: camera["state"] for camera in health["cameras"]} == {"W1": "streaming", "W2": "opening"}
    assert {problem["check"] for problem in health["problems"]} - {"canary"} == {"camera"}  # stand-ins find no face in the canary's picture


def test_a_stop_closes_what_is_open_and_the_next_start_goes_on(terminal: Terminal, pack: Pack) -> None:
    for msgid in ("M1", "M2"):
        program = build(load(terminal.settings_file), pack=pack)
        program.start()
        assert wait(lambda: program.cameras["W1"].status == "streaming")  # noqa: B023 - used at once
        call(program, terminal, "/session/start", start(msgid))
        program.stop()
    first, second = events(terminal)
    assert (first.msgid, first.closing, second.msgid, second.seq) == ("M1", Closing.STOPPED, "M2", 2)
    assert first.software.detector == "list-aaaaaaaaaaaa"


def test_a_blind_window(program: Program, terminal: Terminal) -> None:
    assert call(program, terminal, "/session/start", start("M1", "W2"))[1]["reasons"] == ["camera_blind"]
    assert wait(lambda: program.agent.open_sessions == 0)
    assert call(program, terminal, "/session/start", start("M9", "W9"))[0] == 404


def test_a_damaged_outbox_is_set_aside_and_told(terminal: Terminal, pack: Pack) -> None:
    data = terminal.folder / "data"
    first = build(load(terminal.settings_file), pack=pack)
    first.start()
    first.stop()
    (data / "outbox.db").write_bytes(b"damaged" * 1000)
    program = build(load(terminal.settings_file), pack=pack)
    program.start()
    _, health = call(program, terminal, "/health")
    program.stop()
    assert "store" in [problem["check"] for problem in health["problems"]]
    assert [path.read_bytes()[:7] for path in data.glob("outbox.db.damaged-*")] == [b"damaged"]


def test_an_outbox_that_was_lost_has_a_later_epoch_though_the_clock_went_back(terminal: Terminal, pack: Pack) -> None:
    clock, epochs = HandClock(), []
    for _ in range(2):
        program = build(load(terminal.settings_file), pack=pack, clock=clock)
        program.server.start()
        program.server.stop()
        epochs.append(int((terminal.folder / "data" / "epoch").read_text()))
        for vault in program.vaults:
            vault.close()
        for path in (terminal.folder / "data").glob("outbox.db*"):
            path.unlink()
        clock.pass_s(-3600)
    assert epochs[1] == epochs[0] + 1


def test_what_is_wrong_with_keys_stops_the_start(terminal: Terminal, pack: Pack) -> None:
    (terminal.folder / "till.token").chmod(0o644)
    with pytest.raises(BadKey, match=r"till\.token"):
        build(load(terminal.settings_file), pack=pack)


def test_outcomes_of_recovered_sessions_are_undecided(terminal: Terminal, pack: Pack) -> None:
    program = build(load(terminal.settings_file), pack=pack)
    program.start()
    call(program, terminal, "/session/start", start("M1"))
    program.agent.stop = lambda: None  # type: ignore[method-assign] - as after a kill
    program.stop()
    again = build(load(terminal.settings_file), pack=pack)
    again.start()
    again.stop()
    (capture,) = events(terminal)
    assert (capture.closing, capture.outcome, capture.reasons) == (Closing.RECOVERED, Outcome.UNDECIDED, ("agent_restarted",))


@pytest.mark.parametrize(("enabled", "weights"), [(True, True), (False, True), (True, False)])
def test_liveness_needs_its_weights_and_its_switch(terminal: Terminal, pack: Pack, enabled: bool, weights: bool) -> None:
    with terminal.settings_file.open("a", encoding="utf-8") as file:
        file.write(f"[liveness]\nenabled = {str(enabled).lower()}\n")
    program = build(load(terminal.settings_file), pack=replace(pack, liveness=BrightnessLiveness() if weights else None))
    program.start()
    assert wait(lambda: program.cameras["W1"].status == "streaming")
    _, health = call(program, terminal, "/health")
    call(program, terminal, "/session/start", start("M1"))
    wait(lambda: program.agent.open_sessions == 0)
    program.stop()
    (capture,) = events(terminal)
    assert health["liveness_available"] is (enabled and weights)
    assert ("liveness_not_evaluated" in capture.reasons) is not (enabled and weights)
    assert (capture.liveness is Liveness.NOT_EVALUATED) is not (enabled and weights)


def test_the_limits_hash_follows_what_judges_liveness(terminal: Terminal, pack: Pack) -> None:
    settings = load(terminal.settings_file)
    with_net = [describe(settings, replace(pack, liveness=BrightnessLiveness(version=version)), {}).limits_sha256 for version in ("a", "b")]
    assert len({describe(settings, pack, {}).limits_sha256, *with_net}) == 3


def on_trial(terminal: Terminal, measured_with: str) -> None:
    """Put the default pack's embedder on trial, with limits measured with the network of that version."""
    pytest.importorskip("insightface", reason="the optional extra `insightface` is not installed")
    shutil.copy(default_folder() / "mobilefacenet.onnx", terminal.folder / "next.onnx")
    version = f"next-{sha256((terminal.folder / 'next.onnx').read_bytes())[:12]}" if measured_with == "next" else measured_with
    report = {"version": version, "models": {}, "kind": "clips", "made_at": "", "labels": {"sha256": ""}, "people": 5}
    write_limits(terminal.folder / "next.toml", BandLimits(), (), report)
    with terminal.settings_file.open("a", encoding="utf-8") as file:
        file.write('[networks]\nnext_embedder = "next.onnx"\nnext_licence = "Apache-2.0"\nnext_limits = "next.toml"\n')


def test_a_trial_shows_in_health_and_costs_no_settlement(terminal: Terminal, pack: Pack) -> None:
    on_trial(terminal, "next")
    program = build(load(terminal.settings_file), pack=pack)
    program.start()
    assert wait(lambda: analysed(program) >= 3)
    call(program, terminal, "/session/start", start("M1"))
    assert wait(lambda: program.agent.open_sessions == 0)
    _, health = call(program, terminal, "/health")
    program.stop()
    assert (health["trial"]["recognised"], health["trial"]["agrees"]) == (0, False)
    assert len(events(terminal)) == 1


def test_a_trial_with_limits_of_another_network_stops_the_start(terminal: Terminal, pack: Pack) -> None:
    on_trial(terminal, "colour-1")
    with pytest.raises(BadSettings, match=r"next\.toml was measured with colour-1"):
        build(load(terminal.settings_file), pack=pack)


def test_a_pack_without_a_named_detector(pack: Pack) -> None:
    assert detector_name(Pack(detector=pack.detector, embedder=pack.embedder, hashes={})) == "unnamed"


def hanging() -> ScriptedStream:
    """One picture, then a read that does not return for longer than the test lasts."""
    return ScriptedStream([np.zeros((120, 160, 3), np.uint8)], after=lambda: time.sleep(30))


def covered() -> ScriptedStream:
    """The grain of a sensor behind a cap that lets some light through."""
    grain = np.random.default_rng(0)

    def next_picture() -> Any:
        time.sleep(0.1)
        return grain.integers(68, 73, (120, 160, 3), dtype=np.uint8)

    return ScriptedStream([], after=next_picture)


@pytest.mark.parametrize(("stream", "code"), [(hanging, "hung"), (covered, "covered")])
def test_a_window_that_cannot_be_seen_blocks_no_settlement_and_leaves_it_blind(
    terminal: Terminal, pack: Pack, stream: Callable[[], ScriptedStream], code: str
) -> None:
    program = build(load(terminal.settings_file), pack=replace(pack, detector=ListDetector()), streams={"W1": stream})
    program.start()
    told = wait(lambda: code in [problem["check"] for problem in call(program, terminal, "/health")[1]["problems"]], 20)
    answer = call(program, terminal, "/session/start", start("M1"))[1]
    closed = wait(lambda: program.agent.open_sessions == 0, 20)
    program.stop()
    (capture,) = events(terminal)
    assert told and closed
    assert answer["answer"] == "manual" and answer["reasons"][-1] == "camera_blind"
    assert capture.outcome is Outcome.BLIND and f"camera_{code}" in capture.reasons


def test_each_camera_does_what_its_role_lets_it(terminal: Terminal, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    """At an entrance nobody is compared whatever the till asks, and everybody is counted; the hour is told when the agent stops."""
    monkeypatch.setattr(coverage, "LEAST_S", 0.1)
    text = terminal.settings_file.read_text(encoding="utf-8").replace(
        'window = "W2"\nsource = "missing.mkv"', 'window = "E1"\nrole = "entrance"\nsource = "pictures"\nloop = true'
    )
    terminal.settings_file.write_text(text, encoding="utf-8")
    program = build(load(terminal.settings_file), pack=pack)
    program.start()
    try:
        assert wait(lambda: analysed(program, "W1") >= 8 and analysed(program, "E1") >= 8)
        status, refusal = call(program, terminal, "/session/start", start("M1", window="E1"))
        assert (status, refusal["error"]) == (404, "unknown_window") and "W1" in refusal["message"]
        assert call(program, terminal, "/session/start", start("M2"))[0] == 200
    finally:
        program.stop()
    told = {hour.window: hour.people for event in events(terminal) if event.kind == "coverage" for hour in event.hours}
    assert told == {
        name: Headcount(role=role, entered=1, stayed=0, most_at_once=1)
        for name, role in (("W1", CameraRole.WINDOW), ("E1", CameraRole.ENTRANCE))
    }


def test_a_revoked_device_looks_no_more_and_holds_up_no_settlement(terminal: Terminal, pack: Pack) -> None:
    data = terminal.folder / "data"
    first = build(load(terminal.settings_file), pack=pack)
    first.start()
    first.stop()
    standing.begin(terminal.settings_file).ledger.revoke(b"damaged, and it holds all the same")
    begun = standing.begin(terminal.settings_file)
    assert not list(data.glob("gallery.db*")) and not list(data.glob("film.db*"))
    program = build(begun.settings, pack=pack, standing=begun)
    program.start()
    answer = call(program, terminal, "/session/start", start("M1"))[1]
    closed = wait(lambda: program.agent.open_sessions == 0, 20)
    _, health = call(program, terminal, "/health")
    again = program.turn()
    program.stop()
    (capture,) = events(terminal)
    assert closed and not again and program.cameras == {} and program.watchers == ()
    assert (answer["answer"], answer["reasons"]) == ("manual", ["revoked"])
    assert capture.outcome is Outcome.BLIND and {"camera_blind", "revoked"} <= set(capture.reasons) and not capture.media
    assert health["cameras"] == [] and "revoked" in [problem["check"] for problem in health["problems"]]
