"""How options are checked when a flow is stored and read when an action runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from flowmanager.errors import InvalidAnonymousValue, InvalidRequest
from flowmanager.schemas.fields import Address, Anonymous, Items, Text, Uuid, Whole
from flowmanager.schemas.options import NoOption, Option, check_option, echo_limit, load_option

ID = "9c37e1f0-58ab-4d62-8e19-07b4c6d2a5f3"


class Example(Option):
    """Some options."""

    text = Text()
    number = Whole(load_default=7)
    target_id = Uuid(required=True)
    others = Items(Address())
    anonymous = Anonymous()


@pytest.mark.parametrize(
    "option",
    [
        None,
        {},
        {"text": "${x}", "number": "${n}", "target_id": "${id}"},
        {"others": [{"target": "${x}"}, 5]},
        {"anonymous": "${x}"},
        {"unknown": 5, "target_id": ID},
    ],
)
def test_what_can_be_right_when_the_action_runs_is_accepted(option: Any) -> None:
    """Nothing is required before; an option with a placeholder is checked when it is known."""
    check_option(Example, option, "actions[0].option")


@pytest.mark.parametrize(
    ("option", "path", "sentence"),
    [
        ({"number": "5"}, "number", "Not a whole number."),
        ({"others": [{"target": 5}]}, "others[0].target", "Not a text."),
        ({"text": "${x}", "target_id": "name"}, "target_id", "Not a uuid."),
    ],
)
def test_what_can_only_be_wrong_is_refused(option: Any, path: str, sentence: str) -> None:
    """By path and sentence."""
    with pytest.raises(InvalidRequest) as caught:
        check_option(Example, option, "actions[3].option")
    assert caught.value.sentence == f"actions[3].option.{path}: {sentence}"
    assert caught.value.facts == {"path": f"actions[3].option.{path}"}


def test_a_wrong_anonymous_has_an_error_of_its_own() -> None:
    """Peers know its reason."""
    with pytest.raises(InvalidAnonymousValue):
        check_option(Example, {"anonymous": "maybe"}, "option")


def test_an_option_is_read_with_its_defaults() -> None:
    """Every key is there."""
    assert load_option(Example, {"target_id": ID.upper()}) == {
        "text": "",
        "number": 7,
        "target_id": ID,
        "others": [],
        "anonymous": "",
    }
    assert load_option(NoOption, {"any": 1}) == {}


@pytest.mark.parametrize(("option", "path"), [(None, "target_id"), ({"target_id": ID, "number": "5"}, "number")])
def test_what_is_missing_or_wrong_fails_when_the_action_runs(option: Any, path: str) -> None:
    """By its path."""
    with pytest.raises(InvalidRequest) as caught:
        load_option(Example, option)
    assert caught.value.facts == {"path": f"option.{path}"}


@pytest.mark.parametrize(("duration", "seconds"), [(0, 180), (1, 0.001), (5000, 5)])
def test_an_echo_lasts_three_minutes_unless_told_otherwise(duration: int, seconds: float) -> None:
    """Milliseconds."""
    assert echo_limit({"duration": duration}) == timedelta(seconds=seconds)
