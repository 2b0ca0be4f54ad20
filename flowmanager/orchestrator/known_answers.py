"""Answers that are asked for again while nothing has changed: for them the database reads a record's times only.

One is given out again only when the database says that its record is still the one that it shows: never a stale one.
It is kept once a second question finds the record as the first one did, so a record that changes between two questions
never costs more than to read it. Gain: half of the worker's time for a `get` of a short call flow, and nearly all of it
for one with thousands of executed actions, whose answer is a megabyte.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from flowmanager.core.activeflow import Activeflow, Stamp
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import Id

MOST = 2_000
"""Records that are remembered: a few megabytes."""
MOST_BYTES = 8_000_000
"""Of all answers that are kept together; a larger one is not kept."""


@frozen
class Kept:
    """An answer, and the record that it shows."""

    seen: Activeflow
    body: bytes


class KnownAnswers:
    """The answers of one process, those asked for lately. Safe to use from several threads."""

    def __init__(self, *, most: int = MOST, most_bytes: int = MOST_BYTES) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._lock = Lock()
        self._asked: OrderedDict[Id, Stamp] = OrderedDict()
        self._kept: OrderedDict[Id, Kept] = OrderedDict()
        self._bytes = 0

    def get(self, key: Id, unchanged: Callable[[Activeflow], bool]) -> bytes | None:
        """Return the answer that is kept of a record, if that is `unchanged`; else it is kept no longer."""
        with self._lock:
            kept = self._kept.get(key)
        if kept is None:
            return None
        if unchanged(kept.seen):
            return kept.body
        with self._lock:
            self._forget(key)
        return None

    def note(self, seen: Activeflow, body: bytes) -> None:
        """Note an answer: it is kept when the record was shown before as it is now."""
        with self._lock:
            self._forget(seen.id)
            if self._asked.get(seen.id) == seen.stamp and len(body) <= self._most_bytes:
                self._keep(Kept(seen, body))
            else:
                self._asked[seen.id] = seen.stamp
                self._asked.move_to_end(seen.id)
                while len(self._asked) > self._most:
                    self._asked.popitem(last=False)

    def _keep(self, kept: Kept) -> None:
        self._kept[kept.seen.id] = kept
        self._bytes += len(kept.body)
        while len(self._kept) > self._most or self._bytes > self._most_bytes:
            self._forget(next(iter(self._kept)))

    def _forget(self, key: Id) -> None:
        kept = self._kept.pop(key, None)
        self._bytes -= len(kept.body) if kept else 0
