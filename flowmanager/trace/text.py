"""A trace as a timeline for a terminal: who it is, why it waits or ended, then a line for each step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import click

from flowmanager.core.ids import FINISH, MAIN, NIL, Id
from flowmanager.trace.labels import answer_text, brief, cut, value_text
from flowmanager.trace.model import Trace, TracedStep

COLOURS = {"done": "green", "failed": "red", "timeout": "yellow", "interrupted": "yellow", "skipped": "blue"}
STATE_COLOURS = {"ended": "green", "error": "red", "waiting": "cyan", "executing": "yellow", "suspended": "blue"}
OPTION_CHARACTERS = 70
DETAIL_CHARACTERS = 150
WAITS = {"push": "an event", "timer": "the clock", "pull": "its caller"}


def text_of(trace: Trace) -> str:
    """Return the timeline, with colours; `click.unstyle` takes them away."""
    return "\n".join([*head(trace), "", *timeline(trace), *tail(trace)])


def head(trace: Trace) -> Iterator[str]:
    """Yield what is told of the activeflow itself."""
    name = f" · {cut(trace.flow_name, DETAIL_CHARACTERS)}" if trace.flow_name else ""
    yield click.style(f"activeflow {trace.id}{name}", bold=True)
    state = click.style(trace.state, fg=STATE_COLOURS.get(trace.state), bold=True)
    yield f"  state     {state}{since(trace)}"
    yield f"  because   {trace.why}"
    if trace.error:
        told = cut(f"{trace.error.get('type', '')}: {trace.error.get('message', '')}", 600)
        yield f"  error     {click.style(told, fg='red')}"
    yield f"  belongs   {belongs(trace)}"
    yield f"  flow      {trace.flow_id if trace.flow_id != NIL else 'none: actions of its own'}"
    yield f"  customer  {trace.customer_id}"
    if trace.parent_id != NIL:
        yield f"  follows   activeflow {trace.parent_id}"
    created = f"{trace.created:%Y-%m-%d %H:%M:%S} UTC" if trace.created else "?"
    yield f"  created   {created}, resumed {trace.execute_count} times, {trace.executed_count} steps"


def since(trace: Trace) -> str:
    """Say since when the state lasts."""
    moment = trace.finished or (trace.current.began if trace.current else None)
    if moment is None:
        return ""
    ago = f" ({span(trace.now - moment)} ago)" if trace.now else ""
    return f" since {moment:%H:%M:%S} UTC{ago}"


def belongs(trace: Trace) -> str:
    """Say what it belongs to."""
    return f"to {trace.reference_type} {trace.reference_id}" if trace.reference_type else "to nothing"


def timeline(trace: Trace) -> Iterator[str]:
    """Yield the steps."""
    yield click.style(f"{'step':>5}  {'after':>10}  {'took':>8}  action", dim=True)
    if trace.since:
        yield f"       … {trace.since} earlier steps: --since 0, or --all"
    titles = Titles(trace)
    for step in trace.steps:
        yield step_line(trace, step)
        yield from (f"{'':29}{line}" for line in details(step, titles))
    if trace.next_since is not None:
        yield f"       … {trace.executed_count - trace.next_since} later steps: --since {trace.next_since}, or --all"


def tail(trace: Trace) -> Iterator[str]:
    """Yield the step under way, or the end."""
    if trace.current is not None:
        step = trace.current
        yield click.style(f"{'▶':>5}", fg="yellow", bold=True) + step_line(trace, step)[5:]
        yield from (f"{'':29}{line}" for line in details(step, Titles(trace)))
    elif trace.ended:
        after = offset(trace, trace.finished)
        yield click.style(f"{'■':>5}  {after:>10}  {'':>8}  {trace.ended_reason}: {trace.why}", bold=True)
    else:
        yield click.style(f"{'▶':>5}  {'':>10}  {'':>8}  {trace.why}", fg="yellow")


def step_line(trace: Trace, step: TracedStep) -> str:
    """Return the line of a step."""
    took = span(step.ended - step.began) if step.ended and step.began else ""
    nested = "  " if step.stack_id != MAIN else ""
    told = cut(brief(step.type, step.option), OPTION_CHARACTERS)
    result = "" if step.result in ("done", "") else f"  {click.style(step.result, fg=COLOURS.get(step.result))}"
    cause = click.style(f"  ← {cut(step.cause, 60)}{kind_of(step)}", dim=True) if step.cause else ""
    name = click.style(f"{nested}{step.type or '?'}", fg=COLOURS.get(step.result), bold=True)
    return f"{step.seq + 1:>5}  {offset(trace, step.began):>10}  {took:>8}  {name} {told}{result}{cause}"


def kind_of(step: TracedStep) -> str:
    """Return what kind of thing ended the step, where the name of the cause does not say it."""
    return f" ({step.cause_kind})" if step.cause_kind and step.cause_kind != step.cause else ""


def offset(trace: Trace, moment: datetime | None) -> str:
    """Return how long after the creation something was."""
    return f"+{span(moment - trace.created)}" if moment and trace.created else ""


def span(length: timedelta) -> str:
    """Return a length of time."""
    return span_text(length.total_seconds())


def span_text(seconds: float) -> str:
    """Return a number of seconds, as exact as its size needs."""
    seconds = max(seconds, 0.0)
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


class Titles:
    """Names of actions and frames, for jumps."""

    def __init__(self, trace: Trace) -> None:
        self._actions = {
            action.id: f"{action.type} {cut(brief(action.type, action.option), 40)}".strip()
            for frame in trace.frames
            for action in frame.actions
        }

    def of(self, action_id: Id) -> str:
        """Return the name of an action."""
        return "the end" if action_id == FINISH else self._actions.get(action_id, action_id)


def details(step: TracedStep, titles: Titles) -> Iterator[str]:
    """Yield what else is known of a step, a line each."""
    told = step.details
    if step.error:
        yield click.style(f"error    {cut(step.error, DETAIL_CHARACTERS)}", fg="red")
    if told.get("skipped"):
        yield f"skipped  {told['skipped']}"
    if told.get("condition"):
        yield f"compared {compared(told['condition'])}"
    if told.get("target"):
        yield f"went to  {titles.of(told['target'])}"
    if told.get("pushed"):
        yield f"pushed   actions as stack {value_text(told['pushed'])}"
    for request in told.get("asked", ()):
        yield f"asked    {asked(request)}"
    if told.get("attempts"):
        yield f"begun    {told['attempts']} times: the worker before was lost"
    yield from waited(told)
    for name, value in told.get("variables", {}).items():
        yield f"set      {name} = {value!r}"


def waited(told: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a step waited for and what came meanwhile."""
    wait = told.get("wait")
    if wait:
        until = f", at the latest {datetime.fromisoformat(wait['until']):%m-%d %H:%M:%S}" if wait.get("until") else ""
        yield f"waited   for {WAITS.get(wait.get('for', ''), '?')}{until}"
    if told.get("heard"):
        yield f"heard    {cut(', '.join(told['heard']), DETAIL_CHARACTERS)}"


def compared(condition: Mapping[str, Any]) -> str:
    """Return a comparison and its result."""
    result = "yes" if condition["result"] else "no"
    told = f"{condition['name']} {condition['left']!r} {condition['operator']} {condition['right']}"
    return f"{cut(told, DETAIL_CHARACTERS)}: {result}"


def asked(request: Mapping[str, Any]) -> str:
    """Return a request to another manager and what came of it."""
    line = f"{request['peer']}-manager {request['method']} {cut(request['uri'], 70)}"
    took = f" in {request['ms']:.0f} ms" if "ms" in request else ""
    if "error" in request:
        return f"{line}{took} {click.style('✗ ' + cut(request['error'], DETAIL_CHARACTERS), fg='red')}"
    kept = " (answer of the attempt before)" if request.get("kept") else ""
    answer = f" → {cut(answer_text(request['answer']), 80)}" if request.get("answer") else ""
    return f"{line}{took}{answer}{kept}"
