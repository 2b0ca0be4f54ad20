"""`fetch`: run actions that a customer's server gives, then come back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from flowmanager.core.outcomes import Outcome, Push
from flowmanager.errors import InvalidRequest
from flowmanager.executor import Task, executor
from flowmanager.executors import check_actions
from flowmanager.managers.given_actions import given_actions
from flowmanager.managers.managers import Managers
from flowmanager.schemas.envelopes import deeper_than
from flowmanager.schemas.fields import Text
from flowmanager.schemas.options import Option

DEEPEST = 64
"""Levels of the answer: everything that reads an option goes down to its leaves."""


class FetchOption(Option):
    """The server gets `activeflow_id` and `reference_id` as JSON and answers a list of actions."""

    examples = ({"event_url": "https://example.com/next", "event_method": "POST"},)

    event_url = Text(about="Address of the server.")
    event_method = Text(about="Method of the request; empty: GET.")


def action_list(body: bytes) -> list[Mapping[str, Any]]:
    """Return the list of objects that an answer must be. Raises InvalidRequest."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"what was fetched is not JSON: {error}") from error
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise InvalidRequest("what was fetched is not a list of actions")
    if deeper_than(found, DEEPEST):
        raise InvalidRequest("what was fetched is nested too deep", limit=DEEPEST)
    return found


@executor("fetch", option=FetchOption)
def fetch(task: Task, managers: Managers) -> Outcome:
    """Ask the server, check what it gives as when a flow is stored, and push it."""
    question = {"activeflow_id": task.activeflow.id, "reference_id": task.activeflow.reference_id}
    body = orjson.dumps(question)
    answer = managers.web.fetch(task.option["event_method"] or "GET", task.option["event_url"], body)
    actions = given_actions(action_list(answer), task.key, "actions")
    check_actions(actions, "actions")
    return Push(task.key, actions)
