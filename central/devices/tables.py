"""Tables of devices, their windows, their keys, and what they say of themselves.

A key is never deleted: old evidence is checked against it.
"""

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Integer, LargeBinary, String, Table, Text

from central.db import Hash, Name, UtcDateTime, metadata

devices = Table(
    "devices",
    metadata,
    Column("device_id", String(48), primary_key=True),
    Column("fixmedins_code", ForeignKey("sites.fixmedins_code"), nullable=False, index=True),
    Column("enrolled_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
)

windows = Table(
    "windows",
    metadata,
    Column("device_id", ForeignKey("devices.device_id"), primary_key=True),
    Column("window", String(16), primary_key=True),
)

device_keys = Table(
    "device_keys",
    metadata,
    Column("kid", Name, primary_key=True),
    Column("device_id", ForeignKey("devices.device_id"), nullable=False, index=True),
    Column("sign_public", LargeBinary(32), nullable=False),
    Column("seal_public", LargeBinary(32), nullable=False),
    Column("valid_from", UtcDateTime, nullable=False),
    Column("certificate", Text),
    Column("tls_sha256", Hash, index=True),
    Column("offered_epoch", BigInteger),
    Column("offered_seq", Integer),
    Column("last_epoch", BigInteger),
    Column("last_seq", Integer),
    Column("retired_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Column("revoked_why", String(64)),
)

device_states = Table(
    "device_states",
    metadata,
    Column("device_id", ForeignKey("devices.device_id"), primary_key=True),
    Column("connection", Integer, nullable=False),
    Column("online", Boolean, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("last_seq", Integer, nullable=False),
    Column("backlog", Integer, nullable=False),
    Column("gallery_version", Integer, nullable=False),
    Column("liveness_available", Boolean),
    Column("software", JSON, nullable=False),
    Column("cameras", JSON, nullable=False),
    Column("problems", JSON, nullable=False),
)
