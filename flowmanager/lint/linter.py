"""All rules over one flow or several."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from flowmanager.core.frozen import frozen
from flowmanager.core.ids import NIL
from flowmanager.discover import collect
from flowmanager.lint import rules as rule_package
from flowmanager.lint.finding import Finding
from flowmanager.lint.reader import Read, Reader
from flowmanager.lint.refusals import refusals
from flowmanager.lint.rule import Rule
from flowmanager.lint.template import Template
from flowmanager.lint.world import World

Findings = tuple[Finding, ...]


@cache
def all_rules() -> tuple[Rule, ...]:
    """Return every rule, in the order of their files."""
    return tuple(collect(rule_package, Rule))


@frozen
class Report:
    """What was found in one flow: what the service refuses first, then the rest in the order of its actions."""

    flow: Template
    findings: tuple[Finding, ...]


def lint(documents: Mapping[str, Any], world: World) -> list[Report]:
    """Look at flows together: a JSON value for each source, such as the name of a file."""
    reader = Reader(world.limits.actions)
    read = [reader.read(document, source) for source, document in documents.items()]
    known = {one.flow.id: one.flow for one in read if one.flow.id != NIL}
    together = replace(world, flows={**world.flows, **known})
    return [Report(one.flow, findings_of(one, together)) for one in read]


def findings_of(read: Read, world: World) -> Findings:
    """Return everything that is found in a flow."""
    return joined(refusals(read), warnings_of(read.flow, world))


def joined(refused: Findings, warned: Findings) -> Findings:
    """Return what the service refuses and what is wrong elsewhere: nothing more is said of a place that it refuses."""
    paths = {one.path for one in refused}
    wholes = {f"{path.partition('.option.')[0]}.option" for path in paths if ".option." in path}
    return (*refused, *(one for one in warned if one.path not in wholes and paths.isdisjoint(heads(one.path))))


def heads(path: str) -> set[str]:
    """Return a path and the paths of everything that it is inside of."""
    return {path[: found.start()] for found in re.finditer(r"[.\[]", path)} | {path}


def warnings_of(flow: Template, world: World) -> tuple[Finding, ...]:
    """Return what the rules find in a flow and in the flows inside its actions, in the order of its actions."""
    found = [one for part in parts(flow) for rule in all_rules() for one in rule.findings(part, world)]
    return tuple(sorted(found, key=lambda one: place(one.path)))


def parts(flow: Template) -> Iterator[Template]:
    """Yield a flow and those inside its actions."""
    yield flow
    for inner in flow.inner:
        yield from parts(inner)


def place(path: str) -> list[tuple[int, str]]:
    """Return what a path is sorted by: numbers as numbers."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]{1,9})", path)]
