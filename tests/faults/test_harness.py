"""Parts of the harness that must not fool us: what stands still is seen, a word is really cut, each proof is judged."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from tests.faults.breakage import BREAKAGES, FOUND_BY
from tests.faults.kinds import KINDS
from tests.faults.links import FaultyLink
from tests.faults.standstill import MOVES_WITHIN, SLACK, Standing, Watch

LATE = MOVES_WITHIN + SLACK + 0.1
WAITING = Standing("a", "waiting", fence=1, steps=2, until="2026-05-04T07:08:09", owner="")


def test_what_stands_still_is_told_once() -> None:
    """Not before its time."""
    watch = Watch()
    assert watch.look([WAITING], 0.0) == []
    assert watch.look([WAITING], MOVES_WITHIN) == []
    assert watch.look([WAITING], LATE) == [WAITING]
    assert watch.look([WAITING], LATE + 1) == []


def test_what_moves_does_not_stand_still() -> None:
    """Each step, each new owner and each absence begins the time anew."""
    watch = Watch()
    watch.look([WAITING], 0.0)
    assert watch.look([replace(WAITING, steps=3)], LATE) == []
    assert watch.look([], LATE + 1) == []
    assert watch.look([replace(WAITING, steps=3)], 2 * LATE) == []


def test_what_executes_without_an_owner_is_told_at_once() -> None:
    """Nobody will ever go on with it."""
    nobodys = replace(WAITING, state="executing")
    assert Watch().look([nobodys, replace(nobodys, owner="b")], 0.0) == [nobodys]


@pytest.fixture
def link() -> Iterator[tuple[FaultyLink, socket.socket]]:
    """A link to a server that waits to be called."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
        with closing(FaultyLink(host, port)) as made:
            yield made, server


def test_a_word_is_cut_in_the_middle(link: tuple[FaultyLink, socket.socket]) -> None:
    """Half of it arrives, then the end."""
    proxy, server = link
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as client:
        heard, _ = server.accept()
        with heard:
            heard.settimeout(10)
            client.sendall(b"whole")
            assert heard.recv(100) == b"whole"
            proxy.snip()
            client.sendall(b"word")
            assert heard.recv(100) == b"wo"
            assert heard.recv(100) == b""


def test_each_broken_build_has_invariants_by_which_it_must_be_found() -> None:
    """And none of those is found by complaints of workers alone."""
    assert FOUND_BY.keys() == BREAKAGES.keys()
    assert all(invariants and "I11" not in invariants for invariants in FOUND_BY.values())


def test_kinds_that_exclude_each_other_know_of_each_other() -> None:
    """Else the order in which they begin would decide."""
    for name, kind in KINDS.items():
        assert all(name in KINDS[other].never_with for other in kind.never_with)
