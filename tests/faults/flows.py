"""The flows that callers run. Every effect carries a mark that says which step of which activeflow asked for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from uuid import UUID

from flowmanager.core.ids import NIL
from tests.faults.history import Json

NewId = Callable[[], str]
SHAPES = ("ivr", "push", "timers", "blocks", "edits", "writes", "services", "keys", "hold", "after", "chain")
NUMBER_LIMIT = 5
"""Digits below it go to the branch of the `ivr` flow, the others to its end."""
LOOPS = 2


def ids_of(random: Random) -> NewId:
    """Return a maker of ids that gives the same ones for the same seed."""
    return lambda: str(UUID(int=random.getrandbits(128), version=4))


def act(action_type: str, action_id: str, next_id: str = NIL, **option: object) -> Json:
    """Return an action."""
    return {"id": action_id, "type": action_type, "next_id": next_id, "option": option or None}


def mark(action_id: str) -> str:
    """Return the text by which an effect is recognized."""
    return "mark ${voipbin.activeflow.id} " + action_id


def email(action_id: str, next_id: str = NIL) -> Json:
    """Return an e-mail with its mark."""
    return act("email_send", action_id, next_id, destinations=[{"target": "a@example.com"}], subject=mark(action_id))


def message(action_id: str, next_id: str = NIL) -> Json:
    """Return a text message with its mark."""
    return act("message_send", action_id, next_id, destinations=[{"target": "+32255"}], text=mark(action_id))


def webhook(action_id: str, next_id: str = NIL) -> Json:
    """Return a web request with its mark; its answer is kept."""
    data = f'{{"text": "{mark(action_id)}"}}'
    option = {"sync": True, "uri": "https://example.com", "method": "POST", "data_type": "application/json"}
    return act("webhook_send", action_id, next_id, **option, data=data)


def talk(action_id: str, next_id: str = NIL) -> Json:
    """Return something that is said."""
    return act("talk", action_id, next_id, text="hello")


def nap(action_id: str, milliseconds: int, next_id: str = NIL) -> Json:
    """Return a wait."""
    return act("sleep", action_id, next_id, duration=milliseconds)


def ivr(new_id: NewId) -> list[Json]:
    """A menu that a caller walks through; digits choose the way, the menu comes back twice."""
    one = {name: new_id() for name in IVR_NAMES}
    targets = {"1": one["sales"], "2": one["mail"], "3": one["again"]}
    below = {"condition": "<", "variable": "${voipbin.call.digits}", "value_type": "number"}
    return [
        act("answer", one["answer"]),
        talk(one["welcome"]),
        act("digits_receive", one["menu"], duration=5000, length=1),
        act("condition_variable", one["check"], **below, value_number=NUMBER_LIMIT, false_target_id=one["bye"]),
        act("branch", one["branch"], target_ids=targets, default_target_id=one["bye"]),
        talk(one["sales"], one["webhook"]),
        email(one["mail"]),
        message(one["message"]),
        talk(one["thanks"], one["webhook"]),
        talk(one["again"]),
        act("goto", one["goto"], target_id=one["menu"], loop_count=LOOPS),
        talk(one["bye"]),
        webhook(one["webhook"]),
        email(one["last"]),
        nap(one["rest"], 10),
    ]


IVR_NAMES = (
    *("answer", "welcome", "menu", "check", "branch", "sales", "mail", "message", "thanks", "again", "goto", "bye"),
    *("webhook", "last", "rest"),
)


def push(new_id: NewId) -> list[Json]:
    """A call that is driven by events."""
    return [
        act("answer", new_id()),
        talk(new_id()),
        nap(new_id(), 150),
        email(new_id()),
        talk(new_id()),
        webhook(new_id()),
        nap(new_id(), 100),
        message(new_id()),
        talk(new_id()),
    ]


def timers(new_id: NewId) -> list[Json]:
    """Waits of our own, with effects between them."""
    return [
        nap(new_id(), 200),
        email(new_id()),
        nap(new_id(), 300),
        act("variable_set", new_id(), key="timers", value="x"),
        nap(new_id(), 100),
        webhook(new_id()),
    ]


def blocks(new_id: NewId) -> list[Json]:
    """Waits that a request ends."""
    return [
        email(new_id()),
        act("block", new_id()),
        webhook(new_id()),
        act("block", new_id()),
        nap(new_id(), 100),
        email(new_id()),
    ]


def edits(new_id: NewId) -> list[Json]:
    """Something to be changed while it runs."""
    return [
        nap(new_id(), 10),
        nap(new_id(), 10),
        email(new_id()),
        nap(new_id(), 10),
        webhook(new_id()),
        nap(new_id(), 10),
    ]


def writes(new_id: NewId) -> list[Json]:
    """Something that lasts while others write its variables."""
    return [*(nap(new_id(), 10) for _ in range(6)), webhook(new_id())]


def services(new_id: NewId) -> list[Json]:
    """A call that waits in a queue and is then connected: others push actions into it, and events take them out."""
    return [
        act("answer", new_id()),
        act("queue_join", new_id(), queue_id=new_id()),
        talk(new_id()),
        act("connect", new_id(), destinations=[{"type": "tel", "target": "+3225550102"}]),
        email(new_id()),
    ]


def keys(new_id: NewId) -> list[Json]:
    """A caller who presses many keys."""
    return [act("answer", new_id()), act("digits_receive", new_id(), duration=3_600_000), email(new_id())]


def hold(new_id: NewId) -> list[Json]:
    """What callers in a queue hear."""
    return [talk(new_id()), nap(new_id(), 300)]


def after(new_id: NewId) -> list[Json]:
    """What follows a call."""
    return [talk(new_id()), webhook(new_id()), email(new_id())]


def chain(new_id: NewId) -> list[Json]:
    """What follows itself, until the chain is as long as it may be."""
    return [nap(new_id(), 50), email(new_id())]


ACTIONS: dict[str, Callable[[NewId], list[Json]]] = {
    "ivr": ivr,
    "push": push,
    "timers": timers,
    "blocks": blocks,
    "edits": edits,
    "writes": writes,
    "services": services,
    "keys": keys,
    "hold": hold,
    "after": after,
    "chain": chain,
}
FOLLOWED_BY = {"push": "after", "ivr": "after", "timers": "chain", "chain": "chain"}
"""Which flow follows the end of which."""
CALLED = frozenset({"ivr", "push", "edits", "writes", "services", "keys"})
"""Flows that belong to a call; the others have no media."""


def names_of(actions: Sequence[Json]) -> dict[str, str]:
    """Return the ids of the `ivr` flow by name."""
    return {name: action["id"] for name, action in zip(IVR_NAMES, actions, strict=True)}
