"""Who decides what the world around a flow does, where a script leaves that open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowmanager.executor import Task
from flowmanager.ports import Ask
from flowmanager.simulation.script import PeerRule

if TYPE_CHECKING:
    from flowmanager.simulation.office import Office


class Director:
    """Decides nothing: the script's word counts."""

    def begins(self, office: Office) -> None:
        """The simulation begins."""

    def influence(self, task: Task) -> Task:
        """Return an action as it finds the world: perhaps at another time, perhaps with other variables."""
        return task

    def asked(self, ask: Ask) -> PeerRule | None:
        """Say how another manager treats a request; None: as the script says."""
        del ask
        return None
