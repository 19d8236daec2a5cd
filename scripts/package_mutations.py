"""Change one byte of an evidence package in ten thousand places and see whether the verifier names the member each time.

    python -m scripts.package_mutations PACKAGE.zip --mutations 10000 --seed 1

Half of the places are drawn from all bytes of the file, so that film, which is most of it, gets most of them; the other half give every
member the same chance, whatever its size, the headers around it included. The verifier is `scripts/verify_evidence.py` as an auditor runs
it, without keys from elsewhere. Ends with 1 if one change was missed or another member was blamed, or if the untouched package is refused.
"""

import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from scripts.verify_evidence import BadItem, Box, verify_package

END = "(zip)"
_LOCAL, _CENTRAL = 30, 46
_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """Bytes `start` to `end` of the file, which belong to one member or to the record at the end of the zip."""

    member: str
    start: int
    end: int


def regions(path: Path) -> list[Region]:
    """Every byte of a package, by the member that it belongs to: its header, its content, its entry in the directory."""
    box = Box(str(path))
    box.close()
    found, place = [], 0
    for name, (offset, size, _) in box.places.items():
        found.append(Region(member=name, start=offset - _LOCAL - len(name), end=offset + size))
        place = offset + size
    for name in box.places:
        found.append(Region(member=name, start=place, end=place + _CENTRAL + len(name)))
        place += _CENTRAL + len(name)
    return [*found, Region(member=END, start=place, end=box.length)]


def change(data: bytes, places: Sequence[Region], rng: Random) -> tuple[bytes, str, int]:
    """The file with one byte changed, the member that it belongs to, and where."""
    if rng.random() < 0.5:
        place = rng.randrange(len(data))
        region = next(each for each in places if each.start <= place < each.end)
    else:
        region = rng.choice(places)
        place = rng.randrange(region.start, region.end)
    changed = bytearray(data)
    changed[place] ^= rng.randrange(1, 256)
    return bytes(changed), region.member, place


def refusal(path: Path) -> BadItem | None:
    """Why the verifier refuses a package; None if it does not."""
    try:
        verify_package(str(path))
    except BadItem as bad:
        return bad
    return None


def names(bad: BadItem, member: str) -> bool:
    """Whether the refusal names the member: where the zip calls it by two names, one of both is the true one."""
    return member in (END, bad.item) or repr(member) in bad.en


def main(
    package: Annotated[Path, typer.Argument(help="A package; `central evidence package` makes one.")],
    mutations: Annotated[int, typer.Option(min=1, help="How many changes.")] = 10_000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same changes.")] = 1,
) -> None:
    """Change one byte after the other; print what was found."""
    if (bad := refusal(package)) is not None:
        print(f"the untouched package is refused: {bad}")
        raise typer.Exit(1)
    data, places, rng = package.read_bytes(), regions(package), Random(seed)  # noqa: S311 - seeded on purpose
    missed, codes, members, began = list[str](), Counter[str](), set[str](), time.perf_counter()
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "changed.zip"
        for number in range(1, mutations + 1):
            changed, member, place = change(data, places, rng)
            copy.write_bytes(changed)
            found = refusal(copy)
            members.add(member)
            codes[found.code if found is not None else "missed"] += 1
            if found is None or not names(found, member):
                missed.append(f"byte {place}, of {member}: {found}")
            if number % 1000 == 0:
                print(f"{number} of {mutations}, {len(missed)} missed", file=sys.stderr)
    print(f"{package.name}: {len(data)} bytes in {len(places) // 2} members; {len(members)} members changed; seed {seed}")
    print(f"{mutations - len(missed)} of {mutations} changes refused by the name of the member; {time.perf_counter() - began:.0f} s")
    print("; ".join(f"{code} {count}" for code, count in codes.most_common()))
    for line in missed[:_SHOWN]:
        print(f"MISSED {line}")
    raise typer.Exit(1 if missed else 0)


if __name__ == "__main__":
    typer.run(main)
