"""`fetch`: actions that a customer's server gives."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import pytest

from flowmanager.core.ids import NIL
from flowmanager.core.outcomes import Outcome, Push
from flowmanager.errors import InvalidActionType, InvalidRequest
from flowmanager.executors.fetch import fetch
from tests.unit.executors.steps import CALL, FIRST, FLOW, STEP, Peers, task_of

URL = "https://example.com/next"


@dataclass
class Site:
    """A web with one server that keeps what it was asked."""

    answer: bytes
    asked: list[tuple[str, str, Any]] = field(default_factory=list)

    def fetch(self, method: str, url: str, body: bytes) -> bytes:
        """Answer."""
        self.asked.append((method, url, orjson.loads(body)))
        return self.answer


def fetched(answer: Any, site: Site | None = None, **option: Any) -> Outcome:
    """Run a `fetch` whose server gives this answer."""
    web: Any = site or Site(answer if isinstance(answer, bytes) else orjson.dumps(answer))
    assert fetch.run is not None
    return fetch.run(task_of(fetch, {"event_url": URL, **option}), replace(Peers().managers, web=web))


@pytest.mark.parametrize(("method", "asked"), [("", "GET"), ("POST", "POST")])
def test_the_server_is_told_who_asks(method: str, asked: str) -> None:
    """By GET unless told otherwise."""
    site = Site(b"[]")
    assert fetched(None, site, event_method=method) == Push(STEP, ())
    assert site.asked == [(asked, URL, {"activeflow_id": FLOW, "reference_id": CALL})]


def test_what_is_fetched_is_pushed() -> None:
    """Ids are made where there are none, the same in every repeat."""
    actions = [
        {"type": "talk", "option": {"text": "hi"}},
        {"id": FIRST, "type": "goto", "option": {"target_id": FIRST}},
    ]
    outcome = fetched(actions)
    assert isinstance(outcome, Push)
    assert [action.type for action in outcome.actions] == ["talk", "goto"]
    assert outcome.actions[0].id != NIL
    assert outcome.actions[1].id == FIRST
    assert fetched(actions) == outcome


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        ({}, "not a list of actions"),
        ([1], "not a list of actions"),
        (b"[" + b'{"a":' * 100 + b"1" + b"}" * 100 + b"]", "nested too deep"),
        ([{"type": "talk", "option": {"text": 5}}], r"actions\[0\]\.option\.text"),
        ([{"type": "talk", "next_id": "nowhere"}], r"actions\[0\]\.next_id"),
    ],
)
def test_what_cannot_be_run_is_a_failure(answer: Any, sentence: str) -> None:
    """It is checked as when a flow is stored."""
    with pytest.raises(InvalidRequest, match=sentence):
        fetched(answer)


@pytest.mark.parametrize("action_type", ["dance", "empty"])
def test_unknown_types_are_a_failure(action_type: str) -> None:
    """The internal one too."""
    with pytest.raises(InvalidActionType, match=action_type):
        fetched([{"type": "answer"}, {"type": action_type}])
