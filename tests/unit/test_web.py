"""The client for customers' servers: its limits, its redirects, and whom it refuses to ask."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Network, ip_address
from pathlib import Path
from socket import create_server
from threading import Thread
from time import monotonic

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from flowmanager.errors import InvalidRequest
from flowmanager.managers.web import Exchange, Web, is_public

HERE = IPv4Network("127.0.0.1/32")
WEB = Web(allowed=(HERE,), seconds=5)
LARGE = 2000


class Server(ThreadingHTTPServer):
    """A customer's server that keeps what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, bytes, str | None]] = []
        super().__init__(("127.0.0.1", 0), Answering)

    @property
    def port(self) -> int:
        """Return where it listens."""
        return int(self.server_address[1])


class Answering(BaseHTTPRequestHandler):
    """Answers `/<status>[/<path to redirect to>]`; `/large` and `/drip` are what they say."""

    server: Server

    def do_POST(self) -> None:
        """Answer."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, self.path, body, self.headers.get("Content-Type")))
        first, _, rest = self.path[1:].partition("/")
        special: dict[str, Callable[[], None]] = {"large": self.large, "drip": self.drip, "garbage": self.garbage}
        special.get(first, lambda: self.plain(int(first or 200), rest))()

    do_GET = do_POST  # noqa: N815

    def plain(self, status: int, target: str) -> None:
        """Answer a status."""
        self.send_response(status)
        if target:
            self.send_header("Location", target.replace("PORT", str(self.server.port)))
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"[]")

    def large(self) -> None:
        """Answer too much."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b" " * LARGE)

    def drip(self) -> None:
        """Never come to an end."""
        self.send_response(200)
        self.end_headers()
        while not self.wfile.closed:
            self.wfile.write(b" ")
            self.wfile.flush()
            Thread(daemon=True).join if self.server.asked else None
            if self.connection.fileno() < 0:
                return

    def garbage(self) -> None:
        """Answer something that is not HTTP."""
        self.wfile.write(b"hello\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay silent."""
