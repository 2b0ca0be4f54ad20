"""Limits that the system keeps: a read or a write ends in time, and what has come is seen."""

from __future__ import annotations

from collections.abc import Iterator
from socket import socket, socketpair
from struct import unpack

import pytest

from flowmanager.sockets import has_come, limit_reads, limit_writes, reader, timeval

Pair = tuple[socket, socket]
LIMIT = 0.05


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Two ends, of which ours has limits."""
    ours, theirs = socketpair()
    limit_reads(ours, LIMIT)
    limit_writes(ours, LIMIT)
    with ours, theirs:
        yield ours, theirs


def test_a_read_of_nothing_ends(pair: Pair) -> None:
    with pytest.raises(BlockingIOError):
        pair[0].recv(1)
    with pytest.raises(TimeoutError):
        reader(pair[0]).read(1)


def test_a_read_of_more_than_has_come_ends(pair: Pair) -> None:
    """What has come is there before."""
    pair[1].sendall(b"abc")
    ours = reader(pair[0])
    assert ours.peek() == b"abc"
    assert ours.read(2) == b"ab"
    with pytest.raises(TimeoutError):
        ours.read(2)


def test_a_write_to_somebody_who_does_not_read_ends(pair: Pair) -> None:
    with pytest.raises(BlockingIOError):
        pair[0].sendall(b"x" * 10_000_000)


def test_what_has_come_is_seen(pair: Pair) -> None:
    """A byte, and an end."""
    assert not has_come(pair[0])
    pair[1].sendall(b"a")
    assert has_come(pair[0])
    assert pair[0].recv(1) == b"a"
    assert not has_come(pair[0])
    pair[1].close()
    assert has_come(pair[0])


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, (0, 1)), (1e-9, (0, 1)), (0.2, (0, 200_000)), (3, (3, 0)), (61.5, (61, 500_000))]
)
def test_no_limit_is_without_end(seconds: float, expected: tuple[int, int]) -> None:
    """Zero would mean just that to the system."""
    assert unpack("ll", timeval(seconds)) == expected
