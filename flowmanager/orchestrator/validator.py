"""Looking at flows as `flowmanager lint` does, together with the stored flows that they name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from flowmanager.core.activeflow import ReferenceType
from flowmanager.core.flow import Flow
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import NIL, Id
from flowmanager.errors import InvalidRequest
from flowmanager.lint.finding import Finding, Severity, accepted
from flowmanager.lint.linter import findings_of, warnings_of
from flowmanager.lint.reader import Reader, stored
from flowmanager.lint.template import Template
from flowmanager.lint.world import World
from flowmanager.orchestrator.engine import Engine, Work
from flowmanager.ports import Transaction
from flowmanager.schemas.wire import Wire

MOST_FLOWS = 30
"""Stored flows that are looked at with one: each is a question to the database."""
MOST_ACTIONS = 2000
"""Actions of a flow that is looked at while it is stored: it takes 0.07 ms for each of them. The largest flow that can
be stored would hold up its answer, and the other threads of the process, for most of a second."""
TOO_LONG = Finding(
    "not-looked-at",
    Severity.NOTE,
    "actions",
    f"nobody looked for mistakes: a flow of more than {MOST_ACTIONS} actions would hold up this answer",
    "Ask POST /v1/flows/validate, or flowmanager lint.",
)


@frozen
class Validator:
    """Tells what is wrong with a flow."""

    engine: Engine

    def validate(self, work: Work, document: Mapping[str, Any]) -> Wire:
        """Tell everything about a flow that is not stored, or not in this form. Raises InvalidRequest."""
        world = World(limits=self.engine.limits, reference_type=reference_type_of(document))
        read = Reader(self.engine.limits.actions).read(document)
        findings = findings_of(read, work.look(partial(together, read.flow, world)))
        return {"valid": accepted(findings), "findings": [one.wire() for one in findings]}

    def warnings(self, transaction: Transaction, flow: Flow, forms: Sequence[Mapping[str, Any]]) -> list[Wire]:
        """Return what is wrong with a flow that is being stored; its notes are left to `validate`."""
        if not self.engine.flow_warnings:
            return []
        if len(flow.actions) > MOST_ACTIONS:
            return [TOO_LONG.wire()]
        template = Reader(self.engine.limits.actions).stored(flow, forms)
        world = together(template, World(limits=self.engine.limits), transaction)
        # A flow that it names may be stored later.
        found = warnings_of(template, replace(world, complete=False))
        return [one.wire() for one in found if one.severity is Severity.WARNING]


def together(flow: Template, world: World, transaction: Transaction) -> World:
    """Return the world with the flows that a flow names, and those that they name."""
    around = stored_around(flow, transaction) if flow.links else []
    complete = flow.customer_id != NIL and len(around) < MOST_FLOWS
    return replace(world, flows=by_id([*around, flow]), complete=complete)


def stored_around(flow: Template, transaction: Transaction) -> list[Template]:
    """Return the stored flows that a flow leads to; those of other customers are as good as none."""
    found: list[Template] = []
    waiting, seen = list(flow.links), {flow.id}
    for flow_id in waiting:
        if flow_id in seen or len(found) == MOST_FLOWS:
            continue
        seen.add(flow_id)
        one = transaction.get_flow(flow_id)
        if one is not None and one.customer_id == flow.customer_id:
            found.append(stored(one))
            waiting += found[-1].links
    return found


def by_id(flows: Iterable[Template]) -> dict[Id, Template]:
    """Return flows by their ids; what is not stored yet has none."""
    return {flow.id: flow for flow in flows if flow.id != NIL}


def reference_type_of(document: Mapping[str, Any]) -> ReferenceType | None:
    """Return what a flow will run on, None when that is not said. Raises InvalidRequest."""
    given = document.get("reference_type")
    if given is None:
        return None
    try:
        return ReferenceType(given)
    except ValueError as error:
        raise InvalidRequest("reference_type: Not a reference type.", path="reference_type") from error
