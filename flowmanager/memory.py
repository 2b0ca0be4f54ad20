"""Memory: giving it back to the system, and not looking through all of it again and again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CDLL

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
LARGE_BYTES = 262_144
"""What is as large as this is given back as soon as it is not used any more.

The frames of a flow of 500 actions are not half as large: to ask the system for their memory at each step took 7 % of
the worker's time for it.
"""
FREE_BYTES = 131_072
"""So much unused memory at the end of a heap is kept."""


def keep_little() -> None:
    """Have the C library keep little of what is free; without effect where it is not glibc.

    By itself glibc learns from each large block that is freed to keep the next ones: a worker that stored flows of
    100 kB grew from 94 to 155 MB and went on growing; so it stays below 100. No slower, as far as could be seen.
    """
    try:
        mallopt = CDLL(None).mallopt
    except (AttributeError, OSError):
        return
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
    mallopt(M_TRIM_THRESHOLD, FREE_BYTES)


def keep_for_good() -> None:
    """Leave what is in memory now, modules and tables of rules, out of every garbage collection to come.

    Python looked through these 80 000 objects after some thousand requests each time, for 25 to 40 ms in which every
    thread stands still, and found nothing. Gain: 2 % of the worker's time for a step, and those pauses.
    """
    gc.freeze()


@contextmanager
def all_kept() -> Iterator[None]:
    """No garbage collection in the block: for imports, of which nothing is garbage. Gain: a tenth of their time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
