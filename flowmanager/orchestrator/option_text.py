"""What an action's option is: as JSON, whether it has placeholders, how large it is, and in the program's own form.

Most actions come again with every call of their flow, whose frames are kept in memory: so is what was found out here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from flowmanager.core.action import Action, Option
from flowmanager.core.variables import RAW_OPTIONS
from flowmanager.schemas.options import Option as OptionForm
from flowmanager.schemas.options import load_option

PLACEHOLDER = b"${"
MOST = 4096
MOST_BYTES = 2000
"""Larger ones are looked at each time: all together take a few MB."""


@dataclass(slots=True, eq=False)
class OptionText:
    """What is known of an option."""

    action: Action
    """Whose it is; kept, so that no other one takes its place in memory."""
    volume: int
    """Bytes of the whole option."""
    length: int
    """Bytes of the part in which placeholders are replaced; never fewer than its characters."""
    has_placeholders: bool
    """Whether there may be any: most have none, and are run as they are."""
    checked: Mapping[str, Any] | None = None
    """The option in the program's own form, once it was wanted."""


KNOWN: dict[int, OptionText] = {}


def option_text(action: Action) -> OptionText:
    """Return what is known of an action's option."""
    known = KNOWN.get(id(action))
    if known is not None and known.action is action:
        return known
    found = read(action)
    if found.volume <= MOST_BYTES:
        if len(KNOWN) >= MOST:
            KNOWN.clear()
        KNOWN[id(action)] = found
    return found


def checked_option(form: type[OptionForm], known: OptionText) -> Mapping[str, Any]:
    """Return an action's option in the program's own form. Raises InvalidRequest naming the field."""
    if known.checked is None:
        known.checked = load_option(form, known.action.option)
    return known.checked


def read(action: Action) -> OptionText:
    """Find out about an action's option."""
    if not action.option:
        return OptionText(action, 0, 0, has_placeholders=False)
    text = orjson.dumps(substituted_part(action.option))
    volume = len(orjson.dumps(action.option)) if RAW_OPTIONS & action.option.keys() else len(text)
    return OptionText(action, volume, len(text), PLACEHOLDER in text)


def substituted_part(option: Option) -> Option:
    """Return the part of an option whose placeholders are replaced."""
    return {key: value for key, value in option.items() if key not in RAW_OPTIONS}
