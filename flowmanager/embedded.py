"""The embedded default: a folder that holds a SQLite file and, between processes, the messages."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path

from flowmanager.settings import Settings

EMBEDDED_THREADS = 2
"""Threads look for messages by polling here: more of them cost more than they bring."""


def embedded_folder() -> Path:
    """Return the folder that `serve --embedded` and `rpc` share: one for each user."""
    given = os.environ.get("FLOWMANAGER_EMBEDDED_FOLDER", "")
    return Path(given) if given else Path(tempfile.gettempdir()) / f"flowmanager-{os.getuid()}"


def embedded_settings(settings: Settings, folder: Path) -> Settings:
    """Return settings that need no server: messages through files in the folder."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return replace(
        settings,
        rabbitmq_address=f"filesystem://{folder / 'broker'}",
        database_dsn=f"sqlite:///{folder / 'flowmanager.sqlite'}",
        threads=EMBEDDED_THREADS,
        relief_threads=0,  # each would look into the folder again and again
    )


def in_process_settings(settings: Settings, folder: Path) -> Settings:
    """Return settings for one process: messages through its memory."""
    return replace(embedded_settings(settings, folder), rabbitmq_address="memory://")
