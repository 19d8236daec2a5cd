"""Tables of the hot list and of the second looks. Nothing here changes what a device sent."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text

from central.db import UtcDateTime, metadata

hot_list = Table(
    "hot_list",
    metadata,
    Column("entry_id", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("value", String(80), nullable=False),
    Column("reason", Text, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("added_by", String(64), nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    Column("swept_at", UtcDateTime),
    Column("ended_by", String(64)),
    Column("ended_at", UtcDateTime),
    Column("ended_why", Text),
    Index("ix_hot_list_open", "ended_at", "kind", "value"),
)

second_looks = Table(
    "second_looks",
    metadata,
    Column("subject", String(96), primary_key=True),
    Column("entry_id", ForeignKey("hot_list.entry_id"), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("fixmedins_code", String(12), nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("queued_at", UtcDateTime, nullable=False),
    Column("decision", String(16)),
    Column("reason", Text),
    Column("decided_by", String(64)),
    Column("decided_at", UtcDateTime),
    Index("ix_second_looks_open", "decision", "seen_at"),
)
