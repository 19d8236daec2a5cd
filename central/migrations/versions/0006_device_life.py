"""The history of devices' keys, what nobody should trust, and what has to be looked at again."""

import sqlalchemy as sa
from alembic import op
import central.db

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("device_keys", schema=None) as batch_op:
        batch_op.add_column(sa.Column("certificate", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("tls_sha256", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("offered_epoch", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("offered_seq", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("last_epoch", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("last_seq", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("retired_at", central.db.UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("revoked_why", sa.String(length=64), nullable=True))
        batch_op.create_index("ix_device_keys_tls_sha256", ["tls_sha256"], unique=False)

    op.create_table(
        "hot_list",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("value", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", central.db.UtcDateTime(), nullable=False),
        sa.Column("added_by", sa.String(length=64), nullable=False),
        sa.Column("added_at", central.db.UtcDateTime(), nullable=False),
        sa.Column("swept_at", central.db.UtcDateTime(), nullable=True),
        sa.Column("ended_by", sa.String(length=64), nullable=True),
        sa.Column("ended_at", central.db.UtcDateTime(), nullable=True),
        sa.Column("ended_why", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_hot_list")),
    )
    op.create_index("ix_hot_list_open", "hot_list", ["ended_at", "kind", "value"], unique=False)

    op.create_table(
        "second_looks",
        sa.Column("subject", sa.String(length=96), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("fixmedins_code", sa.String(length=12), nullable=False),
        sa.Column("seen_at", central.db.UtcDateTime(), nullable=False),
        sa.Column("queued_at", central.db.UtcDateTime(), nullable=False),
        sa.Column("decision", sa.String(length=16), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_at", central.db.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["entry_id"], ["hot_list.entry_id"], name=op.f("fk_second_looks_entry_id_hot_list")),
        sa.PrimaryKeyConstraint("subject", "entry_id", name=op.f("pk_second_looks")),
    )
    op.create_index("ix_second_looks_open", "second_looks", ["decision", "seen_at"], unique=False)


def downgrade() -> None:
    """Undo."""
    op.drop_table("second_looks")
    op.drop_table("hot_list")
    with op.batch_alter_table("device_keys", schema=None) as batch_op:
        batch_op.drop_index("ix_device_keys_tls_sha256")
        for name in ("revoked_why", "retired_at", "last_seq", "last_epoch", "offered_seq", "offered_epoch", "tls_sha256", "certificate"):
            batch_op.drop_column(name)
