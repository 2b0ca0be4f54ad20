"""Who talks with whom: our customer's address and the other person's, in the form that cases are found by."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from flowmanager.core.frozen import frozen
from flowmanager.schemas.fields import ADDRESS_KEYS

WireAddress = Mapping[str, str]

NOT_PEOPLE = frozenset({"", "agent", "ai", "ai_team", "conference", "extension", "sip"})
"""Types of addresses that no case is opened for."""
ENDS: Mapping[str, tuple[str, str]] = {
    "incoming": ("destination", "source"),
    "outgoing": ("source", "destination"),
}
"""Direction of a call: which of its ends is our customer's, which the other person's."""


@frozen
class Parties:
    """Our customer's address and the other person's."""

    own: WireAddress
    peer: WireAddress


def parties_of_call(call: Mapping[str, Any]) -> Parties | None:
    """Return the parties of a call; None when there is nobody to open a case for."""
    ends = ENDS.get(str(call.get("direction")))
    return parties(call.get(ends[0]), call.get(ends[1])) if ends else None


def parties_of_conversation(conversation: Mapping[str, Any]) -> Parties | None:
    """Return the parties of a conversation; None when there is nobody to open a case for."""
    return parties(conversation.get("self"), conversation.get("peer"))


def parties(own: Any, peer: Any) -> Parties | None:
    """Return both, the other person's address in its one form."""
    found = address(peer)
    return None if found.get("type", "") in NOT_PEOPLE else Parties(address(own), normalised(found))


def address(given: Any) -> WireAddress:
    """Return an address without unknown and empty parts."""
    known = given if isinstance(given, Mapping) else {}
    return {key: known[key] for key in ADDRESS_KEYS if isinstance(known.get(key), str) and known[key]}


def number(target: str) -> str:
    """Return a telephone number: a leading plus and digits; a text without digits stays as it is."""
    plus = "+" if target.strip().startswith("+") else ""
    digits = re.sub(r"[^0-9]", "", target)
    return plus + digits if digits else target


FORMS: Mapping[str, Callable[[str], str]] = {
    "tel": number,
    "whatsapp": number,
    "email": lambda target: target.strip().lower(),
}


def normalised(given: WireAddress) -> WireAddress:
    """Return an address with its target in the one form of its type."""
    form = FORMS.get(given["type"])
    return {**given, "target": form(given["target"])} if form and "target" in given else given
