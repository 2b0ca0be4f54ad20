"""`next_waits`: `next`, while 500 other activeflows wait for a slow manager."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from bench.pump import Pump, Scenario, User
from bench.scenarios import next as plain

KEPT: list[subprocess.Popen[str]] = []
"""It ends when its input is closed: with this process."""


def start(pump: Pump) -> Callable[[], User]:
    """Have them wait."""
    command = [sys.executable, "-m", "bench.waits", pump.url, pump.queue]
    waits = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    KEPT.append(waits)
    assert waits.stdout
    if (said := waits.stdout.readline()) != "full\n":
        raise RuntimeError(f"they do not all wait: {said!r}")
    return plain.start(pump)


SCENARIO = Scenario("next_waits", start, last=True)
