"""The form of a rule: a value that one file under `rules/` defines, around a pure function over one flow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from flowmanager.core.frozen import frozen
from flowmanager.lint.finding import Finding, Flaw
from flowmanager.lint.template import Template
from flowmanager.lint.world import World

Check = Callable[[Template, World], Iterable[Flaw]]


@frozen
class Rule:
    """A name, what it is about in one sentence, and the function that finds it."""

    name: str
    about: str
    check: Check

    def findings(self, flow: Template, world: World) -> Iterator[Finding]:
        """Yield what the rule finds."""
        for flaw in self.check(flow, world):
            yield Finding(self.name, flaw.severity, flaw.path, flaw.reason, flaw.fix)


def rule(name: str, about: str) -> Callable[[Check], Rule]:
    """Make a rule of a function."""
    return lambda check: Rule(name, about, check)
