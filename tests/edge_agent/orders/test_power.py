"""Power that goes at any step of an order: the old settings or the new ones, never neither, never a loop, and one answer."""

from pathlib import Path
from random import Random

import pytest

from contract.commands import Configure
from edge_agent.orders.ledger import REVOKED, SETTINGS
from scripts.power.disk import StrictDisk
from scripts.power.store import StrictStore
from tests.edge_agent.building import Terminal, make_terminal
from tests.edge_agent.orders.device import NEW, OTHER, REQUEST, Device

FIRST = {"limits": {"same": 0.68}}
TURNS = 400


class Plugged:
    """A device on a disk that keeps only what was synced."""

    def __init__(self, terminal: Terminal, seed: int) -> None:
        self.random, self.disk = Random(seed), StrictDisk()
        self.store = StrictStore(self.disk, 1000)
        self.device = Device(terminal, self.store)
        self.device.take(self.device.configure(FIRST, request=OTHER))
        self.live(20)
        assert self.same == FIRST["limits"]["same"]

    @property
    def same(self) -> float:
        return self.device.standing.settings.limits.same

    def live(self, turns: int, order: Configure | None = None) -> bool:
        """Whether the power held. The centre says its order again and again."""
        try:
            for _ in range(turns):
                if order is not None:
                    self.device.take(order)
                if self.device.second():
                    self.device.reboot()
        except Exception:
            if not self.disk.off:
                raise
        if not self.disk.off:
            return True
        self.pull()
        self.device.boot()
        return False

    def pull(self) -> None:
        """The plug: what was not synced may be gone."""
        self.disk.off = True
        self.store.forget()
        self.disk.cut(self.random)


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return make_terminal(tmp_path, more="[machine]\nprobation_s = 5\n")


@pytest.mark.parametrize("sick", [False, True], ids=["proves itself", "fails"])
def test_at_whatever_step_the_power_goes(terminal: Terminal, sick: bool) -> None:
    endings, cuts = set(), 0
    for step in range(TURNS):
        plugged = Plugged(terminal, step)
        device = plugged.device
        order, boots = device.configure(NEW), device.boots
        if sick:
            device.take(order)
            device.live(1)
            device.problems = {"camera"}
        plugged.disk.cut_after(step)
        held = plugged.live(20, order)
        plugged.disk.cut_after(None)
        assert plugged.same in (0.68, 0.7), step
        plugged.live(30, order)
        (result,) = [one.result for one in device.results() if one.request == REQUEST]
        assert plugged.same == (0.7 if result == "in_force" else 0.68), (step, result)
        device.reboot()
        assert plugged.same == (0.7 if result == "in_force" else 0.68), (step, result)
        assert device.boots - boots <= 6 and not device.second()
        endings.add(result)
        cuts += not held
        if held:
            break
    assert held and cuts > 15
    assert endings == {"rolled_back"} if sick else endings == {"in_force", "rolled_back"}


def test_a_file_that_was_never_whole_is_never_read(terminal: Terminal) -> None:
    """A new file appears under its name only when its bytes are on the disk."""
    plugged = Plugged(terminal, 3)
    for step in range(8):
        plugged.disk.cut_after(step)
        plugged.live(1, plugged.device.configure(NEW, request=f"{step:032x}"))
        assert plugged.device.orders.problem() is None
    assert plugged.device.data / SETTINGS in plugged.disk.names


def test_a_device_that_was_once_known_to_be_revoked_stays_so_and_forgets(terminal: Terminal) -> None:
    """Whoever steals a terminal can pull its plug at any moment."""
    for step in range(TURNS):
        plugged = Plugged(terminal, step)
        device, disk = plugged.device, plugged.device.disk
        for name in ("gallery.db", "gallery.db-wal", "film.db"):
            disk.write(device.data / name, b"a template")
            disk.sync(device.data / name)
        disk.sync(device.data)
        order = device.revoke(request=REQUEST)
        plugged.disk.cut_after(step)
        held = plugged.live(5, order)
        noted = device.standing.ledger.revoked
        plugged.disk.cut_after(None)
        assert plugged.live(3), "the centre is away"
        assert device.standing.revoked is noted
        plugged.pull()
        assert noted is not any(name.startswith(("gallery.db", "film.db")) for name in disk.names(device.data))
        device.boot()
        plugged.live(3, order)
        assert device.standing.revoked and [one.result for one in device.results() if one.request == REQUEST] == ["revoked"]
        if held:
            break
    assert held and step > 10


def test_whoever_pulls_the_plug_after_a_revocation_finds_nobody(terminal: Terminal) -> None:
    for seed in range(10):
        plugged = Plugged(terminal, seed)
        device, disk = plugged.device, plugged.device.disk
        disk.write(device.data / "gallery.db", b"a template")
        disk.sync(device.data / "gallery.db")
        disk.sync(device.data)
        device.take(device.revoke(request=REQUEST))
        plugged.pull()
        assert REVOKED in disk.names(device.data) and "gallery.db" not in disk.names(device.data)
