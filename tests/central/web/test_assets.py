"""The front-end files: exactly those of the lock file, fetched once, and missed aloud."""

import json
from pathlib import Path

import pytest
import structlog

from central.app import create_app
from central.errors import Misconfigured
from central.web import assets
from tests.central.web.consoles import make_console


def test_the_lock_file_names_hashes_and_no_addresses() -> None:
    lock = (assets.HERE / "package-lock.json").read_text()
    packages = json.loads(lock)["packages"]
    assert "://" not in lock
    assert all(package.get("integrity", "").startswith("sha512-") for name, package in packages.items() if name)
    wanted = json.loads((assets.HERE / "package.json").read_text())["dependencies"]
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted


def test_files_are_there_only_with_the_stamp_of_this_lock_file(tmp_path: Path) -> None:
    assert assets.missing(tmp_path)
    for name in ("htmx.min.js", "htmx.org.LICENSE", "echarts.common.min.js", "echarts.LICENSE", "echarts.NOTICE"):
        (tmp_path / name).write_text("x")
    assert assets.missing(tmp_path), "without a stamp nobody knows of which version they are"
    (tmp_path / "lock.sha256").write_text("0" * 64)
    assert assets.missing(tmp_path), "the lock file has changed since"


def test_installing_twice_fetches_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vendor = tmp_path / "vendor"
    assert assets.install(vendor)
    assert (vendor / "htmx.min.js").read_text().startswith("var htmx=")
    assert (vendor / "echarts.common.min.js").stat().st_size > 500_000
    monkeypatch.setenv("PATH", "")
    assert not assets.install(vendor), "nothing is fetched, so npm is not even looked for"
    (vendor / "htmx.min.js").unlink()
    with pytest.raises(Misconfigured, match="npm is not installed"):
        assets.install(vendor)


def test_a_file_that_is_not_the_locked_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = json.loads((assets.HERE / "package-lock.json").read_text())
    lock["packages"]["node_modules/htmx.org"]["integrity"] = "sha512-" + "A" * 86 + "=="
    (tmp_path / "package-lock.json").write_text(json.dumps(lock))
    (tmp_path / "package.json").write_text((assets.HERE / "package.json").read_text())
    monkeypatch.setattr(assets, "HERE", tmp_path)
    with pytest.raises(Misconfigured, match="npm ci"):
        assets.install(tmp_path / "vendor")
    assert assets.missing(tmp_path / "vendor")


def test_the_application_says_what_is_missing_and_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("central.app.assets.missing", lambda: True)
    with structlog.testing.capture_logs() as logs:
        create_app(make_console(tmp_path))
    (entry,) = logs
    assert entry["event"] == "web.assets_missing"
    assert "python -m central.web.assets" in entry["way_out"]
