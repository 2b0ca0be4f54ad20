"""call-manager as it drives calls itself: it asks for an action, carries it out, and asks for the next one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from flowmanager.core.ids import FINISH, NIL, START, Id
from flowmanager.core.variables import DIGITS
from flowmanager.errors import PeerError
from flowmanager.executors.digits_receive import complete
from flowmanager.ports import Ask
from flowmanager.schemas.options import load_option
from flowmanager.simulation.action_types import real_executors
from flowmanager.simulation.line import NOT_CARRIED_OUT
from flowmanager.simulation.telling import span
from flowmanager.stub_managers import calls
from flowmanager.stub_managers.hanging_up import hang_up
from flowmanager.stub_managers.records import Asked, Exchange, Sent

if TYPE_CHECKING:
    from flowmanager.simulation.office import Office

PATIENCE_SECONDS = 3.0
"""How long call-manager waits for the next action."""
NOTHING: Mapping[str, Any] = {}


@dataclass(slots=True)
class Pulled:
    """A call and the action that call-manager believes it is at."""

    activeflow_id: Id
    action_id: Id = START
    type: str = ""
    option: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    held: bool = False
    """It asked for the next action and has none: it does not ask again by itself."""
    asked_at: float = 0.0
    answered: bool = False
    """The last question was answered, in time or not."""


class PullingCalls:
    """All calls of a simulation, pulled."""

    def __init__(self, office: Office) -> None:
        """From now on it drives the calls."""
        self.office, self.peers = office, office.peers
        self.calls: dict[Id, Pulled] = {}
        self.peers.driver = self
        self.peers.observers.append(self.notice)
        office.line.listeners.append(self.published)

    def begin(self, call_id: Id, activeflow_id: Id) -> None:
        """Ask for the first action of a call."""
        self.calls[call_id] = Pulled(activeflow_id)
        self.ask_next(call_id)

    def media_done(self, call_id: Id) -> None:
        """Ask for the next action: this one is complete."""
        self.ask_next(call_id)

    def ask_next(self, call_id: Id) -> None:
        """Ask for the next action of a call, unless the question was asked already or the call is over."""
        pulled = self.calls[call_id]
        if pulled.held or self.is_over(call_id):
            return
        pulled.held, pulled.answered, pulled.asked_at = True, False, self.office.recorder.now
        try:
            action, status = self.office.ask(self.question(pulled)), 200
        except PeerError as error:
            action, status = NOTHING, error.peer_status_code
        pulled.answered = True
        if self.is_late(pulled):
            limit = span(PATIENCE_SECONDS)
            self.tell(f"call-manager waited {limit} for the next action and gave up: the caller hears nothing more")
        elif not action:
            self.tell(f"call-manager got an error for an answer ({status}) and asks no more")
        else:
            pulled.held = False
            self.perform(call_id, pulled, action)

    def question(self, pulled: Pulled) -> Ask:
        """Return the request for the next action."""
        uri, body = f"/v1/activeflows/{pulled.activeflow_id}/next", {"current_action_id": pulled.action_id}
        return Ask(peer="flow", method="GET", uri=uri, body=body, seconds=PATIENCE_SECONDS, key=self.peers.new_id())

    def perform(self, call_id: Id, pulled: Pulled, action: Mapping[str, Any]) -> None:
        """Carry out an action; what takes no time or cannot be done is followed by the next one at once."""
        pulled.action_id, pulled.type = str(action["id"]), str(action.get("type") or "")
        pulled.option = action.get("option") or NOTHING
        if pulled.action_id in (NIL, FINISH):
            self.end_call(call_id, "there is nothing more to do")
            return
        told = {"id": pulled.action_id, "type": pulled.type, "option": dict(pulled.option)}
        body = {"activeflow_id": pulled.activeflow_id, "action": told}
        uri = f"/v1/calls/{call_id}/actions"
        status = self.office.line.carry_out(Ask(peer="call", method="POST", uri=uri, body=body))
        if status is None:
            self.tell("call-manager begins it, and never learns of its end")
            return
        if status >= NOT_CARRIED_OUT:
            self.tell(f"call-manager cannot carry it out ({status}) and asks for the next action")
        elif pulled.type == "digits_receive" and self.enough(pulled, self.digits(pulled)):
            calls.forget(self.peers, call_id)
        if status >= NOT_CARRIED_OUT or not self.is_busy(call_id):
            self.peers.after(0, partial(self.ask_next, call_id))

    # What call-manager notices.

    def notice(self, record: Exchange | Sent | Asked) -> None:
        """Hear what call-manager itself says and is asked."""
        if isinstance(record, Sent):
            data = record.body["data"]
            if record.body["type"] == "dtmf_received":
                self.peers.after(0, partial(self.pressed, data["call_id"], data["digit"]))
            elif record.body["type"] == "confbridge_leaved" and self.stays_in_bridge(data["leaved_call_id"]):
                self.peers.after(0, partial(self.ask_next, data["leaved_call_id"]))
        elif isinstance(record, Exchange) and record.seen.uri.endswith("/action-next"):
            self.force(record.seen.uri.split("/")[3])

    def pressed(self, call_id: Id, digit: str) -> None:
        """Keep a key: asked for, behind the others; else instead of them. Ask on when there are enough."""
        pulled = self.calls[call_id]
        collects = pulled.type == "digits_receive" and self.is_busy(call_id)
        digits = self.digits(pulled) + digit if collects else digit
        self.peers.set_variables(pulled.activeflow_id, {DIGITS: digits})
        ends_talk = pulled.type == "talk" and pulled.option.get("digits_handle") == "next"
        if ends_talk or (collects and self.enough(pulled, digits)):
            calls.finish(self.peers, call_id)

    def force(self, call_id: Id) -> None:
        """Break off what the call does, which asks on; when it does nothing, ask at once."""
        self.calls[call_id].held = False
        if not self.is_busy(call_id):
            self.peers.after(0, partial(self.ask_next, call_id))

    def published(self, event: Mapping[str, Any]) -> None:
        """Hang up a call whose flow is over."""
        data = event.get("data")
        if isinstance(data, Mapping) and data.get("status") == "ended":
            call_id = str(data.get("reference_id") or "")
            if call_id in self.calls:
                self.peers.after(0, partial(self.end_call, call_id, "the flow is over"))

    # What it knows.

    def digits(self, pulled: Pulled) -> str:
        """Return the keys that were pressed so far."""
        return self.office.recorder.records[pulled.activeflow_id].variables.get(DIGITS, "")

    def gave_up(self, call_id: Id) -> bool:
        """Say whether the next action of a call was asked for in vain."""
        pulled = self.calls[call_id]
        return pulled.held and (pulled.answered or self.is_late(pulled))

    def is_late(self, pulled: Pulled) -> bool:
        """Say whether an answer would come too late now."""
        return self.office.recorder.now - pulled.asked_at >= PATIENCE_SECONDS

    def enough(self, pulled: Pulled, digits: str) -> bool:
        """Say whether no more keys are waited for."""
        return complete(load_option(real_executors()[pulled.type].option, pulled.option), digits)

    def stays_in_bridge(self, call_id: Id) -> bool:
        """Say whether the call's action is to be in a bridge."""
        return self.calls[call_id].type == "confbridge_join"

    def is_busy(self, call_id: Id) -> bool:
        """Say whether the call does something that takes time."""
        return call_id in self.peers.table("doing")

    def is_over(self, call_id: Id) -> bool:
        """Say whether the call is over."""
        return bool(calls.call_of(self.peers, call_id)["status"] == "hangup")

    def end_call(self, call_id: Id, why: str) -> None:
        """Hang up, unless the call is over."""
        if not self.is_over(call_id):
            self.tell(f"call-manager hangs up: {why}")
            hang_up(self.peers, call_id, by="local")

    def tell(self, what: str) -> None:
        """Write down what call-manager does."""
        self.office.recorder.add("peer", what)
