"""What is known of a step beyond its result: in the history, and in the record while the step is under way."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from flowmanager.store.columns import DOCUMENT

revision = "0002_from_0001"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns. They may be NULL: a worker of the version before writes rows without them."""
    op.add_column("executed_actions", sa.Column("details", DOCUMENT))
    op.add_column("activeflows", sa.Column("details", DOCUMENT))


def downgrade() -> None:
    """Drop the columns."""
    op.drop_column("activeflows", "details")
    op.drop_column("executed_actions", "details")
