"""A connection that is opened when somebody needs it, and again after it broke."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from typing import Generic, TypeVar

from flowmanager.errors import BrokerLost
from flowmanager.transport.session import HEARTBEAT_SECONDS, Session

T = TypeVar("T")


class Standing(Generic[T]):
    """Keeps one session and what was built on it, for a thread that is not a lane."""

    def __init__(self, url: str, build: Callable[[Session], T], *, heartbeat: int = HEARTBEAT_SECONDS) -> None:
        """Nothing is opened yet. Without a heartbeat (0) the thread may be silent for as long as it likes."""
        self._url = url
        self._build = build
        self._heartbeat = heartbeat
        self._open: tuple[Session, T] | None = None

    def get(self) -> T:
        """Return what was built on a session that works. Raises BrokerLost when none can be opened."""
        if self._open is not None:
            with suppress(BrokerLost):  # read, to notice a connection that died in the meantime
                self._open[0].drain(0)
        if self._open is None or self._open[0].lost:
            self.close()
            self._open = self._dial()
        return self._open[1]

    def _dial(self) -> tuple[Session, T]:
        with ExitStack() as stack:
            session = stack.enter_context(closing(Session(self._url, heartbeat=self._heartbeat)))
            built = self._build(session)
            stack.pop_all()
        return session, built

    @property
    def moved_at(self) -> float:
        """When its thread last looked after the session, 0 while there is none."""
        found = self._open
        return found[0].moved_at if found else 0.0

    def close(self) -> None:
        """Close the session, if there is one."""
        if self._open is not None:
            self._open[0].close()
        self._open = None
