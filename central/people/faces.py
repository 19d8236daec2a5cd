"""Enrolment pictures go through the very same networks as the window's frames; loaded when the first picture comes."""

from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from central.errors import BadInput, Misconfigured
from models.errors import ModelError, PictureRefused, WeightsMissing
from models.pack import Pack, load_pack
from models.picture import decode
from models.results import Template
from models.template import from_picture, from_pictures


class Enroller:
    """Makes templates from picture files. Safe to share between threads."""

    def __init__(self, models_dir: Path | None, long_side: int) -> None:
        """Loads nothing yet, so that a centre without networks can do everything else."""
        self._models_dir = models_dir
        self._long_side = long_side
        self._pack: Pack | None = None
        self._lock = Lock()

    def template(self, psn_no: str, pictures: Sequence[bytes]) -> Template:
        """One picture must show exactly one usable face; several are fused. Raises BadInput naming the person and the reason."""
        if not pictures:
            raise BadInput(f"person {psn_no}: no picture given")
        try:
            decoded = [decode(data) for data in pictures]
            pack = self._loaded()
            with self._lock:
                return from_picture(pack, decoded[0]) if len(decoded) == 1 else from_pictures(pack, decoded)
        except PictureRefused as refused:
            raise BadInput(f"person {psn_no}: picture refused ({refused.reason}): {refused}") from None

    def _loaded(self) -> Pack:
        with self._lock:
            if self._pack is None:
                try:
                    self._pack = load_pack(self._models_dir, long_side=self._long_side)
                except WeightsMissing as error:
                    raise Misconfigured(f"{error}; run `python -m models fetch`") from None
                except ModelError as error:
                    raise Misconfigured(str(error)) from None
            return self._pack
