"""Why an activeflow waits, or why it ended: the one sentence that people want first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from flowmanager.core.activeflow import Activeflow, Driver, EndedReason, State
from flowmanager.core.ids import MAIN

ENDED: Mapping[EndedReason, str] = {
    EndedReason.FINISHED: "it ran to its end",
    EndedReason.STOP_ACTION: "the action `stop` ended it",
    EndedReason.STOP_REQUEST: "a request stopped it",
    EndedReason.REFERENCE_ENDED: "what it belongs to is over (the call was hung up)",
    EndedReason.ERROR: "an action failed",
    EndedReason.LIMIT_ITERATIONS: "it ran too many actions without a pause: is there a loop?",
    EndedReason.LIMIT_EXECUTIONS: "it was resumed too often: is there a loop?",
    EndedReason.DROPPED: "a newer activeflow of its reference took its place",
    EndedReason.DELETED: "a request deleted it",
    EndedReason.CUSTOMER_DELETED: "its customer was deleted",
}


def why(flow: Activeflow, now: datetime) -> str:
    """Say why an activeflow stands where it stands."""
    if flow.over:
        return why_ended(flow)
    return f"{REASONS[flow.state](flow, now)}{inside(flow)}"


def why_ended(flow: Activeflow) -> str:
    """Say why an activeflow is over."""
    reason = ENDED[flow.ended_reason] if flow.ended_reason else "nobody noted why"
    follow = "; its on-complete flow was not started" if flow.on_complete_blocked else ""
    return f"{reason}{follow}"


def why_created(flow: Activeflow, now: datetime) -> str:
    """Say what starts it."""
    if flow.wait is not None:
        return f"it follows another activeflow and is due{lateness(flow, now)}"
    return "it was not started yet: that takes `execute` or the first `next`"


def why_executing(flow: Activeflow, now: datetime) -> str:
    """Say who works on it."""
    since = f" for {seconds(now, flow.tm_execute)}" if flow.tm_execute else ""
    return f"worker {flow.owner or '?'} has asked other managers on behalf of `{flow.current_action.type}`{since}"


def why_waiting(flow: Activeflow, now: datetime) -> str:
    """Say what ends the wait."""
    driver = flow.wait.driver if flow.wait else None
    action = flow.current_action.type
    if driver is Driver.PULL:
        return f"its caller performs `{action}`; the caller's next `next` goes on"
    if driver is Driver.TIMER:
        return f"the clock ends `{action}`{deadline(flow, now)}"
    return f"an event of call-manager must tell that `{action}` is done{deadline(flow, now)}"


def why_blocked(flow: Activeflow, now: datetime) -> str:
    """Say what releases a block."""
    del flow, now
    return "it stands on `block`; `execute`, `continue` or `next` goes on"


def why_suspended(flow: Activeflow, now: datetime) -> str:
    """Say what it rests under."""
    del now
    return f"a newer activeflow lies on top of it on {flow.reference_type.value} {flow.reference_id}"


REASONS: Mapping[State, Callable[[Activeflow, datetime], str]] = {
    State.CREATED: why_created,
    State.EXECUTING: why_executing,
    State.WAITING: why_waiting,
    State.BLOCKED: why_blocked,
    State.SUSPENDED: why_suspended,
}


def deadline(flow: Activeflow, now: datetime) -> str:
    """Say how long the wait may last."""
    until = flow.wait.until if flow.wait else None
    if until is None:
        return ", however long that takes"
    if until <= now:
        return lateness(flow, now)
    form = "%H:%M:%S" if until - now < timedelta(hours=12) else "%Y-%m-%d %H:%M"
    return f", at the latest {until:{form}} UTC (in {seconds(until, now)})"


def lateness(flow: Activeflow, now: datetime) -> str:
    """Say that a deadline has passed, and what that means when it passed long ago."""
    until = flow.wait.until if flow.wait else None
    late = (now - until).total_seconds() if until else 0.0
    return f"; that was due {late:.0f} s ago: does any worker run?" if late > 2 else " now"


def inside(flow: Activeflow) -> str:
    """Name the action whose frame the activeflow is in."""
    frame = flow.stacks.frames.get(flow.cursor.stack_id)
    if frame is None or frame.id == MAIN or frame.returns is None:
        return ""
    pusher = flow.stacks.action(frame.returns.place)
    return f" (inside `{pusher.type}`)" if pusher and not frame.returns.at else " (inside pushed actions)"


def seconds(later: datetime, earlier: datetime) -> str:
    """Return the time between two moments."""
    whole = int((later - earlier).total_seconds())
    if whole < 120:
        return f"{whole} s"
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
