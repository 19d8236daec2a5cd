"""What kinds of news there are for a reconciliation. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

MANY = 20_000
"""More news than this at once, and everything is compared anew: that is sooner done."""


class ChangeKind(StrEnum):
    """What a change is about, and what `place` and `name` hold then."""

    SETTLEMENT = "settlement"
    """fixmedins_code, setl_id: what the claims say of it, its lines among that."""
    SESSION = "session"
    """fixmedins_code, msgid: a capture, what bound or voided it, or what a clerk stated."""
    CAPTURE = "capture"
    """None, capture_id: whether it is to be believed."""
    SITE = "site"
    """fixmedins_code, None: its hours, staff, stays, rounds, stock."""
    WATCH = "watch"
    """fixmedins_code, None: how much its windows saw, and how far its terminals have told."""
    PERSON = "person"
    """None, psn_no: proxies, exemptions, filings, what is registered of him."""
    STAFF = "staff"
    """None, national code of a doctor or pharmacist: places of work, sign-ins."""
    EVERYTHING = "everything"
    """None, None: too much to name, or nobody knows what hangs on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One piece of news."""

    kind: ChangeKind
    place: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """News with the numbers under which it is queued. `whole`: all has to be compared anew."""

    numbers: tuple[int, ...]
    changes: frozenset[Change]
    whole: bool

    def named(self, kind: ChangeKind) -> list[tuple[str | None, str | None]]:
        """(place, name) of the news of one kind, in order."""
        return sorted(((each.place, each.name) for each in self.changes if each.kind is kind), key=str)


def settlements(keys: Iterable[tuple[str, str]]) -> list[Change]:
    """News of settlements by (fixmedins_code, setl_id)."""
    return [Change(kind=ChangeKind.SETTLEMENT, place=place, name=name) for place, name in dict.fromkeys(keys)]


def sessions(keys: Iterable[tuple[str, str]]) -> list[Change]:
    """News of sessions by (fixmedins_code, msgid)."""
    return [Change(kind=ChangeKind.SESSION, place=place, name=name) for place, name in dict.fromkeys(keys)]


def persons(numbers: Collection[str]) -> list[Change]:
    """News of persons."""
    return [Change(kind=ChangeKind.PERSON, name=name) for name in dict.fromkeys(numbers)]
