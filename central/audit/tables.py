"""The audit log: append-only, each row chained to the one before."""

from sqlalchemy import JSON, Column, Index, Integer, String, Table

from central.db import Hash, Name, UtcDateTime, metadata

audit_log = Table(
    "audit_log",
    metadata,
    Column("audit_id", Integer, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Name, nullable=False),
    Column("action", Name, nullable=False),
    Column("object", String(200), nullable=False),
    Column("detail", JSON, nullable=False),
    Column("prev", Hash, nullable=False),
    Column("sha256", Hash, nullable=False),
    Index("uq_audit_log_prev", "prev", unique=True),
    Index("ix_audit_log_object", "object"),
    sqlite_autoincrement=True,
)
