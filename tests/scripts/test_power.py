"""Power cuts and flipped bits, in small: the product survives them, a changed product does not, and the disk is as strict as it says."""

import json
import subprocess
import sys
from pathlib import PurePosixPath
from random import Random

import pytest

from scripts.power import flips, machine
from scripts.power.disk import File, PowerCut, StrictDisk
from scripts.power.mutants import MUTANTS, ROOT, Mutant

HERE = PurePosixPath("/")


def test_the_product_survives_power_cuts_at_any_moment() -> None:
    before = machine.counted["cuts"]
    machine.run(50, 5)
    assert machine.counted["cuts"] - before > 100


@pytest.mark.parametrize("name", ["nothing synced by SQLite", "key not durable", "rename of small files not synced"])
def test_a_changed_product_does_not(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.power.schedules", "400", "1", name], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert json.loads(done.stdout.splitlines()[-1])["failed"].startswith(("Violation", "BadKey"))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_mutant_changes_a_line_that_is_there(mutant: Mutant) -> None:
    compile(mutant.mutated(), str(mutant.path), "exec")
    assert mutant.mutated() != mutant.path.read_text(encoding="utf-8")


def test_flipped_bits_cost_what_they_hit_and_nothing_else() -> None:
    assert flips.main(4, 3) == 0


def test_only_what_was_synced_is_sure_to_be_kept() -> None:
    kept = set()
    for number in range(40):
        file = File()
        file.write(0, b"a" * 2000)
        file.sync()
        file.write(500, b"b" * 1000)
        file.cut(Random(number))
        assert file.content[:500] == b"a" * 500 and file.content[1500:] == b"a" * 500
        kept.add(bytes(file.content))
    assert len(kept) > 4, "torn in several ways"
    assert {b"a" * 2000, b"a" * 500 + b"b" * 1000 + b"a" * 500} <= kept


def test_a_name_is_kept_only_when_its_folder_was_synced() -> None:
    for number in range(20):
        disk = StrictDisk()
        disk.sync(disk.create(HERE / "sure"))
        disk.sync_folder(HERE)
        disk.sync(disk.create(HERE / "unsure"))
        disk.cut(Random(number))
        assert HERE / "sure" in disk.names
        if HERE / "unsure" not in disk.names:
            return
    pytest.fail("a name was never lost")


def test_a_rename_shows_the_old_file_or_the_new_one() -> None:
    seen = set()
    for number in range(40):
        disk = StrictDisk()
        for name in ("old", "new"):
            file = disk.create(HERE / name)
            disk.write(file, 0, name.encode())
            disk.sync(file)
        disk.sync_folder(HERE)
        disk.replace(HERE / "new", HERE / "old")
        disk.cut(Random(number))
        seen.add((bytes(disk.find(HERE / "old").content), HERE / "new" in disk.names))
    assert seen == {(b"old", True), (b"new", False)}


def test_the_power_goes_when_it_was_told_to() -> None:
    disk = StrictDisk()
    disk.cut_after(1)
    file = disk.create(HERE / "a")
    with pytest.raises(PowerCut):
        disk.write(file, 0, b"x")
    with pytest.raises(PowerCut):
        disk.find(HERE / "a")
    disk.cut(Random(1))
    assert not disk.off
