"""Ctrl-C or a termination stops whatever a run has started, in all its processes."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from types import FrameType
from typing import NamedTuple, NoReturn

from xdist.workermanage import WorkerController

UNWIND_SECONDS = 60.0
"""Fixtures stop workers and drop databases in this time; what is left then is killed."""


def interrupt_once(number: int, frame: FrameType | None) -> NoReturn:
    """Begin to end. The same Ctrl-C may come twice, from the terminal and passed on: it must not break off the end."""
    del number, frame
    ignore = signal.SIG_IGN
    signal.signal(signal.SIGINT, ignore)
    signal.signal(signal.SIGTERM, ignore)
    raise KeyboardInterrupt


def watch_signals(*, leads: bool) -> None:
    """Make a termination like Ctrl-C. Whoever presses it twice in the process that leads the run means it."""
    if leads:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        return
    signal.signal(signal.SIGINT, interrupt_once)
    signal.signal(signal.SIGTERM, interrupt_once)


def process_of(node: WorkerController) -> int:
    """The id of a process of the run that has no work yet."""
    return int(node.gateway.remote_exec("import os; channel.send(os.getpid())").receive())


class Node(NamedTuple):
    """A process of the run, and what the leading process knows of it."""

    process: int
    controller: WorkerController


def interrupt(nodes: list[Node]) -> None:
    """Interrupt the processes of a run and wait until each has cleaned up."""
    for node in nodes:
        with suppress(ProcessLookupError):
            os.kill(node.process, signal.SIGTERM)
    for node in nodes:
        channel = node.controller.channel
        with suppress(EOFError, channel.RemoteError, channel.TimeoutError):
            channel.waitclose(UNWIND_SECONDS)
