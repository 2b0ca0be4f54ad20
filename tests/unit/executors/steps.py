"""Builders for executor tests: an activeflow that stands on an action, its task, and clients over scripted peers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from flowmanager.core.action import Action
from flowmanager.core.activeflow import Activeflow, ReferenceType
from flowmanager.core.ids import MAIN, Id
from flowmanager.core.outcomes import Outcome
from flowmanager.core.stacks import Place, StackMap
from flowmanager.core.variables import substitute_option
from flowmanager.executor import Executor, Task
from flowmanager.managers.managers import Managers
from flowmanager.schemas.options import load_option
from tests.fakes import FlowShelf, ScriptedRpc

FLOW: Id = "4d2f8a71-0b9e-4f36-8d0c-c1e5a7b3f920"
CUSTOMER: Id = "7b1e0c52-4a7d-4f0e-9a51-2f6f2d1c9e11"
CALL: Id = "9c37e1f0-58ab-4d62-8e19-07b4c6d2a5f3"
STEP: Id = str(uuid5(NAMESPACE_OID, f"{FLOW}:0"))
"""The key of the first step of that activeflow."""
ACTION: Id = "2f7b9c61-d3e4-4085-a1f6-5c8e0b7d9a24"
FIRST: Id = "11111111-1111-4111-8111-111111111111"
SECOND: Id = "22222222-2222-4222-8222-222222222222"
NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
"""A Monday."""


def task_of(executor: Executor, option: Mapping[str, Any] | None = None, *, now: datetime = NOW, **flow: Any) -> Task:
    """Return the task of an activeflow of a call that stands on an action; `flow` changes the activeflow."""
    raw = Action(ACTION, executor.name, option)
    activeflow = Activeflow(
        id=FLOW,
        customer_id=CUSTOMER,
        reference_type=ReferenceType.CALL,
        reference_id=CALL,
        stacks=StackMap.of((raw,)),
        cursor=Place(MAIN, ACTION),
    ).evolve(**flow)
    substituted = substitute_option(option, activeflow.variables, limit=1000)
    loaded = load_option(executor.option, substituted)
    return Task(activeflow=activeflow, action=Action(ACTION, executor.name, substituted), option=loaded, now=now)


@dataclass
class Peers:
    """Scripted managers and a shelf for flows."""

    answers: Mapping[str, Any] = field(default_factory=dict)
    shelf: Any = field(default_factory=FlowShelf)

    def __post_init__(self) -> None:
        """Have them remember what they are asked."""
        self.rpc = ScriptedRpc(self.answers)

    @property
    def managers(self) -> Managers:
        """Return the clients of one step."""
        return Managers.of(self.rpc, self.shelf, STEP)

    @property
    def bodies(self) -> list[Any]:
        """Return the bodies of all asks, in order."""
        return [ask.body for ask in self.rpc.asks]


def run(executor: Executor, option: Mapping[str, Any] | None = None, **flow: Any) -> Outcome:
    """Run a pure executor."""
    assert executor.run is not None
    return executor.run(task_of(executor, option, **flow))


def ask(executor: Executor, option: Mapping[str, Any] | None, peers: Peers, **flow: Any) -> Outcome:
    """Run an executor that talks to peers."""
    assert executor.run is not None
    return executor.run(task_of(executor, option, **flow), peers.managers)
