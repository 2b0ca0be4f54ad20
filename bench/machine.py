"""CPU and memory of processes, from /proc."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import psutil
from sqlalchemy import make_url

from tests.services import Services

SERVERS = {"database": ("mysqld", "mariadbd"), "broker": ("beam.smp",)}


@dataclass(frozen=True, slots=True)
class Watched:
    """Processes by the part they play."""

    pids: Mapping[str, list[int]]

    def cpu(self) -> dict[str, float]:
        """Return the seconds of CPU that each part has used so far."""
        return {part: sum(map(cpu_of, pids)) for part, pids in self.pids.items()}


def cpu_of(pid: int) -> float:
    """Return user and system time of a process."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def memory_of(pids: Iterable[int]) -> int:
    """Return the resident bytes of the largest of some processes."""
    return max(int(psutil.Process(pid).memory_info().rss) for pid in pids)


def server_pids(services: Services) -> dict[str, list[int]]:
    """Return the processes of both servers: who listens on their ports, else all that are called so."""
    ports = {
        "database": make_url(services.database_dsn).port or 3306,
        "broker": urlsplit(services.rabbitmq_address).port or 5672,
    }
    listening: dict[int, int] = {}
    for one in psutil.net_connections("tcp"):
        if one.status == "LISTEN" and one.pid and one.laddr:
            listening[one.laddr.port] = one.pid
    return {part: pids_of(part, listening.get(port)) for part, port in ports.items()}


def pids_of(part: str, listener: int | None) -> list[int]:
    """Return the listener if it is such a server; behind a container's proxy, all that are called so."""
    if listener and psutil.Process(listener).name() in SERVERS[part]:
        return [listener]
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.name() in SERVERS[part]:
                found.append(process.pid)
    return found
