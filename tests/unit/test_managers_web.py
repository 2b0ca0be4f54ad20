"""The client for customers' servers: its limits, its redirects, and whom it refuses to ask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address, IPv4Network, ip_address
from pathlib import Path
from socket import AF_INET, SOCK_STREAM, create_server
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from threading import Event, Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from flowmanager.errors import InvalidRequest
from flowmanager.managers.web import Exchange, Web, is_public

WEB = Web(allowed=(IPv4Network("127.0.0.1/32"),), seconds=5)


class Server(ThreadingHTTPServer):
    """A customer's server that keeps what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, bytes]] = []
        self.authorizations: list[str] = []
        self.over = Event()
        super().__init__(("127.0.0.1", 0), Answering)

    def url(self, path: str) -> str:
        """Return where a path is."""
        return f"http://127.0.0.1:{self.server_address[1]}{path}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Let clients go away in the middle."""


class Answering(BaseHTTPRequestHandler):
    """Answers `/<status>[/<path or URL to redirect to>]`; `/200/large` and `/200/drip` are what they say."""

    server: Server

    def do_GET(self) -> None:
        """Answer."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, self.path, body))
        self.server.authorizations += self.headers.get_all("Authorization", [])
        status, _, rest = self.path[1:].partition("/")
        self.send_response(int(status))
        if rest == "gzip":
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Location", rest if ":" in rest else f"/{rest}")
        self.end_headers()
        self.wfile.write(b" " * 2000 if rest == "large" else b"[]")
        while rest == "drip" and not self.server.over.wait(0.02):
            self.wfile.write(b" ")

    do_POST = do_PUT = do_GET  # noqa: N815 (the base class looks them up by these names)

    def log_message(self, *args: object) -> None:
        """Stay silent."""


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """Run a server."""
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    """Give a running server."""
    with serving(Server()) as running:
        yield running


def test_it_asks_with_method_and_body(server: Server) -> None:
    """And returns the answer's body; what is not ASCII is quoted."""
    assert WEB.fetch("PUT", server.url("/200?q=ä b#part").replace("/200", "/200/"), b"{}") == b"[]"
    assert server.asked == [("PUT", "/200/?q=%C3%A4%20b", b"{}")]


@pytest.mark.parametrize(
    ("status", "asked"),
    [(301, ("GET", b"")), (302, ("GET", b"")), (303, ("GET", b"")), (307, ("POST", b"x")), (308, ("POST", b"x"))],
)
def test_it_follows_redirects(server: Server, status: int, asked: tuple[str, bytes]) -> None:
    """307 and 308 repeat the question, the others only look."""
    assert WEB.fetch("POST", server.url(f"/{status}/200"), b"x") == b"[]"
    assert server.asked[1] == (asked[0], "/200", asked[1])


@pytest.mark.parametrize(("hops", "good"), [(3, True), (4, False)])
def test_it_follows_three_redirects(server: Server, hops: int, good: bool) -> None:
    """A circle comes to an end."""
    url = server.url("/302" * hops + "/200")
    if good:
        assert WEB.fetch("GET", url, b"") == b"[]"
        return
    with pytest.raises(InvalidRequest, match="too many redirects"):
        WEB.fetch("GET", url, b"")


@pytest.mark.parametrize("status", [201, 204, 304, 404, 500])
def test_only_200_is_good(server: Server, status: int) -> None:
    """The failure tells the status."""
    with pytest.raises(InvalidRequest, match=f"the server answered {status}"):
        WEB.fetch("GET", server.url(f"/{status}"), b"")


def test_a_large_answer_is_refused(server: Server) -> None:
    """It would become part of the record."""
    web = Web(allowed=WEB.allowed, most_bytes=1999)
    with pytest.raises(InvalidRequest, match="too large"):
        web.fetch("GET", server.url("/200/large"), b"")


def test_a_dripping_answer_is_broken_off(server: Server) -> None:
    """The limit holds for everything together."""
    with pytest.raises(InvalidRequest, match=r"no answer within 0\.2 s"):
        Web(allowed=WEB.allowed, seconds=0.2).fetch("GET", server.url("/200/drip"), b"")


def test_a_silent_server_is_not_waited_for() -> None:
    """It accepts and says nothing."""
    with closing(create_server(("127.0.0.1", 0))) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(InvalidRequest, match="cannot fetch"):
            Web(allowed=WEB.allowed, seconds=0.1).fetch("GET", url, b"")


def test_a_connection_that_comes_too_late_is_broken_off(server: Server) -> None:
    """Nobody waits for it any more."""
    exchange = Exchange(WEB, "GET", server.url("/200"), b"")
    exchange.break_off()
    exchange.given_up = True
    exchange.run()
    assert exchange.answer is None


def test_an_exchange_that_ends_in_no_known_way_is_a_failure() -> None:
    """Not an empty answer."""
    with pytest.raises(InvalidRequest, match="cannot fetch"):
        Exchange(WEB, "GET", "http://127.0.0.1/", b"").result()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://example.com/a",
        "file:///etc/passwd",
        "http://",
        "http:///path",
        "http://[::1",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:1/",
        "http://no such host/",
        "https://127.0.0.1:1/",
    ],
)
def test_what_cannot_be_asked_is_a_failure(url: str) -> None:
    """Other schemes, no host, nobody there."""
    with pytest.raises(InvalidRequest, match="cannot fetch"):
        WEB.fetch("GET", url, b"")


@pytest.mark.parametrize("method", ["", "GET /", "GE\r\nT", "gét"])
def test_a_method_is_a_word(method: str) -> None:
    """Nothing can be smuggled in with it."""
    with pytest.raises(InvalidRequest, match="is not a method"):
        WEB.fetch(method, "http://127.0.0.1/", b"")


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "0", "127.1", "10.0.0.1"),
        *("2130706433", "0x7f000001", "017700000001", "0177.0.0.1", "0x7f.1"),
        *("[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]"),
        *("169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "[fd00:ec2::254]"),
        *("u:p@127.0.0.1", "8.8.8.8@127.0.0.1", "127.0.0.1:443", "\uff11\uff12\uff17.0.0.1"),
    ],
)
def test_our_own_network_is_not_asked(host: str) -> None:
    """Unless it is allowed."""
    with pytest.raises(InvalidRequest, match="the address is not public"):
        Web().fetch("GET", f"http://{host}/", b"")


INSIDE = [
    "127.0.0.1",
    "LOCALHOST",
    "127.1",
    "2130706433",
    "0x7f000001",
    "[::1]",
    "[::ffff:10.0.0.1]",
    "169.254.169.254",
]


@pytest.mark.parametrize("host", [*INSIDE, "u:p@10.0.0.1:8080", "[::1"])
def test_a_destination_inside_is_refused(host: str) -> None:
    """Also when somebody else is to ask it, unless its network is allowed."""
    with pytest.raises(InvalidRequest, match="the address"):
        Web().check_destination(f"https://{host}/hook")


@pytest.mark.parametrize(
    "url", ["https://example.com/hook", "https://8.8.8.8/", "", "example.com", "http://127.0.0.1/"]
)
def test_other_destinations_are_left_to_who_asks_them(url: str) -> None:
    """What a name means is found out when it is asked."""
    WEB.check_destination(url)


def resolved(monkeypatch: pytest.MonkeyPatch, *answers: Sequence[str]) -> list[str]:
    """Let names mean these addresses, one answer after the other; return the names that are looked up."""
    asked: list[str] = []

    def look_up(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        found = answers[min(len(asked), len(answers) - 1)]
        asked.append(host)
        return [(AF_INET, SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr("flowmanager.managers.web.getaddrinfo", look_up)
    return asked


def test_a_name_that_changes_its_meaning_is_asked_where_it_was_checked(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked up once: between check and connection it cannot come to mean another place."""
    asked = resolved(monkeypatch, ["127.0.0.1"], ["10.0.0.1"])
    assert WEB.fetch("GET", server.url("/200").replace("127.0.0.1", "name.example"), b"") == b"[]"
    assert asked == ["name.example"]


def test_a_name_with_one_address_inside_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not at its other addresses either."""
    resolved(monkeypatch, ["8.8.8.8", "169.254.169.254"])
    with pytest.raises(InvalidRequest, match="the address is not public"):
        Web().fetch("GET", "http://name.example/", b"")


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_not_used(server: Server, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """It would ask in our place, also inside."""
    with serving(Server()) as proxy:
        monkeypatch.setenv(variable, proxy.url(""))
        assert WEB.fetch("GET", server.url("/200"), b"") == b"[]"
        assert proxy.asked == []


def test_user_and_password_of_an_address_are_sent_and_not_told(server: Server) -> None:
    """They go to the server as HTTP wants them; a failure tells neither them nor the query."""
    url = server.url("/404/x?token=s3cr3t").replace("http://", "http://dana:s3%2Fcr3t@")
    with pytest.raises(InvalidRequest) as caught:
        WEB.fetch("GET", url, b"")
    assert server.authorizations == ["Basic ZGFuYTpzMy9jcjN0"]
    assert caught.value.facts == {"url": server.url("/404/x")}


@pytest.mark.parametrize("url", ["http://dana:s3cr3t/x@127.0.0.1/", "http://127.0.0.1/?t=s3cr3t\x01", "http://[s3cr3t"])
def test_an_address_that_cannot_be_read_is_not_told_with_its_secrets(url: str) -> None:
    """Libraries quote in their errors what they cannot read."""
    with pytest.raises(InvalidRequest, match="cannot fetch") as caught:
        WEB.fetch("GET", url, b"")
    assert "s3cr3t" not in str(caught.value)


def test_a_compressed_answer_is_not_unpacked(server: Server) -> None:
    """A few bytes could become gigabytes."""
    assert WEB.fetch("GET", server.url("/200/gzip"), b"") == b"[]"


def test_a_redirect_into_our_own_network_is_not_followed(server: Server) -> None:
    """Each address is checked."""
    with pytest.raises(InvalidRequest, match="the address is not public"):
        WEB.fetch("GET", server.url("/302/http://127.0.0.2:80/"), b"")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::808:808", True),
        ("2002:808:808::1", True),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("239.1.1.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("fe80::1", False),
        ("fe80::1%1", False),
        ("fc00::1", False),
        ("fec0::1", False),
        ("ff0e::1", False),
        ("64:ff9b:1::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:7f00:1::1", False),
        ("2001:0:4136:e378:8000:63bf:80ff:fffe", False),
    ],
)
def test_what_is_public(address: str, expected: bool) -> None:
    """Addresses that hold another one are judged by that."""
    assert is_public(ip_address(address)) is expected


def certificate(folder: Path) -> Path:
    """Write key and certificate of a server."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain) + signed.public_bytes(encoding)
    )
    return path


@pytest.fixture
def secure_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Give a server with a certificate that is trusted."""
    path = certificate(tmp_path)
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    server = Server()
    server.socket = context.wrap_socket(server.socket, server_side=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with serving(server):
        yield server


def test_https_is_asked_by_name(secure_server: Server) -> None:
    """The certificate must be for the name that was asked for."""
    url = secure_server.url("/200").replace("http:", "https:")
    assert WEB.fetch("GET", url, b"") == b"[]"
    with pytest.raises(InvalidRequest, match="CERTIFICATE_VERIFY_FAILED"):
        Web(allowed=(IPv4Network("127.0.0.0/8"),)).fetch("GET", url.replace("127.0.0.1", "127.1"), b"")


def test_the_next_address_is_tried(server: Server) -> None:
    """A name may have addresses that cannot be reached."""
    exchange = Exchange(WEB, "GET", "", b"")
    with exchange.first_connected(["127.0.0.2", "127.0.0.1"], server.server_address[1]) as connected:
        assert connected.getpeername()[0] == "127.0.0.1"
