"""For tests of flows: run a flow as a script says and look at what came of it; or walk all its branches.

from flowmanager.testing import simulate

def test_two_leads_to_support():
    result = simulate("flows/front-desk.json", {"steps": [{"press": "2"}]})
    assert result.visited("support")
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from flowmanager.exploration.explore import MAX_RUNS, Exploration, Explorer
from flowmanager.exploration.findings import Finding
from flowmanager.exploration.troubles import ALL_KINDS
from flowmanager.simulation.flow_file import FlowBody, InvalidFlow, flow_body, read_flow_file
from flowmanager.simulation.result import Result
from flowmanager.simulation.run import run_simulation
from flowmanager.simulation.script import InvalidScript, Script
from flowmanager.simulation.script_reader import read_script, read_script_file, script_from
from flowmanager.simulation.show import show
from flowmanager.simulation.timeline import Done, Entry, PeerRequest

__all__ = [
    "Done",
    "Entry",
    "Exploration",
    "Finding",
    "InvalidFlow",
    "InvalidScript",
    "PeerRequest",
    "Result",
    "explore",
    "show",
    "simulate",
]


def simulate(flow: Any, script: Any = None) -> Result:
    """Run a flow to its end.

    `flow`: the path of a JSON file, the flow as a mapping, or its list of actions. `script`: the path of a YAML file,
    YAML as a text, or a mapping that says the same; None: the caller listens to all and presses nothing.
    Raises InvalidFlow and InvalidScript. What the script expects and does not find is in `failures` of the result.
    """
    return run_simulation(flow_of(flow), script_of(script))


def explore(flow: Any, script: Any = None, *, max_runs: int = MAX_RUNS, without: Collection[str] = ()) -> Exploration:
    """Walk every branch of a flow that can be found; of the script only the surroundings count, not its steps.

    `without`: kinds of troubles that are not tried: `fail`, `timeout`, `media`, `hangup`. Raises InvalidFlow and
    InvalidScript, and ValueError for a kind that does not exist.
    """
    unknown = set(without).difference(ALL_KINDS)
    if unknown:
        raise ValueError(f"without: {', '.join(sorted(unknown))}: no kind of trouble; there are {', '.join(ALL_KINDS)}")
    troubles = [kind for kind in ALL_KINDS if kind not in without]
    return Explorer(flow_of(flow), script_of(script), max_runs=max_runs, troubles=troubles).explore(nobody)


def nobody(_runs: int) -> None:
    """Nobody looks on."""


def flow_of(flow: Any) -> FlowBody:
    """Return a flow given in any form."""
    return read_flow_file(Path(flow)) if isinstance(flow, str | Path) else flow_body(flow)


def script_of(script: Any) -> Script:
    """Return a script given in any form. A text of several lines is YAML, any other one names a file."""
    if script is None:
        return Script()
    if isinstance(script, Mapping):
        return script_from(script)
    text = str(script)
    return read_script(text) if "\n" in text else read_script_file(Path(text))
