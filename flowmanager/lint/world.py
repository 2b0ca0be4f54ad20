"""What a flow is looked at against: the limits of the service, the reference it will run on, and the other flows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from functools import cached_property

from flowmanager.core.activeflow import ReferenceType
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import NIL, Id
from flowmanager.core.limits import Limits
from flowmanager.executor import ALLOWED, Media
from flowmanager.lint.step import Step
from flowmanager.lint.template import Template


@frozen(slots=False, kw_only=True)
class World:
    """Everything but the flow itself."""

    limits: Limits = field(default_factory=Limits)
    reference_type: ReferenceType | None = None
    """What the flow will run on; None: anything."""
    flows: Mapping[Id, Template] = field(default_factory=dict)
    """Other flows by id, and the flow itself where it has one."""
    complete: bool = False
    """A flow that is not among them does not exist."""

    @cached_property
    def followers(self) -> Mapping[Id, Template]:
        """The flows that are started when another one ends, each with one that it follows."""
        pairs = ((flow_id, flow) for flow in self.flows.values() for flow_id in (flow.on_complete, flow.on_drop))
        return {flow_id: flow for flow_id, flow in pairs if flow_id not in (NIL, flow.id)}

    @cached_property
    def endings(self) -> Mapping[Id, tuple[Id, ...]]:
        """Which flows the end of each starts."""
        return {key: tuple(one for one in (flow.on_complete, flow.on_drop) if one != NIL) for key, flow in self.shown}

    @cached_property
    def fetches(self) -> Mapping[Id, tuple[Id, ...]]:
        """Which flows each fetches."""
        return {key: tuple(dict.fromkeys(flow_id for _, flow_id in flow.fetched())) for key, flow in self.shown}

    @property
    def shown(self) -> Iterable[tuple[Id, Template]]:
        """The flows by id."""
        return self.flows.items()

    @cached_property
    def fetchers(self) -> Mapping[Id, frozenset[Id]]:
        """The ids of the actions around each flow that another one fetches."""
        found: dict[Id, frozenset[Id]] = {}
        for flow in self.flows.values():
            ids = frozenset(step.action.id for step in flow.steps)
            for _, flow_id in flow.fetched():
                found[flow_id] = found.get(flow_id, frozenset()) | ids
        return found

    def around(self, flow: Template) -> frozenset[Id]:
        """Return the ids of the actions that may lie around a flow when it is fetched."""
        return self.fetchers.get(flow.id, frozenset()) if flow.id != NIL else frozenset()

    def follows(self, flow: Template) -> Template | None:
        """Return a flow whose end starts this one: its reference may be over by then."""
        return self.followers.get(flow.id) if flow.id != NIL else None

    def reference_of(self, flow: Template) -> ReferenceType | None:
        """Return what a flow runs on, None when nobody knows. What is inside a `call` runs on the new call."""
        return ReferenceType.CALL if flow.in_call else self.reference_type

    def runs(self, step: Step, flow: Template) -> bool | None:
        """Say whether an action is run rather than skipped, None when that depends on the reference."""
        if step.executor is None or step.executor.media is Media.ANY:
            return True
        live, reference_type = self.follows(flow) is None, self.reference_of(flow)
        if reference_type is not None:
            return ALLOWED[step.executor.media](reference_type, live and reference_type is ReferenceType.CALL)
        return None if live else step.executor.media is Media.NON_RTC

    def pauses(self, step: Step, flow: Template) -> bool:
        """Say whether the flow may come to rest at an action, so that what follows is a turn of its own."""
        return step.may_pause and self.runs(step, flow) is not False
