"""Tables of sites."""

from sqlalchemy import Column, String, Table, Text

from central.db import UtcDateTime, metadata

sites = Table(
    "sites",
    metadata,
    Column("fixmedins_code", String(12), primary_key=True),
    Column("fixmedins_name", String(200), nullable=False),
    Column("admdvs", String(6), nullable=False),
    Column("evidence_mode", String(16), nullable=False),
    Column("legal_basis", Text),
    Column("created_at", UtcDateTime, nullable=False),
)
