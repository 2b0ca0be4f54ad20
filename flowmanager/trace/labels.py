"""What an action is called in a timeline or a picture: its type, and its option in a few words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flowmanager.core.naming import TARGET_MAP, TARGETS

SPOKEN = ("text", "subject", "content", "prompt")
"""Options that say what the action is about; the first that is there is enough."""
QUIET = frozenset({"language", "provider", "voice_id", "async", *TARGETS, TARGET_MAP})
"""Options that tell a reader little, and those that a picture shows as lines."""
SHORT_ID = 8


def brief(action_type: str, option: Mapping[str, Any]) -> str:
    """Return an option in a few words."""
    if action_type == "variable_set":
        return f"{option.get('key', '')} = {option.get('value', '')}"
    if action_type == "condition_variable":
        return condition_text(option)
    if action_type == "condition_datetime":
        parts = (f"{name} {value_text(value)}" for name, value in option.items() if name != "condition")
        return f"now {option.get('condition', '')} {' '.join(parts)}"
    spoken = next((option[name] for name in SPOKEN if option.get(name)), None)
    if spoken is not None:
        return str(spoken)
    return " ".join(f"{name}={value_text(value)}" for name, value in option.items() if worth_telling(name, value))


def condition_text(option: Mapping[str, Any]) -> str:
    """Return a comparison."""
    kind = str(option.get("value_type", "")) or "string"
    name, right = option.get("variable", ""), option.get(f"value_{kind}", "")
    left = f"length of {name}" if kind == "length" else name
    return f"{left} {option.get('condition', '')} {right}"


def worth_telling(name: str, value: Any) -> bool:
    """Leave out what is empty and what says nothing."""
    return name not in QUIET and value not in (None, "", [], {}, False)


def value_text(value: Any) -> str:
    """Return a JSON value in few characters: of addresses the target, of ids the beginning."""
    if isinstance(value, Mapping):
        return str(value.get("target") or value.get("type") or "{" + " ".join(pairs(value)) + "}")
    if isinstance(value, list):
        return ",".join(value_text(one) for one in value)
    text = "true" if value is True else str(value)
    return f"{text[:SHORT_ID]}…" if is_id(text) else text


def answer_text(value: Any) -> str:
    """Return what a manager answered, member by member."""
    return " ".join(pairs(value)) if isinstance(value, Mapping) else value_text(value)


def pairs(value: Mapping[str, Any]) -> Iterator[str]:
    """Yield the members of an object."""
    return (f"{name}={value_text(inner)}" for name, inner in value.items() if worth_telling(name, inner))


def is_id(text: str) -> bool:
    """Say whether a text has the form of an id."""
    return len(text) == 36 and text.count("-") == 4


def cut(text: str, limit: int) -> str:
    """Return a text on one line, not longer than the limit."""
    line = clean(" ".join(text.split()))
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def clean(text: str) -> str:
    """Return a text without what could steer a terminal or break XML."""
    return text if text.isprintable() else "".join(one if one.isprintable() else "�" for one in text)
