"""What all clients share: one Rpc, and an idempotency key for each call of a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from itertools import count
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from flowmanager.core.action import Action
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import NIL, Id
from flowmanager.errors import PeerGarbled
from flowmanager.ports import Ask, Rpc
from flowmanager.schemas.fields import parse_id


@frozen
class Calls:
    """The calls of one step: each gets a key made from the step's key and its number, the same when repeated."""

    rpc: Rpc
    key: str
    numbers: Any = field(default_factory=count)

    def call(self, ask: Ask) -> Any:
        """Send one request and return the answer's data."""
        key = str(uuid5(NAMESPACE_OID, f"{self.key}:{next(self.numbers)}"))
        return self.rpc.call(replace(ask, key=key))


@frozen
class Service:
    """What a service-start request answers: the service's id and the actions to push under that id."""

    id: Id
    push_actions: tuple[Action, ...]


def without_empty(body: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """Return a body without the named keys that are empty: peers expect them to be absent then."""
    return {key: value for key, value in body.items() if value or key not in keys}


def object_of(peer: str, answer: Any) -> Mapping[str, Any]:
    """Return an answer that must be an object. Raises PeerGarbled."""
    if not isinstance(answer, Mapping):
        raise PeerGarbled(peer, "not an object")
    return answer


def accepted(peer: str, answer: Any) -> None:
    """Check an answer that tells nothing we need: an object, or nothing at all. Raises PeerGarbled."""
    if answer is not None:
        object_of(peer, answer)


def text_in(peer: str, answer: Any, key: str) -> str:
    """Return a text of an answer, empty when absent. Raises PeerGarbled."""
    value = object_of(peer, answer).get(key)
    if not isinstance(value, str | None):
        raise PeerGarbled(peer, f"{key} is not a text")
    return value or ""


def list_in(peer: str, answer: Any, key: str) -> list[Any]:
    """Return a list of an answer, empty when absent. Raises PeerGarbled."""
    value = object_of(peer, answer).get(key)
    if not isinstance(value, list | None):
        raise PeerGarbled(peer, f"{key} is not a list")
    return value or []


def id_of(peer: str, answer: Any) -> Id:
    """Return the `id` of an answer. Raises PeerGarbled."""
    found = parse_id(answer["id"]) if isinstance(answer, Mapping) and isinstance(answer.get("id"), str) else None
    if found is None:
        raise PeerGarbled(peer, "no id in it")
    return found


def service_of(peer: str, answer: Any) -> Service:
    """Return the service of an answer. Raises PeerGarbled."""
    service_id = id_of(peer, answer)
    given = list_in(peer, answer, "push_actions")
    actions = tuple(action_of(peer, service_id, number, one) for number, one in enumerate(given))
    return Service(service_id, actions)


def action_of(peer: str, service_id: Id, number: int, given: Any) -> Action:
    """Return one pushed action; an action without id gets one that is the same in every repeat. Raises PeerGarbled."""
    if not isinstance(given, Mapping) or not isinstance(given.get("type"), str):
        raise PeerGarbled(peer, f"push_actions[{number}] is not an action")
    option = given.get("option")
    if option is not None and not isinstance(option, Mapping):
        raise PeerGarbled(peer, f"push_actions[{number}].option is not an object")
    ids = [parse_id(str(given.get(name) or NIL)) for name in ("id", "next_id")]
    if None in ids:
        raise PeerGarbled(peer, f"push_actions[{number}] has an id that is not a uuid")
    own = ids[0] if ids[0] != NIL else str(uuid5(NAMESPACE_OID, f"{service_id}:{number}"))
    return Action(own or NIL, given["type"], option, ids[1] or NIL)
