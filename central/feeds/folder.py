"""A folder with one file for each dataset, as `scripts/simulate.py` writes it: a comparison without a database."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from central.errors import BadInput
from central.feeds.files import Source, look_at
from central.feeds.model import Batch, Count, Fault, Spec
from central.feeds.reading import read
from central.feeds.seen import Seen, hashes
from central.inputs import SCHEMAS, shaped

_FIRST_FAULTS = 1000
_NEWS = 1_000_000
_ENDINGS = (".parquet", ".csv")
_TABLES = {"claims": "settlements"}
Progress = Callable[[str], None]


class Folder:
    """The datasets of a folder. Each can be read once or more; `counts` says what the last reading of each found."""

    def __init__(self, path: Path, specs: Mapping[str, Spec], progress: Progress) -> None:
        """Look at every file. Raises BadInput for one that cannot be read, for two of one dataset, and for a folder with none."""
        self._progress = progress
        self._sources = {name: (spec, source) for name, spec in specs.items() if (source := _source(path, spec)) is not None}
        if not self._sources:
            raise BadInput(f"{path}: no file here is named as a dataset: {', '.join(specs)}, each .csv or .parquet")
        self.counts: dict[str, Count] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The tables that are here, by their names in `central.inputs`."""
        return tuple(_TABLES.get(name, name) for name in self._sources)

    def source(self, name: str) -> Source:
        """The file of a table. Raises KeyError."""
        return self._found(name)[1]

    def stream(self, name: str) -> pa.RecordBatchReader:
        """A table in its schema, batch by batch, never all of it in memory. Raises KeyError."""
        return pa.RecordBatchReader.from_batches(SCHEMAS[name], self._batches(name))

    def table(self, name: str) -> pa.Table:
        """A whole table in its schema; empty if its file is not here."""
        return self.stream(name).read_all() if name in self.names else SCHEMAS[name].empty_table()

    def _found(self, name: str) -> tuple[Spec, Source]:
        return next(found for dataset, found in self._sources.items() if _TABLES.get(dataset, dataset) == name)

    def _batches(self, name: str) -> Iterator[pa.RecordBatch]:
        spec, source = self._found(name)
        count = self.counts[name] = Count()
        once = _Once(source, spec)
        for batch in read(source, spec):
            count.rows += batch.read
            count.bad += batch.bad
            count.faults.extend(batch.faults[: _FIRST_FAULTS - len(count.faults)])
            if count.rows // _NEWS != (count.rows - batch.read) // _NEWS:
                self._progress(f"{source.name}: {count.rows} rows")
            yield from shaped(name, pa.Table.from_batches([once.take(batch)])).to_batches()
        once.settle(count)


class _Once:
    """The rows of a file that stand: not taken back, the first of their key. A later one with other content is a fault."""

    def __init__(self, source: Source, spec: Spec) -> None:
        self._source, self._spec = source, spec
        self._seen = Seen()
        self._taken_back = _taken_back(source, spec)
        self._again: list[NDArray[np.int64]] = []
        self._withdrawn = 0

    def take(self, batch: Batch) -> pa.RecordBatch:
        """Those of a batch."""
        rows, keys = batch.rows, hashes(batch.rows, self._spec.key)
        stands = _valid(self._spec, batch)
        if self._taken_back:
            stands &= batch.lines > np.fromiter((self._taken_back.get(key, 0) for key in keys.tolist()), np.int64, len(keys))
        self._withdrawn += int((~stands).sum())
        lines, chosen = batch.lines[stands], rows if stands.all() else rows.filter(pa.array(stands))
        new, firsts = self._seen.take(keys[stands], lines)
        if new.all():
            return chosen
        again = chosen.filter(pa.array(~new))
        self._again.append(np.stack([firsts[~new], lines[~new], hashes(again, again.schema.names)], axis=1))
        return chosen.filter(pa.array(new))

    def settle(self, count: Count) -> None:
        """Compare what stood twice: the file is read once more, but only where something did."""
        count.withdrawn = self._withdrawn
        if not self._again:
            return
        again = np.concatenate(self._again)
        contents = dict(self._contents(again[:, 0]))
        differs = np.fromiter((contents[first] != content for first, _, content in again.tolist()), bool, len(again))
        count.repeated = int((~differs).sum())
        count.bad += int(differs.sum())
        for first, line, _ in again[differs][: max(0, _FIRST_FAULTS - len(count.faults))].tolist():
            message = f"stands twice in this file with different content; the first row counts (line {first})"
            count.faults.append(Fault(line=line, column=self._spec.key[-1], value="", message=message))

    def _contents(self, lines: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
        for batch in read(self._source, self._spec):
            wanted = np.isin(batch.lines, lines)
            if wanted.any():
                rows = batch.rows.filter(pa.array(wanted))
                yield from zip(batch.lines[wanted].tolist(), hashes(rows, rows.schema.names).tolist(), strict=True)


def open_folder(path: Path, specs: Mapping[str, Spec], progress: Progress = lambda _: None) -> Folder:
    """A folder of files. Raises BadInput."""
    if not path.is_dir():
        raise BadInput(f"{path}: there is no such folder")
    return Folder(path, specs, progress)


def whenever() -> tuple[date, datetime]:
    """The span of times that a simulated folder may have: no clock of ours says when its month was."""
    return date(2000, 1, 1), datetime(2099, 1, 1, tzinfo=UTC)


def _source(path: Path, spec: Spec) -> Source | None:
    found = [path / f"{name}{ending}" for name in (spec.name, *spec.also) for ending in _ENDINGS]
    found = [file for file in found if file.is_file()]
    if len(found) > 1:
        raise BadInput(f"{path}: {' and '.join(file.name for file in found)} hold the same dataset; keep one")
    return look_at(found[0], spec) if found else None


def _taken_back(source: Source, spec: Spec) -> dict[int, int]:
    """Of each key that the file takes back (by its hash) the last line that does so; only read where it has such a column."""
    found: dict[int, int] = {}
    if spec.valid is None or spec.valid not in source.header.places:
        return found
    for batch in read(source, spec):
        gone = ~_valid(spec, batch)
        if gone.any():
            keys = hashes(batch.rows.filter(pa.array(gone)), spec.key)
            found.update(zip(keys.tolist(), batch.lines[gone].tolist(), strict=True))
    return found


def _valid(spec: Spec, batch: Batch) -> NDArray[np.bool_]:
    if spec.valid is None:
        return np.ones(batch.rows.num_rows, bool)
    return np.asarray(batch.rows[spec.valid].fill_null(1).to_numpy(zero_copy_only=False) != 0)
