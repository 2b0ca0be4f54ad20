"""What every test gets: real servers on demand, and an environment without settings of the developer's.

With `-n` (`make test`) several processes share the tests: see schedule.py, landlord.py and interrupt.py.
"""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
from xdist.workermanage import WorkerController

from tests.interrupt import Node, interrupt, process_of, watch_signals
from tests.landlord import Landlord, services
from tests.own_servers import own
from tests.schedule import ByFile, longest_first, processes
from tests.services import database_dsn, fresh_database, rabbitmq_address

__all__ = ["database_dsn", "fresh_database", "own", "rabbitmq_address", "services"]

SETTINGS = ("DATABASE_DSN", "RABBITMQ_ADDRESS", "PROMETHEUS_", "FLOWMANAGER_")
# For scripts/services, no settings of the program.
KEPT = frozenset(("FLOWMANAGER_SERVICES_DIR", "FLOWMANAGER_MYSQLD", "FLOWMANAGER_RABBITMQ_SERVER"))
RANDOM_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LANDLORD = pytest.StashKey[Landlord]()
NODES = pytest.StashKey[list[Node]]()


def pytest_configure(config: pytest.Config) -> None:
    """Remove settings from the environment; see that nothing stays behind when the run is ended early."""
    for name in [name for name in os.environ if name.startswith(SETTINGS) and name not in KEPT]:
        del os.environ[name]
    watch_signals(leads=not hasattr(config, "workerinput"))
    config.stash[NODES] = []
    if config.getoption("tx"):
        config.stash[LANDLORD] = Landlord()


def pytest_configure_node(node: WorkerController) -> None:
    """Tell a process where to ask for the servers."""
    node.workerinput["landlord"] = node.config.stash[LANDLORD].address
    node.config.stash[NODES].append(Node(process_of(node), node))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Let the processes of an interrupted run clean up, before they are ended."""
    if exitstatus == pytest.ExitCode.INTERRUPTED:
        interrupt(session.config.stash[NODES])


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers, after the processes that used them have ended."""
    if LANDLORD in config.stash:
        config.stash[LANDLORD].close()


def pytest_xdist_auto_num_workers() -> int:
    """How many processes `-n auto` means."""
    return processes()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    """Keep the tests of a file together."""
    return ByFile(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest."""
    longest_first(items)


def pytest_make_parametrize_id(val: object) -> str | None:
    """A test that is given a random id has the same name in all processes, and the next time."""
    return RANDOM_ID.sub("ID", val) if isinstance(val, str) and RANDOM_ID.search(val) else None
