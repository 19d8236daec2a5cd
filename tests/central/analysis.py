"""Small worlds for linkage and rules: settlements, captures and proxies in the very schema that the centre hands to the analysis."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from central.db import to_micros
from central.engines.duckdb import DuckDb, duckdb_in_memory
from central.inputs import SCHEMAS
from central.reconciliation.compare import compare
from central.rules.base import Suspicion
from central.rules.engine import RuleResults
from central.rules.registry import rule_book

SITE = "P99999900001"
NOON = datetime(2026, 1, 14, 4, tzinfo=UTC)
"""A Wednesday noon in China."""

Row = dict[str, Any]


def rows(name: str, given: Sequence[Row]) -> pa.Table:
    """Rows as a table of the analysis: moments may be datetimes, columns may be missing. Raises KeyError for one that it does not have."""
    schema = SCHEMAS[name]
    for row in given:
        for column in row:
            schema.field(column)
    plain = [{column: to_micros(value) if isinstance(value, datetime) else value for column, value in row.items()} for row in given]
    return pa.Table.from_pylist(plain, schema)


def settlement(number: int, **changes: Any) -> Row:
    """A paid pharmacy settlement of PSN-<number>, minutes after noon."""
    at = NOON + timedelta(minutes=number)
    row = {"fixmedins_code": SITE, "setl_id": f"S-{number}", "medins_setl_id": f"M{number}", "psn_no": f"PSN-{number}", "setl_time": at}
    money = {"medfee_sumamt": 3850, "fund_pay_sumamt": 850, "acct_pay": 3000, "psn_cash_pay": 0}
    return row | money | {"med_type": "41", "refd_setl_flag": 0, "init_setl_id": None} | changes


def refund(number: int, of: int, fen: int = 3850, **changes: Any) -> Row:
    """A refund of another settlement; the account gets its share back last."""
    money = {"medfee_sumamt": -fen, "fund_pay_sumamt": -min(fen, 850), "acct_pay": -max(fen - 850, 0)}
    return settlement(number, **money, refd_setl_flag=1, init_setl_id=f"S-{of}", **changes)


def capture(number: int, **changes: Any) -> Row:
    """The bound capture of that settlement: the right person, well seen."""
    at = NOON + timedelta(minutes=number)
    row = {"capture_id": f"t1:1:{number}", "device_id": "t1", "fixmedins_code": SITE, "window": "W1", "msgid": f"M{number}"}
    times = {"opened_at": at - timedelta(seconds=10), "closed_at": at, "closing": "bound", "setl_id": f"S-{number}", "bound_setl_time": at}
    seen = {"psn_no": f"PSN-{number}", "outcome": "same", "similarity": 0.9, "liveness": "live", "persons": 1, "frames_seen": 30}
    face = {"frames_used": 10, "voided": False, "face_group": 1000 + number, "face_band": "first", "face_similarity": None}
    return row | times | seen | face | changes


def proxy(psn_no: str, proxy_psn_no: str, **changes: Any) -> Row:
    """A register entry that is valid all through the month."""
    span = {"valid_from": datetime(2026, 1, 1, tzinfo=UTC), "valid_to": datetime(2026, 2, 1, tzinfo=UTC)}
    return {"psn_no": psn_no, "proxy_psn_no": proxy_psn_no} | span | changes


def exemption(psn_no: str, **changes: Any) -> Row:
    """Somebody who does not use the face all through the month."""
    span = {"valid_from": datetime(2026, 1, 1, tzinfo=UTC), "valid_to": datetime(2026, 2, 1, tzinfo=UTC)}
    return {"psn_no": psn_no} | span | changes


def kept(analysis: DuckDb, name: str) -> list[Row]:
    """The rows of a table of the analysis."""
    return [row for batch in analysis.rows(f'FROM "{name}"') for row in batch.to_pylist()]


class World:
    """What is known, compared with the real engine."""

    def __init__(
        self,
        billed: Sequence[Row],
        seen: Sequence[Row],
        proxies: Sequence[Row] = (),
        parameters: Mapping[str, Any] | None = None,
        *,
        only: Collection[str] | None = None,
        **registers: Sequence[Row],
    ) -> None:
        """Compares at once; `parameters` as the rules file would say them, `only` the rules to run (all of them if not given), `registers`
        the other tables of `central.inputs` by name.
        """
        book = rule_book(parameters or {}, "test")
        if only is not None:
            book = replace(book, active=tuple(each for each in book.active if each.rule.id in only))
        with duckdb_in_memory() as analysis:
            given: dict[str, Sequence[Row]] = {"settlements": billed, "captures": seen, "proxies": proxies} | registers
            _, self.results = compare(analysis, {name: rows(name, list(each)) for name, each in given.items()}, book)
            self.settlements, self.captures, self.visits = (kept(analysis, name) for name in ("coded", "coded_captures", "visits"))

    results: RuleResults

    def settlement(self, number: int) -> tuple[str, str | None]:
        """(code, capture_id) of a settlement."""
        (row,) = (each for each in self.settlements if each["setl_id"] == f"S-{number}")
        return row["code"], row["capture_id"]

    def capture(self, number: int) -> str:
        """Code of a capture."""
        (row,) = (each for each in self.captures if each["capture_id"] == f"t1:1:{number}")
        return str(row["code"])

    def suspicions(self, rule_id: str) -> list[Suspicion]:
        """What one rule says, by subject. No rule may have failed."""
        assert self.results.faults == ()
        return sorted((each for each in self.results.suspicions if each.rule_id == rule_id), key=lambda each: each.subject_key)
