"""One simulation from beginning to end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog

from flowmanager.core.activeflow import ReferenceType
from flowmanager.simulation import telling
from flowmanager.simulation.caller import ACTIVEFLOW_ID, CALL_ID, Caller
from flowmanager.simulation.director import Director, Enough
from flowmanager.simulation.expectations import failures
from flowmanager.simulation.flow_file import CUSTOMER, FlowBody, flow_body, store_flow
from flowmanager.simulation.office import Endless, Office
from flowmanager.simulation.pull import PullingCalls
from flowmanager.simulation.recorder import Recorder
from flowmanager.simulation.result import Result
from flowmanager.simulation.script import Hangup, InvalidScript, Repeat, Script, Silence, Step
from flowmanager.stub_managers import calls
from flowmanager.stub_managers.legs import call_variables

SOFT = (Hangup, Repeat, Silence)
"""Steps that a flow may end before."""


def run_simulation(flow: FlowBody, script: Script, director: Director | None = None) -> Result:
    """Let a flow run as the script says. Raises InvalidFlow and InvalidScript."""
    with quiet_logs() as logs:
        office = Office(script, director or Director())
        prepare(office, flow)
        caller = office.director.caller(office) or Caller(office)
        endless = played(office, caller)
    return summed_up(office, caller, endless, logs)


def played(office: Office, caller: Caller) -> str:
    """Let it happen; return why that was given up, empty when it was not."""
    try:
        start(office, caller)
        return go_on(office)
    except Enough as enough:
        return str(enough)


@contextmanager
def quiet_logs() -> Iterator[list[Any]]:
    """Keep what the engine logs; nobody looks for it on a terminal here."""
    before = structlog.get_config()
    logs: list[Any] = []

    def keep(_logger: Any, method: str, event: Any) -> Any:
        logs.append({**event, "level": method})
        raise structlog.DropEvent

    structlog.configure(processors=[keep], wrapper_class=structlog.make_filtering_bound_logger(30))
    try:
        yield logs
    finally:
        structlog.configure(**before)


def prepare(office: Office, flow: FlowBody) -> None:
    """Store the flow and those that the script adds. Raises InvalidFlow and InvalidScript."""
    check_mode(office.script)
    for flow_id, body in office.script.flows.items():
        given = flow_body(body)
        store_flow(office, given, flow_id, name=str(given.get("name") or flow_id[:8]))
    office.flow_id = store_flow(office, flow)
    check_names(office)
    office.recorder.forget()


def check_mode(script: Script) -> None:
    """Raise InvalidScript when nobody would pull."""
    if script.pulls and script.reference is not ReferenceType.CALL:
        why = f"only calls are pulled: call-manager asks for their actions; a {script.reference.value!r} is executed"
        raise InvalidScript(f"mode: {why}", path="mode")


def check_names(office: Office) -> None:
    """Raise InvalidScript for the name of an action that the flow does not have."""
    labels, script = office.recorder.labels, office.script
    steps = (*script.steps, *script.events)
    said = [(step.path, name) for step in each_step(steps) if (name := named(step))]
    said += [("expect.visited", name) for name in script.expect.visited]
    said += [("expect.not_visited", name) for name in script.expect.not_visited]
    for path, name in said:
        if labels.find(name) is None:
            known = ", ".join(labels.main)
            raise InvalidScript(f"{path}: the flow has no action {name!r}; it has: {known}", path=path)


def each_step(steps: Iterable[Step]) -> Iterator[Step]:
    """Yield steps, and those within them."""
    for step in steps:
        yield step
        if isinstance(step, Repeat):
            yield from each_step(step.steps)


def named(step: Step) -> str:
    """Return the action that a step names, empty for none."""
    return str(getattr(step, "at", "") or getattr(step, "action", ""))


def start(office: Office, caller: Caller) -> None:
    """Let the call come in, or whatever else the flow is about."""
    script, recorder = office.script, office.recorder
    recorder.add("note", opening(script))
    is_call = script.reference is ReferenceType.CALL
    body = {
        "id": ACTIVEFLOW_ID,
        "customer_id": CUSTOMER,
        "flow_id": office.flow_id,
        "reference_type": script.reference.value,
        "reference_id": CALL_ID,
        "variables": {name: value for name, value in script.variables.items() if not is_platform(name)},
    }
    call = new_call(office) if is_call else None
    office.request("POST", "/v1/activeflows", body)
    given = {name: value for name, value in script.variables.items() if is_platform(name)}
    given = {**(call_variables(call) if call else {}), **given}
    if given:
        office.recorder.runs[ACTIVEFLOW_ID].known = {**office.recorder.records[ACTIVEFLOW_ID].variables, **given}
        office.request("POST", f"/v1/variables/{ACTIVEFLOW_ID}/variables", {"variables": given})
    caller.begin()
    if script.pulls:
        PullingCalls(office).begin(CALL_ID, ACTIVEFLOW_ID)
    else:
        office.request("POST", f"/v1/activeflows/{ACTIVEFLOW_ID}/execute")
    caller.notice()


def is_platform(name: str) -> bool:
    """Say whether a variable is one that the platform sets, after the creation."""
    return name.lower().startswith("voipbin.")


def new_call(office: Office) -> calls.Call:
    """Let a call ring."""
    script = office.script
    return calls.new_call(
        office.peers,
        CALL_ID,
        customer_id=CUSTOMER,
        flow_id=office.flow_id,
        activeflow_id=ACTIVEFLOW_ID,
        source={"type": "tel", "target": script.caller},
        destination={"type": "tel", "target": script.called},
    )


def opening(script: Script) -> str:
    """Tell what begins, and when."""
    when = f"{script.start:%A %d %B %Y, %H:%M} {script.start.tzinfo}"
    if script.reference is ReferenceType.CALL:
        pulls = "; call-manager asks for each action (pull mode)" if script.pulls else ""
        return f"{script.caller} calls {script.called} ({when}){pulls}"
    return f"a flow begins, its reference is of type {script.reference.value!r} ({when})"


def go_on(office: Office) -> str:
    """Let time pass until nothing can happen any more; return why that was given up, empty when it was not."""
    end = office.clock.now + timedelta(seconds=office.script.limit)
    try:
        while office.happen(end):
            pass
    except Endless as error:
        return str(error.sentence)
    late = office.next_moment() is not None
    return f"more than {telling.span(office.script.limit)} have passed" if late else ""


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
