"""Which keys and values make a difference to a flow: those that its conditions speak of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from flowmanager.core.frozen import frozen
from flowmanager.core.variables import DIGITS, names_in
from flowmanager.simulation.script_steps import KEYS

MOST_KEYS = 12
"""Choices of keys at one place: a flow with a hundred extensions needs not each of them tried at each menu."""
STATUS_CODE, RESPONSE = "voipbin.webhook.status_code", "voipbin.webhook.response"

Form = Mapping[str, Any]


@frozen
class Hints:
    """What was found in a flow."""

    keys: tuple[str, ...]
    values: Mapping[str, tuple[str, ...]]
    """Values that conditions compare a variable with, and some that differ from them, by name."""
    own: frozenset[str]
    """Variables that actions of the flow set."""

    def keys_for(self, length: int) -> tuple[str, ...]:
        """Return keys to press where so many are wanted (0: any number), last some that mean nothing."""
        fitting = [keys for keys in self.keys if not length or len(keys) <= length][:MOST_KEYS]
        others = (digit * (length or 1) for digit in "0918273645")
        return (*fitting, *[other for other in others if other not in fitting][:1])

    def comes_from_outside(self, name: str) -> bool:
        """Say whether only somebody else can give a variable its value."""
        return name != DIGITS and name not in self.own and not name.startswith("voipbin.activeflow.")


def hints_of(actions: Sequence[Form]) -> Hints:
    """Read a flow."""
    values: dict[str, dict[str, None]] = {}
    for name, value in (pair for action in actions for pair in compared(action)):
        values.setdefault(name, {})[value] = None
    pressed = [found for name, found in values.items() if name == DIGITS or not name.startswith("voipbin.")]
    keys = [value for found in pressed for value in found if KEYS.fullmatch(value)]
    asked = [key for action in actions for key in keys_asked(action)]
    own = {str(option_of(one).get("key", "")) for one in actions if one.get("type") == "variable_set"}
    told = {name: tuple(found) for name, found in values.items()}
    return Hints(tuple(dict.fromkeys([*keys, *asked])), told, frozenset(own | {"contact_case_id"}))


def option_of(action: Form) -> Form:
    """Return an action's option."""
    found = action.get("option")
    return found if isinstance(found, Mapping) else {}


def name_of(said: Any) -> str:
    """Return the variable that an operand names, with or without a placeholder; empty for anything else."""
    text = str(said or "")
    found = re.fullmatch(r"\$\{([^}]*)\}", text)
    return found[1] if found else "" if names_in(text) else text


def compared(action: Form) -> Iterator[tuple[str, str]]:
    """Yield names and the values that they are compared with."""
    option = option_of(action)
    if action.get("type") == "branch":
        targets = option.get("target_ids")
        for value in targets if isinstance(targets, Mapping) else ():
            yield name_of(option.get("variable")) or DIGITS, str(value)
    elif action.get("type") == "condition_variable" and (name := name_of(option.get("variable"))):
        yield from ((name, value) for value in rights(option))


def rights(option: Form) -> Iterable[str]:
    """Return values for the left side of a comparison: such as make it true, and such as make it false."""
    kind = option.get("value_type")
    if kind == "number":
        number = option.get("value_number") or 0
        return [f"{value:g}" for value in (number, number + 1, number - 1) if value >= 0]
    if kind == "length":
        length = int(option.get("value_length") or 0)
        return ["0" * size for size in (length, length + 1, length - 1) if size > 0]
    text = str(option.get("value_string") or "")
    return [text, f"{text}~", text[:-1]] if option.get("condition") in (">", ">=", "<", "<=") else [text]


def keys_asked(action: Form) -> Iterator[str]:
    """Yield keys that an action itself speaks of."""
    if action.get("type") == "condition_call_digits":
        option = option_of(action)
        length = option.get("length")
        yield from (key for key in [str(option.get("key") or "")] if KEYS.fullmatch(key))
        yield from ["1" * length] if isinstance(length, int) and 0 < length <= 64 else []
