"""`webhook_send`: have JSON sent to a customer's server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from flowmanager.core.outcomes import Continue, Outcome
from flowmanager.errors import InvalidRequest
from flowmanager.executor import OnError, Task, executor
from flowmanager.managers.managers import Managers
from flowmanager.schemas.envelopes import deeper_than
from flowmanager.schemas.fields import Flag, Text
from flowmanager.schemas.options import Option

RESPONSE = "voipbin.webhook.response"
STATUS_CODE = "voipbin.webhook.status_code"
DEEPEST = 100
"""Levels of `data`: JSON that is nested deeper cannot be written again."""


class WebhookSendOption(Option):
    """The options of `webhook_send`."""

    examples = (
        {
            "sync": True,
            "uri": "https://example.com/hook",
            "method": "POST",
            "data_type": "application/json",
            "data": '{"call": "${voipbin.call.id}"}',
        },
    )

    sync = Flag(about="Wait for the answer and keep it: `voipbin.webhook.response`, `voipbin.webhook.status_code`.")
    uri = Text(about="Where it goes.")
    method = Text(about="Method of the request, such as POST.")
    data_type = Text(about="Type of `data`, such as application/json.")
    data = Text(about="What is sent: JSON, as a text.")


def json_of(text: str) -> Any:
    """Return the JSON value that a text holds. Raises InvalidRequest."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"option.data: Not JSON: {error}", path="option.data") from error
    if deeper_than(value, DEEPEST):
        raise InvalidRequest("option.data: Nested too deep.", path="option.data", limit=DEEPEST)
    return value


def text_of(value: Any) -> str:
    """Return a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def variables_of(answer: Any) -> Mapping[str, str]:
    """Return what an answer tells about the server's response; an answer without an object tells nothing."""
    if not isinstance(answer, Mapping):
        return {}
    told = {key: value for key, value in answer.items() if value is not None}
    response = told.get("response", told.get("body", answer))
    return {RESPONSE: text_of(response), STATUS_CODE: text_of(told.get("status_code", 200))}


@executor("webhook_send", option=WebhookSendOption, on_error=OnError.CONTINUE)
def webhook_send(task: Task, managers: Managers) -> Outcome:
    """Hand it to webhook-manager, which delivers it."""
    managers.web.check_destination(task.option["uri"])
    answer = managers.webhook.send(task.activeflow, task.option, json_of(task.option["data"]))
    return Continue(variables_of(answer)) if task.option["sync"] else Continue()
