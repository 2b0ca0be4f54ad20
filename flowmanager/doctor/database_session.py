"""Whether sessions are as the program sets them: proxies may lose settings, servers may not go with them."""

from __future__ import annotations

from collections.abc import Iterator

from flowmanager.check import Finding, Server, check, well, wrong
from flowmanager.patient import Patient

PROXY = "a proxy between us and the server loses what a session sets: pin sessions there, or connect without it"
STRICT = "STRICT_TRANS_TABLES"


@check("database-session", after="database", server=Server.MYSQL)
def database_session(patient: Patient) -> Iterator[Finding]:
    """Read them back."""
    isolation, zone = ("transaction_isolation", "tx_isolation"), "time_zone"
    found = patient.variables(*isolation, zone, "sql_mode", "log_bin", "binlog_format", "sysdate_is_now")
    faults = list(unlike(found, next((found[name] for name in isolation if name in found), "")))
    faults += list(unfit(found))
    yield from faults or [well("READ-COMMITTED, UTC, strict mode")]


def unlike(found: dict[str, str], isolation: str) -> Iterator[Finding]:
    """Say what a session does not keep."""
    if isolation != "READ-COMMITTED":
        yield wrong(f"transactions are isolated as {isolation}, not READ-COMMITTED", PROXY)
    if found.get("time_zone") != "+00:00":
        yield wrong(f"the session's time zone is {found.get('time_zone')}, not +00:00", PROXY)
    if STRICT not in found.get("sql_mode", ""):
        yield wrong(f"sql_mode is without {STRICT}: what is too long would be cut without a word", PROXY)


def unfit(found: dict[str, str]) -> Iterator[Finding]:
    """Say which settings of the server do not go with ours."""
    if found.get("log_bin") == "ON" and found.get("binlog_format") == "STATEMENT":
        yield wrong(
            "binlog_format is STATEMENT, which refuses every change in READ COMMITTED",
            "SET GLOBAL binlog_format = 'ROW', and in the server's file",
        )
    if found.get("sysdate_is_now") == "ON":
        yield wrong(
            "sysdate_is_now is set: after a wait for a lock the time would be that before the wait",
            "take sysdate-is-now out of the server's file and restart it",
        )
