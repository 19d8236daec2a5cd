"""Tables of planned terminals, their cameras, and the tokens by which they enrol. No secret of a token is kept: see `model.secret`."""

from sqlalchemy import JSON, Column, ForeignKey, Integer, LargeBinary, String, Table, Text

from central.db import Hash, Name, UtcDateTime, metadata

terminals = Table(
    "terminals",
    metadata,
    Column("device_id", String(48), primary_key=True),
    Column("fixmedins_code", ForeignKey("sites.fixmedins_code"), nullable=False, index=True),
    Column("broker_host", String(253), nullable=False),
    Column("broker_port", Integer, nullable=False),
    Column("till_port", Integer, nullable=False),
    Column("extra", Text, nullable=False),
    Column("planned_at", UtcDateTime, nullable=False),
)

cameras = Table(
    "cameras",
    metadata,
    Column("device_id", ForeignKey("terminals.device_id"), primary_key=True),
    Column("window", String(16), primary_key=True),
    Column("place", Integer, nullable=False),
    Column("role", String(16), nullable=False),
    Column("camera_model", String(80), nullable=False),
    Column("shown", String(300), nullable=False),
    Column("sealed_source", LargeBinary, nullable=False),
)
"""`sealed_source` is the address with its password, sealed to the centre; `shown` is what may be shown of it."""

enrolment_tokens = Table(
    "enrolment_tokens",
    metadata,
    Column("token_id", String(22), primary_key=True),
    Column("device_id", ForeignKey("terminals.device_id"), nullable=False, index=True),
    Column("issued_at", UtcDateTime, nullable=False),
    Column("issued_by", Name, nullable=False),
    Column("valid_until", UtcDateTime, nullable=False),
    Column("addresses", JSON, nullable=False),
    Column("withdrawn_at", UtcDateTime),
    Column("used_at", UtcDateTime),
    Column("kid", Name),
    Column("keys_sha256", Hash),
    Column("answer", LargeBinary),
)
"""`keys_sha256` names the three public keys that were accepted; the same keys get the same `answer` again."""
