"""Records for the tests of the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from flowmanager.core.action import Action
from flowmanager.core.activeflow import (
    Activeflow,
    Driver,
    EndedReason,
    Fault,
    ReferenceType,
    State,
    Step,
    StepResult,
    Suspension,
    Turn,
    Wait,
)
from flowmanager.core.flow import Flow
from flowmanager.core.ids import MAIN, Id
from flowmanager.core.signals import Signal, SignalKind
from flowmanager.core.stacks import Frame, Place, Return, StackMap
from flowmanager.ports import Message, MessageKind, Store, Transaction
from flowmanager.store.engine import Engines

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
ODD_TEXT = "nul \0 emoji 😀 quote ' \" backslash \\ percent % line\nkorean 흐름 \u2028"
ODD_VALUES = {
    "texts": [ODD_TEXT, "", " "],
    "integers": [0, -1, 2**53 + 1, -(2**63), 2**63 - 1],
    "floats": [0.1, 1.0, 1e-7, 1.5e300],
    "others": [None, True, False, [], {}],
    ODD_TEXT: {"": ""},
}


def new_id() -> Id:
    """A fresh id."""
    return str(uuid4())


def action(option: dict[str, Any] | None = None) -> Action:
    """An action with an id of its own."""
    return Action(new_id(), "talk", option, new_id())


def plain_activeflow(**changes: Any) -> Activeflow:
    """An activeflow as it is right after its creation."""
    fresh = Activeflow(id=new_id(), stacks=StackMap.of((action({"text": "hello"}),)), tm_create=NOON, tm_update=NOON)
    return fresh.evolve(**changes)


def full_activeflow() -> Activeflow:
    """An activeflow with something in every field."""
    stacks = nested_stacks()
    nested = next(frame for frame in stacks.frames.values() if frame.id != MAIN)
    return Activeflow(
        id=new_id(),
        customer_id=new_id(),
        flow_id=new_id(),
        reference_type=ReferenceType.CONVERSATION,
        reference_id=new_id(),
        reference_activeflow_id=new_id(),
        on_complete_flow_id=new_id(),
        on_drop_flow_id=new_id(),
        covered=True,
        suspension=Suspension(State.WAITING, Driver.TIMER, timedelta(days=3, microseconds=7)),
        webhook_uri="https://example.com/" + "ü" * 1000,
        webhook_method="POST",
        after_reference=True,
        state=State.ERROR,
        stacks=stacks,
        cursor=Place(nested.id, nested.actions[0].id),
        current_action=action(ODD_VALUES),
        forward=Place(MAIN, new_id()),
        variables={"voipbin.call.source": ODD_TEXT, ODD_TEXT: "", "large": "흐" * 10_000},
        wait=Wait(Driver.TIMER, NOON + timedelta(seconds=7)),
        turn=Turn(Driver.PULL, ODD_TEXT, "next", 7, ({"call": ODD_VALUES}, None, 1, [])),
        early_signals=(full_signal(), Signal(kind=SignalKind.FORWARD, cause="")),
        details={"seq": 3, "variables": {ODD_TEXT: ODD_TEXT}},
        fence=2**40,
        owner=new_id(),
        execute_count=2,
        executed_count=3,
        reported_count=4,
        complete_count=5,
        ended_reason=EndedReason.LIMIT_EXECUTIONS,
        fault=Fault(new_id(), "talk", ODD_TEXT),
        on_complete_blocked=True,
        tm_execute=NOON + timedelta(seconds=1),
        tm_create=NOON + timedelta(seconds=2),
        tm_update=NOON + timedelta(seconds=3),
        tm_end=NOON + timedelta(seconds=4),
        tm_delete=NOON + timedelta(seconds=5),
    )


def nested_stacks() -> StackMap:
    """A main frame and two above it, with both kinds of return addresses and counted gotos."""
    main = Frame(MAIN, (action(ODD_VALUES), action(), action({})))
    middle = Frame(new_id(), (action(),), Return(Place(MAIN, main.actions[0].id)), {new_id(): 3, new_id(): 1})
    top = Frame(new_id(), (), Return(Place(middle.id, middle.actions[0].id), at=True))
    return StackMap({frame.id: frame for frame in (main, middle, top)})


def full_signal() -> Signal:
    """An event with something in every field."""
    return Signal(
        kind=SignalKind.SERVICE_DONE,
        cause="queue_finished",
        action_id=new_id(),
        action_types=frozenset({"queue_join", "ai_talk"}),
        service_id=new_id(),
        text=ODD_TEXT,
        variables={"voipbin.queue.name": ODD_TEXT},
    )


def full_flow(**changes: Any) -> Flow:
    """A stored flow with something in every field."""
    flow = Flow(
        id=new_id(),
        customer_id=new_id(),
        type="conference",
        name="😀" * 255,
        detail="😀" * (65_535 // 4),
        persist=True,
        actions=(action(ODD_VALUES), action(), action({})),
        direct_id=new_id(),
        direct_hash="abc",
        on_complete_flow_id=new_id(),
        on_drop_flow_id=new_id(),
        tm_create=NOON,
        tm_update=NOON + timedelta(microseconds=1),
        tm_delete=NOON + timedelta(microseconds=2),
        tm_expire=datetime(2999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    )
    return flow.evolve(**changes)


def step(seq: int) -> Step:
    """A line of the history with something in every field."""
    return Step(seq, action(ODD_VALUES), StepResult.FAILED, "next", ODD_TEXT, NOON, NOON + timedelta(seconds=1))


def message(activeflow_id: Id, **changes: Any) -> Message:
    """An outgoing message."""
    fields = {"kind": MessageKind.EVENT, "body": b"{}", **changes}
    return Message(id=new_id(), activeflow_id=activeflow_id, **fields)


def add(store: Store, *records: Activeflow | Flow) -> None:
    """Store new records in one transaction."""

    def work(transaction: Transaction) -> None:
        for record in records:
            if isinstance(record, Flow):
                transaction.insert_flow(record)
            else:
                transaction.insert_activeflow(record)

    store.run(work)


@contextmanager
def trips_on(engines: Engines) -> Iterator[list[list[str]]]:
    """The round trips of the store in the meantime, each with its statements."""
    trips: list[list[str]] = []

    def note(statements: Sequence[str]) -> None:
        trips.append(list(statements))

    engines.heard.append(note)
    yield trips
    engines.heard.remove(note)


OTHERS = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
STRANGE_SECONDS = 30.0


def cut_others(connection: Connection) -> None:
    """Have the server close all other connections to this database."""
    for number in listed(connection):
        # One of an earlier test may be about to close, and be gone by now.
        with suppress(DBAPIError):
            connection.exec_driver_sql(f"KILL {number}")


@retry(retry=retry_if_exception_type(DBAPIError), stop=stop_after_delay(STRANGE_SECONDS), wait=wait_fixed(0.01))
def listed(connection: Connection) -> list[int]:
    """The other connections. MySQL 9 refuses to list any while any of them runs an emoji."""
    return list(connection.exec_driver_sql(OTHERS).scalars().all())
