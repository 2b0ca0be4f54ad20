"""The form of a URI, and the router: the one place where an error becomes an answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from time import monotonic
from typing import Any
from urllib.parse import parse_qs, unquote

import structlog
from marshmallow import ValidationError

from flowmanager.core.frozen import frozen
from flowmanager.core.ids import Id
from flowmanager.errors import Answered, FlowManagerError, InProgress, InvalidRequest, RouteNotFound, StoreLost
from flowmanager.orchestrator.control import Control
from flowmanager.orchestrator.customers import Customers
from flowmanager.orchestrator.dispatch import Dispatch
from flowmanager.orchestrator.engine import Engine, Work
from flowmanager.orchestrator.flow_stack import FlowStack
from flowmanager.orchestrator.flows import FlowStore
from flowmanager.orchestrator.lifecycle import Lifecycle
from flowmanager.orchestrator.tracing import Traces
from flowmanager.orchestrator.turn import Turns
from flowmanager.orchestrator.validator import Validator
from flowmanager.orchestrator.variables import VariableStore
from flowmanager.ports import Page
from flowmanager.schemas.envelopes import Request, encode_answer, encode_error
from flowmanager.schemas.fields import Form, first_fault, loader

log = structlog.get_logger()

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
SEGMENTS = {"id": UUID, "word": r"[a-z_]*", "rest": r".*"}
"""What a segment of a path may be; an id in any other spelling is no such URI."""
DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000
PASSING = frozenset({"FAILED_PRECONDITION", "ALREADY_EXISTS", "NOT_FOUND", "RESOURCE_EXHAUSTED"})
"""Refusals that depend on the state of a record: the same request could be accepted later."""
POLL_SECONDS = 0.1
"""How often the answer to a request that is being handled is looked for."""


@frozen(kw_only=True)
class App:
    """The orchestrator as routes see it."""

    engine: Engine
    turns: Turns
    lifecycle: Lifecycle
    control: Control
    flows: FlowStore
    variables: VariableStore
    dispatch: Dispatch
    flow_stack: FlowStack
    customers: Customers
    validator: Validator
    traces: Traces


@frozen(kw_only=True)
class Call:
    """One request on its way through a route. `body` is loaded by the route's form."""

    work: Work
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, Any]

    def id(self, name: str) -> Id:
        """Return an id of the path."""
        return self.path[name]

    def page(self) -> Page:
        """Return which part of a list is wanted. Raises InvalidRequest."""
        text = self.query.get("page_size", "") or "0"
        if not re.fullmatch(r"\d{1,9}", text):
            raise InvalidRequest("page_size: Not a whole number.", path="page_size", given=text[:20])
        size = min(int(text) or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
        return Page(size=size, token=self.query.get("page_token", ""), filters=self.body)


Handle = Callable[[Call, App], Any]


@frozen(kw_only=True)
class Route:
    """A method on a URI. `form` None: the body is not read.

    `filters`: a list; only its URI may have a query, and its body is a plain object or absent.
    `answer`: the name of the record in the answer (`schemas/answers.py`), with | between
        several that it may be and [] for a list of them; empty: no data.
    """

    method: str
    template: str
    pattern: re.Pattern[str]
    handle: Handle
    form: type[Form] | None = None
    filters: bool = False
    answer: str = ""

    def load(self, request: Request) -> Mapping[str, Any]:
        """Return the checked body. Raises InvalidRequest naming the JSON path."""
        if self.filters:
            if request.data is not None and not isinstance(request.data, dict):
                raise InvalidRequest("data: Not an object.", path="data")
            return request.data or {}
        if self.form is None:
            return {}
        data = {} if request.data is None and request.has_data else request.data
        if not isinstance(data, dict):
            raise InvalidRequest("data: Not an object.", path="data")
        try:
            loaded: Mapping[str, Any] = loader(self.form).load(data)
        except ValidationError as error:
            path, sentence = first_fault(error)
            raise InvalidRequest(f"{path}: {sentence}", path=path) from error
        return loaded


def route(
    method: str, template: str, *, form: type[Form] | None = None, filters: bool = False, answer: str = ""
) -> Callable[[Handle], Route]:
    """Make a route of a function. A template's `{name:id}` is a uuid, `{name:rest}` everything that follows."""

    def make(handle: Handle) -> Route:
        return Route(
            method=method,
            template=template,
            pattern=compiled(template),
            handle=handle,
            form=form,
            filters=filters,
            answer=answer,
        )

    return make


def compiled(template: str) -> re.Pattern[str]:
    """Turn a template into a pattern for a whole path."""
    parts = re.split(r"\{(\w+):(\w+)\}", template)
    texts = [re.escape(part) for part in parts[::3]]
    groups = [f"(?P<{name}>{SEGMENTS[kind]})" for name, kind in zip(parts[1::3], parts[2::3], strict=True)]
    return re.compile("".join(text for pair in zip(texts, [*groups, ""], strict=True) for text in pair))


@frozen
class Router:
    """Finds the route of a request, runs it, and writes the answer."""

    app: App
    routes: Sequence[Route]
    by_method: dict[str, list[Route]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for one in self.routes:
            self.by_method.setdefault(one.method, []).append(one)

    def answer(self, request: Request, work: Work) -> bytes:
        """Return the answer to a request. Raises StoreLost and BrokerLost: it must be handled again then."""
        started, template = monotonic(), "notfound"
        try:
            found, path = self.find(request)
            template = found.template
            call = Call(work=work, path=path, query=query_of(request.uri), body=found.load(request))
            data = found.handle(call, self.app)
            return work.done.body or encode_answer(data)
        except StoreLost:
            raise
        except InProgress as error:
            return self.awaited(work, error)
        except FlowManagerError as error:
            return self.refused(work, error)
        finally:
            # A method is whatever the sender writes; the page must not grow a line for each.
            method = request.method if request.method in self.by_method else "other"
            seen = self.app.engine.metrics.receive_request.labels(template, method)
            seen.observe((monotonic() - started) * 1000)

    def find(self, request: Request) -> tuple[Route, Mapping[str, str]]:
        """Return the route of a request and the ids in its path. Raises RouteNotFound."""
        path, mark, _ = request.uri.partition("?")
        for one in self.by_method.get(request.method, ()):
            match = one.pattern.fullmatch(path)
            if match and (one.filters or not mark):
                return one, match.groupdict()
        raise RouteNotFound(method=request.method[:16], uri=request.uri[:200])

    def awaited(self, work: Work, error: InProgress) -> bytes:
        """Return the answer that the first delivery of the same request gets, as soon as it is there."""
        engine = self.app.engine
        for _ in range(int(engine.repeat_seconds / POLL_SECONDS)):
            kept = engine.store.get_answer(work.key)
            if kept is not None:
                engine.metrics.repeated.inc()
                return kept
            engine.sleep(POLL_SECONDS)
        return encode_error(error)

    def refused(self, work: Work, error: FlowManagerError) -> bytes:
        """Return an error answer, or the first answer when the request turns out to be a repeat."""
        if error.reason == "BROKER_LOST":
            raise error
        may_repeat = work.key and (isinstance(error, Answered) or error.status_code < 500)
        kept = self.app.engine.store.get_answer(work.key) if may_repeat else None
        if kept is not None:
            self.app.engine.metrics.repeated.inc()
            return kept
        log.info("request_refused", reason=error.reason, message=error.sentence, status=error.status_code)
        if work.key and error.status in PASSING and not isinstance(error, RouteNotFound):
            return self.kept_refusal(work, error)
        return work.done.body or encode_error(error if not isinstance(error, Answered) else InvalidRequest())

    def kept_refusal(self, work: Work, error: FlowManagerError) -> bytes:
        """Return an error answer, kept for repeats: by then the state that it speaks of may have changed."""
        try:
            work.commit(lambda transaction: work.refuse(transaction, error))
        except Answered:
            return self.app.engine.store.get_answer(work.key) or encode_error(error)
        return work.done.body or encode_error(error)


def query_of(uri: str) -> Mapping[str, str]:
    """Return the query of a URI, the first value of each name. Raises InvalidRequest for too many names."""
    try:
        pairs = parse_qs(uri.partition("?")[2], keep_blank_values=True, max_num_fields=20)
    except ValueError as error:
        raise InvalidRequest("uri: Too many parameters.", path="uri") from error
    return {name: values[0] for name, values in pairs.items()}


def decoded(path: str) -> str:
    """Percent-decode a path. Raises InvalidRequest for what is no encoding."""
    if re.search(r"%(?![0-9a-fA-F]{2})", path):
        raise InvalidRequest("uri: Not a valid encoding.", path="uri")
    return unquote(path)
