"""`next_waits`: `next`, while 500 other activeflows wait for a slow manager."""

from __future__ import annotations

import atexit
import subprocess
import sys
from collections.abc import Callable

from bench.pump import Pump, Scenario, User
from bench.scenarios import next as plain


def start(pump: Pump) -> Callable[[], User]:
    """Have them wait."""
    command = [sys.executable, "-m", "bench.waits", pump.url, pump.queue]
    waits = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    atexit.register(waits.kill)
    assert waits.stdout
    if (said := waits.stdout.readline()) != "full\n":
        raise RuntimeError(f"they do not all wait: {said!r}")
    return plain.start(pump)


SCENARIO = Scenario("next_waits", start)
