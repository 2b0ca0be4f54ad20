"""Which of a script's rules for other managers a request meets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from flowmanager.ports import Ask
from flowmanager.simulation.script import PeerRule


@dataclass(slots=True)
class ScriptRules:
    """The rules, and how often each was met."""

    rules: Sequence[PeerRule]
    met: dict[int, int] = field(default_factory=dict)

    def match(self, ask: Ask) -> PeerRule | None:
        """Return the first rule that means a request and is not used up; None: nothing is special."""
        for number, one in enumerate(self.rules):
            if one.rule.matches(ask.peer, ask.method, ask.uri.partition("?")[0]):
                self.met[number] = self.met.get(number, 0) + 1
                if self.counts(one, self.met[number]):
                    return one
        return None

    def counts(self, one: PeerRule, times: int) -> bool:
        """Say whether a rule that was met for the so-manieth time applies."""
        return times > one.skip and (one.rule.times is None or times <= one.skip + one.rule.times)
