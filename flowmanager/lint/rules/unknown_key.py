"""A key of a flow or of an action that nobody reads."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from flowmanager.lint.finding import Flaw, note, warning
from flowmanager.lint.rule import rule
from flowmanager.lint.strangers import Stranger
from flowmanager.lint.template import Template
from flowmanager.lint.world import World


@rule("unknown-key", "A key of the flow or of an action is not read: mistyped, or in the wrong place.")
def unknown_key(flow: Template, world: World) -> Iterator[Flaw]:
    """Look at the keys as they were written; a flow that is stored has none left."""
    del world
    return map(told, flow.strangers)


def told(stranger: Stranger) -> Flaw:
    """Tell of one key. Others may keep something of their own beside what is read."""
    reason = f"nobody reads {stranger.key}"
    if stranger.is_option:
        return warning(stranger.path, f"{reason} here: it is an option", "Write it inside option.")
    meant = get_close_matches(stranger.key.lower(), stranger.missing, 1)
    if meant:
        return warning(stranger.path, reason, f"Did you mean {meant[0]}?")
    return note(stranger.path, reason, "Leave it out; a remark for readers may be called comment, or begin with _.")
