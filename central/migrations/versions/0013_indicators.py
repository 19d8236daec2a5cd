"""Indicators and groups of findings."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

INDICATORS = (
    "verified",
    "mismatch",
    "empty_window",
    "cards_per_face",
    "small_bills",
    "quick_refunds",
    "traffic",
    "after_hours",
    "staff_present",
    "ward_sign_in",
    "doctor_sign_in",
    "devices_online",
    "trace_codes",
    "confirmed",
    "overdue",
)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "indicator_days",
        sa.Column("fixmedins_code", sa.String(length=12), nullable=False),
        sa.Column("dr", sa.String(length=30), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        *(sa.Column(f"{name}_{part}", sa.BigInteger(), nullable=False) for name in INDICATORS for part in ("n", "of")),
        sa.PrimaryKeyConstraint("fixmedins_code", "dr", "day", name=op.f("pk_indicator_days")),
    )
    op.create_index("ix_indicator_days_day", "indicator_days", ["day"], unique=False)
    op.create_table(
        "indicator_sites",
        sa.Column("fixmedins_code", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("admdvs", sa.String(length=6), nullable=False),
        sa.PrimaryKeyConstraint("fixmedins_code", name=op.f("pk_indicator_sites")),
    )
    op.create_table(
        "finding_keys",
        sa.Column("jr_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("value", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(["jr_id"], ["findings.jr_id"], name=op.f("fk_finding_keys_jr_id_findings")),
        sa.PrimaryKeyConstraint("jr_id", "kind", "value", name=op.f("pk_finding_keys")),
    )
    op.create_index("ix_finding_keys_value", "finding_keys", ["value", "kind"], unique=False)
    op.create_table(
        "finding_groups",
        sa.Column("jr_id", sa.String(length=40), nullable=False),
        sa.Column("group_id", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["jr_id"], ["findings.jr_id"], name=op.f("fk_finding_groups_jr_id_findings")),
        sa.PrimaryKeyConstraint("jr_id", name=op.f("pk_finding_groups")),
    )
    op.create_index("ix_finding_groups_group_id", "finding_groups", ["group_id"], unique=False)


def downgrade() -> None:
    """Take back."""
    for name in ("finding_groups", "finding_keys", "indicator_sites", "indicator_days"):
        op.drop_table(name)
