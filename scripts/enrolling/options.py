"""What people write on the command line and in tables, read strictly."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from central.enrolment.model import PlannedCamera
from central.errors import BadInput
from central.sites.model import ApprovalKind, NewApproval
from contract.events import CameraRole, EvidenceMode

APPROVAL_FORM = "KIND=REFERENCE,APPROVER,YYYY-MM-DD[,UNTIL]"


def cameras(windows: Sequence[str], roles: Sequence[str] = (), models: Sequence[str] = ()) -> tuple[PlannedCamera, ...]:
    """Read `NAME=CAMERA`, and `NAME=ROLE` and `NAME=MODEL` for the same names. Raises BadInput.

    `NAME=@FILE` takes the address from a file, so that its password is in no list of processes.
    """
    sources = _pairs(windows, "window", "write NAME=CAMERA, for example W1=rtsp://camera/stream or W1=0")
    told_roles = dict(_pairs(roles, "role", f"write NAME=ROLE with one of {', '.join(CameraRole)}"))
    told_models = dict(_pairs(models, "camera model", "write NAME=MODEL, for example W1='MAKER MODEL'"))
    names = [name for name, _ in sources]
    if unknown := [name for name in (*told_roles, *told_models) if name not in names]:
        raise BadInput(f"{unknown[0]!r} is none of the windows {', '.join(names)}")
    return tuple(
        PlannedCamera(
            window=name,
            source=_from_file(source[1:]) if source.startswith("@") else source,
            role=role(told_roles.get(name, CameraRole.WINDOW)),
            camera_model=told_models.get(name, ""),
        )
        for name, source in sources
    )


def role(text: str) -> CameraRole:
    """A camera's role. Raises BadInput."""
    try:
        return CameraRole(text)
    except ValueError:
        raise BadInput(f"{text[:40]!r} is no role of a camera: one of {', '.join(CameraRole)}") from None


def mode(text: str) -> EvidenceMode:
    """An evidence mode. Raises BadInput."""
    try:
        return EvidenceMode(text)
    except ValueError:
        raise BadInput(f"{text[:40]!r} is no evidence mode: one of {', '.join(EvidenceMode)}") from None


def approval(text: str) -> NewApproval:
    """Read KIND=REFERENCE,APPROVER,DAY[,UNTIL]. Raises BadInput."""
    kind, _, rest = text.partition("=")
    parts = [part.strip() for part in rest.split(",")]
    if len(parts) not in {3, 4}:
        raise BadInput(f"approval {text[:80]!r}: write {APPROVAL_FORM}")
    return approval_of({"kind": kind, "reference": parts[0], "by": parts[1], "on": parts[2], "until": parts[3] if len(parts) == 4 else ""})


def approval_of(told: Mapping[str, str]) -> NewApproval:
    """An approval from its five parts. Raises BadInput."""
    try:
        kind = ApprovalKind(told["kind"])
    except ValueError:
        raise BadInput(f"{told['kind'][:40]!r} is no kind of approval: one of {', '.join(ApprovalKind)}") from None
    return NewApproval(
        kind=kind,
        reference=told["reference"],
        approved_by=told["by"],
        approved_on=day(told["on"]),
        valid_until=day(told["until"]) if told["until"] else None,
    )


def day(text: str) -> date:
    """A day. Raises BadInput."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text[:40]!r} is no day: write yyyy-mm-dd") from None


def _pairs(texts: Sequence[str], what: str, way_out: str) -> list[tuple[str, str]]:
    pairs = [(name, value) for name, _, value in (text.partition("=") for text in texts)]
    if wrong := [text for text, (name, value) in zip(texts, pairs, strict=True) if not name or not value]:
        raise BadInput(f"{what} {wrong[0][:40]!r}: {way_out}")
    return pairs


def _from_file(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"camera address file {path}: {error}") from None
