"""Tables of sites and of the approvals of their location."""

from sqlalchemy import Column, Date, ForeignKey, Integer, String, Table, Text

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
    Column("opening_hours", Text, nullable=False, server_default=""),
    Column("notice_version", String(80), nullable=False, server_default=""),
)

site_approvals = Table(
    "site_approvals",
    metadata,
    Column("approval_id", Integer, primary_key=True, autoincrement=True),
    Column("fixmedins_code", ForeignKey("sites.fixmedins_code"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("reference", String(120), nullable=False),
    Column("approved_by", String(80), nullable=False),
    Column("approved_on", Date, nullable=False),
    Column("valid_until", Date),
    Column("recorded_by", String(64), nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
)
