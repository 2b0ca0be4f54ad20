"""The migrations of this version, as files."""

from __future__ import annotations

from alembic.config import Config
from alembic.script import Script, ScriptDirectory

from flowmanager.store.migrate import SCRIPTS


def migrations() -> list[Script]:
    """All of them, the first one first."""
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    return list(ScriptDirectory.from_config(config).walk_revisions())[::-1]


def newest_migration() -> str:
    """The name of the last one."""
    return migrations()[-1].revision
