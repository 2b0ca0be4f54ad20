"""The relay: each record's messages are published, in bounded rounds, also after a failure and before the end."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic, sleep

import pytest

from flowmanager import relay as module
from flowmanager.core.ids import Id
from flowmanager.errors import BrokerLost
from flowmanager.ports import Publisher
from flowmanager.relay import BATCH, Relay
from flowmanager.transport.link import open_link
from tests.broker_room import eventually

SECONDS = 30.0


class Shop:
    """Publishes for a relay, and remembers in which rounds."""

    def __init__(self) -> None:
        self.rounds: list[list[Id]] = []
        self.failures = 0
        self.orders: list[list[Id]] = []
        """What comes in while a round is under way."""
        self.relay = Relay(self.publish, open_link("memory://"))

    def publish(self, ids: list[Id], _: Publisher) -> None:
        """Publish for some records."""
        if self.orders:
            self.relay.add(self.orders.pop(0))
        if self.failures:
            self.failures -= 1
            raise BrokerLost
        self.rounds.append(ids)

    def end(self) -> None:
        """Stop and wait."""
        self.relay.stop()
        self.relay.join(SECONDS)
        assert not self.relay.is_alive()


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.01)
    shop = Shop()
    yield shop
    if shop.relay.is_alive():
        shop.end()


def ids(count: int, *, first: int = 0) -> list[Id]:
    """Some records."""
    return [f"record {number}" for number in range(first, first + count)]


def test_all_are_published_in_rounds_of_a_bounded_size(shop: Shop) -> None:
    shop.relay.add(ids(2 * BATCH + 7))
    shop.relay.start()
    eventually(lambda: sum(map(len, shop.rounds)) == 2 * BATCH + 7, seconds=SECONDS)
    assert [len(each) for each in shop.rounds] == [BATCH, BATCH, 7]
    assert [one for each in shop.rounds for one in each] == ids(2 * BATCH + 7)


def test_what_comes_during_a_round_is_for_the_next_one(shop: Shop) -> None:
    """All of it together: a round for each would cost as much as a round for a hundred."""
    shop.orders = [ids(20, first=1)]
    shop.relay.add(ids(1))
    shop.relay.start()
    eventually(lambda: len(shop.rounds) == 2, seconds=SECONDS)
    assert shop.rounds == [ids(1), ids(20, first=1)]


def test_what_comes_in_quick_succession_is_for_one_round(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as more comes the round waits."""
    monkeypatch.setattr(module, "QUIET_SECONDS", 0.3)
    monkeypatch.setattr(module, "LONGEST_SECONDS", SECONDS)
    shop.relay.start()
    for number in range(20):
        shop.relay.add(ids(1, first=number))
        sleep(0.02)
    eventually(lambda: bool(shop.rounds), seconds=SECONDS)
    assert shop.rounds == [ids(20)]


def test_a_round_does_not_wait_for_an_end_of_what_comes(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody waits for the events of the first."""
    monkeypatch.setattr(module, "QUIET_SECONDS", 0.05)
    monkeypatch.setattr(module, "LONGEST_SECONDS", 0.1)
    shop.relay.start()
    end = monotonic() + SECONDS
    while not shop.rounds and monotonic() < end:
        shop.relay.add(ids(1))
        sleep(0.01)
    assert shop.rounds


def test_a_record_that_is_given_twice_is_published_once(shop: Shop) -> None:
    """Its messages come together."""
    shop.relay.add(ids(3))
    shop.relay.add(ids(3))
    shop.relay.start()
    eventually(lambda: bool(shop.rounds), seconds=SECONDS)
    shop.end()
    assert shop.rounds == [ids(3)]


def test_a_failure_is_tried_again(shop: Shop) -> None:
    shop.failures = 3
    shop.relay.add(ids(2))
    shop.relay.start()
    eventually(lambda: shop.rounds == [ids(2)], seconds=SECONDS)


def test_what_is_in_hand_is_published_before_the_end(shop: Shop) -> None:
    shop.relay.add(ids(3))
    shop.relay.stop()
    shop.relay.start()
    shop.relay.join(SECONDS)
    assert shop.rounds == [ids(3)]


def test_an_end_does_not_wait_for_a_broker_that_is_gone(shop: Shop) -> None:
    """What is not published is in the outbox, and others will."""
    shop.failures = 1_000_000
    shop.relay.add(ids(3))
    shop.relay.start()
    shop.end()
    assert shop.rounds == []


def test_no_more_is_kept_than_the_limit(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an outage those beyond it are left to the sweepers."""
    monkeypatch.setattr(module, "MOST", 10)
    for number in range(30):
        shop.relay.add(ids(1, first=number))
    shop.relay.start()
    eventually(lambda: bool(shop.rounds), seconds=SECONDS)
    assert shop.rounds == [ids(10)]
