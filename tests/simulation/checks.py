"""What must be true when everything is quiet again."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import orjson

from flowmanager.core.activeflow import Activeflow, State
from flowmanager.core.ids import FINISH, NIL
from tests.simulation.callers import Caller, PullCaller, PushCaller
from tests.simulation.world import World


def violations(world: World, callers: list[Caller]) -> list[str]:
    """Return everything that is wrong."""
    found = [*quiet(world), *histories(world), *ends(world), *events(world), *effects(world)]
    for caller in callers:
        found += answers(caller)
        if isinstance(caller, PullCaller):
            found += handed_out(world, caller)
        if isinstance(caller, PushCaller):
            found += appended(world, caller)
    return found


def quiet(world: World) -> Iterator[str]:
    """Nothing is left in the outbox, in a queue, or half done."""
    if world.store.tables.outbox:
        yield f"{len(world.store.tables.outbox)} messages left in the outbox"
    if not world.idle:
        yield "messages left in a queue"
    for flow in world.store.tables.activeflows.values():
        if flow.state is State.EXECUTING:
            yield f"{flow.id} is executing and nobody executes it"
        if flow.wait and flow.wait.until and flow.wait.until < world.clock.now and not flow.over:
            yield f"{flow.id} waits for a moment that has passed"


def histories(world: World) -> Iterator[str]:
    """Each history is gapless, its times never run backwards, and the record knows its length."""
    for flow in world.store.tables.activeflows.values():
        steps = sorted(world.store.tables.steps.get(flow.id, ()), key=lambda step: step.seq)
        if [step.seq for step in steps] != list(range(flow.executed_count)):
            yield f"{flow.id} has a history with a gap"
        times = [step.tm_end for step in steps if step.tm_end]
        if times != sorted(times):
            yield f"{flow.id} has a history that runs backwards"
        if not flow.stacks.holds(flow.cursor):
            yield f"{flow.id} stands nowhere"


def ends(world: World) -> Iterator[str]:
    """An activeflow that ended has exactly one child if it has an on-complete flow."""
    children = Counter(flow.reference_activeflow_id for flow in world.store.tables.activeflows.values())
    for flow in world.store.tables.activeflows.values():
        wanted = int(flow.over and flow.on_complete_flow_id != NIL)
        if children[flow.id] != wanted:
            yield f"{flow.id} has {children[flow.id]} children instead of {wanted}"


def events(world: World) -> Iterator[str]:
    """Without repeats, the events of an activeflow tell its whole history once, in order, and end with its end."""
    told: dict[str, dict[str, Any]] = defaultdict(dict)
    for message in world.published:
        body = orjson.loads(message.body)
        if body["type"].startswith("activeflow_"):
            told[body["data"]["id"]].setdefault(message.id, body)
    for flow in world.store.tables.activeflows.values():
        bodies = list(told[flow.id].values())
        if [body["type"] for body in bodies][:1] != ["activeflow_created"]:
            yield f"{flow.id} was not announced first"
        steps = [step["id"] for body in bodies for step in body["data"].get("executed_actions", ())]
        kept = sorted(world.store.tables.steps.get(flow.id, ()), key=lambda step: step.seq)
        if steps != [step.action.id for step in kept]:
            yield f"{flow.id} was told as {len(steps)} steps, its history has {len(kept)} (or another order)"
        closed = [body for body in bodies if body["data"]["status"] == "ended"]
        if len(closed) != int(flow.over):
            yield f"{flow.id} has {len(closed)} end events"


def effects(world: World) -> Iterator[str]:
    """An effect of an action is never requested under more keys than the action was executed."""
    keys: dict[tuple[str, str], set[str]] = defaultdict(set)
    for effect in world.effects:
        if effect.uri.endswith("/actions"):
            keys[effect.body["activeflow_id"], effect.body["action"]["id"]].add(effect.key)
    for (activeflow_id, action_id), seen in keys.items():
        steps = world.store.tables.steps.get(activeflow_id, ())
        flow = world.store.tables.activeflows[activeflow_id]
        times = sum(step.action.id == action_id for step in steps) + int(current(flow) == action_id)
        if len(seen) > times:
            yield f"{activeflow_id} asked {len(seen)} times for {action_id}, which it executed {times} times"


def current(flow: Activeflow) -> str:
    """Return the action that an activeflow has not left yet."""
    return flow.current_action.id if flow.tm_execute is not None else ""


def answers(caller: Caller) -> Iterator[str]:
    """Every repeat of a request gets the same answer."""
    for request_id, bodies in caller.bodies.items():
        final = {body for body in bodies if b"IN_PROGRESS" not in body}
        if len(final) > 1:
            yield f"request {request_id} was answered differently: {sorted(final)[:2]}"


def handed_out(world: World, caller: PullCaller) -> Iterator[str]:
    """The caller got exactly the actions of the history that callers perform, in their order."""
    steps = sorted(world.store.tables.steps.get(caller.activeflow_id, ()), key=lambda step: step.seq)
    kinds = {"talk", "answer", "sleep", "confbridge_join"}
    performed = [step.action.id for step in steps if step.action.type in kinds]
    got = [one for one in caller.handed if one != FINISH]
    if performed[: len(got)] != got or len(performed) > len(got) + 1:
        yield f"{caller.activeflow_id} was handed {len(got)} actions, its history has {len(performed)}"


def appended(world: World, caller: PushCaller) -> Iterator[str]:
    """No acknowledged write is lost or doubled."""
    trail = world.store.tables.activeflows[caller.activeflow_id].variables.get("trail", "")
    if trail != caller.appended:
        yield f"{caller.activeflow_id} has the trail {trail!r} instead of {caller.appended!r}"
