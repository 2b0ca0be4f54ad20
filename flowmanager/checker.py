"""Checking actions that come in: form, type, options, and names that stand for ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowmanager.core import naming
from flowmanager.core.action import Action
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import FINISH, NEXT, NIL, START, Id
from flowmanager.core.variables import names_in
from flowmanager.errors import InvalidActionType, InvalidRequest
from flowmanager.executor import Executor
from flowmanager.ports import Ids
from flowmanager.schemas.fields import parse_id
from flowmanager.schemas.options import option_faults

RESERVED = frozenset({START, FINISH, NEXT})
"""Ids that mean a place: an action that had one could not be told from it."""

Form = Mapping[str, Any]
"""A loaded action form."""


@frozen
class Checked:
    """What a list of action forms means, and everything that is wrong with it.

    Where a form is wrong, its action is as good as can be said: what refers to nothing has the id NIL.
    """

    actions: tuple[Action, ...]
    faults: tuple[InvalidRequest, ...]


@frozen
class ActionChecker:
    """Turns loaded action forms into actions, or says what is wrong with which."""

    executors: Mapping[str, Executor]
    ids: Ids
    limit: int
    """Actions of one list."""

    def check(self, forms: Sequence[Form]) -> tuple[Action, ...]:
        """Return the actions. Raises InvalidRequest and its kinds, naming the JSON path."""
        if len(forms) > self.limit:
            raise self.too_many()
        checked = self.inspect(forms)
        for fault in checked.faults:
            raise fault
        return checked.actions

    def too_many(self) -> InvalidRequest:
        """Return the error about a list that is too long."""
        return InvalidRequest("actions: too many", path="actions", limit=self.limit)

    def inspect(self, forms: Sequence[Form]) -> Checked:
        """Return the actions and everything that is wrong with them. The length of the list is not looked at."""
        faults: list[InvalidRequest] = []
        names = self.names(forms, faults)
        items = [Item(f"actions[{number}]", form, names, faults) for number, form in enumerate(forms)]
        return Checked(tuple(item.action(self.executors, self.ids) for item in items), tuple(faults))

    def names(self, forms: Sequence[Form], faults: list[InvalidRequest]) -> dict[str, Id]:
        """Return a new id for every action id that is a name."""
        names: dict[str, Id] = {}
        for number, form in enumerate(forms):
            given, path = form["id"], f"actions[{number}].id"
            if given in RESERVED:
                faults.append(InvalidRequest(f"{path}: reserved", path=path))
            elif is_name(given) and given in names:
                faults.append(InvalidRequest(f"{path}: used twice", path=path))
            elif is_name(given):
                names[given] = self.ids.new()
        return names


@frozen
class Item:
    """One form, where it stands, what the names of its list mean, and where its faults go."""

    path: str
    form: Form
    names: Mapping[str, Id]
    faults: list[InvalidRequest]

    def action(self, executors: Mapping[str, Executor], ids: Ids) -> Action:
        """Return the action."""
        executor = self.executor(executors)
        return Action(
            id=self.own_id(ids),
            type=self.form["type"],
            option=self.option(executor),
            next_id=self.target(f"{self.path}.next_id", self.form["next_id"]),
        )

    def executor(self, executors: Mapping[str, Executor]) -> Executor | None:
        """Return what runs it; None: requests cannot use such a type."""
        found = executors.get(self.form["type"])
        if found is not None and found.public:
            return found
        path = f"{self.path}.type"
        self.faults.append(InvalidActionType(f"not supported action type: {self.form['type']}", path=path))
        return None

    def own_id(self, ids: Ids) -> Id:
        """Return its id: the given one, that of its name, or a new one."""
        given = self.form["id"]
        if given in self.names:
            return self.names[given]
        found = parse_id(given)
        return found if found and found != NIL else ids.new()

    def option(self, executor: Executor | None) -> Mapping[str, Any] | None:
        """Return its option with names replaced, checked by the form of its type."""
        given: Mapping[str, Any] | None = self.form["option"]
        if given is None:
            return self.checked(executor, None)
        for path in naming.unknown(given, self.names, is_reference):
            self.nobody(".".join((self.path, "option", *map(str, path))))
        return self.checked(executor, naming.rename(given, self.names) if self.names else given)

    def checked(self, executor: Executor | None, option: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """Return an option. A target that is no uuid has been told as one that nobody has."""
        found = option_faults(executor.option, option, f"{self.path}.option") if executor else ()
        if found:
            told = {fault.facts["path"] for fault in self.faults}
            self.faults.extend(fault for fault in found if fault.facts["path"] not in told)
        return option

    def target(self, path: str, given: str) -> Id:
        """Return the id that a reference means."""
        if given in self.names:
            return self.names[given]
        found = parse_id(given)
        if found is None:
            self.nobody(path)
        return found or NIL

    def nobody(self, path: str) -> None:
        """Say that a target is a name that no action has."""
        self.faults.append(InvalidRequest(f"{path}: no action has this id", path=path))


def is_name(text: str) -> bool:
    """Say whether an id is a name."""
    return parse_id(text) is None


def is_reference(text: str) -> bool:
    """Say whether the text of a target is a name: neither a uuid nor empty nor known only when the action runs."""
    return bool(text) and parse_id(text) is None and not names_in(text)
