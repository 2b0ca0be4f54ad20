"""Threads that step in for those that wait for other managers, so that slow managers hold up nobody else.

A thread is all that a turn needs while it waits for an answer. So that waiting turns take no threads from those who
have something to do, a post whose threads wait for longer than a moment gets as many more, up to a limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock, Thread, current_thread
from time import monotonic
from typing import Protocol

import structlog

from flowmanager.metrics import Metrics

log = structlog.get_logger()

SLOW_SECONDS = 0.05
"""A wait that is shorter than this is not worth a thread: to start one takes a tenth of it."""
TICK_SECONDS = 0.05
STEP = 10
"""Threads of a post that are started in one tick: all at once they would hold up those that work."""
KEEP_SECONDS = 15.0
"""How long threads that are not needed any more stay: slow managers tend to be slow again."""


class Member(Protocol):
    """A thread of a post: a lane, a sweeper."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """Finish what is in hand and end."""

    def join(self, timeout: float | None = None) -> None:
        """Wait for the end."""

    def is_alive(self) -> bool:
        """Say whether it has begun and not ended."""


@dataclass(slots=True)
class Post:
    """A kind of work: how one more thread for it is made, and who has stepped in."""

    make: Callable[[], Member]
    relief: list[Member] = field(default_factory=list)
    leaving: list[Member] = field(default_factory=list)
    waits: dict[object, float] = field(default_factory=dict)
    """Who waits for another manager, since when."""
    enough_since: float | None = None
    """Since when more are there than needed."""

    def slow(self, now: float) -> int:
        """Return how many have been waiting for longer than a moment."""
        return sum(now - since > SLOW_SECONDS for since in list(self.waits.values()))


class Crew(Thread):
    """Watches who waits, and has others step in."""

    def __init__(self, most: int, metrics: Metrics) -> None:
        """`most`: how many may step in at the same time; 0: nobody."""
        super().__init__(name="crew", daemon=True)
        self.most = most
        self.alive_at = monotonic()
        """When it last moved."""
        self._metrics = metrics
        self._lock = Lock()
        self._posts: list[Post] = []
        self._post_of: dict[object, Post] = {}
        self._news, self._stopping = Event(), Event()

    def add(self, post: Post, members: Sequence[Member]) -> None:
        """Watch a post with its permanent threads."""
        self._posts.append(post)
        self._post_of |= dict.fromkeys(members, post)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """What the current thread does meanwhile is to wait for another manager."""
        thread = current_thread()
        post = self._post_of.get(thread)
        if post is None or thread in post.waits:
            yield
            return
        post.waits[thread] = monotonic()
        self._news.set()
        try:
            yield
        finally:
            del post.waits[thread]

    @property
    def relief(self) -> list[Member]:
        """Who has stepped in, also those that are about to leave."""
        with self._lock:
            return [one for post in self._posts for one in (*post.relief, *post.leaving)]

    def stop(self) -> None:
        """Have nobody step in any more, and those who did leave. Returns at once: join the thread, then `relief`."""
        self._stopping.set()
        self._news.set()

    def run(self) -> None:
        """Watch until told to stop."""
        while not self._stopping.is_set():
            self.alive_at = monotonic()
            try:
                needed = self.look()
            except Exception:  # the edge: without this thread slow managers would hold up all others again
                log.exception("crew_failed")
                needed = True
            # Without anybody who waits there is nothing to look at.
            self._stopping.wait(TICK_SECONDS) if needed else self._news.wait(1.0)
        for one in self.relief:
            one.stop()

    def look(self) -> bool:
        """Have threads step in or leave where needed; say whether to look again soon."""
        self._news.clear()
        for post in self._posts:
            self._part(post)
            self._fill(post, monotonic())
        relief = self.relief
        self._metrics.relief_threads.set(len(relief))
        return bool(relief) or any(post.waits for post in self._posts)

    def _part(self, post: Post) -> None:
        """Forget those who have left."""
        with self._lock:
            gone = [one for one in (*post.relief, *post.leaving) if not one.is_alive()]
            for one in gone:
                (post.relief if one in post.relief else post.leaving).remove(one)
                self._post_of.pop(one, None)

    def _fill(self, post: Post, now: float) -> None:
        missing = post.slow(now) - len(post.relief)
        if missing >= 0:
            post.enough_since = None
            room = self.most - len(self.relief)
            for _ in range(min(missing, STEP, room)):
                self._step_in(post)
        elif post.enough_since is None:
            post.enough_since = now
        elif now - post.enough_since > KEEP_SECONDS:
            self._send_home(post, -missing)

    def _step_in(self, post: Post) -> None:
        member = post.make()
        self._post_of[member] = post  # before it begins: it may wait at once
        try:
            member.start()
        except BaseException:  # the system allows no more threads: nothing may pile up
            del self._post_of[member]
            raise
        with self._lock:
            post.relief.append(member)

    def _send_home(self, post: Post, count: int) -> None:
        idle = [one for one in post.relief if one not in post.waits][:count]
        for one in idle:
            one.stop()
        with self._lock:
            post.relief = [one for one in post.relief if one not in idle]
            post.leaving += idle
