"""Variables: what may be set, how an activeflow's set is built, and how `${name}` is replaced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flowmanager.core.limits import Limits
from flowmanager.errors import VariableLimit

Variables = Mapping[str, str]

RESERVED_PREFIX = "voipbin."
OWN_PREFIX = "voipbin.activeflow."
COMPLETE_COUNT = "voipbin.activeflow.complete_count"
DIGITS = "voipbin.call.digits"
REFERENCE_DATA = "voipbin.flow.reference_data"
"""Not stored: the reference as its own manager shows it, asked when it is needed."""
RAW_OPTIONS = frozenset({"actions"})
"""Options that hold another flow's actions: their placeholders belong to that flow."""
LONGEST_CHARACTER = 4
"""Bytes, in UTF-8."""


def placeholders(text: str) -> Iterator[tuple[int, int]]:
    """Yield begin and end of each `${name}`: the shortest run without a line break. Linear in the text's length."""
    begin, close, line = text.find("${"), -1, -1
    while begin != -1:
        if close < begin + 2:
            close = text.find("}", begin + 2)
            if close == -1:
                return
        if line != len(text) and line < begin + 2:
            line = text.find("\n", begin + 2)
            line = len(text) if line == -1 else line
        if line < close:
            begin = text.find("${", begin + 2)
            continue
        yield begin, close + 1
        begin = text.find("${", close + 1)


def substitute_text(text: str, values: Variables) -> str:
    """Replace each placeholder by its value, a missing one by nothing, in a single pass."""
    if "${" not in text:
        return text
    parts, done = [], 0
    for begin, end in placeholders(text):
        parts += [text[done:begin], values.get(text[begin + 2 : end - 1], "")]
        done = end
    return "".join([*parts, text[done:]])


def substitute_within(text: str, values: Variables, *, limit: int) -> str:
    """Replace placeholders in a text. Raises VariableLimit when the result would have more than `limit` characters."""
    if expanded_size(text, values) > limit:
        raise VariableLimit("the text is too large after substitution", limit=limit)
    return substitute_text(text, values)


def names_in(tree: Any) -> frozenset[str]:
    """Return the names of all placeholders in the texts of a JSON value."""
    return frozenset(text[begin + 2 : end - 1] for text in texts(tree) for begin, end in placeholders(text))


def texts(tree: Any) -> Iterator[str]:
    """Yield every text leaf of a JSON value; keys are not leaves."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, Mapping):
        for value in tree.values():
            yield from texts(value)
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from texts(value)


def substitute(tree: Any, values: Variables) -> Any:
    """Replace placeholders in the text leaves of a JSON value; every other leaf, each key and the shape stay."""
    if isinstance(tree, str):
        return substitute_text(tree, values)
    if isinstance(tree, Mapping):
        return {key: substitute(value, values) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [substitute(value, values) for value in tree]
    return tree


def substitute_option(option: Mapping[str, Any] | None, values: Variables, *, limit: int) -> dict[str, Any] | None:
    """Replace placeholders in an action's option. Nested actions are left alone.

    Raises VariableLimit when the result's texts would have more than `limit` characters.
    """
    if option is None:
        return None
    live = {key: value for key, value in option.items() if key not in RAW_OPTIONS}
    if expanded_size(live, values) > limit:
        raise VariableLimit("the option is too large after substitution", limit=limit)
    return {**option, **substitute(live, values)}


def expanded_size(tree: Any, values: Variables) -> int:
    """Return how many characters the texts of a JSON value would have, without building them."""
    size = 0
    for text in texts(tree):
        size += len(text)
        for begin, end in placeholders(text):
            size += len(values.get(text[begin + 2 : end - 1], "")) - (end - begin)
    return size


def byte_size(values: Variables) -> int:
    """Return the bytes of all keys and values."""
    return sum(len(key.encode()) + len(value.encode()) for key, value in values.items())


def characters(values: Variables) -> int:
    """Return the characters of all keys and values, which are counted far faster than bytes: fastest as one text."""
    return len("".join([*values, *values.values()]))


def merge(current: Variables, changes: Variables, *, limits: Limits) -> dict[str, str]:
    """Return the set with the changes applied. Reserved names of the activeflow itself are left out.

    Raises VariableLimit, naming the variable or the sum, when a limit would be passed.
    """
    allowed = {key: value for key, value in changes.items() if not is_own(key)}
    merged = {**current, **allowed}
    most = LONGEST_CHARACTER * characters(merged)
    if most > limits.variable_bytes or most > limits.variables_request_bytes or len(allowed) > limits.variable_count:
        reason = request_fault(allowed, limits)
        if reason:
            raise VariableLimit(f"the variables are refused: {reason}", limit=reason)
    if allowed and most > limits.variables_bytes and byte_size(merged) > limits.variables_bytes:
        raise VariableLimit("the variables are refused: rejected_merged", limit="rejected_merged")
    return merged


def request_fault(values: Variables, limits: Limits) -> str | None:
    """Name the first limit that a set of given variables passes: value size, count, or sum."""
    most = LONGEST_CHARACTER * characters(values)
    few = len(values) <= limits.variable_count
    if few and most <= limits.variable_bytes and most <= limits.variables_request_bytes:
        return None
    if any(len(value.encode()) > limits.variable_bytes for value in values.values()):
        return "rejected_value_size"
    if len(values) > limits.variable_count:
        return "rejected_count"
    if byte_size(values) > limits.variables_request_bytes:
        return "rejected_total"
    return None


def is_own(key: str) -> bool:
    """Say whether a name belongs to the activeflow itself and cannot be set from outside."""
    return key.strip().lower().startswith(OWN_PREFIX)


def sanitize(external: Variables) -> dict[str, str]:
    """Return the given initial variables with trimmed names, without empty and reserved ones."""
    trimmed = ((key.strip(), value) for key, value in external.items())
    return {key: value for key, value in trimmed if key and not key.lower().startswith(RESERVED_PREFIX)}


def initial(
    inherited: Variables, external: Variables, own: Variables, *, limits: Limits
) -> tuple[dict[str, str], str | None]:
    """Build the set of a new activeflow: inherited, then given, then its own names.

    Return it with the reason why the given ones were left out, if they were: they never make a creation fail.
    """
    given = sanitize(external)
    reason = request_fault(given, limits)
    merged = {**inherited, **given, **own}
    if not reason and given and byte_size(merged) > limits.variables_bytes:
        reason = "rejected_merged"
    return ({**inherited, **own} if reason else merged), reason
