"""Media actions: how long they may take and what events mean to them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from flowmanager.core.activeflow import Driver
from flowmanager.core.outcomes import Continue, Hold, Outcome
from flowmanager.core.signals import Signal, SignalKind
from flowmanager.core.variables import DIGITS
from flowmanager.executor import Completion, Executor
from flowmanager.executors.amd import amd
from flowmanager.executors.confbridge_join import confbridge_join
from flowmanager.executors.digits_receive import digits_receive
from flowmanager.executors.digits_send import digits_send
from flowmanager.executors.echo import echo
from flowmanager.executors.hangup import hangup
from flowmanager.executors.play import play
from flowmanager.executors.stream_echo import stream_echo
from flowmanager.executors.talk import talk
from flowmanager.schemas.options import load_option
from tests.unit.executors.steps import task_of

DONE = Signal(kind=SignalKind.DONE, cause="done")

LIMITS: list[tuple[Executor, dict[str, Any], timedelta | None]] = [
    (digits_send, {"digits": "123", "duration": 100, "interval": 50}, timedelta(milliseconds=400)),
    (digits_send, {"digits": "1", "duration": 100, "interval": 50}, timedelta(milliseconds=100)),
    (digits_send, {"digits": "", "duration": 100, "interval": 50}, None),
    (digits_send, {"digits": "1" * 10**6, "duration": 10**10}, timedelta(milliseconds=10**13)),
    (digits_receive, {"duration": 3000}, timedelta(seconds=3)),
    (digits_receive, {}, None),
    (echo, {}, timedelta(minutes=3)),
    (echo, {"duration": -5}, timedelta(minutes=3)),
    (stream_echo, {"duration": 1500}, timedelta(seconds=1.5)),
    (hangup, {}, timedelta(seconds=30)),
    (confbridge_join, {}, timedelta(hours=24)),
    (play, {}, None),
]


@pytest.mark.parametrize(("executor", "option", "expected"), LIMITS)
def test_how_long_it_may_take(executor: Executor, option: dict[str, Any], expected: timedelta | None) -> None:
    """None: as long as the settings allow."""
    assert executor.limit(load_option(executor.option, option)) == expected


@pytest.mark.parametrize("executor", [amd, talk])
def test_what_is_asynchronous_is_complete_at_once(executor: Executor) -> None:
    """Nobody waits for its end."""
    assert executor.completion(load_option(executor.option, {"async": True})) is Completion.AT_ONCE


@pytest.mark.parametrize(
    ("handle", "expected"),
    [("next", Continue({DIGITS: "5"})), ("", Hold(Driver.PUSH, None, {DIGITS: "5"}))],
)
def test_a_key_ends_a_talk_when_that_is_wanted(handle: str, expected: Outcome) -> None:
    """Else it only replaces the digits."""
    digit = Signal(kind=SignalKind.DIGIT, cause="dtmf", text="5")
    assert talk.on_signal(task_of(talk, {"digits_handle": handle}), digit) == expected
    assert talk.on_signal(task_of(talk), DONE) == Continue()


@pytest.mark.parametrize(
    ("option", "before", "key", "complete"),
    [
        ({"length": 3}, "12", "3", True),
        ({"length": 3}, "1", "2", False),
        ({"length": 0}, "123456789", "0", False),
        ({"key": "#"}, "12", "#", True),
        ({"key": "*#"}, "", "*", True),
        ({"key": "#"}, "12", "3", False),
        ({"length": 2, "key": "#"}, "1", "2", True),
    ],
)
def test_digits_are_collected_until_they_are_enough(
    option: dict[str, Any], before: str, key: str, complete: bool
) -> None:
    """Every key is kept, the one that ends too."""
    task = task_of(digits_receive, option, variables={DIGITS: before})
    outcome = digits_receive.on_signal(task, Signal(kind=SignalKind.DIGIT, cause="dtmf", text=key))
    digits = {DIGITS: before + key}
    assert outcome == (Continue(digits) if complete else Hold(Driver.PUSH, None, digits))


def test_digits_receive_ends_when_call_manager_says_so() -> None:
    """For example because the time is up."""
    assert digits_receive.on_signal(task_of(digits_receive), DONE) == Continue()
