"""Frozen records with many fields, of which each change makes a new one."""

from __future__ import annotations

from typing import Any, Self


class Evolving:
    """The base of such a record; it is a frozen dataclass without slots."""

    def evolve(self, **changes: Any) -> Self:
        """Return the record with changes. Raises TypeError for a field that there is not.

        Not `dataclasses.replace`, which sets every field anew: that took a tenth of a step (15 µs against 1).
        """
        made = object.__new__(type(self))
        fields = made.__dict__
        fields.update(self.__dict__)
        known = len(fields)
        fields.update(changes)
        if len(fields) != known:
            raise TypeError(f"{type(self).__name__} has no such fields: {sorted(set(fields) - set(self.__dict__))}")
        return made
