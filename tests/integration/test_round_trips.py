"""What a message costs on MySQL: round trips, and the statements of each, counted whatever the flow looks like."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event

from tests.desk import Desk, Run, act, new_id, talk


@contextmanager
def round_trips(desk: Desk) -> Iterator[list[str]]:
    """The round trips of the meantime: verb and table of each statement."""
    found: list[str] = []

    def heard(statements: Sequence[str]) -> None:
        found.append(" + ".join(short(one) for one in statements))

    def sent(*arguments: Any) -> None:
        found.append(short(arguments[2]))

    engines = desk.engines
    engines.heard.append(heard)
    for engine in (engines.transactions, engines.statements):
        event.listen(engine, "before_cursor_execute", sent)
    try:
        yield found
    finally:
        engines.heard.remove(heard)
        for engine in (engines.transactions, engines.statements):
            event.remove(engine, "before_cursor_execute", sent)


def short(statement: str) -> str:
    """Verb and table of a statement."""
    words = statement.replace("\n", " ").replace("(", " ").split()
    marks = {"SELECT": "FROM", "INSERT": "INTO", "DELETE": "FROM", "UPDATE": "UPDATE"}
    mark = marks.get(words[0], "")
    return f"{words[0]} {words[words.index(mark) + 1] if mark in words else ''}".strip()


ROUND_TRIPS_BEFORE_AN_ANSWER = 5
"""More would be felt by the caller on the line. What follows, the outbox, is after the answer."""


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
        "UPDATE activeflows + INSERT executed_actions + INSERT outbox + INSERT answers + COMMIT",
        "SELECT outbox",
        "DELETE outbox",
    ]
    assert found.index("SELECT outbox") <= ROUND_TRIPS_BEFORE_AN_ANSWER


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


def after(firsts: Iterable[Callable[[], object]], act: Callable[[], object]) -> Callable[[], object]:
    """What is measured, after this has been done."""
    for first in firsts:
        first()
    return act


def executed(run: Run) -> Run:
    """A flow that call-manager is carrying out."""
    other = run.desk.start(talk("one"), talk("two"))
    other.execute()
    return other


def together(*statements: str) -> str:
    """The statements that go to the database in one packet, with the commit."""
    return " + ".join([*statements, "COMMIT"])


LOCK = "SELECT activeflows"
SAVE = "UPDATE activeflows"
HISTORY = "SELECT executed_actions"
STEPS = "INSERT executed_actions"
EVENTS = "INSERT outbox"
KEEP = "INSERT answers"
LOOK = "SELECT answers"
PUBLISH = ["SELECT outbox", "DELETE outbox"]
UNDER_WAY = [LOCK, together(SAVE)]
CONNECT = {"destinations": [{"type": "tel", "target": "+1"}]}

COSTS: list[tuple[str, Callable[[Run], Callable[[], object]], list[str]]] = [
    ("get", lambda run: run.get, [f"{LOCK} + {HISTORY}"]),
    ("get again and again", lambda run: after([run.get, run.get], run.get), [LOCK]),
    ("get after a change", lambda run: after([run.get, run.get, run.next], run.get), [LOCK, f"{LOCK} + {HISTORY}"]),
    ("get after each change", lambda run: after([run.get, run.next, run.get, run.next], run.get),
     [f"{LOCK} + {HISTORY}"]),
    ("flow create", lambda run: lambda: run.desk.flow(talk("x")),
     ["SELECT flows", "SELECT", together("INSERT flows", EVENTS, KEEP), *PUBLISH]),
    ("create", lambda run: partial(run.desk.create, run.record["flow_id"]),
     ["SELECT flows", together("INSERT activeflows", EVENTS, KEEP), *PUBLISH]),
    ("next", lambda run: run.next, [LOCK, together(SAVE, STEPS, EVENTS, KEEP), *PUBLISH]),
    ("stale next", lambda run: lambda: run.next(seen=new_id()), [LOCK, "COMMIT", LOOK, together(KEEP)]),
    ("next over one question", with_push(act("email_send", subject="x")),
     [LOCK, LOOK, together(SAVE, STEPS), LOCK, LOOK, together(SAVE, STEPS, EVENTS, KEEP), *PUBLISH]),
    ("next over a connect", with_push(act("connect", **CONNECT)),
     [LOCK, LOOK, together(SAVE, STEPS), "SELECT flows", "SELECT", together("INSERT flows"), *UNDER_WAY,
      LOCK, LOOK, together(SAVE, STEPS, EVENTS, KEEP), *PUBLISH]),
    ("push_actions", lambda run: lambda: run.push(talk("x")), [LOCK, f"{SAVE} + {HISTORY}", together(KEEP)]),
    ("forward", lambda run: partial(run.forward, run.find("three")), [LOCK, together(SAVE, KEEP)]),
    ("service_stop", lambda run: lambda: run.service_stop(new_id()), [LOCK, together(KEEP)]),
    ("set variables", lambda run: lambda: run.set_variables({"a": "b"}), [LOCK, together(SAVE, KEEP)]),
    ("execute", lambda run: run.desk.start(talk("one")).execute,
     [LOCK, together(SAVE, KEEP), LOCK, together(SAVE, EVENTS), *PUBLISH]),
    ("media event", lambda run: executed(run).done,
     [LOCK, LOCK, together(SAVE, STEPS), LOCK, together(SAVE, EVENTS), *PUBLISH]),
    ("key press", lambda run: partial(executed(run).press, "1"), [LOCK, LOCK, together(SAVE)]),
    ("event for nobody", lambda run: lambda: Run(run.desk, new_id(), new_id()).done(), [LOCK]),
    ("stop and its on-complete flow", lambda run: run.stop,
     [LOCK, f"{SAVE} + {STEPS} + {EVENTS} + SELECT flows", f"INSERT activeflows + {EVENTS} + {HISTORY}",
      together(KEEP), *PUBLISH, LOCK, together(SAVE, STEPS, EVENTS), *PUBLISH]),
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
