"""Whether the server has room for the processes' connections and for the largest rows."""

from __future__ import annotations

from collections.abc import Iterator

from flowmanager.bootstrap import database_connections
from flowmanager.check import Finding, Server, check, doubtful, well
from flowmanager.patient import Patient

AROUND_BYTES = 65_536
"""What a statement has besides the largest value."""
FULL = 0.9


@check("database-room", after="database", server=Server.MYSQL)
def database_room(patient: Patient) -> Iterator[Finding]:
    """Compare limits with what the settings ask for."""
    found = patient.variables("max_connections", "max_user_connections", "max_allowed_packet")
    yield from connections(patient, found)
    packet, wanted = int(found["max_allowed_packet"]), patient.settings.max_answer_bytes + AROUND_BYTES
    if packet < wanted:
        yield doubtful(
            f"max_allowed_packet is {packet} bytes, answers may have {patient.settings.max_answer_bytes}",
            f"SET GLOBAL max_allowed_packet = {-(-wanted // 2**20) * 2**20}, or lower FLOWMANAGER_MAX_ANSWER_BYTES",
        )


def processes(patient: Patient) -> str:
    """Return how many there are to be, in words."""
    return "1 process" if patient.processes == 1 else f"{patient.processes} processes"


def connections(patient: Patient, found: dict[str, str]) -> Iterator[Finding]:
    """Compare the server's connections with those of all processes, and with those in use."""
    limits = [int(found[name]) for name in ("max_connections", "max_user_connections") if int(found[name])]
    limit, wanted = min(limits), patient.processes * database_connections(patient.settings)
    with patient.database() as connection:
        used = int(connection.exec_driver_sql("SHOW GLOBAL STATUS LIKE 'Threads_connected'").one()[1])
    known = f"{wanted} connections for {processes(patient)}; the server allows {limit}, {used} are open"
    if wanted > limit:
        yield doubtful(known, f"SET GLOBAL max_connections = {wanted + 50}, or fewer threads or processes")
    elif used > limit * FULL:
        yield doubtful(known, "find out who holds them: SHOW PROCESSLIST; or raise max_connections")
    else:
        yield well(known)
