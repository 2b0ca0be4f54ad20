"""What happened in a run, one JSON object a line, written as it happens and read again by the checker."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from time import time
from typing import Any

import orjson

Json = dict[str, Any]
FILE = "history.jsonl"
SNAPSHOT = "snapshot.json"


class History:
    """A file of this run alone, only ever appended to; threads may share it. Times are seconds since 1970."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / FILE).open("wb")
        self._lock = Lock()

    def add(self, kind: str, **facts: Any) -> None:
        """Write one line."""
        line = orjson.dumps({"kind": kind, "at": time(), **facts}, default=str) + b"\n"
        with self._lock:
            if not self._file.closed:
                self._file.write(line)
                self._file.flush()

    def close(self) -> None:
        """Write nothing more."""
        with self._lock:
            self._file.close()


def read_history(folder: Path) -> list[Json]:
    """Return all lines of a run, oldest first; a line that was not finished is left out."""
    lines = (folder / FILE).read_bytes().split(b"\n")
    return [orjson.loads(line) for line in lines if line.endswith(b"}")]


def read_snapshot(folder: Path) -> Json:
    """Return what was found at the end of a run."""
    found: Json = orjson.loads((folder / SNAPSHOT).read_bytes())
    return found


def write_snapshot(folder: Path, snapshot: Json) -> None:
    """Keep what was found at the end of a run."""
    (folder / SNAPSHOT).write_bytes(orjson.dumps(snapshot, option=orjson.OPT_INDENT_2, default=str))
