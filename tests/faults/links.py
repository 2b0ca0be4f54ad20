"""A TCP proxy whose connections can also be slow, open on one side only, or break in the middle of a word."""

from __future__ import annotations

import socket
from contextlib import suppress
from time import sleep

from tests.proxy import CHUNK, Proxy, break_off


class FaultyLink(Proxy):
    """Hands bytes on; a server that is down breaks the connection of who asks for it."""

    def __init__(self, host: str, port: int) -> None:
        self.delay = 0.0
        """Seconds that every piece of data is late."""
        self._deaf: set[socket.socket] = set()
        self._doomed: set[socket.socket] = set()
        """Whoever speaks next on one of these is cut short."""
        super().__init__(host, port)

    @property
    def pairs(self) -> int:
        """How many connections are open."""
        with self._lock:
            return sum(end.fileno() >= 0 for end in self._open) // 2

    def half_open(self) -> None:
        """Swallow whatever is said on the connections of now; neither side learns of it."""
        with self._lock:
            self._deaf |= self._open

    def snip(self) -> None:
        """Break every connection of now in the middle of what is said next on it."""
        with self._lock:
            self._doomed |= self._open

    def heal(self) -> None:
        """Break the connections that are open on one side only, and hand on at full speed."""
        self.delay = 0.0
        with self._lock:
            doomed, self._deaf = self._deaf, set()
            self._open -= doomed
        for end in doomed:
            break_off(end)
        self.up()
        self.resume()

    def _hand_on(self, client: socket.socket) -> None:
        try:
            super()._hand_on(client)
        except OSError:
            break_off(client)

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK):
                self._flowing.wait()
                if self.delay:
                    sleep(self.delay)
                if source in self._doomed:
                    target.sendall(data[: len(data) // 2])
                    break
                if source not in self._deaf:
                    target.sendall(data)
        with self._lock:
            self._open -= {source, target}
            self._doomed -= {source, target}
        break_off(source)
        break_off(target)
