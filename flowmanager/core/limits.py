"""The limits that keep one flow from harming the others; each is a setting."""

from __future__ import annotations

from flowmanager.core.frozen import frozen


@frozen
class Limits:
    """Every number says which harm it prevents."""

    iterations: int = 1000
    """Actions in one turn: a loop of gotos must not hold a worker for ever."""
    turn_bytes: int = 4_194_304
    """Bytes of all options of one turn: they are told in one event, and brokers refuse large ones."""
    executions: int = 100
    """Resumes in a life: a flow that is woken again and again must end some day."""
    stack_depth: int = 100
    """Nested frames: the record must not grow without end."""
    chain_depth: int = 5
    """Activeflows that start each other by on-complete: flows that name each other must not run for ever."""
    variable_count: int = 100
    """Variables given in one request."""
    variable_bytes: int = 32_768
    """Bytes of one variable's value."""
    variables_request_bytes: int = 65_536
    """Bytes of all keys and values given in one request."""
    variables_bytes: int = 262_144
    """Bytes of all keys and values of an activeflow: they are read and written with every step."""
    option_characters: int = 1_048_576
    """Characters of all texts of one action's option after substitution: variables must not multiply into gigabytes."""
    early_signals: int = 64
    """Events kept while an executor runs: a flood of events must not fill the record."""
    actions: int = 10_000
    """Actions of all frames together: the record is read and written with every step."""
