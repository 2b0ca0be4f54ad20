"""Secrets are not shown, long texts are cut, everything else stays as it is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from flowmanager.core.masking import (
    BEARER,
    CARD,
    IN_TEXT,
    ITEMS,
    MASK,
    REMEMBERED_CHARACTERS,
    SHORTEST,
    TEXT_CHARACTERS,
    is_secret,
    remembered_secret,
    shown_text,
    shown_tree,
    shown_value,
)

SECRETS = ["password", "api_key", "apiKey", "X-Api-Key", "Authorization", "card.pin", "customer.PIN", "accessToken"]
SECRETS += ["card_number", "db.passwords", "cvv", "user_password2", "private-key", "voipbin.secret"]
PLAIN = ["pinned", "shopping", "discard", "cardinal", "menu.choice", "spin", "voipbin.call.digits", "monkey", "author"]


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_known_by_its_name(name: str) -> None:
    assert is_secret(name)
    assert shown_value(name, "1234") == MASK


@pytest.mark.parametrize("name", PLAIN)
def test_other_names_are_not_taken_for_secrets(name: str) -> None:
    assert not is_secret(name)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"password": "hunter2", "name": "Dana"}', f'{{"password": "{MASK}", "name": "Dana"}}'),
        ("https://x.example/?token=abc123&page=2", f"https://x.example/?token={MASK}&page=2"),
        ("Authorization: Bearer abc.def-ghi", f"Authorization: Bearer {MASK}"),
        ("it said Bearer abcdefghijkl", f"it said Bearer {MASK}"),
        ("card 4111 1111 1111 1111, thanks", f"card {MASK}, thanks"),
        ("call +4930123456789012 please", "call +4930123456789012 please"),
        ("order 1234567890123", "order 1234567890123"),
        ("spin: fast", "spin: fast"),
        ("", ""),
    ],
)
def test_what_looks_like_a_secret_in_a_text_is_masked(text: str, shown: str) -> None:
    assert shown_text(text) == shown


def test_a_menu_choice_is_shown_and_a_longer_entry_is_not() -> None:
    """What a caller types may be a PIN."""
    assert shown_value("voipbin.call.digits", "12") == "12"
    assert shown_value("voipbin.call.digits", "1234") == f"{MASK} (4 keys)"


@given(some.text(max_size=1000))
def test_no_text_becomes_longer_than_the_limit(text: str) -> None:
    """Whatever is masked in it."""
    assert len(shown_text(text)) <= max(TEXT_CHARACTERS, len(MASK))


def test_a_secret_beside_its_name_is_masked() -> None:
    """As headers and `variable_set` say it."""
    assert shown_tree({"key": "card.pin", "value": "1234"}) == {"key": "card.pin", "value": MASK}
    assert shown_tree([{"name": "Authorization", "value": "x"}]) == [{"name": "Authorization", "value": MASK}]
    assert shown_tree({"pin": 1234, "ok": True, "token": None}) == {"pin": MASK, "ok": True, "token": None}


json_values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(max_size=400),
    lambda inner: some.lists(inner, max_size=20) | some.dictionaries(some.text(max_size=9), inner, max_size=20),
    max_leaves=60,
)


@given(json_values)
def test_what_is_shown_of_a_value_is_bounded(value: Any) -> None:
    """In depth, in width and in length."""
    assert fits(shown_tree(value, depth=2), 2)


def fits(value: Any, depth: int) -> bool:
    """Say whether a shown value keeps the limits."""
    if isinstance(value, dict | list):
        inner = list(value.values()) if isinstance(value, dict) else value
        return depth > 0 and len(inner) <= ITEMS + 1 and all(fits(one, depth - 1) for one in inner)
    return not isinstance(value, str) or len(value) <= TEXT_CHARACTERS


def test_long_names_are_known_for_what_they_are_and_not_remembered() -> None:
    """Anybody may give thousands of them."""
    known = remembered_secret.cache_info().currsize
    assert is_secret("x" * REMEMBERED_CHARACTERS + ".password")
    assert not is_secret("x" * (REMEMBERED_CHARACTERS + 1))
    assert remembered_secret.cache_info().currsize == known


@given(some.text("pincvBASR=:1 '\"", max_size=SHORTEST - 1))
def test_no_secret_can_be_recognized_in_a_shorter_text(text: str) -> None:
    """Such texts are not searched."""
    assert not any(pattern.search(text) for pattern in (IN_TEXT, BEARER, CARD))


def test_the_shortest_text_is_masked_and_a_shorter_one_cut() -> None:
    assert (shown_text("pin=1"), shown_text("pin=", limit=3)) == (f"pin={MASK}", "pi…")
