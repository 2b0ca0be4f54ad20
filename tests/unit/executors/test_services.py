"""Actions that start a service of another manager and run what it pushes."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest

from flowmanager.core.action import Action
from flowmanager.core.activeflow import ReferenceType
from flowmanager.core.ids import NIL
from flowmanager.core.outcomes import Continue, Push
from flowmanager.errors import PeerError, PeerGarbled, PeerTimeout
from flowmanager.executor import Executor
from flowmanager.executors.ai_summary import ai_summary
from flowmanager.executors.ai_talk import ai_talk
from flowmanager.executors.ai_task import ai_task
from flowmanager.executors.conference_join import conference_join
from flowmanager.executors.queue_join import queue_join
from tests.unit.executors.steps import CALL, CUSTOMER, FIRST, FLOW, SECOND, Peers, ask

SERVICE = "a15d7c30-94be-4f0a-8d6e-2b7fc93e0d48"
PUSHED = {"id": SECOND, "next_id": NIL, "type": "confbridge_join", "option": {"confbridge_id": FIRST}}
ANSWER = {"id": SERVICE, "type": "any", "push_actions": [PUSHED]}
FRAME = (Action(SECOND, "confbridge_join", {"confbridge_id": FIRST}),)

SERVICES: list[tuple[Executor, dict[str, Any], str, dict[str, Any], float]] = [
    (
        queue_join,
        {"queue_id": FIRST},
        "queue POST /v1/services/type/queuecall",
        {"queue_id": FIRST, "activeflow_id": FLOW, "reference_type": "call", "reference_id": CALL},
        3,
    ),
    (
        conference_join,
        {"conference_id": FIRST},
        "conference POST /v1/services/type/conferencecall",
        {"activeflow_id": FLOW, "conference_id": FIRST, "reference_type": "call", "reference_id": CALL},
        3,
    ),
    (
        ai_talk,
        {"assistance_type": "team", "assistance_id": FIRST, "ai_id": SECOND, "duration": 60},
        "ai POST /v1/services/type/aicall",
        {
            "assistance_type": "team",
            "assistance_id": FIRST,
            "activeflow_id": FLOW,
            "reference_type": "call",
            "reference_id": CALL,
        },
        30,
    ),
    (
        ai_task,
        {"ai_id": SECOND},
        "ai POST /v1/services/type/task",
        {"assistance_type": "ai", "assistance_id": SECOND, "activeflow_id": FLOW},
        3,
    ),
]


@pytest.mark.parametrize(("executor", "option", "line", "body", "seconds"), SERVICES)
def test_a_service_is_started_and_its_actions_are_pushed(
    executor: Executor, option: dict[str, Any], line: str, body: dict[str, Any], seconds: float
) -> None:
    """The frame has the id of the service."""
    peers = Peers({line: ANSWER})
    outcome = ask(executor, option, peers)
    assert isinstance(outcome, Push)
    assert (outcome.stack_id, outcome.actions) == (SERVICE, FRAME)
    assert peers.rpc.lines == [line]
    assert peers.bodies == [body]
    assert peers.rpc.asks[0].seconds == seconds


@pytest.mark.parametrize("executor", [queue_join, conference_join, ai_talk, ai_task])
@pytest.mark.parametrize("error", [PeerError("x", 404), PeerTimeout("x", 3)])
def test_the_peers_error_is_the_actions_failure(executor: Executor, error: Exception) -> None:
    """As it is: the caller is told what the peer said."""
    with pytest.raises(type(error)) as caught:
        ask(executor, {"ai_id": FIRST}, Peers({"*": error}))
    assert caught.value is error


def test_queue_join_tells_that_the_call_waits_when_the_frame_is_stored() -> None:
    """Not before: an agent may be found at once."""
    waiting = f"queue POST /v1/queuecalls/{SERVICE}/status_waiting"
    peers = Peers({"queue POST /v1/services/*": ANSWER, waiting: None})
    outcome = ask(queue_join, {"queue_id": FIRST}, peers)
    assert isinstance(outcome, Push)
    assert outcome.follow_up is not None
    assert len(peers.rpc.asks) == 1
    outcome.follow_up()
    assert peers.rpc.lines[1] == waiting
    assert (peers.rpc.asks[1].body, peers.rpc.asks[1].json) == (None, False)
    assert len({request.key for request in peers.rpc.asks}) == 2


@pytest.mark.parametrize(
    ("reference_type", "sent"),
    [("call", "call"), ("conversation", "conversation"), ("api", "call"), ("campaign", "call")],
)
def test_ai_talk_names_what_it_talks_on(reference_type: str, sent: str) -> None:
    """A conversation, else a call."""
    peers = Peers({"*": ANSWER})
    ask(ai_talk, {"ai_id": FIRST}, peers, reference_type=ReferenceType(reference_type))
    assert peers.bodies[0]["reference_type"] == sent
    assert (peers.bodies[0]["assistance_type"], peers.bodies[0]["assistance_id"]) == ("ai", FIRST)


@pytest.mark.parametrize("executor", [ai_talk, ai_task])
@pytest.mark.parametrize(
    ("option", "kind"),
    [({}, "ai"), ({"assistance_id": FIRST}, "ai"), ({"assistance_type": "team", "ai_id": FIRST}, "team")],
)
def test_nobody_to_help_is_for_ai_manager_to_refuse(executor: Executor, option: dict[str, str], kind: str) -> None:
    """Without a type only the old `ai_id` counts, beside one only `assistance_id`."""
    peers = Peers({"*": ANSWER})
    ask(executor, option, peers)
    assert (peers.bodies[0]["assistance_type"], peers.bodies[0]["assistance_id"]) == (kind, NIL)


@pytest.mark.parametrize(
    ("executor", "option"), [(ai_summary, {}), (queue_join, {"queue_id": FIRST})], ids=["ai_summary", "queue_join"]
)
def test_an_answer_that_is_no_object_is_a_failure(executor: Executor, option: dict[str, str]) -> None:
    """Also where nothing in it is needed; no answer at all is none."""
    for answer, fails in ((None, False), ({}, False), ([], True), ("done", True)):
        peers = Peers({"queue POST /v1/services/*": ANSWER, "*": answer})
        with pytest.raises(PeerGarbled, match="not an object") if fails else nullcontext():
            outcome = ask(executor, option, peers)
            if isinstance(outcome, Push) and outcome.follow_up:
                outcome.follow_up()


def test_ai_summary_passes_on_what_it_is_given_and_pushes_nothing() -> None:
    """A summary made at once takes long."""
    peers = Peers({"ai POST /v1/services/type/summary": ANSWER})
    option = {"on_end_flow_id": FIRST, "reference_type": "recording", "reference_id": SECOND, "language": "en-US"}
    assert ask(ai_summary, option, peers) == Continue()
    assert peers.bodies == [{"customer_id": CUSTOMER, "activeflow_id": FLOW, **option}]
    assert peers.rpc.asks[0].seconds == 60


def test_ai_summary_leaves_out_empty_texts() -> None:
    """Ids are always there."""
    peers = Peers({"*": None})
    ask(ai_summary, None, peers)
    assert peers.bodies == [
        {"customer_id": CUSTOMER, "activeflow_id": FLOW, "on_end_flow_id": NIL, "reference_id": NIL}
    ]


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {},
        {"id": 5},
        {"id": "no uuid"},
        {"id": SERVICE, "push_actions": {}},
        {"id": SERVICE, "push_actions": ["talk"]},
        {"id": SERVICE, "push_actions": [{"id": FIRST}]},
        {"id": SERVICE, "push_actions": [{"id": "x", "type": "talk"}]},
        {"id": SERVICE, "push_actions": [{"type": "talk", "option": "x"}]},
    ],
)
def test_a_service_that_cannot_be_read_is_a_failure(answer: Any) -> None:
    """With the peer's name."""
    with pytest.raises(PeerGarbled, match="queue-manager"):
        ask(queue_join, {"queue_id": FIRST}, Peers({"*": answer}))


@pytest.mark.parametrize("actions", [None, []])
def test_a_service_may_push_nothing(actions: Any) -> None:
    """Then the flow goes on."""
    outcome = ask(ai_task, {"ai_id": FIRST}, Peers({"*": {"id": SERVICE, "push_actions": actions}}))
    assert outcome == Push(SERVICE, ())


def test_a_pushed_action_without_id_gets_the_same_one_in_every_repeat() -> None:
    """So that a repeated step pushes the same frame."""
    answer = {"id": SERVICE, "push_actions": [{"type": "answer"}, {"type": "answer", "id": NIL}]}
    pushed = [ask(ai_task, {"ai_id": FIRST}, Peers({"*": answer})) for _ in range(2)]
    assert pushed[0] == pushed[1]
    assert isinstance(pushed[0], Push)
    assert len({action.id for action in pushed[0].actions} - {NIL}) == 2
