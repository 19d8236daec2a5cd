"""Tables of the ledger: one row per settlement and per capture, each with exactly one code."""

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
