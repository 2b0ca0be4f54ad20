"""What every test gets: real servers on demand, and an environment without settings of the developer's."""

from __future__ import annotations

import os
import signal

from tests.own_servers import own
from tests.services import database_dsn, fresh_database, rabbitmq_address, services

__all__ = ["database_dsn", "fresh_database", "own", "rabbitmq_address", "services"]

SETTINGS = ("DATABASE_DSN", "RABBITMQ_ADDRESS", "PROMETHEUS_", "FLOWMANAGER_")
# For scripts/services, no settings of the program.
KEPT = frozenset(("FLOWMANAGER_SERVICES_DIR", "FLOWMANAGER_MYSQLD", "FLOWMANAGER_RABBITMQ_SERVER"))


def pytest_configure() -> None:
    """Remove settings from the environment; make a termination end the session as Ctrl-C does, servers stopped."""
    for name in [name for name in os.environ if name.startswith(SETTINGS) and name not in KEPT]:
        del os.environ[name]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
