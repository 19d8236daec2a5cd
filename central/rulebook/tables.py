"""Tables of the life of rules. A change is never edited: it waits, then it is in force with a version or refused.

`rule_changes.scope` is "file" for what the rules file said, else as `central.rules.places` writes places; `limits` are the overrides there,
all of them. `snoozes`, `rule_floods`: what holds findings back (`findings.held` names the row). `exhibits`: the rows that findings hang on,
as they were. `rule_trials`: limits that were tried beside the live ones. `rule_samples`: settlements drawn for people to look at.
"""

from sqlalchemy import JSON, BigInteger, Column, Float, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from central.db import Hash, Name, UtcDateTime, metadata

rule_changes = Table(
    "rule_changes",
    metadata,
    Column("change_id", Integer, primary_key=True),
    Column("rule_id", String(16), nullable=False),
    Column("scope", String(12), nullable=False),
    Column("limits", JSON, nullable=False),
    Column("stage", String(16)),
    Column("reason", Text, nullable=False),
    Column("proposed_by", Name, nullable=False),
    Column("proposed_at", UtcDateTime, nullable=False),
    Column("decision", String(16)),
    Column("decided_by", Name),
    Column("decided_at", UtcDateTime),
    Column("decided_why", Text),
    Column("version", Integer),
    Index("uq_rule_changes_version", "rule_id", "version", unique=True),
)

snoozes = Table(
    "snoozes",
    metadata,
    Column("snooze_id", Integer, primary_key=True),
    Column("rule_id", String(16), nullable=False),
    Column("subject_key", String(200)),
    Column("fixmedins_code", String(12)),
    Column("until", UtcDateTime, nullable=False),
    Column("reason", Text, nullable=False),
    Column("account", Name, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("ended_by", Name),
    Column("came_back", Integer),
)

rule_floods = Table(
    "rule_floods",
    metadata,
    Column("flood_id", Integer, primary_key=True),
    Column("rule_id", String(16), nullable=False),
    Column("rule_version", Integer, nullable=False),
    Column("setting", Integer, nullable=False),
    Column("why", String(16), nullable=False),
    Column("found", Integer, nullable=False),
    Column("settlements", BigInteger, nullable=False),
    Column("usual", Float),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),
    Column("outcome", String(16)),
)

rule_trials = Table(
    "rule_trials",
    metadata,
    Column("trial_id", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("rule_id", String(16), nullable=False),
    Column("scope", String(12), nullable=False),
    Column("limits", JSON, nullable=False),
    Column("since", UtcDateTime),
    Column("until", UtcDateTime),
    Column("asked_by", Name, nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("failed", Text),
    Column("rule_version", Integer, nullable=False),
    Column("setting", Integer, nullable=False),
    Column("result", JSON),
)

rule_samples = Table(
    "rule_samples",
    metadata,
    Column("sample_id", Integer, primary_key=True),
    Column("rule_id", String(16)),
    Column("scope", String(12), nullable=False),
    Column("seed", String(64), nullable=False),
    Column("size", Integer, nullable=False),
    Column("population", BigInteger, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Column("reason", Text, nullable=False),
    Column("account", Name, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

sample_items = Table(
    "sample_items",
    metadata,
    Column("sample_id", ForeignKey("rule_samples.sample_id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("fixmedins_code", String(12), nullable=False),
    Column("setl_id", String(30), nullable=False),
    Column("verdict", String(16)),
    Column("reason", Text),
    Column("account", Name),
    Column("at", UtcDateTime),
)

exhibits = Table(
    "exhibits",
    metadata,
    Column("exhibit_id", Integer, primary_key=True),
    Column("run_id", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("linkage", JSON, nullable=False),
    Column("sha256", Hash, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

finding_exhibits = Table(
    "finding_exhibits",
    metadata,
    Column("jr_id", ForeignKey("findings.jr_id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("exhibit_id", ForeignKey("exhibits.exhibit_id"), nullable=False),
    Column("replays", String(16), nullable=False),
)
