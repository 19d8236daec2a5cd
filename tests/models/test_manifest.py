import re
from pathlib import Path

import pytest

from models import manifest as module
from models.errors import ModelError
from models.manifest import Manifest, parse_manifest

TEXT = Path(module.__file__).with_name("manifest.toml").read_text(encoding="utf-8")


def test_every_item_is_complete(manifest: Manifest) -> None:
    for item in manifest.items("all"):
        assert re.fullmatch(r"[0-9a-f]{64}", item.sha256), item.name
        assert item.licence, item.name
        assert item.input, item.name
        assert Path(item.file).name == item.file, item.name
        assert (Path(module.__file__).parent / f"{item.converter}.py").is_file() or item.converter is None


def test_files_are_distinct(manifest: Manifest) -> None:
    names = [item.file for item in manifest.items("all")]
    assert len(set(names)) == len(names)


def test_the_window_pack_has_one_detector_and_one_embedder(manifest: Manifest) -> None:
    assert manifest.one("window", "detector").name == "centerface"
    assert manifest.one("window", "embedder").name == "mobilefacenet"


def test_an_unknown_pack_names_the_known_ones(manifest: Manifest) -> None:
    with pytest.raises(ModelError, match="no pack 'windo'; choose one of: window, liveness, demo, all"):
        manifest.items("windo")


def test_a_role_that_is_not_there(manifest: Manifest) -> None:
    with pytest.raises(ModelError, match="'demo' has 0 items with the role 'detector'"):
        manifest.one("demo", "detector")


def test_source_code_without_a_hash_is_refused() -> None:
    unpinned = TEXT.replace('sha256 = "5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec"\n', "")
    assert unpinned != TEXT
    with pytest.raises(ModelError, match="face_recognition: a pip_sdist must have a sha256"):
        parse_manifest(unpinned)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ModelError, match="kind 'carrier_pigeon'"):
        parse_manifest(TEXT.replace('kind = "npm"', 'kind = "carrier_pigeon"'))


def test_only_an_archive_without_a_registry_has_an_address(manifest: Manifest) -> None:
    archives = {item.archive.package: item.archive for item in manifest.items("all")}
    addresses = [archive.address for archive in archives.values() if archive.kind == "address"]
    assert TEXT.count("://") == len(addresses) == 1
    assert all(archive.address is None for archive in archives.values() if archive.kind != "address")


@pytest.mark.parametrize("address", ["http://example.org/x", "file:///etc", ""])
def test_an_address_that_is_not_https_is_refused(address: str) -> None:
    with pytest.raises(ModelError, match="begins with https"):
        parse_manifest(re.sub(r'address = "https://[^"]*"', f'address = "{address}"', TEXT))


def test_a_registry_package_with_an_address_is_refused() -> None:
    with pytest.raises(ModelError, match="begins with https"):
        parse_manifest(TEXT.replace('kind = "npm"', 'kind = "npm"\naddress = "https://example.org"'))


def test_only_liveness_is_optional(manifest: Manifest) -> None:
    assert {item.name for item in manifest.items("all") if manifest.is_optional(item)} == {"minifasnet-v2", "minifasnet-v1se"}
