"""Which half of a turn runs an action: the fold in memory, or what talks to other managers, outside the transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from flowmanager.bootstrap import all_executors
from flowmanager.core.action import Action
from flowmanager.core.activeflow import Activeflow, Driver, ReferenceType, State, Turn
from flowmanager.core.limits import Limits
from flowmanager.core.stacks import StackMap
from flowmanager.executor import Executor, Kind, Media
from flowmanager.orchestrator.fold import Fold, Progress
from tests.fakes import FlowShelf
from tests.unit.executors.steps import ACTION, CALL, FLOW, NOW

ALL = all_executors()
every_executor = pytest.mark.parametrize("executor", ALL.values(), ids=lambda executor: executor.name)


def option_of(executor: Executor) -> Mapping[str, Any]:
    """The first example of its option, with ids where the example has a name or a placeholder for one."""
    example = executor.option.examples[0] if executor.option.examples else {}
    return {key: CALL if key.endswith("_id") else value for key, value in example.items()}


def one_action(executor: Executor, driver: Driver) -> Progress:
    """Fold a flow of one action."""
    reference = ReferenceType.API if executor.media is Media.NON_RTC else ReferenceType.CALL
    stacks = StackMap.of((Action(ACTION, executor.name, option_of(executor)),))
    flow = Activeflow(id=FLOW, reference_type=reference, state=State.EXECUTING, stacks=stacks)
    return Fold(ALL, Limits(), FlowShelf(), NOW).run(Progress(flow=flow, turn=Turn(driver)))


@every_executor
def test_when_nobody_asked_the_fold_runs_what_decides_alone(executor: Executor) -> None:
    """Left for outside: what takes managers, and what call-manager is to carry out, which is all that has no function.

    A caller action with a function (`sleep`) needs nobody.
    """
    progress = one_action(executor, Driver.PUSH)
    assert (progress.task is not None) is (executor.kind is Kind.TALKING or executor.run is None)


@every_executor
def test_a_caller_gets_the_actions_that_are_its_own(executor: Executor) -> None:
    """Then nothing is left to do here, whether the action has a function or not."""
    progress = one_action(executor, Driver.PULL)
    assert (progress.task is not None) is (executor.kind is Kind.TALKING)
    wait = progress.flow.wait
    assert (wait is not None and wait.driver is Driver.PULL) is (executor.kind is Kind.CALLER)
