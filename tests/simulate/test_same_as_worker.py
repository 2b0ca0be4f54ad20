"""A flow has the same history in a simulation and on a real worker with stub managers, a database and messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import monotonic, sleep
from typing import Any

import pytest

from flowmanager import demo_flows
from flowmanager.bootstrap import make_worker
from flowmanager.embedded import in_process_settings
from flowmanager.settings import Settings
from flowmanager.store.engine import make_engine
from flowmanager.store.migrate import migrate
from flowmanager.stub_managers.run import ServedStubs, serve_stubs
from flowmanager.stub_managers.world import Pace
from flowmanager.testing import simulate
from flowmanager.transport.caller import Caller
from tests.desk import act, new_id
from tests.faults.flows import ACTIONS, ids_of

PACE = Pace(step=0.02, media=0.05, bridge=0.1, alone=2.0, agent=1.5, ai=0.1)
END_SECONDS = 30.0

History = list[tuple[str, str]]
"""Type and result. The cause may be another: an event that comes very early belongs to the turn under way."""


@dataclass
class Station:
    """A worker with its peers, driven by requests."""

    caller: Caller
    stubs: ServedStubs

    def ask(self, method: str, uri: str, data: Any = None) -> Any:
        """Ask, and expect success."""
        status, _, answer = self.caller.call(method, uri, data, seconds=10.0)
        assert status == 200, answer
        return answer

    def history(self, actions: Sequence[Any], *, reference: str, keys: str) -> History:
        """Run a flow and return its history."""
        body = {"customer_id": demo_flows.CUSTOMER_ID, "persist": True, "actions": list(actions)}
        flow = self.ask("POST", "/v1/flows", body)
        call_id, activeflow_id = new_id(), new_id()
        if keys:
            self.stubs.script_digits(call_id, keys)
        wanted = {"id": activeflow_id, "customer_id": demo_flows.CUSTOMER_ID, "flow_id": flow["id"]}
        self.ask("POST", "/v1/activeflows", {**wanted, "reference_type": reference, "reference_id": call_id})
        self.ask("POST", f"/v1/activeflows/{activeflow_id}/execute")
        end = monotonic() + END_SECONDS
        while (shown := self.ask("GET", f"/v1/activeflows/{activeflow_id}"))["status"] != "ended":
            assert monotonic() < end, shown
            sleep(0.02)
        return [(one["type"], one["result"]) for one in shown["executed_actions"]]


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """A worker and its peers in this process, on SQLite."""
    folder: Path = tmp_path_factory.mktemp("station")
    settings = in_process_settings(Settings(timer_seconds=0.02), folder)
    engine = make_engine(settings.database_dsn, pool_size=1)
    migrate(engine)
    engine.dispose()
    worker, stubs = make_worker(settings), serve_stubs(settings.rabbitmq_address, pace=PACE)
    worker.start()
    assert worker.ready(5.0)
    caller = Caller(settings.rabbitmq_address, publisher="tests")
    yield Station(caller, stubs)
    caller.close()
    stubs.stop()
    worker.stop(5.0)


def faulted(shape: str) -> list[Any]:
    """A flow of the fault tests."""
    return ACTIONS[shape](ids_of(Random(5)))


CONDITIONS = [
    act("variable_set", key="tier", value="gold"),
    act(
        "condition_variable",
        condition="==",
        variable="tier",
        value_type="string",
        value_string="silver",
        false_target_id="no",
    ),
    act("email_send", id="yes"),
    act("sleep", id="no", duration=20),
    act("goto", target_id="no", loop_count=2),
    act("talk", text="skipped without a call"),
    act("stop"),
]
FLOWS = {
    "hours": (demo_flows.ivr_flow("")["actions"], "call", "1"),
    "support": (demo_flows.ivr_flow("")["actions"], "call", "2"),
    "menu": (faulted("ivr"), "call", "2"),
    "push": (faulted("push"), "call", ""),
    "services": (faulted("services"), "call", ""),
    "timers": (faulted("timers"), "api", ""),
    "after": (faulted("after"), "api", ""),
    "conditions": (CONDITIONS, "api", ""),
}


@pytest.mark.parametrize("name", [name for name, (_, reference, _) in FLOWS.items() if reference == "call"])
def test_a_pulled_call_takes_the_same_way(name: str) -> None:
    """Each action of the flow itself and of services; a wait that is cut short is simply left there."""
    actions, _, keys = FLOWS[name]
    steps = [{"press": keys}] if keys else []
    pushed, pulled = (simulate(actions, {"mode": mode, "steps": steps}) for mode in ("push", "pull"))
    assert [one.type for one in pulled.history if not one.flow] == [one.type for one in pushed.history if not one.flow]
    assert pulled.ended == pushed.ended


@pytest.mark.parametrize("name", FLOWS)
def test_the_history_is_the_same(station: Station, name: str) -> None:
    """Every action, and how it ended."""
    actions, reference, keys = FLOWS[name]
    steps = [{"press": keys}] if keys else []
    simulated = simulate(actions, {"reference": reference, "steps": steps})
    own = [(one.type, one.result) for one in simulated.history if not one.flow]
    assert own == station.history(actions, reference=reference, keys=keys)
