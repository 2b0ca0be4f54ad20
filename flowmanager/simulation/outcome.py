"""What came of a simulation, summed up: how it ended, and what of its script never happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flowmanager.simulation import telling
from flowmanager.simulation.caller import ACTIVEFLOW_ID, Caller
from flowmanager.simulation.expectations import failures
from flowmanager.simulation.office import Office
from flowmanager.simulation.recorder import Recorder
from flowmanager.simulation.result import Result
from flowmanager.simulation.script import Hangup, Repeat, Silence, named

SOFT = (Hangup, Repeat, Silence)
"""Steps that a flow may end before."""


def summed_up(office: Office, caller: Caller, endless: str, logs: list[Any]) -> Result:
    """Return what came of it."""
    recorder, line = office.recorder, office.line
    flow = recorder.records[ACTIVEFLOW_ID]
    for one in (one for one in logs if one["level"] in ("warning", "error", "critical")):
        note_log(recorder, one)
    for one in recorder.waiting():
        recorder.add("note", f"{recorder.runs[one.id].name} {telling.standing(one, recorder.labels)}".strip())
    why = telling.end(flow, recorder.labels) if flow.over else telling.standing(flow, recorder.labels)
    result = Result(
        ended_reason=flow.ended_reason.value if flow.ended_reason else "",
        state=flow.state.value,
        why=f"{why}; {endless}" if endless else why,
        lasted=recorder.seconds(flow.tm_end),
        variables=flow.variables,
        timeline=tuple(recorder.entries),
        history=tuple(recorder.history),
        requests=tuple(recorder.requests),
        said=tuple(recorder.heard),
        events=tuple(line.events),
        entered=tuple(recorder.entered),
        path=path_of(recorder),
        labels=recorder.labels,
    )
    return replace(
        result,
        failures=(*caller.failures, *unplayed(caller), *unheard(caller), *failures(office.script.expect, result)),
    )


def path_of(recorder: Recorder) -> tuple[tuple[str, str], ...]:
    """Return the way of the flow: the label of each action it came to, and by which edge it left it, empty: not yet."""
    run = recorder.runs[ACTIVEFLOW_ID]
    left = {number for number, entry in run.entries.items() if entry.facts.get("result") in LEFT}
    return tuple(
        (entry.action, run.edges.get(number, "next") if number in left else "")
        for number, entry in sorted(run.entries.items())
    )


LEFT = ("done", "timeout", "failed", "skipped")
"""Results of actions after which a flow goes its way."""
NOTES: Mapping[str, str] = {
    "following_flow_missing": "the flow that follows is not known here: add it to the script under `flows:`",
    "executor_failed": "a fault in flow-manager itself: please report it",
    "request_failed": "a fault in flow-manager itself: please report it",
    "turn_failed": "a fault in flow-manager itself: please report it",
}


def note_log(recorder: Recorder, one: Mapping[str, Any]) -> None:
    """Write down what was logged and concerns an author."""
    told = NOTES.get(str(one.get("event")))
    if told:
        flow_id = one.get("flow_id")
        recorder.add("note", f"{told} ({flow_id})" if flow_id else told)


def unplayed(caller: Caller) -> list[str]:
    """Return what the caller wanted to do and could not."""
    step = None if caller.failures else caller.left_over()
    if step is None:
        return []
    rest = len(caller.office.script.steps) - caller.played - 1
    more = f" (and {rest} more steps)" if rest else ""
    if isinstance(step, SOFT) and not named(step):
        caller.office.recorder.add("note", f"the flow was over before {step.path}{more}")
        return []
    return [f"{step.path}: {NEVER[type(step).__name__](step)}{more}"]


def unheard(caller: Caller) -> list[str]:
    """Return the events for which the time never came."""
    late = (one.event for one in caller.threads if one.event and not one.over)
    return [f"{event.path}: the flow never came to {event.at}" for event in late if event.at]


NEVER: Mapping[str, Any] = {
    "Press": lambda step: f"the flow never came to {step.at}" if step.at else "the flow did not ask for keys",
    "Silence": lambda _step: "the flow did not ask for keys",
    "Hears": lambda step: f"never heard {step.text!r}",
    "Reaches": lambda step: f"the flow never came to {step.action}",
    "Hangup": lambda step: f"the flow never came to {step.at}",
    "Event": lambda step: f"the flow never came to {step.at}",
    "Resume": lambda _step: "the flow was never blocked",
    "Say": lambda _step: "the flow was over",
    "SetVariables": lambda _step: "the flow was over",
}
