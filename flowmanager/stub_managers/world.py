"""What all stubs share: their records, the time, the way out, rules and what was heard and said."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol
from uuid import uuid4

import structlog

from flowmanager.core.frozen import frozen
from flowmanager.core.ids import Id
from flowmanager.errors import BrokerLost, FlowManagerError
from flowmanager.ports import Ask
from flowmanager.schemas.wire import time_text
from flowmanager.stub_managers.records import Asked, Exchange, Seen, Sent
from flowmanager.stub_managers.rules import Rules
from flowmanager.stub_managers.timetable import Timetable, Work

log = structlog.get_logger()

Observer = Callable[[Exchange | Sent | Asked], None]
KEPT_RECORDS = 100_000
"""Of each kind: stubs that run for days must not fill the memory."""
RESEND_SECONDS = 0.5


class Outside(Protocol):
    """The broker, as stubs need it; used by several threads."""

    def publish_event(self, manager: str, body: Mapping[str, Any]) -> None:
        """Publish on a manager's event exchange. Raises BrokerLost."""
        ...

    def send_event(self, body: Mapping[str, Any]) -> None:
        """Send straight to flow-manager's event queue. Raises BrokerLost."""
        ...

    def ask(self, ask: Ask) -> Any:
        """Ask flow-manager; see the port Rpc."""
        ...


@frozen(kw_only=True)
class Pace:
    """How long things take, in seconds."""

    step: float = 0.01
    """Between two key presses, or two states of a call."""
    media: float = 0.03
    """Talk, play and the like."""
    bridge: float = 0.2
    """How long calls stay bridged."""
    alone: float = 2.0
    """How long a call waits in a bridge for the one it connects to."""
    agent: float = 0.1
    """Until an agent is found."""
    ai: float = 0.2
    """A conversation with an AI."""
    callback: float = 0.9
    """How long the answer of flow-manager is waited for in the middle of a request: less than it waits for us."""


class World:
    """State and surroundings of all stubs."""

    def __init__(self, outside: Outside, *, pace: Pace | None = None, timetable: Timetable | None = None) -> None:
        """Nothing happens before the timetable is started."""
        self.outside = outside
        self.pace = pace or Pace()
        self.timetable = timetable or Timetable()
        self.rules = Rules()
        self.run_legs = True
        """Whether calls that a flow makes get activeflows and run them."""
        self.seen: deque[Seen] = deque(maxlen=KEPT_RECORDS)
        self.sent: deque[Sent] = deque(maxlen=KEPT_RECORDS)
        self.asked: deque[Asked] = deque(maxlen=KEPT_RECORDS)
        self.observers: list[Observer] = []
        self._tables: defaultdict[str, dict[str, Any]] = defaultdict(dict)

    def table(self, name: str) -> dict[str, Any]:
        """Return the records of one kind by id."""
        return self._tables[name]

    def new_id(self) -> Id:
        """Return a new id."""
        return str(uuid4())

    def now(self) -> datetime:
        """Return the time."""
        return datetime.now(UTC)

    def now_text(self) -> str:
        """Return the time as the wire has it."""
        return str(time_text(self.now()))

    def media_seconds(self, action_type: str, option: Mapping[str, Any]) -> float | None:
        """Return how long a media action takes; None: until something else ends it."""
        del option
        return None if action_type == "digits_receive" else self.pace.media

    def after(self, seconds: float, work: Work) -> None:
        """Do some work later."""
        self.timetable.after(seconds, work)

    def emit(self, manager: str, event_type: str, data: Mapping[str, Any]) -> None:
        """Publish an event as that manager does."""
        body = {
            "type": event_type,
            "publisher": f"{manager}-manager",
            "data_type": "application/json",
            "data": dict(data),
        }
        self._send(Sent(at=self.now(), manager=manager, body=body))

    def tell(self, kind: str, event: str, beside: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        """Send an event in the short format to flow-manager."""
        self._send(Sent(at=self.now(), manager="", body={"type": kind, "event": event, **beside, "data": dict(data)}))

    def _send(self, sent: Sent) -> None:
        self.sent.append(sent)
        self.notify(sent)
        self._post(sent)

    def _post(self, sent: Sent) -> None:
        try:
            if sent.manager:
                self.outside.publish_event(sent.manager, sent.body)
            else:
                self.outside.send_event(sent.body)
        except BrokerLost:
            log.warning("stub_event_delayed", manager=sent.manager, type=sent.body["type"])
            self.after(RESEND_SECONDS, partial(self._post, sent))

    def ask(self, method: str, uri: str, data: Any = None, *, seconds: float = 3.0) -> Any:
        """Ask flow-manager and return the `data` of its answer; raises what the port Rpc says."""
        ask = Ask(peer="flow", method=method, uri=uri, body=data, seconds=seconds, key=self.new_id())
        try:
            answer = self.outside.ask(ask)
        except FlowManagerError as error:
            self._record(Asked(at=self.now(), method=method, uri=uri, data=data, error=error.reason))
            raise
        self._record(Asked(at=self.now(), method=method, uri=uri, data=data))
        return answer

    def try_ask(self, method: str, uri: str, data: Any = None, *, seconds: float = 3.0) -> Any:
        """Do the same, but return None when it fails."""
        try:
            return self.ask(method, uri, data, seconds=seconds)
        except FlowManagerError as error:
            log.warning("stub_request_failed", method=method, uri=uri, reason=error.reason, why=str(error))
            return None

    def media_done(self, call_id: Id, told: Mapping[str, Any]) -> None:
        """A media action of a call is complete: tell flow-manager."""
        self.tell("media", "done", {"call_id": call_id}, told)

    def begin_flow(self, call_id: Id, activeflow_id: Id) -> None:
        """A call that a flow made was answered: have its flow begin."""
        del call_id
        self.try_ask("POST", f"/v1/activeflows/{activeflow_id}/execute")

    def set_variables(self, activeflow_id: Id, variables: Mapping[str, str]) -> None:
        """Set variables in the middle of a request; a failure changes nothing for the request."""
        uri = f"/v1/variables/{activeflow_id}/variables"
        self.try_ask("POST", uri, {"variables": dict(variables)}, seconds=self.pace.callback)

    def _record(self, asked: Asked) -> None:
        self.asked.append(asked)
        self.notify(asked)

    def notify(self, record: Exchange | Sent | Asked) -> None:
        """Tell the observers."""
        for observer in self.observers:
            observer(record)
