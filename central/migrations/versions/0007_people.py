"""What the register of people keeps besides their faces: bases, exceptions, watch list, duplicates, registers read, counts, erasures."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op
import central.db

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NEW = {
    "templates": (("taken_at", central.db.UtcDateTime()), ("source", sa.String(length=60)), ("erased_at", central.db.UtcDateTime())),
    "expected_at": (
        ("reference", sa.String(length=100)),
        ("valid_until", central.db.UtcDateTime()),
        ("added_at", central.db.UtcDateTime()),
        ("added_by", sa.String(length=64)),
    ),
    "proxies": (
        ("registered_at", central.db.UtcDateTime()),
        ("registered_by", sa.String(length=64)),
        ("ended_at", central.db.UtcDateTime()),
        ("ended_by", sa.String(length=64)),
        ("ended_why", sa.Text()),
    ),
    "events": (("erased_at", central.db.UtcDateTime()),),
}


def upgrade() -> None:
    """Apply. Nobody stays on a watch list without a written decision."""
    for table, columns in NEW.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name, kind in columns:
                batch_op.add_column(sa.Column(name, kind, nullable=True))
    op.create_index("ix_templates_replaced_at", "templates", ["replaced_at"], unique=False)
    _tables()
    _end_watches_without_decision()


def _tables() -> None:
    op.create_table(
        "bases",
        sa.Column("basis_id", sa.Integer(), nullable=False),
        sa.Column("psn_no", sa.String(length=30), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("reference", sa.String(length=100), nullable=False),
        sa.Column("given_on", central.db.UtcDateTime(), nullable=False),
        sa.Column("valid_until", central.db.UtcDateTime(), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("recorded_at", central.db.UtcDateTime(), nullable=False),
        sa.Column("recorded_by", sa.String(length=64), nullable=False),
        sa.Column("withdrawn_at", central.db.UtcDateTime(), nullable=True),
        sa.Column("withdrawn_by", sa.String(length=64), nullable=True),
        sa.Column("withdrawn_ref", sa.String(length=100), nullable=True),
        sa.PrimaryKeyConstraint("basis_id", name=op.f("pk_bases")),
    )
    op.create_index("ix_bases_psn_no", "bases", ["psn_no"], unique=False)
    op.create_table(
        "duplicates",
        sa.Column("duplicate_id", sa.Integer(), nullable=False),
        sa.Column("psn_no", sa.String(length=30), nullable=False),
        sa.Column("other_psn_no", sa.String(length=30), nullable=False),
        sa.Column("finding", sa.String(length=16), nullable=False),
        sa.Column("refused", sa.Boolean(), nullable=False),
        sa.Column("embedder", sa.String(length=80), nullable=False),
        sa.Column("similarity", sa.Float(), nullable=False),
        sa.Column("own", sa.Float(), nullable=True),
        sa.Column("compared", sa.Integer(), nullable=False),
        sa.Column("media_id", sa.String(length=64), nullable=True),
        sa.Column("found_at", central.db.UtcDateTime(), nullable=False),
        sa.Column("found_by", sa.String(length=64), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("decided_at", central.db.UtcDateTime(), nullable=True),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("duplicate_id", name=op.f("pk_duplicates")),
    )
    op.create_index("ix_duplicates_psn_no", "duplicates", ["psn_no"], unique=False)
    op.create_table(
        "exemptions",
        sa.Column("exemption_id", sa.Integer(), nullable=False),
        sa.Column("psn_no", sa.String(length=30), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("valid_until", central.db.UtcDateTime(), nullable=True),
        sa.Column("entered_at", central.db.UtcDateTime(), nullable=False),
        sa.Column("entered_by", sa.String(length=64), nullable=False),
        sa.Column("ended_at", central.db.UtcDateTime(), nullable=True),
        sa.Column("ended_by", sa.String(length=64), nullable=True),
        sa.Column("ended_why", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("exemption_id", name=op.f("pk_exemptions")),
    )
    op.create_index("ix_exemptions_psn_no", "exemptions", ["psn_no"], unique=False)
    op.create_table(
        "face_counts",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("enrolled", sa.Integer(), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("warned_at", sa.Integer(), nullable=False),
        sa.Column("counted_at", central.db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_face_counts")),
    )
    op.create_table(
        "registers",
        sa.Column("register_id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("started_at", central.db.UtcDateTime(), nullable=False),
        sa.Column("started_by", sa.String(length=64), nullable=False),
        sa.Column("finished_at", central.db.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("register_id", name=op.f("pk_registers")),
        sa.UniqueConstraint("sha256", name=op.f("uq_registers_sha256")),
    )
    op.create_table(
        "register_rows",
        sa.Column("register_id", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("column", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=80), nullable=False),
        sa.Column("codes", sa.JSON(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("at", central.db.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["register_id"], ["registers.register_id"], name=op.f("fk_register_rows_register_id_registers")),
        sa.PrimaryKeyConstraint("register_id", "line", name=op.f("pk_register_rows")),
    )
    op.create_table(
        "watch_list",
        sa.Column("watch_id", sa.Integer(), nullable=False),
        sa.Column("psn_no", sa.String(length=30), nullable=False),
        sa.Column("fixmedins_code", sa.String(length=12), nullable=False),
        sa.Column("document", sa.String(length=100), nullable=False),
        sa.Column("decided_by", sa.String(length=100), nullable=False),
        sa.Column("decided_on", central.db.UtcDateTime(), nullable=False),
        sa.Column("valid_until", central.db.UtcDateTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("entered_at", central.db.UtcDateTime(), nullable=False),
        sa.Column("entered_by", sa.String(length=64), nullable=False),
        sa.Column("confirmed_at", central.db.UtcDateTime(), nullable=True),
        sa.Column("confirmed_by", sa.String(length=64), nullable=True),
        sa.Column("ended_at", central.db.UtcDateTime(), nullable=True),
        sa.Column("ended_by", sa.String(length=64), nullable=True),
        sa.Column("ended_why", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["fixmedins_code"], ["sites.fixmedins_code"], name=op.f("fk_watch_list_fixmedins_code_sites")),
        sa.PrimaryKeyConstraint("watch_id", name=op.f("pk_watch_list")),
    )
    op.create_index("ix_watch_list_psn_no", "watch_list", ["psn_no"], unique=False)
    op.create_table(
        "erasures",
        sa.Column("erasure_id", sa.Integer(), nullable=False),
        sa.Column("psn_no", sa.String(length=30), nullable=False),
        sa.Column("why", sa.String(length=16), nullable=False),
        sa.Column("reference", sa.String(length=100), nullable=False),
        sa.Column("erased_at", central.db.UtcDateTime(), nullable=False),
        sa.Column("erased_by", sa.String(length=64), nullable=False),
        sa.Column("erased", sa.JSON(), nullable=False),
        sa.Column("held", sa.JSON(), nullable=False),
        sa.Column("terminals", sa.JSON(), nullable=False),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("erasure_id", name=op.f("pk_erasures")),
    )
    op.create_index("ix_erasures_psn_no", "erasures", ["psn_no"], unique=False)


def _end_watches_without_decision() -> None:
    """The terminals forget them; a person who was also insured is expected again as such with the next enrolment."""
    moment = sa.literal(_now_micros(), sa.BigInteger())
    watched = sa.table("expected_at", sa.column("fixmedins_code"), sa.column("psn_no"), sa.column("role"))
    changes = sa.table("gallery_changes", sa.column("fixmedins_code"), sa.column("psn_no"), sa.column("changed_at"))
    rows = sa.select(watched.c.fixmedins_code, watched.c.psn_no, moment).where(watched.c.role == "watch")
    op.execute(changes.insert().from_select(["fixmedins_code", "psn_no", "changed_at"], rows))
    op.execute(watched.delete().where(watched.c.role == "watch"))


def _now_micros() -> int:
    return int(datetime.now(UTC).timestamp() * 1_000_000)


def downgrade() -> None:
    """Undo."""
    for table in ("erasures", "watch_list", "register_rows", "registers", "face_counts", "exemptions", "duplicates", "bases"):
        op.drop_table(table)
    op.drop_index("ix_templates_replaced_at", table_name="templates")
    for table, columns in NEW.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name, _ in columns:
                batch_op.drop_column(name)
