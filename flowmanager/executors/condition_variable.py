"""`condition_variable`: go on when a comparison with a variable is true, else jump."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import ValidationError

from flowmanager.core.conditions import compare, compare_numbers, single
from flowmanager.core.outcomes import Comparison, Continue, Jump, Outcome
from flowmanager.core.variables import names_in
from flowmanager.executor import Task, executor
from flowmanager.schemas.fields import Number, Text, Uuid, Whole
from flowmanager.schemas.options import Option


def check_single(value: float) -> None:
    """Raise ValidationError for a number that 32 bits cannot hold: nothing could be compared with it."""
    if single(value) is None:
        raise ValidationError("Not a 32-bit number.")


class ConditionVariableOption(Option):
    """Read as `variable <condition> value`. What cannot be compared, such as a text with a number, does not hold."""

    examples = (
        {
            "condition": "==",
            "variable": "${customer.tier}",
            "value_type": "string",
            "value_string": "gold",
            "false_target_id": "queue",
        },
    )

    condition = Text(about="`==`, `!=`, `>`, `>=`, `<` or `<=`.")
    variable = Text(about="The left side: a text with a placeholder, or the name of a variable.")
    value_type = Text(about="Which value is the right side: `string`, `number` or `length`.")
    value_string = Text(about="The right side of `string`; texts are compared by their characters.")
    value_number = Number(validate=check_single, about="The right side of `number`, of at most 32 bits.")
    value_length = Whole(about="The right side of `length`: bytes of the left side.")
    false_target_id = Uuid(about="Where it goes when it does not hold.")


COMPARISONS: Mapping[str, Callable[[str, Mapping[str, Any]], bool]] = {
    "string": lambda text, option: compare(text, option["condition"], option["value_string"]),
    "number": lambda text, option: compare_numbers(text, option["condition"], option["value_number"]),
    "length": lambda text, option: compare(len(text.encode()), option["condition"], option["value_length"]),
}
"""How each type of value is compared; an unknown type is false. A length is in bytes."""


VALUES: Mapping[str, str] = {"string": "value_string", "number": "value_number", "length": "value_length"}


def left_operand(task: Task) -> tuple[str, str]:
    """Return name and value: the substituted text, or the variable that the option names without a placeholder."""
    stored = task.activeflow.stacks.action(task.activeflow.cursor)
    raw = (stored.option or {}).get("variable") if stored else None
    text: str = task.option["variable"]
    names = names_in(raw)
    return (", ".join(sorted(names)), text) if names else (text, task.activeflow.variables.get(text, text))


@executor("condition_variable", option=ConditionVariableOption)
def condition_variable(task: Task) -> Outcome:
    """Compare."""
    option, kind = task.option, task.option["value_type"]
    comparison, (name, left) = COMPARISONS.get(kind), left_operand(task)
    holds = comparison is not None and comparison(left, option)
    sign = f"length {option['condition']}" if kind == "length" else option["condition"]
    because = Comparison(name, left, sign, str(option.get(VALUES.get(kind, ""), "")), holds)
    return Continue(because=because) if holds else Jump(option["false_target_id"], because=because)
