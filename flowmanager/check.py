"""What a check of `flowmanager doctor` is: a look at one thing, which says what is well, doubtful or wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum

from flowmanager.core.frozen import frozen
from flowmanager.patient import Patient


class Server(StrEnum):
    """What a check is about."""

    RABBITMQ = "RabbitMQ"
    MYSQL = "MySQL"


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARN = "warn"
    """Worth a look; calls go on."""
    FAIL = "fail"
    """Calls are lost or stand still, or will."""
    SKIP = "skip"
    """Not looked at."""


@frozen
class Finding:
    """What was found, in words, and what to do about it."""

    level: Level
    found: str
    advice: str = ""


def well(found: str) -> Finding:
    """Return a finding that needs nothing."""
    return Finding(Level.OK, found)


def doubtful(found: str, advice: str) -> Finding:
    """Return a finding that somebody should look at."""
    return Finding(Level.WARN, found, advice)


def wrong(found: str, advice: str) -> Finding:
    """Return a finding that somebody must mend."""
    return Finding(Level.FAIL, found, advice)


Look = Callable[[Patient], Iterable[Finding]]


@frozen
class Check:
    """One check. Errors of broker and database may pass out of `look`; it has one time limit for all it does."""

    name: str
    look: Look
    after: str
    """The check that must not have failed before."""
    server: Server | None
    """The server without which it has no sense: --embedded has neither."""


def check(name: str, *, after: str = "", server: Server | None = None) -> Callable[[Look], Check]:
    """Make a check of a function. It is not registered anywhere: the files of `doctor` are collected."""
    return lambda look: Check(name, look, after, server)
