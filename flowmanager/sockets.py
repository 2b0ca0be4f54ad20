"""Waits on sockets that the system itself ends.

Python's own time limit costs a call more for each read and each write, and two more to change it, each of which lets
another thread take over: for one message four calls instead of one. A socket that blocks, with a limit that the system
keeps, makes do with the one.
"""

from __future__ import annotations

import struct
from io import BufferedReader
from select import POLLIN, poll
from socket import SO_RCVTIMEO, SO_SNDTIMEO, SOL_SOCKET, SocketIO, socket
from typing import Any

MICROSECONDS = 1_000_000


def limit_reads(sock: socket, seconds: float) -> None:
    """Have a read fail with BlockingIOError when nothing comes for so long."""
    sock.setsockopt(SOL_SOCKET, SO_RCVTIMEO, timeval(seconds))


def limit_writes(sock: socket, seconds: float) -> None:
    """Have a write fail with BlockingIOError when nothing can be sent for so long."""
    sock.setsockopt(SOL_SOCKET, SO_SNDTIMEO, timeval(seconds))


def timeval(seconds: float) -> bytes:
    """Return a time as the system takes it; none at all would mean without end."""
    return struct.pack("ll", *divmod(max(int(seconds * MICROSECONDS), 1), MICROSECONDS))


def has_come(sock: socket) -> bool:
    """Say whether there is something to read, or an end to be noticed."""
    waiting = poll()
    waiting.register(sock, POLLIN)
    return bool(waiting.poll(0))


class Limited(SocketIO):
    """The bytes of such a socket."""

    def readinto(self, buffer: Any) -> int:
        """Read some bytes. Raises TimeoutError."""
        count = super().readinto(buffer)
        if count is None:
            raise TimeoutError("timed out")
        return count


def reader(sock: socket) -> BufferedReader:
    """Return a buffered reader of such a socket. It raises TimeoutError."""
    return BufferedReader(Limited(sock, "r"))
