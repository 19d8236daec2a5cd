"""Enrolment pictures go through the very same networks as the window's frames; loaded when the first picture comes."""

from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from central.errors import BadInput, Misconfigured
from central.settings import PeopleSettings
from models.errors import ModelError, PictureRefused, WeightsMissing
from models.pack import Pack, load_pack, with_own_embedder
from models.picture import decode
from models.results import Template
from models.template import from_picture, from_pictures


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
        """For each of `versions`, or for one of them only. One picture must show exactly one usable face; several are fused.

        Raises BadInput naming the person and the reason, or Misconfigured.
        """
        if not pictures:
            raise BadInput(f"person {psn_no}: no picture given")
        try:
            decoded = [decode(data) for data in pictures]
            packs = [pack for pack in self._loaded() if only in (None, pack.embedder.version)]
            with self._lock:
                return tuple(from_picture(pack, decoded[0]) if len(decoded) == 1 else from_pictures(pack, decoded) for pack in packs)
        except PictureRefused as refused:
            raise BadInput(f"person {psn_no}: picture refused ({refused.reason}): {refused}") from None

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
