"""A flow as its author wrote it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from flowmanager.core.frozen import frozen
from flowmanager.core.ids import NIL, Id
from flowmanager.errors import InvalidRequest
from flowmanager.lint.graph import Graph, graph_of
from flowmanager.lint.step import Step
from flowmanager.lint.strangers import Stranger


@frozen(slots=False, eq=False, kw_only=True)
class Template:
    """A list of actions with what belongs to it. `in_call`: inside the option of a `call`, run by the new call."""

    steps: tuple[Step, ...]
    id: Id = NIL
    name: str = ""
    source: str = ""
    """The file it was read from."""
    customer_id: Id = NIL
    on_complete: Id = NIL
    on_drop: Id = NIL
    in_call: bool = False
    inner: tuple[Template, ...] = ()
    """The flows inside its `call` actions."""
    strangers: tuple[Stranger, ...] = ()
    """Keys that nobody reads; not known of a flow that is stored."""
    prefix: str = "actions"
    """The path of the list."""
    faults: tuple[InvalidRequest, ...] = ()
    """What makes the `call` fail whose option it is inside; paths begin with `actions`."""

    @cached_property
    def graph(self) -> Graph:
        """Where the flow can go from each action."""
        return graph_of(self.steps)

    @cached_property
    def links(self) -> tuple[Id, ...]:
        """The flows that this one starts when it ends, or fetches."""
        fetched = (flow_id for _, flow_id in self.fetched())
        return tuple(one for one in (self.on_complete, self.on_drop, *fetched) if one != NIL)

    def fetched(self) -> Iterator[tuple[Step, Id]]:
        """Yield each action that fetches a flow, with the id of that flow."""
        for step in self.reached():
            if step.type == "fetch_flow" and not step.is_open("flow_id"):
                yield step, step.option["flow_id"]

    @property
    def told(self) -> str:
        """How it is spoken of."""
        return self.source or (f'"{self.name}"' if self.name else self.id)

    def reached(self) -> Iterator[Step]:
        """Yield the actions that the flow can come to by itself."""
        return (step for step in self.steps if self.graph.reached[step.number])
