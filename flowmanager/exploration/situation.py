"""All that decides how a flow can go on, as one text: of two simulations that agree only one need go on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flowmanager.core.activeflow import Activeflow
from flowmanager.core.stacks import Frame
from flowmanager.schemas.fields import CANONICAL
from flowmanager.simulation.labels import Labels


def situation_of(flow: Activeflow, labels: Labels) -> str:
    """Return where a flow stands and what it knows. Ids differ from simulation to simulation and are left out."""
    action = flow.current_action
    own = {name: value for name, value in flow.variables.items() if not name.startswith("voipbin.activeflow.")}
    known = (f"{name}={value}" for name, value in sorted(own.items()) if value and not CANONICAL.search(value))
    here = [labels.of(action.id, action.type), flow.state.value, *frames(flow, labels), *known]
    return "\n".join(here)


def frames(flow: Activeflow, labels: Labels) -> Iterator[str]:
    """Yield the frames from the cursor outward: where each stands, and its counters."""
    place = flow.cursor
    for frame in flow.stacks.chain(place.stack_id):
        counts = counters(frame, labels)
        yield f"{frame.index(place.action_id)} of {len(frame.actions)} {counts}"
        place = frame.returns.place if frame.returns else place


def counters(frame: Frame, labels: Labels) -> Mapping[str, int]:
    """Return how often each goto of a frame has jumped."""
    return {labels.of(action_id, action_id): count for action_id, count in frame.goto_counts.items()}
