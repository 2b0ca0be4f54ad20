"""Which requests crowd out those of other customers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowmanager.core.ids import NIL
from flowmanager.entrance import Entrance
from flowmanager.errors import StoreLost
from flowmanager.orchestrator.crowd import WINDOW_SECONDS, Crowd
from flowmanager.transport.envelope import Delivery

LOUD, QUIET, THIRD = (str(uuid4()) for _ in range(3))
RECORD = str(uuid4())


@dataclass
class Room:
    """A crowd with a clock that is set by hand."""

    now: float = 1000.0
    crowd: Crowd = field(init=False)

    def __post_init__(self) -> None:
        self.crowd = Crowd(4, clock=lambda: self.now)

    def enter(self, *customers: str) -> list[bool]:
        """Who gets in."""
        return [self.crowd.enter(one) for one in customers]


def test_half_of_the_lanes_is_for_one_customer_when_another_is_there() -> None:
    room = Room()
    assert room.enter(QUIET, LOUD, LOUD, LOUD) == [True, True, True, False]
    assert room.crowd.crowds(LOUD)
    room.crowd.leave(LOUD)
    assert room.enter(LOUD, LOUD) == [True, False]
    assert room.enter(QUIET, THIRD) == [True, True]


@pytest.mark.parametrize("customers", [[LOUD] * 4, [""] * 4, ["", LOUD, LOUD, LOUD]])
def test_who_is_alone_or_not_known_gets_in(customers: list[str]) -> None:
    assert all(Room().enter(*customers))


def test_who_has_not_come_for_a_while_is_not_waited_for() -> None:
    room = Room()
    room.enter(QUIET, LOUD, LOUD)
    room.now += WINDOW_SECONDS - 1
    assert room.enter(LOUD) == [False]
    room.now += 1
    assert room.enter(LOUD) == [True]


def test_what_must_be_handled_is_counted_too() -> None:
    room = Room()
    room.enter(QUIET)
    assert all(room.crowd.enter(LOUD, may_wait=False) for _ in range(3))
    room.crowd.leave(LOUD)
    assert room.enter(LOUD) == [False]


def test_it_matters_whose_a_request_is_only_when_lanes_are_busy_and_customers_mixed() -> None:
    room = Room()
    room.enter(LOUD, LOUD)
    assert not room.crowd.pressed()
    room.enter(QUIET)
    assert room.crowd.pressed()
    for one in (LOUD, QUIET):
        room.crowd.leave(one)
    assert not room.crowd.pressed()


def test_each_customer_is_told_of_once_in_a_while() -> None:
    room = Room()
    assert [room.crowd.news(LOUD), room.crowd.news(LOUD)] == [True, False]
    room.now += WINDOW_SECONDS
    assert room.crowd.news(LOUD)


@pytest.mark.parametrize(
    ("uri", "data", "customer"),
    [
        ("/v1/activeflows", {"customer_id": QUIET}, QUIET),
        (f"/v1/activeflows/{RECORD}/next", {"current_action_id": NIL}, LOUD),
        (f"/v1/activeflows/{RECORD}", None, LOUD),
        (f"/v1/variables/{RECORD}/variables", {}, LOUD),
        (f"/v1/flows/{RECORD}?x=1", None, LOUD),
        (f"/v1/flows/{RECORD}", {"customer_id": 3}, LOUD),
        (f"/v1/flows/{RECORD}", {"customer_id": NIL}, LOUD),
        (f"/v1/flows/{RECORD}0", None, ""),
        (f"/v1/flows/{uuid4()}", None, ""),
        ("/v1/flows", {"customer_id": "x" * 1_000_000}, ""),
        ("/v1/flows", [QUIET], ""),
        ("", None, ""),
    ],
)
def test_whose_a_request_is(uri: str, data: Any, customer: str) -> None:
    crowd = Crowd(4)
    crowd.learn(RECORD, LOUD)
    assert crowd.customer_of(uri, data) == customer


def test_nobody_is_no_customer() -> None:
    crowd = Crowd(4)
    crowd.learn(RECORD, NIL)
    assert crowd.customer_of(f"/v1/flows/{RECORD}", None) == ""


def test_only_so_many_records_are_remembered() -> None:
    crowd = Crowd(4, most_known=2)
    ids = [str(uuid4()) for _ in range(3)]
    crowd.learn(ids[0], LOUD)
    crowd.learn(ids[1], LOUD)
    crowd.customer_of(f"/v1/flows/{ids[0]}", None)
    crowd.learn(ids[2], LOUD)
    assert [crowd.customer_of(f"/v1/flows/{one}", None) for one in ids] == [LOUD, "", LOUD]


@given(st.lists(st.tuples(st.sampled_from(["", LOUD, QUIET, THIRD]), st.booleans())))
def test_nobody_holds_more_than_half_when_several_come_again_and_again(steps: list[tuple[str, bool]]) -> None:
    """And who holds less gets in, whatever went before; what left is not counted."""
    room = Room()
    room.enter(QUIET, THIRD, LOUD)
    held = {"": 0, LOUD: 1, QUIET: 1, THIRD: 1}
    for customer, comes in steps:
        if comes:
            entered = room.crowd.enter(customer)
            assert entered == (not customer or held[customer] < 2)
            held[customer] += entered
        elif held[customer]:
            room.crowd.leave(customer)
            held[customer] -= 1


class Hands:
    """The side of a link that takes messages from a queue and gives them back."""

    def __init__(self, *waiting: Delivery) -> None:
        self.waiting = list(waiting)
        self.taken: list[Delivery] = []

    def next_in(self, _queue: str) -> Delivery | None:
        """Take the first one."""
        if self.waiting:
            self.taken.append(self.waiting.pop(0))
            return self.taken[-1]
        return None

    def give_back(self, delivery: Delivery) -> None:
        """Return one."""
        self.taken.remove(delivery)


def test_what_was_taken_to_be_moved_is_given_back_when_the_database_is_lost() -> None:
    """It would be in the lane's hands, unanswered, for as long as the connection lives."""
    hands = Hands(*(Delivery(queue="q", body=str(number).encode()) for number in range(3)))
    asked: list[Delivery] = []

    class Losing(Entrance):
        """Loses the database at the third message."""

        def crowds(self, delivery: Delivery) -> bool:
            asked.append(delivery)
            if len(asked) == 3:
                raise StoreLost
            return True

    engine: Any = None
    read: Any = None
    link: Any = hands
    with pytest.raises(StoreLost):
        Losing(engine, read).more("q", link)
    assert (len(asked), hands.taken) == (3, [])


def test_who_waits_for_another_manager_does_not_crowd() -> None:
    """A customer of slow managers occupies nothing that others need."""
    crowd = Crowd(2)
    other, customer = str(uuid4()), str(uuid4())
    assert crowd.enter(other)
    crowd.leave(other)
    assert crowd.enter(customer)
    assert crowd.crowds(customer)
    with crowd.waiting():
        assert not crowd.crowds(customer)
        with crowd.waiting():
            assert not crowd.crowds(customer)
    assert crowd.crowds(customer)
    crowd.leave(customer)
    assert not crowd.crowds(customer)
