"""Read the tables that say what pictures and clips show. Each row is checked before anything is measured."""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from models.errors import BadLabels

BONA_FIDE = "live"
SAME = {"1": True, "true": True, "0": False, "false": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One recording. `person` is None when it shows no face."""

    path: Path
    person: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two pictures and whether they show one person."""

    first: Path
    second: Path
    same: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """One picture before the camera: `kind` is "live" or the name of the attack."""

    path: Path
    kind: str


Row = TypeVar("Row", Clip, Pair, Presentation)


def read_clips(table: Path) -> tuple[Clip, ...]:
    """Rows file, person, faces (0 or 1); files are sought beside the table, further columns are left alone. Raises BadLabels."""
    return tuple(_rows(table, ("file", "person", "faces"), _clip))


def read_pairs(table: Path) -> tuple[Pair, ...]:
    """Rows file_x, file_y, same (0 or 1). Raises BadLabels."""
    return tuple(_rows(table, ("file_x", "file_y", "same"), _pair))


def read_attacks(table: Path) -> tuple[Presentation, ...]:
    """Rows file, label (live, or the kind of the attack). Raises BadLabels."""
    return tuple(_rows(table, ("file", "label"), _presentation))


def persons_of(pairs: Sequence[Pair]) -> dict[Path, str]:
    """The person of every picture: those said to be the same are one, named by its first picture.

    Raises BadLabels when two pictures are said to differ and, by way of others, to be the same.
    """
    person = {path: path.name for pair in pairs for path in (pair.first, pair.second)}
    members = {path: [path] for path in person}
    holder = {path: path for path in person}
    for pair in pairs:
        kept, joined = holder[pair.first], holder[pair.second]
        if pair.same and kept != joined:
            members[kept] += members[joined]
            holder.update(dict.fromkeys(members.pop(joined), kept))
    for pair in pairs:
        if not pair.same and holder[pair.first] == holder[pair.second]:
            raise BadLabels(f"{pair.first.name} and {pair.second.name} are labelled as different, but by other rows they are one person")
    return {path: str(place) for path, place in holder.items()}


def _clip(folder: Path, row: dict[str, str]) -> Clip:
    if row["faces"] not in ("0", "1"):
        raise BadLabels(f"faces must be 0 or 1, not {row['faces']!r}")
    if (row["faces"] == "1") != bool(row["person"]):
        raise BadLabels(f"{row['file']} has {row['faces']} faces and the person {row['person']!r}; name the person, or put faces to 0")
    return Clip(path=_file(folder, row["file"]), person=row["person"] or None)


def _pair(folder: Path, row: dict[str, str]) -> Pair:
    same = SAME.get(row["same"].lower())
    if same is None:
        raise BadLabels(f"same must be 0 or 1, not {row['same']!r}")
    first, second = _file(folder, row["file_x"]), _file(folder, row["file_y"])
    if first == second:
        raise BadLabels(f"{first.name} is compared with itself")
    return Pair(first=first, second=second, same=same)


def _presentation(folder: Path, row: dict[str, str]) -> Presentation:
    if not row["label"]:
        raise BadLabels(f"{row['file']} has no label; write {BONA_FIDE} or the kind of the attack")
    return Presentation(path=_file(folder, row["file"]), kind=row["label"])


def _file(folder: Path, name: str) -> Path:
    path = folder / name
    if not name or not path.is_file():
        raise BadLabels(f"the file {name!r} does not exist in {folder}")
    return path


def _rows(table: Path, columns: tuple[str, ...], parse: Callable[[Path, dict[str, str]], Row]) -> Iterator[Row]:
    seen: set[Row] = set()
    for line, row in _table(table, columns):
        try:
            parsed = parse(table.parent, row)
        except BadLabels as error:
            raise BadLabels(f"{table}, line {line}: {error}") from None
        if parsed in seen:
            raise BadLabels(f"{table}, line {line}: this row stands there twice; a trial counts once")
        seen.add(parsed)
        yield parsed
    if not seen:
        raise BadLabels(f"{table} has no rows")


def _table(table: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            missing = [column for column in columns if column not in (reader.fieldnames or ())]
            if missing:
                raise BadLabels(f"{table} has no column {', '.join(missing)}; it needs {', '.join(columns)}")
            for row in reader:
                if any(row[column] is None for column in columns):
                    raise BadLabels(f"{table}, line {reader.line_num}: fewer values than columns")
                yield reader.line_num, {column: row[column].strip() for column in columns}
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadLabels(f"{table} is no comma-separated table in UTF-8: {error}") from error
