"""A condition that always has the same result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flowmanager.core.conditions import OPERATORS
from flowmanager.executors.condition_variable import COMPARISONS
from flowmanager.lint.finding import Flaw, warning
from flowmanager.lint.rule import rule
from flowmanager.lint.step import Step
from flowmanager.lint.template import Template
from flowmanager.lint.texts import quoted
from flowmanager.lint.times import compares
from flowmanager.lint.world import World

MEANT: Mapping[str, str] = {
    "": "==",
    "=": "==",
    "===": "==",
    "equal": "==",
    "equals": "==",
    "is": "==",
    "<>": "!=",
    "not_equal": "!=",
    "greater": ">",
    "greater_equal": ">=",
    "=>": ">=",
    "less": "<",
    "less_equal": "<=",
    "=<": "<=",
}
"""What is written instead of an operator, and the operator."""
STATUSES = frozenset({"dialing", "ringing", "progressing", "terminating", "canceling", "hangup"})


@rule("dead-condition", "A condition is always false: it compares with something that does not exist.")
def dead_condition(flow: Template, world: World) -> Iterator[Flaw]:
    """Look at operators and kinds of values."""
    del world
    for step in flow.steps:
        if step.torn:
            continue
        if step.type == "condition_variable":
            yield from operator(step)
            yield from value_type(step)
        elif step.type == "condition_datetime" and compares(step.option):
            yield from operator(step)
        elif step.type == "condition_call_digits":
            yield from digits(step)
        elif step.type == "condition_call_status":
            yield from status(step)


def operator(step: Step) -> Iterator[Flaw]:
    """Yield an unknown operator."""
    sign = step.option["condition"]
    if sign in OPERATORS or step.is_open("condition"):
        return
    reason = f"{quoted(sign)} is no operator: the condition is always false"
    meant = MEANT.get(sign.strip().lower())
    fix = f'Write "condition": "{meant}".' if meant else f"Write one of {' '.join(OPERATORS)}."
    yield warning(f"{step.path}.option.condition", reason, fix)


def value_type(step: Step) -> Iterator[Flaw]:
    """Yield an unknown type of value."""
    kind = step.option["value_type"]
    if kind not in COMPARISONS and not step.is_open("value_type"):
        reason = f"{quoted(kind)} is no type of value: the condition is always false"
        yield warning(f"{step.path}.option.value_type", reason, f"Write one of: {', '.join(COMPARISONS)}.")


def digits(step: Step) -> Iterator[Flaw]:
    """Yield a condition on digits that asks for none."""
    option = step.option
    if option["length"] <= 0 and not option["key"] and not step.is_open("key") and not step.is_open("length"):
        always = "always true" if option["length"] < 0 else "always false"
        reason = f"neither length nor key says which digits are wanted: the condition is {always}"
        yield warning(f"{step.path}.option", reason, "Write how many keys must be pressed (length), or which (key).")


def status(step: Step) -> Iterator[Flaw]:
    """Yield an unknown status."""
    wanted = step.option["status"]
    if wanted not in STATUSES and not step.is_open("status"):
        reason = f"no call has the status {quoted(wanted)}: the condition is always false"
        yield warning(f"{step.path}.option.status", reason, f"Write one of: {', '.join(sorted(STATUSES))}.")
