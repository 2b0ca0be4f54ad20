"""The store in memory keeps the contract of the others: the same tests, but for what only a database has."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from flowmanager.simulation.memory_store import MemoryStore
from tests.contract import test_store_records, test_store_transactions, test_store_upkeep

MODULES = (test_store_records, test_store_transactions, test_store_upkeep)
"""Lists are left out: nobody looks at pages of records in a simulation."""
OF_DATABASES = {"engines", "store_dsn", "mysql_engines", "mysql_store", "mysql_dsn", "shared_engines"}
OTHERWISE = {
    "test_a_locked_record_excludes_other_transactions": "there is one thread, and a transaction happens at once",
    "test_no_change_is_lost_between_threads": "there is one thread",
    "test_the_time_is_the_databases_and_stands_still": "the clock is virtual",
    "test_a_later_lock_tells_a_later_time": "the clock stands still while something happens",
    "test_the_time_of_a_record_never_goes_back": "the clock never goes back",
    "test_a_long_cause_is_cut": "nothing has a width",
}
"""What is not so here, and why that is no harm."""


def common(module: ModuleType) -> dict[str, Callable[..., Any]]:
    """The tests of a module that need nothing but a store."""
    tests = {name: one for name, one in vars(module).items() if name.startswith("test_")}
    kept = {name: one for name, one in tests.items() if name not in OTHERWISE}
    return {name: one for name, one in kept.items() if not OF_DATABASES & inspect.signature(one).parameters.keys()}


SHARED = {name: test for module in MODULES for name, test in common(module).items()}
globals().update(SHARED)


@pytest.fixture
def store() -> MemoryStore:
    """A store without rows."""
    return MemoryStore()


def test_most_of_the_contract_is_kept() -> None:
    """The table above names tests that exist, and few of them."""
    names = {name for module in MODULES for name in vars(module)}
    assert names >= OTHERWISE.keys()
    assert len(SHARED) > 5 * len(OTHERWISE)
