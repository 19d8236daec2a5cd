"""Pictures and film of a package: sealed as the device sent them, opened, and what proves that the one is the other."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import Connection

from central.cases.dossier import Dossier
from central.errors import NotFound
from central.evidence import service as evidence
from central.evidence.objects import EvidenceStore
from central.keys import CentreKeys
from central.packages.contents import enrolment_pictures, readable
from central.packages.writer import Member
from contract.sealed import Untrusted, to_text

_ENDINGS: Mapping[str, str] = {"image/jpeg": "jpg", "video/webm": "webm"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One object of the finding: whose it is, and why it does not come where `absent` is set (a code)."""

    media_id: str
    role: str
    capture_id: str | None
    absent: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One opened picture or clip, by its member, for the readable report."""

    wanted: Wanted
    member: str
    sha256: str
    content: bytes | None
    """None for film, which paper cannot show."""


def wanted(read: Dossier) -> tuple[Wanted, ...]:
    """Every object of the finding's captures, and the enrolment pictures with which it compares."""
    found: dict[str, Wanted] = {}
    for each in read.sightings:
        for one in each.capture.media:
            absent = "erased" if one.erased else None if one.stored else "on_its_way"
            found[one.media_id] = Wanted(media_id=one.media_id, role=one.role, capture_id=each.capture.capture_id, absent=absent)
    for media_id in sorted(enrolment_pictures(read)):
        found[media_id] = Wanted(media_id=media_id, role="enrolment", capture_id=None, absent=None)
    return tuple(found.values())


def open_all(
    db: Connection,
    keys: CentreKeys,
    files: EvidenceStore,
    objects: tuple[Wanted, ...],
    shown: list[Shown],
    progress: Callable[[str], None],
) -> Iterator[Member]:
    """The members of each object that is here, one at a time; adds to `shown` what came. Ends with `media.json`, which names every object.

    Looks are logged before this, not here. An object that cannot be opened any more is named with the reason and left out.
    """
    listed = []
    for number, each in enumerate(objects, start=1):
        absent = each.absent
        if absent is None:
            try:
                yield from _members(db, keys, files, each, shown)
            except (NotFound, Untrusted) as error:
                absent = "unreadable" if isinstance(error, Untrusted) else "lost"
        progress(f"{number} of {len(objects)} pictures and clips")
        listed.append({"media_id": each.media_id, "role": each.role, "capture_id": each.capture_id, "absent": absent})
    yield Member(name="media.json", what="media", content=readable(listed))


def _members(db: Connection, keys: CentreKeys, files: EvidenceStore, each: Wanted, shown: list[Shown]) -> Iterator[Member]:
    opened = evidence.open_for_proof(db, keys, files, each.media_id)
    name = f"media/{each.media_id}.{_ENDINGS[opened.content_type]}"
    told = {
        "media_id": each.media_id,
        "origin": "centre" if each.capture_id is None else "device",
        "role": each.role,
        "capture_id": each.capture_id,
        "content_type": opened.content_type,
        "purpose": opened.purpose,
        "opened": name,
        "recipient": to_text(keys.seal_public),
        "secret": opened.secret.hex(),
    }
    yield Member(name=f"media/{each.media_id}.sealed", what="sealed", content=opened.sealed)
    yield Member(name=name, what="opened", content=opened.content)
    yield Member(name=f"media/{each.media_id}.json", what="opening", content=readable(told))
    picture = opened.content if opened.content_type == "image/jpeg" else None
    shown.append(Shown(wanted=each, member=name, sha256=sha256(opened.content).hexdigest(), content=picture))
