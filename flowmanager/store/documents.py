"""The JSON forms of the values that are kept inside a column. Unknown keys and missing later ones are tolerated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from flowmanager.core.action import Action
from flowmanager.core.activeflow import Driver, Fault, State, Suspension, Turn
from flowmanager.core.ids import NIL
from flowmanager.core.signals import Signal, SignalKind
from flowmanager.core.stacks import Frame, Place, Return, StackMap

Document = Mapping[str, Any]


MICROSECOND = timedelta(microseconds=1)


def dump_action(action: Action) -> Document:
    """Return the document of an action."""
    return {"id": action.id, "next_id": action.next_id, "type": action.type, "option": action.option}


def load_action(document: Document) -> Action:
    """Return the action of a document."""
    return Action(document["id"], document.get("type", ""), document.get("option"), document.get("next_id", NIL))


def dump_actions(actions: Sequence[Action]) -> list[Document]:
    """Return the documents of actions."""
    return [dump_action(action) for action in actions]


def load_actions(documents: Sequence[Document]) -> tuple[Action, ...]:
    """Return the actions of documents."""
    return tuple([load_action(document) for document in documents])


def dump_stacks(stacks: StackMap) -> Document:
    """Return the document of all frames, by id."""
    return {frame.id: dump_frame(frame) for frame in stacks.frames.values()}


def load_stacks(document: Document) -> StackMap:
    """Return the frames of a document."""
    return StackMap({key: load_frame(frame) for key, frame in document.items()})


def dump_frame(frame: Frame) -> Document:
    """Return the document of a frame; the zero id stands for no return address."""
    returns = frame.returns
    return {
        "id": frame.id,
        "actions": dump_actions(frame.actions),
        "return_stack_id": returns.place.stack_id if returns else NIL,
        "return_action_id": returns.place.action_id if returns else NIL,
        "return_at": returns is not None and returns.at,
        "goto_counts": frame.goto_counts,
    }


def load_frame(document: Document) -> Frame:
    """Return the frame of a document."""
    place = load_place(document["return_stack_id"], document["return_action_id"])
    returns = Return(place, document.get("return_at", False)) if place else None
    return Frame(document["id"], load_actions(document["actions"]), returns, document.get("goto_counts", {}))


def load_place(stack_id: str, action_id: str) -> Place | None:
    """Return a place, or none for the zero id."""
    return None if stack_id == NIL else Place(stack_id, action_id)


def dump_signals(signals: Sequence[Signal]) -> list[Document]:
    """Return the documents of events."""
    return [dump_signal(signal) for signal in signals]


def load_signals(documents: Sequence[Document]) -> tuple[Signal, ...]:
    """Return the events of documents."""
    return tuple([load_signal(document) for document in documents])


def dump_signal(signal: Signal) -> Document:
    """Return the document of an event."""
    return {
        "kind": signal.kind.value,
        "cause": signal.cause,
        "action_id": signal.action_id,
        "action_types": sorted(signal.action_types),
        "service_id": signal.service_id,
        "text": signal.text,
        "variables": signal.variables,
    }


def load_signal(document: Document) -> Signal:
    """Return the event of a document."""
    return Signal(
        kind=SignalKind(document["kind"]),
        cause=document["cause"],
        action_id=document.get("action_id"),
        action_types=frozenset(document.get("action_types", ())),
        service_id=document.get("service_id"),
        text=document.get("text", ""),
        variables=document.get("variables", {}),
    )


def dump_fault(fault: Fault | None) -> Document | None:
    """Return the document of a fault."""
    return {"action_id": fault.action_id, "type": fault.type, "message": fault.message} if fault else None


def load_fault(document: Document | None) -> Fault | None:
    """Return the fault of a document."""
    return Fault(document["action_id"], document["type"], document["message"]) if document else None


def dump_turn(turn: Turn | None) -> Document | None:
    """Return the document of a turn that is under way."""
    if turn is None:
        return None
    return {
        "driver": turn.driver.value,
        "key": turn.key,
        "cause": turn.cause,
        "iterations": turn.iterations,
        "answers": turn.answers,
    }


def load_turn(document: Document | None) -> Turn | None:
    """Return the turn of a document."""
    if not document:
        return None
    return Turn(
        driver=Driver(document["driver"]),
        key=document.get("key", ""),
        cause=document.get("cause", ""),
        iterations=document.get("iterations", 0),
        answers=tuple(document.get("answers", ())),
    )


def dump_suspension(suspension: Suspension | None) -> Document | None:
    """Return the document of a suspension; the time left in microseconds."""
    if suspension is None:
        return None
    left = suspension.remaining
    return {
        "state": suspension.state.value,
        "driver": suspension.driver.value if suspension.driver else None,
        "remaining": None if left is None else left // MICROSECOND,
    }


def load_suspension(document: Document | None) -> Suspension | None:
    """Return the suspension of a document."""
    if not document:
        return None
    driver, left = document.get("driver"), document.get("remaining")
    return Suspension(
        State(document["state"]),
        Driver(driver) if driver else None,
        None if left is None else left * MICROSECOND,
    )
