"""What a reviewer needs to judge one finding: what was seen, against what, and what was billed. Reads only."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from central.captures import service as captures
from central.captures.model import CaptureView, MediaView
from central.cases import service
from central.cases.model import FindingView
from central.claims import service as claims
from central.claims.model import Settlement
from central.errors import NotFound
from central.people import service as people
from contract.events import MediaRole


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One capture, the picture that shows it best, its clip (None: none left the window) and the enrolment picture of its psn_no."""

    capture: CaptureView
    picture: MediaView | None
    clip: MediaView | None
    enrolment_media_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """A finding with everything that its evidence names and that is still here."""

    finding: FindingView
    sightings: tuple[Sighting, ...]
    settlements: tuple[Settlement, ...]

    def capture(self, capture_id: str) -> CaptureView:
        """One of its captures. Raises NotFound for any other."""
        for each in self.sightings:
            if each.capture.capture_id == capture_id:
                return each.capture
        raise NotFound(f"capture {capture_id[:100]!r} does not belong to this finding")

    def shows(self, media_id: str) -> bool:
        """Whether the picture belongs to this finding; nobody sees another one by naming this finding."""
        stored = {media.media_id for each in self.sightings for media in each.capture.media}
        return media_id in stored | {each.enrolment_media_id for each in self.sightings}


def read(db: Connection, jr_id: str) -> Dossier:
    """The dossier of a finding. Raises NotFound for an unknown finding; evidence that is not here any more is left out."""
    finding = service.get(db, jr_id)
    seen = [_capture(db, capture_id) for capture_id in finding.capture_ids]
    return Dossier(
        finding=finding,
        sightings=tuple(_sighting(db, capture) for capture in seen if capture is not None),
        settlements=tuple(_billed(db, finding)),
    )


def _billed(db: Connection, finding: FindingView) -> Iterator[Settlement]:
    """Each settlement that it names: of its persons, wherever they settled, or else the one of that number at its own institution."""
    theirs: dict[str, Settlement] = {}
    for each in claims.of_persons(db, finding.persons, finding.setl_ids):
        if each.setl_id not in theirs or each.fixmedins_code == finding.fixmedins_code:
            theirs[each.setl_id] = each
    for setl_id in finding.setl_ids:
        settlement = theirs.get(setl_id) or _settlement(db, finding.fixmedins_code, setl_id)
        if settlement is not None:
            yield settlement


def _sighting(db: Connection, capture: CaptureView) -> Sighting:
    by_role = {media.role: media for media in capture.media}
    picture = by_role.get(MediaRole.BEST) or by_role.get(MediaRole.SCENE)
    clip = by_role.get(MediaRole.CLIP)
    return Sighting(capture=capture, picture=picture, clip=clip, enrolment_media_id=people.picture_of(db, capture.psn_no))


def _capture(db: Connection, capture_id: str) -> CaptureView | None:
    try:
        return captures.get(db, capture_id)
    except NotFound:
        return None


def _settlement(db: Connection, fixmedins_code: str, setl_id: str) -> Settlement | None:
    try:
        return claims.get(db, fixmedins_code, setl_id)
    except NotFound:
        return None
