"""New ids, for which the system is asked once for many: each time it is asked, another thread takes over."""

from __future__ import annotations

import os
from uuid import UUID

from flowmanager.core.ids import Id

ID_BYTES = 16
AT_ONCE = 256


class RandomIds:
    """New ids at random. Safe to use from several threads, and in a process that forks."""

    def __init__(self) -> None:
        """Nothing is made yet."""
        self._made: list[Id] = []
        # A child must not hand out what its parent does.
        os.register_at_fork(after_in_child=self._made.clear)

    def new(self) -> Id:
        """Return an id that nobody else has."""
        while True:
            try:
                return self._made.pop()
            except IndexError:
                self._made += made()


def made() -> list[Id]:
    """Return many ids, of version 4 as `uuid4` makes them."""
    source = os.urandom(ID_BYTES * AT_ONCE)
    return [str(UUID(bytes=source[start : start + ID_BYTES], version=4)) for start in range(0, len(source), ID_BYTES)]
