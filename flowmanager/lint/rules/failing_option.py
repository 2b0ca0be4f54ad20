"""An option that is stored but fails whenever the action runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from flowmanager.core.ids import NIL
from flowmanager.core.variables import is_own, names_in, substitute
from flowmanager.executor import OnError
from flowmanager.lint.finding import Flaw, warning
from flowmanager.lint.refusals import fix_of, told
from flowmanager.lint.rule import rule
from flowmanager.lint.step import Step
from flowmanager.lint.template import Template
from flowmanager.lint.texts import quoted
from flowmanager.lint.world import World
from flowmanager.schemas.options import option_faults

SAMPLES = ("c3f1a5b2-6d47-4e80-9b1f-2a7c84d05e36", "yes", "1", '"a"', "{}")
"""Values that a variable may have. What none of them makes right, no value does."""
NEEDED: Mapping[str, tuple[str, ...]] = {
    "call": ("source", "destinations"),
    "connect": ("destinations",),
    "fetch": ("event_url",),
    "fetch_flow": ("flow_id",),
    "queue_join": ("queue_id",),
    "conference_join": ("conference_id",),
    "confbridge_join": ("confbridge_id",),
}
"""Options without which an action cannot do anything."""


@rule("failing-option", "An action fails whenever it runs: its option is incomplete or cannot be read then.")
def failing_option(flow: Template, world: World) -> Iterator[Flaw]:
    """Look at each action; what is inside a `call` is checked when the call is made."""
    del world
    for step in flow.steps:
        if step.executor is None or step.torn:
            continue
        yield from missing(step)
        yield from unfit(step)
        if step.type == "webhook_send":
            yield from not_json(step)
        elif step.type == "variable_set":
            yield from unsettable(step)
    for fault in flow.faults:
        path = flow.prefix + fault.facts["path"].removeprefix("actions")
        yield warning(path, f"{told(fault)}: the `call` fails when it runs, and ends the flow", fix_of(told(fault)))


def result(step: Step) -> str:
    """Say what a failure does."""
    ends = step.executor is None or step.executor.on_error is OnError.END_FLOW
    return "ends the flow with an error" if ends else "does nothing"


def missing(step: Step) -> Iterator[Flaw]:
    """Yield what an action needs and is not given."""
    for key in NEEDED.get(step.type, ()):
        if step.option[key] in (None, "", NIL, []) and not step.is_open(key):
            yield warning(f"{step.path}.option", f"{step.type} without {key} {result(step)}", f"Write {key}.")


def unfit(step: Step) -> Iterator[Flaw]:
    """Yield placeholders where no text can stand: a placeholder always becomes a text."""
    if not step.names or step.executor is None:
        return
    for key, value in step.live.items():
        if names_in(value) and never_fits(step, key, value):
            reason = f"{quoted(str(value))} becomes a text, and {key} is none: the action {result(step)}"
            yield warning(f"{step.path}.option.{key}", reason, f"Write the value of {key} itself: it cannot vary.")


def never_fits(step: Step, key: str, value: Any) -> bool:
    """Say whether no value of the variables makes a part of an option right."""
    form = step.executor.option if step.executor else None
    names = names_in(value)
    samples = (substitute(value, dict.fromkeys(names, sample)) for sample in SAMPLES)
    return form is not None and all(option_faults(form, {key: sample}, "") for sample in samples)


def not_json(step: Step) -> Iterator[Flaw]:
    """Yield data of a webhook that are not JSON, whatever the variables are."""
    text = next((value for key, value in step.given.items() if key.lower() == "data"), "") or ""
    if isinstance(text, str) and not any(is_json(text, sample) for sample in ("", *SAMPLES)):
        reason = "data is not JSON" if text else "there are no data"
        fix = 'Write JSON as a text, such as "{\\"choice\\": \\"${menu.choice}\\"}"; "{}" sends nothing in particular.'
        yield warning(f"{step.path}.option.data", f"{reason}: nothing is ever sent", fix)


def is_json(text: str, sample: str) -> bool:
    """Say whether a text is JSON when each variable has one value."""
    try:
        orjson.loads(substitute(text, dict.fromkeys(names_in(text), sample)))
    except orjson.JSONDecodeError:
        return False
    return True


def unsettable(step: Step) -> Iterator[Flaw]:
    """Yield a name that no flow can set."""
    name = step.option["key"]
    if is_own(name):
        reason = f"{quoted(name)} says what the activeflow is and cannot be set: the action does nothing"
        yield warning(f"{step.path}.option.key", reason, "Write another name.")
    elif not name and not step.is_open("key"):
        yield warning(f"{step.path}.option", "variable_set without key sets nothing of use", "Write key.")
