"""Parameters by place, versions and stages of rules, snoozes, floods, trials, samples, and what a finding replays from."""

from collections.abc import Sequence

import central.db
import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("findings", schema=None) as batch_op:
        batch_op.add_column(sa.Column("setting", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("stage", sa.String(length=16), nullable=True))
        batch_op.add_column(sa.Column("held", sa.String(length=24), nullable=True))
        batch_op.create_index(batch_op.f("ix_findings_held"), ["held"], unique=False)
    op.create_table(
        "exhibits",
        sa.Column("exhibit_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("at", central.db.UtcDateTime(), nullable=False),
        sa.Column("linkage", sa.JSON(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("exhibit_id", name=op.f("pk_exhibits")),
    )
    op.create_table(
        "rule_changes",
        sa.Column("change_id", sa.Integer(), nullable=False),
        sa.Column("rule_id", sa.String(length=16), nullable=False),
        sa.Column("scope", sa.String(length=12), nullable=False),
        sa.Column("limits", sa.JSON(), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.String(length=64), nullable=False),
        sa.Column("proposed_at", central.db.UtcDateTime(), nullable=False),
        sa.Column("decision", sa.String(length=16), nullable=True),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_at", central.db.UtcDateTime(), nullable=True),
        sa.Column("decided_why", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("change_id", name=op.f("pk_rule_changes")),
    )
    op.create_index("uq_rule_changes_version", "rule_changes", ["rule_id", "version"], unique=True)
    op.create_table(
        "rule_floods",
        sa.Column("flood_id", sa.Integer(), nullable=False),
        sa.Column("rule_id", sa.String(length=16), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("setting", sa.Integer(), nullable=False),
        sa.Column("why", sa.String(length=16), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("settlements", sa.BigInteger(), nullable=False),
        sa.Column("usual", sa.Float(), nullable=True),
        sa.Column("opened_at", central.db.UtcDateTime(), nullable=False),
        sa.Column("closed_at", central.db.UtcDateTime(), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.PrimaryKeyConstraint("flood_id", name=op.f("pk_rule_floods")),
    )
    op.create_table(
        "rule_samples",
        sa.Column("sample_id", sa.Integer(), nullable=False),
        sa.Column("rule_id", sa.String(length=16), nullable=True),
        sa.Column("scope", sa.String(length=12), nullable=False),
        sa.Column("seed", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("population", sa.BigInteger(), nullable=False),
        sa.Column("since", central.db.UtcDateTime(), nullable=False),
        sa.Column("until", central.db.UtcDateTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("at", central.db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("sample_id", name=op.f("pk_rule_samples")),
    )
    op.create_table(
        "snoozes",
        sa.Column("snooze_id", sa.Integer(), nullable=False),
        sa.Column("rule_id", sa.String(length=16), nullable=False),
        sa.Column("subject_key", sa.String(length=200), nullable=True),
        sa.Column("fixmedins_code", sa.String(length=12), nullable=True),
        sa.Column("until", central.db.UtcDateTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("at", central.db.UtcDateTime(), nullable=False),
        sa.Column("ended_at", central.db.UtcDateTime(), nullable=True),
        sa.Column("ended_by", sa.String(length=64), nullable=True),
        sa.Column("came_back", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("snooze_id", name=op.f("pk_snoozes")),
    )
    op.create_table(
        "finding_exhibits",
        sa.Column("jr_id", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("exhibit_id", sa.Integer(), nullable=False),
        sa.Column("replays", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["exhibit_id"], ["exhibits.exhibit_id"], name=op.f("fk_finding_exhibits_exhibit_id_exhibits")),
        sa.ForeignKeyConstraint(["jr_id"], ["findings.jr_id"], name=op.f("fk_finding_exhibits_jr_id_findings")),
        sa.PrimaryKeyConstraint("jr_id", "version", name=op.f("pk_finding_exhibits")),
    )
    op.create_table(
        "rule_trials",
        sa.Column("trial_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("rule_id", sa.String(length=16), nullable=False),
        sa.Column("scope", sa.String(length=12), nullable=False),
        sa.Column("limits", sa.JSON(), nullable=False),
        sa.Column("since", central.db.UtcDateTime(), nullable=True),
        sa.Column("until", central.db.UtcDateTime(), nullable=True),
        sa.Column("asked_by", sa.String(length=64), nullable=False),
        sa.Column("asked_at", central.db.UtcDateTime(), nullable=False),
        sa.Column("finished_at", central.db.UtcDateTime(), nullable=True),
        sa.Column("failed", sa.Text(), nullable=True),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("setting", sa.Integer(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("trial_id", name=op.f("pk_rule_trials")),
    )
    op.create_table(
        "sample_items",
        sa.Column("sample_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("fixmedins_code", sa.String(length=12), nullable=False),
        sa.Column("setl_id", sa.String(length=30), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("account", sa.String(length=64), nullable=True),
        sa.Column("at", central.db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["sample_id"], ["rule_samples.sample_id"], name=op.f("fk_sample_items_sample_id_rule_samples")),
        sa.PrimaryKeyConstraint("sample_id", "number", name=op.f("pk_sample_items")),
    )


def downgrade() -> None:
    """Take back."""
    for name in ("finding_exhibits", "exhibits", "sample_items", "rule_samples", "rule_trials", "rule_floods", "snoozes", "rule_changes"):
        op.drop_table(name)
    with op.batch_alter_table("findings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_findings_held"))
        for name in ("held", "stage", "setting"):
            batch_op.drop_column(name)
