"""Tables of pushes and pulls. Imports themselves are the matter of `central.feeds`."""

from sqlalchemy import JSON, Column, ForeignKey, Index, String, Table

from central.db import Hash, Name, UtcDateTime, metadata

pushes = Table(
    "pushes",
    metadata,
    Column("actor", Name, primary_key=True),
    Column("push_key", String(64), primary_key=True),
    Column("dataset", String(20), nullable=False),
    Column("sha256", Hash, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("import_id", ForeignKey("imports.import_id")),
    Column("answer", JSON),
    Index("ix_pushes_received_at", "received_at"),
)
"""What programs sent, by the key that each gave it: the same again gets the same answer. `answer` is null while it is being taken in."""

pulls = Table(
    "pulls",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("watermark", String(64)),
    Column("pulled_at", UtcDateTime, nullable=False),
)
"""How far each configured pull has come."""
