"""The file of orders: believed only as far as the centre's own signature goes."""

import json
from pathlib import Path

import pytest

from contract.commands import RollCall
from edge_agent.chain.capture import Told
from edge_agent.orders.ledger import SETTINGS, Ledger, Note, Trial
from edge_agent.orders.standing import look
from tests.edge_agent.building import DEVICE, FOREVER, make_terminal
from tests.edge_agent.orders.device import NEW, OTHER, Device


@pytest.fixture
def device(tmp_path: Path) -> Device:
    """With settings in force and another order on its way."""
    one = Device(make_terminal(tmp_path))
    one.take(one.configure())
    one.live()
    assert one.standing.settings.limits.same == 0.7
    one.idle = False
    one.take(one.configure({"limits": {"same": 0.75}}, request=OTHER))
    return one


def content(device: Device) -> bytes:
    return (device.data / SETTINGS).read_bytes()


def test_no_changed_byte_changes_a_setting(device: Device) -> None:
    """Whatever byte is changed, the agent starts, and with the ordered settings or its own ones; never with others."""
    whole, noticed = content(device), 0
    for at in range(0, len(whole), 41):
        changed = bytearray(whole)
        changed[at] ^= 0x11
        (device.data / SETTINGS).write_bytes(bytes(changed))
        found = look(device.terminal.settings_file)
        assert found.settings.limits.same in (0.65, 0.7)
        assert found.settings.limits.same == 0.7 or found.problem is not None
        noticed += found.problem is not None
    assert noticed > 20


@pytest.mark.parametrize("damaged", [b"", b"{", b"[]", b"\xff\xfe", b'{"version": 2}', b'{"in_force": 7}', b'{"in_force": "a.b.c"}'])
def test_a_damaged_file_is_ignored_named_and_replaced_by_the_next_order(device: Device, damaged: bytes) -> None:
    (device.data / SETTINGS).write_bytes(damaged)
    device.reboot()
    device.idle = True
    assert device.standing.settings.limits.same == 0.65 and SETTINGS in str(device.orders.problem())
    device.live(3)
    device.take(device.configure(request="3" * 32))
    device.live()
    assert device.standing.settings.limits.same == 0.7 and device.told()[-1] == ("3" * 32, "in_force", None)


def test_a_damaged_order_on_its_way_leaves_the_one_in_force(device: Device) -> None:
    note = json.loads(content(device))
    note["trial"]["signed"] = note["trial"]["signed"][:-4] + "AAAA"
    (device.data / SETTINGS).write_text(json.dumps(note))
    device.idle = True
    device.reboot()
    device.live(5)
    assert device.standing.settings.limits.same == 0.7 and not device.standing.trying and device.orders.problem() is not None
    device.take(device.configure({}, request=OTHER))
    device.live()
    assert device.standing.settings.limits.same == 0.65 and device.orders.problem() is None


def test_what_another_key_or_device_or_kind_of_command_says_does_not_count(device: Device, tmp_path: Path) -> None:
    signer, stranger = device.terminal.centre_signer, make_terminal(tmp_path / "other").centre_signer
    other_kind = RollCall(device=DEVICE, at=device.clock.now(), request=OTHER, valid_until=FOREVER, window="W1")
    for signed in (
        stranger.sign(device.configure()),
        signer.sign(device.configure(device="P99999900001-t2")),
        signer.sign(other_kind),
        signer.sign(device.revoke()),
        device.terminal.receipt(epoch=1, up_to=0, head="0" * 64),
    ):
        device.standing.ledger.write(Note(in_force=signed.decode()))
        held = device.standing.ledger.read()
        assert held.in_force is None and held.problem is not None


def test_after_a_change_of_the_centres_keys_it_has_to_order_again(device: Device, tmp_path: Path) -> None:
    other = make_terminal(tmp_path / "other")
    ledger = Ledger(device.data, DEVICE, other.trusted)
    assert ledger.read().in_force is None and ledger.read().problem is not None


def test_an_order_in_force_is_what_the_file_says_and_nothing_is_left_without_one(device: Device) -> None:
    ledger, signed = device.standing.ledger, device.terminal.centre_signer.sign(device.configure()).decode()
    ended = ledger.end(Note(trial=Trial(signed=signed, stage="trying")), Told(result="in_force"))
    in_force = ledger.read().in_force
    assert ended.in_force == signed and in_force is not None
    assert {section: dict(table) for section, table in in_force.settings.items()} == NEW
    ledger.write(Note())
    assert not (device.data / SETTINGS).exists()
    ledger.write(Note())
