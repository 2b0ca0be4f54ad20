"""One simulation from beginning to end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import structlog

from flowmanager.core.activeflow import ReferenceType
from flowmanager.simulation import telling
from flowmanager.simulation.caller import ACTIVEFLOW_ID, CALL_ID, Caller
from flowmanager.simulation.director import Director, Enough
from flowmanager.simulation.flow_file import CUSTOMER, FlowBody, flow_body, store_flow
from flowmanager.simulation.office import Endless, Office
from flowmanager.simulation.outcome import summed_up
from flowmanager.simulation.pull import PullingCalls
from flowmanager.simulation.result import Result
from flowmanager.simulation.script import InvalidScript, Repeat, Script, Step, named
from flowmanager.stub_managers import calls
from flowmanager.stub_managers.legs import call_variables


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
