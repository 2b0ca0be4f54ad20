"""The forms in which the address of the database may be given."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from flowmanager.errors import InvalidSetting

MYSQL_DRIVER = "mysql+pymysql"
MYSQL_SCHEMES = frozenset({"mysql", "mariadb", "mysql+pymysql", "mariadb+pymysql"})
SQLITE_SCHEMES = frozenset({"sqlite", "sqlite+pysqlite"})
KEPT_PARAMETERS = frozenset({"unix_socket", "ssl_ca", "ssl_capath", "ssl_cert", "ssl_key", "ssl_check_hostname"})
TLS_MODES = {
    "": "",
    "preferred": "",
    "true": "true",
    "1": "true",
    "skip-verify": "skip-verify",
    "false": "false",
    "0": "false",
}
FORMS = "mysql://user:password@host:port/name, user:password@tcp(host:port)/name or sqlite:///path"
ADDRESS = re.compile(r"(?P<net>[a-z0-9]*)(?:\((?P<address>[^()]*)\))?")
HOST_PORT = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]{1,5}))?")


def normalize(dsn: str) -> str:
    """Return the SQLAlchemy URL of an address in any accepted form, password included.

    Raises InvalidSetting, whose sentence never shows the password.
    """
    text = dsn.strip()
    return url_of(text).render_as_string(hide_password=False)


def url_of(text: str) -> URL:
    """Return the URL of a trimmed address."""
    scheme, mark, _ = text.partition("://")
    if mark and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme):
        return url_of_scheme(scheme.lower(), text)
    if text.startswith("sqlite:"):
        raise refused("an SQLite address has the form sqlite:///path")
    return url_of_go(text)


def url_of_scheme(scheme: str, text: str) -> URL:
    """Return the URL of an address that begins with a scheme."""
    if scheme not in MYSQL_SCHEMES | SQLITE_SCHEMES:
        raise refused(f"the scheme {scheme} is not known; use {FORMS}")
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise refused(f"the address cannot be read; use {FORMS}") from None
    return sqlite_url(url) if scheme in SQLITE_SCHEMES else mysql_url(url)


def sqlite_url(url: URL) -> URL:
    """Check an SQLite address: a database in memory would be another one for every connection."""
    if not url.database or ":memory:" in url.database or url.query.get("mode") == "memory":
        raise refused("SQLite needs the path of a file: sqlite:///path")
    if url.host:
        raise refused("an SQLite address has three slashes, four with an absolute path: sqlite:///path")
    return url.set(drivername="sqlite")


def mysql_url(url: URL) -> URL:
    """Check a MySQL address and keep of its parameters what means something here."""
    if "@" in (url.host or "") or "@" in (url.database or ""):
        raise refused("special characters of the password must be percent-encoded in a URL")
    if not url.database:
        raise refused("the name of the database is missing")
    given = {key: value if isinstance(value, str) else value[-1] for key, value in url.query.items()}
    address = url.set(drivername=MYSQL_DRIVER, host=url.host or "127.0.0.1", query={})
    return with_parameters(address, given)


def with_parameters(url: URL, given: dict[str, str]) -> URL:
    """Add the parameters that are known; those of other drivers (`parseTime`, `loc`, `timeout` …) do not apply."""
    kept = {key: value for key, value in given.items() if key in KEPT_PARAMETERS}
    mode = TLS_MODES.get(given.get("tls", "").lower())
    if mode is None:
        raise refused("tls must be true, skip-verify, preferred or false")
    if mode:
        kept["tls"] = mode
    return url.update_query_dict({**kept, "charset": "utf8mb4"})


def url_of_go(text: str) -> URL:
    """Return the URL of `user:password@tcp(host:port)/name?parameters`; nothing in the password is encoded there."""
    front, slash, back = text.rpartition("/")
    name, _, parameters = back.partition("?")
    credentials, at, address = front.rpartition("@")
    if not slash or not (at or not front or "(" in front):
        raise refused(f"the address cannot be read; use {FORMS}")
    if not name:
        raise refused("the name of the database is missing")
    user, colon, password = credentials.partition(":")
    host, port, socket = place_of(address)
    url = URL.create(MYSQL_DRIVER, user or None, password if colon else None, host, port, unquote(name))
    given = dict(parse_qsl(parameters, keep_blank_values=True))
    return with_parameters(url, {**given, **socket})


def place_of(address: str) -> tuple[str, int | None, dict[str, str]]:
    """Return host, port and, as a parameter, the socket of `tcp(host:port)` or `unix(path)`."""
    found = ADDRESS.fullmatch(address)
    if found is None or found["net"] not in ("", "tcp", "tcp4", "tcp6", "unix"):
        raise refused("the server must be given as tcp(host:port) or unix(path)")
    inner = found["address"] or ""
    if found["net"] == "unix":
        return "localhost", None, {"unix_socket": inner}
    place = HOST_PORT.fullmatch(inner)
    if place is None:
        raise refused("the server must be given as tcp(host:port)")
    return place["host"].strip("[]") or "127.0.0.1", int(place["port"]) if place["port"] else None, {}


def refused(why: str) -> InvalidSetting:
    """Return the error for an address that cannot be used."""
    return InvalidSetting(f"the address of the database is not valid: {why}")
