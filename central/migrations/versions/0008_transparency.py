"""The leaves and tiles of the transparency log, its checkpoints and who vouches for them; findings count their versions."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
import central.db

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "log_pending",
        sa.Column("pending_id", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("at", central.db.UtcDateTime(), nullable=False),
        sa.Column("leaves", sa.Integer(), nullable=False),
        sa.Column("names", sa.Text(), nullable=False),
        sa.Column("commitments", sa.LargeBinary(), nullable=False),
        sa.Column("salts", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("pending_id", name=op.f("pk_log_pending")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "log_leaves",
        sa.Column("place", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("ref", sa.String(96), nullable=False),
        sa.Column("at", central.db.UtcDateTime(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(32), nullable=False),
        sa.Column("salt", sa.LargeBinary(32), nullable=True),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_log_leaves")),
    )
    op.create_index("ix_log_leaves_ref", "log_leaves", ["ref", "kind"])
    op.create_table(
        "log_tiles",
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "number", name=op.f("pk_log_tiles")),
    )
    op.create_table(
        "log_checkpoints",
        sa.Column("size", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("root", sa.String(64), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("signed_at", central.db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_log_checkpoints")),
    )
    op.create_table(
        "log_cosignatures",
        sa.Column("size", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("witness", sa.String(200), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("at", central.db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("size", "witness", name=op.f("pk_log_cosignatures")),
    )
    op.create_table(
        "log_witnesses",
        sa.Column("witness", sa.String(200), nullable=False),
        sa.Column("size", _NUMBER, nullable=False),
        sa.Column("asked_at", central.db.UtcDateTime(), nullable=False),
        sa.Column("fault", sa.String(300), nullable=True),
        sa.PrimaryKeyConstraint("witness", name=op.f("pk_log_witnesses")),
    )
    op.create_table(
        "log_listeners",
        sa.Column("device_id", sa.String(48), nullable=False),
        sa.Column("key_id", sa.String(8), nullable=False),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_log_listeners")),
    )
    op.create_table(
        "log_anchors",
        sa.Column("device_id", sa.String(48), nullable=False),
        sa.Column("size", _NUMBER, nullable=False),
        sa.Column("root", sa.String(64), nullable=False),
        sa.Column("said_at", central.db.UtcDateTime(), nullable=False),
        sa.Column("fits", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_log_anchors")),
    )
    with op.batch_alter_table("findings", schema=None) as batch_op:
        batch_op.add_column(sa.Column("version", sa.Integer(), server_default="1", nullable=False))


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("findings", schema=None) as batch_op:
        batch_op.drop_column("version")
    for name in ("anchors", "listeners", "witnesses", "cosignatures", "checkpoints", "tiles", "leaves", "pending"):
        op.drop_table(f"log_{name}")
