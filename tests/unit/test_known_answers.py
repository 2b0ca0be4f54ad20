"""Answers that are given out again: only those asked for twice, of records that are as they were, and not too many."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flowmanager.core.activeflow import Activeflow
from flowmanager.core.stacks import StackMap
from flowmanager.orchestrator.known_answers import KnownAnswers
from tests.desk import new_id

MADE = datetime(2026, 5, 4, 7, 8, 9, tzinfo=UTC)


def record() -> Activeflow:
    """A new activeflow."""
    return Activeflow(id=new_id(), stacks=StackMap.of(()), tm_create=MADE)


def asked_twice(known: KnownAnswers, seen: Activeflow, body: bytes) -> None:
    """Have an answer kept, if it is one to keep."""
    for _ in range(2):
        known.note(seen, body)


def kept(known: KnownAnswers, seen: Activeflow) -> bytes | None:
    """What is given out while the record is as it was."""
    return known.get(seen.id, lambda key, stamp: (key, stamp) == (seen.id, seen.stamp))


def test_an_answer_is_kept_when_it_is_asked_for_again() -> None:
    known, seen = KnownAnswers(), record()
    assert kept(known, seen) is None
    known.note(seen, b"first")
    assert kept(known, seen) is None
    known.note(seen, b"again")
    assert [kept(known, seen) for _ in range(3)] == [b"again"] * 3


def test_an_answer_is_forgotten_when_its_record_has_changed() -> None:
    known, seen = KnownAnswers(), record()
    changed = seen.evolve(tm_update=MADE + timedelta(microseconds=1))
    asked_twice(known, seen, b"old")
    assert kept(known, changed) is None
    known.note(changed, b"new")
    assert (kept(known, seen), kept(known, changed)) == (None, None)
    known.note(changed, b"new")
    assert kept(known, changed) == b"new"


def test_one_that_was_made_anew_is_another_one() -> None:
    """An id may be used again when its first record was deleted."""
    known, seen = KnownAnswers(), record()
    known.note(seen, b"old")
    known.note(seen.evolve(tm_create=MADE + timedelta(days=100)), b"new")
    assert kept(known, seen) is None


def test_the_first_that_was_kept_makes_room() -> None:
    known, records = KnownAnswers(most=3), [record() for _ in range(4)]
    for one in records:
        asked_twice(known, one, b"x")
    assert [kept(known, one) is not None for one in records] == [False, True, True, True]


def test_records_that_were_asked_for_once_have_a_limit() -> None:
    known, records = KnownAnswers(most=3), [record() for _ in range(4)]
    for one in records:
        known.note(one, b"x")
    for one in records:
        known.note(one, b"x")
    assert [kept(known, one) for one in records] == [None] * 4


def test_all_answers_together_have_a_limit() -> None:
    known, records = KnownAnswers(most_bytes=100), [record() for _ in range(30)]
    for number, one in enumerate(records):
        asked_twice(known, one, b"x" * (number % 40 + 1))
        bodies = [kept(known, other) or b"" for other in records]
        assert 0 < sum(map(len, bodies)) <= 100


def test_an_answer_that_is_too_large_is_not_kept() -> None:
    known, small, large = KnownAnswers(most_bytes=100), record(), record()
    asked_twice(known, small, b"x" * 100)
    asked_twice(known, large, b"x" * 101)
    assert (kept(known, small), kept(known, large)) == (b"x" * 100, None)
