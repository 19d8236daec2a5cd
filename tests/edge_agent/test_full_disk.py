"""A full disk: on a real one of 16 MB, at every page that a settlement writes. Nobody is blocked, no event is lost, the gap is signed."""

import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from contract.events import Binding, Capture, Thinning, Void
from edge_agent import session as till
from edge_agent.disk.vault import KEY_BYTES
from edge_agent.errors import VaultFull
from edge_agent.film.film import Still
from edge_agent.film.spool import Spool
from edge_agent.settings import load
from edge_agent.wiring import build
from models.pack import Pack
from scripts.stack import free_port
from tests.edge_agent.broker import Broker, Centre, wait
from tests.edge_agent.building import make_terminal, sight
from tests.edge_agent.film.test_recorder import Studio
from tests.edge_agent.films import AT
from tests.edge_agent.link.test_link import Device
from tests.edge_agent.test_agent import BLUE, FPS, Bench
from tests.edge_agent.test_wiring import QUICK, WINDOWS, call
from tests.edge_agent.test_wiring import start as request
from tests.fakes import ColourEmbedder, ListDetector, face_at

PAGE = 4096
MB = 2**20
PAGES = 70  # more than a settlement with pictures writes


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


class Filler:
    """Another program's file, which takes all room but so many bytes."""

    def __init__(self, disk: Path) -> None:
        self._file = disk / "filler"

    def leave(self, size: int) -> None:
        """Take everything, then give `size` bytes back."""
        with self._file.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * PAGE)
            except OSError:
                pass
            file.truncate(max(0, file.tell() - size))

    def go(self) -> None:
        self._file.unlink()


def settle(bench: Bench, number: int) -> tuple[till.Answer, bool, bool]:
    """One settlement of nobody clear, whose picture is large, bound and voided; what the till heard of each."""
    noise = np.random.default_rng(number).integers(0, 255, (200, 320, 3), dtype=np.uint8)
    bench.show(None, 1)
    answer = bench.start(f"M{number}")
    bench.clock.pass_s(1 / FPS)
    bench.agent.observe("W1", sight(bench.clock.mono), noise)
    bench.show(None, 2)
    bound = bench.agent.bind(
        till.Bind.model_validate(
            {"msgid": f"M{number}", "setl_id": f"S{number}", "mdtrt_id": "V", "setl_time": "2026-01-02 09:30:21", "medfee_sumamt": "1"}
        )
    )
    bench.show(None, 6)
    bench.agent.tick()
    voided = bench.agent.void(till.Void(setl_id=f"S{number}"))
    return answer, bound, voided


def checkpoint(bench: Bench) -> None:
    """Make the log empty, so that the next write needs room at once."""
    bench.vault.checkpoint()


def test_room_that_ends_at_any_page_blocks_nobody_and_loses_nothing(disk: Path) -> None:
    bench, filler = Bench(make_terminal(disk), open_per_window=1, reserve_bytes=0), Filler(disk)
    told: Counter[str] = Counter()
    for left in range(PAGES):
        checkpoint(bench)
        filler.leave(left * PAGE)
        answer, bound, voided = settle(bench, left)
        told.update(
            name for name, recorded in (("start", answer.reasons != ("no_room",)), ("bind", bound), ("void", voided)) if not recorded
        )
        assert bench.agent.open_sessions == 0, left
        filler.go()
        bench.agent.tick()
        kinds = Counter(type(event) for event in bench.events())
        assert (kinds[Capture], kinds[Binding], kinds[Void]) == (left + 1, left + 1, left + 1), left
    reasons = Counter(reason for capture in bench.captures() for reason in capture.reasons)
    print(f"{PAGES} settlements on a disk that was full after 0 to {PAGES - 1} pages; unrecorded at first: {dict(told)}; {dict(reasons)}")
    assert min(told["start"], told["bind"], told["void"], reasons["recorded_late"], reasons["pictures_left_out"]) > 0
    assert any(capture.media for capture in bench.captures())
    assert len({capture.msgid for capture in bench.captures()}) == PAGES


def test_pictures_are_given_up_before_events_and_the_reserve_comes_back(disk: Path) -> None:
    bench, filler = Bench(make_terminal(disk)), Filler(disk)
    for number in range(20):
        settle(bench, number)
    held = len(list(bench.media()))
    assert held == 20
    checkpoint(bench)
    filler.leave(0)
    for number in range(20, 140):
        answer, bound, voided = settle(bench, number)
        assert answer.reasons != ("no_room",) and bound and voided
    assert bench.reserve.given_up
    without = [capture for capture in bench.captures() if "pictures_left_out" in capture.reasons]
    thinned = [name for event in bench.events() if isinstance(event, Thinning) for name in event.media]
    assert len(without) == 120 and not any(capture.media for capture in without)
    left = len(list(bench.media()))
    assert left + len(thinned) == held and thinned
    print(f"120 settlements on a full disk with a reserve of 1 MB: {len(thinned)} of {held} pictures given up, no event")
    filler.go()
    bench.reserve.keep()
    assert not bench.reserve.given_up
    settle(bench, 140)
    assert bench.captures()[-1].media


def test_the_largest_pictures_go_first_and_what_is_open_at_the_end_is_recovered(disk: Path) -> None:
    bench, filler = Bench(make_terminal(disk)), Filler(disk)
    bench.reserve.give_up()
    bench.show(BLUE)
    bench.start()
    checkpoint(bench)
    filler.leave(0)
    assert bench.start("M2", window="W2").reasons == ("no_room",)
    bench.agent.stop()
    assert bench.agent.open_sessions == 0 and bench.captures() == []
    filler.go()
    bench.restart()
    assert bench.agent.recover() == 1
    assert [(one.msgid, one.closing) for one in bench.captures()] == [("M1", "recovered")]


def test_the_program_starts_on_a_full_disk_and_is_normal_soon_after(disk: Path) -> None:
    terminal = make_terminal(disk / "site", more=QUICK + "reserve_mb = 2\n", windows=WINDOWS)
    (disk / "site" / "pictures").mkdir()
    cv2.imwrite(str(disk / "site" / "pictures" / "a.png"), np.full((200, 240, 3), 90, np.uint8))
    pack = Pack(detector=ListDetector((face_at(100, 100, 80),)), embedder=ColourEmbedder(), hashes={"list": "a" * 64})
    first = build(load(terminal.settings_file), pack=pack)
    first.start()
    assert (terminal.folder / "data" / "reserve").stat().st_size == 2 * MB
    first.stop()
    filler = Filler(disk)
    filler.leave(0)
    program = build(load(terminal.settings_file), pack=pack)
    program.start()
    try:
        status, answer = call(program, terminal, "/session/start", request("M1"))
        assert status == 200 and answer["reasons"] != ["no_room"]
        assert "reserve" in checks(call(program, terminal, "/health")[1])
        filler.go()
        begun_s = time.monotonic()
        assert wait(lambda: "reserve" not in checks(call(program, terminal, "/health")[1]), 5)
        print(f"normal {time.monotonic() - begun_s:.2f} s after there was room")
    finally:
        program.stop()


class FilmedBench(Bench):
    """An agent with film on its disk, the least of all that lies there."""

    def restart(self) -> None:
        super().restart()
        self.spool = Spool(self.terminal.folder / "film.db", b"k" * KEY_BYTES, self.clock, keep_h=24, keep_mb=100)
        self.agent._books._give_up_film = self.spool.give_up

    def film(self, megabytes: int) -> None:
        """So much film, a minute in each megabyte."""
        noise = np.random.default_rng(0)
        for number in range(megabytes):
            at = AT + timedelta(minutes=number)
            self.spool.keep("W1", [Still(at=at, jpeg=noise.bytes(2**14), faces=()) for _ in range(64)])


def test_film_goes_before_the_reserve_and_before_any_picture(disk: Path) -> None:
    bench, filler = FilmedBench(make_terminal(disk)), Filler(disk)
    for number in range(20):
        settle(bench, number)
    bench.film(4)
    checkpoint(bench)
    filler.leave(0)
    for number in range(20, 40):
        answer, bound, voided = settle(bench, number)
        assert answer.reasons != ("no_room",) and bound and voided
    assert not (disk / "film.db").exists() and not bench.reserve.given_up
    assert len(list(bench.media())) == 40
    assert not any(isinstance(event, Thinning) for event in bench.events())
    bench.film(1)
    assert bench.spool.stills("W1", AT, AT), "film begins anew"


def test_a_picture_is_kept_at_the_cost_of_film_where_the_reserve_is_gone_already(disk: Path) -> None:
    bench, filler = FilmedBench(make_terminal(disk)), Filler(disk)
    bench.film(4)
    bench.reserve.give_up()
    filler.leave(MB)
    bench.reserve.keep()
    assert bench.reserve.given_up, "what is free is for events"
    settle(bench, 0)
    (capture,) = bench.captures()
    assert capture.media and not (disk / "film.db").exists()
    bench.reserve.keep()
    assert not bench.reserve.given_up


def test_film_shrinks_until_the_disk_has_its_minimum_and_no_further(disk: Path) -> None:
    studio, filler = Studio(disk / "studio"), Filler(disk)
    recorder, spool, folder = studio.filming.recorder, studio.filming.spool, studio.settings.files.data_dir
    for number in range(8):
        at = AT + timedelta(minutes=number)
        spool.keep("W1", [Still(at=at, jpeg=bytes(2**14), faces=()) for _ in range(64)])
    filler.leave(2 * MB)
    recorder._min_free_bytes = 4 * MB
    recorder.turn()
    kept = spool.stills("W1", AT, AT + timedelta(hours=1))
    assert shutil.disk_usage(folder).free > 4 * MB
    assert 200 < len(kept) < 500 and kept[-1].at == AT + timedelta(minutes=7), "the newest are there still"
    recorder._min_free_bytes = 16 * MB
    recorder.turn()
    assert spool.stills("W1", AT, AT + timedelta(hours=1)) == []
    studio.agent.stop()


@pytest.mark.parametrize(("given", "thinned"), [("the reserve", 1), ("film", 0)])
def test_without_a_byte_of_room_the_line_comes_up_and_takes_receipts(disk: Path, tmp_path: Path, given: str, thinned: int) -> None:
    terminal = make_terminal(disk / "site", broker_port=free_port(), more="[link]\nreconnect_max_s = 0.5\nhealth_every_s = 1\n")
    bench, filler = FilmedBench(terminal), Filler(disk)
    settle(bench, 0)
    if given == "film":
        bench.film(1)
        bench.reserve.give_up()
    checkpoint(bench)
    filler.leave(0)
    with pytest.raises(VaultFull):
        bench.outbox.next_connection()
    broker = Broker(terminal, tmp_path / "broker", load(terminal.settings_file).broker.port)
    broker.start()
    centre = Centre(terminal, broker)
    device = Device(terminal, bench.outbox, bench.agent._books.make_room)
    device.link.start()
    try:
        assert wait(lambda: device.link.connected and len(centre.events) == 3 + thinned)
        checkpoint(bench)
        filler.leave(0)
        centre.receipting = True
        assert wait(lambda: len(centre.states) > 2), "a receipt that finds no room ends no connection"
        assert device.link.connected
        filler.go()
        assert wait(lambda: bench.outbox.backlog().events == 0)
    finally:
        device.link.stop()
        centre.stop()
        broker.kill()
    assert centre.faults == []


def test_film_is_given_up_where_the_program_could_not_start_for_want_of_room(disk: Path) -> None:
    terminal = make_terminal(disk / "site", more=QUICK + "reserve_mb = 16\n", windows=WINDOWS)
    pack = Pack(detector=ListDetector(), embedder=ColourEmbedder(), hashes={"list": "a" * 64})
    first = build(load(terminal.settings_file), pack=pack)
    first.start()
    assert call(first, terminal, "/session/start", request("M1"))[0] == 200
    first.stop()
    film = terminal.folder / "data" / "film.db"
    film.write_bytes(bytes(2 * MB))
    Filler(disk).leave(0)
    program = build(load(terminal.settings_file), pack=pack)
    program.start()
    try:
        assert call(program, terminal, "/session/start", request("M2"))[1]["reasons"] != ["no_room"]
        assert call(program, terminal, "/health")[1]["backlog"] == 1
    finally:
        program.stop()
    assert not film.exists() or film.stat().st_size < MB


def checks(health: dict[str, list[dict[str, str]]]) -> set[str]:
    return {problem["check"] for problem in health["problems"]}
