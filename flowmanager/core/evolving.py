"""Frozen records with many fields, of which each change makes a new one."""

from __future__ import annotations

from typing import Any, Self


class Evolving:
    """The base of such a record; it is a frozen dataclass without slots."""

    def evolve(self, **changes: Any) -> Self:
        """Return the record with changes. Raises TypeError for a field that there is not.

        Not `dataclasses.replace`, which sets every field anew: 5 µs against 0.6.
        """
        known = self.__dict__
        fields = {**known, **changes}
        if len(fields) != len(known):
            raise TypeError(f"{type(self).__name__} has no such fields: {sorted(set(fields) - set(known))}")
        made = object.__new__(type(self))
        made.__dict__ = fields
        return made
