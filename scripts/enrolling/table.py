"""Read a table of sites: every fault is named with line, column and value, and one bad terminal spoils no other. Pure but for the file."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from central.enrolment.model import PlannedCamera, PlannedTerminal
from central.errors import BadInput
from central.sites.model import ApprovalKind, NewApproval, NewSite
from contract.camera_address import shown
from scripts.enrolling import options
from scripts.enrolling.registering import Entry

REQUIRED = ("fixmedins_code", "fixmedins_name", "admdvs", "window", "camera")
OPTIONAL = (
    "device_id",
    "role",
    "camera_model",
    "opening_hours",
    "evidence_mode",
    "legal_basis",
    "notice_version",
    "broker_host",
    "till_port",
)
_PARTS = ("reference", "by", "on", "until")
APPROVALS = tuple(f"{kind}_{part}" for kind in ApprovalKind for part in _PARTS)
COLUMNS = (*REQUIRED, *OPTIONAL, *APPROVALS)
OF_A_CAMERA = ("window", "camera", "role", "camera_model")
MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong in which line. The value of a camera is shown without its password."""

    line: int
    column: str
    value: str
    message: str


class BadTable(BadInput):
    """The file as a whole is no such table."""


@dataclass(slots=True)
class Group:
    """The rows of one terminal, in the order of the file."""

    device_id: str
    line: int
    rows: list[tuple[int, Mapping[str, str]]] = field(default_factory=list)


class _Bad(Exception):
    """One fault of a row."""

    def __init__(self, line: int, column: str, value: str, message: str) -> None:
        super().__init__(message)
        self.fault = Fault(line=line, column=column, value=shown(value) if column == "camera" else value[:200], message=message)


def groups(path: Path) -> list[Group]:
    """Rows by terminal. Raises BadTable for a file that cannot be read, or whose header lacks a column or has an unknown one."""
    found: dict[str, Group] = {}
    for line, row in _rows(path):
        device_id = row.get("device_id") or f"{row['fixmedins_code']}-t1"
        found.setdefault(device_id, Group(device_id, line)).rows.append((line, row))
    if not found:
        raise BadTable(f"{path} has a header and no row")
    return list(found.values())


def entry(group: Group, *, broker: tuple[str, int]) -> Entry | Fault:
    """What a terminal's rows say, or the first thing that is wrong with them."""
    try:
        merged = _merged(group)
        return Entry(site=_site(group, merged), terminal=_terminal(group, merged, broker), approvals=_approvals(group, merged))
    except _Bad as bad:
        return bad.fault


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadTable(f"{path} has more than {MAX_BYTES} bytes: split it")
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            _require_header(path, reader.fieldnames or ())
            for row in reader:
                if None in row or None in row.values():
                    raise BadTable(f"{path} line {reader.line_num}: has more or fewer values than the header; is a comma not quoted?")
                yield reader.line_num, {name: value.strip() for name, value in row.items()}
    except UnicodeDecodeError:
        raise BadTable(f"{path} is not UTF-8: save it as CSV UTF-8") from None
    except csv.Error as error:
        raise BadTable(f"{path}: {error}") from None


def _require_header(path: Path, header: Sequence[str]) -> None:
    if lacking := [name for name in REQUIRED if name not in header]:
        raise BadTable(f"{path} lacks the column {lacking[0]}; columns are {', '.join(COLUMNS)}")
    if unknown := [name for name in header if name not in COLUMNS]:
        raise BadTable(f"{path} has the unknown column {unknown[0]!r}; columns are {', '.join(COLUMNS)}")
    if len(set(header)) != len(header):
        raise BadTable(f"{path} has a column twice")


def _merged(group: Group) -> dict[str, tuple[int, str]]:
    """Each value of the whole terminal with the line where it stands; further rows may leave it empty or repeat it."""
    found: dict[str, tuple[int, str]] = {}
    for line, row in group.rows:
        for name, value in row.items():
            if name in OF_A_CAMERA or not value:
                continue
            first, told = found.setdefault(name, (line, value))
            if told != value:
                raise _Bad(line, name, value, f"differs from line {first}, which is of the same terminal {group.device_id}")
    return found


def _site(group: Group, merged: Mapping[str, tuple[int, str]]) -> NewSite:
    def text(name: str) -> str:
        return merged.get(name, (group.line, ""))[1]

    line, mode = merged.get("evidence_mode", (group.line, "verdict_only"))
    for name in ("fixmedins_code", "fixmedins_name", "admdvs"):
        if not text(name):
            raise _Bad(group.line, name, "", "is empty")
    try:
        evidence_mode = options.mode(mode)
    except BadInput as error:
        raise _Bad(line, "evidence_mode", mode, str(error)) from None
    return NewSite(
        fixmedins_code=text("fixmedins_code"),
        fixmedins_name=text("fixmedins_name"),
        admdvs=text("admdvs"),
        evidence_mode=evidence_mode,
        legal_basis=text("legal_basis") or None,
        opening_hours=text("opening_hours"),
        notice_version=text("notice_version"),
    )


def _terminal(group: Group, merged: Mapping[str, tuple[int, str]], broker: tuple[str, int]) -> PlannedTerminal:
    line, port = merged.get("till_port", (group.line, "8787"))
    if not port.isdecimal() or len(port) > 5:
        raise _Bad(line, "till_port", port, "is no port")
    cameras: dict[str, PlannedCamera] = {}
    for at, row in group.rows:
        for name in ("window", "camera"):
            if not row[name]:
                raise _Bad(at, name, "", "is empty")
        if row["window"] in cameras:
            raise _Bad(at, "window", row["window"], f"stands twice for terminal {group.device_id}")
        cameras[row["window"]] = _camera(at, row)
    return PlannedTerminal(
        device_id=group.device_id,
        fixmedins_code=merged["fixmedins_code"][1],
        cameras=tuple(cameras.values()),
        broker_host=merged.get("broker_host", (0, broker[0]))[1],
        broker_port=broker[1],
        till_port=int(port),
    )


def _camera(line: int, row: Mapping[str, str]) -> PlannedCamera:
    try:
        role = options.role(row.get("role") or "window")
    except BadInput as error:
        raise _Bad(line, "role", row["role"], str(error)) from None
    return PlannedCamera(window=row["window"], source=row["camera"], role=role, camera_model=row.get("camera_model", ""))


def _approvals(group: Group, merged: Mapping[str, tuple[int, str]]) -> tuple[NewApproval, ...]:
    found = []
    for kind in ApprovalKind:
        told = {part: merged.get(f"{kind}_{part}", (group.line, ""))[1] for part in _PARTS}
        if not any(told.values()):
            continue
        if lacking := [part for part in _PARTS[:3] if not told[part]]:
            raise _Bad(group.line, f"{kind}_{lacking[0]}", "", "is empty, and other columns of this approval are not")
        try:
            found.append(options.approval_of(told | {"kind": kind.value}))
        except BadInput as error:
            raise _Bad(group.line, f"{kind}_on", told["on"], str(error)) from None
    return tuple(found)
