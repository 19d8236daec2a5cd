"""Enrolment pictures go through the very same networks as the window's frames; loaded when the first picture comes."""

from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from central.errors import BadInput, Misconfigured
from central.people.model import PictureUnusable
from central.settings import PeopleSettings
from models.errors import ModelError, PictureRefused, WeightsMissing
from models.pack import Pack, load_pack, with_own_embedder
from models.picture import decode
from models.quality import ENROLMENT, measure
from models.quality_components import assess
from models.results import Picture, Template
from models.template import from_picture, from_pictures

COVERED = frozenset({"eyes_covered", "mouth_covered", "face_covered"})
"""Only hints at a window, where nobody is made to uncover. A template lasts for years, so here they are reasons."""


class Enroller:
    """Makes templates from picture files, one for each network in use. Safe to share between threads."""

    def __init__(self, models_dir: Path | None, settings: PeopleSettings) -> None:
        """Loads nothing yet, so that a centre without networks can do everything else."""
        self._models_dir = models_dir
        self._settings = settings
        self._packs: tuple[Pack, ...] = ()
        self._lock = Lock()

    @property
    def versions(self) -> tuple[str, ...]:
        """The networks in use: the one in force, then the next one if there is one. Raises Misconfigured."""
        return tuple(pack.embedder.version for pack in self._loaded())

    def templates(self, psn_no: str, pictures: Sequence[bytes], only: str | None = None) -> tuple[Template, ...]:
        """For each of `versions`, or for one of them only. One picture must show exactly one usable, bare face; several are fused.

        Raises PictureUnusable naming the person and the reasons, BadInput without a picture, or Misconfigured.
        """
        if not pictures:
            raise BadInput(f"person {psn_no}: no picture given")
        packs = [pack for pack in self._loaded() if only in (None, pack.embedder.version)]
        try:
            decoded = [decode(data) for data in pictures]
            with self._lock:
                made = tuple(from_picture(pack, decoded[0]) if len(decoded) == 1 else from_pictures(pack, decoded) for pack in packs)
                covered = _covered(packs[0], decoded[0]) if len(decoded) == 1 and packs else ()
        except PictureRefused as refused:
            raise PictureUnusable(psn_no, refused.problems or (refused.reason,), str(refused)) from None
        if covered:
            raise PictureUnusable(psn_no, covered, "something covers the face; take another picture of the bare face")
        return made

    def _loaded(self) -> tuple[Pack, ...]:
        with self._lock:
            if not self._packs:
                try:
                    self._packs = self._load()
                except WeightsMissing as error:
                    raise Misconfigured(f"{error}; run `python -m models fetch`") from None
                except ModelError as error:
                    raise Misconfigured(str(error)) from None
            return self._packs

    def _load(self) -> tuple[Pack, ...]:
        wanted = self._settings
        pack = load_pack(self._models_dir, long_side=wanted.picture_long_side)
        now = with_own_embedder(pack, wanted.embedder, wanted.licence) if wanted.embedder else pack
        return (now, with_own_embedder(pack, wanted.next_embedder, wanted.next_licence)) if wanted.next_embedder else (now,)


def _covered(pack: Pack, picture: Picture) -> tuple[str, ...]:
    """What covers the one face of a picture that is good enough otherwise."""
    faces = [face for face in pack.detector.detect(picture) if face.score >= ENROLMENT.score]
    if len(faces) != 1:
        return ()
    found = assess(picture, faces[0], measure(picture, faces[0]), ENROLMENT)
    return tuple(code for code in found.reasons if code in COVERED)
