"""Checking actions that come in: form, type, options, and names that stand for ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flowmanager.core import naming
from flowmanager.core.action import Action
from flowmanager.core.ids import FINISH, NEXT, NIL, START, Id
from flowmanager.core.variables import names_in
from flowmanager.errors import InvalidActionType, InvalidRequest
from flowmanager.executor import Executor
from flowmanager.ports import Ids
from flowmanager.schemas.fields import parse_id
from flowmanager.schemas.options import check_option

RESERVED = frozenset({START, FINISH, NEXT})
"""Ids that mean a place: an action that had one could not be told from it."""


@dataclass(frozen=True, slots=True)
class ActionChecker:
    """Turns loaded action forms into actions, or says what is wrong with which."""

    executors: Mapping[str, Executor]
    ids: Ids
    limit: int
    """Actions of one list."""

    def check(self, forms: Sequence[Mapping[str, Any]]) -> tuple[Action, ...]:
        """Return the actions. Raises InvalidRequest and its kinds, naming the JSON path."""
        if len(forms) > self.limit:
            raise InvalidRequest("actions: too many", path="actions", limit=self.limit)
        names = self.names(forms)
        return tuple(self.action(number, form, names) for number, form in enumerate(forms))

    def names(self, forms: Sequence[Mapping[str, Any]]) -> dict[str, Id]:
        """Return a new id for every action id that is a name. Raises InvalidRequest for a name used twice."""
        names: dict[str, Id] = {}
        for number, form in enumerate(forms):
            given = form["id"]
            if given in RESERVED:
                raise InvalidRequest(f"actions[{number}].id: reserved", path=f"actions[{number}].id")
            if not is_name(given):
                continue
            if given in names:
                raise InvalidRequest(f"actions[{number}].id: used twice", path=f"actions[{number}].id")
            names[given] = self.ids.new()
        return names

    def action(self, number: int, form: Mapping[str, Any], names: Mapping[str, Id]) -> Action:
        """Return one action."""
        path = f"actions[{number}]"
        self.check_type(path, form)
        option = self.option(path, form["option"], names)
        check_option(self.executors[form["type"]].option, option, f"{path}.option")
        return Action(
            id=self.own_id(form["id"], names),
            type=form["type"],
            option=option,
            next_id=self.target(f"{path}.next_id", form["next_id"], names),
        )

    def check_type(self, path: str, form: Mapping[str, Any]) -> None:
        """Raise InvalidActionType."""
        executor = self.executors.get(form["type"])
        if executor is None or not executor.public:
            raise InvalidActionType(f"not supported action type: {form['type']}", path=f"{path}.type")

    def own_id(self, given: str, names: Mapping[str, Id]) -> Id:
        """Return the id of an action: the given one, that of its name, or a new one."""
        if given in names:
            return names[given]
        found = parse_id(given)
        return found if found and found != NIL else self.ids.new()

    def target(self, path: str, given: str, names: Mapping[str, Id]) -> Id:
        """Return the id that a reference means. Raises InvalidRequest for a name that no action has."""
        if given in names:
            return names[given]
        found = parse_id(given)
        if found is None:
            raise InvalidRequest(f"{path}: no action has this id", path=path)
        return found

    def option(self, path: str, given: Mapping[str, Any] | None, names: Mapping[str, Id]) -> Mapping[str, Any] | None:
        """Return an option with names replaced. Raises InvalidRequest for a name that no action has."""
        if given is None:
            return None
        missing = naming.unknown(given, names, is_reference)
        if missing is not None:
            where = ".".join((path, "option", *map(str, missing)))
            raise InvalidRequest(f"{where}: no action has this id", path=where)
        return naming.rename(given, names) if names else given


def is_name(text: str) -> bool:
    """Say whether an id is a name."""
    return parse_id(text) is None


def is_reference(text: str) -> bool:
    """Say whether the text of a target is a name: neither a uuid nor empty nor known only when the action runs."""
    return bool(text) and parse_id(text) is None and not names_in(text)
