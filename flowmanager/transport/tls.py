"""TLS to the broker: what an address says about it, with the parameters that RabbitMQ's own clients know."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flowmanager.errors import InvalidSetting

SECURE = "amqps"
CA, CERTIFICATE, KEY, NAME, VERIFY = "cacertfile", "certfile", "keyfile", "server_name_indication", "verify"
OPTIONS: Mapping[str, str] = {CA: "ca_certs", CERTIFICATE: "certfile", KEY: "keyfile", NAME: "server_hostname"}
"""How py-amqp calls what a parameter gives."""
UNCHECKED = "verify_none"
PASSED_OVER = frozenset({"auth_mechanism", "channel_max", "connection_timeout", "heartbeat"})
"""Parameters of RabbitMQ's addresses that mean nothing here: we have limits of our own."""
MAKING = Lock()
"""All threads of a process connect at the same time."""
FORM = f"known are {', '.join((*OPTIONS, VERIFY))}"


def tls_of(url: str) -> dict[str, Any] | None:
    """Return py-amqp's options for a broker's address, None without TLS. Raises InvalidSetting."""
    parts = urlsplit(url)
    given = parameters_of(parts.query)
    if parts.scheme != SECURE:
        if given:
            raise refused(f"{', '.join(given)} needs an address that begins with {SECURE}://")
        return None
    if KEY in given and CERTIFICATE not in given:
        raise refused(f"{KEY} is given without {CERTIFICATE}")
    files = {OPTIONS[name]: value for name, value in given.items() if name in (CA, CERTIFICATE, KEY)}
    if given.get(VERIFY) == UNCHECKED:
        return {**files, "cert_reqs": ssl.CERT_NONE}
    return {**files, "cert_reqs": ssl.CERT_REQUIRED, "server_hostname": given.get(NAME) or parts.hostname}


def parameters_of(query: str) -> dict[str, str]:
    """Return the parameters that mean something here. Raises InvalidSetting: a misspelt one must not be passed over."""
    given = {name: value for name, value in parse_qsl(query, keep_blank_values=True) if name not in PASSED_OVER}
    for name, value in given.items():
        if name not in (*OPTIONS, VERIFY):
            raise refused(f"the parameter {name[:40]} is not known; {FORM}")
        if not value:
            raise refused(f"{name} is empty")
    if given.get(VERIFY, UNCHECKED) not in ("verify_peer", UNCHECKED):
        raise refused(f"{VERIFY} must be verify_peer or {UNCHECKED}")
    return given


def context_of(options: Mapping[str, Any]) -> ssl.SSLContext:
    """Return what encrypts a connection with py-amqp's options. Raises OSError for a file that cannot be used.

    All connections have the same, until a file that it was made of is changed: with the authorities of the system each
    would take 20 ms and 0.9 MB.
    """
    with MAKING:
        return made_of(tuple(options.items()), times_of(options))


@lru_cache(maxsize=1)
def made_of(options: tuple[tuple[str, Any], ...], _changed: Sequence[int]) -> ssl.SSLContext:
    """Return a new context."""
    given = dict(options)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = OPTIONS[NAME] in given
    context.verify_mode = given["cert_reqs"]
    if OPTIONS[CA] not in given and context.verify_mode is not ssl.CERT_NONE:
        context.load_default_certs()
    for load in LOADS.values():
        load(context, given)
    return context


def times_of(options: Mapping[str, Any]) -> tuple[int, ...]:
    """Return when the files of a context were changed last."""
    authorities = options.get(OPTIONS[CA]) or ssl.get_default_verify_paths().cafile
    paths = (authorities, options.get(OPTIONS[CERTIFICATE]), options.get(OPTIONS[KEY]))
    return tuple(Path(path).stat().st_mtime_ns for path in paths if path)


def check_files(options: Mapping[str, Any]) -> None:
    """Raise InvalidSetting for a file that cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for name, load in LOADS.items():
        try:
            load(context, options)
        except OSError as error:
            raise refused(f"{name} cannot be used: {error}") from error


def trust(context: ssl.SSLContext, options: Mapping[str, Any]) -> None:
    """Check the broker's certificate by these authorities, if any are given."""
    if authorities := options.get(OPTIONS[CA]):
        context.load_verify_locations(authorities)


def show(context: ssl.SSLContext, options: Mapping[str, Any]) -> None:
    """Show this certificate of ours, if one is given."""
    if certificate := options.get(OPTIONS[CERTIFICATE]):
        context.load_cert_chain(certificate, options.get(OPTIONS[KEY]), password=no_password)


LOADS: Mapping[str, Callable[[ssl.SSLContext, Mapping[str, Any]], None]] = {CA: trust, CERTIFICATE: show}
"""What reads the files that an address names, by its parameters."""


def no_password() -> str:
    """Refuse a key that needs one: OpenSSL would ask for it on the terminal."""
    raise OSError("the key is encrypted; give one without a password")


def refused(why: str) -> InvalidSetting:
    """Return the error for an address that cannot be used; it does not show the password."""
    return InvalidSetting(f"the broker's URL is not valid: {why}")
