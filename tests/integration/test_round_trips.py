"""What a message costs on MySQL: statements and commits, each a round trip, counted whatever the flow looks like."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Engine, event

from tests.desk import Desk, Run, act, new_id, talk


@contextmanager
def round_trips(desk: Desk) -> Iterator[list[str]]:
    """The statements (verb and table) and commits of the meantime."""
    found: list[str] = []

    def sent(*arguments: Any) -> None:
        found.append(short(arguments[2]))

    transactions, statements = desk.engines.transactions, desk.engines.statements
    heard: list[tuple[Engine, str, Any]] = [
        (transactions, "before_cursor_execute", sent),
        (statements, "before_cursor_execute", sent),
        (transactions, "commit", lambda _: found.append("COMMIT")),
        (transactions, "rollback", lambda _: found.append("ROLLBACK")),
    ]
    for engine, name, listener in heard:
        event.listen(engine, name, listener)
    try:
        yield found
    finally:
        for engine, name, listener in heard:
            event.remove(engine, name, listener)


def short(statement: str) -> str:
    """Verb and table of a statement."""
    words = statement.replace("\n", " ").replace("(", " ").split()
    marks = {"SELECT": "FROM", "INSERT": "INTO", "DELETE": "FROM", "UPDATE": "UPDATE"}
    mark = marks[words[0]]
    return f"{words[0]} {words[words.index(mark) + 1] if mark in words else 'now'}"


def pure(count: int) -> list[dict[str, Any]]:
    """So many actions that ask nobody, and one for the caller."""
    return [*(act("variable_set", key="n", value=str(number)) for number in range(count)), talk("pause")]


@pytest.mark.parametrize("count", [1, 10, 500])
@pytest.mark.parametrize("history", [0, 900])
def test_a_next_costs_the_same_whatever_it_runs(mysql_desk: Desk, count: int, history: int) -> None:
    """Constant in the number of pure actions and in the length of the history."""
    run = mysql_desk.start(talk("first"))
    run.next()
    run.push(*pure(history))
    run.next()
    run.push(*pure(count))
    with round_trips(mysql_desk) as found:
        assert run.next().data["option"] == {"text": "pause"}
    assert found == [
        "SELECT activeflows",
        "UPDATE activeflows",
        "INSERT executed_actions",
        "INSERT outbox",
        "INSERT answers",
        "COMMIT",
        "SELECT outbox",
        "DELETE outbox",
    ]


def prepared(desk: Desk) -> Run:
    """A flow whose caller performs its first action; all peers answer."""
    desk.outside.teach("email *")
    desk.outside.teach("call POST /v1/confbridges", {"id": new_id()})
    desk.outside.teach("call POST /v1/calls", {"calls": [{"id": new_id()}], "groupcalls": []})
    run = desk.start(talk("one"), talk("two"), talk("three"), on_complete=desk.flow(act("stop")))
    run.next()
    return run


def with_push(*actions: dict[str, Any]) -> Callable[[Run], Callable[[], object]]:
    """Push actions; what is measured is the `next` that runs them."""

    def pushed(run: Run) -> Callable[[], object]:
        run.push(*actions)
        return run.next

    return pushed


def executed(run: Run) -> Run:
    """A flow that call-manager is carrying out."""
    other = run.desk.start(talk("one"), talk("two"))
    other.execute()
    return other


LOCK = "SELECT activeflows"
SAVE = "UPDATE activeflows"
HISTORY = "SELECT executed_actions"
STEPS = "INSERT executed_actions"
EVENTS = "INSERT outbox"
KEEP = "INSERT answers"
LOOK = "SELECT answers"
PUBLISH = ["SELECT outbox", "DELETE outbox"]
UNDER_WAY = [LOCK, SAVE, "COMMIT"]
CHILD = [LOCK, SAVE, STEPS, EVENTS, "COMMIT", *PUBLISH]
CONNECT = {"destinations": [{"type": "tel", "target": "+1"}]}

COSTS: list[tuple[str, Callable[[Run], Callable[[], object]], list[str]]] = [
    ("get", lambda run: lambda: run.record, [LOCK, HISTORY, "COMMIT"]),
    ("flow create", lambda run: lambda: run.desk.flow(talk("x")),
     ["SELECT flows", "COMMIT", "SELECT now", "INSERT flows", EVENTS, KEEP, "COMMIT", *PUBLISH]),
    ("create", lambda run: partial(run.desk.create, run.record["flow_id"]),
     ["SELECT flows", "SELECT now", "INSERT activeflows", EVENTS, KEEP, "COMMIT", *PUBLISH]),
    ("next", lambda run: run.next, [LOCK, SAVE, STEPS, EVENTS, KEEP, "COMMIT", *PUBLISH]),
    ("stale next", lambda run: lambda: run.next(seen=new_id()), [LOCK, "ROLLBACK", LOOK, KEEP, "COMMIT"]),
    ("next over one question", with_push(act("email_send", subject="x")),
     [LOCK, LOOK, SAVE, STEPS, "COMMIT", LOCK, SAVE, STEPS, EVENTS, LOOK, KEEP, "COMMIT", *PUBLISH]),
    ("next over a connect", with_push(act("connect", **CONNECT)),
     [LOCK, LOOK, SAVE, STEPS, "COMMIT", "SELECT flows", "SELECT now", "INSERT flows", "COMMIT", *UNDER_WAY,
      LOCK, SAVE, STEPS, EVENTS, LOOK, KEEP, "COMMIT", *PUBLISH]),
    ("push_actions", lambda run: lambda: run.push(talk("x")), [LOCK, SAVE, HISTORY, KEEP, "COMMIT"]),
    ("forward", lambda run: partial(run.forward, run.find("three")), [LOCK, SAVE, KEEP, "COMMIT"]),
    ("service_stop", lambda run: lambda: run.service_stop(new_id()), [LOCK, KEEP, "COMMIT"]),
    ("set variables", lambda run: lambda: run.set_variables({"a": "b"}), [LOCK, SAVE, KEEP, "COMMIT"]),
    ("execute", lambda run: run.desk.start(talk("one")).execute,
     [LOCK, KEEP, SAVE, "COMMIT", LOCK, SAVE, EVENTS, "COMMIT", *PUBLISH]),
    ("media event", lambda run: executed(run).done,
     [LOCK, "COMMIT", LOCK, SAVE, STEPS, "COMMIT", LOCK, SAVE, EVENTS, "COMMIT", *PUBLISH]),
    ("key press", lambda run: partial(executed(run).press, "1"), [LOCK, "COMMIT", LOCK, SAVE, "COMMIT"]),
    ("event for nobody", lambda run: lambda: Run(run.desk, new_id(), new_id()).done(), [LOCK, "COMMIT"]),
    ("stop and its on-complete flow", lambda run: run.stop,
     [LOCK, SAVE, STEPS, EVENTS, "SELECT flows", "INSERT activeflows", EVENTS, HISTORY, KEEP, "COMMIT", *PUBLISH,
      *CHILD]),
    ("idle round of the sweeper", lambda run: run.desk.sweep, [LOCK, LOCK, "SELECT outbox"]),
]  # fmt: skip
"""What each message costs when nothing goes wrong. LOCK is any read of the record. Every entry is one round trip."""


@pytest.mark.parametrize(("prepare", "cost"), [one[1:] for one in COSTS], ids=[one[0] for one in COSTS])
def test_what_a_message_costs(
    mysql_desk: Desk, prepare: Callable[[Run], Callable[[], object]], cost: list[str]
) -> None:
    """Exactly this and no more."""
    measured = prepare(prepared(mysql_desk))
    with round_trips(mysql_desk) as found:
        measured()
    assert found == cost
