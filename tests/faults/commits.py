"""A worker that dies, stops, or loses its database, exactly at one of its commits."""

from __future__ import annotations

import os
import signal
from itertools import count
from typing import Any

from flowmanager.errors import StoreLost
from flowmanager.store.session import Session
from flowmanager.store.sql_store import SqlStore

KILL_AT = "FLOWMANAGER_TEST_KILL_AT"
"""Number of the commit, counted from 1 in every process."""
KILL_MOMENT = "FLOWMANAGER_TEST_KILL_MOMENT"
STOP_BEFORE, STOP_AFTER = STOPS = ("stop before", "stop after")
"""The process stops, its locks held or its answer not sent, until somebody lets it go on."""
MOMENTS = ("before", "after", "lost", "published", *STOPS)
"""Before the commit, after it; after it but as if its answer was lost; when published events leave the outbox."""
DEEDS = {
    "before": signal.SIGKILL,
    "after": signal.SIGKILL,
    "published": signal.SIGKILL,
    STOP_BEFORE: signal.SIGSTOP,
    STOP_AFTER: signal.SIGSTOP,
}


def put(owner: object, name: str, value: object) -> None:
    """Replace a part of the product in this process: it has no hooks of its own. Raises AttributeError without it."""
    getattr(owner, name)
    setattr(owner, name, value)


MARK = b"chaos: struck\n"
"""The last that a process writes before it dies or stops at a commit."""


def strike(moment: str) -> None:
    """End without another word, or stop."""
    os.write(2, MARK)
    os.kill(os.getpid(), DEEDS[moment])


def watch_commits(number: int, moment: str) -> None:
    """Let one commit of this process be the last one, or the last one for a while, or its outcome unknown."""
    if moment == "published":
        watch_publications(number)
        return
    commit = Session.commit
    numbers = count(1)

    def watched(session: Session) -> None:
        mine = next(numbers) == number
        if mine and moment in ("before", STOP_BEFORE):
            strike(moment)
        commit(session)
        if mine and moment in ("after", STOP_AFTER):
            strike(moment)
        if mine and moment == "lost":
            os.write(2, MARK)
            raise StoreLost("a test lost the answer to the commit")

    put(Session, "commit", watched)


def watch_publications(number: int) -> None:
    """Die between publishing events and taking them out of the outbox."""
    published = SqlStore.published
    numbers = count(1)

    def watched(store: SqlStore, message_ids: Any) -> None:
        if next(numbers) == number:
            strike("published")
        published(store, message_ids)

    put(SqlStore, "published", watched)
