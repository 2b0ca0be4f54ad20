"""Which versions of the tables a program can work on: its own, and newer ones that say so in their name.

A migration is called `0007_from_0005` when workers whose newest migration is 0005 or later can go on working after it.
The name is what the database remembers, so that a worker can judge a migration that did not exist when it was made.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import StrEnum

REVISION = re.compile(r"(?P<number>[0-9]{4})(?:_from_(?P<oldest>[0-9]{4}))?")


class Standing(StrEnum):
    """How the tables stand to a program."""

    CURRENT = "current"
    """They are of its version."""
    OLDER = "older"
    """They lack migrations that it brings."""
    NEWER = "newer"
    """They are of a newer version on which it can work too."""
    FOREIGN = "foreign"
    """They are of a version on which it cannot work."""


def standing_of(found: Collection[str], known: Collection[str]) -> Standing:
    """Judge the migrations that a database names. `known`: those of the program."""
    if not found:
        return Standing.OLDER
    if len(found) > 1:
        return Standing.FOREIGN
    (name,) = found
    if name in known:
        return Standing.CURRENT if name == newest(known) else Standing.OLDER
    return Standing.NEWER if allows(name, newest(known)) else Standing.FOREIGN


def newest(names: Collection[str]) -> str:
    """Return the last of some migrations: their numbers count up."""
    return max(names)


def allows(name: str, own: str) -> bool:
    """Say whether an unknown migration allows a program whose newest one is `own`."""
    read = REVISION.fullmatch(name)
    if read is None or read["oldest"] is None:
        return False
    return bool(read["oldest"] <= number_of(own) < read["number"])


def number_of(name: str) -> str:
    """Return the number with which the name of a migration begins."""
    return name.partition("_")[0]
