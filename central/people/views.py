"""What the pages of the register show: pages of rows, and fields of forms as people type them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import Connection

from central.errors import BadInput
from central.people import lists, service, store
from central.people.days import after_day, read_day
from central.settings import PeopleSettings

C = TypeVar("C", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """One page; `total` counts all pages."""

    rows: tuple[Any, ...]
    total: int
    page: int
    size: int


class Only(StrEnum):
    """Which people a list shows."""

    ALL = ""
    RENEWAL = "renewal"
    """Whose newest picture is too old."""
    BASIS = "basis"
    """Whose basis is over."""


def people(db: Connection, beginning: str, only: Only, settings: PeopleSettings, *, now: datetime, page: int, size: int) -> Rows:
    """People whose number begins so, all or only some, in order."""
    among = {Only.RENEWAL: store.taken_before(old_before(settings, now)), Only.BASIS: store.basis_over(now)}.get(only)
    rows, total = store.page(db, beginning, among=among, offset=(page - 1) * size, size=size)
    return _rows(rows, total, page, size)


def staff(db: Connection, *, page: int, size: int) -> Rows:
    """Who is staff where."""
    rows, total = store.of_role(db, "staff", offset=(page - 1) * size, size=size)
    return _rows(rows, total, page, size)


def proxies(db: Connection, *, page: int, size: int) -> Rows:
    """The register of proxies, the newest first."""
    rows, total = lists.proxy_page(db, offset=(page - 1) * size, size=size)
    return _rows(rows, total, page, size)


def exemptions(db: Connection, *, page: int, size: int) -> Rows:
    """The exceptions, the newest first."""
    rows, total = lists.exemption_page(db, offset=(page - 1) * size, size=size)
    return _rows(rows, total, page, size)


def watches(db: Connection, *, page: int, size: int) -> Rows:
    """The watch list, the newest first."""
    rows, total = lists.watch_page(db, offset=(page - 1) * size, size=size)
    return _rows(rows, total, page, size)


def duplicates(db: Connection, *, undecided: bool, page: int, size: int) -> Rows:
    """Doubtful identities, the newest first."""
    rows, total = lists.duplicate_page(db, undecided=undecided, offset=(page - 1) * size, size=size)
    return Rows(rows=tuple(service.duplicate_of(row) for row in rows), total=total, page=page, size=size)


def registers(db: Connection, *, page: int, size: int) -> Rows:
    """Registers that were read, each with its lines by state."""
    rows, total = lists.register_page(db, offset=(page - 1) * size, size=size)
    states = lists.register_states(db, [row["register_id"] for row in rows])
    return Rows(rows=tuple(dict(row) | {"states": states[row["register_id"]]} for row in rows), total=total, page=page, size=size)


def old_before(settings: PeopleSettings, now: datetime) -> datetime:
    """Pictures taken before then are due for renewal."""
    return now - timedelta(days=settings.template_days)


def chosen(kind: type[C], text: str) -> C:
    """The choice of a list. Raises BadInput."""
    try:
        return kind(text)
    except ValueError:
        raise BadInput(f"{text[:40]!r} is none of {', '.join(kind)}") from None


def day(text: str) -> datetime | None:
    """The beginning of a day; None for an empty field. Raises BadInput."""
    return read_day(text) if text.strip() else None


def last_day(text: str) -> datetime | None:
    """The end of a day; None for an empty field. Raises BadInput."""
    begin = day(text)
    return None if begin is None else after_day(begin.date())


def state_of(row: Mapping[str, Any], now: datetime) -> str:
    """Where an entry with an end stands: waiting (for a second person), standing, ended (by somebody) or over (by itself)."""
    end = row["valid_until"] if "valid_until" in row else row["valid_to"]
    if row["ended_at"] is not None:
        return "ended"
    if end is not None and end <= now:
        return "over"
    return "waiting" if "confirmed_at" in row and row["confirmed_at"] is None else "standing"


def _rows(rows: Any, total: int, page: int, size: int) -> Rows:
    return Rows(rows=tuple(dict(row) for row in rows), total=total, page=page, size=size)
