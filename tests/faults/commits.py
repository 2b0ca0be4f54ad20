"""A worker that dies, or loses its database, exactly at one of its commits."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from itertools import count
from typing import Any

from flowmanager.errors import StoreLost
from flowmanager.store.sql_store import SqlStore

KILL_AT = "FLOWMANAGER_TEST_KILL_AT"
"""Number of the commit, counted from 1 in every process."""
KILL_MOMENT = "FLOWMANAGER_TEST_KILL_MOMENT"
MOMENTS = ("before", "after", "lost", "published")
"""Before the commit, after it; after it but as if its answer was lost; when published events leave the outbox."""


def put(owner: object, name: str, value: object) -> None:
    """Replace a part of the product in this process: it has no hooks of its own. Raises AttributeError without it."""
    getattr(owner, name)
    setattr(owner, name, value)


def die() -> None:
    """End without another word."""
    os.kill(os.getpid(), signal.SIGKILL)


def watch_commits(number: int, moment: str) -> None:
    """Let one commit of this process be the last one, or its outcome unknown."""
    if moment == "published":
        watch_publications(number)
        return
    attempt: Callable[[SqlStore, Any], Any] = SqlStore._attempt
    numbers = count(1)

    def watched(store: SqlStore, work: Callable[[Any], Any]) -> Any:
        mine = next(numbers)

        def last(transaction: Any) -> Any:
            result = work(transaction)
            if mine == number and moment == "before":
                die()
            return result

        result = attempt(store, last)
        if mine == number and moment == "after":
            die()
        if mine == number and moment == "lost":
            raise StoreLost("a test lost the answer to the commit")
        return result

    put(SqlStore, "_attempt", watched)


def watch_publications(number: int) -> None:
    """Die between publishing events and taking them out of the outbox."""
    published = SqlStore.published
    numbers = count(1)

    def watched(store: SqlStore, message_ids: Any) -> None:
        if next(numbers) == number:
            die()
        published(store, message_ids)

    put(SqlStore, "published", watched)
