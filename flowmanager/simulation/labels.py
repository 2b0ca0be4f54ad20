"""Names by which people know the actions of a flow: what they called it, else its type and position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flowmanager.core.ids import Id
from flowmanager.schemas.fields import parse_id


def label_of(number: int, action: Mapping[str, Any]) -> str:
    """Return `menu`, or `talk[4]` for an action whose id is no name."""
    given = str(action.get("id") or "")
    return given if given and parse_id(given) is None else f"{action.get('type')}[{number}]"


@dataclass(slots=True)
class Labels:
    """Labels of actions by id. Actions of a flow that is not the one under test have the flow's name before them."""

    by_id: dict[Id, str] = field(default_factory=dict)
    main: list[str] = field(default_factory=list)
    """Of the flow under test, in order."""
    aliases: dict[str, str] = field(default_factory=dict)
    """Other ways to say them: ids, `actions[4]`, a type that comes once."""

    def add(self, given: Sequence[Mapping[str, Any]], ids: Sequence[Id], *, flow: str = "") -> None:
        """Name the actions of a flow as it was given, with the ids they got."""
        prefix = f"{flow}:" if flow else ""
        types = [str(action.get("type")) for action in given]
        for number, (action, action_id) in enumerate(zip(given, ids, strict=True)):
            label = prefix + label_of(number, action)
            self.by_id[action_id] = label
            others = {action_id, f"{prefix}actions[{number}]", f"{prefix}{types[number]}[{number}]"}
            if types.count(types[number]) == 1:
                others.add(prefix + types[number])
            self.aliases |= dict.fromkeys(others, label)
            if not flow:
                self.main.append(label)

    def of(self, action_id: Id, action_type: str) -> str:
        """Return the label of an action; one that somebody pushed has only a type."""
        return self.by_id.get(action_id, f"({action_type})" if action_type else "")

    def find(self, said: str) -> str | None:
        """Return the label that somebody means; None: there is no such action."""
        return said if said in self.by_id.values() else self.aliases.get(said)
