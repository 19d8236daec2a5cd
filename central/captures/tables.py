"""Tables of what devices sent. `events` holds the signed bytes and is never changed; the others are what was read from them."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from central.db import Hash, Money, Name, UtcDateTime, metadata

CAPTURE_ID = String(96)

events = Table(
    "events",
    metadata,
    Column("device_id", ForeignKey("devices.device_id"), primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("sha256", Hash, nullable=False),
    Column("prev", Hash, nullable=False),
    Column("kid", Name, nullable=False),
    Column("signed", LargeBinary, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("erased_at", UtcDateTime),
)

heads = Table(
    "heads",
    metadata,
    Column("device_id", ForeignKey("devices.device_id"), primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("up_to", Integer, nullable=False),
    Column("head", Hash, nullable=False),
)

irregularities = Table(
    "irregularities",
    metadata,
    Column("irregularity_id", Integer, primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("device_id", String(48), nullable=False),
    Column("epoch", BigInteger),
    Column("seq", Integer),
    Column("reason", Text, nullable=False),
    Column("sha256", Hash, nullable=False),
    Column("signed", LargeBinary, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Index("uq_irregularities_kind_device_sha256", "kind", "device_id", "sha256", unique=True),
)

rejections = Table(
    "rejections",
    metadata,
    Column("device_id", String(48), primary_key=True),
    Column("reason", String(64), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("count", Integer, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
)

captures = Table(
    "captures",
    metadata,
    Column("capture_id", CAPTURE_ID, primary_key=True),
    Column("device_id", ForeignKey("devices.device_id"), nullable=False),
    Column("fixmedins_code", ForeignKey("sites.fixmedins_code"), nullable=False),
    Column("window", String(16), nullable=False),
    Column("msgid", String(30), nullable=False),
    Column("infno", String(6), nullable=False),
    Column("psn_no", String(30), nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime, nullable=False),
    Column("closing", String(16), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("reasons", JSON, nullable=False),
    Column("similarity", Float),
    Column("liveness", String(16), nullable=False),
    Column("persons", Integer, nullable=False),
    Column("frames_seen", Integer, nullable=False),
    Column("frames_used", Integer, nullable=False),
    Column("evidence_mode", String(16), nullable=False),
    Column("software", JSON, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("clock_error_ms", Float),
    Index("ix_captures_site_msgid", "fixmedins_code", "msgid"),
    Index("ix_captures_site_time", "fixmedins_code", "opened_at"),
    Index("ix_captures_psn_no", "psn_no"),
)

faces = Table(
    "faces",
    metadata,
    Column("capture_id", ForeignKey("captures.capture_id"), primary_key=True),
    Column("fixmedins_code", String(12), nullable=False),
    Column("embedder", String(80), nullable=False),
    Column("sealed_vector", LargeBinary, nullable=False),
    Column("face_group", BigInteger, nullable=False, index=True),
    Column("similarity", Float),
    Column("band", String(16), nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Index("ix_faces_recent", "embedder", "seen_at"),
)

bindings = Table(
    "bindings",
    metadata,
    Column("device_id", ForeignKey("devices.device_id"), primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("fixmedins_code", String(12), nullable=False),
    Column("msgid", String(30), nullable=False),
    Column("setl_id", String(30), nullable=False),
    Column("mdtrt_id", String(30), nullable=False),
    Column("setl_time", UtcDateTime, nullable=False),
    Column("medfee_sumamt", Money, nullable=False),
    Column("auth_no", String(64)),
    Column("out_biz_no", String(64)),
    Index("ix_bindings_site_setl", "fixmedins_code", "setl_id"),
    Index("ix_bindings_site_msgid", "fixmedins_code", "msgid"),
)

manual_checks = Table(
    "manual_checks",
    metadata,
    Column("device_id", ForeignKey("devices.device_id"), primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("fixmedins_code", String(12), nullable=False),
    Column("msgid", String(30), nullable=False),
    Column("opter", String(30), nullable=False),
    Column("reason", String(16), nullable=False),
    Column("proxy_psn_no", String(30)),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_manual_checks_site_msgid", "fixmedins_code", "msgid"),
)

voids = Table(
    "voids",
    metadata,
    Column("device_id", ForeignKey("devices.device_id"), primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("fixmedins_code", String(12), nullable=False),
    Column("setl_id", String(30), nullable=False),
    Column("msgid", String(30)),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_voids_site_setl", "fixmedins_code", "setl_id"),
)

footage = Table(
    "footage",
    metadata,
    Column("device_id", ForeignKey("devices.device_id"), primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("fixmedins_code", String(12), nullable=False),
    Column("request", String(32)),
    Column("window", String(16)),
    Column("msgid", String(30)),
    Column("since", UtcDateTime),
    Column("until", UtcDateTime),
    Column("persons", Integer),
    Column("blurred", Boolean, nullable=False),
    Column("missing", String(64)),
    Column("media", JSON, nullable=False),
    Column("shown_by", CAPTURE_ID, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Index("ix_footage_request", "request"),
)

coverage = Table(
    "coverage",
    metadata,
    Column("device_id", ForeignKey("devices.device_id"), primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("fixmedins_code", String(12), nullable=False),
    Column("window", String(16), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Column("seen_s", Float, nullable=False),
    Column("blind", JSON, nullable=False),
    Column("people", JSON(none_as_null=True)),
    Index("ix_coverage_site_since", "fixmedins_code", "since"),
)
