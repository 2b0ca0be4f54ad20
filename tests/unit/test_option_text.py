"""What is known of an option: the same whether it is remembered or not."""

from __future__ import annotations

from typing import Any

import pytest

from flowmanager.core.action import Action
from flowmanager.errors import InvalidRequest
from flowmanager.orchestrator import option_text as module
from flowmanager.orchestrator.option_text import MOST_BYTES, checked_option, option_text
from flowmanager.schemas.options import EchoOption, Option, load_option

ID = "11111111-1111-4111-8111-111111111111"


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        (None, (0, 0, False)),
        ({}, (0, 0, False)),
        ({"text": "hello"}, (16, 16, False)),
        ({"text": "${name}"}, (18, 18, True)),
        ({"a": ["$", "{x}", "${y}"]}, (24, 24, True)),
        ({"actions": ["${a}"]}, (20, 2, False)),
        ({"actions": ["${a}"], "text": "${a}"}, (34, 15, True)),
    ],
)
def test_what_is_known(option: dict[str, Any] | None, expected: tuple[int, int, bool]) -> None:
    """Volume, length of the part that is replaced, and whether there may be placeholders; of nested actions none."""
    action = Action(ID, "talk", option)
    for _ in range(2):
        found = option_text(action)
        assert (found.volume, found.length, found.has_placeholders) == expected


def test_it_belongs_to_the_action_not_to_its_place_in_memory() -> None:
    """Whatever takes the place of one that is gone."""
    for number in range(100):
        action = Action(ID, "talk", {"text": "x" * number})
        assert option_text(action).length == 11 + number


def test_no_more_is_remembered_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither many nor large ones."""
    monkeypatch.setattr(module, "MOST", 10)
    monkeypatch.setattr(module, "KNOWN", {})
    kept = [Action(ID, "talk", {"number": number}) for number in range(25)]
    for action in kept:
        option_text(action)
    assert len(module.KNOWN) <= 10
    before = dict(module.KNOWN)
    assert option_text(Action(ID, "talk", {"text": "x" * MOST_BYTES})).volume > MOST_BYTES
    assert before == module.KNOWN


def test_an_option_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that does not fit is refused each time."""
    checked: list[Any] = []

    def load(form: type[Option], option: Any) -> Any:
        checked.append(option)
        return load_option(form, option)

    monkeypatch.setattr(module, "load_option", load)
    good, bad = (option_text(Action(ID, "echo", {"duration": long})) for long in (5, "long"))
    assert [checked_option(EchoOption, good)["duration"] for _ in range(2)] == [5, 5]
    for _ in range(2):
        with pytest.raises(InvalidRequest, match="duration"):
            checked_option(EchoOption, bad)
    assert checked == [good.action.option, bad.action.option, bad.action.option]
