"""What people may see of values: secrets hidden, long texts cut, large values in short."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from flowmanager.core.variables import DIGITS

MASK = "•••"
TEXT_CHARACTERS = 160
"""Of one text: enough to know it again."""
NAME_CHARACTERS = 80
ITEMS = 12
"""Of one list or object."""
DIGITS_SHOWN = 3
"""Keys that a caller pressed: a choice in a menu is shown, a PIN is not."""
NAMING = ("key", "name", "variable")
"""Keys whose text may be the name of a secret …"""
NAMED = frozenset({"value", "value_string", "value_number"})
"""… that stands under these beside it."""
CARD_DIGITS = range(13, 20)
REMEMBERED_CHARACTERS = 200
"""Of a name: longer ones, which anybody may give, are looked at each time and fill no memory."""

WORDS = "password|passwd|passphrase|secret|token|pin|cvc|cvv|card|iban|ssn|authorization|credential|credentials|apikey"
SECRET_NAME = re.compile(rf"(?:^|[^a-z])(?:{WORDS})s?(?:[^a-z]|$)|api.?key|private.?key|access.?key|password")
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
IN_TEXT = re.compile(
    r"""(?ix) (?<![a-z]) (?P<name> password|passwd|secret|token|pin|cvc|cvv|authorization|api[_-]?key )
        (?P<sign> \\?["']? \s* [:=] \s* \\?["']? (?: (?:bearer|basic) \s+ )? )
        (?P<value> [^\s"'&,;<>\\]+ )"""
)
BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}")
HINTS = ("pass", "secret", "token", "pin", "cvc", "cvv", "author", "api", "bearer", "basic")
"""A text without any of them is not searched: this is done for every variable that changes."""
SHORTEST = len("pin=1")
"""The shortest text in which a secret can be recognized; most values of variables are shorter."""
CARD_HINT = re.compile(r"\d{3}[ -]?\d{3}[ -]?\d")
CARD = re.compile(r"(?<![\d+.-])\d(?:[ -]?\d){12,18}(?![\d.-])")


def is_secret(name: str) -> bool:
    """Say whether what has this name should not be shown: `card.pin`, `apiKey`, `Authorization`, …"""
    return remembered_secret(name) if len(name) <= REMEMBERED_CHARACTERS else names_secret(name)


def names_secret(name: str) -> bool:
    """Look at a name."""
    return SECRET_NAME.search(CAMEL.sub("_", name).lower()) is not None


remembered_secret = lru_cache(maxsize=4096)(names_secret)


def shown_text(text: str, *, limit: int = TEXT_CHARACTERS) -> str:
    """Return a text without the secrets that can be recognized in it, cut to a length."""
    if len(text) < SHORTEST <= limit:
        return text
    cut = text if len(text) <= limit else text[: limit * 2]
    lowered = cut.lower()
    for hint in HINTS:
        if hint in lowered:
            cut = BEARER.sub(rf"\1 {MASK}", IN_TEXT.sub(rf"\g<name>\g<sign>{MASK}", cut))
            break
    if CARD_HINT.search(cut):
        cut = CARD.sub(masked_card, cut)
    return cut if len(cut) <= limit and len(text) <= limit * 2 else f"{cut[: limit - 1]}…"


def shown_value(name: str, value: str) -> str:
    """Return the value of a variable as it may be shown."""
    if not value:
        return value
    if is_secret(name):
        return MASK
    if len(value) < SHORTEST and name != DIGITS:
        return value
    if name == DIGITS and len(value) > DIGITS_SHOWN:
        return f"{MASK} ({len(value)} keys)"
    return shown_text(value)


def shown_tree(tree: Any, *, depth: int = 3, name: str = "") -> Any:
    """Return a JSON value as it may be shown: secrets masked by name, texts cut, what is deep or long left out."""
    if isinstance(tree, str):
        return shown_value(name, tree)
    if isinstance(tree, Mapping):
        return shown_object(tree, depth) if depth else f"{{{len(tree)}}}"
    if isinstance(tree, list | tuple):
        if not depth:
            return f"[{len(tree)}]"
        items = [shown_tree(one, depth=depth - 1, name=name) for one in tree[:ITEMS]]
        return items if len(tree) <= ITEMS else [*items, f"… {len(tree) - ITEMS} more"]
    return MASK if is_secret(name) and tree is not None and not isinstance(tree, bool) else tree


def shown_object(tree: Mapping[str, Any], depth: int) -> dict[str, Any]:
    """Return an object as it may be shown. Where it names a secret beside a value, the value is masked."""
    beside = any(is_secret(tree[name]) for name in NAMING if isinstance(tree.get(name), str))
    shown = {
        key[:NAME_CHARACTERS]: MASK if beside and key in NAMED else shown_tree(value, depth=depth - 1, name=key)
        for key, value in list(tree.items())[:ITEMS]
    }
    return shown if len(tree) <= ITEMS else {**shown, "…": f"{len(tree) - ITEMS} more"}


def masked_card(found: re.Match[str]) -> str:
    """Return a mask for what has the check digit of a card's number, else the text itself."""
    digits = [int(one) for one in found[0] if one.isdigit()]
    doubled = [sum(divmod(2 * one, 10)) for one in digits[-2::-2]]
    return MASK if (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0 and len(digits) in CARD_DIGITS else found[0]
