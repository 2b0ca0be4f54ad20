"""How other managers misbehave in a script: `call-manager POST /v1/calls: fail 503`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flowmanager.simulation.parts import Part, duration
from flowmanager.simulation.script import PeerRule
from flowmanager.stub_managers.rules import Fault, Rule

PEERS = (
    *("ai", "call", "conference", "contact", "conversation", "direct", "email", "message", "queue", "transcribe"),
    "webhook",
)
TIMES: Mapping[str, int] = {"once": 1, "twice": 2}
FORMS = "`fail 503`, `fail 404 QUEUE_NOT_FOUND`, `timeout`, `slow 4s`, `garbled`, each with `once`, `twice`, `5 times`"
SENTENCE = re.compile(
    r"(?P<what>fail \d{3}(?: [A-Z][A-Z0-9_]*)?|timeout|slow \S+|garbled)"
    r"(?: (?P<times>once|twice|\d+ times))?(?: after (?P<skip>\d+) good)?"
)


def peer_rule(key: str, part: Part) -> PeerRule:
    """Read one entry: manager, method and URI; then what goes wrong, or what is answered. Raises InvalidScript."""
    words = key.split()
    if len(words) != 3 or not words[2].startswith(("/", "*")):
        raise part.fail("the name must be manager, method and URI, such as `queue POST /v1/services/type/queuecall`")
    manager = words[0].removesuffix("-manager")
    if manager not in (*PEERS, "*"):
        raise part.fail(f"no such manager: {words[0]}; there are: {', '.join(PEERS)}")
    uri = re.sub("<[^>]*>", "*", words[2])
    if isinstance(part.value, Mapping):
        return answered(manager, words[1].upper(), uri, part)
    found = SENTENCE.fullmatch(part.text())
    if found is None:
        raise part.fail(f"must be one of {FORMS}; or an object with `answer:`")
    fault = Fault(**fault_of(part, found["what"]))
    rule = Rule(manager, words[1].upper(), uri, fault, times_of(found["times"]))
    return PeerRule(rule=rule, skip=int(found["skip"] or 0), path=part.path)


def times_of(words: str | None) -> int | None:
    """Return how often; None: for ever."""
    if words is None:
        return None
    return TIMES.get(words) or int(words.split()[0])


def answered(manager: str, method: str, uri: str, part: Part) -> PeerRule:
    """Read an entry that says what is answered."""
    given = part.fields("answer")
    if "answer" not in given:
        raise part.fail("what is answered? say `answer:`")
    return PeerRule(rule=Rule(manager, method, uri, Fault()), answer=given["answer"].value, path=part.path)


def fault_of(part: Part, what: str) -> dict[str, Any]:
    """Return what goes wrong."""
    name, *rest = what.split()
    if name == "fail":
        return {"status_code": int(rest[0]), **({"reason": rest[1]} if len(rest) > 1 else {})}
    if name == "slow":
        delay = duration(rest[0])
        if delay is None:
            raise part.fail(f"how slow? a time such as 4s, not {rest[0]!r}")
        return {"delay": delay}
    return {"silent": True} if name == "timeout" else {"nonsense": "text"}
