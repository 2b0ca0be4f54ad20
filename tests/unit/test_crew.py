"""Who steps in for threads that wait for other managers, how many, and when they leave again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic

import pytest
from prometheus_client import generate_latest

from flowmanager import crew as module
from flowmanager.crew import Crew, Member, Post
from flowmanager.metrics import Metrics
from tests.broker_room import eventually


class Hand(Thread):
    """A thread of a post; does something and then waits for its end."""

    def __init__(self, act: Callable[[], None] = lambda: None) -> None:
        super().__init__(daemon=True)
        self.act, self.ended = act, Event()

    def run(self) -> None:
        self.act()
        self.ended.wait(60)

    def stop(self) -> None:
        self.ended.set()


class Scene:
    """A crew with one post, whose permanent threads wait as long as they are told to."""

    def __init__(self, most: int) -> None:
        self.metrics = Metrics()
        self.crew = Crew(most, self.metrics)
        self.answered = Event()
        self.permanent: list[Member] = []
        self.post = Post(Hand)
        self.hands: list[Hand] = []

    def waiting(self, count: int) -> None:
        """Have so many permanent threads wait for another manager."""
        self.hands = [Hand(self.wait) for _ in range(count)]
        self.crew.add(self.post, list(self.hands))
        for hand in self.hands:
            hand.start()
        eventually(lambda: len(self.post.waits) == count)

    def wait(self) -> None:
        with self.crew.waiting(), self.crew.waiting():
            self.answered.wait(60)


@contextmanager
def scene(most: int) -> Iterator[Scene]:
    made = Scene(most)
    try:
        yield made
    finally:
        made.answered.set()
        for one in (*made.hands, *made.crew.relief):
            one.stop()
            one.join(10)


@pytest.fixture
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is not needed leaves at once."""
    monkeypatch.setattr(module, "KEEP_SECONDS", 0.0)


def until_slow(made: Scene, count: int) -> None:
    """Wait until so many count as waiting."""
    eventually(lambda: made.post.slow(monotonic()) == count)


def test_as_many_step_in_as_wait() -> None:
    with scene(100) as made:
        made.waiting(3)
        until_slow(made, 3)
        assert made.crew.look()
        assert len(made.crew.relief) == 3
        assert all(one.is_alive() for one in made.crew.relief)
        assert b"flow_manager_relief_threads 3.0" in generate_latest(made.metrics.registry)
        made.crew.look()
        assert len(made.crew.relief) == 3


def test_no_more_step_in_than_the_limit() -> None:
    with scene(2) as made:
        made.waiting(5)
        until_slow(made, 5)
        made.crew.look()
        made.crew.look()
        assert len(made.crew.relief) == 2


def test_a_short_wait_needs_nobody() -> None:
    with scene(100) as made:
        made.waiting(3)
        began = min(made.post.waits.values())
        assert made.post.slow(began + module.SLOW_SECONDS / 2) == 0


def test_many_step_in_little_by_little() -> None:
    with scene(100) as made:
        made.waiting(25)
        until_slow(made, 25)
        counts = []
        for _ in range(4):
            made.crew.look()
            counts.append(len(made.crew.relief))
        assert counts == [10, 20, 25, 25]


@pytest.mark.usefixtures("no_patience")
def test_who_is_not_needed_leaves() -> None:
    with scene(100) as made:
        made.waiting(3)
        until_slow(made, 3)
        made.crew.look()
        relief = made.crew.relief
        made.answered.set()
        until_slow(made, 0)
        made.crew.look()
        made.crew.look()
        eventually(lambda: not any(one.is_alive() for one in relief))
        assert not made.crew.look()
        assert made.crew.relief == []


def test_who_is_not_needed_stays_for_a_while() -> None:
    with scene(100) as made:
        made.waiting(1)
        until_slow(made, 1)
        made.crew.look()
        made.answered.set()
        until_slow(made, 0)
        made.crew.look()
        assert made.crew.look()
        assert [one.is_alive() for one in made.crew.relief] == [True]


@pytest.mark.usefixtures("no_patience")
def test_who_stepped_in_and_waits_itself_is_not_sent_home() -> None:
    with scene(100) as made:
        own = Event()

        def act() -> None:
            with made.crew.waiting():
                own.wait(60)

        made.post.make = lambda: Hand(act)
        made.waiting(2)
        until_slow(made, 2)
        made.crew.look()
        until_slow(made, 4)
        made.answered.set()
        until_slow(made, 2)
        waiting = made.crew.relief
        for _ in range(3):
            made.crew.look()
        assert [one.is_alive() for one in waiting] == [True, True]
        own.set()


def test_a_thread_of_no_post_is_not_counted() -> None:
    with scene(100) as made:
        made.crew.add(made.post, [])
        with made.crew.waiting():
            assert made.post.waits == {}


def test_it_runs_until_it_is_stopped_and_has_everybody_leave() -> None:
    with scene(100) as made:
        made.waiting(2)
        made.crew.start()
        eventually(lambda: len(made.crew.relief) >= 2)
        made.crew.stop()
        made.crew.join(10)
        assert not made.crew.is_alive()
        eventually(lambda: not any(one.is_alive() for one in made.crew.relief))


def test_a_thread_that_cannot_be_started_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system allows no more, it is tried again and again: nothing may pile up."""
    with scene(100) as made:
        made.waiting(1)
        until_slow(made, 1)
        known = len(made.crew._post_of)
        with monkeypatch.context() as patch:
            patch.setattr(Hand, "start", lambda _: 1 / 0)
            for _ in range(3):
                with pytest.raises(ZeroDivisionError):
                    made.crew.look()
        assert (len(made.crew._post_of), made.crew.relief) == (known, [])
        made.crew.look()
        assert len(made.crew.relief) == 1


def test_a_fault_does_not_end_it() -> None:
    with scene(100) as made:
        made.waiting(1)
        made.post.make = lambda: 1 / 0  # type: ignore[assignment,return-value]
        made.crew.start()
        until_slow(made, 1)
        made.post.make = Hand
        eventually(lambda: len(made.crew.relief) == 1)
        made.crew.stop()
        made.crew.join(10)
