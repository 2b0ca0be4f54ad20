"""`flowmanager events`: one line for each event, for people and for programs."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from flowmanager.client import ActiveflowEvent, Event
from flowmanager.client.records import Activeflow
from flowmanager.commands.events import json_line, text_line

ID = "4d2f8a71-0b9e-4f36-8d0c-c1e5a7b3f920"


def changed(**fields: Any) -> Event:
    data = {"id": ID, "tm_update": "2026-11-22T08:44:26.120Z", **fields}
    return ActiveflowEvent(id="m", type="activeflow_updated", data=data, activeflow=Activeflow.read(data))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"status": "running", "state": "waiting", "current_action": {"type": "talk"}}, "waiting talk"),
        ({"status": "ended", "state": "ended", "ended_reason": "finished"}, "ended: finished"),
        ({"status": "running", "state": "created"}, "created"),
    ],
)
def test_a_line_says_when_and_where_an_activeflow_stands(fields: dict[str, Any], said: str) -> None:
    assert text_line(changed(**fields)) == f"08:44:26  activeflow_updated   {ID}  {said}"


@pytest.mark.parametrize("data", [None, [1], {"id": ID, "tm_update": "soon"}])
def test_an_event_of_any_shape_has_a_line(data: Any) -> None:
    assert text_line(Event(id="m", type="new_kind", data=data)).split()[0] == "new_kind"


def test_programs_get_all_of_it() -> None:
    shown = orjson.loads(json_line(changed(state="waiting")))
    assert (shown["id"], shown["type"], shown["data"]["state"]) == ("m", "activeflow_updated", "waiting")
