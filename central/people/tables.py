"""Tables of people, templates, proxies and of which site expects whom. No name and no identity number is kept: psn_no is opaque."""

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from central.db import Hash, UtcDateTime, metadata

people = Table(
    "people",
    metadata,
    Column("psn_no", String(30), primary_key=True),
    Column("legal_basis", Text, nullable=False),
    Column("enrolled_at", UtcDateTime, nullable=False),
)

templates = Table(
    "templates",
    metadata,
    Column("template_id", Integer, primary_key=True),
    Column("psn_no", ForeignKey("people.psn_no"), nullable=False),
    Column("embedder", String(80), nullable=False),
    Column("sealed_vector", LargeBinary, nullable=False),
    Column("quality", Float, nullable=False),
    Column("media_id", Hash, nullable=False),
    Column("enrolled_at", UtcDateTime, nullable=False),
    Column("enrolled_by", String(64), nullable=False),
    Column("replaced_at", UtcDateTime),
    Index("ix_templates_current", "psn_no", "replaced_at"),
)

expected_at = Table(
    "expected_at",
    metadata,
    Column("fixmedins_code", ForeignKey("sites.fixmedins_code"), primary_key=True),
    Column("psn_no", ForeignKey("people.psn_no"), primary_key=True),
    Column("role", String(16), nullable=False),
)

proxies = Table(
    "proxies",
    metadata,
    Column("psn_no", String(30), primary_key=True),
    Column("proxy_psn_no", String(30), primary_key=True),
    Column("valid_from", UtcDateTime, primary_key=True),
    Column("valid_to", UtcDateTime, nullable=False),
    Column("reason", Text, nullable=False),
)

gallery_changes = Table(
    "gallery_changes",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("fixmedins_code", ForeignKey("sites.fixmedins_code"), nullable=False),
    Column("psn_no", String(30), nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Index("ix_gallery_changes_site", "fixmedins_code", "version"),
    sqlite_autoincrement=True,
)
