"""Tables of imports: files, pushes and pulls alike, how far each came, and why rows were refused."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text

from central.db import Hash, Name, UtcDateTime, metadata

imports = Table(
    "imports",
    metadata,
    Column("import_id", Integer, primary_key=True),
    Column("dataset", String(20), nullable=False, server_default="claims"),
    Column("kind", String(8), nullable=False, server_default="file"),
    Column("source", String(255), nullable=False),
    Column("sha256", Hash, nullable=False),
    Column("actor", Name),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("after", Integer),
    Column("rows", Integer, nullable=False),
    Column("new", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("same", Integer, nullable=False),
    Column("bad", Integer, nullable=False),
    Column("invalid", Integer, nullable=False),
    Column("withdrawn", Integer, nullable=False, server_default="0"),
    Column("remarked", Integer, nullable=False, server_default="0"),
    Column("faults", Integer, nullable=False, server_default="0"),
    Column("full_from", UtcDateTime),
    Column("full_to", UtcDateTime),
    Index("ix_imports_sha256", "sha256"),
)
"""`after`: the line (of Parquet the row) from which a stopped import goes on; null where it cannot. `full_from`, `full_to`: the file was
said to be complete for that period, so what it does not name was withdrawn."""

import_faults = Table(
    "import_faults",
    metadata,
    Column("fault_id", Integer, primary_key=True),
    Column("import_id", ForeignKey("imports.import_id"), nullable=False, index=True),
    Column("line", Integer, nullable=False),
    Column("column", String(64), nullable=False),
    Column("value", String(80), nullable=False),
    Column("message", Text, nullable=False),
)
