"""Requests that every stub takes, to be told at run time how to behave and asked what it has seen."""

from __future__ import annotations

from itertools import islice
from typing import Any

from flowmanager.errors import InvalidSetting
from flowmanager.stub_managers.hanging_up import hang_up
from flowmanager.stub_managers.media import script_digits
from flowmanager.stub_managers.queue_plan import QueuePlan
from flowmanager.stub_managers.rules import parse_rule
from flowmanager.stub_managers.stub import Refusal, Route, StubRequest
from flowmanager.stub_managers.world import World


def add_rules(world: World, request: StubRequest) -> None:
    """Add `rules`, a list of texts: all of them, or none when one cannot be read."""
    texts = request.data.get("rules")
    if not isinstance(texts, list):
        raise Refusal(400, "INVALID_ARGUMENT", "rules: Not a list.")
    try:
        parsed = [parse_rule(str(text)) for text in texts]
    except InvalidSetting as error:
        raise Refusal(400, error.reason, str(error)) from error
    for rule in parsed:
        world.rules.add(rule)


def clear_rules(world: World, _request: StubRequest) -> None:
    """Remove all rules."""
    world.rules.clear()


def get_seen(world: World, request: StubRequest) -> list[dict[str, Any]]:
    """List the requests received, without the first `skip`, at most `limit`."""
    skip, limit = int(request.number("skip") or 0), int(request.number("limit") or 1000)
    return [seen.wire() for seen in islice(list(world.seen), skip, skip + limit)]


def add_digits(world: World, request: StubRequest) -> None:
    """Have the `digits` pressed on the call `call_id` (`*`: any) when they are asked for."""
    script_digits(world, request.text("call_id", "*"), request.text("digits"))


def end_call(world: World, request: StubRequest) -> None:
    """Let the other side of the call `call_id` hang up."""
    hang_up(world, request.text("call_id"), reason=request.text("reason", "normal"))


def set_answer(world: World, request: StubRequest) -> None:
    """Say how calls to `target` (`*`: any) end up: `answer`, or a reason such as `busy`."""
    world.table("answers")[request.text("target", "*")] = request.text("outcome", "answer")


def set_queue(world: World, request: StubRequest) -> None:
    """Say how the queue `queue_id` behaves."""
    world.table("queues")[request.id("queue_id")] = QueuePlan(
        wait_flow_id=request.id("wait_flow_id"),
        agent_after=request.number("agent_after"),
        timeout_wait=request.number("timeout_wait"),
        name=request.text("name", QueuePlan().name),
    )


ROUTES = (
    Route("POST", "/v1/stub/rules", add_rules),
    Route("DELETE", "/v1/stub/rules", clear_rules),
    Route("GET", "/v1/stub/seen", get_seen),
    Route("POST", "/v1/stub/digits", add_digits),
    Route("POST", "/v1/stub/hangup", end_call),
    Route("POST", "/v1/stub/answers", set_answer),
    Route("POST", "/v1/stub/queues", set_queue),
)
