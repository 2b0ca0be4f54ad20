"""Settings from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from flowmanager.core.limits import Limits
from flowmanager.errors import InvalidSetting
from flowmanager.settings import Settings, limit_variable_of, read_settings, variable_of
from tests.unit.settings_example import example, reasons

PLAIN = [one for one in fields(Settings) if one.name != "limits"]
VARIABLES: Mapping[str, Any] = {
    **{variable_of(one.name): one for one in PLAIN},
    **{limit_variable_of(one.name): one for one in fields(Limits)},
}
GIVEN: Mapping[str, tuple[str, Any]] = {
    "str": (" text ", "text"),
    "int": ("17", 17),
    "float": ("2.5", 2.5),
    "bool": ("true", True),
}
EXAMPLE = Path("config/flowmanager.env.example")


def changed(variable: str, value: Any) -> Settings:
    """Return the default settings with one other value."""
    name = VARIABLES[variable].name
    if variable.startswith("FLOWMANAGER_LIMIT_"):
        return Settings(limits=replace(Limits(), **{name: value}))
    return replace(Settings(), **{name: value})


def test_nothing_given() -> None:
    """Every setting has a default; an empty variable is none."""
    assert read_settings({}) == Settings()
    assert read_settings(dict.fromkeys(VARIABLES, " ")) == Settings()


@pytest.mark.parametrize("variable", VARIABLES)
def test_every_setting_can_be_given(variable: str) -> None:
    """It changes that one only."""
    text, value = GIVEN[str(VARIABLES[variable].type)]
    assert read_settings({variable: text}) == changed(variable, value)


@pytest.mark.parametrize("text", ["0", "0.0"])
def test_a_time_that_is_not_set_can_be_given_as_zero(text: str) -> None:
    """It means: not at all."""
    assert read_settings({"FLOWMANAGER_RETENTION_SECONDS": text}).retention_seconds == 0


WRONG = {
    "int": ["x", "1.5", "-1", "1e3", "9" * 5000],
    "float": ["x", "0", "-1", "nan", "inf", "1e9", "5s"],
    "bool": ["x", "2", "on"],
    "str": [],
}
MAY_BE_ZERO = {variable for variable, one in VARIABLES.items() if one.default == 0}
MISTAKES = [
    (variable, text)
    for variable, one in VARIABLES.items()
    for text in WRONG[str(one.type)]
    if not (text == "0" and variable in MAY_BE_ZERO)
]


@pytest.mark.parametrize(("variable", "text"), MISTAKES, ids=lambda text: text[:30])
def test_a_wrong_value_is_told_in_one_sentence(variable: str, text: str) -> None:
    """It names the variable and says what is expected, but not what was given: that may be a secret."""
    with pytest.raises(InvalidSetting) as caught:
        read_settings({variable: text})
    assert caught.value.sentence.startswith(f"{variable} must be ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("variable", [name for name, one in VARIABLES.items() if one.type == "int"])
def test_zero_is_accepted_only_where_it_means_none(variable: str) -> None:
    """Elsewhere it would stop everything."""
    if VARIABLES[variable].default == 0 or variable == "FLOWMANAGER_RELIEF_THREADS":
        assert read_settings({variable: "0"}) == changed(variable, 0)
        return
    with pytest.raises(InvalidSetting, match="above 0"):
        read_settings({variable: "0"})


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("TRUE", True), ("1", True), ("Yes", True), ("false", False), ("0", False)]
)
def test_true_and_false(text: str, value: bool) -> None:
    """In either case, or as numbers."""
    assert read_settings({"FLOWMANAGER_QUORUM_QUEUES": text}).quorum_queues is value


@pytest.mark.parametrize(
    "variable",
    ["RABBITMQ_ADDRESS", "DATABASE_DSN", "PROMETHEUS_ENDPOINT", "PROMETHEUS_LISTEN_ADDRESS"],
)
def test_names_that_deployments_use_are_kept(variable: str) -> None:
    """They have no prefix."""
    assert read_settings({variable: "x"}) == changed(variable, "x")
    assert read_settings({f"FLOWMANAGER_{variable}": "x"}) == Settings()


def test_variables_of_others_are_ignored() -> None:
    """Without the prefix they are not ours."""
    assert read_settings({"THREADS": "3", "PATH": "/bin", "LIMIT_ACTIONS": "1"}) == Settings()


@given(some.sampled_from(sorted(VARIABLES)), some.text())
def test_any_value_is_read_or_refused(variable: str, text: str) -> None:
    """There is one error for all of it."""
    try:
        found = read_settings({variable: text})
    except InvalidSetting:
        return
    value = getattr(found.limits if variable.startswith("FLOWMANAGER_LIMIT_") else found, VARIABLES[variable].name)
    assert type(value).__name__ == VARIABLES[variable].type


def test_every_setting_says_why() -> None:
    """One sentence or more under each."""
    assert set(reasons(Settings)) == {one.name for one in fields(Settings)}
    assert set(reasons(Limits)) == {one.name for one in fields(Limits)}


def test_the_example_is_current() -> None:
    """Write it anew with: python -m tests.unit.settings_example > config/flowmanager.env.example"""
    assert EXAMPLE.read_text() == example()


def test_the_example_names_every_setting_once_with_its_default() -> None:
    """In the order in which they are defined; used as it is, or with every line in force, it changes nothing."""
    lines = [line.removeprefix("#") for line in EXAMPLE.read_text().splitlines() if line[:2] not in ("", "# ")]
    named = [line.partition("=")[0] for line in lines]
    assert named == list(VARIABLES)
    assert read_settings(dict(line.split("=", 1) for line in lines)) == Settings()
