"""What an executor can answer: a closed union, applied by `machine.settle`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import timedelta

from flowmanager.core.action import Action
from flowmanager.core.activeflow import EMPTY, Driver
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import Id


@frozen
class Comparison:
    """What an action decided by, for people who ask later. `name` says what the left side is."""

    name: str
    left: str
    sign: str
    right: str
    result: bool


@frozen
class Continue:
    """The action is done; go on."""

    variables: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    because: Comparison | None = field(default=None, compare=False)


@frozen
class Jump:
    """The action is done; go on at a target. `counted`: one more jump of a goto."""

    target_id: Id
    variables: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    counted: bool = False
    because: Comparison | None = field(default=None, compare=False)


@frozen
class Push:
    """The action is done; go on in a new frame and come back after it. No actions: nothing is pushed.

    `follow_up` is called once the frame is stored, for peers that may jump into it at once.
    """

    stack_id: Id
    actions: tuple[Action, ...]
    follow_up: Callable[[], None] | None = None


@frozen
class Hold:
    """The action has begun; wait for its driver, at most `limit` (None: without end)."""

    driver: Driver
    limit: timedelta | None = None
    variables: Mapping[str, str] = field(default_factory=lambda: EMPTY)


@frozen
class Block:
    """Wait until a request resumes the flow."""


@frozen
class Finish:
    """End the flow."""


@frozen
class Failed:
    """The action failed. `fatal`: the flow ends with it, else it goes on."""

    message: str
    fatal: bool


Outcome = Continue | Jump | Push | Hold | Block | Finish | Failed
