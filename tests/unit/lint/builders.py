"""Flows and findings for the tests of the linter."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as some

from flowmanager.executors import public_executors
from flowmanager.lint.finding import Finding
from flowmanager.lint.linter import lint
from flowmanager.lint.world import World

Json = Any
ANYTHING = World()


def act(action_type: str, /, **option: Json) -> dict[str, Json]:
    """An action; `id` and `next_id` stand beside the option."""
    action: dict[str, Json] = {key: option.pop(key) for key in ("id", "next_id") if key in option}
    return {**action, "type": action_type, **({"option": option} if option else {})}


def talk(text: str = "hello", /, **more: Json) -> dict[str, Json]:
    """An action that speaks."""
    return act("talk", text=text, **more)


def known(number: int) -> str:
    """A uuid."""
    return f"11111111-2222-4333-8444-{number:012d}"


def findings(document: Json, world: World = ANYTHING) -> tuple[Finding, ...]:
    """What is found in one flow."""
    [report] = lint({"flow": document}, world)
    return report.findings


def told(document: Json, world: World = ANYTHING) -> list[str]:
    """What is found in one flow, as `rule severity path`, without `actions` in front."""
    return [short(one) for one in findings(document, world)]


def short(one: Finding) -> str:
    """A finding in a few words."""
    return f"{one.rule} {one.severity.value} {one.path.removeprefix('actions')}"


IDS = some.sampled_from(
    ["a", "b", "c", "", known(1), known(2), "${x}", *(f"00000000-0000-0000-0000-00000000000{n}" for n in range(4))]
)
PIECES = """
x ${x} ${ ${} ${a${b}} {{x}} $x == > string {} [ 1 voipbin.activeflow.id voipbin.call.digits
${voipbin.call.digits} ${voipbin.call.digit}
"""
OPTIONS = """
target_id default_target_id false_target_id target_ids variable key value loop_count hour minute day month weekdays
condition value_type value_string text duration length data sync actions flow_id source destinations TARGET_ID status
anonymous ${x}
"""
TEXTS = some.sampled_from(["", "${ x }", *PIECES.split()]) | some.text(max_size=5)
NUMBERS = some.integers(-3, 70) | some.sampled_from([2**62, -(2**70), 1.5, float("nan"), float("inf")])
KEYS = some.sampled_from(OPTIONS.split())
VALUES = some.recursive(
    some.none() | some.booleans() | NUMBERS | TEXTS | IDS,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(KEYS | TEXTS, inner, max_size=4),
    max_leaves=12,
)
TYPES = some.sampled_from([*sorted(public_executors()), "goto", "branch", "condition_variable", "nothing", "Talk"])
ACTIONS = some.fixed_dictionaries(
    {"type": TYPES},
    optional={"id": IDS, "next_id": IDS, "option": some.dictionaries(KEYS, VALUES, max_size=5)},
)
FLOWS = some.fixed_dictionaries(
    {"actions": some.lists(ACTIONS, max_size=8)},
    optional={"id": IDS, "on_complete_flow_id": IDS, "on_drop_flow_id": IDS, "name": VALUES, "customer_id": IDS},
)
DOCUMENTS = FLOWS | VALUES | some.lists(ACTIONS | VALUES, max_size=4) | some.dictionaries(some.text(max_size=3), VALUES)
