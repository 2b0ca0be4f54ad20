"""The action types, one file each; the file is named like the type."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from functools import cache

from flowmanager.core.action import Action
from flowmanager.discover import collect
from flowmanager.errors import InvalidActionType
from flowmanager.executor import Executor
from flowmanager.schemas.options import check_option


@cache
def public_executors() -> Mapping[str, Executor]:
    """Return the action types that requests may use."""
    return {found.name: found for found in collect(sys.modules[__name__], Executor) if found.public}


def check_actions(actions: Iterable[Action], path: str) -> None:
    """Check the types and options of actions that come while a flow runs.

    Raises InvalidActionType and InvalidRequest, naming the JSON path.
    """
    for number, action in enumerate(actions):
        found = public_executors().get(action.type)
        if found is None:
            where = f"{path}[{number}].type"
            raise InvalidActionType(f"{where}: Not an action type: {action.type}", path=where)
        check_option(found.option, action.option, f"{path}[{number}].option")
