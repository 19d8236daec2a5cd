"""Tables of the ledger: one row per settlement and per capture, each with exactly one code, and what was said before."""

from sqlalchemy import Column, Index, Integer, String, Table

from central.db import Name, UtcDateTime, metadata

runs = Table(
    "runs",
    metadata,
    Column("run_id", Integer, primary_key=True),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("engine", Name, nullable=False),
    Column("settlements", Integer, nullable=False),
    Column("captures", Integer, nullable=False),
    Column("findings_new", Integer, nullable=False),
    Column("kind", String(16), nullable=False, server_default="full"),
)

settlement_links = Table(
    "settlement_links",
    metadata,
    Column("fixmedins_code", String(12), primary_key=True),
    Column("setl_id", String(30), primary_key=True),
    Column("code", String(32), nullable=False, index=True),
    Column("capture_id", String(96)),
    Column("run_id", Integer, nullable=False),
)

capture_links = Table(
    "capture_links",
    metadata,
    Column("capture_id", String(96), primary_key=True),
    Column("code", String(32), nullable=False, index=True),
    Column("fixmedins_code", String(12), nullable=False),
    Column("setl_id", String(30)),
    Column("run_id", Integer, nullable=False),
    Index("ix_capture_links_settlement", "fixmedins_code", "setl_id"),
)

ledger_history = Table(
    "ledger_history",
    metadata,
    Column("history_id", Integer, primary_key=True),
    Column("side", String(16), nullable=False),
    Column("fixmedins_code", String(12), nullable=False),
    Column("name", String(96), nullable=False),
    Column("code_before", String(32), nullable=False),
    Column("other_before", String(96)),
    Column("code", String(32)),
    Column("other", String(96)),
    Column("why", String(32), nullable=False),
    Column("run_id", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_ledger_history_name", "name", "fixmedins_code"),
)
"""What the ledger said before: `name` is the setl_id or the capture_id, `other` the other side; no `code` where the row itself is gone."""
