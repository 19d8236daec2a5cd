"""Orders of the centre: tried once, kept only when they proved themselves, answered once."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from edge_agent.disk.vault import Store
from edge_agent.errors import VaultFull
from edge_agent.orders import standing
from edge_agent.orders.ledger import REVOKED, SETTINGS
from edge_agent.orders.orders import Orders
from tests.edge_agent.building import make_terminal
from tests.edge_agent.orders.device import NEW, OTHER, PROBATION_S, REQUEST, Device


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return Device(make_terminal(tmp_path))


def set_to(device: Device) -> tuple[float, float]:
    return device.standing.settings.limits.same, device.standing.settings.times.idle_fps


OLD_VALUES, NEW_VALUES = (0.65, 1.0), (0.7, 4.0)


def test_new_settings_are_in_force_after_their_probation_and_a_later_start(device: Device) -> None:
    before = device.sha256
    device.take(device.configure())
    assert set_to(device) == OLD_VALUES and device.second(), "an idle moment"
    device.reboot()
    assert set_to(device) == NEW_VALUES and device.standing.trying
    device.live(PROBATION_S - 1)
    assert device.results() == [], "not proved yet"
    device.live(5)
    (result,) = device.results()
    assert (result.request, result.result, result.why) == (REQUEST, "in_force", None)
    assert result.software is not None and result.software.settings_sha256 == device.sha256 != before
    device.reboot()
    assert set_to(device) == NEW_VALUES and not device.standing.trying and device.boots == 3


def test_the_same_order_again_changes_and_tells_nothing(device: Device) -> None:
    order = device.configure()
    for _ in range(3 * PROBATION_S):
        device.take(order)
        if device.second():
            device.reboot()
    device.take(order)
    device.live()
    assert device.told() == [(REQUEST, "in_force", None)] and device.boots == 2


def test_an_empty_overlay_takes_everything_back(device: Device) -> None:
    device.take(device.configure())
    device.live()
    assert set_to(device) == NEW_VALUES
    device.take(device.configure({}, request=OTHER))
    device.live()
    assert set_to(device) == OLD_VALUES and not (device.data / SETTINGS).exists()
    assert device.told()[1:] == [(OTHER, "in_force", None)]


def test_an_overlay_replaces_the_one_before_whole(device: Device) -> None:
    device.take(device.configure())
    device.live()
    device.take(device.configure({"limits": {"same": 0.72}}, request=OTHER))
    device.live()
    assert set_to(device) == (0.72, 1.0)


@pytest.mark.parametrize(
    ("changes", "why", "names"),
    [
        ({"settings": {"broker": {"host": "evil.example"}}}, "not_allowed", "broker.host"),
        ({"settings": {"times": {"idle_fsp": 1}}}, "unknown_setting", "times.idle_fsp"),
        ({"settings": {"limits": {"same": 1.5}}}, "bad_value", "limits.same"),
        ({"settings": {"limits": {"same": "high"}}}, "bad_value", "limits.same"),
        ({"settings": {"limits": {"same": "0.7"}}}, "bad_value", "limits.same"),
        ({"settings": {"limits": {"same": True}}}, "bad_value", "limits.same"),
        ({"settings": {"film": {"enabled": 1}}}, "bad_value", "film.enabled"),
        ({"settings": {"limits": {"min_good_frames": 2.5}}}, "bad_value", "limits.min_good_frames"),
        ({"settings": {"limits": {"same": 0.3}}}, "bad_value", "different (0.35) must lie below same (0.3)"),
        ({"from_sha256": "0" * 64}, "other_settings", "settings in force"),
    ],
)
def test_what_is_refused_is_told_at_once_and_changes_nothing(device: Device, changes: dict[str, Any], why: str, names: str) -> None:
    device.take(device.configure(**changes))
    (result,) = device.results()
    assert (result.result, result.why) == ("refused", why) and names in result.detail and str(device.terminal.folder) not in result.detail
    device.live(5)
    assert device.boots == 1 and not (device.data / SETTINGS).exists() and len(device.results()) == 1


def test_what_the_environment_sets_cannot_be_set_from_afar(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_TIMES__IDLE_FPS", "2")
    device.reboot()
    device.take(device.configure())
    assert device.told() == [(REQUEST, "refused", "overridden")] and "times.idle_fps" in device.results()[0].detail
    device.take(device.configure({"limits": {"same": 0.7}}, request=OTHER))
    device.live()
    assert set_to(device) == (0.7, 2.0)


def test_an_order_that_came_too_late_is_ignored(device: Device) -> None:
    device.take(device.configure(valid_until=device.clock.now()))
    device.take(device.revoke(valid_until=device.clock.now()))
    device.live(5)
    assert device.results() == [] and device.boots == 1 and not (device.data / REVOKED).exists()


def test_one_order_at_a_time(device: Device) -> None:
    device.idle = False
    device.take(device.configure())
    device.take(device.configure({"limits": {"same": 0.72}}, request=OTHER))
    assert device.told() == [(OTHER, "refused", "busy")]


def test_nobody_is_disturbed_while_a_settlement_is_open(device: Device) -> None:
    device.idle = False
    device.take(device.configure())
    assert not any(device.second() for _ in range(290))
    device.idle = True
    assert device.second()


def test_but_not_for_ever(device: Device) -> None:
    device.idle = False
    device.take(device.configure())
    device.live(320)
    assert device.standing.trying


def test_an_order_whose_time_ran_out_before_it_could_be_tried_is_refused(device: Device) -> None:
    device.idle = False
    device.take(device.configure(valid_until=device.clock.now() + timedelta(seconds=30)))
    device.live(40)
    assert device.told() == [(REQUEST, "refused", "too_late")] and device.boots == 1


def test_an_order_survives_a_power_cut_before_it_is_tried(device: Device) -> None:
    device.idle = False
    device.take(device.configure())
    device.reboot()
    assert set_to(device) == OLD_VALUES
    device.idle = True
    device.live()
    assert set_to(device) == NEW_VALUES and device.told() == [(REQUEST, "in_force", None)]


def on_trial(device: Device) -> None:
    device.take(device.configure())
    device.live(2)
    assert device.standing.trying


def rolled_back(device: Device, why: str) -> str:
    """The detail, after the old settings are seen to be in force again."""
    assert set_to(device) == OLD_VALUES and not device.standing.trying
    (result,) = device.results()
    assert (result.result, result.why) == ("rolled_back", why)
    assert result.software is not None and result.software.settings_sha256 == device.sha256
    return result.detail


@pytest.mark.parametrize("seconds", [0, 1, PROBATION_S - 5])
def test_a_trial_that_is_interrupted_is_taken_back(device: Device, seconds: int) -> None:
    on_trial(device)
    device.live(seconds)
    device.reboot()
    device.live(5)
    rolled_back(device, "interrupted")
    assert device.boots == 3


def test_a_broken_canary_ends_the_trial_at_once(device: Device) -> None:
    on_trial(device)
    device.bird.fault = "detector (0 faces, none where it is drawn)"
    assert device.second()
    device.reboot()
    device.bird.fault = None
    device.live(5)
    assert "detector" in rolled_back(device, "canary")


def test_a_thread_that_stands_still_ends_it_at_once(device: Device) -> None:
    on_trial(device)
    device.still = ("watch-W1",)
    assert device.second()
    device.reboot()
    device.live(5)
    assert "watch-W1" in rolled_back(device, "threads")


def test_a_new_problem_ends_it_after_some_patience(device: Device) -> None:
    on_trial(device)
    device.problems, device.wrong = {"camera"}, "no picture " * 18
    device.live(PROBATION_S + 30)
    assert device.standing.trying, "a camera may come back"
    device.live(PROBATION_S)
    device.problems = set()
    assert rolled_back(device, "problem").startswith("camera: no picture no picture"), "cut to what an event can hold"


def test_a_problem_of_before_does_not(device: Device) -> None:
    device.problems = {"camera", "backlog"}
    on_trial(device)
    device.problems = {"backlog"}
    device.live()
    assert device.told() == [(REQUEST, "in_force", None)]


def test_without_a_word_of_the_centre_it_is_taken_back(device: Device) -> None:
    on_trial(device)
    device.heard = False
    device.live(2 * PROBATION_S + 5)
    rolled_back(device, "line")


def test_a_line_that_was_down_before_is_not_asked_for(device: Device) -> None:
    device.connected = False
    on_trial(device)
    device.heard = False
    device.live()
    assert device.told() == [(REQUEST, "in_force", None)]


def test_a_program_that_cannot_be_started_with_them_starts_without(device: Device) -> None:
    on_trial(device)
    standing.take_back(device.standing, RuntimeError("psn_no 430000199901011234"))
    device.reboot()
    device.live(5)
    assert rolled_back(device, "start_failed") == "RuntimeError", "an unknown error may hold anything"


def test_a_trial_that_cannot_be_watched_is_taken_back(device: Device) -> None:
    on_trial(device)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(device, "problems", None)
        assert device.second()
    device.reboot()
    device.live(5)
    rolled_back(device, "interrupted")


def test_the_own_file_may_change_under_an_order(device: Device) -> None:
    """So that it does not fit any more: the terminal starts with its own file and says so."""
    device.take(device.configure({"limits": {"different": 0.6}}))
    device.live()
    text = device.terminal.settings_file.read_text(encoding="utf-8")
    device.terminal.settings_file.write_text(text.replace("[[windows]]", "[limits]\nsame = 0.5\n[[windows]]", 1), encoding="utf-8")
    device.reboot()
    assert (device.standing.settings.limits.same, device.standing.settings.limits.different) == (0.5, 0.35)
    assert "different" in str(device.orders.problem())


def test_a_reset_on_the_site_is_followed_when_nobody_is_served(device: Device) -> None:
    device.take(device.configure())
    device.live()
    assert standing.drop(device.terminal.settings_file) and not standing.drop(device.terminal.settings_file)
    device.idle = False
    assert not device.second()
    device.idle = True
    assert device.second()
    device.reboot()
    assert set_to(device) == OLD_VALUES and not device.second() and len(device.results()) == 1


@pytest.mark.parametrize("tried", [False, True])
def test_a_reset_while_an_order_is_on_its_way_ends_it(device: Device, tried: bool) -> None:
    device.idle = tried
    order = device.configure()
    device.take(order)
    device.live(2)
    assert device.standing.trying is tried
    standing.drop(device.terminal.settings_file)
    device.live(5)
    device.take(order)
    device.live(5)
    rolled_back(device, "reset_on_site")


def full_for(name: str) -> Callable[[Store, Path, bytes], None]:
    """A disk that takes everything but this file."""
    write = Store.write

    def full(disk: Store, path: Path, content: bytes) -> None:
        if path.name.startswith(name):
            raise OSError(28, "no space left")
        write(disk, path, content)

    return full


def test_a_full_disk_keeps_an_order_waiting(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    device.take(device.configure())
    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", full_for(SETTINGS))
        assert not any(device.second() for _ in range(5))
    assert device.second()


def test_a_full_disk_keeps_an_answer_waiting(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    on_trial(device)

    def full(*_: object) -> None:
        raise VaultFull("full")

    with monkeypatch.context() as patch:
        patch.setattr(Orders, "_tell", full)
        device.live(PROBATION_S + 20)
    assert device.results() == []
    device.live(2)
    assert device.told() == [(REQUEST, "in_force", None)]


def test_a_disk_that_does_not_take_the_note_of_a_trial_sees_none(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    """It could not be known at the next start that it was tried: an agent that crashes with it would crash for ever."""
    device.take(device.configure())
    assert device.second()
    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", full_for(SETTINGS))
        device.reboot()
    assert not device.standing.trying
    device.live(5)
    rolled_back(device, "not_tried")
    assert device.boots == 2


def test_revoking_takes_effect_at_once_whoever_is_served(device: Device) -> None:
    faces = [device.data / name for name in ("gallery.db", "gallery.db-wal", "film.db", "film.db-shm", "gallery.db.damaged-7")]
    for path in faces:
        path.write_bytes(b"template")
    device.idle = False
    order = device.revoke()
    device.take(order)
    assert not any(path.exists() for path in faces), "whoever pulls the plug now finds none"
    faces[0].write_bytes(b"template")
    assert device.second()
    device.reboot()
    assert device.standing.revoked and not any(path.exists() for path in faces)
    assert (device.data / "outbox.db").exists() and (device.data / "vault.key").exists()
    device.live(5)
    device.take(order)
    device.reboot()
    device.live(5)
    assert device.told() == [(OTHER, "revoked", "stolen")] and device.standing.revoked


def test_a_revoked_device_takes_no_other_order(device: Device) -> None:
    device.idle = False
    device.take(device.configure())
    device.take(device.revoke())
    device.live(5)
    device.take(device.configure(request="3" * 32))
    device.take(device.revoke(request="4" * 32, why="again"))
    device.live(5)
    wanted = {(OTHER, "revoked", "stolen"), (REQUEST, "refused", "revoked"), ("3" * 32, "refused", "revoked")}
    assert set(device.told()) == wanted | {("4" * 32, "revoked", "again")} and len(device.told()) == 4
    assert set_to(device) == OLD_VALUES and device.boots == 2


@pytest.mark.parametrize("content", [b"", b"damaged"])
def test_a_damaged_revocation_still_holds(device: Device, content: bytes) -> None:
    device.take(device.revoke())
    (device.data / REVOKED).write_bytes(content)
    device.reboot()
    device.live(3)
    assert device.standing.revoked and device.results() == []


def test_an_order_is_kept_in_the_centres_own_bytes(device: Device) -> None:
    order = device.configure()
    device.take(order)
    assert device.terminal.centre_signer.sign(order).decode() in (device.data / SETTINGS).read_text(encoding="utf-8")
    assert (device.data / SETTINGS).stat().st_mode & 0o777 == 0o600
    assert {section: dict(values) for section, values in order.settings.items()} == NEW
