"""A name under `voipbin.` that nobody sets."""

from __future__ import annotations

from collections.abc import Iterator

from flowmanager.core.variables import is_own
from flowmanager.lint.finding import Flaw, note, warning
from flowmanager.lint.names import KNOWN, reserved, suggestion
from flowmanager.lint.rule import rule
from flowmanager.lint.step import Step
from flowmanager.lint.template import Template
from flowmanager.lint.texts import quoted
from flowmanager.lint.variables import own_names, readings
from flowmanager.lint.world import World


@rule("unknown-name", "A name under voipbin. is set by nobody.")
def unknown_name(flow: Template, world: World) -> Iterator[Flaw]:
    """Look up every name that is read or set; what the flow sets itself may be read."""
    del world
    own = own_names(flow.steps)
    for step in flow.steps:
        for reading in readings(step):
            # Blanks around a name are told by another rule.
            strange = reserved(reading.name) and reading.name.strip() not in KNOWN
            if strange and reading.name not in own:
                reason = f"nobody sets the variable {quoted(reading.name)}: it is always empty"
                yield warning(reading.path, reason, fix_of(reading.name))
        yield from set_strangely(step)


def set_strangely(step: Step) -> Iterator[Flaw]:
    """Yield what is wrong with a name that the flow sets."""
    if step.type != "variable_set" or step.is_open("key"):
        return
    name = step.option["key"]
    if reserved(name) and name not in KNOWN and not is_own(name):
        reason = f"names under voipbin. belong to the platform, and {quoted(name)} is none of them"
        yield note(f"{step.path}.option.key", reason, f"{fix_of(name)} For a value of your own, take another prefix.")


def fix_of(name: str) -> str:
    """Return what to do about an unknown name."""
    meant = suggestion(name)
    return f"Write {meant}." if meant else "See docs/lint.md for the names that are set."
