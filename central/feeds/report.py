"""What an import says of itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from central.china import local_text
from central.feeds.model import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """What a file is said to be complete for: from a moment to another (excluded), at these sites or, with none, at all of them."""

    since: datetime
    until: datetime
    sites: tuple[str, ...] = ()

    def __str__(self) -> str:
        """For people."""
        where = f" at {', '.join(self.sites)}" if self.sites else ""
        return f"{local_text(self.since)} to {local_text(self.until)}{where}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did, or would do. Every row is exactly one of new, changed, same, bad and invalid (taken back by the row itself).

    `withdrawn` rows were here and are not in a file that was said to be complete; `kept_back` would have been, but were left because of
    `why_kept_back`. A refused row has one or more faults, of which the first twenty are here. `remarked` counts kept rows with something
    odd (`remark`). `personal_columns` were in the file and were not read. `resumed_after`: rows before it are of an earlier attempt.
    """

    import_id: int | None
    dataset: str
    source: str
    encoding: str
    dry_run: bool
    rows: int
    new: int
    changed: int
    same: int
    bad: int
    invalid: int
    withdrawn: int
    remarked: int
    remark: str
    faults: int
    first_faults: tuple[Fault, ...]
    unknown_columns: tuple[str, ...]
    personal_columns: tuple[str, ...]
    resumed_after: int | None
    kept_back: int
    why_kept_back: str
    seconds: float

    def lines(self, *, cells: bool = True) -> Iterator[str]:
        """The report as lines for a terminal; without `cells` for a log, which is no place for what refused cells hold."""
        name = "dry run, nothing was stored" if self.dry_run else f"import {self.import_id}"
        taken = "with vali_flag 0" if self.dataset == "claims" else "taken back"
        counts = f"{self.rows} rows: {self.new} new, {self.changed} changed, {self.same} same, {self.bad} refused, {self.invalid} {taken}"
        yield f"{self.source} ({self.encoding}), {name}: {counts}, {self.withdrawn} withdrawn, {self.seconds:.1f} s"
        if self.resumed_after:
            yield f"went on at line {self.resumed_after}, where an earlier attempt had stopped; its rows are counted"
        if self.kept_back:
            yield f"{self.kept_back} rows that the file does not name were not withdrawn: {self.why_kept_back}"
        if self.remarked:
            yield f"{self.remarked} kept rows {self.remark}"
        if self.unknown_columns:
            yield f"unknown columns, ignored ({len(self.unknown_columns)}): {', '.join(self.unknown_columns)}"
        if self.personal_columns:
            yield f"columns that identify persons, not read: {', '.join(self.personal_columns)}"
        for fault in self.first_faults:
            value = f"{fault.value!r}: " if cells else ""
            yield f"line {fault.line}, {fault.column or 'row'}: {value}{fault.message}"
        if self.faults > len(self.first_faults):
            yield f"{self.faults} faults in all: --faults FILE writes each of them"
