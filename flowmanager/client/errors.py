"""What a call of the client can fail with: a class for each kind of answer, and for having none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flowmanager.errors import DOMAIN, BrokerLost, FlowManagerError, PeerError, PeerGarbled, PeerTimeout
from flowmanager.schemas.envelopes import ERROR_TYPE
from flowmanager.transport.shared_caller import CallerClosed

CLIENT_DOMAIN = "client"
"""Where an error comes from that no service answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The facts of a failed call."""

    status_code: int
    reason: str
    message: str
    details: tuple[Mapping[str, Any], ...] = ()
    domain: str = CLIENT_DOMAIN
    request: str = ""
    """Method and URI."""
    data: Any = None
    """The `data` of the answer as it came."""


class ClientError(Exception):
    """A call failed. `failure` has all facts."""

    def __init__(self, failure: Failure) -> None:
        """Keep the facts."""
        super().__init__(failure)
        self.failure = failure

    def __str__(self) -> str:
        facts = self.failure
        return f"{facts.message} ({facts.status_code} {facts.reason}, {facts.request})"

    @property
    def status_code(self) -> int:
        """The number of the answer; without one 504 (time-out), 503 (no connection), 502 (unreadable), 499 (closed)."""
        return self.failure.status_code

    @property
    def reason(self) -> str:
        """What programs tell errors apart by, such as FLOW_NOT_FOUND."""
        return self.failure.reason

    @property
    def message(self) -> str:
        """A sentence for people."""
        return self.failure.message

    @property
    def details(self) -> tuple[Mapping[str, Any], ...]:
        """Facts, such as the path of a value that is wrong."""
        return self.failure.details

    @property
    def domain(self) -> str:
        """The service that the error comes from; `client` when nobody answered."""
        return self.failure.domain


class InvalidRequest(ClientError):
    """The request is not valid (400)."""


class InvalidActionType(InvalidRequest):
    """An action's type is not supported."""


class VariableLimit(InvalidRequest):
    """The variables are larger than allowed."""


class TargetNotFound(InvalidRequest):
    """The target action cannot be reached from here."""


class ActionFailed(InvalidRequest):
    """An action failed and ended the activeflow."""


class LimitReached(InvalidRequest):
    """The activeflow used up its executions and was ended."""


class Forbidden(ClientError):
    """It is not allowed, or not paid for (401, 402, 403)."""


class NotFound(ClientError):
    """There is no such thing (404)."""


class FlowNotFound(NotFound):
    """The flow was not found."""


class ActiveflowNotFound(NotFound):
    """The activeflow was not found."""


class ActionNotFound(NotFound):
    """The action was not found in the flow."""


class Conflict(ClientError):
    """It does not fit the state of the record; nothing was changed (409)."""


class StaleAction(Conflict):
    """The activeflow is not at that action any more."""


class ActiveflowEnded(Conflict):
    """The activeflow has ended."""


class AlreadyExists(Conflict):
    """The id is taken by another record."""


class MainStack(Conflict):
    """The main stack can be neither extended nor released."""


class ChainLimit(Conflict):
    """The chain of activeflows is as long as it may be."""


class ResourceExhausted(ClientError):
    """There is too much of something (429)."""


class FlowLimit(ResourceExhausted):
    """The customer has as many flows as allowed."""


class ServerError(ClientError):
    """Something went wrong on the other side (500)."""


class Unavailable(ClientError):
    """A service that is needed cannot be reached (503), or nobody has declared the request queue."""


class ConnectionLost(Unavailable):
    """The connection to the broker broke or cannot be opened."""


class Timeout(ClientError):
    """No answer came in time; the request may have been carried out, or be carried out later."""


class UnreadableAnswer(ClientError):
    """The answer is not what was expected."""


class ClientClosed(ClientError):
    """The client was closed."""


BY_REASON: Mapping[str, type[ClientError]] = {
    "INVALID_ACTION_TYPE": InvalidActionType,
    "VARIABLE_LIMIT": VariableLimit,
    "TARGET_NOT_FOUND": TargetNotFound,
    "ACTION_FAILED": ActionFailed,
    "LIMIT_REACHED": LimitReached,
    "FLOW_NOT_FOUND": FlowNotFound,
    "ACTIVEFLOW_NOT_FOUND": ActiveflowNotFound,
    "ACTION_NOT_FOUND": ActionNotFound,
    "STALE_ACTION": StaleAction,
    "ACTIVEFLOW_ENDED": ActiveflowEnded,
    "ALREADY_EXISTS": AlreadyExists,
    "MAIN_STACK": MainStack,
    "CHAIN_LIMIT": ChainLimit,
    "FLOW_LIMIT": FlowLimit,
}
BY_STATUS_CODE: Mapping[int, type[ClientError]] = {
    400: InvalidRequest,
    401: Forbidden,
    402: Forbidden,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    429: ResourceExhausted,
    503: Unavailable,
}


def refusal(answer: Mapping[str, Any], request: str) -> ClientError:
    """Return the error for an answer whose status is no success, with a typed body or a bare one."""
    status_code = answer["status_code"]
    data = answer.get("data")
    typed = data if answer.get("data_type") == ERROR_TYPE and isinstance(data, Mapping) else {}
    failure = Failure(
        status_code=status_code,
        reason=str(typed.get("reason") or reason_of(status_code)),
        message=str(typed.get("message") or f"answered {status_code}"),
        details=tuple(one for one in typed.get("details") or () if isinstance(one, Mapping)),
        domain=str(typed.get("domain") or DOMAIN),
        request=request,
        data=data,
    )
    ours = BY_REASON.get(failure.reason) if failure.domain == DOMAIN else None
    return (ours or BY_STATUS_CODE.get(status_code, ServerError))(failure)


def reason_of(status_code: int) -> str:
    """Return a reason for a bare status."""
    known = {status.value: status.name for status in HTTPStatus}
    return known.get(status_code, "UNKNOWN")


def no_answer(error: FlowManagerError, request: str, seconds: float) -> ClientError:
    """Return the error for a request that got no answer within `seconds`."""
    kind, status_code = kind_of(error)
    message = f"no answer within {seconds:g} s" if kind is Timeout else str(error)
    reason = "TIMEOUT" if kind is Timeout else "UNREACHABLE" if isinstance(error, PeerError) else error.reason
    details = (dict(error.facts),) if error.facts else ()
    return kind(Failure(status_code=status_code, reason=reason, message=message, details=details, request=request))


def kind_of(error: FlowManagerError) -> tuple[type[ClientError], int]:
    """Return the class and the status code of what the transport raises."""
    match error:
        case PeerTimeout():
            return Timeout, 504
        case BrokerLost():
            return ConnectionLost, 503
        case PeerGarbled():
            return UnreadableAnswer, 502
        case CallerClosed():
            return ClientClosed, 499
        case _:
            return Unavailable, 503
