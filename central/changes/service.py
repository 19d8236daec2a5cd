"""Queue what came or changed, in the transaction that writes it; hand it to the reconciliation; forget it when that is done.

News lost here delays a suspicion until the next full run and loses nothing else, so whoever writes claims, captures or registers notes it,
and nobody else needs to know who reads them.
"""

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection

from central.changes import store
from central.changes.model import MANY, Change, ChangeKind, Pending

_KINDS = {kind.value: kind for kind in ChangeKind}


def note(db: Connection, news: Iterable[Change]) -> None:
    """Queue news; of very many only that there were many."""
    rows = [{"kind": each.kind.value, "place": each.place, "name": each.name} for each in dict.fromkeys(news)]
    if len(rows) > MANY:
        note_all(db)
    else:
        store.add(db, rows)


def note_all(db: Connection) -> None:
    """Queue that everything is to be compared anew."""
    store.add(db, [{"kind": ChangeKind.EVERYTHING.value, "place": None, "name": None}])


def any_pending(db: Connection) -> bool:
    """Whether there is news. Costs one look at an index."""
    return store.any_here(db)


def pending(db: Connection) -> Pending:
    """The news that this transaction sees, the oldest first, no more than can be looked at one by one; then `whole` is true."""
    rows = store.oldest(db, MANY + 1)
    news = frozenset(Change(kind=_kind(row["kind"]), place=row["place"], name=row["name"]) for row in rows)
    whole = len(rows) > MANY or any(each.kind is ChangeKind.EVERYTHING for each in news)
    return Pending(numbers=tuple(store.numbers(db) if whole else (row["change_id"] for row in rows)), changes=news, whole=whole)


def _kind(text: str) -> ChangeKind:
    """What another version of this program calls otherwise may be about everything."""
    return _KINDS.get(text, ChangeKind.EVERYTHING)


def numbers(db: Connection) -> tuple[int, ...]:
    """The numbers of all news, in order: what a comparison of everything covers."""
    return tuple(store.numbers(db))


def done(db: Connection, numbers: Iterable[int]) -> None:
    """Forget news that was reconciled, given in order. Only what was seen: a number given earlier may be committed later."""
    for first, last in _ranges(numbers):
        store.remove(db, first, last)


def _ranges(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Runs of numbers without a gap."""
    first = last = None
    for number in numbers:
        if first is not None and last is not None and number != last + 1:
            yield first, last
            first = number
        first, last = number if first is None else first, number
    if first is not None and last is not None:
        yield first, last
