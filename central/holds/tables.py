"""Tables of holds, and of the captures and persons that each keeps."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text

from central.db import Name, UtcDateTime, metadata

holds = Table(
    "holds",
    metadata,
    Column("hold_id", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("since", UtcDateTime),
    Column("until", UtcDateTime),
    Column("reason", Text, nullable=False),
    Column("document", String(100), nullable=False),
    Column("placed_by", Name, nullable=False),
    Column("placed_at", UtcDateTime, nullable=False),
    Column("release_asked_by", Name),
    Column("release_asked_at", UtcDateTime),
    Column("release_reason", Text),
    Column("released_by", Name),
    Column("released_at", UtcDateTime),
    Index("ix_holds_subject", "subject"),
)

hold_items = Table(
    "hold_items",
    metadata,
    Column("hold_id", ForeignKey("holds.hold_id"), primary_key=True),
    Column("what", String(16), primary_key=True),
    Column("name", String(96), primary_key=True),
    Index("ix_hold_items_name", "what", "name"),
)
