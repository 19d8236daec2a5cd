"""The table of what was erased at a person's request, or because the basis ended: names and hashes only."""

from sqlalchemy import JSON, Column, Integer, LargeBinary, String, Table

from central.db import Name, UtcDateTime, metadata

erasures = Table(
    "erasures",
    metadata,
    Column("erasure_id", Integer, primary_key=True),
    Column("psn_no", String(30), nullable=False, index=True),
    Column("why", String(16), nullable=False),
    Column("reference", String(100), nullable=False),
    Column("erased_at", UtcDateTime, nullable=False),
    Column("erased_by", Name, nullable=False),
    Column("erased", JSON, nullable=False),
    Column("held", JSON, nullable=False),
    Column("terminals", JSON, nullable=False),
    Column("statement", LargeBinary, nullable=False),
)
