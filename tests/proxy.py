"""A TCP proxy in front of a server, to cut, stop and hold up its connections."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Lock, Thread

CHUNK = 65536


class Proxy:
    """Hands bytes on between its own port and a server."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._lock = Lock()
        self._flowing = Event()
        self._flowing.set()
        self._up = True
        self._threads: list[Thread] = []
        self.accepted = 0
        """How many connections were handed on so far."""
        self._start(self._accept)

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        return int(self._listener.getsockname()[1])

    def cut(self) -> None:
        """Break all connections; new ones are accepted."""
        with self._lock:
            doomed, self._open = self._open, set()
        for end in doomed:
            break_off(end)

    def down(self) -> None:
        """Break all connections and every new one."""
        self._up = False
        self.cut()

    def up(self) -> None:
        """Accept connections again."""
        self._up = True

    def pause(self) -> None:
        """Keep the connections open but hand nothing on."""
        self._flowing.clear()

    def resume(self) -> None:
        """Hand on what was held up, and everything after it."""
        self._flowing.set()

    def close(self) -> None:
        """Break everything and wait for the threads."""
        self.resume()
        break_off(self._listener)
        self.down()
        for thread in self._threads:
            thread.join(5)

    def _start(self, target: object, *arguments: object) -> None:
        thread = Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]  # any callable
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._up:
                self._hand_on(client)
            else:
                break_off(client)

    def _hand_on(self, client: socket.socket) -> None:
        server = socket.create_connection(self._server)
        with self._lock:
            self._open |= {client, server}
        self.accepted += 1
        self._start(self._pump, client, server)
        self._start(self._pump, server, client)

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK):
                self._flowing.wait()
                target.sendall(data)
        break_off(source)
        break_off(target)


def break_off(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


@contextmanager
def proxy_to(host: str, port: int) -> Iterator[Proxy]:
    """A proxy for the length of a block."""
    proxy = Proxy(host, port)
    try:
        yield proxy
    finally:
        proxy.close()
