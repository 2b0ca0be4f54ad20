"""Raw events: whatever other managers may send in production can come in a simulation, at any time."""

from __future__ import annotations

from typing import Any

import pytest

from flowmanager.simulation.script import Event, InvalidScript
from flowmanager.simulation.script_reader import read_script
from flowmanager.testing import Result, explore, simulate
from tests.desk import act

QUEUE_ID = "d90b3c57-1e2f-4a64-b8c7-5f31a0d9e682"
QUEUE = [act("queue_join", id="queue", queue_id=QUEUE_ID), act("talk", id="after", text="after")]
TALK = [act("talk", id="menu", text="long " * 60), act("talk", id="after", text="after")]
IDS = {"id": "${voipbin.queuecall.id}", "reference_activeflow_id": "<activeflow>"}
DONE = {"manager": "queue", "type": "queuecall_done", "data": IDS}


def told(result: Result) -> list[tuple[float, str]]:
    """The events of a simulation, with their times."""
    return [(round(one.at, 1), one.what) for one in result.timeline if one.kind == "event"]


def test_an_event_comes_at_its_step() -> None:
    """Here the queue gives the caller up while the caller still waits; ids come from the flow's variables."""
    result = simulate(QUEUE, {"agent": "busy after 10m", "steps": [{"hears": "please wait"}, {"event": DONE}]})
    assert result.ok, result.failures
    assert result.said[-1] == "after"
    assert result.lasted < 10
    [(at, what)] = told(result)
    assert at == 0.0
    assert what.startswith("queue-manager: queuecall_done id=")
    assert "${" not in what


@pytest.mark.parametrize("data", [{"call_id": "<call>"}, {"activeflow_id": "<activeflow>"}])
def test_an_event_comes_beside_the_steps(data: dict[str, str]) -> None:
    """At a time of its own, or at an action; ids are named."""
    events = [{"manager": "call", "type": "call_hangup", "data": data, "after": "7s"}]
    result = simulate(TALK, {"steps": [{"silence": "30s"}], "events": events})
    assert (result.ended_reason, result.lasted) == ("reference_ended", 7.0)
    at_once = simulate(TALK, {"events": [{**events[0], "at": "after", "after": 0}]})
    assert at_once.history[-1].action == "after"


def test_an_event_that_comes_twice_changes_nothing() -> None:
    """The second one is about an action that is over."""
    body = {"type": "media", "event": "done", "call_id": "<call>", "data": {"action_id": "<action>"}}
    result = simulate(TALK, {"events": [{"body": body, "at": "menu", "after": "1s", "times": 2}]})
    assert [what.partition(" {")[0][:11] for _, what in told(result)] == ["media: done", "media: done"]
    assert [(one.action, one.result, round(one.ended, 1)) for one in result.history] == [
        ("menu", "done", 1.0),
        ("after", "done", 2.0),
    ]


def test_an_event_that_nobody_here_listens_to() -> None:
    """It is told, and changes nothing."""
    result = simulate(TALK, {"events": "contact case_created"})
    assert told(result) == [(0.0, "contact-manager: case_created (flow-manager does not listen to it)")]
    assert result.ended == "finished"
    [(_, what)] = told(simulate(TALK, {"events": "queue queuecall_done"}))
    assert what.endswith("(flow-manager makes nothing of it: an id or a value that it needs is missing)")


def test_an_event_whose_time_never_comes_is_a_failure() -> None:
    """The script does not fit the flow."""
    flow = [act("goto", target_id="end"), act("beep", id="never"), act("stop", id="end")]
    event = {"manager": "queue", "type": "queuecall_done", "at": "never"}
    assert simulate(flow, {"events": [event]}).failures == ("events[0]: the flow never came to never",)
    assert simulate(flow, {"steps": [{"event": event}]}).failures == ("steps[0].event: the flow never came to never",)
    with pytest.raises(InvalidScript, match=r"events\[0\]: the flow has no action 'nowhere'"):
        simulate(flow, {"events": [{**event, "at": "nowhere"}]})


def test_events_are_part_of_the_surroundings_of_an_exploration() -> None:
    """They come in every run."""
    found = explore(TALK, {"events": [{"manager": "call", "type": "call_hangup", "data": {"id": "<call>"}}]})
    assert set(found.ends) == {"reference_ended"}


def test_a_request_of_another_service_comes() -> None:
    """Somebody stops the flow, jumps, or asks for what is not possible; the answer is told."""
    stop = {"request": "POST /v1/activeflows/<activeflow>/stop", "at": "menu", "after": "2s", "times": 2}
    stopped = simulate(TALK, {"events": [stop]})
    assert (stopped.ended_reason, stopped.lasted) == ("stop_request", 2.0)
    assert [what.rpartition(" ")[2] for _, what in told(stopped)] == ["200", "200"]
    jump = {"request": "put /v1/activeflows/<activeflow>/forward_action_id", "data": {"forward_action_id": "<flow>"}}
    [(_, what)] = told(simulate(TALK, {"steps": [{"event": jump}]}))
    assert "/forward_action_id → 400: " in what


def body(event_type: str, **data: Any) -> dict[str, Any]:
    """An event of queue-manager."""
    return {"type": event_type, "publisher": "queue-manager", "data_type": "application/json", "data": data}


@pytest.mark.parametrize(
    ("yaml", "expected"),
    [
        ("queue queuecall_done", Event(body=body("queuecall_done"))),
        ("{manager: queue-manager, type: x, data: {a: 1}}", Event(body=body("x", a=1))),
        (
            "{manager: queue, type: x, at: menu, after: 2s, times: 3}",
            Event(body=body("x"), at="menu", after=2.0, times=3),
        ),
        ("{body: {type: media, event: done}}", Event(body={"type": "media", "event": "done"})),
    ],
)
def test_forms(yaml: str, expected: Event) -> None:
    """Short, with data, or the whole message."""
    [found] = read_script(f"events: [{yaml}]").events
    assert (found.body, found.at, found.after, found.times) == (
        expected.body,
        expected.at,
        expected.after,
        expected.times,
    )


@pytest.mark.parametrize(
    ("yaml", "why"),
    [
        ("queuecall_done", "say manager and type, such as `queue queuecall_done`"),
        ("{type: x}", "say `manager:` and `type:`, the whole message as `body:`, or a `request:`"),
        ("{request: stop}", "which request? say method and URI"),
        ("{request: POST /stop}", "which request? say method and URI"),
        ("{manager: queue, type: x, data: [1]}", "not an event: data: Not an object."),
        ("{body: [1]}", "not an event"),
        ("{body: {event: done}}", "not an event: type: Not a text."),
        ("{manager: queue, type: x, times: 0}", "how often? a number from 1 to 100, not '0'"),
        ("{manager: queue, typ: x}", "did you mean 'type'?"),
    ],
)
def test_a_mistake_is_told(yaml: str, why: str) -> None:
    """What it could be."""
    with pytest.raises(InvalidScript) as caught:
        read_script(f"events:\n  - {yaml}")
    assert why in caught.value.sentence
    assert "events[0]" in caught.value.sentence
