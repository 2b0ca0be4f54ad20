"""What goes wrong in an exploration: others fail or are silent, media cannot be carried out, the caller hangs up.

None of it belongs to the flow, so a trouble is tried once at each place, and what the flow itself can do goes first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from flowmanager.core.frozen import frozen
from flowmanager.ports import Ask
from flowmanager.simulation.line import is_media
from flowmanager.simulation.script import PeerRule
from flowmanager.stub_managers.rules import Fault, Rule

OK = "ok"
FAILS, SILENT = "fails", "does not answer"
CANNOT_PLAY = "cannot be carried out"
HANGS_UP, HANGS_UP_MEANWHILE, HANGS_UP_TYPING = "hangs up", "hangs up meanwhile", "hangs up after one key"
KINDS: Mapping[str, tuple[str, ...]] = {
    "fail": (FAILS,),
    "timeout": (SILENT,),
    "media": (CANNOT_PLAY,),
    "hangup": (HANGS_UP, HANGS_UP_MEANWHILE, HANGS_UP_TYPING),
}
"""The troubles, by the words that commands and tests know them by."""
KIND_OF: Mapping[str, str] = {option: kind for kind, options in KINDS.items() for option in options}
PROVOKED = frozenset({FAILS, SILENT, CANNOT_PLAY})
"""Others failed: what comes of it is not the flow's own mistake."""
ONCE = frozenset({SILENT, CANNOT_PLAY, HANGS_UP, HANGS_UP_MEANWHILE, HANGS_UP_TYPING})
"""Tried once at each place, not in each situation: the flow goes on as after a failure, or is over."""
FAILURE = 503
MEANWHILE_SECONDS = 1.0
"""How long somebody is waited for when the caller hangs up."""
SHORTEST_REQUEST = 2 * MEANWHILE_SECONDS
ALL_KINDS = tuple(KINDS)

Mark = tuple[str, str, str]


def everything(fault: Fault) -> PeerRule:
    """Return a rule that meets whatever is asked."""
    return PeerRule(rule=Rule("*", "*", "*", fault))


RULES: Mapping[str, PeerRule] = {
    FAILS: everything(Fault(status_code=FAILURE)),
    CANNOT_PLAY: everything(Fault(status_code=FAILURE)),
    SILENT: everything(Fault(silent=True)),
    HANGS_UP_MEANWHILE: everything(Fault(delay=SHORTEST_REQUEST)),
}
SAID: Mapping[str, str] = {
    FAILS: f"fail {FAILURE}",
    CANNOT_PLAY: f"fail {FAILURE}",
    SILENT: "timeout",
    HANGS_UP_MEANWHILE: f"slow {SHORTEST_REQUEST:g}s",
}
"""How a script says the same."""


def troubles_of(ask: Ask, *, may_leave: bool) -> Iterable[str]:
    """Yield what can go wrong with a request. A hang-up that fails is one."""
    if is_media(ask):
        if ask.body["action"]["type"] != "hangup":
            yield CANNOT_PLAY
        return
    yield from (FAILS, SILENT)
    if may_leave and ask.seconds >= SHORTEST_REQUEST:
        yield HANGS_UP_MEANWHILE


def wanted(options: Iterable[str], kinds: Collection[str]) -> list[str]:
    """Return options without troubles of other kinds."""
    return [one for one in options if one not in KIND_OF or KIND_OF[one] in kinds]


@frozen
class Tried:
    """The troubles that were found to be possible, and which of them were tried."""

    possible: frozenset[Mark]
    tried: frozenset[Mark]

    @property
    def percent(self) -> float:
        """How many were tried."""
        return 100.0 * len(self.tried) / len(self.possible) if self.possible else 100.0

    def counts(self) -> dict[str, int]:
        """Return how many of each kind were tried."""
        found = [KIND_OF[option] for _, _, option in self.tried]
        return {kind: found.count(kind) for kind in KINDS if kind in found}

    def wire(self) -> dict[str, Any]:
        """Return it as JSON."""
        missing = [{"where": where, "what": option} for _, where, option in sorted(self.possible - self.tried)]
        return {
            "all": len(self.possible),
            "tried": len(self.tried),
            "percent": round(self.percent, 1),
            "kinds": self.counts(),
            "missing": missing,
        }


def tried_of(offered: Iterable[Mark], taken: Collection[Mark]) -> Tried:
    """Return the troubles among all options that there were, and those among the options that were taken."""
    possible = frozenset(mark for mark in offered if mark[2] in KIND_OF)
    return Tried(possible, possible.intersection(taken))
