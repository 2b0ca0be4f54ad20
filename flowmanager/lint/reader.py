"""Reading a flow from any JSON value, with everything that the service would refuse about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from marshmallow import ValidationError

from flowmanager.checker import ActionChecker, Checked
from flowmanager.core.action import Action
from flowmanager.core.flow import Flow
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import NIL, Id
from flowmanager.errors import InvalidRequest
from flowmanager.executor import Executor
from flowmanager.executors import public_executors
from flowmanager.lint.graph import JUMPING
from flowmanager.lint.step import Step
from flowmanager.lint.strangers import strangers, strangers_within
from flowmanager.lint.template import Template
from flowmanager.schemas.envelopes import deeper_than
from flowmanager.schemas.fields import Form, in_known_case, parse_id, paths
from flowmanager.schemas.requests import ActionsOnly, FlowCreate

DEEPEST = 63
"""Levels of a flow: with its envelope, those that the service takes if nothing else is set."""
ACTIONS = "actions"

Faults = tuple[InvalidRequest, ...]


class NumberedIds:
    """Ids that are the same in every run."""

    def __init__(self) -> None:
        self.numbers = count()

    def new(self) -> Id:
        """Return an id that nobody else has."""
        return f"ffffffff-ffff-4fff-bfff-{next(self.numbers):012x}"


@frozen
class Read:
    """A flow, and what the service has against it."""

    flow: Template
    faults: Faults
    document: Any = None
    """What it was read from."""


@frozen
class Reader:
    """Reads flows. `limit`: actions of one flow."""

    limit: int

    def read(self, document: Any, source: str = "") -> Read:
        """Return the flow that a JSON value means: the body of a request, its answer, or a list of actions."""
        given = {ACTIONS: document} if isinstance(document, list) else document
        if not isinstance(given, Mapping):
            return unread("data: Not an object.", "data", source)
        if deeper_than(given, DEEPEST):
            return unread("data: nested too deep", "data", source)
        loaded, faults = load(FlowCreate, given)
        steps, more = self.steps(loaded[ACTIONS], ACTIONS)
        flow = Template(
            steps=steps,
            id=id_of(given),
            name=loaded["name"],
            source=source,
            customer_id=loaded["customer_id"],
            on_complete=loaded["on_complete_flow_id"],
            on_drop=loaded["on_drop_flow_id"],
            inner=self.inner(steps),
            strangers=tuple(strangers(given, ACTIONS)),
        )
        return Read(flow, tuple(first_told((*faults, *more))), given)

    def stored(self, flow: Flow, forms: Sequence[Mapping[str, Any]]) -> Template:
        """Return a flow that is being stored, with the loaded forms of its actions."""
        steps = steps_of(forms, Checked(flow.actions, ()))
        return replace(stored(flow), steps=steps, inner=self.inner(steps))

    def steps(self, forms: Sequence[Mapping[str, Any]], prefix: str) -> tuple[tuple[Step, ...], Faults]:
        """Return the actions of a list of forms, and what is wrong with them."""
        checker = ActionChecker(public_executors(), NumberedIds(), self.limit)
        if len(forms) > self.limit:
            return (), (checker.too_many(),)
        checked = checker.inspect(forms)
        return steps_of(forms, checked, prefix), checked.faults

    def inner(self, steps: Sequence[Step]) -> tuple[Template, ...]:
        """Return the flows inside `call` actions."""
        return tuple(self.called(step) for step in steps if step.type == "call" and calls_actions(step))

    def called(self, step: Step) -> Template:
        """Return the flow inside a `call` action. What is wrong with it makes the action fail when it runs."""
        loaded, faults = load(ActionsOnly, {ACTIONS: step.option[ACTIONS]})
        prefix = f"{step.path}.option.{ACTIONS}"
        steps, more = self.steps(loaded[ACTIONS], prefix)
        told = tuple(first_told((*faults, *more)))
        strange = tuple(strangers_within(step.option[ACTIONS], prefix))
        return Template(
            steps=steps, in_call=True, prefix=prefix, faults=told, inner=self.inner(steps), strangers=strange
        )


def stored(flow: Flow) -> Template:
    """Return a stored flow, without what is inside its actions."""
    executors = public_executors()
    steps = (
        Step(number, f"{ACTIONS}[{number}]", action, executors.get(action.type), action.id)
        for number, action in enumerate(flow.actions)
    )
    return Template(
        steps=tuple(steps),
        id=flow.id,
        name=flow.name,
        customer_id=flow.customer_id,
        on_complete=flow.on_complete_flow_id,
        on_drop=flow.on_drop_flow_id,
    )


def calls_actions(step: Step) -> bool:
    """Say whether a `call` brings the actions that the new call runs."""
    return bool(step.option[ACTIONS]) and step.option["flow_id"] == NIL and not step.is_open("flow_id")


def unread(sentence: str, path: str, source: str) -> Read:
    """Return what is no flow."""
    return Read(Template(steps=(), source=source), (InvalidRequest(sentence, path=path),))


def id_of(given: Mapping[str, Any]) -> Id:
    """Return the id of a flow that is stored, NIL for one that is not."""
    found = given.get("id")
    return (parse_id(found) or NIL) if isinstance(found, str) else NIL


def steps_of(forms: Sequence[Mapping[str, Any]], checked: Checked, prefix: str = ACTIONS) -> tuple[Step, ...]:
    """Return checked actions as steps."""
    torn = {fault.facts["path"] for fault in checked.faults}
    executors = public_executors()
    steps = []
    for number, (form, action) in enumerate(zip(forms, checked.actions, strict=True)):
        executor = executors.get(action.type)
        here = f"{ACTIONS}[{number}]"
        name = "" if form["id"] == NIL else form["id"]
        broken = bool(torn) and leads_nowhere(here, action, executor, torn)
        steps.append(Step(number, f"{prefix}[{number}]", action, executor, name, broken))
    return tuple(steps)


def leads_nowhere(path: str, action: Action, executor: Executor | None, wrong: set[str]) -> bool:
    """Say whether something is wrong with what says where an action leads."""
    if {f"{path}.id", f"{path}.next_id"} & wrong:
        return True
    jumps = executor is not None and action.type in JUMPING
    return jumps and any(one.startswith(f"{path}.option") for one in wrong)


def load(form: type[Form], given: Mapping[str, Any]) -> tuple[Mapping[str, Any], Faults]:
    """Load a body; what is wrong is told, and left out of the result."""
    try:
        loaded: Mapping[str, Any] = form().load(given)
    except ValidationError as error:
        messages: Any = error.messages
        faults = tuple(InvalidRequest(f"{path}: {told}", path=path) for path, told in paths(messages))
        return form().load(salvaged(given, messages)), faults
    return loaded, ()


def salvaged(given: Mapping[str, Any], wrong: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body without what is wrong with it: keys, and in a list of actions the keys of single ones."""
    sound = {key: value for key, value in given.items() if key.lower() not in wrong}
    items = in_known_case(given, {ACTIONS}).get(ACTIONS)
    if isinstance(wrong.get(ACTIONS), Mapping) and isinstance(items, list):
        sound[ACTIONS] = [mended(item, wrong[ACTIONS].get(number)) for number, item in enumerate(items)]
    return sound


def mended(item: Any, wrong: Any) -> Any:
    """Return an action without the keys that are wrong; what is no object becomes an action without anything."""
    if wrong is None:
        return item
    if not isinstance(item, Mapping) or not isinstance(wrong, Mapping):
        return {}
    return {key: value for key, value in item.items() if key.lower() not in wrong}


def first_told(faults: Sequence[InvalidRequest]) -> Iterator[InvalidRequest]:
    """Yield faults, without those about a part of what is wrong as a whole."""
    told: set[str] = set()
    for fault in faults:
        path = fault.facts["path"]
        if not any(path[: len(path) - cut] in told for cut in ends(path)):
            told.add(path)
            yield fault


def ends(path: str) -> Iterator[int]:
    """Yield how many characters follow each part of a path, none first."""
    yield 0
    yield from (len(path) - place for place, character in enumerate(path) if character in ".[")
