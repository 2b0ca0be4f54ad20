"""Indexes by which ended activeflows are found, and those that an activeflow started."""

from __future__ import annotations

from alembic import op

revision = "0003_from_0001"
down_revision = "0002_from_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the indexes. MySQL and MariaDB do so while the table is read and written."""
    op.create_index("activeflows_end", "activeflows", ["tm_end"])
    op.create_index("activeflows_starter", "activeflows", ["reference_activeflow_id"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index("activeflows_starter", "activeflows")
    op.drop_index("activeflows_end", "activeflows")
