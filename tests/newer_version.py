"""The version after this one: a copy of the package with a migration that this version does not know."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree, ignore_patterns

import flowmanager

PACKAGE = Path(flowmanager.__file__).parent
NAME = "9000_from_{oldest}"
MIGRATION = '''\
"""What a newer version adds: columns, a table, an index."""

import sqlalchemy as sa
from alembic import op

revision = "{name}"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("flows", sa.Column("label", sa.String(255)))
    op.add_column("activeflows", sa.Column("weight", sa.Integer, nullable=False, server_default="0"))
    op.create_table("notes", sa.Column("id", sa.Integer, primary_key=True))
    op.create_index("activeflows_weight", "activeflows", ["weight"])


def downgrade():
    op.drop_index("activeflows_weight", "activeflows")
    op.drop_table("notes")
    op.drop_column("activeflows", "weight")
    op.drop_column("flows", "label")
'''


def newer_version(folder: Path, *, before: str, oldest: str) -> Path:
    """Copy the package into a folder, with a migration after `before` that allows workers from `oldest` on."""
    package = folder / "flowmanager"
    copytree(PACKAGE, package, ignore=ignore_patterns("__pycache__"))
    name = NAME.format(oldest=oldest)
    migrations = package / "store" / "migrations" / "versions"
    (migrations / f"{name}_additions.py").write_text(MIGRATION.format(name=name, before=before))
    return folder
