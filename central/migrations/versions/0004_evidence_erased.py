"""evidence erased"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
import central.db

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("media", schema=None) as batch_op:
        batch_op.add_column(sa.Column("erased_at", central.db.UtcDateTime(), nullable=True))
        batch_op.create_index("ix_media_announced_at", ["announced_at"], unique=False)


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("media", schema=None) as batch_op:
        batch_op.drop_index("ix_media_announced_at")
        batch_op.drop_column("erased_at")
