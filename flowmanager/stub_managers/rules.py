"""Rules that make a stub misbehave: which request, and what goes wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from re import sub
from threading import Lock
from typing import Any

from flowmanager.core.frozen import frozen
from flowmanager.errors import InvalidSetting


@frozen(kw_only=True)
class Fault:
    """What goes wrong. Only with `delay` and `lost` alone the work is done."""

    status_code: int = 0
    """Answer this status."""
    reason: str = "STUB_FAULT"
    """The reason in the error body; empty: no body."""
    delay: float = 0.0
    """Seconds that the answer is late."""
    silent: bool = False
    """Do nothing and do not answer."""
    lost: bool = False
    """Do the work, but do not answer."""
    nonsense: str = ""
    """Answer rubbish: one of NONSENSE."""


NONSENSE: Mapping[str, Any] = {
    "text": b"<html>Bad Gateway</html>",
    "list": b"[1, 2, 3]",
    "envelope": {"answer": "yes"},
    "data": {"status_code": 200, "data_type": "application/json", "data": [42]},
}
"""Not JSON; no object; an object that is no answer; an answer whose data has the wrong shape."""


@frozen
class Rule:
    """A fault for requests of one manager, method and URI, each possibly with wildcards."""

    manager: str
    method: str
    uri: str
    fault: Fault
    times: int | None = None
    """How often; None: for ever."""

    def matches(self, manager: str, method: str, path: str) -> bool:
        """Say whether a request is meant."""
        asked = ((manager, self.manager), (method, self.method), (path, self.uri))
        return all(fnmatchcase(value, pattern) for value, pattern in asked)


def fail(value: str) -> dict[str, Any]:
    """`503` or `404:QUEUE_NOT_FOUND`; `503:` for no error body."""
    code, colon, reason = value.partition(":")
    return {"status_code": int(code), "reason": reason if colon else Fault().reason}


def nonsense(value: str) -> dict[str, Any]:
    """One of NONSENSE; without a value: not JSON."""
    if value and value not in NONSENSE:
        raise InvalidSetting("unknown kind of nonsense", given=value, known=", ".join(NONSENSE))
    return {"nonsense": value or "text"}


FAULTS: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "fail": fail,
    "delay": lambda value: {"delay": float(value)},
    "silent": lambda _value: {"silent": True},
    "lost": lambda _value: {"lost": True},
    "nonsense": nonsense,
}


def parse_rule(text: str) -> Rule:
    """Read `queue POST /v1/services/type/queuecall fail=503 times=2`. Raises InvalidSetting.

    Manager and method may be `*`; in the URI `*` or `<id>` stands for anything. Faults: `fail=STATUS[:REASON]`,
    `delay=SECONDS`, `silent`, `lost`, `nonsense[=KIND]`.
    """
    words = text.split()
    if len(words) < 4:
        raise InvalidSetting("a rule is: manager method uri fault", rule=text)
    manager, method, uri = words[:3]
    changes: dict[str, Any] = {}
    times = None
    for word in words[3:]:
        name, _, value = word.partition("=")
        try:
            if name == "times":
                times = int(value)
            else:
                changes |= FAULTS[name](value)
        except (KeyError, ValueError) as error:
            raise InvalidSetting("a fault of the rule cannot be read", rule=text, fault=word) from error
    short = manager.removesuffix("-manager")
    return Rule(short, method.upper(), sub("<[^>]*>", "*", uri), Fault(**changes), times)


class Rules:
    """The rules in force; the first that matches counts."""

    def __init__(self) -> None:
        """Without any rule."""
        self._rules: list[Rule] = []
        self._lock = Lock()

    def add(self, rule: str | Rule) -> None:
        """Add a rule behind the others. Raises InvalidSetting."""
        parsed = parse_rule(rule) if isinstance(rule, str) else rule
        with self._lock:
            self._rules.append(parsed)

    def clear(self) -> None:
        """Remove all rules."""
        with self._lock:
            self._rules.clear()

    def fault_for(self, manager: str, method: str, uri: str) -> Fault | None:
        """Return what goes wrong with a request; a rule for some times is used up by that."""
        path = uri.partition("?")[0]
        with self._lock:
            for number, rule in enumerate(self._rules):
                if rule.times != 0 and rule.matches(manager, method, path):
                    if rule.times is not None:
                        self._rules[number] = replace(rule, times=rule.times - 1)
                    return rule.fault
        return None
