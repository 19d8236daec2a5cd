"""Bring the front-end files to where pages find them: `python -m central.web.assets`, at set-up only.

npm takes exactly what package-lock.json names, from whatever registry it is set up for, and runs no script of any package.
"""

import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from central.errors import CentralError, Misconfigured

HERE = Path(__file__).parent
VENDOR = HERE / "static" / "vendor"
FILES = (
    "htmx.org/dist/htmx.min.js",
    "htmx.org/dist/ext/hx-sse.min.js",
    "htmx.org/LICENSE",
    "echarts/dist/echarts.common.min.js",
    "echarts/LICENSE",
    "echarts/NOTICE",
)
_STAMP = "lock.sha256"


def missing(vendor: Path = VENDOR) -> bool:
    """Whether the files are not there, or are not those of the lock file."""
    stamp = vendor / _STAMP
    return not stamp.exists() or stamp.read_text() != _lock_hash() or not all((vendor / _name(file)).exists() for file in FILES)


def install(vendor: Path = VENDOR) -> bool:
    """Fetch by lock file and copy; False if everything was there. Raises Misconfigured if npm is missing or fails."""
    if not missing(vendor):
        return False
    with TemporaryDirectory(prefix="console-assets-") as folder:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        _npm_ci(Path(folder))
        vendor.mkdir(parents=True, exist_ok=True)
        for file in FILES:
            shutil.copyfile(Path(folder, "node_modules", file), vendor / _name(file))
    (vendor / _STAMP).write_text(_lock_hash())
    return True


def main() -> int:
    """Install and say what was done."""
    try:
        sys.stdout.write(f"console files: {'installed into' if install() else 'already in'} {VENDOR}\n")
    except CentralError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _npm_ci(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise Misconfigured("npm is not installed: install Node.js (20 or newer) with npm, then run `python -m central.web.assets` again")
    done = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, capture_output=True, text=True, timeout=600, check=False
    )
    if done.returncode != 0:
        raise Misconfigured(f"`npm ci` failed with {done.returncode}: {done.stderr.strip()[-500:]}")


def _name(file: str) -> str:
    """The flat name in the vendor folder; licences keep their package's name."""
    package, _, rest = file.partition("/")
    name = Path(rest).name
    return name if name.endswith(".js") else f"{package}.{name}"


def _lock_hash() -> str:
    return sha256((HERE / "package-lock.json").read_bytes()).hexdigest()


if __name__ == "__main__":
    raise SystemExit(main())
