"""Customers' servers: plain HTTP with limits, and never into our own network."""

from __future__ import annotations

import ssl
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from socket import SHUT_RDWR, SOCK_STREAM, create_connection, getaddrinfo, inet_aton, socket
from string import ascii_letters, punctuation
from threading import Thread
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit, urlunsplit

from flowmanager.core.frozen import frozen
from flowmanager.errors import InvalidRequest

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

PORTS: Mapping[str, int] = {"http": 80, "https": 443}
HEADERS: Mapping[str, str] = {"Content-Type": "application/json; charset=utf-8"}
SAME_METHOD = frozenset({307, 308})
REDIRECTS = frozenset({301, 302, 303}) | SAME_METHOD
NAT64 = IPv6Network("64:ff9b::/96")
INSIDE = (IPv4Network("168.63.129.16/32"), IPv4Network("192.0.0.0/24"))
"""Addresses that may count as public and are those of the machine's own cloud: Azure's, Oracle's."""


@frozen
class Web:
    """A client with limits. `allowed`: networks that may be asked although they are not public."""

    seconds: float = 3.0
    """For everything together: a slow server must not hold a worker."""
    most_bytes: int = 1_048_576
    """Of the answer: it becomes part of the activeflow's record."""
    redirects: int = 3
    allowed: tuple[Network, ...] = ()

    def fetch(self, method: str, url: str, body: bytes) -> bytes:
        """Return the body of an answer 200. Raises InvalidRequest for every other end, saying which."""
        if not method or not set(method) <= set(ascii_letters):
            raise InvalidRequest(f"cannot fetch: {method} is not a method", url=shown_url(url))
        exchange = Exchange(self, method, url, body)
        exchange.start()
        exchange.join(self.seconds)
        return exchange.result()

    def check_destination(self, url: str) -> None:
        """Raise InvalidRequest for an address, to be asked by somebody else, that says itself that it is inside.

        A name is not looked up: who connects must check what it means then.
        """
        try:
            host = urlsplit(url).hostname or ""
        except ValueError:
            raise InvalidRequest("the address cannot be read", url="") from None
        address = written_address(host)
        if host == "localhost" or (address is not None and not self.accepts(address)):
            raise InvalidRequest("the address is not public", url=shown_url(url))

    def accepts(self, address: Address) -> bool:
        """Say whether an address may be asked."""
        return is_public(address) or any(address in network for network in self.allowed)


class Exchange(Thread):
    """One question with its redirects, in a thread: neither looking up a name nor a dripping answer can be timed."""

    def __init__(self, web: Web, method: str, url: str, body: bytes) -> None:
        super().__init__(name="fetch", daemon=True)
        self.web = web
        self.question = (method, url, body)
        self.answer: bytes | None = None
        self.failure: InvalidRequest | None = None
        self.open_socket: socket | None = None
        self.given_up = False

    def run(self) -> None:
        """Ask; keep the answer or the failure."""
        method, url, body = self.question
        try:
            self.answer = self.follow(method, url, body)
        except InvalidRequest as error:
            self.failure = error
        except (OSError, HTTPException) as error:
            self.failure = InvalidRequest(f"cannot fetch: {told(error)}", url=shown_url(url))
        except ValueError:  # whose text may quote what is a password
            self.failure = InvalidRequest("cannot fetch: the address cannot be read", url=shown_url(url))

    def result(self) -> bytes:
        """Return the answer. Raises InvalidRequest; an exchange that is not over is broken off."""
        url = shown_url(self.question[1])
        if self.is_alive():
            self.given_up = True
            self.break_off()
            raise InvalidRequest(f"cannot fetch: no answer within {self.web.seconds:g} s", url=url)
        if self.answer is None:
            raise self.failure or InvalidRequest("cannot fetch", url=url)
        return self.answer

    def break_off(self) -> None:
        """End what the thread waits for."""
        if self.open_socket is not None:
            with suppress(OSError):
                socket.shutdown(self.open_socket, SHUT_RDWR)

    def follow(self, method: str, url: str, body: bytes) -> bytes:
        """Ask one server after the other, as they redirect."""
        for _ in range(self.web.redirects + 1):
            found = self.ask(method, url, body)
            if isinstance(found, bytes):
                return found
            status, url = found
            if status not in SAME_METHOD:
                method, body = "GET", b""
        raise InvalidRequest("cannot fetch: too many redirects", url=shown_url(url))

    def ask(self, method: str, url: str, body: bytes) -> bytes | tuple[int, str]:
        """Ask one server. Return its answer, or status and target of a redirect."""
        parts = urlsplit(url)
        with closing(self.connect(parts)) as connection:
            connection.request(method, path_of(parts), body, {**HEADERS, **credentials_of(parts)})
            with connection.getresponse() as response:
                target = response.getheader("Location")
                if response.status in REDIRECTS and target:
                    return response.status, urljoin(url, target)
                return self.read(response, url)

    def read(self, response: HTTPResponse, url: str) -> bytes:
        """Return the whole of a good answer."""
        if response.status != 200:
            raise InvalidRequest(f"cannot fetch: the server answered {response.status}", url=shown_url(url))
        found = response.read(self.web.most_bytes + 1)
        if len(found) > self.web.most_bytes:
            raise InvalidRequest("cannot fetch: the answer is too large", url=shown_url(url), limit=self.web.most_bytes)
        return found

    def connect(self, parts: SplitResult) -> HTTPConnection:
        """Connect with the very address that was checked: a name could mean another one a moment later."""
        if parts.scheme not in PORTS or not parts.hostname:
            raise InvalidRequest("cannot fetch: only http and https addresses", url=shown_url(parts.geturl()))
        port = parts.port or PORTS[parts.scheme]
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(parts.hostname, port)
        connection.sock = self.connected(parts.hostname, port, secure=kind is HTTPSConnection)
        return connection

    def connected(self, host: str, port: int, *, secure: bool) -> socket:
        """Return a connected socket that can be broken off."""
        found = self.first_connected(self.addresses_of(host, port), port)
        if secure:
            found = ssl.create_default_context().wrap_socket(found, server_hostname=host)
        self.open_socket = found
        if self.given_up:
            self.break_off()
        return found

    def first_connected(self, addresses: Sequence[str], port: int) -> socket:
        """Return a socket connected with the first address that can be reached."""
        for address in addresses[:-1]:
            with suppress(OSError):
                return create_connection((address, port), self.web.seconds / len(addresses))
        return create_connection((addresses[-1], port), self.web.seconds)

    def addresses_of(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host. Raises InvalidRequest when any of them may not be asked."""
        found = [str(entry[4][0]) for entry in getaddrinfo(host, port, type=SOCK_STREAM)]
        if not all(self.web.accepts(ip_address(one)) for one in found):
            raise InvalidRequest("cannot fetch: the address is not public", host=host)
        return found


def is_public(address: Address) -> bool:
    """Say whether an address, or the one that is packed into it, belongs to the public internet."""
    inner = packed_in(address)
    if inner is not None:
        return is_public(inner)
    local = isinstance(address, IPv6Address) and address.is_site_local
    return (
        address.is_global
        and not any(address in one for one in INSIDE)
        and not (address.is_multicast or address.is_reserved or local)
    )


def written_address(host: str) -> Address | None:
    """Return the address that a host is, in any way to write one (`127.1`, `0x7f000001`); None for a name."""
    with suppress(OSError, ValueError):
        return IPv4Address(inet_aton(host))
    with suppress(ValueError):
        return ip_address(host)
    return None


def packed_in(address: Address) -> Address | None:
    """Return the IPv4 address that a gateway would take out of an IPv6 address."""
    if isinstance(address, IPv4Address):
        return None
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo


def told(error: Exception) -> str:
    """Return what went wrong; an error of http.client, which may quote the address, by its name only."""
    return type(error).__name__ if isinstance(error, HTTPException) else str(error) or type(error).__name__


def credentials_of(parts: SplitResult) -> Mapping[str, str]:
    """Return the header for a user and a password that an address gives."""
    if not parts.username:
        return {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def shown_url(url: str) -> str:
    """Return an address as it may be told: passwords stand before the host, keys and tokens behind the path."""
    try:
        parts = urlsplit(url)
        bool(parts.port)  # what is no port may be half a password
    except ValueError:
        return ""
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def path_of(parts: SplitResult) -> str:
    """Return path and query as they are sent."""
    return quote(urlunsplit(("", "", parts.path or "/", parts.query, "")), safe=punctuation)
