"""What runs and the ledger say besides: kinds of runs, codes of before, news to be reconciled, how far a device's clock was off."""

import base64
import json
from collections.abc import Iterator, Sequence

import central.db
import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_AT_ONCE = 2000


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "changes",
        sa.Column("change_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("place", sa.String(length=48), nullable=True),
        sa.Column("name", sa.String(length=96), nullable=True),
        sa.PrimaryKeyConstraint("change_id", name=op.f("pk_changes")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "ledger_history",
        sa.Column("history_id", sa.Integer(), nullable=False),
        sa.Column("side", sa.String(length=16), nullable=False),
        sa.Column("fixmedins_code", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=96), nullable=False),
        sa.Column("code_before", sa.String(length=32), nullable=False),
        sa.Column("other_before", sa.String(length=96), nullable=True),
        sa.Column("code", sa.String(length=32), nullable=True),
        sa.Column("other", sa.String(length=96), nullable=True),
        sa.Column("why", sa.String(length=32), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("at", central.db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("history_id", name=op.f("pk_ledger_history")),
    )
    op.create_index("ix_ledger_history_name", "ledger_history", ["name", "fixmedins_code"], unique=False)
    op.add_column("runs", sa.Column("kind", sa.String(length=16), server_default="full", nullable=False))
    op.add_column("captures", sa.Column("clock_error_ms", sa.Float(), nullable=True))
    _fill_clock_errors(op.get_bind())
    op.get_bind().execute(sa.text("INSERT INTO changes (kind) VALUES ('everything')"))


def downgrade() -> None:
    """Take back."""
    op.drop_column("captures", "clock_error_ms")
    op.drop_column("runs", "kind")
    op.drop_index("ix_ledger_history_name", table_name="ledger_history")
    op.drop_table("ledger_history")
    op.drop_table("changes")


def _fill_clock_errors(db: sa.Connection) -> None:
    """From the signed events that are kept; what was erased stays unknown."""
    put = sa.text("UPDATE captures SET clock_error_ms = :error WHERE capture_id = :name")
    last = ("", 0, 0)
    while rows := _events_after(db, last):
        found = [{"name": f"{row.device_id}:{row.epoch}:{row.seq}", "error": error} for row in rows for error in _clock_error(row.signed)]
        if found:
            db.execute(put, found)
        last = (rows[-1].device_id, rows[-1].epoch, rows[-1].seq)


def _events_after(db: sa.Connection, last: tuple[str, int, int]) -> Sequence[sa.Row[tuple[str, int, int, bytes]]]:
    query = sa.text(
        "SELECT device_id, epoch, seq, signed FROM events WHERE kind = 'capture' AND (device_id, epoch, seq) > (:device_id, :epoch, :seq) "
        "ORDER BY device_id, epoch, seq LIMIT :most"
    )
    return db.execute(query, dict(zip(("device_id", "epoch", "seq"), last, strict=True)) | {"most": _AT_ONCE}).all()


def _clock_error(signed: bytes) -> Iterator[float]:
    """What the payload of a compact JWS says of the clock; nothing for bytes that are gone or not readable."""
    parts = bytes(signed).split(b".")
    if len(parts) != 3:
        return
    try:
        said = json.loads(base64.urlsafe_b64decode(parts[1] + b"=" * (-len(parts[1]) % 4))).get("clock_offset_ms")
    except (ValueError, AttributeError):
        return
    if isinstance(said, int | float):
        yield float(said)
