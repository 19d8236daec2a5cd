"""Tables of people, their templates and what is registered of them. No name and no identity number is kept: psn_no is opaque."""

from sqlalchemy import JSON, Boolean, Column, Float, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from central.db import Hash, Name, UtcDateTime, metadata

_PSN_NO = String(30)
_REFERENCE = String(100)
_SITE = String(12)

people = Table(
    "people",
    metadata,
    Column("psn_no", _PSN_NO, primary_key=True),
    Column("legal_basis", Text, nullable=False),
    Column("enrolled_at", UtcDateTime, nullable=False),
)

bases = Table(
    "bases",
    metadata,
    Column("basis_id", Integer, primary_key=True),
    Column("psn_no", _PSN_NO, nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("reference", _REFERENCE, nullable=False),
    Column("given_on", UtcDateTime, nullable=False),
    Column("valid_until", UtcDateTime),
    Column("words", Text, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("recorded_by", Name, nullable=False),
    Column("withdrawn_at", UtcDateTime),
    Column("withdrawn_by", Name),
    Column("withdrawn_ref", _REFERENCE),
)

templates = Table(
    "templates",
    metadata,
    Column("template_id", Integer, primary_key=True),
    Column("psn_no", ForeignKey("people.psn_no"), nullable=False),
    Column("embedder", String(80), nullable=False),
    Column("sealed_vector", LargeBinary, nullable=False),
    Column("quality", Float, nullable=False),
    Column("media_id", Hash, nullable=False),
    Column("enrolled_at", UtcDateTime, nullable=False),
    Column("enrolled_by", String(64), nullable=False),
    Column("replaced_at", UtcDateTime),
    Column("taken_at", UtcDateTime),
    Column("source", String(60)),
    Column("erased_at", UtcDateTime),
    Index("ix_templates_current", "psn_no", "replaced_at"),
    Index("ix_templates_replaced_at", "replaced_at"),
)

expected_at = Table(
    "expected_at",
    metadata,
    Column("fixmedins_code", ForeignKey("sites.fixmedins_code"), primary_key=True),
    Column("psn_no", ForeignKey("people.psn_no"), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("reference", _REFERENCE),
    Column("valid_until", UtcDateTime),
    Column("added_at", UtcDateTime),
    Column("added_by", Name),
)

proxies = Table(
    "proxies",
    metadata,
    Column("psn_no", _PSN_NO, primary_key=True),
    Column("proxy_psn_no", _PSN_NO, primary_key=True),
    Column("valid_from", UtcDateTime, primary_key=True),
    Column("valid_to", UtcDateTime, nullable=False),
    Column("reason", Text, nullable=False),
    Column("registered_at", UtcDateTime),
    Column("registered_by", Name),
    Column("ended_at", UtcDateTime),
    Column("ended_by", Name),
    Column("ended_why", Text),
)

watch_list = Table(
    "watch_list",
    metadata,
    Column("watch_id", Integer, primary_key=True),
    Column("psn_no", _PSN_NO, nullable=False, index=True),
    Column("fixmedins_code", ForeignKey("sites.fixmedins_code"), nullable=False),
    Column("document", _REFERENCE, nullable=False),
    Column("decided_by", _REFERENCE, nullable=False),
    Column("decided_on", UtcDateTime, nullable=False),
    Column("valid_until", UtcDateTime, nullable=False),
    Column("reason", Text, nullable=False),
    Column("entered_at", UtcDateTime, nullable=False),
    Column("entered_by", Name, nullable=False),
    Column("confirmed_at", UtcDateTime),
    Column("confirmed_by", Name),
    Column("ended_at", UtcDateTime),
    Column("ended_by", Name),
    Column("ended_why", Text),
)

exemptions = Table(
    "exemptions",
    metadata,
    Column("exemption_id", Integer, primary_key=True),
    Column("psn_no", _PSN_NO, nullable=False, index=True),
    Column("reason", String(16), nullable=False),
    Column("note", Text, nullable=False),
    Column("valid_until", UtcDateTime),
    Column("entered_at", UtcDateTime, nullable=False),
    Column("entered_by", Name, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("ended_by", Name),
    Column("ended_why", Text),
)

duplicates = Table(
    "duplicates",
    metadata,
    Column("duplicate_id", Integer, primary_key=True),
    Column("psn_no", _PSN_NO, nullable=False, index=True),
    Column("other_psn_no", _PSN_NO, nullable=False),
    Column("finding", String(16), nullable=False),
    Column("refused", Boolean, nullable=False),
    Column("embedder", String(80), nullable=False),
    Column("similarity", Float, nullable=False),
    Column("own", Float),
    Column("compared", Integer, nullable=False),
    Column("media_id", Hash),
    Column("found_at", UtcDateTime, nullable=False),
    Column("found_by", Name, nullable=False),
    Column("verdict", String(16)),
    Column("reason", Text),
    Column("decided_at", UtcDateTime),
    Column("decided_by", Name),
)

registers = Table(
    "registers",
    metadata,
    Column("register_id", Integer, primary_key=True),
    Column("source", String(200), nullable=False),
    Column("sha256", Hash, nullable=False, unique=True),
    Column("started_at", UtcDateTime, nullable=False),
    Column("started_by", Name, nullable=False),
    Column("finished_at", UtcDateTime),
)

register_rows = Table(
    "register_rows",
    metadata,
    Column("register_id", ForeignKey("registers.register_id"), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("state", String(16), nullable=False),
    Column("column", String(40), nullable=False),
    Column("value", String(80), nullable=False),
    Column("codes", JSON, nullable=False),
    Column("message", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

face_counts = Table(
    "face_counts",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("enrolled", Integer, nullable=False),
    Column("seen", Integer, nullable=False),
    Column("warned_at", Integer, nullable=False),
    Column("counted_at", UtcDateTime, nullable=False),
)

gallery_changes = Table(
    "gallery_changes",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("fixmedins_code", ForeignKey("sites.fixmedins_code"), nullable=False),
    Column("psn_no", _PSN_NO, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Index("ix_gallery_changes_site", "fixmedins_code", "version"),
    sqlite_autoincrement=True,
)
