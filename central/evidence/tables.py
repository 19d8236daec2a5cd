"""Tables of sealed objects: what is expected, what has come, and where it lies."""

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table

from central.db import Hash, UtcDateTime, metadata

media = Table(
    "media",
    metadata,
    Column("media_id", Hash, primary_key=True),
    Column("device_id", String(48)),
    Column("capture_id", String(96), index=True),
    Column("role", String(16), nullable=False),
    Column("content_type", String(40), nullable=False),
    Column("size", Integer, nullable=False),
    Column("purpose", String(120), nullable=False),
    Column("announced_at", UtcDateTime, nullable=False),
    Column("stored_at", UtcDateTime),
    Column("erased_at", UtcDateTime),
    Index("ix_media_announced_at", "announced_at"),
)

media_parts = Table(
    "media_parts",
    metadata,
    Column("media_id", Hash, primary_key=True),
    Column("device_id", String(48), primary_key=True),
    Column("part_index", Integer, primary_key=True),
    Column("part_count", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Index("ix_media_parts_received_at", "received_at"),
)
