"""Builds that are broken on purpose: the checker must find each of them out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from flowmanager.core.conditions import compare_numbers
from flowmanager.errors import BrokerLost
from flowmanager.executors import condition_variable
from flowmanager.orchestrator import talk, turn
from flowmanager.orchestrator.claims import locked
from flowmanager.orchestrator.known_answers import KnownAnswers
from flowmanager.ports import Publisher
from flowmanager.receiver import Aftermath
from flowmanager.store import sql_store
from flowmanager.store.statements import statements_of
from flowmanager.store.transaction import SqlTransaction
from flowmanager.transport.inbox import Inbox
from tests.faults.commits import put

BROKEN = "FLOWMANAGER_TEST_BROKEN"


def nothing(*_: Any) -> None:
    """Do nothing."""


def no_lock() -> None:
    """Read the activeflow without locking its row."""

    def unlocked(dialect: Any, *, answer_seconds: float) -> Any:
        made = statements_of(dialect, answer_seconds=answer_seconds)
        queries = {name: getattr(made, name) for name in LOCKING}
        assert all("FOR UPDATE" in query.text for query in queries.values())
        unlocking = {
            name: replace(query, text=query.text.partition(" FOR UPDATE")[0]) for name, query in queries.items()
        }
        return replace(made, **unlocking)

    put(sql_store, "statements_of", unlocked)


LOCKING = ("lock_flow", "lock_activeflow", "lock_free", "lock_by_reference")


def ack_first() -> None:
    """Acknowledge a message before it is handled."""
    take, ack = Inbox.take, Inbox.ack

    def taken(inbox: Inbox, seconds: float) -> Any:
        delivery = take(inbox, seconds)
        if delivery is not None:
            ack(inbox, delivery)
        return delivery

    put(Inbox, "take", taken)
    put(Inbox, "ack", nothing)
    put(Inbox, "give_back", nothing)


def no_fence() -> None:
    """Settle whatever an executor answers, also when somebody else has taken the turn over."""

    def mine(progress: Any, transaction: Any) -> Any:
        return locked(transaction, progress.flow.id)

    for module in (talk, turn):
        put(module, "mine", mine)


def no_outbox() -> None:
    """Publish what was committed straight away, and forget it when that fails."""
    kept: dict[str, list[Any]] = {}

    def add_messages(_transaction: SqlTransaction, messages: Sequence[Any]) -> None:
        for message in messages:
            kept.setdefault(message.activeflow_id, []).append(message)

    def publish(_aftermath: Aftermath, _engine: Any, touched: list[str], publisher: Publisher) -> None:
        ids = list(dict.fromkeys(touched))
        touched.clear()
        messages = [message for one in ids for message in kept.pop(one, [])]
        with suppress(BrokerLost):
            publisher.publish(messages)

    put(SqlTransaction, "add_messages", add_messages)
    put(Aftermath, "publish", publish)


def no_answers() -> None:
    """Keep no answers for repeats."""
    put(SqlTransaction, "add_answer", nothing)


def swapped() -> None:
    """Compare the other way round."""

    def compare(left: str, sign: str, right: float) -> bool:
        return compare_numbers(str(right), sign, float(left or 0))

    put(condition_variable, "compare_numbers", compare)


def stale() -> None:
    """Give answers to reads again without asking whether their records have changed."""

    def get(known: KnownAnswers, key: str, _unchanged: Any) -> bytes | None:
        found = known._known.get(key)
        return found.body or None if found else None

    put(KnownAnswers, "get", get)


BREAKAGES: Mapping[str, Callable[[], None]] = {
    "no_lock": no_lock,
    "ack_first": ack_first,
    "no_fence": no_fence,
    "no_outbox": no_outbox,
    "no_answers": no_answers,
    "swapped": swapped,
    "stale": stale,
}


FOUND_BY: Mapping[str, frozenset[str]] = {
    "no_lock": frozenset(("I2", "I4", "I6", "I7")),
    "ack_first": frozenset(("I6",)),
    "no_fence": frozenset(("I2", "I4", "I7", "I8")),
    "no_outbox": frozenset(("I5", "I7")),
    "no_answers": frozenset(("I1", "I2", "I3", "I6")),
    "swapped": frozenset(("I2",)),
    "stale": frozenset(("I6",)),
}
"""The invariants by which each is to be found out: nothing else counts."""


def break_it(name: str) -> None:
    """Break this process."""
    BREAKAGES[name]()
