"""What other rooms use of feeds: the specifications of every dataset, and their readers."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from central.feeds import folder
from central.feeds.claims import claims
from central.feeds.datasets import registers, site_code
from central.feeds.files import Source, look_at
from central.feeds.folder import Folder, Progress
from central.feeds.model import Batch, Spec
from central.feeds.reading import read
from central.feeds.watching import watching
from central.settings import ClaimSettings


def specs(settings: ClaimSettings, *, now: datetime) -> Mapping[str, Spec]:
    """Every dataset that the centre's database takes from outside, by name: claims and the registers."""
    site = site_code(settings.fixmedins_pattern)
    first = claims(site, earliest=settings.earliest, latest=now + timedelta(hours=settings.future_hours))
    return {spec.name: spec for spec in (first, *registers(site))}


def folder_specs(settings: ClaimSettings) -> Mapping[str, Spec]:
    """Every dataset that a folder may hold: those of the database, captures and coverage; of any year up to 2098."""
    site = site_code(settings.fixmedins_pattern)
    earliest, latest = folder.whenever()
    each = (claims(site, earliest=min(earliest, settings.earliest), latest=latest), *registers(site), *watching(site))
    return {spec.name: spec for spec in each}


def read_folder(path: Path, *, settings: ClaimSettings | None = None, progress: Progress = lambda _: None) -> Folder:
    """The datasets of a folder, one file each, by the names and in the schemas of `central.inputs` (claims are `settlements`).

    Raises BadInput for a folder or a file that cannot be read as a whole; refused rows are counted and named in `counts`.
    """
    return folder.open_folder(path, folder_specs(settings or ClaimSettings()), progress)


def open_file(path: Path, spec: Spec) -> Source:
    """Look at a file from end to end. Raises BadInput for what cannot be read as a whole."""
    return look_at(path, spec)


def batches(source: Source, spec: Spec, after: int | None = None) -> Iterator[Batch]:
    """Its rows as typed batches, from line `after` on. Raises BadInput."""
    return read(source, spec, after)
