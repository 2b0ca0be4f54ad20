"""Whether the database can be reached with these credentials, and is of a version that is supported."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from sqlalchemy.exc import DBAPIError

from flowmanager.check import Finding, check, well, wrong
from flowmanager.errors import StoreLost
from flowmanager.patient import Patient
from flowmanager.store.faults import code_of

OLDEST = {"MySQL": (8, 0), "MariaDB": (10, 6)}
TLS_FAILED = 2026
ADVICE: Mapping[int, str] = {
    1045: "user or password in DATABASE_DSN are wrong, or this machine is not allowed: SHOW GRANTS FOR the user",
    1698: "the user in DATABASE_DSN does not log in by password: ALTER USER … IDENTIFIED BY …",
    1044: "the user in DATABASE_DSN has no rights on that database: GRANT ALL ON database.* TO the user",
    1049: "the database in DATABASE_DSN does not exist: CREATE DATABASE … CHARACTER SET utf8mb4",
    1130: "the server does not let this machine in: make the user for it, 'user'@'host'",
    1129: "the server has blocked this machine after failed attempts: mysqladmin flush-hosts",
    1040: "the server has no connection left: raise max_connections, or find out who holds them (SHOW PROCESSLIST)",
    1203: "the user has no connection left: raise max_user_connections",
    1226: "the user has used up a limit of the server: see its resource limits",
    2003: "nobody answers at that host and port, or the name is not known here: does the server run?",
    TLS_FAILED: "TLS fails: see tls and ssl_ca in DATABASE_DSN, and the server's certificate",
}
OTHERWISE = "see the server's log"


@check("database")
def database(patient: Patient) -> Iterator[Finding]:
    """Connect."""
    if not patient.settings.database_dsn:
        yield wrong("DATABASE_DSN is not set", "an example: mysql://user:password@localhost:3306/flowmanager")
        return
    try:
        yield from connect(patient)
    except StoreLost as lost:
        yield wrong(f"{patient.database_place}: {words_of(lost)}", advice_for(lost))


def connect(patient: Patient) -> Iterator[Finding]:
    """Say what the database is."""
    if not patient.has_mysql:
        yield well(f"SQLite {patient.row('SELECT sqlite_version()')[0]} in {patient.database_place}")
        return
    version = str(patient.row("SELECT VERSION()")[0])
    with patient.database() as connection:
        cipher = connection.exec_driver_sql("SHOW STATUS LIKE 'Ssl_version'").one()[1]
    product = "MariaDB" if "mariadb" in version.lower() else "MySQL"
    known = f"{product} {version}, database {patient.database_place}"
    yield well(f"{known}, {f'encrypted with {cipher}' if cipher else 'not encrypted'}")
    yield from support(product, version)


def support(product: str, version: str) -> Iterator[Finding]:
    """Say when a version is too old."""
    oldest = OLDEST[product]
    numbers = tuple(map(int, re.findall(r"\d+", version)[:2]))
    if numbers < oldest:
        least = ".".join(map(str, oldest))
        yield wrong(f"{product} {version} is not supported", f"use {product} {least} or newer")


def words_of(lost: StoreLost) -> str:
    """Return what the server says, else what we say."""
    arguments = getattr(getattr(lost.__cause__, "orig", None), "args", ())
    return str(arguments[-1]) if arguments else lost.sentence


def advice_for(lost: StoreLost) -> str:
    """Return what to do about a failed connection."""
    if lost.__cause__ is None and "path" in lost.facts:
        return "`flowmanager serve --embedded` makes it"
    if "SSL" in words_of(lost):
        return ADVICE[TLS_FAILED]
    cause = lost.__cause__
    return ADVICE.get(code_of(cause), OTHERWISE) if isinstance(cause, DBAPIError) else OTHERWISE
