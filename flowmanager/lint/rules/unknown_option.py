"""An option that its type does not have."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from difflib import get_close_matches

from flowmanager.executor import Kind
from flowmanager.lint.finding import Flaw, note, warning
from flowmanager.lint.rule import rule
from flowmanager.lint.step import Step
from flowmanager.lint.template import Template
from flowmanager.lint.world import World
from flowmanager.schemas.fields import loader


@rule("unknown-option", "An option is none of its type: it is not read.")
def unknown_option(flow: Template, world: World) -> Iterator[Flaw]:
    """Look at the names of all options; in what letters they are written does not matter."""
    del world
    for step in flow.steps:
        if step.executor is None:
            continue
        fields = loader(step.executor.option).fields
        known = [(field.data_key or name).lower() for name, field in fields.items()]
        given = {key.lower() for key in step.given}
        for key in step.given:
            if key.lower() not in known:
                yield unread(step, key, [name for name in known if name not in given])


def unread(step: Step, key: str, missing: Collection[str]) -> Flaw:
    """Tell of one option. What call-manager carries out it may know better, unless the name is only mistyped."""
    meant = get_close_matches(key.lower(), missing, 1)
    path, reason = f"{step.path}.option.{key}", f"{step.type} has no option {key}: it is not read"
    if meant:
        return warning(path, reason, f"Did you mean {meant[0]}?")
    fix = f"Write one of {', '.join(missing)}, or leave it out." if missing else "Leave it out."
    carried_out = step.executor is not None and step.executor.kind is Kind.CALLER
    return (
        note(path, f"flow-manager knows no option {key} of {step.type}", fix)
        if carried_out
        else warning(path, reason, fix)
    )
