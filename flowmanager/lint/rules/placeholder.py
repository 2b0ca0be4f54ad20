"""`${…}` where a name belongs, a name where `${…}` belongs, and placeholders that are none."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from flowmanager.core.variables import names_in, placeholders
from flowmanager.lint.finding import Flaw, note, warning
from flowmanager.lint.names import KNOWN, MEANT
from flowmanager.lint.rule import rule
from flowmanager.lint.step import Step
from flowmanager.lint.template import Template
from flowmanager.lint.texts import keys_of, names_by_path, names_of, quoted, texts_of
from flowmanager.lint.variables import own_names
from flowmanager.lint.world import World

BRACES = re.compile(r"\{\{\s*([\w.-]{1,200})\s*\}\}")
"""The syntax of other template languages."""
DOLLAR = re.compile(r"\$([A-Za-z_][\w.]{0,200})")
NAME = re.compile(r"(?<![\w.$/@-])voipbin\.[\w.]{1,200}")
"""What looks like a variable of the platform outside a placeholder."""


@rule("placeholder", "${name} is written where a name belongs, or the other way round, or is no placeholder.")
def placeholder(flow: Template, world: World) -> Iterator[Flaw]:
    """Look at every text and every key of every option."""
    del world
    own = own_names(flow.steps)
    for step in flow.steps:
        yield from names_as_placeholders(step)
        yield from in_keys(step)
        yield from odd_names(step)
        for path, text in texts_of(step):
            yield from broken(path, text)
            yield from others(path, text, own)
            yield from bare(step, path, text)
        yield from compared(step, own)


def names_as_placeholders(step: Step) -> Iterator[Flaw]:
    """Yield a placeholder where the name itself is meant."""
    key = {"branch": "variable", "variable_set": "key"}.get(step.type)
    text = step.given.get(key) if key else None
    names = list(names_of(text)) if isinstance(text, str) else []
    if len(names) == 1 and text == f"${{{names[0]}}}":
        reason = f"{key} takes the name of a variable; with ${{…}} the value of {quoted(names[0])} becomes the name"
        yield warning(f"{step.path}.option.{key}", reason, f'Write "{key}": {quoted(names[0])}.')


def in_keys(step: Step) -> Iterator[Flaw]:
    """Yield placeholders in keys, which are never replaced."""
    for path, key in keys_of(step.live, f"{step.path}.option"):
        if "${" in key and names_in(key):
            reason = f"placeholders in keys are not replaced: {quoted(key)} stays as it is"
            yield warning(path, reason, "Write the value itself, or compare by `condition_variable`.")


def odd_names(step: Step) -> Iterator[Flaw]:
    """Yield placeholders whose name cannot be meant."""
    for path, name in names_by_path(step):
        if not name.strip():
            yield warning(path, "a placeholder without a name is always empty", "Write a name between the braces.")
        elif "${" in name:
            reason = f"placeholders do not nest: this one has the name {quoted(name)}"
            yield warning(path, reason, "Put the inner value into a variable of its own, or branch.")
        elif name != name.strip():
            reason = f"blanks count: the name is {quoted(name)}, and no variable has it"
            yield warning(path, reason, f"Write ${{{name.strip()}}}.")


def broken(path: str, text: str) -> Iterator[Flaw]:
    """Yield the first placeholder that is not closed."""
    if "${" not in text:
        return
    begun = text.rfind("${")
    if all(begin != begun and not begin < begun < end for begin, end in placeholders(text)):
        reason = f"the placeholder {quoted(text[begun:])} is not closed on its line: it is taken as it is"
        yield warning(path, reason, "Close it with }, or write the text without ${.")


def others(path: str, text: str, own: frozenset[str]) -> Iterator[Flaw]:
    """Yield names in the syntax of other languages."""
    for pattern, shown in SYNTAXES.items():
        for name in dict.fromkeys(pattern.findall(text)):
            plain = name.rstrip(".")
            known = plain in KNOWN or plain in MEANT or plain in own
            if known or pattern is BRACES:
                reason = f"{shown(plain)} is no placeholder: it is taken as it is"
                yield (warning if known else note)(path, reason, f"Write ${{{MEANT.get(plain, plain)}}}.")


SYNTAXES: Mapping[re.Pattern[str], Callable[[str], str]] = {
    BRACES: lambda name: f"{{{{{name}}}}}",
    DOLLAR: lambda name: f"${name}",
}


def bare(step: Step, path: str, text: str) -> Iterator[Flaw]:
    """Yield names of the platform that stand in a text without a placeholder."""
    names_itself = step.type in ("branch", "condition_variable") and path == f"{step.path}.option.variable"
    if "voipbin." not in text or names_itself or (step.type == "variable_set" and path.endswith(".option.key")):
        return
    outside = text
    for begin, end in reversed(list(placeholders(text))):
        outside = f"{outside[:begin]} {outside[end:]}"
    for name in dict.fromkeys(found.rstrip(".") for found in NAME.findall(outside)):
        if (name in KNOWN or name in MEANT) and f"{{{name}}}" not in outside.replace(" ", ""):
            reason = f"{name} is taken as it is: only ${{…}} is replaced"
            yield warning(path, reason, f"Write ${{{MEANT.get(name, name)}}} to have the value of the variable.")


def compared(step: Step, own: frozenset[str]) -> Iterator[Flaw]:
    """Yield a bare left operand of a condition that may be no variable."""
    if step.type != "condition_variable" or step.is_open("variable"):
        return
    text, path = step.option["variable"], f"{step.path}.option.variable"
    if not text:
        reason = "nothing is compared: the condition has the same result each time"
        yield warning(path, reason, 'Write the variable to compare, such as "${menu.choice}".')
    elif text not in own and text not in KNOWN:
        reason = f"{quoted(text)} is compared as it is unless a variable of that name is given to the flow"
        yield note(path, reason, f"Write ${{{text}}}, which is empty when there is no such variable.")
