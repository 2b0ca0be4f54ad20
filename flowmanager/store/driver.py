"""A connection of the MySQL driver that does not do again what it has done.

The server describes every column of every result anew, and the driver takes each description apart in Python: for the
results of one step that took a third of the time spent in the driver. Descriptions that begin with the same bytes as
remembered ones are passed over; all others are read as the driver does it.

For each connection the driver also reads all authorities that the system knows, of which it asks none as long as no
certificate is checked: 20 ms and 0.9 MB, for each of the twenty connections of a process.
"""

from __future__ import annotations

from functools import cache
from socket import socket
from ssl import CERT_NONE, PROTOCOL_TLS_CLIENT, SSLContext, SSLSocket
from typing import Any

from pymysql import connections

from flowmanager.core.frozen import frozen
from flowmanager.sockets import limit_reads, limit_writes, reader

HEADER_BYTES = 4
"""Of each packet: three for its length, one for its number."""
MOST = 1000
"""Descriptions remembered; our queries make about fifty."""


@frozen
class Description:
    """The columns of a result: the packets that describe them, and what the driver makes of them."""

    packets: bytes
    fields: list[Any]
    converters: list[Any]
    description: tuple[Any, ...]


# The types that are published for the driver know only what is public.
PlainResult: Any = connections.MySQLResult
PlainConnection: Any = connections.Connection

Key = tuple[int, int, str]
"""Number of columns, number of the first packet, encoding of the connection."""
KNOWN: dict[Key, tuple[Description, ...]] = {}


class RememberingResult(PlainResult):  # type: ignore[misc]
    """A result that need not read descriptions it has read before."""

    def _get_descriptions(self) -> None:
        connection = self.connection
        ahead = peeked(connection)
        key = (self.field_count, connection._next_seq_id, connection.encoding)
        known = KNOWN.get(key, ())
        for one in known:
            if ahead.startswith(one.packets):
                self._take(one)
                return
        super()._get_descriptions()
        packets = ahead[: size_of(ahead, self.field_count)]
        if packets and sum(map(len, KNOWN.values())) < MOST:
            KNOWN[key] = (*known, Description(packets, self.fields, self.converters, self.description))

    def _take(self, one: Description) -> None:
        connection = self.connection
        connection._rfile.read(len(one.packets))
        connection._next_seq_id = (connection._next_seq_id + self.field_count) % 256
        end = connection._read_packet()
        assert end.is_eof_packet(), "the server describes more columns than it announced"
        self.fields, self.converters, self.description = one.fields, one.converters, one.description


def peeked(connection: Any) -> bytes:
    """Return what has come already, or comes next; empty when nothing does: the driver finds out why."""
    try:
        return bytes(connection._rfile.peek())
    except OSError:
        return b""


def size_of(ahead: bytes, packets: int) -> int:
    """Return how many bytes some packets have together; 0: they are not all there."""
    size = 0
    for _ in range(packets):
        header = ahead[size : size + HEADER_BYTES]
        size += HEADER_BYTES + int.from_bytes(header[:3], "little")
        if len(header) < HEADER_BYTES or size > len(ahead):
            return 0
    return size


class RememberingConnection(PlainConnection):  # type: ignore[misc]
    """A connection with such results; without encryption, how long it waits is for the system to see to."""

    def _create_ssl_ctx(self, wanted: Any) -> Any:
        return super()._create_ssl_ctx(wanted) if wanted else unchecked()

    def connect(self, sock: socket | None = None) -> None:
        """Connect and log in."""
        super().connect(sock)
        leave_time_to_system(self)

    def _read_query_result(self, unbuffered: bool = False) -> Any:
        if unbuffered:
            return super()._read_query_result(unbuffered)
        self._result = None
        result = RememberingResult(self)
        result.read()
        self._result = result
        if result.server_status is not None:
            self.server_status = result.server_status
        return result.affected_rows


@cache
def unchecked() -> SSLContext:
    """Return what encrypts all connections of which no certificate is checked."""
    context = SSLContext(PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = CERT_NONE
    return context


def leave_time_to_system(connection: Any) -> None:
    """Have the system keep the limits of a connection that waits without encryption."""
    reads, writes = connection._read_timeout, connection._write_timeout
    if isinstance(connection._sock, SSLSocket) or not (reads and writes):
        return
    limit_reads(connection._sock, reads)
    limit_writes(connection._sock, writes)
    connection._read_timeout = connection._write_timeout = connection._current_timeout = None
    connection._sock.settimeout(None)
    connection._rfile = reader(connection._sock)
