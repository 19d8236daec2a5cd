"""What a room that keeps a dataset hands over to be imported into: its tables."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Table

from central.changes.model import Change
from central.feeds.intake import Key
from central.feeds.model import Spec

__all__ = ["Kept", "Key"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A dataset and where it is kept. `table` says what is true now, `versions` what was said before.

    `table` has the spec's columns (but `valid`), row_sha256 and import_id; a key column that is empty is kept as "". `digested` names the
    columns in the order in which a row's hash is made of them; `later` are left out of it where they are null, for they were added when
    rows had hashes already. `versions` has a dataset and a key, or the key's columns. `first`: a column of the table that says when a row
    first came, whatever a file says. `news`: what a reconciliation has to look at
    again when rows with these keys came, changed or went.
    """

    spec: Spec
    table: Table
    versions: Table
    digested: tuple[str, ...]
    later: tuple[str, ...] = ()
    first: str | None = None
    news: Callable[[Sequence[Key]], Iterable[Change]]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that are stored."""
        return tuple(column.name for column in self.spec.columns if column.name not in {self.spec.valid, self.first})
