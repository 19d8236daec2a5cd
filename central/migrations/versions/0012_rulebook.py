"""Parameters by place, versions and stages of rules, snoozes, floods, trials, samples, and what a finding replays from."""

from collections.abc import Sequence

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


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("findings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_findings_held"))
        for name in ("held", "stage", "setting"):
            batch_op.drop_column(name)
