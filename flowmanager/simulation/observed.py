"""The real executors, each with somebody who looks on and may have a say in what they find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flowmanager.core.outcomes import Continue, Jump, Outcome
from flowmanager.executor import Executor, Task
from flowmanager.simulation.action_types import real_executors
from flowmanager.simulation.director import Director
from flowmanager.simulation.recorder import Recorder


def observed_executors(recorder: Recorder, director: Director) -> Mapping[str, Executor]:
    """Return every action type, observed."""
    return {name: observed(one, recorder, director) for name, one in real_executors().items()}


def observed(executor: Executor, recorder: Recorder, director: Director) -> Executor:
    """Return an executor that does the same, observed. What has no function is observed where it is sent out."""
    run = executor.run
    if run is None:
        return executor

    def looked_on(task: Task, *helpers: Any) -> Outcome:
        entry = recorder.begins(task)
        influenced = director.influence(task)
        outcome = run(influenced, *helpers)
        recorder.settled(influenced, entry, outcome)
        return with_variables(outcome, task, influenced)

    return replace(executor, run=looked_on)


def with_variables(outcome: Outcome, task: Task, influenced: Task) -> Outcome:
    """Return an outcome that also keeps the variables which the director gave."""
    given = influenced.activeflow.variables
    extra = {key: value for key, value in given.items() if task.activeflow.variables.get(key) != value}
    if not extra or not isinstance(outcome, Continue | Jump):
        return outcome
    return replace(outcome, variables={**extra, **outcome.variables})
