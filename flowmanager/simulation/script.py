"""A script: what the caller does, how everybody else behaves, and what must come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from flowmanager.core.activeflow import ReferenceType
from flowmanager.core.frozen import frozen
from flowmanager.errors import InvalidRequest
from flowmanager.stub_managers.rules import Rule

NOTHING: Mapping[str, Any] = MappingProxyType({})
MONDAY = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
"""When a script that does not say so begins: a fixed moment, so that each run is like the other."""
PUSH, PULL = "push", "pull"
DAY_SECONDS = 86_400.0


class InvalidScript(InvalidRequest):
    """The script cannot be read."""

    reason = "INVALID_SCRIPT"


@frozen(kw_only=True)
class Step:
    """Something that happens, one after the other. `path`: where the script says so."""

    path: str = ""


@frozen(kw_only=True)
class Press(Step):
    """Press keys: when the flow asks for keys, or `after` seconds into the action `at`."""

    keys: str
    at: str = ""
    after: float = 0.0


@frozen(kw_only=True)
class Silence(Step):
    """Do nothing for so many seconds; None: until a request for keys has run out."""

    seconds: float | None


@frozen(kw_only=True)
class Hears(Step):
    """Listen until a text is said. `how`: `contains`, `is` or `matches`. `within`: seconds."""

    text: str
    how: str = "contains"
    within: float | None = None


@frozen(kw_only=True)
class Reaches(Step):
    """Wait until the flow is at an action."""

    action: str


@frozen(kw_only=True)
class Say(Step):
    """Say something; a flow that transcribes gets it as a text."""

    text: str


@frozen(kw_only=True)
class Hangup(Step):
    """Hang up: `after` seconds, counted from the action `at` when there is one."""

    at: str = ""
    after: float = 0.0


@frozen(kw_only=True)
class Resume(Step):
    """A service lets a blocked flow go on."""


@frozen(kw_only=True)
class SetVariables(Step):
    """A service sets variables."""

    variables: Mapping[str, str]


@frozen(kw_only=True)
class Event(Step):
    """A message of another manager comes: `after` seconds, counted from the action `at` when there is one.

    With a method it is a request to flow-manager, else an event.
    """

    body: Any
    method: str = ""
    uri: str = ""
    at: str = ""
    after: float = 0.0
    times: int = 1
    """How often it comes."""


@frozen(kw_only=True)
class Repeat(Step):
    """Do some steps again and again, as long as the flow is not over."""

    times: int
    steps: tuple[Step, ...]


@frozen(kw_only=True)
class Agent:
    """The agents of queues: `answers`, `busy` (the caller is sent away after a while), `none` (at once)."""

    how: str = "answers"
    after: float | None = None
    """Seconds until one answers, or until the caller is sent away."""
    talks: float = 60.0
    wait_flow: str = ""


@frozen(kw_only=True)
class Ai:
    """AIs: how long they take, in seconds, and which variables they set."""

    after: float = 30.0
    variables: Mapping[str, str] = field(default_factory=lambda: NOTHING)


@frozen(kw_only=True)
class PeerRule:
    """How another manager treats certain requests. `answer` replaces what it would say, an object key by key."""

    rule: Rule
    skip: int = 0
    """How many such requests it treats as ever before."""
    answer: Any = None
    path: str = ""


@frozen(kw_only=True)
class Expect:
    """What must be true in the end; what is empty does not count."""

    ended: str = ""
    variables: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    visited: tuple[str, ...] = ()
    not_visited: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    not_said: tuple[str, ...] = ()
    requests: tuple[str, ...] = ()
    no_requests: tuple[str, ...] = ()
    lasts: float | None = None
    """Seconds, at most."""


@frozen(kw_only=True)
class Script:
    """Everything around a flow. Times are seconds."""

    about: str = ""
    reference: ReferenceType = ReferenceType.CALL
    mode: str = PUSH
    """`push`: flow-manager sends media actions to call-manager. `pull`: call-manager asks for each action."""
    start: datetime = MONDAY
    caller: str = "+3225550101"
    called: str = "+3225550100"
    variables: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    flows: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    """Other flows by id, as the bodies that store them."""
    steps: tuple[Step, ...] = ()
    events: tuple[Event, ...] = ()
    """What comes in beside the steps."""
    agent: Agent = Agent()
    ai: Ai = Ai()
    amd: str = "human"
    calls: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """How calls to a target (`*`: any) end up: `answers`, or a reason such as `busy`."""
    peers: tuple[PeerRule, ...] = ()
    fetch: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    """What customers' servers answer the action `fetch`, by address: a list of actions, or the status of a failure."""
    webhooks: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    """What they answer the action `webhook_send`."""
    limit: float = DAY_SECONDS
    """After how long the simulation is given up."""

    @property
    def pulls(self) -> bool:
        """Say whether call-manager asks for each action."""
        return self.mode == PULL

    expect: Expect = Expect()


def named(step: Step) -> str:
    """Return the action that a step names, empty for none."""
    return str(getattr(step, "at", "") or getattr(step, "action", ""))
