"""What a centre needs to enrol sites: nothing that only a terminal has."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_the_centres_command_needs_no_library_of_terminals() -> None:
    program = "import sys; sys.modules['sqlcipher3'] = None; import scripts.enrol_site"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_the_terminals_command_needs_no_library_of_the_centre() -> None:
    absent = ("sqlalchemy", "alembic", "duckdb", "ibis", "jinja2", "argon2", "pandas", "pyarrow")
    program = f"import sys; sys.modules.update(dict.fromkeys({absent!r})); import edge_agent.__main__"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
