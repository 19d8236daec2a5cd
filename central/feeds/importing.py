"""Take a file into the tables that keep its dataset: slice by slice, each in a transaction of its own, from where it stopped.

A dry run goes the same way and writes nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import JsonValue
from sqlalchemy import Connection, Engine

from central.audit import service as audit
from central.changes import service as changes
from central.changes.model import MANY
from central.db import reading, to_micros
from central.errors import Conflict
from central.feeds import canonical, keeping, store
from central.feeds.base import Kept
from central.feeds.files import Source
from central.feeds.intake import ABSENT, Decision, Key, decide
from central.feeds.keeping import Scope
from central.feeds.ledgers import Ledger, Stored, Tried
from central.feeds.model import Batch, Fault, Spec, shown
from central.feeds.reading import read
from central.feeds.report import ImportReport, Period

_SLICE = 5000
"""Rows in a transaction: other writers wait some tenths of a second at most."""

_NEWS = 2 * _SLICE
_FIRST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What to import, where to, for whom. `most_withdrawn` is the share of a period's rows that one file may withdraw."""

    engine: Engine
    kept: Kept
    source: Source
    kind: str
    actor: str
    now: datetime
    progress: Callable[[str], None] = lambda _: None
    period: Period | None = None
    most_withdrawn: float = 0.05


@dataclass(slots=True, kw_only=True)
class _State:
    """What was counted so far, and where the next part begins; `import_id` is None in a dry run."""

    import_id: int | None
    after: int | None
    tally: Counter[str]
    resumed_after: int | None = None
    noted: int = 0
    first_faults: list[Fault] = field(default_factory=list)

    @property
    def number(self) -> int:
        """The import's number, which a dry run has none of."""
        assert self.import_id is not None  # noqa: S101 - only a real import asks
        return self.import_id


def take(task: Task) -> ImportReport:
    """Import a file. Repeatable: what is here already counts as same; other content under a known key counts as changed and the old version
    is kept; a second row under one key with other content is a fault. A stopped import goes on where it stopped when it is started again.

    Raises Conflict if another process imports the same file, BadInput for what only shows while reading.
    """
    clock = monotonic()
    with task.engine.begin() as db:
        state = _begin(db, task)
    for part in _parts(task, state.after):
        with task.engine.begin() as db:
            if task.kind != "push":
                keeping.with_room(db)
            decision = _take_part(task, state, part, Stored(db, task.kept, state.number, task.now))
            _note(db, task, state, [*decision.stated, *decision.removed])
            store.add_faults(db, state.number, part.told)
            _advance(db, state, part.after)
        _news(task, state, part.read)
    kept_back, why = _withdraw(task, state)
    seconds = monotonic() - clock
    with task.engine.begin() as db:
        _finish(db, task, state, seconds)
    return _report(task, state, seconds, kept_back=kept_back, why=why)


def try_out(task: Task, told: Callable[[Fault], None] = lambda _: None) -> ImportReport:
    """What `take` would do; writes nothing to the database. `told` hears every fault."""
    clock = monotonic()
    state = _State(import_id=None, after=None, tally=Counter())
    scope = None if task.period is None else _scope(task.period)
    with closing(Tried(task.engine, task.kept, scope)) as ledger:
        for part in _parts(task, None):
            _take_part(task, state, part, ledger)
            for fault in part.told:
                told(fault)
            _news(task, state, part.read)
        kept_back, why = _would_withdraw(task, state, ledger)
    return _report(task, state, monotonic() - clock, kept_back=kept_back, why=why)


@dataclass(slots=True, kw_only=True)
class _Part:
    """Some rows with their lines, how many were read with the refused ones, and what was told of these; `after` is the next line."""

    rows: pa.RecordBatch
    lines: NDArray[np.int64]
    read: int
    bad: int
    told: list[Fault]
    after: int


def _parts(task: Task, after: int | None) -> Iterator[_Part]:
    """What one transaction takes in each."""
    for batch in read(task.source, task.kept.spec, after):
        yield from _slices(batch)


def _slices(batch: Batch) -> Iterator[_Part]:
    """Parts of a batch between lines, so that each line's row or faults are in one transaction."""
    ends = [*batch.lines[_SLICE::_SLICE].tolist(), batch.after]
    refused = np.unique(np.array([fault.line for fault in batch.faults], np.int64))
    told = np.array([fault.line for fault in batch.faults], np.int64)
    begin = 0
    for end in ends:
        first, last = np.searchsorted(batch.lines, (begin, end)).tolist()
        bad = int(np.searchsorted(refused, end) - np.searchsorted(refused, begin))
        faults = list(batch.faults[np.searchsorted(told, begin) : np.searchsorted(told, end)])
        rows = batch.rows.slice(first, last - first)
        yield _Part(rows=rows, lines=batch.lines[first:last], read=last - first + bad, bad=bad, told=faults, after=end)
        begin = end


def _take_part(task: Task, state: _State, part: _Part, ledger: Ledger) -> Decision:
    kept, spec = task.kept, task.kept.spec
    digests = canonical.digests(part.rows, spec, kept.digested, kept.later)
    keys = _keys(kept, part.rows)
    gone = [False] * len(keys) if spec.valid is None else [flag == 0 for flag in part.rows[spec.valid].to_pylist()]
    held = ledger.held(list(dict.fromkeys(keys)))
    decision = decide(keys, digests, gone, held, ledger.import_id)
    ledger.apply(decision, part.rows, digests)
    twice = [_twice(spec, int(part.lines[place]), keys[place]) for place in decision.twice]
    part.told = sorted([*part.told, *twice], key=lambda fault: fault.line)
    state.tally.update(decision.tally)
    state.tally.update(rows=part.read, bad=part.bad, faults=len(part.told), remarked=_remarked(task, part.rows, keys, decision))
    state.first_faults.extend(part.told[: _FIRST - len(state.first_faults)])
    return decision


def _twice(spec: Spec, line: int, key: Key) -> Fault:
    column = next(column for column in spec.columns if column.name == spec.key[-1])
    value = "" if key[-1] in {"", column.absent} else shown(column.kind.written(key[-1]))
    message = "stands twice in this file with different content; the first row counts"
    return Fault(line=line, column=column.name, value=value, message=message)


def _note(db: Connection, task: Task, state: _State, keys: Sequence[Key]) -> None:
    """Tell the reconciliation; of a long file only that there is much."""
    state.noted += len(keys)
    if keys and state.noted > MANY:
        changes.note_all(db)
    else:
        changes.note(db, task.kept.news(keys))


def _keys(kept: Kept, rows: pa.RecordBatch) -> list[Key]:
    columns = [rows[name].fill_null("") if pa.types.is_string(rows[name].type) else rows[name] for name in kept.spec.key]
    return list(zip(*(column.to_pylist() for column in columns), strict=True))


def _remarked(task: Task, rows: pa.RecordBatch, keys: list[Key], decision: Decision) -> int:
    """Keys of which a row stands, new or known, with something odd."""
    check = task.kept.spec.remark
    if check is None:
        return 0
    odd = {keys[place] for place in np.flatnonzero(check.wrong(rows))}
    return sum(key in decision.stated or key in decision.confirmed for key in odd)


def _news(task: Task, state: _State, read_now: int) -> None:
    rows = state.tally["rows"]
    if rows // _NEWS != (rows - read_now) // _NEWS:
        task.progress(f"{task.source.name}: {rows // _NEWS * _NEWS} rows")


def _begin(db: Connection, task: Task) -> _State:
    dataset, digest = task.kept.spec.name, task.source.sha256
    stopped = store.unfinished(db, dataset=dataset, kind=task.kind, sha256=digest) if task.kind != "push" else None
    if stopped is not None:
        tally = Counter({name: stopped[name] for name in store.COUNTS})
        first = list(store.faults(db, stopped["import_id"], first=_FIRST))
        return _State(
            import_id=stopped["import_id"], after=stopped["after"], tally=tally, resumed_after=stopped["after"], first_faults=first
        )
    name = task.source.name
    import_id = store.begin(db, dataset=dataset, kind=task.kind, source=name, sha256=digest, actor=task.actor, after=0, now=task.now)
    return _State(import_id=import_id, after=0, tally=Counter())


def _advance(db: Connection, state: _State, after: int | None) -> None:
    counts = {name: state.tally[name] for name in store.COUNTS}
    if not store.advance(db, state.number, before=state.after, after=after, counts=counts):
        raise Conflict(f"import {state.import_id}: another process is taking in the same file; this one stops, nothing is counted twice")
    state.after = after


def _withdraw(task: Task, state: _State) -> tuple[int, str]:
    """Withdraw what a complete file does not name; how much was kept back, and why."""
    if task.period is None:
        return 0, ""
    scope, number = _scope(task.period), state.number
    with reading(task.engine).begin() as db:
        gone, here = keeping.count(db, task.kept, scope, number), keeping.count(db, task.kept, scope)
        why = _objection(task, state, gone, here) or _overtaken(db, task, state, gone)
    if why:
        return gone, why
    while _withdraw_some(task, state, scope):
        pass
    return 0, ""


def _withdraw_some(task: Task, state: _State, scope: Scope) -> bool:
    """Some thousand rows in a transaction, for others wait to write; whether there were any."""
    with task.engine.begin() as db:
        keeping.alone(db, task.kept)
        keys = next(keeping.absent(db, task.kept, scope, state.number, _SLICE), None)
        if keys is None:
            return False
        keeping.keep_versions(db, task.kept, dict.fromkeys(keys, ABSENT), import_id=state.number, now=task.now)
        keeping.remove(db, task.kept, keys)
        _note(db, task, state, keys)
        state.tally["withdrawn"] += len(keys)
        _advance(db, state, state.after)
    return True


def _would_withdraw(task: Task, state: _State, ledger: Tried) -> tuple[int, str]:
    if task.period is None:
        return 0, ""
    scope = _scope(task.period)
    with reading(task.engine).begin() as db:
        gone = sum(len(keys) - ledger.known(keys) for keys in keeping.absent(db, task.kept, scope))
    if why := _objection(task, state, gone, gone + ledger.inside()):
        return gone, why
    state.tally["withdrawn"] += gone
    return 0, ""


def _objection(task: Task, state: _State, gone: int, here: int) -> str:
    """Why nothing may be withdrawn, if so: a row that was not understood may be the one that would be missed. Of the rows that are `here`
    after the file those count that were here before: a file that names none of them, and many others, is not the one that was meant."""
    if not gone:
        return ""
    here = min(here, gone + state.tally["same"] + state.tally["changed"])
    if state.tally["bad"]:
        return f"{state.tally['bad']} rows were refused, and may name them; mend the file and import it again"
    if gone > here * task.most_withdrawn:
        share = f"{gone / here:.0%} of the {here} that are here for {task.period}"
        return f"they are {share}, more than the {task.most_withdrawn:.0%} that may go at a time (--withdraw-share)"
    return ""


def _overtaken(db: Connection, task: Task, state: _State, gone: int) -> str:
    """What an earlier import put in the place of a row that this file names looks as if the file did not name it."""
    other = keeping.overtaken(db, task.kept, state.number) if gone else None
    return "" if other is None else f"import {other} of the same dataset was at work meanwhile; import the file again"


def _scope(period: Period) -> Scope:
    return Scope(since=to_micros(period.since), until=to_micros(period.until), sites=period.sites)


def _finish(db: Connection, task: Task, state: _State, seconds: float) -> None:
    counts = {name: state.tally[name] for name in store.COUNTS}
    ended = task.now + timedelta(seconds=seconds)
    period = (task.period.since, task.period.until) if task.period else None
    if not store.finish(db, state.number, counts, period=period, now=ended):
        raise Conflict(f"import {state.number}: another process has finished it")
    told = {name: counts[name] for name in ("rows", "new", "changed", "same", "bad", "invalid", "withdrawn")}
    dataset = task.kept.spec.name
    action = "claims.import" if dataset == "claims" else "register.import"
    detail: dict[str, JsonValue] = {"import_id": state.number, "dataset": dataset, **told}
    audit.record(db, now=ended, actor=task.actor, action=action, object=task.source.name[:200], detail=detail)


def _report(task: Task, state: _State, seconds: float, *, kept_back: int, why: str) -> ImportReport:
    remark = task.kept.spec.remark
    return ImportReport(
        import_id=state.import_id,
        dataset=task.kept.spec.name,
        source=task.source.name,
        encoding=task.source.encoding,
        dry_run=state.import_id is None,
        **{name: state.tally[name] for name in store.COUNTS},
        remark=remark.message if remark else "",
        first_faults=tuple(state.first_faults),
        unknown_columns=task.source.header.unknown,
        personal_columns=task.source.header.personal,
        resumed_after=state.resumed_after,
        kept_back=kept_back,
        why_kept_back=why,
        seconds=seconds,
    )
