"""One action of a flow, as its author wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from marshmallow import ValidationError

from flowmanager.core.action import Action
from flowmanager.core.frozen import frozen
from flowmanager.core.variables import RAW_OPTIONS, names_in
from flowmanager.executor import Executor, Kind
from flowmanager.schemas.fields import loader
from flowmanager.schemas.options import NoOption

RESTING = frozenset({"block", "queue_join", "conference_join", "connect", "ai_talk", "ai_task", "fetch", "fetch_flow"})
"""Types that are no caller actions but may make the flow rest: by themselves or by what they push."""


@frozen(slots=False, eq=False)
class Step:
    """One action of a flow, and where it stands. `executor` None: there is no such type."""

    number: int
    path: str
    action: Action
    executor: Executor | None
    name: str = ""
    """The name or uuid it was given, if any."""
    torn: bool = False
    """The service refuses what says where it leads: its id, its `next_id`, or the option of a type that jumps."""

    @property
    def type(self) -> str:
        """Its type."""
        return self.action.type

    @property
    def told(self) -> str:
        """How it is spoken of."""
        return f"{self.path} ({self.type})"

    @cached_property
    def given(self) -> Mapping[str, Any]:
        """Its option as it is written."""
        return self.action.option or {}

    @cached_property
    def live(self) -> Mapping[str, Any]:
        """The part of its option whose placeholders are replaced when it runs."""
        return {key: value for key, value in self.given.items() if key not in RAW_OPTIONS}

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of all placeholders in its option."""
        return names_in(self.live)

    @cached_property
    def option(self) -> Mapping[str, Any]:
        """Its option as the type reads it, without what is wrong or known only when it runs."""
        known = {key: value for key, value in self.given.items() if key in RAW_OPTIONS or not names_in(value)}
        form = loader(self.executor.option if self.executor else NoOption)
        try:
            loaded: Mapping[str, Any] = form.load(known)
        except ValidationError as error:
            sound: Any = error.valid_data
            return {**form.load({}), **sound}
        return loaded

    def is_open(self, key: str) -> bool:
        """Say whether a part of its option is known only when it runs."""
        return any(name.lower() == key and names_in(value) for name, value in self.given.items())

    @property
    def may_pause(self) -> bool:
        """Say whether the flow may come to rest at it."""
        return self.executor is None or self.executor.kind is Kind.CALLER or self.type in RESTING
