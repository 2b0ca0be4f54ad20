"""A deleted customer: everything of theirs ends and is deleted, whatever its number, and nothing of anybody else's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import pytest
from sqlalchemy import func, select

from flowmanager.core.action import Action
from flowmanager.core.activeflow import Activeflow
from flowmanager.core.flow import Flow
from flowmanager.core.ids import NIL, Id
from flowmanager.core.stacks import StackMap
from flowmanager.errors import BrokerLost, InvalidRequest, PeerTimeout, StoreLost
from flowmanager.ports import Message, Transaction
from flowmanager.store.engine import Engines
from flowmanager.store.sql_store import SqlStore
from flowmanager.store.tables import answers, outbox
from tests.desk import Desk, Killed, Outside, act, clear, during, new_id, talk

T = TypeVar("T")


def gone(desk: Desk, customer_id: Id = "", **changes: Any) -> None:
    """Say that a customer was deleted: the desk's own unless told otherwise."""
    data = {"id": customer_id or desk.customer_id, "name": "Mera", "status": "deleted"}
    desk.event({"type": "customer_deleted", "publisher": "customer-manager", "data": data, **changes})


def fill(desk: Desk, activeflows: int, flows: int) -> None:
    """Store records of the desk's customer."""
    actions = (Action(new_id(), "talk", {"text": "hello"}, NIL),)

    def insert(transaction: Transaction) -> None:
        common: Any = {"customer_id": desk.customer_id, "tm_create": transaction.now()}
        for _ in range(activeflows):
            transaction.insert_activeflow(Activeflow(id=new_id(), stacks=StackMap.of(actions), **common))
        for _ in range(flows):
            transaction.insert_flow(Flow(id=new_id(), type="flow", persist=True, actions=actions, **common))

    desk.store.run(insert)


def left(desk: Desk, customer_id: Id = "") -> tuple[int, int]:
    """How many activeflows and flows of a customer are not deleted, 1000 at most."""
    filters = {"customer_id": customer_id or desk.customer_id, "deleted": False}
    lists = [desk.get(f"/v1/{name}?page_size=1000", filters).data for name in ("activeflows", "flows")]
    return len(lists[0]), len(lists[1])


def told(desk: Desk) -> Counter[tuple[str, Id]]:
    """How often which event of which record has left."""
    return Counter((one["type"], one["data"]["id"]) for one in desk.sent())


def rows(desk: Desk, table: Any) -> int:
    """How many rows a table has."""
    with desk.engines.statements.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def test_what_runs_is_ended_and_deleted(desk: Desk) -> None:
    """With the reason, and the event of the end before that of the deletion."""
    run = desk.start(talk("hello"), talk("never"))
    run.execute()
    gone(desk)
    record = run.record
    assert (record["status"], record["state"], record["ended_reason"]) == ("ended", "ended", "customer_deleted")
    assert record["tm_delete"]
    assert run.history == ["talk interrupted"]
    assert desk.events(run)[-2:] == ["activeflow_updated", "activeflow_deleted"]
    assert run.said == ["hello"]


def test_what_has_not_begun_is_ended_too(desk: Desk) -> None:
    """A created activeflow runs as far as anybody can tell."""
    run = desk.start(talk("hello"))
    gone(desk)
    assert (run.ended, run.execute()) == ("customer_deleted", (200, None))
    assert run.said == []


def test_what_has_ended_is_deleted_only(desk: Desk) -> None:
    """Why it ended is kept."""
    run = desk.start(talk("hello"))
    run.stop()
    before = len(desk.events(run))
    gone(desk)
    assert (run.ended, bool(run.record["tm_delete"])) == ("stop_request", True)
    assert desk.events(run)[before:] == ["activeflow_deleted"]


def test_flows_are_deleted_after_activeflows(desk: Desk) -> None:
    """Each with its event; the lists are empty then."""
    run = desk.start(talk("hello"))
    other = desk.flow(talk("spare"))
    before = len(desk.sent())
    gone(desk)
    flow_id = run.record["flow_id"]
    told_now = [(one["type"], one["data"]["id"]) for one in desk.sent()[before:]]
    assert [kind for kind, _ in told_now] == ["activeflow_updated", "activeflow_deleted", *["flow_deleted"] * 2]
    assert {one for kind, one in told_now if kind == "flow_deleted"} == {flow_id, other}
    assert all(desk.get(f"/v1/flows/{one}").data["tm_delete"] for one in (flow_id, other))
    assert left(desk) == (0, 0)


def test_no_on_complete_flow_is_started(desk: Desk) -> None:
    """Nor is one said to be missing."""
    run = desk.start(talk("hello"), on_complete=desk.flow(talk("afterwards")))
    run.execute()
    gone(desk)
    assert desk.children(run) == []
    assert not run.record.get("on_complete_blocked")


def test_nothing_below_on_a_stack_comes_on_top(desk: Desk) -> None:
    """It is ended as it lies."""
    conversation = {"reference_type": "conversation", "reference_id": new_id()}
    below = desk.start(act("block"), act("variable_set", key="a", value="b"), **conversation)
    below.execute()
    top = desk.start(act("block"), **conversation)
    assert (below.state, top.state) == ("suspended", "created")
    gone(desk)
    assert (below.ended, top.ended) == ("customer_deleted", "customer_deleted")
    assert "activeflow_resumed" not in desk.events()
    assert below.variables == {}


def test_an_answer_that_comes_after_the_end_is_dropped(desk: Desk) -> None:
    """The customer is deleted while a peer is asked."""
    run = desk.start(act("email_send", subject="x"), talk("never"))
    desk.outside.teach("email *", during(partial(gone, desk)))
    run.execute()
    assert (run.ended, run.history, run.said) == ("customer_deleted", ["email_send interrupted"], [])


def test_other_customers_are_not_touched(desk: Desk) -> None:
    """Neither their records nor their events."""
    neighbour = Desk(desk.store, desk.engines, desk.settings, desk.outside)
    run = neighbour.start(talk("hello"), talk("next"))
    run.execute()
    desk.start(talk("hello"))
    before, record = len(desk.events(run)), run.record
    gone(desk)
    assert (run.record, len(desk.events(run)), left(neighbour)) == (record, before, (1, 1))
    run.done()
    assert run.at == "next"


def test_the_event_may_come_again(desk: Desk) -> None:
    """The same message or another one: nothing changes, nothing is told."""
    run = desk.start(talk("hello"))
    gone(desk)
    record, before = run.record, len(desk.outside.published)
    gone(desk)
    body = {"type": "customer_deleted", "publisher": "customer-manager", "data": {"id": desk.customer_id}}
    for redelivered in (False, True):
        desk.event(body, message_id="m-1", redelivered=redelivered)
    assert (run.record, len(desk.outside.published)) == (record, before)


def test_what_the_customer_gets_afterwards_goes_with_the_next_event(desk: Desk) -> None:
    """Somebody was slow to learn of it."""
    gone(desk)
    run = desk.start(talk("late"))
    gone(desk)
    assert (run.ended, left(desk)) == ("customer_deleted", (0, 0))


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "customer_created"},
        {"type": "customer_frozen"},
        {"publisher": "other-manager"},
        {"data": {"id": "bad"}},
        {"data": {"id": NIL}},
        {"data": {}},
        {"data": {"id": "5c002700-0000-4000-8000-000000000063"}},
    ],
    ids=str,
)
def test_other_events_delete_nothing(desk: Desk, changes: dict[str, Any]) -> None:
    """Other types, other senders, no customer or one who has nothing."""
    desk.start(talk("hello"))
    before = len(desk.outside.published)
    gone(desk, **changes)
    assert (left(desk), len(desk.outside.published)) == ((1, 1), before)


def hashed(desk: Desk, flows: int) -> list[Id]:
    """Store flows with a direct hash each; return the ids of the hashes."""
    desk.outside.teach("direct POST /v1/directs", lambda _: {"id": new_id(), "hash": "direct.hash"})
    stored = [desk.flow(talk("x"), type="flow") for _ in range(flows)]
    return [desk.get(f"/v1/flows/{flow_id}").data["direct_id"] for flow_id in stored]


def given_back(desk: Desk) -> list[Id]:
    """The direct hashes that were given back so far."""
    asks = (ask for ask in desk.outside.asks if (ask.peer, ask.method) == ("direct", "DELETE"))
    return [ask.uri.removeprefix("/v1/directs/") for ask in asks]


def test_direct_hashes_are_given_back_once(desk: Desk) -> None:
    """When the deletion is committed and told."""
    direct_ids = hashed(desk, 3)
    seen: list[int] = []
    desk.outside.teach("direct DELETE *", lambda _: seen.append(desk.events().count("flow_deleted")))
    gone(desk)
    gone(desk)
    assert sorted(given_back(desk)) == sorted(direct_ids)
    assert seen == [3, 3, 3]


def test_direct_manager_is_not_needed(desk: Desk) -> None:
    """Its failure is logged; after some it is not asked any more."""
    hashed(desk, 8)
    desk.outside.teach("direct DELETE *", PeerTimeout("direct", 3))
    gone(desk)
    assert (left(desk), len(given_back(desk))) == ((0, 0), 5)


def test_the_record_tells_what_is_done_no_answer_is_kept(desk: Desk) -> None:
    """A message with an identity leaves no row for each record."""
    fill(desk, 3, 3)
    before = rows(desk, answers)
    body = {"type": "customer_deleted", "publisher": "customer-manager", "data": {"id": desk.customer_id}}
    desk.event(body, message_id="m-1")
    assert (left(desk), rows(desk, answers)) == ((0, 0), before)


class Portions(Outside):
    """A broker that remembers how many messages came at a time, and fails when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []
        self.failure: BaseException | None = None
        self.fails_at = -1

    def publish(self, messages: Sequence[Message]) -> None:
        """Take messages."""
        if self.failure is not None and len(self.sizes) == self.fails_at:
            raise self.failure
        self.sizes.append(len(messages))
        super().publish(messages)


@pytest.fixture
def crowded(desk_engines: Engines) -> Desk:
    """A customer with more records than are read at a time, on each kind of database."""
    clear(desk_engines)
    desk = Desk(SqlStore(desk_engines), desk_engines, outside=Portions())
    fill(desk, 120, 60)
    return desk


def portions(desk: Desk) -> Portions:
    assert isinstance(desk.outside, Portions)
    return desk.outside


def everything(desk: Desk) -> Counter[str]:
    """How many records were told of by each type of event; fails when one was told of twice."""
    found = told(desk)
    assert set(found.values()) == {1}
    return Counter(kind for kind, _ in found)


WHOLE = {"activeflow_updated": 120, "activeflow_deleted": 120, "flow_deleted": 60}


def test_records_are_deleted_and_told_of_in_portions(crowded: Desk) -> None:
    """All of them; what is unpublished at a time is a small part."""
    gone(crowded)
    assert (left(crowded), everything(crowded), rows(crowded, outbox)) == ((0, 0), WHOLE, 0)
    sizes = portions(crowded).sizes
    assert max(sizes) <= 200
    assert len(sizes) >= 5


@pytest.mark.parametrize("portion", range(5))
@pytest.mark.parametrize("failure", [BrokerLost(), Killed()], ids=repr)
def test_a_loss_in_the_middle(crowded: Desk, failure: BaseException, portion: int) -> None:
    """The event comes again and goes on with what is left; what was not published yet is published by the sweeper."""
    broker = portions(crowded)
    broker.failure, broker.fails_at = failure, portion
    with pytest.raises(type(failure)):
        gone(crowded)
    assert left(crowded) != (0, 0) or portion == 4
    broker.failure = None
    gone(crowded.colleague())
    crowded.later(6)
    crowded.sweep()
    assert (left(crowded), everything(crowded), rows(crowded, outbox)) == ((0, 0), WHOLE, 0)


def test_two_workers_with_the_same_event(crowded: Desk) -> None:
    """It was delivered again while the first still works on it: each record is told of once."""
    with ThreadPoolExecutor(2) as threads:
        for one in [threads.submit(gone, desk) for desk in (crowded, crowded.colleague())]:
            one.result(60)
    assert (left(crowded), everything(crowded)) == ((0, 0), WHOLE)


class Troubled:
    """A transaction in which some activeflows cannot be locked."""

    def __init__(self, transaction: Transaction, troubled: frozenset[Id], trouble: Exception) -> None:
        self.transaction, self.troubled, self.trouble = transaction, troubled, trouble

    def __getattr__(self, name: str) -> Any:
        return getattr(self.transaction, name)

    def lock_activeflow(self, activeflow_id: Id) -> Activeflow | None:
        """Lock an activeflow, if possible."""
        if activeflow_id in self.troubled:
            raise self.trouble
        return self.transaction.lock_activeflow(activeflow_id)


class TroubledStore(SqlStore):
    """A database that has lost its way with some records."""

    troubled: frozenset[Id] = frozenset()
    trouble: Exception = InvalidRequest("the database cannot hold the data")

    def run(self, work: Callable[[Any], T], *, on: Id | None = None) -> T:
        """Run work in a transaction."""
        return super().run(lambda transaction: work(Troubled(transaction, self.troubled, self.trouble)), on=on)


@pytest.mark.parametrize("many", [1, 70])
def test_a_record_that_cannot_be_deleted_does_not_keep_the_others(desk_engines: Engines, many: int) -> None:
    """Not even when there are more of them than are read at a time; they stay and the log tells."""
    clear(desk_engines)
    store = TroubledStore(desk_engines)
    desk = Desk(store, desk_engines)
    fill(desk, 120, 3)
    ids = [one["id"] for one in desk.get("/v1/activeflows?page_size=1000").data]
    store.troubled = frozenset(ids[:many])
    gone(desk)
    assert left(desk) == (many, 0)
    store.troubled = frozenset()
    gone(desk)
    assert left(desk) == (0, 0)


def test_a_database_that_is_lost_in_the_middle(desk_engines: Engines) -> None:
    """The message is handled again later; what was committed is published by the sweeper if nobody else does."""
    clear(desk_engines)
    store = TroubledStore(desk_engines)
    desk = Desk(store, desk_engines)
    fill(desk, 120, 60)
    ids = [one["id"] for one in desk.get("/v1/activeflows?page_size=1000").data]
    store.troubled, store.trouble = frozenset(ids[70:71]), StoreLost()
    with pytest.raises(StoreLost):
        gone(desk)
    assert left(desk) == (50, 60)
    store.troubled = frozenset()
    gone(desk)
    desk.later(6)
    desk.sweep()
    assert (left(desk), everything(desk), rows(desk, outbox)) == ((0, 0), WHOLE, 0)


def test_thousands_of_records(sqlite_engines: Engines) -> None:
    """2500 of them, all ended and deleted, all told of."""
    clear(sqlite_engines)
    desk = Desk(SqlStore(sqlite_engines), sqlite_engines, outside=Portions())
    fill(desk, 2000, 500)
    gone(desk)
    whole = {"activeflow_updated": 2000, "activeflow_deleted": 2000, "flow_deleted": 500}
    assert (left(desk), everything(desk), rows(desk, outbox)) == ((0, 0), whole, 0)
    assert max(portions(desk).sizes) <= 200


def test_the_log_tells_how_much_there_was(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    """One line for the customer."""
    fill(desk, 2, 1)
    capsys.readouterr()
    gone(desk)
    lines = [line for line in capsys.readouterr().out.splitlines() if "customer_removed" in line]
    assert len(lines) == 1
    assert ("activeflows=2" in lines[0], "flows=1" in lines[0]) == (True, True)
