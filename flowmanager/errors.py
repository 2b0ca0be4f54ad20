"""Every error of the program: a class with a sentence, a wire status and the facts of the case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

Facts = Mapping[str, Any]

STATUS_CODES: Mapping[str, int] = {
    "INVALID_ARGUMENT": 400,
    "UNAUTHENTICATED": 401,
    "PAYMENT_REQUIRED": 402,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "FAILED_PRECONDITION": 409,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
}
DOMAIN = "flow-manager"
LONGEST = 500
"""Characters of anything that an error quotes: it goes into answers, the history and the log."""


def shortened(value: Any) -> Any:
    """Return a text cut to what an error may quote, anything else as it is."""
    return f"{value[:LONGEST]}…" if isinstance(value, str) and len(value) > LONGEST else value


class FlowManagerError(Exception):
    """Something went wrong inside flow-manager."""

    status: ClassVar[str] = "INTERNAL"
    reason: ClassVar[str] = "INTERNAL"

    def __init__(self, message: str = "", **facts: Any) -> None:
        self.sentence = shortened(message or (type(self).__doc__ or "").strip().splitlines()[0])
        self.facts = {key: shortened(value) for key, value in facts.items()}
        super().__init__(self.sentence)

    def __str__(self) -> str:
        told = ", ".join(f"{key}={value}" for key, value in self.facts.items())
        return f"{self.sentence} ({told})" if told else self.sentence

    def body(self) -> dict[str, Any]:
        """Return the typed error body of the wire: status, reason, domain, message, and details if any."""
        body: dict[str, Any] = {
            "status": self.status,
            "reason": self.reason,
            "domain": DOMAIN,
            "message": self.sentence,
        }
        if self.facts:
            body["details"] = [dict(self.facts)]
        return body

    @property
    def status_code(self) -> int:
        """The numeric status of the answer."""
        return STATUS_CODES.get(self.status, 500)


class InvalidRequest(FlowManagerError):
    """The request is not valid."""

    status = "INVALID_ARGUMENT"
    reason = "INVALID_REQUEST"


class InvalidEnvelope(InvalidRequest):
    """The message is not a JSON object with uri and method."""

    reason = "INVALID_ENVELOPE"


class InvalidActionType(InvalidRequest):
    """The action type is not supported."""

    reason = "INVALID_ACTION_TYPE"


class InvalidAnonymousValue(InvalidRequest):
    """The anonymous option must be empty, yes, no or auto."""

    reason = "INVALID_ANONYMOUS_VALUE"


class VariableLimit(InvalidRequest):
    """The variables are larger than allowed."""

    reason = "VARIABLE_LIMIT"


class RouteNotFound(FlowManagerError):
    """No such URI and method."""

    status = "NOT_FOUND"
    reason = "ROUTE_NOT_FOUND"


class FlowNotFound(FlowManagerError):
    """The flow was not found."""

    status = "NOT_FOUND"
    reason = "FLOW_NOT_FOUND"


class ActionNotFound(FlowManagerError):
    """The action was not found in the flow."""

    status = "NOT_FOUND"
    reason = "ACTION_NOT_FOUND"


class ActiveflowNotFound(FlowManagerError):
    """The activeflow was not found."""

    status = "NOT_FOUND"
    reason = "ACTIVEFLOW_NOT_FOUND"


class AlreadyExists(FlowManagerError):
    """The id is taken by another record."""

    status = "ALREADY_EXISTS"
    reason = "ALREADY_EXISTS"


class StaleAction(FlowManagerError):
    """The activeflow is not at that action any more; nothing was changed."""

    status = "FAILED_PRECONDITION"
    reason = "STALE_ACTION"


class InProgress(FlowManagerError):
    """The same request is being handled; repeat it later for its answer."""

    status = "UNAVAILABLE"
    reason = "IN_PROGRESS"


class ActiveflowEnded(FlowManagerError):
    """The activeflow has ended."""

    status = "FAILED_PRECONDITION"
    reason = "ACTIVEFLOW_ENDED"


class MainStack(FlowManagerError):
    """The main stack can be neither extended nor released."""

    status = "FAILED_PRECONDITION"
    reason = "MAIN_STACK"


class ChainLimit(FlowManagerError):
    """The chain of activeflows is as long as it may be."""

    status = "FAILED_PRECONDITION"
    reason = "CHAIN_LIMIT"


class FlowLimit(FlowManagerError):
    """The customer has as many flows as allowed."""

    status = "RESOURCE_EXHAUSTED"
    reason = "FLOW_LIMIT"


class TargetNotFound(InvalidRequest):
    """The target action cannot be reached from here."""

    reason = "TARGET_NOT_FOUND"


class StackTooDeep(InvalidRequest):
    """The stacks are nested as deep as allowed."""

    reason = "STACK_TOO_DEEP"


class ActionFailed(InvalidRequest):
    """An action failed and ended the activeflow."""

    reason = "ACTION_FAILED"


class ExecutorFault(FlowManagerError):
    """The program has a fault in this action."""

    reason = "EXECUTOR_FAULT"


class LimitReached(InvalidRequest):
    """The activeflow used up its executions and was ended."""

    reason = "LIMIT_REACHED"


class PeerFailure(FlowManagerError):
    """Another manager could not be asked, or its answer is of no use."""

    status = "UNAVAILABLE"
    reason = "PEER_FAILURE"


class PeerError(PeerFailure):
    """Another manager answered with an error."""

    reason = "PEER_ERROR"

    def __init__(self, peer: str, status_code: int, typed: Mapping[str, Any] | None = None, **facts: Any) -> None:
        self.peer = peer
        self.peer_status_code = status_code
        self.typed = dict(typed) if typed else None
        told = f": {typed['message']}" if typed and typed.get("message") else ""
        super().__init__(f"{peer}-manager answered {status_code}{told}", **facts)

    def body(self) -> dict[str, Any]:
        """Return the peer's own typed error where it gave one."""
        return self.typed or super().body()

    @property
    def status_code(self) -> int:
        """The peer's own status where it gave a typed error."""
        return self.peer_status_code if self.typed and self.peer_status_code >= 400 else super().status_code


class PeerUnroutable(PeerError):
    """Another manager's request queue does not exist."""

    def __init__(self, peer: str) -> None:
        super().__init__(peer, STATUS_CODES["UNAVAILABLE"], why="its request queue does not exist")


class PeerTimeout(PeerFailure):
    """Another manager did not answer in time."""

    reason = "PEER_TIMEOUT"

    def __init__(self, peer: str, seconds: float) -> None:
        self.peer = peer
        self.seconds = seconds
        super().__init__(f"{peer}-manager did not answer within {seconds:g} s")


class PeerGarbled(PeerFailure):
    """Another manager gave an answer that cannot be read."""

    reason = "PEER_GARBLED"

    def __init__(self, peer: str, why: str) -> None:
        self.peer = peer
        super().__init__(f"the answer of {peer}-manager cannot be read: {why}")


class PeerUnavailable(PeerFailure):
    """Another manager is not asked at present."""

    reason = "PEER_UNAVAILABLE"

    def __init__(self, peer: str, why: str) -> None:
        self.peer = peer
        super().__init__(f"{peer}-manager is not asked: {why}")


class BrokerLost(FlowManagerError):
    """The connection to the message broker broke."""

    status = "UNAVAILABLE"
    reason = "BROKER_LOST"


class StoreLost(FlowManagerError):
    """The database cannot be reached."""

    status = "UNAVAILABLE"
    reason = "STORE_LOST"


class Contention(StoreLost):
    """The database gave up a lock too often."""

    reason = "CONTENTION"


class AnswerTooLarge(InvalidRequest):
    """The answer is larger than the broker may take: ask for a smaller page."""

    reason = "ANSWER_TOO_LARGE"


class Answered(FlowManagerError):
    """The request was answered before."""

    reason = "ANSWERED"


class InvalidSetting(FlowManagerError):
    """A setting is missing or wrong."""

    reason = "INVALID_SETTING"


class NotReplayed(FlowManagerError):
    """The parked message cannot be sent back."""

    reason = "NOT_REPLAYED"
