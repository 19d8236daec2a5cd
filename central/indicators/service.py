"""Count indicators in a run, and tell how everybody stands. No web, no commit."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from sqlalchemy import Connection, Engine

from central.arrow import read_table
from central.audit import service as audit
from central.cases import service as cases
from central.cases.model import Outcome
from central.db import reading, to_micros
from central.engines.base import Analysis, sql_of
from central.errors import BadInput, NotFound
from central.indicators import expressions, store
from central.indicators.expressions import OUTCOMES, OUTCOMES_NAME
from central.indicators.model import BY_ID, COUNTS, DIGITS, INDICATORS, Count, Indicator, Scope, Standing, Subject, regions, standings
from central.rules.base import DAY, Tables, china_day
from central.rules.model import IndicatorLimits

_CHUNK = 5000
_COUNTED, _STORED = "indicator_counts", "indicator_stored"
_FIELDS = (pa.field("fixmedins_code", pa.string()), pa.field("dr", pa.string()), pa.field("day", pa.int64()))
_SCHEMA = ibis.Schema.from_pyarrow(pa.schema([*_FIELDS, *(pa.field(name, pa.int64()) for name in COUNTS)]))


def counts(analysis: Analysis, tables: Tables, limits: IndicatorLimits, outcomes: pa.Table | None = None) -> Iterator[pa.RecordBatch]:
    """What the tables of an analysis show, by institution, doctor (`dr`, empty: all) and day; without `outcomes` nothing about findings."""
    _count(analysis, tables, limits, outcomes)
    yield from analysis.rows(sql_of(ibis.table(_SCHEMA, name=_COUNTED).order_by("fixmedins_code", "dr", "day"), analysis.dialect))


def record(engine: Engine, analysis: Analysis, tables: Tables, limits: IndicatorLimits, *, now: datetime) -> int:
    """Bring the stored counts up to date with a run over everything that is here; how many rows changed. Repeating it changes nothing.

    Nothing is locked while it counts, and it writes in short transactions of its own: what broke off is finished by the next run. Days
    before the first that the run knows stay as they were counted. Findings are counted as they stand in the database.
    """
    with reading(engine).begin() as db:
        outcomes = _outcomes(cases.outcomes(db), limits, now)
    _count(analysis, tables, limits, outcomes)
    counted, kept = (ibis.table(_SCHEMA, name=name) for name in (_COUNTED, _STORED))
    (first,) = _rows(analysis, counted.agg(first=counted.day.min()))
    with reading(engine).begin() as db:
        analysis.load(_STORED, _stored(db, first["first"]))
    changed = 0
    for rows in _chunks(analysis, kept.select(*store.KEY).difference(counted.select(*store.KEY))):
        with engine.begin() as db:
            store.remove(db, [(row["fixmedins_code"], row["dr"], row["day"]) for row in rows])
        changed += len(rows)
    for rows in _chunks(analysis, counted.difference(kept)):
        with engine.begin() as db:
            store.put(db, rows)
        changed += len(rows)
    sites = list(_sites(analysis, tables))
    with engine.begin() as db:
        store.put_sites(db, sites)
    return changed


def span(db: Connection) -> tuple[int, int] | None:
    """The first and the last day (in China, since 1970) of which anything was counted; None before the first run."""
    return store.span(db)


def tell(
    db: Connection, limits: IndicatorLimits, *, scope: Scope, day: int, only: Sequence[str] = tuple(BY_ID)
) -> dict[Subject, dict[str, Standing]]:
    """How every subject of a scope stands on a day, in the indicators named: over the days up to it, beside its peers and its own past.

    Raises BadInput for an unknown indicator.
    """
    wanted = [_indicator(name) for name in only if scope is not Scope.DOCTOR or _indicator(name).doctors]
    since = day - limits.window_days + 1
    now = _gathered(db, scope, wanted, since, day)
    before = _gathered(db, scope, wanted, since - limits.before_days, since - 1)
    found: dict[Subject, dict[str, Standing]] = {subject: {} for subject in now}
    for each in wanted:
        of_now = {subject: counts[each.id] for subject, counts in now.items()}
        of_before = {subject: counts[each.id] for subject, counts in before.items()}
        for subject, standing in standings(each, of_now, of_before, limits).items():
            found[subject][each.id] = standing
    return found


def by_day(db: Connection, *, scope: Scope, code: str, since: int, until: int) -> dict[int, dict[str, Count]]:
    """What was counted of one subject day by day. Raises NotFound for one of which nothing was ever counted."""
    rows = store.by_day(
        db, None if scope is Scope.DOCTOR else _codes(db, scope, code), code if scope is Scope.DOCTOR else None, since, until
    )
    return {row["day"]: {each.id: Count(n=row[f"{each.id}_n"], of=row[f"{each.id}_of"], days=1) for each in INDICATORS} for row in rows}


def note_export(db: Connection, *, actor: str, now: datetime, scope: Scope, day: str, rows: int) -> None:
    """Say in the audit log that figures were taken out."""
    audit.record(db, now=now, actor=actor, action="indicators.export", object=day, detail={"scope": scope.value, "rows": rows})


def _count(analysis: Analysis, tables: Tables, limits: IndicatorLimits, outcomes: pa.Table | None) -> None:
    analysis.load(OUTCOMES_NAME, OUTCOMES.empty_table() if outcomes is None else outcomes)
    plan = expressions.plan(tables, limits, analysis.dialect)
    for step in plan.steps:
        analysis.keep(step.name, step.sql)
    analysis.keep(_COUNTED, plan.sql)


def _outcomes(rows: Sequence[Outcome], limits: IndicatorLimits, now: datetime) -> pa.Table:
    """疑点查实率 and 超期率: of findings that people decided, those confirmed; of those whose time to review has come, those too late."""
    found: defaultdict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    allowed, present = limits.review_days * DAY, to_micros(now)
    for each in rows:
        if not each.fixmedins_code:  # about a rule, not about an institution
            continue
        found_at = to_micros(each.found_at)
        reviewed_at = None if each.reviewed_at is None else to_micros(each.reviewed_at)
        late = (present if reviewed_at is None else reviewed_at) > found_at + allowed
        due = reviewed_at is not None or late
        said = (each.confirmed, reviewed_at is not None, late, due)
        counted = found[each.fixmedins_code, china_day(found_at)]
        found[each.fixmedins_code, china_day(found_at)] = [before + int(one) for before, one in zip(counted, said, strict=True)]
    names = OUTCOMES.names
    return pa.Table.from_pylist([dict(zip(names, (*key, *counted), strict=True)) for key, counted in found.items()], OUTCOMES)


def _stored(db: Connection, since: int | None) -> pa.Table:
    """Nothing was counted before the first day, and nothing is compared."""
    return _SCHEMA.to_pyarrow().empty_table() if since is None else read_table(db, store.stored(since)).select(_SCHEMA.names)


def _sites(analysis: Analysis, tables: Tables) -> Iterator[Mapping[str, Any]]:
    """Institutions that are registered or were counted; of one that is not registered its code tells kind and county."""
    registered = tables.sites.select("fixmedins_code", "kind", "level", "admdvs")
    counted = ibis.table(_SCHEMA, name=_COUNTED).select("fixmedins_code").distinct()
    both = counted.left_join(registered, "fixmedins_code").drop("fixmedins_code_right")
    seen = set[str]()
    for row in _rows(analysis, both):
        code = row["fixmedins_code"]
        if code not in seen:
            seen.add(code)
            yield {
                "fixmedins_code": code,
                "kind": row["kind"] or code[:1],
                "level": row["level"] or "",
                "admdvs": row["admdvs"] or code[1:7],
            }


def _gathered(db: Connection, scope: Scope, wanted: Sequence[Indicator], since: int, until: int) -> dict[Subject, dict[str, Count]]:
    sites = _subjects(db)
    rows = store.sums(db, [each.id for each in wanted], since, until, doctors=scope is Scope.DOCTOR)
    counted = ((row, {each.id: _read(row, each) for each in wanted}) for row in rows)
    if scope is Scope.DOCTOR:
        return _of_doctors(counted, sites)
    of_sites = [(sites[row["fixmedins_code"]], counts) for row, counts in counted if row["fixmedins_code"] in sites]
    return dict(of_sites) if scope is Scope.INSTITUTION else regions(scope, of_sites)


def _of_doctors(
    counted: Iterator[tuple[Mapping[Any, Any], dict[str, Count]]], sites: Mapping[str, Subject]
) -> dict[Subject, dict[str, Count]]:
    """Doctors wherever they work. Their peers are doctors of the same kind of institution as the one that they have most to do with."""
    parts: defaultdict[str, list[tuple[str, dict[str, Count]]]] = defaultdict(list)
    for row, counts in counted:
        if row["fixmedins_code"] in sites:
            parts[row["dr"]].append((row["fixmedins_code"], counts))
    found: dict[Subject, dict[str, Count]] = {}
    for code, at in parts.items():
        most = max(at, key=lambda each: (sum(count.of for count in each[1].values()), each[0]))[0]
        whole: dict[str, Count] = {}
        for _, counts in at:
            whole = {name: count + whole.get(name, Count()) for name, count in counts.items()}
        main = sites[most]
        found[Subject(code=code, kind=f"doctor-{main.kind}", level=main.level, admdvs=main.admdvs)] = whole
    return found


def _read(row: Mapping[Any, Any], indicator: Indicator) -> Count:
    name = indicator.id
    return Count(n=int(row[f"{name}_n"] or 0), of=int(row[f"{name}_of"] or 0), days=int(row[f"{name}_days"] or 0))


def _subjects(db: Connection) -> dict[str, Subject]:
    return {
        row["fixmedins_code"]: Subject(code=row["fixmedins_code"], kind=row["kind"], level=row["level"], admdvs=row["admdvs"])
        for row in store.sites(db)
    }


def _codes(db: Connection, scope: Scope, code: str) -> list[str]:
    subjects = _subjects(db)
    if scope is Scope.INSTITUTION:
        found = [code] if code in subjects else []
    else:
        found = [each for each, subject in subjects.items() if len(code) == DIGITS[scope] and subject.admdvs.startswith(code)]
    if not found:
        raise NotFound(f"nothing was counted of {scope.value} {code[:40]!r}")
    return found


def _indicator(name: str) -> Indicator:
    if name not in BY_ID:
        raise BadInput(f"indicator {name[:40]!r} is none of {', '.join(BY_ID)}")
    return BY_ID[name]


def _rows(analysis: Analysis, expression: ir.Table) -> Iterator[dict[str, Any]]:
    for batch in analysis.rows(sql_of(expression, analysis.dialect)):
        yield from batch.to_pylist()


def _chunks(analysis: Analysis, expression: ir.Table) -> Iterator[list[dict[str, Any]]]:
    for batch in analysis.rows(sql_of(expression, analysis.dialect)):
        for start in range(0, batch.num_rows, _CHUNK):
            yield batch.slice(start, _CHUNK).to_pylist()
