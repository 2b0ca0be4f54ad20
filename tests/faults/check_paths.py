"""Checks of the histories: one path of the flow (I2), no gap (I4), ends and what follows them (I5), reasons (I3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from flowmanager.core.ids import FINISH, NIL
from tests.faults.story import Row, Story
from tests.faults.violation import DOUBLED, LOST, STALE, UNEXPECTED, Violation

CHAIN_DEPTH = 5
SERVICES = frozenset({"queue_join", "connect"})
"""Actions by which other managers push actions that only they know."""
Actions = Sequence[dict[str, Any]]


def check_paths(story: Story) -> Iterator[Violation]:
    """I2: the executed actions are one path of the flow, with what was pushed into it, no step twice."""
    for row in story.rows.values():
        flow = story.flows.get(row.facts["flow_id"])
        if flow is None:
            continue
        own = {action["id"] for action in flow["actions"]}
        main = [action_id for action_id in row.actions() if action_id in own]
        yield from main_path(story, row, flow["actions"], main)
        if not any(action["type"] in SERVICES for action in flow["actions"]):
            yield from pushed_paths(story, row, own)


def main_path(story: Story, row: Row, actions: Actions, taken: Sequence[str]) -> Iterator[Violation]:
    """I2: the flow's own actions follow each other as the flow says, or as a jump was asked for."""
    jumps = {asked.data["forward_action_id"] for asked in story.of(row.facts["id"], "forward")}
    follows = successors(actions)
    if taken and taken[0] != actions[0]["id"] and taken[0] not in jumps:
        yield Violation("I2", LOST, row.facts["id"], f"began with {taken[0]} instead of the first action")
    for before, behind in pairwise(taken):
        if behind not in follows[before] | jumps:
            sort = DOUBLED if before == behind else UNEXPECTED
            yield Violation("I2", sort, row.facts["id"], f"{behind} was executed after {before}: not a way of the flow")
    yield from loops(row, actions, taken)


def loops(row: Row, actions: Actions, taken: Sequence[str]) -> Iterator[Violation]:
    """I2: nothing is executed twice but in a loop, and no loop runs too often."""
    rounds = 1 + sum((action["option"] or {}).get("loop_count", 0) for action in actions)
    for action_id, times in Counter(taken).items():
        if times > rounds:
            yield Violation("I2", DOUBLED, row.facts["id"], f"{action_id} was executed {times} times")


def successors(actions: Actions) -> dict[str, set[str]]:
    """Return which actions may follow each."""
    found: dict[str, set[str]] = {}
    for number, action in enumerate(actions):
        following = {action["next_id"]} if action["next_id"] not in (NIL, "") else set()
        if not following and number + 1 < len(actions):
            following = {actions[number + 1]["id"]}
        option = action["option"] or {}
        single = {option[key] for key in ("target_id", "default_target_id", "false_target_id") if key in option}
        found[action["id"]] = following | single | set(option.get("target_ids", {}).values())
    return found


def pushed_paths(story: Story, row: Row, own: set[str]) -> Iterator[Violation]:
    """I2: pushed and added actions are executed in their order, each at most once; all, unless cut off."""
    activeflow_id = row.facts["id"]
    given = story.of(activeflow_id, "push", "add")
    known = {action["id"] for asked in given for action in asked.data["actions"]}
    foreign = [action_id for action_id in row.actions() if action_id not in own]
    for action_id in set(foreign) - known:
        yield Violation("I2", UNEXPECTED, activeflow_id, f"{action_id} is no action of this flow")
    cut_off = row.facts["ended_reason"] != "finished" or bool(story.of(activeflow_id, "release", "forward"))
    for asked in given:
        ids = [action["id"] for action in asked.data["actions"]]
        taken = [action_id for action_id in foreign if action_id in ids]
        if taken != ids[: len(taken)]:
            sort = DOUBLED if len(set(taken)) < len(taken) else UNEXPECTED
            yield Violation("I2", sort, activeflow_id, f"of the actions of {asked.operation} {asked.id} ran {taken}")
        elif len(taken) < len(ids) and asked.accepted and row.over and not cut_off:
            text = f"of the actions of {asked.operation} {asked.id} only {len(taken)} were executed"
            yield Violation("I2", LOST, activeflow_id, text)


def check_histories(story: Story) -> Iterator[Violation]:
    """I4: the history has no gap, its times never go back, and the record knows its length."""
    for row in story.rows.values():
        numbers = [step["seq"] for step in row.steps]
        if numbers != list(range(len(numbers))):
            yield Violation("I4", LOST, row.facts["id"], f"the history has the numbers {numbers}")
        if row.facts["executed_count"] != len(row.steps):
            text = f"the record counts {row.facts['executed_count']} steps, the history has {len(row.steps)}"
            yield Violation("I4", LOST, row.facts["id"], text)
        times = [time for step in row.steps for time in (step["tm_execute"], step["tm_end"]) if time]
        if times != sorted(times):
            yield Violation("I4", UNEXPECTED, row.facts["id"], f"the times of the history go back: {times}")


def check_ends(story: Story) -> Iterator[Violation]:
    """I5: one event tells the end, one activeflow follows it, and chains are not longer than they may be."""
    ends = Counter(
        told.data["id"]
        for told in story.first_told()
        if told.type == "activeflow_updated" and told.data.get("status") == "ended"
    )
    followers = Counter(
        row.facts["reference_activeflow_id"] for row in story.rows.values() if row.facts["after_reference"]
    )
    for activeflow_id, row in story.rows.items():
        if ends[activeflow_id] != int(row.over):
            sort = DOUBLED if ends[activeflow_id] > 1 else LOST
            yield Violation("I5", sort, activeflow_id, f"{ends[activeflow_id]} events tell its end")
        wanted = int(row.over and has_follower(row))
        if followers[activeflow_id] != wanted:
            sort = DOUBLED if followers[activeflow_id] > wanted else LOST
            yield Violation("I5", sort, activeflow_id, f"{followers[activeflow_id]} activeflows follow it")
        if row.facts["complete_count"] >= CHAIN_DEPTH:
            yield Violation("I5", UNEXPECTED, activeflow_id, "the chain is too long")


def has_follower(row: Row) -> bool:
    """Say whether the end of an activeflow starts another one."""
    named = row.facts["on_complete_flow_id"] not in (NIL, "")
    return named and row.facts["complete_count"] + 1 < CHAIN_DEPTH and row.facts["ended_reason"] != "customer_deleted"


ASKED_FOR = {"stop_request": "stop", "deleted": "delete"}
FATAL = SERVICES | {"message_send"}
"""Actions whose failure ends a flow."""


def check_reasons(story: Story) -> Iterator[Violation]:
    """I3: nothing ends but for a reason that somebody gave; a flow that is finished was at its end."""
    for activeflow_id, row in story.rows.items():
        reason = row.facts["ended_reason"]
        if not row.over or row.facts["flow_id"] not in story.flows:
            continue
        if reason in ASKED_FOR:
            wanted = bool(story.of(activeflow_id, ASKED_FOR[reason]))
        elif reason == "reference_ended":
            wanted = activeflow_id in story.hung_up
        elif reason == "error":
            wanted = bool(row.steps) and row.steps[-1]["action"]["type"] in FATAL
        elif reason == "limit_executions":
            wanted = story.scripts.get(activeflow_id, {}).get("shape") == "services"
        else:
            wanted = reason == "finished" and at_end(story, row)
        if not wanted:
            last = row.steps[-1]["action"] if row.steps else None
            yield Violation("I3", STALE, activeflow_id, f"ended by {reason} after {last}: nobody asked for that")


def at_end(story: Story, row: Row) -> bool:
    """Say whether the last of the flow's own actions has none after it."""
    flow = story.flows.get(row.facts["flow_id"])
    own = [action_id for action_id in row.actions() if flow and action_id in successors(flow["actions"])]
    if flow is None or not own:
        return flow is None or not flow["actions"]
    follows = successors(flow["actions"])[own[-1]]
    return not follows or FINISH in follows
