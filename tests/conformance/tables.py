"""Scenarios that are tables: single conditions, and whether the flow went on or jumped."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flowmanager.core.outcomes import Continue
from flowmanager.errors import InvalidRequest
from flowmanager.executor import Executor
from flowmanager.executors.condition_datetime import condition_datetime
from flowmanager.executors.condition_variable import condition_variable
from flowmanager.schemas.options import check_option
from tests.conformance.recording import Scenario
from tests.conformance.replay import Difference
from tests.unit.executors.steps import FIRST, NOW, run

EXECUTORS: Mapping[str, Executor] = {"variable": condition_variable, "datetime": condition_datetime}


def differing_rows(scenario: Scenario) -> list[Difference]:
    """Return the rows, counted from 1, that come out otherwise."""
    executor = EXECUTORS[scenario.name.split("-")[2]]
    now = datetime.fromisoformat(scenario.now) if scenario.now else NOW
    found = []
    for number, row in enumerate(scenario.table, 1):
        result = came_out(executor, row, now)
        if result != row["result"]:
            found.append(Difference(number, f"{row['option']}: wanted {row['result']}, got {result}"))
    return found


def came_out(executor: Executor, row: Mapping[str, Any], now: datetime) -> str | None:
    """Return `true` or `false`, None for a condition that is refused, when it is stored or when it runs."""
    option = {**row["option"], "false_target_id": FIRST}
    try:
        check_option(executor.option, option, "option")
        outcome = run(executor, option, now=now, variables=row.get("variables", {}))
    except InvalidRequest:
        return None
    return "true" if isinstance(outcome, Continue) else "false"
