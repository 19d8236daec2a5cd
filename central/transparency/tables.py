"""Tables of the transparency log. Leaves and tiles are only added to; the one thing that is ever taken from a leaf is its salt."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table, Text

from central.db import Hash, UtcDateTime, metadata

_NUMBER = BigInteger().with_variant(Integer, "sqlite")

log_pending = Table(
    "log_pending",
    metadata,
    Column("pending_id", _NUMBER, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("leaves", Integer, nullable=False),
    Column("names", Text, nullable=False),
    Column("commitments", LargeBinary, nullable=False),
    Column("salts", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)
"""What one call appended is one row, so that appending costs little: names are `kind ref` lines, the others 32 bytes a leaf, in order."""

log_leaves = Table(
    "log_leaves",
    metadata,
    Column("place", _NUMBER, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),
    Column("ref", String(96), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("commitment", LargeBinary(32), nullable=False),
    Column("salt", LargeBinary(32)),
    Index("ix_log_leaves_ref", "ref", "kind"),
)

log_tiles = Table(
    "log_tiles",
    metadata,
    Column("level", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("hashes", LargeBinary, nullable=False),
)

log_checkpoints = Table(
    "log_checkpoints",
    metadata,
    Column("size", _NUMBER, primary_key=True, autoincrement=False),
    Column("root", Hash, nullable=False),
    Column("note", Text, nullable=False),
    Column("signed_at", UtcDateTime, nullable=False),
)

log_cosignatures = Table(
    "log_cosignatures",
    metadata,
    Column("size", _NUMBER, primary_key=True, autoincrement=False),
    Column("witness", String(200), primary_key=True),
    Column("line", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

log_witnesses = Table(
    "log_witnesses",
    metadata,
    Column("witness", String(200), primary_key=True),
    Column("size", _NUMBER, nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("fault", String(300)),
)

log_listeners = Table(
    "log_listeners",
    metadata,
    Column("device_id", String(48), primary_key=True),
    Column("key_id", String(8), nullable=False),
)
"""Devices whose newest birth said that they read checkpoints, and by which key of a log."""

log_anchors = Table(
    "log_anchors",
    metadata,
    Column("device_id", String(48), primary_key=True),
    Column("size", _NUMBER, nullable=False),
    Column("root", Hash, nullable=False),
    Column("said_at", UtcDateTime, nullable=False),
    Column("fits", Boolean, nullable=False),
)
