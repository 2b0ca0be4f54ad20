"""A variable that has no value yet, or none any more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from flowmanager.core.frozen import frozen
from flowmanager.lint.finding import Flaw, warning
from flowmanager.lint.flowing import arriving
from flowmanager.lint.names import KNOWN, WEBHOOK
from flowmanager.lint.rule import rule
from flowmanager.lint.step import Step
from flowmanager.lint.template import Template
from flowmanager.lint.texts import quoted
from flowmanager.lint.variables import Reading, emptied_by, own_names, readings, set_by
from flowmanager.lint.world import World


@rule("unset-variable", "A variable is read before any action can set it, or after a branch has emptied it.")
def unset_variable(flow: Template, world: World) -> Iterator[Flaw]:
    """Follow the variables that the flow sets itself, and those that branches empty. Others may come from outside."""
    if flow.graph.open:
        return
    values = Values(flow, inherits=world.follows(flow) is not None or bool(world.around(flow)))
    known = arriving(flow.graph, values.at_start, values.through) if values.bits else None
    for step in flow.reached() if known else ():
        for reading in readings(step):
            bit = values.bits.get(reading.name, 0)
            if bit and not (known or {})[step.number] & bit and not excused(step, reading):
                yield values.flaw(step, reading)


def excused(step: Step, reading: Reading) -> bool:
    """Say whether no value is as good as one: a first count, or the question whether there is a value."""
    return reading.tested or (step.type == "variable_set" and step.option["key"] == reading.name)


@frozen(slots=False)
class Values:
    """Which variables may have a value, as bits."""

    flow: Template
    inherits: bool = False
    """Another flow has run before it, and may have set anything."""

    @cached_property
    def steps(self) -> Sequence[Step]:
        """The actions that the flow comes to."""
        return list(self.flow.reached())

    @cached_property
    def set_here(self) -> frozenset[str]:
        """The names that have no value before the flow gives them one."""
        if self.inherits:
            return frozenset()
        asked = any(step.type == "webhook_send" and set_by(step) for step in self.steps)
        return (own_names(self.steps) - KNOWN) | (WEBHOOK if asked else frozenset())

    @cached_property
    def emptied(self) -> Mapping[str, Step]:
        """The names that branches empty, each with one that does."""
        return {name: step for step in self.steps if (name := emptied_by(step))}

    @cached_property
    def bits(self) -> Mapping[str, int]:
        """A bit for each name that is followed."""
        return {name: 1 << number for number, name in enumerate(sorted(self.set_here | self.emptied.keys()))}

    @property
    def at_start(self) -> int:
        """What may have a value before the first action: what the flow does not set itself."""
        return sum(bit for name, bit in self.bits.items() if name not in self.set_here)

    @cached_property
    def effects(self) -> Mapping[int, tuple[int, int]]:
        """The bits that each action may set, and the one that it clears."""
        return {step.number: self.effect(step) for step in self.steps}

    def effect(self, step: Step) -> tuple[int, int]:
        """Return them for one action."""
        named = set_by(step)
        added = -1 if named is None else sum(self.bits.get(name, 0) for name in named)
        return added, self.bits.get(emptied_by(step) or "", 0)

    def through(self, number: int, before: int) -> Iterable[tuple[int, int]]:
        """Carry them over an action."""
        added, cleared = self.effects[number]
        behind = (before | added) & ~cleared & self.all
        return ((target, behind) for target in self.flow.graph.ways[number])

    @cached_property
    def all(self) -> int:
        """Every bit."""
        return (1 << len(self.bits)) - 1

    def flaw(self, step: Step, reading: Reading) -> Flaw:
        """Return what is wrong."""
        name = quoted(reading.name)
        branch = self.emptied.get(reading.name)
        if branch is None:
            setter = next(one for one in self.steps if reading.name in (set_by(one) or ()))
            reason = f"the variable {name} has no value here: {setter.told} sets it, but not before this action"
            return warning(reading.path, reason, "Set it earlier, or read it later.")
        reason = f"the variable {name} is empty here: {branch.told} empties it, and nothing sets it again on the way"
        if step is branch:
            reason = f"the variable {name} is empty here: this branch has emptied it when the flow comes here again"
        return warning(reading.path, reason, "Copy it by `variable_set` before the branch, and read the copy.")
