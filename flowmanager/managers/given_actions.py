"""Actions that come while a flow runs: inside a `call` option, or fetched from a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from flowmanager.core import naming
from flowmanager.core.action import Action
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import NIL, Id
from flowmanager.errors import InvalidRequest
from flowmanager.schemas.fields import parse_id

Given = Mapping[str, Any]


def given_actions(given: Sequence[Given], key: Id, path: str) -> tuple[Action, ...]:
    """Return the actions; ids that are absent or names become uuids made from the key.

    Raises InvalidRequest naming the JSON path.
    """
    names = {one["id"]: made_id(key, one["id"]) for one in given if is_name(one.get("id"))}
    return tuple(Item(f"{path}[{number}]", one, names).action(key, number) for number, one in enumerate(given))


def made_id(key: Id, name: str) -> Id:
    """Return the same id for the same name whenever the step is repeated."""
    return str(uuid5(NAMESPACE_OID, f"{key}:action:{name}"))


def is_name(text: Any) -> bool:
    """Say whether an id is a name that stands for one in its list."""
    return isinstance(text, str) and bool(text) and parse_id(text) is None


@frozen
class Item:
    """One of the actions, its path, and what the names of all of them stand for."""

    path: str
    given: Given
    names: Mapping[str, Id]

    def action(self, key: Id, number: int) -> Action:
        """Return it. Raises InvalidRequest."""
        action_type = self.given.get("type")
        if not isinstance(action_type, str) or not action_type:
            raise self.fault("type", "Not an action type.")
        own = self.id("id")
        action_id = made_id(key, str(number)) if own == NIL else own
        return Action(action_id, action_type, self.option(), self.id("next_id"))

    def option(self) -> Given | None:
        """Return its option, names replaced. Raises InvalidRequest."""
        option = self.given.get("option")
        if option is not None and not isinstance(option, Mapping):
            raise self.fault("option", "Not an object.")
        return naming.rename(option, self.names) if option and self.names else option

    def id(self, key: str) -> Id:
        """Return the id under a key, NIL when it is absent. Raises InvalidRequest."""
        value = self.given.get(key)
        found = NIL if value is None else self.names.get(value) or parse_id(value) if isinstance(value, str) else None
        if found is None:
            raise self.fault(key, "Not the id of an action.")
        return found

    def fault(self, key: str, sentence: str) -> InvalidRequest:
        """Return the error that names a part of it."""
        path = f"{self.path}.{key}"
        return InvalidRequest(f"{path}: {sentence}", path=path)
