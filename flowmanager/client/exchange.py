"""One call: send the request, send it again when no answer comes, and read the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, TypeVar
from uuid import uuid4

from tenacity import RetryCallState, Retrying, stop_after_attempt, stop_before_delay, wait_random_exponential

from flowmanager.client.errors import ConnectionLost, StaleAction, Timeout, no_answer, refusal
from flowmanager.client.options import CallOptions
from flowmanager.errors import FlowManagerError, PeerGarbled
from flowmanager.ports import Ask
from flowmanager.transport.envelope import Letter, parse_answer, request_body
from flowmanager.transport.shared_caller import Question, SharedCaller

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often a request is sent when no answer comes, or the connection breaks. Times in seconds."""

    attempts: int = 4
    attempt_seconds: float = 3.0
    """How long to wait before sending again; longer when the call's time-out divided by `attempts` is longer."""
    pause: float = 0.1
    """Longest pause before the second sending, doubled each time; each pause is random."""
    pause_limit: float = 2.0


@dataclass(slots=True)
class Exchange:
    """One request and its attempts; used by one thread."""

    question: Question
    policy: RetryPolicy
    request: str
    """Method and URI."""
    timeout: float
    number: int = 0
    deadline: float = field(init=False)

    def __post_init__(self) -> None:
        """Start the clock."""
        self.deadline = monotonic() + self.timeout

    def run(self) -> Any:
        """Return the data of the answer. Raises ClientError."""
        retrying = Retrying(
            sleep=self.question.rest,
            stop=stop_after_attempt(self.policy.attempts) | stop_before_delay(self.timeout),
            wait=self.pause,
            retry=self.worth_repeating,
            reraise=True,
        )
        return retrying(self.attempt)

    def attempt(self) -> Any:
        """Send the request once."""
        self.number += 1
        try:
            body = self.question.ask(self.seconds())
            answer = parse_answer("flow", body)
        except FlowManagerError as error:
            raise no_answer(error, self.request, self.timeout) from error
        if answer["status_code"] < 300:
            return answer.get("data")
        raise refusal(answer, self.request)

    def seconds(self) -> float:
        """How long this attempt waits: the last one for all the time that is left."""
        left = max(self.deadline - monotonic(), 0.0)
        return left if self.number >= self.policy.attempts else min(self.slice, left)

    @property
    def slice(self) -> float:
        """How long one attempt waits."""
        return max(self.policy.attempt_seconds, self.timeout / self.policy.attempts)

    def worth_repeating(self, state: RetryCallState) -> bool:
        """Say whether the first answer may still be had."""
        error = state.outcome.exception() if state.outcome else None
        # While the first sending is being worked on, its repeat finds the activeflow on its way.
        overtaken = isinstance(error, StaleAction) and self.number > 1
        return overtaken or isinstance(error, Timeout | ConnectionLost)

    def pause(self, state: RetryCallState) -> float:
        """How long to wait before the next attempt; an answer to an earlier one ends the wait."""
        if state.outcome and isinstance(state.outcome.exception(), StaleAction):
            return self.slice
        return wait_random_exponential(self.policy.pause, self.policy.pause_limit)(state)


@dataclass(frozen=True, slots=True)
class Exchanger:
    """Makes calls for any number of threads."""

    caller: SharedCaller
    publisher: str
    timeout: float
    policy: RetryPolicy

    def request(self, method: str, uri: str, data: Any, options: CallOptions) -> Any:
        """Return the data of the answer, None when it has none. Raises ClientError."""
        ask = Ask(peer="flow", method=method, uri=uri, body=data, key=options.get("request_id") or str(uuid4()))
        letter = Letter(body=request_body(ask, publisher=self.publisher), properties={"message_id": ask.key})
        with self.caller.question(letter) as question:
            timeout = options.get("timeout", self.timeout)
            return Exchange(question, self.policy, f"{method} {uri}", timeout).run()

    def read(self, read: Callable[[Any], T], method: str, uri: str, data: Any, options: CallOptions) -> T:
        """Return what `read` makes of the data. Raises ClientError, also when it cannot be read."""
        answer = self.request(method, uri, data, options)
        try:
            return read(answer)
        except (TypeError, ValueError, AttributeError, KeyError) as error:
            garbled = PeerGarbled("flow", repr(error))
            raise no_answer(garbled, f"{method} {uri}", 0) from error
