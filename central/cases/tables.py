"""Tables of findings (national result fields 3101/3102) and of their append-only reviews; a finding's status is read from the reviews.

`rule_faults` says which rule could not be run; such a run says nothing about that rule's findings."""

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, String, Table, Text

from central.db import Money, UtcDateTime, metadata

findings = Table(
    "findings",
    metadata,
    Column("jr_id", String(40), primary_key=True),
    Column("rule_id", String(16), nullable=False),
    Column("rule_version", Integer, nullable=False),
    Column("subject_key", String(200), nullable=False),
    Column("fixmedins_code", String(12), nullable=False),
    Column("psn_no", String(30)),
    Column("rule_name", String(100), nullable=False),
    Column("vola_cont", Text, nullable=False),
    Column("vola_cont_en", Text, nullable=False),
    Column("vola_amt", Money, nullable=False),
    Column("sev_deg", String(8), nullable=False),
    Column("vola_evid", JSON, nullable=False),
    Column("vola_bhvr_type", String(40), nullable=False),
    Column("legal_basis", String(200), nullable=False),
    Column("limits", JSON, nullable=False),
    Column("occurred_at", UtcDateTime, nullable=False),
    Column("found_at", UtcDateTime, nullable=False),
    Column("withdrawn_at", UtcDateTime),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("setting", Integer),
    Column("stage", String(16)),
    Column("held", String(24), index=True),
    Index("uq_findings_rule_subject", "rule_id", "subject_key", unique=True),
    Index("ix_findings_found_at", "found_at"),
)

reviews = Table(
    "reviews",
    metadata,
    Column("review_id", Integer, primary_key=True),
    Column("jr_id", ForeignKey("findings.jr_id"), nullable=False, index=True),
    Column("verdict", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("account", String(64), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

rule_faults = Table(
    "rule_faults",
    metadata,
    Column("fault_id", Integer, primary_key=True),
    Column("run_id", ForeignKey("runs.run_id"), nullable=False, index=True),
    Column("rule_id", String(16), nullable=False),
    Column("message", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

finding_keys = Table(
    "finding_keys",
    metadata,
    Column("jr_id", ForeignKey("findings.jr_id"), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("value", String(120), primary_key=True),
    Index("ix_finding_keys_value", "value", "kind"),
)
"""What findings name that others may name too; made anew from the findings whenever they change."""

finding_groups = Table(
    "finding_groups",
    metadata,
    Column("jr_id", ForeignKey("findings.jr_id"), primary_key=True),
    Column("group_id", String(40), nullable=False, index=True),
)
"""Which findings belong together; derived, so it says nothing about any of them."""
