"""The clients of other managers: what they send when no executor is involved, and the keys of their requests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from flowmanager.core.action import Action
from flowmanager.errors import PeerGarbled
from flowmanager.managers.direct_manager import Direct
from flowmanager.managers.managers import Managers
from flowmanager.managers.peer import text_in
from flowmanager.managers.web import Web
from tests.fakes import FlowShelf
from tests.unit.executors.steps import ACTION, CALL, CUSTOMER, FIRST, FLOW, SECOND, STEP, Peers

DIRECT = {"id": FIRST, "hash": "abc"}
ASKS: list[tuple[Callable[[Managers], Any], str, Any, Any, Any]] = [
    (
        lambda managers: managers.call.perform(CALL, FLOW, Action(ACTION, "talk", {"text": "hi"}, FIRST)),
        f"call POST /v1/calls/{CALL}/actions",
        {"activeflow_id": FLOW, "action": {"id": ACTION, "type": "talk", "option": {"text": "hi"}}},
        None,
        None,
    ),
    (
        lambda managers: managers.call.perform(CALL, FLOW, Action(ACTION, "answer")),
        f"call POST /v1/calls/{CALL}/actions",
        {"activeflow_id": FLOW, "action": {"id": ACTION, "type": "answer", "option": {}}},
        None,
        None,
    ),
    (
        lambda managers: managers.call.action_next(CALL),
        f"call POST /v1/calls/{CALL}/action-next",
        {"force": True},
        None,
        None,
    ),
    (
        lambda managers: managers.direct.create(CUSTOMER, SECOND),
        "direct POST /v1/directs",
        {"customer_id": CUSTOMER, "resource_type": "flow", "resource_id": SECOND},
        DIRECT,
        Direct(FIRST, "abc"),
    ),
    (
        lambda managers: managers.direct.regenerate(FIRST),
        f"direct POST /v1/directs/{FIRST}/regenerate",
        None,
        DIRECT,
        Direct(FIRST, "abc"),
    ),
    (lambda managers: managers.direct.delete(FIRST), f"direct DELETE /v1/directs/{FIRST}", None, DIRECT, None),
]


@pytest.mark.parametrize(("call", "line", "body", "answer", "expected"), ASKS)
def test_what_is_asked(call: Callable[[Managers], Any], line: str, body: Any, answer: Any, expected: Any) -> None:
    """Peer, method, URI and body; and what the answer means."""
    peers = Peers({line: answer})
    assert call(peers.managers) == expected
    assert (peers.rpc.lines, peers.bodies) == ([line], [body])
    assert (peers.rpc.asks[0].seconds, peers.rpc.asks[0].json) == (3, False)


def test_each_request_of_a_step_has_a_key_of_its_own_that_a_repeat_has_too() -> None:
    """Peers can tell a repeat from a new request."""
    first, again = Peers({"*": None}), Peers({"*": None})
    for peers in (first, again):
        managers = peers.managers
        managers.call.mute(CALL)
        managers.direct.delete(FIRST)
    keys = [ask.key for ask in first.rpc.asks]
    assert keys == [ask.key for ask in again.rpc.asks]
    assert len(set(keys)) == 2


def test_a_temporary_flow_is_made_once_for_a_step() -> None:
    """It is neither listed nor kept for ever."""
    shelf = FlowShelf()
    peers = Peers(shelf=shelf)
    made = [peers.managers.flows.create(CUSTOMER, (Action(ACTION, "answer"),), name="n", detail="d") for _ in "12"]
    (flow,) = shelf.flows.values()
    assert made == [flow.id, flow.id]
    assert (flow.name, flow.detail, flow.persist, flow.tm_create) == ("n", "d", False, shelf.time)
    assert flow.tm_expire == shelf.time + timedelta(hours=24)


def test_the_web_has_limits_of_its_own() -> None:
    """Unless it is given others."""
    peers = Peers()
    assert peers.managers.web == Web()
    other = Web(seconds=1)
    assert Managers.of(peers.rpc, peers.shelf, STEP, web=other).web is other


@pytest.mark.parametrize(("answer", "text"), [({}, ""), ({"a": None}, ""), ({"a": "x"}, "x")])
def test_a_text_of_an_answer(answer: Any, text: str) -> None:
    """Absent is empty."""
    assert text_in("call", answer, "a") == text


@pytest.mark.parametrize("answer", [None, [], {"a": 0}, {"a": {}}])
def test_a_text_that_is_none_is_a_garbled_answer(answer: Any) -> None:
    """With the peer's name."""
    with pytest.raises(PeerGarbled, match="call-manager"):
        text_in("call", answer, "a")
