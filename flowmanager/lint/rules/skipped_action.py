"""Actions that are skipped because of what the flow runs on."""

from __future__ import annotations

from collections.abc import Iterator

from flowmanager.executor import Media
from flowmanager.lint.finding import Flaw, note, warning
from flowmanager.lint.rule import rule
from flowmanager.lint.step import Step
from flowmanager.lint.template import Template
from flowmanager.lint.world import World


@rule("skipped-action", "An action is skipped: it needs a live call, or must not have one.")
def skipped_action(flow: Template, world: World) -> Iterator[Flaw]:
    """Ask for each action whether it runs. Neighbours are told once."""
    group: list[Step] = []
    for step in flow.reached():
        if world.runs(step, flow) is not False:
            continue
        if group and step.number != group[-1].number + 1:
            yield skipped(group, flow, world)
            group = []
        group.append(step)
    if group:
        yield skipped(group, flow, world)
    yield from torn_apart(flow, world)


def skipped(group: list[Step], flow: Template, world: World) -> Flaw:
    """Return what is skipped, and why."""
    types = ", ".join(dict.fromkeys(step.type for step in group))
    what = f"{types} is" if len(group) == 1 else f"{len(group)} actions from here to {group[-1].path} ({types}) are"
    return warning(group[0].path, f"{what} skipped: {why(flow, world)}", fix(group))


def why(flow: Template, world: World) -> str:
    """Say why."""
    before = world.follows(flow)
    if before is not None:
        return f"the end of {before.told} starts this flow, and the call is over then"
    if flow.in_call:
        return "it must not run on a live call"
    reference_type = world.reference_of(flow)
    if not reference_type:
        return "without a reference only actions run that need no call"
    return f"on the reference type {reference_type} it {'must not' if reference_type == 'call' else 'cannot'} run"


def fix(group: list[Step]) -> str:
    """Say what to do."""
    needs_call = any(step.executor and step.executor.media is Media.RTC for step in group)
    if needs_call:
        return "Start the flow on a call, or do without what only a call can do."
    return "Move it into the on-complete flow, which runs when the call is over, or remove it."


def torn_apart(flow: Template, world: World) -> Iterator[Flaw]:
    """Yield what is skipped on a call where the rest is skipped elsewhere."""
    doubtful = [step for step in flow.reached() if world.runs(step, flow) is None]
    kinds = {step.executor.media for step in doubtful if step.executor}
    for step in doubtful if kinds >= {Media.RTC, Media.NON_RTC} else ():
        if step.executor and step.executor.media is Media.NON_RTC:
            reason = f"on a call {step.type} is skipped; on anything else the actions that need a call are"
            yield note(step.path, reason, "Decide what this flow runs on, and check it with that reference type.")
