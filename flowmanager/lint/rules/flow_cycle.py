"""Flows that start or fetch each other, and flows that do not exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flowmanager.core.ids import NIL, Id
from flowmanager.lint.finding import Flaw, warning
from flowmanager.lint.rule import rule
from flowmanager.lint.template import Template
from flowmanager.lint.world import World

KEYS = ("on_complete", "on_drop")


@rule("flow-cycle", "Flows start or fetch each other without end, or one of them does not exist.")
def flow_cycle(flow: Template, world: World) -> Iterator[Flaw]:
    """Follow the flows that this one names. Flows that nobody has shown are not followed."""
    for key in KEYS:
        flow_id = getattr(flow, key)
        if flow_id != NIL:
            yield from follower(flow, f"{key}_flow_id", flow_id, world)
    for step, flow_id in flow.fetched():
        path = f"{step.path}.option.flow_id"
        ring = ring_of(flow, flow_id, world.fetches)
        if ring:
            yield warning(path, fetch_reason(ring, world), "Take one of the `fetch_flow` out, or jump over it.")
        elif world.complete and flow_id != NIL and flow_id not in world.flows:
            reason = "there is no such flow of this customer: the flow ends with an error here"
            yield warning(path, reason, "Write the id of a stored flow.")


def follower(flow: Template, path: str, flow_id: Id, world: World) -> Iterator[Flaw]:
    """Yield what is wrong with the flow that is started when this one ends."""
    limit = world.limits.chain_depth
    ring = ring_of(flow, flow_id, world.endings)
    chain = chain_of(flow_id, world.endings, limit)
    if ring:
        reason = f"{way(ring, world)} start each other when they end: after {limit} in a row no more is started"
        if len(ring) == 1:
            reason = f"the flow starts itself again when it ends: after {limit} in a row no more is started"
        yield warning(path, reason, "Let one of them name no on-complete flow.")
    elif len(chain) + 1 > limit:
        reason = f"a chain of {len(chain) + 1} flows begins here: only {limit} in a row are started"
        yield warning(path, reason, "Join some of them into one flow, for example by `fetch_flow`.")
    elif world.complete and flow_id not in world.flows:
        yield warning(path, "there is no such flow of this customer: none is started", "Write the id of a stored flow.")


def ring_of(flow: Template, first: Id, links: Mapping[Id, tuple[Id, ...]]) -> list[Id]:
    """Return the shortest way from a flow over another one back to it; empty: there is none."""
    if flow.id == NIL:
        return []
    came: dict[Id, Id] = {first: NIL}
    waiting = [first]
    for one in waiting:
        if one == flow.id:
            return traced(came, one)
        for following in links.get(one, ()):
            if following not in came:
                came[following] = one
                waiting.append(following)
    return []


def traced(came: Mapping[Id, Id], last: Id) -> list[Id]:
    """Return a way, the last place first."""
    found = []
    while last != NIL:
        found.append(last)
        last = came[last]
    return found


def chain_of(first: Id, links: Mapping[Id, tuple[Id, ...]], limit: int) -> list[Id]:
    """Return the longest way from a flow, cut off where it is too long anyway."""
    best: list[Id] = []
    waiting = [[first]]
    while waiting:
        chain = waiting.pop()
        best = max(best, chain, key=len)
        if len(chain) <= limit:
            waiting += [[*chain, one] for one in links.get(chain[-1], ()) if one not in chain]
    return best


def way(ring: list[Id], world: World) -> str:
    """Tell the flows of a ring."""
    return " and ".join(world.flows[one].told for one in reversed(ring))


def fetch_reason(ring: list[Id], world: World) -> str:
    """Say what happens when flows fetch each other."""
    who = "the flow fetches itself" if len(ring) == 1 else f"{way(ring, world)} fetch each other"
    return f"{who}: the flow ends with an error when {world.limits.stack_depth} lie in each other"
