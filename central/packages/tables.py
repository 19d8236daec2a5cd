"""Tables of review stamps and of the packages that were exported."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from central.db import Hash, Name, UtcDateTime, metadata

review_stamps = Table(
    "review_stamps",
    metadata,
    Column("stamp_id", Integer, primary_key=True),
    Column("jr_id", ForeignKey("findings.jr_id"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("result", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("account", Name, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("covers", Hash, nullable=False),
)

packages = Table(
    "packages",
    metadata,
    Column("package_id", String(40), primary_key=True),
    Column("jr_id", ForeignKey("findings.jr_id"), nullable=False, index=True),
    Column("sha256", Hash, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("exported_by", Name, nullable=False),
    Column("exported_at", UtcDateTime, nullable=False),
    Index("uq_packages_sha256", "sha256", unique=True),
)
