"""A flow as its author wrote it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from flowmanager.core.ids import NIL, Id
from flowmanager.errors import InvalidRequest
from flowmanager.lint.graph import Graph, graph_of
from flowmanager.lint.step import Step


@dataclass(frozen=True, eq=False, kw_only=True)
class Template:
    """A list of actions with what belongs to it. `in_call`: inside the option of a `call`, run by the new call."""

    steps: tuple[Step, ...]
    id: Id = NIL
    name: str = ""
    source: str = ""
    """The file it was read from."""
    on_complete: Id = NIL
    on_drop: Id = NIL
    in_call: bool = False
    inner: tuple[Template, ...] = ()
    """The flows inside its `call` actions."""
    prefix: str = "actions"
    """The path of the list."""
    faults: tuple[InvalidRequest, ...] = ()
    """What makes the `call` fail whose option it is inside; paths begin with `actions`."""

    @cached_property
    def graph(self) -> Graph:
        """Where the flow can go from each action."""
        return graph_of(self.steps)

    @property
    def told(self) -> str:
        """How it is spoken of."""
        return self.source or (f'"{self.name}"' if self.name else self.id)

    def reached(self) -> Iterator[Step]:
        """Yield the actions that the flow can come to by itself."""
        return (step for step in self.steps if self.graph.reached[step.number])
