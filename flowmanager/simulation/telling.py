"""What happens, in words for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flowmanager.core.activeflow import Activeflow, EndedReason, State, Step, StepResult
from flowmanager.core.ids import NIL
from flowmanager.core.outcomes import Block, Continue, Finish, Jump, Outcome, Push
from flowmanager.core.variables import DIGITS
from flowmanager.executor import Task
from flowmanager.simulation.labels import Labels
from flowmanager.timeline import brief

Option = Mapping[str, Any]


def span(seconds: float) -> str:
    """Return a duration as people say it: `10ms`, `5s`, `1.5s`, `2m`, `1h30m`."""
    if 0 < seconds < 0.1:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 60:
        return f"{seconds:.1f}".rstrip("0").rstrip(".") + "s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "m"), (rest, "s"))
    return "".join(f"{value}{unit}" for value, unit in parts if value)


def keys_wanted(option: Option) -> str:
    """Tell what a request for keys waits for."""
    wanted = []
    if option["length"]:
        wanted.append("1 key" if option["length"] == 1 else f"{option['length']} keys")
    if option["key"]:
        wanted.append("one of " + " ".join(option["key"]) if len(option["key"]) > 1 else f"key {option['key']}")
    limit = f", at most {span(option['duration'] / 1000)}" if option["duration"] > 0 else ""
    return f"waits for {' or '.join(wanted) or 'keys'}{limit}"


def quoted(text: str) -> str:
    """Return what is said."""
    return f"“{text}”"


BEGINNINGS: Mapping[str, Callable[[Option, Labels], str]] = {
    "talk": lambda option, _labels: quoted(option["text"]),
    "play": lambda option, _labels: "plays " + ", ".join(option["stream_urls"]),
    "digits_receive": lambda option, _labels: keys_wanted(option),
    "answer": lambda _option, _labels: "takes the call",
    "hangup": lambda option, _labels: joined("hangs up", brief(worth_telling(option), ())),
    "confbridge_join": lambda option, _labels: f"in the bridge {option['confbridge_id']} until it is left",
    "digits_send": lambda option, _labels: f"sends {option['digits']}",
    "sleep": lambda option, _labels: f"sleeps {span(option['duration'] / 1000)}",
    "variable_set": lambda option, _labels: f"{option['key']} = {option['value']!r}",
    "connect": lambda option, _labels: "calls " + targets(option),
    "call": lambda option, _labels: "calls " + targets(option),
    "fetch": lambda option, _labels: f"asks {option['event_url']} for actions",
    "webhook_send": lambda option, _labels: f"{option['method'] or 'POST'} {option['uri']} {option['data']}",
    "email_send": lambda option, _labels: f"“{option['subject']}” to {targets(option)}",
    "message_send": lambda option, _labels: f"“{option['text']}” to {targets(option)}",
}
"""How an action type is told; every other one shows its option."""


def targets(option: Option) -> str:
    """Return the addresses of destinations."""
    return ", ".join(str(one.get("target", "")) for one in option.get("destinations") or ()) or "nobody"


def beginning(action_type: str, option: Option, labels: Labels) -> str:
    """Tell what an action sets out to do."""
    tell = BEGINNINGS.get(action_type)
    return tell(option, labels) if tell else brief(worth_telling(option), ())


def worth_telling(option: Option) -> Option:
    """Return an option without what is only a default."""
    return {name: value for name, value in option.items() if value not in (NIL, False, 0)}


def settled(task: Task, outcome: Outcome, begun: str, labels: Labels) -> str:
    """Tell what an action did."""
    reason = REASONS.get(task.action.type)
    begun = reason(task, outcome) if reason else begun
    return joined(begun, consequence(task, outcome, labels))


def consequence(task: Task, outcome: Outcome, labels: Labels) -> str:
    """Tell where it goes from here when that is not simply the next action."""
    match outcome:
        case Jump(target_id, _, _):
            return f"→ {labels.of(target_id, '') or 'an action that is not there'}"
        case Push(_, actions, _):
            number = "1 action is" if len(actions) == 1 else f"{len(actions)} actions are"
            return f"{number} put in" if actions else "nothing is put in"
        case Block():
            return "blocked until a request resumes it"
        case Finish():
            return "ends the flow"
        case Continue() if task.action.type.startswith("condition_"):
            return "→ goes on"
        case _:
            return ""


def branched(task: Task, _outcome: Outcome) -> str:
    """Tell a branch's value."""
    name = task.option["variable"] or DIGITS
    value = task.activeflow.variables.get(name, "")
    default = "" if value in task.option["target_ids"] else ", no target for that"
    return f"{name} is {value!r}{default}"


def compared(task: Task, outcome: Outcome) -> str:
    """Tell a comparison and its result."""
    option = task.option
    right = option.get(f"value_{option['value_type']}", "?")
    left = task.activeflow.variables.get(option["variable"], option["variable"])
    unit = " bytes" if option["value_type"] == "length" else ""
    shown = f"length of {left!r}" if unit else repr(left)
    return f"{shown} {option['condition']} {right!r}{unit} is {truth(outcome)}"


def timed(task: Task, outcome: Outcome) -> str:
    """Tell a comparison with the clock."""
    wanted = {name: task.option[name] for name in TIMES if task.option[name] not in (-1, [])}
    counted = {name: value for name, value in wanted.items() if not (name in ("day", "month") and value == 0)}
    shown = " ".join(f"{name}={value}" for name, value in counted.items())
    return f"{task.now:%a %Y-%m-%d %H:%M} UTC {task.option['condition']} {shown} is {truth(outcome)}"


TIMES = ("weekdays", "month", "day", "hour", "minute")


def asked(task: Task, outcome: Outcome) -> str:
    """Tell a question to call-manager and its result."""
    return f"{brief(task.option, ())} is {truth(outcome)}"


def truth(outcome: Outcome) -> str:
    """Return what a condition found."""
    return "true" if isinstance(outcome, Continue) else "false"


def jumped(task: Task, outcome: Outcome) -> str:
    """Tell how often a goto has jumped."""
    most = task.option["loop_count"]
    if most is None:
        return ""
    counts = task.activeflow.stacks.frames[task.activeflow.cursor.stack_id].goto_counts
    done = counts.get(task.action.id, 0)
    return f"{done + 1} of {most}" if isinstance(outcome, Jump) else f"{done} of {most} done: goes on"


REASONS: Mapping[str, Callable[[Task, Outcome], str]] = {
    "branch": branched,
    "condition_variable": compared,
    "condition_datetime": timed,
    "condition_call_digits": asked,
    "condition_call_status": asked,
    "goto": jumped,
}


def edge(task: Task, outcome: Outcome) -> str:
    """Return by which way an action was left."""
    if task.action.type == "branch":
        value = task.activeflow.variables.get(task.option["variable"] or DIGITS, "")
        return value if value in task.option["target_ids"] else "default"
    if task.action.type.startswith("condition_"):
        return truth(outcome)
    if task.action.type == "goto":
        return "jump" if isinstance(outcome, Jump) else "next"
    return "next"


def joined(*parts: str) -> str:
    """Return what is not empty as one line."""
    return "  ".join(part for part in parts if part)


SHORTCOMINGS: Mapping[StepResult, str] = {
    StepResult.SKIPPED: "skipped: not possible with this kind of reference",
    StepResult.FAILED: "failed",
    StepResult.TIMEOUT: "no answer in time",
    StepResult.INTERRUPTED: "interrupted",
}


REQUESTS: Mapping[str, str] = {
    "forward_action_id": "sends the flow elsewhere, at once",
    "service_stop": "takes away the actions that it put in",
    "continue": "lets the blocked flow go on",
    "push_actions": "puts actions in",
    "stop": "stops the flow",
    "next": "call-manager asks for the next action",
}


def request_of_others(uri: str) -> str:
    """Tell what another manager wants of an activeflow; empty for what shows by itself."""
    return REQUESTS.get(uri.rpartition("/")[2], "")


def not_done(step: Step, begun: str) -> str:
    """Tell how an action ended that was not simply done."""
    why = f"{SHORTCOMINGS[step.result]}: {step.error}" if step.error else SHORTCOMINGS[step.result]
    if step.result is StepResult.INTERRUPTED and not step.error:
        why = f"interrupted by {step.cause}"
    return joined(begun, f"[{why}]")


def variables(changed: Mapping[str, str]) -> str:
    """Tell variables that have changed."""
    return ", ".join(f"{name} = {value!r}" for name, value in changed.items())


def end(flow: Activeflow, labels: Labels) -> str:
    """Tell why an activeflow ended."""
    reason = flow.ended_reason.value if flow.ended_reason else "?"
    at = labels.of(flow.current_action.id, flow.current_action.type)
    where = f" at {at}" if at and flow.ended_reason is not EndedReason.FINISHED else ""
    return f"ended: {reason}{where}" + (f": {flow.fault.message}" if flow.fault else "")


def standing(flow: Activeflow, labels: Labels) -> str:
    """Tell what an activeflow that is not over waits for."""
    at = labels.of(flow.current_action.id, flow.current_action.type)
    if flow.state is State.BLOCKED:
        return f"blocked at {at}: nobody resumes it (a script can, with `continue`)"
    driver = flow.wait.driver.value if flow.wait else ""
    return f"{flow.state.value} at {at}" + (f" ({driver})" if driver else "")
