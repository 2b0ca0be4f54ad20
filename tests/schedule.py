"""How the processes of a run share its tests: a file goes to one process, the longest files begin first."""

from __future__ import annotations

import os

import pytest
from xdist.scheduler import LoadScopeScheduling

LONGEST = (
    "tests/faults/test_chaos_short.py",
    "tests/integration/test_serve.py",
    "tests/e2e/test_docs.py",
    "tests/integration/test_outages.py",
    "tests/integration/test_broker_alarm.py",
    "tests/integration/test_tls.py",
    "tests/integration/test_doctor.py",
    "tests/simulation/test_simulation.py",
    "tests/e2e/test_crashes.py",
    "tests/e2e/test_pages_on_servers.py",
    "tests/e2e/test_how_to_add.py",
    "tests/integration/test_customer_deleted.py",
    "tests/integration/test_bad_input.py",
    "tests/e2e/test_rolling_update.py",
    "tests/conformance/test_conformance.py",
    "tests/integration/test_client.py",
    "tests/integration/test_concurrency.py",
    "tests/unit/test_catalogue.py",
)
"""Files whose tests take longest, the longest first: begun last, they would leave the other processes idle."""

SPREAD = frozenset({"tests/simulation/test_simulation.py", "tests/e2e/test_docs.py"})
"""Files whose tests go to any process, one by one: they are long, and share nothing that takes long to start."""

TOGETHER = dict.fromkeys(
    (
        "tests/integration/test_broker_alarm.py",
        "tests/integration/test_doctor.py",
        "tests/integration/test_outages.py",
        "tests/integration/test_tls.py",
    ),
    "servers of their own",
)
"""Files that go to one process, because they share what takes longest to start."""


class ByFile(LoadScopeScheduling):
    """Tests of a file share what its fixtures start, so they stay together."""

    def _split_scope(self, nodeid: str) -> str:
        file = file_of(nodeid)
        return nodeid if file in SPREAD else TOGETHER.get(file, file)


def file_of(nodeid: str) -> str:
    """The file of a test."""
    return nodeid.partition("::")[0]


def longest_first(items: list[pytest.Item]) -> None:
    """Order tests by how long their files take; files that are not named keep their order."""
    ranks = {file: rank for rank, file in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(file_of(item.nodeid), len(ranks)))


def processes() -> int:
    """How many processes share the tests: some of them wait for servers while others compute."""
    return 2 * len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2 * (os.cpu_count() or 1)
