"""All stubs together, as tests and the demo use them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from threading import Event
from typing import Any

from flowmanager import stub_managers
from flowmanager.core.ids import Id
from flowmanager.discover import collect
from flowmanager.stub_managers import media
from flowmanager.stub_managers.control import ROUTES
from flowmanager.stub_managers.hanging_up import hang_up
from flowmanager.stub_managers.queue_plan import QueuePlan
from flowmanager.stub_managers.records import Exchange, Seen
from flowmanager.stub_managers.rules import NONSENSE, Fault, Rule
from flowmanager.stub_managers.stub import Stub, StubRequest
from flowmanager.stub_managers.timetable import Timetable
from flowmanager.stub_managers.world import Outside, Pace, World


class StubWorld(World):
    """Every stub by name, and the means to direct them."""

    def __init__(self, outside: Outside, *, pace: Pace | None = None, timetable: Timetable | None = None) -> None:
        """Nothing happens before a request comes and the timetable is started."""
        super().__init__(outside, pace=pace, timetable=timetable)
        found = collect(stub_managers, Stub)
        self.stubs = {stub.name: replace(stub, routes=stub.routes + ROUTES) for stub in found}
        self._stopping = Event()

    def answer(self, manager: str, envelope: Mapping[str, Any]) -> Any:
        """Answer a request as that manager (short name): an envelope, rubbish as bytes, or None for silence."""
        seen = self._read(manager, envelope)
        under_control = seen.uri.startswith("/v1/stub/")
        if not under_control:
            self.seen.append(seen)
        fault = None if under_control else self.rules.fault_for(manager, seen.method, seen.uri)
        reply = self._answer(seen, fault) if fault else self._perform(seen)
        status_code = reply.get("status_code") if isinstance(reply, Mapping) else None
        self.notify(Exchange(seen, status_code))
        return reply

    def _read(self, manager: str, envelope: Mapping[str, Any]) -> Seen:
        method, uri = str(envelope.get("method", "")), str(envelope.get("uri", ""))
        request_id = str(envelope.get("request_id", ""))
        data = envelope.get("data")
        return Seen(at=self.now(), manager=manager, method=method, uri=uri, data=data, request_id=request_id)

    def _perform(self, seen: Seen) -> Any:
        data = seen.data if isinstance(seen.data, Mapping) else {}
        return self.stubs[seen.manager].answer(self, StubRequest(seen.method, seen.uri, data))

    def _answer(self, seen: Seen, fault: Fault) -> Any:
        works = not (fault.silent or fault.nonsense or fault.status_code)
        reply = self._perform(seen) if works else None
        self.pause(fault.delay)
        if fault.nonsense:
            return NONSENSE[fault.nonsense]
        if fault.status_code:
            return self.stubs[seen.manager].refuse(fault.status_code, fault.reason, "a rule says so")
        return None if fault.lost else reply

    def pause(self, seconds: float) -> None:
        """Keep an answer back."""
        self._stopping.wait(seconds)

    def start(self) -> None:
        """Let time pass."""
        self.timetable.start()

    def stop(self) -> None:
        """Do nothing more; late answers are given at once."""
        self._stopping.set()
        self.timetable.stop()

    def rule(self, rule: str | Rule) -> None:
        """Make a stub misbehave; see `rules.parse_rule`. Raises InvalidSetting."""
        self.rules.add(rule)

    def queue(self, queue_id: Id, plan: QueuePlan) -> None:
        """Say how a queue behaves."""
        self.table("queues")[queue_id] = plan

    def script_digits(self, call_id: Id, digits: str) -> None:
        """Have keys pressed at the next `digits_receive` of a call (`*`: of any call), at once when one is waiting."""
        media.script_digits(self, call_id, digits)

    def script_answer(self, target: str, outcome: str) -> None:
        """Say how calls to a target (`*`: any) end up: `answer`, or a reason such as `busy`."""
        self.table("answers")[target] = outcome

    def press(self, call_id: Id, digit: str) -> None:
        """Press a key on a call now."""
        media.press(self, call_id, digit)

    def hang_up(self, call_id: Id, *, reason: str = "normal") -> None:
        """Let the other side of a call hang up."""
        hang_up(self, call_id, reason=reason)

    def requests(self, manager: str = "*", *, uri: str = "*") -> list[Seen]:
        """Return the requests received by a manager, with a URI that may have wildcards, oldest first."""
        wanted = Rule(manager, "*", uri, Fault())
        return [seen for seen in list(self.seen) if wanted.matches(seen.manager, seen.method, seen.uri)]

    def add_rules(self, rules: Iterable[str]) -> None:
        """Add rules. Raises InvalidSetting."""
        for rule in rules:
            self.rule(rule)
