"""Who decides what the world around a flow does, where a script leaves that open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowmanager.executor import Task
from flowmanager.ports import Ask
from flowmanager.simulation.script import PeerRule

if TYPE_CHECKING:
    from flowmanager.simulation.caller import Caller
    from flowmanager.simulation.office import Office


class Enough(BaseException):
    """The simulation need not go on. Not an Exception: nobody on the way may take it for a failure of an action."""


class Director:
    """Decides nothing: the script's word counts."""

    def caller(self, office: Office) -> Caller | None:
        """Return who calls; None: whom the script describes. The flow is stored, nothing has begun."""
        del office
        return None

    def influence(self, task: Task) -> Task:
        """Return an action as it finds the world: perhaps at another time, perhaps with other variables."""
        return task

    def asked(self, ask: Ask) -> PeerRule | None:
        """Say how another manager treats a request; None: as the script says."""
        del ask
        return None

    def fetched(self, url: str) -> Any:
        """Say what a customer's server answers; None: what the script says."""
        del url
        return None
