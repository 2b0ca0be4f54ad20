"""One set of servers for all processes of a run: the one that leads it starts them when first asked, and stops them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from multiprocessing.connection import Client, Listener
from threading import Thread

import pytest

from tests.services import Services, start_services

WAITING = 64  # processes that ask while the servers start
OPEN, CLOSE = "open", "close"


class Landlord:
    """Gives the servers' addresses to the processes of a run, on a socket of its own."""

    def __init__(self) -> None:
        self._listener = Listener(family="AF_UNIX", backlog=WAITING)
        self._thread = Thread(target=self._serve, name="landlord")
        self._thread.start()

    @property
    def address(self) -> str:
        """Where to ask."""
        return str(self._listener.address)

    def close(self) -> None:
        """Stop the servers if they were started, and wait until they are gone."""
        with Client(self.address) as connection:
            connection.send(CLOSE)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        with ExitStack() as stack:
            answer: Services | str = ""
            wish = OPEN
            while wish != CLOSE:
                # Whoever asks may be interrupted while the servers start.
                with self._listener.accept() as guest, suppress(EOFError, OSError):
                    wish = guest.recv()
                    if wish == OPEN:
                        answer = answer or attempt(stack)
                        guest.send(answer)


def attempt(stack: ExitStack) -> Services | str:
    """The servers, or why there are none."""
    try:
        return start_services(stack)
    except pytest.fail.Exception as failure:
        return str(failure)


def ask_landlord(address: str) -> Services:
    """The servers of the run; fails as their start did."""
    with Client(address) as connection:
        connection.send(OPEN)
        answer = connection.recv()
    if not isinstance(answer, Services):
        pytest.fail(answer, pytrace=False)
    return answer


@pytest.fixture(scope="session")
def services(pytestconfig: pytest.Config) -> Iterator[Services]:
    """The servers of this run; those that were started for it are stopped at its end."""
    told = getattr(pytestconfig, "workerinput", {})
    with ExitStack() as stack:
        yield ask_landlord(told["landlord"]) if told else start_services(stack)
