"""A real worker with two processes on real servers, and stub managers, shared by the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flowmanager.stub_managers.run import ServedStubs
from tests.processes import Client, Installation, migrated
from tests.services import Services


@pytest.fixture(scope="module")
def installation(services: Services) -> Iterator[Installation]:
    """Tables, and nothing that runs."""
    with migrated(services) as made:
        yield made


@pytest.fixture(scope="module")
def stubs(installation: Installation) -> ServedStubs:
    """All other managers."""
    return installation.stubs()


@pytest.fixture(scope="module")
def client(installation: Installation) -> Client:
    """Somebody who asks."""
    return installation.client()
