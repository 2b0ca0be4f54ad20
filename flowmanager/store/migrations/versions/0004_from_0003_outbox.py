"""The outbox without an index of ids: rows are taken out by their numbers."""

from __future__ import annotations

from alembic import op

revision = "0004_from_0003"
down_revision = "0003_from_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop the index.

    Workers of 0003 still look for ids: they read the whole table then, which is small unless the broker was away.
    """
    op.drop_index("outbox_id", "outbox")


def downgrade() -> None:
    """Make it again."""
    op.create_index("outbox_id", "outbox", ["id"], unique=True)
