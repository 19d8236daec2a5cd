"""The registers that claims are compared with, and how files, pushes and pulls came in."""

from collections.abc import Sequence

import central.db
import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_REGISTERS = (
    "details",
    "exemptions",
    "filings",
    "hours",
    "items",
    "leaves",
    "persons",
    "places",
    "proxies",
    "rounds",
    "sign_ins",
    "sites",
    "staff",
    "stays",
    "stock",
)


def upgrade() -> None:
    """Apply."""
    _widen_imports()
    op.add_column("settlements", sa.Column("days_rinp_flag_31", sa.Integer(), nullable=True))
    op.add_column("settlements", sa.Column("received_at", central.db.UtcDateTime(), nullable=True))
    op.execute(sa.text("UPDATE settlements SET received_at = (SELECT started_at FROM imports i WHERE i.import_id = settlements.import_id)"))
    op.add_column("settlement_versions", sa.Column("replaced_by", sa.Integer(), nullable=True))
    op.add_column("settlement_versions", sa.Column("why", sa.String(length=12), nullable=True))
    _keep_pushes()
    _keep_lines()
    _keep_people()
    _keep_inpatients()


def downgrade() -> None:
    """Take back. Registers, pushes and pulls are lost; imports of claims stay."""
    for name in _REGISTERS:
        op.drop_table(f"register_{name}")
    for name in ("register_versions", "pushes", "pulls"):
        op.drop_table(name)
    op.drop_column("settlement_versions", "why")
    op.drop_column("settlement_versions", "replaced_by")
    op.drop_column("settlements", "received_at")
    op.drop_column("settlements", "days_rinp_flag_31")
    op.execute(sa.text("DELETE FROM import_faults WHERE import_id IN (SELECT import_id FROM imports WHERE dataset <> 'claims')"))
    op.execute(sa.text("DELETE FROM imports WHERE dataset <> 'claims'"))
    op.drop_index("ix_imports_sha256", table_name="imports")
    for name in ("full_to", "full_from", "faults", "remarked", "withdrawn", "after", "actor", "kind", "dataset"):
        op.drop_column("imports", name)
    op.drop_index("ix_import_faults_import_id", table_name="import_faults")
    op.create_index("ix_claim_faults_import_id", "import_faults", ["import_id"], unique=False)
    op.rename_table("import_faults", "claim_faults")
    op.rename_table("imports", "claim_imports")


def _widen_imports() -> None:
    """Imports of claims become imports of any dataset; what was imported stays as it is."""
    op.rename_table("claim_imports", "imports")
    op.rename_table("claim_faults", "import_faults")
    op.drop_index("ix_claim_faults_import_id", table_name="import_faults")
    op.create_index("ix_import_faults_import_id", "import_faults", ["import_id"], unique=False)
    op.add_column("imports", sa.Column("dataset", sa.String(length=20), server_default="claims", nullable=False))
    op.add_column("imports", sa.Column("kind", sa.String(length=8), server_default="file", nullable=False))
    op.add_column("imports", sa.Column("actor", sa.String(length=64), nullable=True))
    op.add_column("imports", sa.Column("after", sa.Integer(), nullable=True))
    for name in ("withdrawn", "remarked", "faults"):
        op.add_column("imports", sa.Column(name, sa.Integer(), server_default="0", nullable=False))
    op.add_column("imports", sa.Column("full_from", central.db.UtcDateTime(), nullable=True))
    op.add_column("imports", sa.Column("full_to", central.db.UtcDateTime(), nullable=True))
    op.create_index("ix_imports_sha256", "imports", ["sha256"], unique=False)
    op.execute(sa.text("UPDATE imports SET faults = (SELECT count(*) FROM import_faults f WHERE f.import_id = imports.import_id)"))


def _keep_pushes() -> None:
    """What was pushed and pulled, and what registers said before."""
    op.create_table(
        "pulls",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("watermark", sa.String(length=64), nullable=True),
        sa.Column("pulled_at", central.db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_pulls")),
    )
    op.create_table(
        "register_versions",
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("dataset", sa.String(length=20), nullable=False),
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("row_sha256", sa.String(length=64), nullable=False),
        sa.Column("row", sa.JSON(), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("replaced_at", central.db.UtcDateTime(), nullable=False),
        sa.Column("replaced_by", sa.Integer(), nullable=False),
        sa.Column("why", sa.String(length=12), nullable=False),
        sa.PrimaryKeyConstraint("version_id", name=op.f("pk_register_versions")),
    )
    op.create_index("ix_register_versions_key", "register_versions", ["dataset", "key"], unique=False)
    op.create_table(
        "pushes",
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("push_key", sa.String(length=64), nullable=False),
        sa.Column("dataset", sa.String(length=20), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("received_at", central.db.UtcDateTime(), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=True),
        sa.Column("answer", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["import_id"], ["imports.import_id"], name=op.f("fk_pushes_import_id_imports")),
        sa.PrimaryKeyConstraint("actor", "push_key", name=op.f("pk_pushes")),
    )
    op.create_index("ix_pushes_received_at", "pushes", ["received_at"], unique=False)


def _keep_lines() -> None:
    """Lines of settlements, items, stock, places of orders."""
    op.create_table(
        "register_details",
        sa.Column("fixmedins_code", sa.String(length=12), nullable=False),
        sa.Column("setl_id", sa.String(length=30), nullable=False),
        sa.Column("feedetl_sn", sa.String(length=30), nullable=False),
        sa.Column("fee_ocur_time", central.db.UtcDateTime(), nullable=False),
        sa.Column("med_list_codg", sa.String(length=50), nullable=False),
        sa.Column("list_type", sa.String(length=6), nullable=True),
        sa.Column("cnt", sa.BigInteger(), nullable=False),
        sa.Column("det_item_fee_sumamt", central.db.Money(), nullable=False),
        sa.Column("inscp_amt", central.db.Money(), nullable=True),
        sa.Column("prd_days", sa.BigInteger(), nullable=True),
        sa.Column("rxno", sa.String(length=50), nullable=True),
        sa.Column("bilg_dr_codg", sa.String(length=30), nullable=True),
        sa.Column("phar_code", sa.String(length=30), nullable=True),
        sa.Column("drug_trac_codg", sa.String(length=50), nullable=True),
        sa.Column("trdn_flag", sa.BigInteger(), nullable=True),
        sa.Column("row_sha256", sa.String(length=64), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.import_id"], name=op.f("fk_register_details_import_id_imports")),
        sa.PrimaryKeyConstraint("fixmedins_code", "setl_id", "feedetl_sn", name=op.f("pk_register_details")),
    )
    op.create_index("ix_register_details_time", "register_details", ["fee_ocur_time"], unique=False)
    op.create_table(
        "register_items",
        sa.Column("med_list_codg", sa.String(length=50), nullable=False),
        sa.Column("ingredient", sa.String(length=200), nullable=True),
        sa.Column("most_days", sa.BigInteger(), nullable=True),
        sa.Column("per_session", sa.Boolean(), nullable=False),
        sa.Column("row_sha256", sa.String(length=64), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.import_id"], name=op.f("fk_register_items_import_id_imports")),
        sa.PrimaryKeyConstraint("med_list_codg", name=op.f("pk_register_items")),
    )
    op.create_table(
        "register_places",
        sa.Column("fixmedins_code", sa.String(length=12), nullable=False),
        sa.Column("setl_id", sa.String(length=30), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=False),
        sa.Column("row_sha256", sa.String(length=64), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.import_id"], name=op.f("fk_register_places_import_id_imports")),
        sa.PrimaryKeyConstraint("fixmedins_code", "setl_id", name=op.f("pk_register_places")),
    )
    op.create_table(
        "register_stock",
        sa.Column("fixmedins_code", sa.String(length=12), nullable=False),
        sa.Column("med_list_codg", sa.String(length=50), nullable=False),
        sa.Column("moved_at", central.db.UtcDateTime(), nullable=False),
        sa.Column("movement", sa.String(length=20), nullable=False),
        sa.Column("cnt", sa.BigInteger(), nullable=False),
        sa.Column("row_sha256", sa.String(length=64), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.import_id"], name=op.f("fk_register_stock_import_id_imports")),
        sa.PrimaryKeyConstraint("fixmedins_code", "med_list_codg", "moved_at", "movement", name=op.f("pk_register_stock")),
    )
    op.create_index("ix_register_stock_time", "register_stock", ["moved_at"], unique=False)


def _keep_people() -> None:
    """Registers of persons, staff and sites."""
    op.create_table(
        "register_exemptions",
        sa.Column("psn_no", sa.String(length=30), nullable=False),
        sa.Column("valid_from", central.db.UtcDateTime(), nullable=False),
        sa.Column("valid_to", central.db.UtcDateTime(), nullable=True),
        sa.Column("row_sha256", sa.String(length=64), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.import_id"], name=op.f("fk_register_exemptions_import_id_imports")),
        sa.PrimaryKeyConstraint("psn_no", "valid_from", name=op.f("pk_register_exemptions")),
    )
    op.create_table(
        "register_filings",
        sa.Column("psn_no", sa.String(length=30), nullable=False),
        sa.Column("mdtrtarea_admvs", sa.String(length=6), nullable=False),
        sa.Column("valid_from", central.db.UtcDateTime(), nullable=False),
        sa.Column("valid_to", central.db.UtcDateTime(), nullable=True),
        sa.Column("row_sha256", sa.String(length=64), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.import_id"], name=op.f("fk_register_filings_import_id_imports")),
        sa.PrimaryKeyConstraint("psn_no", "mdtrtarea_admvs", "valid_from", name=op.f("pk_register_filings")),
    )
    op.create_table(
        "register_hours",
        sa.Column("fixmedins_code", sa.String(length=12), nullable=False),
        sa.Column("weekday", sa.BigInteger(), nullable=False),
        sa.Column("opens", sa.BigInteger(), nullable=False),
        sa.Column("closes", sa.BigInteger(), nullable=False),
        sa.Column("row_sha256", sa.String(length=64), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.import_id"], name=op.f("fk_register_hours_import_id_imports")),
        sa.PrimaryKeyConstraint("fixmedins_code", "weekday", "opens", name=op.f("pk_register_hours")),
    )
    op.create_table(
        "register_persons",
        sa.Column("psn_no", sa.String(length=30), nullable=False),
        sa.Column("death_date", central.db.UtcDateTime(), nullable=True),
        sa.Column("suspended_until", central.db.UtcDateTime(), nullable=True),
        sa.Column("row_sha256", sa.String(length=64), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.import_id"], name=op.f("fk_register_persons_import_id_imports")),
        sa.PrimaryKeyConstraint("psn_no", name=op.f("pk_register_persons")),
    )
    op.create_table(
        "register_proxies",
        sa.Column("psn_no", sa.String(length=30), nullable=False),
        sa.Column("proxy_psn_no", sa.String(length=30), nullable=False),
        sa.Column("valid_from", central.db.UtcDateTime(), nullable=False),
        sa.Column("valid_to", central.db.UtcDateTime(), nullable=True),
        sa.Column("known_since", central.db.UtcDateTime(), nullable=True),
        sa.Column("row_sha256", sa.String(length=64), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.import_id"], name=op.f("fk_register_proxies_import_id_imports")),
        sa.PrimaryKeyConstraint("psn_no", "proxy_psn_no", "valid_from", name=op.f("pk_register_proxies")),
    )
    op.create_table(
        "register_sign_ins",
        sa.Column("fixmedins_code", sa.String(length=12), nullable=False),
        sa.Column("code", sa.String(length=30), nullable=False),
        sa.Column("signed_at", central.db.UtcDateTime(), nullable=False),
        sa.Column("left_at", central.db.UtcDateTime(), nullable=True),
        sa.Column("row_sha256", sa.String(length=64), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.import_id"], name=op.f("fk_register_sign_ins_import_id_imports")),
        sa.PrimaryKeyConstraint("fixmedins_code", "code", "signed_at", name=op.f("pk_register_sign_ins")),
    )
    op.create_index("ix_register_sign_ins_time", "register_sign_ins", ["signed_at"], unique=False)
    op.create_table(
        "register_sites",
        sa.Column("fixmedins_code", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("level", sa.String(length=20), nullable=True),
        sa.Column("admdvs", sa.String(length=6), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("watched_from", central.db.UtcDateTime(), nullable=True),
        sa.Column("always_open", sa.Boolean(), nullable=True),
        sa.Column("row_sha256", sa.String(length=64), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.import_id"], name=op.f("fk_register_sites_import_id_imports")),
        sa.PrimaryKeyConstraint("fixmedins_code", name=op.f("pk_register_sites")),
    )
    op.create_table(
        "register_staff",
        sa.Column("fixmedins_code", sa.String(length=12), nullable=False),
        sa.Column("psn_no", sa.String(length=30), nullable=False),
        sa.Column("code", sa.String(length=30), nullable=False),
        sa.Column("valid_from", central.db.UtcDateTime(), nullable=False),
        sa.Column("role", sa.String(length=30), nullable=False),
        sa.Column("valid_to", central.db.UtcDateTime(), nullable=True),
        sa.Column("row_sha256", sa.String(length=64), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.import_id"], name=op.f("fk_register_staff_import_id_imports")),
        sa.PrimaryKeyConstraint("fixmedins_code", "psn_no", "code", "valid_from", name=op.f("pk_register_staff")),
    )


def _keep_inpatients() -> None:
    """Stays, leaves and rounds."""
    op.create_table(
        "register_leaves",
        sa.Column("fixmedins_code", sa.String(length=12), nullable=False),
        sa.Column("mdtrt_id", sa.String(length=30), nullable=False),
        sa.Column("leave_from", central.db.UtcDateTime(), nullable=False),
        sa.Column("leave_to", central.db.UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("row_sha256", sa.String(length=64), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.import_id"], name=op.f("fk_register_leaves_import_id_imports")),
        sa.PrimaryKeyConstraint("fixmedins_code", "mdtrt_id", "leave_from", name=op.f("pk_register_leaves")),
    )
    op.create_index("ix_register_leaves_time", "register_leaves", ["leave_from"], unique=False)
    op.create_table(
        "register_rounds",
        sa.Column("fixmedins_code", sa.String(length=12), nullable=False),
        sa.Column("psn_no", sa.String(length=30), nullable=False),
        sa.Column("place", sa.String(length=20), nullable=False),
        sa.Column("at", central.db.UtcDateTime(), nullable=False),
        sa.Column("mdtrt_id", sa.String(length=30), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("row_sha256", sa.String(length=64), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.import_id"], name=op.f("fk_register_rounds_import_id_imports")),
        sa.PrimaryKeyConstraint("fixmedins_code", "psn_no", "place", "at", name=op.f("pk_register_rounds")),
    )
    op.create_index("ix_register_rounds_time", "register_rounds", ["at"], unique=False)
    op.create_table(
        "register_stays",
        sa.Column("fixmedins_code", sa.String(length=12), nullable=False),
        sa.Column("mdtrt_id", sa.String(length=30), nullable=False),
        sa.Column("psn_no", sa.String(length=30), nullable=False),
        sa.Column("ward", sa.String(length=50), nullable=True),
        sa.Column("adm_bed", sa.String(length=30), nullable=True),
        sa.Column("admitted_at", central.db.UtcDateTime(), nullable=False),
        sa.Column("discharged_at", central.db.UtcDateTime(), nullable=True),
        sa.Column("dscg_way", sa.String(length=3), nullable=True),
        sa.Column("row_sha256", sa.String(length=64), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.import_id"], name=op.f("fk_register_stays_import_id_imports")),
        sa.PrimaryKeyConstraint("fixmedins_code", "mdtrt_id", name=op.f("pk_register_stays")),
    )
    op.create_index("ix_register_stays_time", "register_stays", ["admitted_at"], unique=False)
