"""Holds, releases, review stamps and exported packages."""

from collections.abc import Sequence

import central.db
import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "holds",
        sa.Column("hold_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("since", central.db.UtcDateTime(), nullable=True),
        sa.Column("until", central.db.UtcDateTime(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("document", sa.String(length=100), nullable=False),
        sa.Column("placed_by", sa.String(length=64), nullable=False),
        sa.Column("placed_at", central.db.UtcDateTime(), nullable=False),
        sa.Column("release_asked_by", sa.String(length=64), nullable=True),
        sa.Column("release_asked_at", central.db.UtcDateTime(), nullable=True),
        sa.Column("release_reason", sa.Text(), nullable=True),
        sa.Column("released_by", sa.String(length=64), nullable=True),
        sa.Column("released_at", central.db.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("hold_id", name=op.f("pk_holds")),
    )
    op.create_index("ix_holds_subject", "holds", ["subject"], unique=False)
    op.create_table(
        "hold_items",
        sa.Column("hold_id", sa.Integer(), nullable=False),
        sa.Column("what", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=96), nullable=False),
        sa.ForeignKeyConstraint(["hold_id"], ["holds.hold_id"], name=op.f("fk_hold_items_hold_id_holds")),
        sa.PrimaryKeyConstraint("hold_id", "what", "name", name=op.f("pk_hold_items")),
    )
    op.create_index("ix_hold_items_name", "hold_items", ["what", "name"], unique=False)
    op.create_table(
        "review_stamps",
        sa.Column("stamp_id", sa.Integer(), nullable=False),
        sa.Column("jr_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("result", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("at", central.db.UtcDateTime(), nullable=False),
        sa.Column("covers", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["jr_id"], ["findings.jr_id"], name=op.f("fk_review_stamps_jr_id_findings")),
        sa.PrimaryKeyConstraint("stamp_id", name=op.f("pk_review_stamps")),
    )
    op.create_index(op.f("ix_review_stamps_jr_id"), "review_stamps", ["jr_id"], unique=False)
    op.create_table(
        "packages",
        sa.Column("package_id", sa.String(length=40), nullable=False),
        sa.Column("jr_id", sa.String(length=40), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("exported_by", sa.String(length=64), nullable=False),
        sa.Column("exported_at", central.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["jr_id"], ["findings.jr_id"], name=op.f("fk_packages_jr_id_findings")),
        sa.PrimaryKeyConstraint("package_id", name=op.f("pk_packages")),
    )
    op.create_index(op.f("ix_packages_jr_id"), "packages", ["jr_id"], unique=False)
    op.create_index("uq_packages_sha256", "packages", ["sha256"], unique=True)
    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.create_index("ix_audit_log_object", ["object"], unique=False)


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_log_object")
    for name in ("packages", "review_stamps", "hold_items", "holds"):
        op.drop_table(name)
