"""A register of people as CSV: UTF-8 (with or without BOM) or GB18030, one header row, one line per person, pictures beside the file."""

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import TypeVar

from central.errors import BadInput
from central.people.days import after_day, read_day
from central.people.model import Basis, BasisKind, Enrolment, require_psn_no, words
from contract.commands import GalleryRole

REQUIRED = ("psn_no", "picture", "fixmedins_code", "basis", "reference", "given_on")
OPTIONAL = ("role", "valid_until", "taken_on", "staff_code", "words")
MAX_FILE = 64 * 2**20
MAX_SHOWN = 60
MAX_PICTURES = 20
_SEVERAL = ";"
T = TypeVar("T")
E = TypeVar("E", BasisKind, GalleryRole)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why a line is refused: which column (empty: the line as a whole), what stands there, and what is wrong with it.

    `codes` are those of a picture that cannot be used.
    """

    line: int
    column: str
    value: str
    message: str
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What one line asks for; its pictures are not read yet."""

    line: int
    request: Enrolment
    pictures: tuple[Path, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterFile:
    """A file that was looked at: its hash and its lines, not read yet."""

    name: str
    sha256: str
    folder: Path
    contents: tuple[str, ...]
    columns: tuple[str, ...]

    @property
    def total(self) -> int:
        """Lines that are not blank, without the header."""
        return sum(bool(content.strip()) for content in self.contents[1:])

    def lines(self) -> Iterator[Line | Fault]:
        """Every line that is not blank, in order. A line break inside a cell is refused: a stray quote must not swallow what follows."""
        for number, content in enumerate(self.contents[1:], start=2):
            if content.strip():
                yield self._line(number, content)

    def _line(self, number: int, content: str) -> Line | Fault:
        try:
            cells = next(csv.reader([content], strict=True))
        except csv.Error as error:
            return Fault(line=number, column="", value=f"{len(content)} characters", message=f"is not a row of cells on one line: {error}")
        if len(cells) != len(self.columns):
            message = f"has not as many cells as the header, which has {len(self.columns)}"
            return Fault(line=number, column="", value=f"{len(cells)} cells", message=message)
        return _read(number, dict(zip(self.columns, (cell.strip() for cell in cells), strict=True)), self.folder)


def look_at(path: Path) -> RegisterFile:
    """Read and decode a file. Raises BadInput for what is no register, naming encoding, size or columns."""
    name = path.name[:MAX_SHOWN]
    try:
        if path.stat().st_size > MAX_FILE:
            raise BadInput(f"{name}: larger than {MAX_FILE} bytes; split it")
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{name}: cannot be read: {error.strerror}") from None
    contents = tuple(_decoded(name, data).replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    columns = tuple(cell.strip() for cell in next(csv.reader(StringIO(contents[0])), []))
    if missing := [column for column in REQUIRED if column not in columns]:
        raise BadInput(
            f"{name}: columns are missing: {', '.join(missing)}; needed are {', '.join(REQUIRED)}, possible {', '.join(OPTIONAL)}"
        )
    if twice := sorted({column for column in columns if columns.count(column) > 1}):
        raise BadInput(f"{name}: columns stand twice in the header: {', '.join(twice)[:MAX_SHOWN]}")
    return RegisterFile(name=name, sha256=sha256(data).hexdigest(), folder=path.parent, contents=contents, columns=columns)


def read_pictures(line: Line) -> tuple[bytes, ...] | Fault:
    """The pictures of a line, or why one of them cannot be read."""
    found = []
    for path in line.pictures:
        try:
            found.append(path.read_bytes())
        except OSError as error:
            return Fault(line=line.line, column="picture", value=path.name[:MAX_SHOWN], message=f"cannot be read: {error.strerror}")
    return tuple(found)


def _decoded(name: str, data: bytes) -> str:
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise BadInput(f"{name}: the file is a workbook; save it as CSV in UTF-8 (or GB18030)")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise BadInput(f"{name}: the encoding is neither UTF-8 nor GB18030; save it as CSV in one of them")


class _Refused(Exception):
    """What is wrong with a cell."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column


def _read(number: int, cells: Mapping[str, str], folder: Path) -> Line | Fault:
    try:
        return Line(line=number, request=_request(cells), pictures=_paths(cells["picture"], folder))
    except _Refused as refused:
        return Fault(line=number, column=refused.column, value=cells.get(refused.column, "")[:MAX_SHOWN], message=str(refused))


def _request(cells: Mapping[str, str]) -> Enrolment:
    _checked("psn_no", lambda: require_psn_no(cells["psn_no"]))
    basis = Basis(
        kind=_checked("basis", lambda: _choice(BasisKind, cells["basis"])),
        reference=_checked("reference", lambda: words(cells["reference"], "the reference", most=100)),
        given_on=_checked("given_on", lambda: read_day(cells["given_on"])),
        valid_until=_checked("valid_until", lambda: after_day(read_day(text).date()) if (text := cells.get("valid_until")) else None),
    )
    return Enrolment(
        psn_no=cells["psn_no"],
        pictures=(),
        legal_basis=cells.get("words") or f"{basis.kind} {basis.reference}",
        fixmedins_code=cells["fixmedins_code"],
        role=_checked("role", lambda: _choice(GalleryRole, cells.get("role") or GalleryRole.INSURED)),
        basis=basis,
        taken_at=_checked("taken_on", lambda: read_day(text) if (text := cells.get("taken_on")) else None),
        reference=cells.get("staff_code") or None,
    )


def _paths(text: str, folder: Path) -> tuple[Path, ...]:
    """Files beside the register only: a list from elsewhere must not name any file of this machine."""
    names = [name.strip() for name in text.split(_SEVERAL) if name.strip()]
    if not 0 < len(names) <= MAX_PICTURES:
        raise _Refused("picture", f"names {len(names)} pictures; 1 to {MAX_PICTURES} are possible, with {_SEVERAL} between")
    paths = tuple(folder / name for name in names)
    if any(folder.resolve() not in path.resolve().parents for path in paths):
        raise _Refused("picture", "does not lie in the register's own folder")
    return paths


def _checked(column: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except BadInput as error:
        raise _Refused(column, str(error)) from None


def _choice(kind: type[E], text: str) -> E:
    try:
        return kind(text)
    except ValueError:
        raise BadInput(f"is none of {', '.join(kind)}") from None
