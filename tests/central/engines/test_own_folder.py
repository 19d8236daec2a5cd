"""The folder of an engine: gone afterwards, swept when its process was killed, never taken from one that works."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from central.engines.own_folder import own_folder
from central.errors import Misconfigured

ROOT = Path(__file__).parents[3]
HOLDS = (
    "import sys; from pathlib import Path; from central.engines.own_folder import own_folder\n"
    "with own_folder(Path(sys.argv[1])) as own:\n"
    "    (own / 'part').mkdir(); (own / 'part' / 'rows').write_text('330100199901011234')\n"
    "    print(own, flush=True); sys.stdin.read()"
)


def holder(around: Path) -> "tuple[subprocess.Popen[str], Path]":
    process = subprocess.Popen([sys.executable, "-c", HOLDS, around], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_it_is_private_and_gone_afterwards(tmp_path: Path) -> None:
    with own_folder(tmp_path) as own:
        (own / "rows").write_text("x")
        assert (own.parent, stat.S_IMODE(own.stat().st_mode)) == (tmp_path, 0o700)
    assert list(tmp_path.iterdir()) == []


def test_one_that_is_held_stays_and_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    (first, left), (second, held) = holder(tmp_path), holder(tmp_path)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert (left / "part" / "rows").exists()
    with own_folder(tmp_path) as own:
        assert sorted(tmp_path.iterdir()) == sorted([held, own])
        assert (held / "part" / "rows").exists()
    second.communicate("")
    assert second.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_ours_is_let_be(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("x")
    (tmp_path / "central-link").symlink_to(tmp_path)
    for name in ("central-empty", "central-linked", "central-foreign", "central-piped", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "central-file").write_text("x")
    (tmp_path / "central-linked" / "held").symlink_to(precious)
    (tmp_path / "other" / "held").touch()
    os.mkfifo(tmp_path / "central-piped" / "held")
    if os.geteuid() == 0:
        os.chown(tmp_path / "central-piped" / "held", 65534, 65534)
    (tmp_path / "central-foreign" / "held").touch()
    if os.geteuid() == 0:
        os.chown(tmp_path / "central-foreign" / "held", 65534, 65534)
    else:
        (tmp_path / "central-foreign" / "held").unlink()
    before = sorted(tmp_path.iterdir())
    with own_folder(tmp_path):
        pass
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_a_folder_that_cannot_be_is_named_with_the_way_out(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(Misconfigured, match=rf"{name}: .*--work-dir"), own_folder(tmp_path / name):
        pass
