"""What a worker process uses, measured again and again: the most is what counts."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

MEGABYTE = 1024 * 1024
PAUSE_SECONDS = 1.0


@dataclass
class Usage:
    """The most that any process of one worker has used."""

    megabytes: float = 0.0
    sockets: int = 0
    due: float = 0.0

    def measure(self, pid: int) -> None:
        """Measure a process, unless that was done just now or the process has ended."""
        if monotonic() < self.due:
            return
        self.due = monotonic() + PAUSE_SECONDS
        with suppress(OSError, IndexError):
            self.megabytes = max(self.megabytes, megabytes_of(pid))
            self.sockets = max(self.sockets, sockets_of(pid))


def megabytes_of(pid: int) -> float:
    """Return the memory of a process. Raises OSError, IndexError."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


def sockets_of(pid: int) -> int:
    """Return how many connections a process has open. Raises OSError."""
    found = 0
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            found += str(entry.readlink()).startswith("socket:")
    return found


def state_of(pid: int) -> str:
    """Return the letter of what a process does: T, it is stopped; nothing: it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""
