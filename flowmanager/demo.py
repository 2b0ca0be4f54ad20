"""The demonstration: a worker, stub managers and a scripted caller in one process, told as a timeline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import click
import orjson

from flowmanager import demo_flows
from flowmanager.bootstrap import make_worker
from flowmanager.core.ids import Id
from flowmanager.embedded import in_process_settings
from flowmanager.errors import FlowManagerError
from flowmanager.settings import Settings
from flowmanager.store.engine import make_engine
from flowmanager.store.migrate import migrate
from flowmanager.stub_managers.queue_plan import QueuePlan
from flowmanager.stub_managers.run import ServedStubs, serve_stubs
from flowmanager.stub_managers.world import Pace
from flowmanager.timeline import Timeline
from flowmanager.transport.caller import Caller
from flowmanager.transport.subscriber import Subscriber
from flowmanager.words import plural

PACE = Pace(step=0.05, media=0.25, bridge=0.6, alone=2.0, agent=1.2, ai=0.5)
"""Fast enough not to bore, slow enough for the wait flow to loop."""
END_SECONDS = 15.0
SETTLE_SECONDS = 0.3
DIGITS = "2"


class DemoFailed(FlowManagerError):
    """The demonstration did not come to its end."""


@dataclass(slots=True)
class Listener:
    """Follows flow-manager's own events: shows them, and how the variables change."""

    url: str
    timeline: Timeline
    variables: dict[Id, dict[str, str]] = field(default_factory=dict)
    ended: dict[Id, str] = field(default_factory=dict)
    ready: Event = field(default_factory=Event)
    stopping: Event = field(default_factory=Event)

    def run(self) -> None:
        """Follow until told to stop."""
        caller, subscriber = Caller(self.url, publisher="demo"), Subscriber(self.url)
        self.ready.set()
        while not self.stopping.is_set():
            for event in subscriber.events(seconds=0.05):
                self.show(caller, event)
        subscriber.close()
        caller.close()

    def show(self, caller: Caller, event: Mapping[str, Any]) -> None:
        """Show one event."""
        kind, data = event["type"], event["data"]
        if not kind.startswith("activeflow_"):
            self.timeline.line("event", "flow → all", f"{kind}  name={data.get('name', '')!r}")
            return
        if kind == "activeflow_created":
            self.introduce(data)
        current = data["current_action"].get("type", "")
        told = f"{kind}  {data['id']} {data['state']}" + (f" at {current}" if current else "")
        if data["ended_reason"]:
            told += f", {data['ended_reason']}"
            self.ended[data["id"]] = data["ended_reason"]
        self.timeline.line("event", "flow → all", told)
        self.compare(caller, data["id"])

    def introduce(self, data: Mapping[str, Any]) -> None:
        """Give an activeflow a name; one that follows another has inherited that one's variables."""
        inherited = self.variables.get(data["reference_activeflow_id"])
        if inherited is None:
            if self.variables:
                self.timeline.name(data["id"], "<specialist's flow>")
            return
        self.timeline.name(data["id"], "<after-call work>")
        self.variables[data["id"]] = inherited
        named = {key: value for key, value in inherited.items() if not key.startswith("voipbin.activeflow.")}
        self.timeline.line("variable", data["id"], f"inherits {plural(len(named), 'variable')}")

    def compare(self, caller: Caller, activeflow_id: Id) -> None:
        """Show which variables have changed; empty ones say nothing when they are new."""
        status, _, answer = caller.call("GET", f"/v1/variables/{activeflow_id}")
        if status != 200:
            return
        known, now = self.variables.get(activeflow_id, {}), answer["variables"]
        for name, value in now.items():
            if known.get(name, "") != value and not name.startswith("voipbin.activeflow."):
                self.timeline.line("variable", activeflow_id, f"{name} = {value!r}")
        self.variables[activeflow_id] = now


@dataclass(slots=True)
class Story:
    """The scripted caller: what is asked of flow-manager, one request after the other."""

    caller: Caller
    stubs: ServedStubs
    timeline: Timeline
    listener: Listener
    save: Path | None = None
    """Where traces are kept."""

    def ask(self, method: str, uri: str, data: Any = None) -> Any:
        """Send a request and show it. Raises DemoFailed for an error."""
        status, _, answer = self.caller.call(method, uri, data, seconds=10.0)
        told = f" ({answer.get('name') or answer.get('status') or ''})" if isinstance(answer, dict) else ""
        self.timeline.line("request", "caller → flow", f"{method} {uri} → {status}{told}")
        if status >= 300:
            raise DemoFailed(f"{method} {uri} was answered {status}", answer=answer)
        return answer

    def play(self) -> tuple[Id, Id]:
        """Tell the story; return the activeflow and its on-complete child."""
        self.timeline.title("Three flows are stored")
        wait = self.ask("POST", "/v1/flows", demo_flows.wait_flow())
        after = self.ask("POST", "/v1/flows", demo_flows.after_call_flow())
        front = self.ask("POST", "/v1/flows", demo_flows.ivr_flow(after["id"]))
        self.stubs.queue(demo_flows.QUEUE_ID, QueuePlan(wait_flow_id=wait["id"], name="support"))
        self.timeline.title("Dana calls")
        call_id, activeflow_id = str(uuid4()), str(uuid4())
        self.timeline.name(call_id, "<Dana's call>")
        self.timeline.name(activeflow_id, "<Dana's flow>")
        self.stubs.script_digits(call_id, DIGITS)
        self.ask("POST", "/v1/activeflows", new_activeflow(activeflow_id, front["id"], call_id))
        self.ask("POST", f"/v1/activeflows/{activeflow_id}/execute")
        self.keep_trace(activeflow_id, "talking", at="confbridge_join")
        self.wait_for(activeflow_id)
        child_id = self.wait_for_child(activeflow_id)
        self.keep_trace(activeflow_id, "call")
        self.keep_trace(child_id, "after-call")
        return activeflow_id, child_id

    def keep_trace(self, activeflow_id: Id, name: str, *, at: str = "") -> None:
        """Keep a trace, when traces are wanted. `at`: as soon as such an action waits. Raises DemoFailed."""
        if self.save is None:
            return
        deadline, trace = monotonic() + END_SECONDS, self.trace(activeflow_id)
        while at and not (trace["state"] == "waiting" and trace["current"] and trace["current"]["type"] == at):
            if monotonic() > deadline or trace["status"] == "ended":
                raise DemoFailed("the call did not come to this action", action=at)
            sleep(0.01)
            trace = self.trace(activeflow_id)
        self.save.mkdir(parents=True, exist_ok=True)
        (self.save / f"{name}.json").write_bytes(orjson.dumps(trace, option=orjson.OPT_INDENT_2) + b"\n")

    def trace(self, activeflow_id: Id) -> Any:
        """Return the trace of an activeflow. Raises DemoFailed."""
        status, _, answer = self.caller.call("GET", f"/v1/activeflows/{activeflow_id}/trace")
        if status != 200:
            raise DemoFailed("the trace could not be had", answer=answer)
        return answer

    def wait_for(self, activeflow_id: Id) -> None:
        """Wait until an activeflow has ended. Raises DemoFailed."""
        deadline = monotonic() + END_SECONDS
        while activeflow_id not in self.listener.ended:
            if monotonic() > deadline:
                raise DemoFailed("an activeflow did not end", activeflow_id=activeflow_id)
            sleep(0.02)

    def wait_for_child(self, parent_id: Id) -> Id:
        """Wait until the on-complete child of an activeflow has ended, and return it. Raises DemoFailed."""
        filters = {"reference_activeflow_id": parent_id}
        status, _, found = self.caller.call("GET", "/v1/activeflows?page_size=1", filters)
        if status != 200 or not found:
            raise DemoFailed("no on-complete activeflow was started", parent_id=parent_id)
        child_id: Id = found[0]["id"]
        self.wait_for(child_id)
        return child_id

    def report(self, title: str, activeflow_id: Id) -> None:
        """Print the executed actions of an activeflow."""
        _, _, shown = self.caller.call("GET", f"/v1/activeflows/{activeflow_id}")
        self.timeline.title(f"{title}: {shown['status']}, {shown['ended_reason']}")
        for number, one in enumerate(shown.get("executed_actions", ()), start=1):
            click.echo(f"  {number:2}  {one['type']:<18} {one['result']:<12} {one['cause']:<22} {one['tm_end'] or ''}")


def new_activeflow(activeflow_id: Id, flow_id: Id, call_id: Id) -> dict[str, Any]:
    """Return the request that creates the activeflow of a call."""
    return {
        "id": activeflow_id,
        "customer_id": demo_flows.CUSTOMER_ID,
        "flow_id": flow_id,
        "reference_type": "call",
        "reference_id": call_id,
        "variables": {"customer.name": "Dana"},
    }


def run_demo(save: Path | None = None) -> None:
    """Run the demonstration on the embedded default. `save`: keep its traces in this folder. Raises DemoFailed."""
    with TemporaryDirectory(prefix="flowmanager-demo-") as folder:
        settings = in_process_settings(Settings(timer_seconds=0.05), Path(folder))
        engine = make_engine(settings.database_dsn, pool_size=1)
        migrate(engine)
        engine.dispose()
        with serving(settings) as stubs:
            tell(settings.rabbitmq_address, stubs, save)


@contextmanager
def serving(settings: Settings) -> Iterator[ServedStubs]:
    """Run a worker and the stubs."""
    worker, stubs = make_worker(settings), serve_stubs(settings.rabbitmq_address, pace=PACE)
    worker.start()
    try:
        if not worker.ready(5.0):
            raise DemoFailed("the worker did not start")
        yield stubs
    finally:
        stubs.stop()
        worker.stop(5.0)


def tell(url: str, stubs: ServedStubs, save: Path | None) -> None:
    """Let the story happen and show it."""
    timeline = Timeline()
    listener = Listener(url, timeline)
    follower = Thread(target=listener.run, daemon=True)
    follower.start()
    listener.ready.wait(5.0)
    stubs.observers.append(timeline.observe)
    story = Story(Caller(url, publisher="call-manager"), stubs, timeline, listener, save)
    try:
        activeflow_id, child_id = story.play()
        sleep(SETTLE_SECONDS)
        story.report("The call", activeflow_id)
        story.report("After the call", child_id)
        click.echo()
    finally:
        listener.stopping.set()
        follower.join(5.0)
        story.caller.close()
