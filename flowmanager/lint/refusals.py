"""What the service refuses, as findings: same path, same words, and what to do about it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from flowmanager.errors import InvalidRequest
from flowmanager.executors import public_executors
from flowmanager.lint.finding import Finding, Severity
from flowmanager.lint.reader import Read
from flowmanager.lint.texts import quoted

NAME = "refused"
ABOUT = "The service refuses the flow: status 400 at create and update."

STRANGE = "not supported action type: "
LOST = "no action has this id"
FIXES = (
    ("Not a uuid.", "Write a uuid such as 9c37e1f0-58ab-4d62-8e19-07b4c6d2a5f3."),
    ("Not a text.", "Write a text, in double quotes."),
    ("Not a whole number.", "Write a whole number, without quotes."),
    ("Not within 64 bits.", "Write a smaller number."),
    ("Not a number.", "Write a number, without quotes."),
    ("Not a boolean.", "Write true or false, without quotes."),
    ("Not a list.", "Write a list: [ … ]."),
    ("Not an object.", "Write an object: { … }."),
    ("Not an id.", "Write a uuid, or a name that is not empty and no longer than 255 characters."),
    ("Must be empty, yes, no or auto.", "Write one of these words."),
    ("Longer than ten years.", "Write a shorter time, in milliseconds."),
    (LOST, "Give an action this name as its id, or write the id of one that is there."),
    ("used twice", "Give each action a name of its own."),
    ("reserved", "Write another id: this one means the start or the end of a flow."),
    ("too many", "Split the flow: a part of it can be a flow of its own that `fetch_flow` runs."),
    ("nested too deep", "Write it with fewer levels."),
)


def refusals(read: Read) -> tuple[Finding, ...]:
    """Return what the service has against a flow."""
    names = sorted({step.name for step in read.flow.steps if step.name})
    return tuple(refusal(fault, read.document, names) for fault in read.faults)


def refusal(fault: InvalidRequest, document: Any, names: Sequence[str]) -> Finding:
    """Return one of them."""
    path, reason = fault.facts["path"], told(fault)
    value = value_at(document, path)
    plain = value is not None and not isinstance(value, dict | list) and not reason.startswith(STRANGE)
    written = f"{shown(value)}: {reason[0].lower()}{reason[1:]}" if plain else reason
    close = get_close_matches(value[:100], names, n=1) if reason == LOST and isinstance(value, str) else []
    fix = f"Did you mean {close[0]}?" if close else fix_of(reason)
    return Finding(NAME, Severity.ERROR, path, written.removesuffix("."), fix)


def value_at(document: Any, path: str) -> Any:
    """Return what is written at a path, None when that cannot be said."""
    value = document
    for key, number in re.findall(r"([^.\[\]]+)|\[([0-9]{1,9})\]", path):
        try:
            value = value[int(number)] if number else value[key]
        except (LookupError, TypeError):
            return None
    return value


def shown(value: Any) -> str:
    """Return a value as it is written, shortened."""
    return quoted(value) if isinstance(value, str) else json.dumps(value)[:60]


def told(fault: InvalidRequest) -> str:
    """Return what is wrong, without the path."""
    reason: str = fault.sentence.removeprefix(f"{fault.facts['path']}: ")
    return reason


def fix_of(reason: str) -> str:
    """Return what to do."""
    if reason.startswith(STRANGE):
        return type_fix(reason.removeprefix(STRANGE))
    return next((fix for sentence, fix in FIXES if sentence in reason), "Write a value that is allowed here.")


def type_fix(written: str) -> str:
    """Return what to do about an unknown action type."""
    close = get_close_matches(written[:100].lower(), public_executors(), n=1)
    return f"Did you mean {close[0]}?" if close else f"Write one of: {', '.join(sorted(public_executors()))}."
