"""Which variables an action reads, sets and empties."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from flowmanager.core.frozen import frozen
from flowmanager.core.variables import DIGITS, names_in
from flowmanager.executor import Kind
from flowmanager.lint import names
from flowmanager.lint.step import Step
from flowmanager.lint.texts import names_by_path

OPEN_TYPES = frozenset(
    {"block", "queue_join", "conference_join", "connect", "ai_talk", "ai_task", "fetch", "fetch_flow"}
)
"""Types behind which anything may have been set: by what they push, or by whoever resumes the flow."""

SETTERS: Mapping[str, frozenset[str]] = {
    "recording_start": names.RECORDING,
    "transcribe_start": names.TRANSCRIBE,
    "transcribe_recording": names.TRANSCRIBE,
    "case_create": names.CASE,
}
"""What managers set because of an action."""


@frozen
class Reading:
    """A variable that an action reads, and where it says so. `tested`: only to see whether it is empty."""

    path: str
    name: str
    tested: bool = False


def readings(step: Step) -> Iterator[Reading]:
    """Yield the variables that an action reads."""
    tested = step.type == "condition_variable" and tests_emptiness(step)
    for path, name in names_by_path(step):
        yield Reading(path, name, tested)
    bare = bare_name(step)
    if bare is not None:
        yield Reading(f"{step.path}.option.variable", bare, tested)


def bare_name(step: Step) -> str | None:
    """Return the variable that an action names without a placeholder."""
    if step.type == "branch" and not step.is_open("variable"):
        return step.option["variable"] or DIGITS
    if step.type == "condition_variable" and not step.is_open("variable"):
        return step.option["variable"] or None
    return None


def tests_emptiness(step: Step) -> bool:
    """Say whether a condition asks whether there is a value at all."""
    option = step.option
    kind = option["value_type"]
    return (kind == "string" and not option["value_string"]) or (kind == "length" and option["value_length"] <= 1)


def set_by(step: Step) -> frozenset[str] | None:
    """Return the names that an action may give a value; None: any."""
    if step.executor is None or step.type in OPEN_TYPES:
        return None
    if step.type == "variable_set":
        return None if step.is_open("key") else frozenset({step.option["key"]})
    if step.type == "webhook_send":
        return names.WEBHOOK if step.option["sync"] else frozenset()
    found = SETTERS.get(step.type, frozenset())
    return found | {DIGITS} if step.executor.kind is Kind.CALLER else found


def emptied_by(step: Step) -> str | None:
    """Return the name that a branch empties."""
    return bare_name(step) if step.type == "branch" else None


def own_names(steps: Iterable[Step]) -> frozenset[str]:
    """Return the names that the actions of a flow set by `variable_set`."""
    return frozenset(
        str(step.option["key"]) for step in steps if step.type == "variable_set" and not names_in(step.given.get("key"))
    )
