"""What enrolling a site keeps: hours and notice of the site, approvals, planned terminals, cameras, tokens."""

import sqlalchemy as sa
from alembic import op
import central.db

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("sites", schema=None) as batch_op:
        batch_op.add_column(sa.Column("opening_hours", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("notice_version", sa.String(length=80), server_default="", nullable=False))
    op.create_table(
        "site_approvals",
        sa.Column("approval_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("fixmedins_code", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("reference", sa.String(length=120), nullable=False),
        sa.Column("approved_by", sa.String(length=80), nullable=False),
        sa.Column("approved_on", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("recorded_by", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", central.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["fixmedins_code"], ["sites.fixmedins_code"], name=op.f("fk_site_approvals_fixmedins_code_sites")),
        sa.PrimaryKeyConstraint("approval_id", name=op.f("pk_site_approvals")),
    )
    op.create_index(op.f("ix_site_approvals_fixmedins_code"), "site_approvals", ["fixmedins_code"], unique=False)
    op.create_table(
        "terminals",
        sa.Column("device_id", sa.String(length=48), nullable=False),
        sa.Column("fixmedins_code", sa.String(length=12), nullable=False),
        sa.Column("broker_host", sa.String(length=253), nullable=False),
        sa.Column("broker_port", sa.Integer(), nullable=False),
        sa.Column("till_port", sa.Integer(), nullable=False),
        sa.Column("extra", sa.Text(), nullable=False),
        sa.Column("planned_at", central.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["fixmedins_code"], ["sites.fixmedins_code"], name=op.f("fk_terminals_fixmedins_code_sites")),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_terminals")),
    )
    op.create_index(op.f("ix_terminals_fixmedins_code"), "terminals", ["fixmedins_code"], unique=False)
    op.create_table(
        "cameras",
        sa.Column("device_id", sa.String(length=48), nullable=False),
        sa.Column("window", sa.String(length=16), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("camera_model", sa.String(length=80), nullable=False),
        sa.Column("shown", sa.String(length=300), nullable=False),
        sa.Column("sealed_source", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["terminals.device_id"], name=op.f("fk_cameras_device_id_terminals")),
        sa.PrimaryKeyConstraint("device_id", "window", name=op.f("pk_cameras")),
    )
    op.create_table(
        "enrolment_tokens",
        sa.Column("token_id", sa.String(length=22), nullable=False),
        sa.Column("device_id", sa.String(length=48), nullable=False),
        sa.Column("issued_at", central.db.UtcDateTime(), nullable=False),
        sa.Column("issued_by", sa.String(length=64), nullable=False),
        sa.Column("valid_until", central.db.UtcDateTime(), nullable=False),
        sa.Column("addresses", sa.JSON(), nullable=False),
        sa.Column("withdrawn_at", central.db.UtcDateTime(), nullable=True),
        sa.Column("used_at", central.db.UtcDateTime(), nullable=True),
        sa.Column("kid", sa.String(length=64), nullable=True),
        sa.Column("keys_sha256", sa.String(length=64), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["terminals.device_id"], name=op.f("fk_enrolment_tokens_device_id_terminals")),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_enrolment_tokens")),
    )
    op.create_index(op.f("ix_enrolment_tokens_device_id"), "enrolment_tokens", ["device_id"], unique=False)


def downgrade() -> None:
    """Undo."""
    for table in ("enrolment_tokens", "cameras", "terminals", "site_approvals"):
        op.drop_table(table)
    with op.batch_alter_table("sites", schema=None) as batch_op:
        batch_op.drop_column("notice_version")
        batch_op.drop_column("opening_hours")
