"""Keys of a flow and of its actions that nobody reads."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from flowmanager.core.frozen import frozen
from flowmanager.executors import public_executors
from flowmanager.schemas.fields import in_known_case, loader

ACTION_KEYS = ("id", "next_id", "type", "option", "tm_execute")
FLOW_KEYS = (
    *("id", "customer_id", "type", "name", "detail", "persist", "actions", "on_complete_flow_id", "on_drop_flow_id"),
    *("direct_id", "direct_hash", "tm_create", "tm_update", "tm_delete", "warnings", "reference_type"),
)
"""What requests may hold and answers show."""
REMARKS = ("_", "$", "comment")
"""Keys that begin so are meant for readers."""


@frozen
class Stranger:
    """A key that nobody reads. `missing`: those that are read and absent."""

    path: str
    key: str
    missing: tuple[str, ...]
    is_option: bool = False
    """It is the name of an option, and stands beside `option`."""


def strangers(flow: Mapping[str, Any], actions: str) -> Iterator[Stranger]:
    """Yield the unread keys of a flow, and of its actions."""
    yield from unread(flow, FLOW_KEYS, "")
    yield from strangers_within(in_known_case(flow, {actions}).get(actions), actions)


def strangers_within(items: Any, path: str) -> Iterator[Stranger]:
    """Yield the unread keys of the actions in a list."""
    for number, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, Mapping):
            yield from unread(item, ACTION_KEYS, f"{path}[{number}].", options_of(item))


def unread(
    given: Mapping[str, Any], known: Iterable[str], path: str, options: Collection[str] = ()
) -> Iterator[Stranger]:
    """Yield the keys of an object that are not among those that are known, in whatever letters."""
    present = {key.lower() for key in given}
    missing = tuple(key for key in known if key not in present)
    for key in given:
        if key and key.lower() not in known and not key.lower().startswith(REMARKS):
            yield Stranger(f"{path}{key}", key, missing, key.lower() in options)


def options_of(action: Mapping[str, Any]) -> Collection[str]:
    """Return the names of the options that an action's type has."""
    executor = public_executors().get(str(action.get("type")))
    fields = loader(executor.option).fields if executor else {}
    return {(field.data_key or name).lower() for name, field in fields.items()}
