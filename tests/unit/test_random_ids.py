"""Ids are made many at a time; nobody gets one that another has."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from flowmanager.random_ids import AT_ONCE, RandomIds


def test_they_are_random_ids_in_canonical_form() -> None:
    made = RandomIds().new()
    assert str(UUID(made)) == made
    assert UUID(made).version == 4


def test_threads_get_different_ones() -> None:
    ids = RandomIds()
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: ids.new(), range(20 * AT_ONCE)))
    assert len(set(found)) == len(found)


def test_a_child_does_not_hand_out_what_its_parent_does() -> None:
    """Workers may be forked after the first id was asked for."""
    ids = RandomIds()
    ids.new()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, ids.new().encode())
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    theirs = os.read(read, 100).decode()
    os.close(read)
    os.close(write)
    assert theirs not in {ids.new() for _ in range(AT_ONCE)}
