"""Tables of accounts and of their browser sessions (only a hash of each session's token is kept)."""

from sqlalchemy import Boolean, Column, ForeignKey, Integer, String, Table, Text

from central.db import Hash, Name, UtcDateTime, metadata

accounts = Table(
    "accounts",
    metadata,
    Column("username", Name, primary_key=True),
    Column("password_hash", Text, nullable=False),
    Column("must_change_password", Boolean, nullable=False),
    Column("role", String(16), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("disabled_at", UtcDateTime),
    Column("failures", Integer, nullable=False),
    Column("locked_until", UtcDateTime),
)

browser_sessions = Table(
    "browser_sessions",
    metadata,
    Column("token_sha256", Hash, primary_key=True),
    Column("username", ForeignKey("accounts.username"), nullable=False, index=True),
    Column("csrf_token", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)
