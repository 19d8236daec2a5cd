"""Reads what is to be compared from the database: all of it, or what news names."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from sqlalchemy import Connection

from central.captures import service as captures
from central.changes.model import ChangeKind, Pending
from central.claims import service as claims
from central.inputs import Inputs, shaped
from central.registers import service as registers

_SETTLED = ("fixmedins_code", "setl_id")


def read_inputs(db: Connection) -> Inputs:
    """Everything that is here to be compared, as it is at one moment if the transaction is `unmoved`."""
    return {
        "settlements": read_settlements(db),
        "captures": read_captures(db),
        "coverage": shaped("coverage", captures.coverage_table(db)),
        "reports": shaped("reports", captures.reports_table(db)),
        **registers.tables(db),
    }


def read_settlements(db: Connection, keys: Sequence[tuple[str, str]] | None = None) -> pa.Table:
    """Every settlement, or those with these keys."""
    return shaped("settlements", claims.analysis_table(db, keys))


def read_captures(db: Connection, sessions: Collection[tuple[str, str]] | None = None) -> pa.Table:
    """Every capture, or those of these sessions."""
    return shaped("captures", captures.analysis_table(db, sessions))


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Rows that take the place of all rows with these keys, which are values of the columns `by`."""

    by: tuple[str, ...]
    keys: tuple[tuple[str | None, ...], ...]
    rows: pa.Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """What news names, as it stands now: parts of tables, and tables that are small enough to be read whole."""

    parts: Mapping[str, Part]
    whole: Inputs


def read_news(db: Connection, pending: Pending) -> Fresh:
    """The rows that the news is about."""
    keys = pairs(pending, ChangeKind.SETTLEMENT)
    captured = [name for _, name in pending.named(ChangeKind.CAPTURE) if name is not None]
    sessions = sorted({*pairs(pending, ChangeKind.SESSION), *captures.sessions_of(db, capture_ids=captured, bound=keys)})
    told = sorted({place for place, _ in (*sessions, *pending.named(ChangeKind.WATCH), *pending.named(ChangeKind.SITE)) if place})
    parts: dict[str, Part] = {}
    if keys:
        lines = registers.lines_of(db, keys)
        parts |= {name: Part(by=_SETTLED, keys=tuple(keys), rows=rows) for name, rows in lines.items()}
        parts["settlements"] = Part(by=_SETTLED, keys=tuple(keys), rows=read_settlements(db, keys))
    if sessions:
        parts["captures"] = Part(by=("fixmedins_code", "msgid"), keys=tuple(sessions), rows=read_captures(db, sessions))
    if told:
        parts |= {
            name: Part(by=("fixmedins_code",), keys=tuple((each,) for each in told), rows=rows)
            for name, rows in read_places(db, told).items()
        }
    registered = any(pending.named(kind) for kind in (ChangeKind.PERSON, ChangeKind.SITE, ChangeKind.STAFF))
    return Fresh(parts=parts, whole=registers.tables(db, lines=False) if registered else {})


def pairs(pending: Pending, kind: ChangeKind) -> list[tuple[str, str]]:
    """The news of a kind that is named by two keys."""
    return [(place, name) for place, name in pending.named(kind) if place is not None and name is not None]


def read_places(db: Connection, fixmedins_codes: Collection[str]) -> Inputs:
    """What windows saw hour by hour and how far terminals have told, of these institutions."""
    return {
        "coverage": shaped("coverage", captures.coverage_table(db, fixmedins_codes)),
        "reports": shaped("reports", captures.reports_table(db, fixmedins_codes)),
    }
