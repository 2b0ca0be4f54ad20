"""What a trace holds, as JSON Schema: read off samples that `trace_wire` writes, each field with what it means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowmanager.core.activeflow import Activeflow, Driver, Step, StepResult, Turn
from flowmanager.core.details import SEQ, SPAN
from flowmanager.schemas.answers import ACTIONS, NOON, ONE, PULLED, TWO, WAITING, full_activeflow, plain_activeflow
from flowmanager.schemas.json_schema import JsonSchema
from flowmanager.schemas.sampled import schema_of
from flowmanager.schemas.trace_wire import trace_wire

QUESTION = {"peer": "call", "method": "POST", "uri": "/v1/calls"}
DETAILS: Mapping[str, Any] = {
    "variables": {"menu.choice": "2"},
    "condition": {"name": "menu.choice", "left": "2", "operator": "==", "right": "2", "result": True},
    "target": ONE,
    "pushed": ONE,
    "skipped": "it needs a live call",
    "asked": [{**QUESTION, "ms": 5.4, "answer": {}}, {**QUESTION, "kept": True, "error": "It did not answer."}],
    "attempts": 2,
    "wait": {"for": "push", "until": NOON.isoformat()},
    "heard": ["media_done"],
    SPAN: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
}
NO_LIMIT: Mapping[str, Any] = {"wait": {"for": "pull", "until": None}, "asked": [QUESTION]}
STEPS = (
    Step(0, ACTIONS[0], StepResult.DONE, "execute", "", NOON, NOON, {**DETAILS, "stack": TWO}),
    Step(1, ACTIONS[1], StepResult.FAILED, "timer", "It went wrong.", None, None, NO_LIMIT),
    Step(2, ACTIONS[0], StepResult.DONE, "next", "", NOON, NOON),
)
UNDER_WAY = WAITING.evolve(turn=Turn(Driver.PUSH, cause="next"), details={**DETAILS, SEQ: 3}, executed_count=3)

TRACE: Mapping[str, str] = {
    "id": "The activeflow.",
    "customer_id": "Whose it is.",
    "flow_id": "The flow that it runs.",
    "flow_name": "What that is called now.",
    "reference_type": "What it belongs to.",
    "reference_id": "The id of that.",
    "reference_activeflow_id": "The activeflow that it follows, or whose variables it inherited.",
    "on_complete_flow_id": "The flow that follows it.",
    "status": "Whether it runs.",
    "state": "Where it stands.",
    "why": "Why it waits, or why it ended, in a sentence.",
    "wait": "Who ends the wait, and when it ends at the latest (null: never).",
    "ended_reason": "Why it ended.",
    "error": "What ended it, when an action failed.",
    "executed_count": "Steps that it has left.",
    "execute_count": "How often it was resumed.",
    "now": "When this was told.",
    "tm_create": "When it was made.",
    "tm_update": "When it changed last.",
    "tm_end": "When it ended.",
    "current": "The step under way: what is known of it so far.",
    "frames": "Its stacks of actions, as their flows say them; at most 50.",
    "steps": "Steps that it has left, the first one first; without `since` the latest.",
    "since": "Number of the first of them.",
    "next_since": "Where the next part begins; null: there are no later ones.",
}
STEP: Mapping[str, str] = {
    "seq": "Its number; the first is 0.",
    "stack_id": "The frame that it ran in.",
    "action_id": "The action.",
    "type": "Its type.",
    "option": "Its options, placeholders replaced, secrets masked, long texts cut.",
    "result": "How it came out; absent while it is under way.",
    "cause": "What ended it: the name of a request, an event or `timer`.",
    "cause_kind": "What kind of thing that is.",
    "tm_execute": "When it began.",
    "tm_end": "When it was left.",
    "error": "What went wrong.",
    "variables": "Variables that it changed, masked.",
    "condition": "What it compared, and whether that held.",
    "target": "Where it jumped to.",
    "pushed": "The frame that it pushed.",
    "skipped": "Why it was not run.",
    "asked": "Requests to other managers: how long, the answer (`kept`: of an attempt before) or what went wrong.",
    "attempts": "How often it was begun, when more than once: a worker was lost.",
    "wait": "Who was to end it, and until when.",
    "heard": "Events that came meanwhile and did not end it.",
    SPAN: "The span of OpenTelemetry in which its wait began.",
}
FRAME: Mapping[str, str] = {
    "id": "The stack.",
    "parent_stack_id": "The stack that it returns to.",
    "parent_action_id": "The action that it returns to.",
    "at": "Whether it returns to that action itself, not behind it.",
    "actions": "Its actions, and where each may jump to; at most 500.",
    "omitted": "How many more there are.",
}


def samples() -> Sequence[Mapping[str, Any]]:
    """Return traces with everything, with nothing, and with a step under way."""
    told: Sequence[tuple[Activeflow, Sequence[Step]]] = (
        (full_activeflow().evolve(executed_count=9), STEPS),
        (plain_activeflow(), ()),
        (PULLED, ()),
        (UNDER_WAY, STEPS),
    )
    return [trace_wire(flow, steps, name="Front desk", now=NOON, latest=False) for flow, steps in told]


def trace_schemas() -> Mapping[str, JsonSchema]:
    """Return the schemas of a trace and of its parts."""
    made = samples()
    steps = [step for one in made for step in (*one["steps"], *([one["current"]] if one["current"] else []))]
    whole = explained(schema_of(made), TRACE)
    parts = whole["properties"]
    parts["steps"] = {**parts["steps"], "items": reference("trace_step")}
    parts["frames"] = {**parts["frames"], "items": reference("trace_frame")}
    parts["current"] = {"anyOf": [reference("trace_step"), {"type": "null"}], "description": TRACE["current"]}
    return {
        "trace": whole,
        "trace_step": explained(schema_of(steps), STEP),
        "trace_frame": explained(schema_of([frame for one in made for frame in one["frames"]]), FRAME),
    }


def explained(schema: JsonSchema, meanings: Mapping[str, str]) -> JsonSchema:
    """Return the schema of an object whose fields say what they mean, in the order of the meanings."""
    fields = schema["properties"]
    return {**schema, "properties": {name: {**fields[name], "description": text} for name, text in meanings.items()}}


def reference(name: str) -> JsonSchema:
    """Return a reference to another schema of the contract."""
    return {"$ref": f"#/components/schemas/{name}"}
