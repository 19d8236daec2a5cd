"""The table of orders. The signed answers lie with the events; here stands what they said."""

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, String, Table, Text

from central.db import UtcDateTime, metadata

orders = Table(
    "orders",
    metadata,
    Column("request", String(32), primary_key=True),
    Column("device_id", ForeignKey("devices.device_id"), nullable=False),
    Column("fixmedins_code", String(12), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("subject", String(30), nullable=False),
    Column("body", JSON, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("asked_by", String(64), nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("valid_until", UtcDateTime, nullable=False),
    Column("sent_at", UtcDateTime),
    Column("times_sent", Integer, nullable=False),
    Column("answered_at", UtcDateTime),
    Column("result", String(16)),
    Column("why", String(64)),
    Column("detail", String(200)),
    Index("ix_orders_open", "answered_at", "valid_until"),
    Index("ix_orders_about", "kind", "device_id", "subject"),
    Index("ix_orders_asked_at", "asked_at"),
)
