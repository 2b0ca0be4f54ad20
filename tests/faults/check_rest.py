"""Checks of what is left when the faults are over: nothing is stuck (I10), nothing piles up (I11)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from tests.faults.story import Row, Story
from tests.faults.violation import STUCK, UNEXPECTED, Violation

MOVES_WITHIN = timedelta(seconds=10)


def check_rest(story: Story) -> Iterator[Violation]:
    """I10: every script came to its end, nothing executes, nothing that is due waits."""
    for activeflow_id, script in story.scripts.items():
        row = story.rows.get(activeflow_id)
        if row is not None and not row.over:
            facts = row.facts
            text = f"{script['shape']} has not ended: {facts['state']}, waits for {facts['wait_driver']}"
            yield Violation("I10", STUCK, activeflow_id, text)
        if not script.get("done"):
            yield Violation("I10", STUCK, activeflow_id, f"the script of {script['shape']} did not come to its end")
    for activeflow_id, row in story.rows.items():
        yield from idle(story, activeflow_id, row)
    for one in story.standstills:
        standing = f"{one['state']}, due {one['until'] or 'now'}, owner {one['owner'] or 'nobody'}"
        text = f"did not move after the faults: {standing}"
        yield Violation("I10", STUCK, one["activeflow_id"], text)


def idle(story: Story, activeflow_id: str, row: Row) -> Iterator[Violation]:
    """I10: what could move has moved."""
    if row.facts["state"] == "executing":
        yield Violation("I10", STUCK, activeflow_id, f"is executing, owner {row.facts['owner']}")
    until = row.facts["wait_until"]
    due = until and datetime.fromisoformat(until) + MOVES_WITHIN < datetime.fromisoformat(story.now)
    if due and not row.over:
        yield Violation("I10", STUCK, activeflow_id, f"is {row.facts['state']}, due since {until}")
    if row.over and row.facts["owner"]:
        yield Violation("I10", UNEXPECTED, activeflow_id, "has ended and has an owner")


def check_bounds(story: Story) -> Iterator[Violation]:
    """I11: the outbox and the queues are empty, connections and memory are as many as they should be."""
    if story.outbox:
        yield Violation("I11", STUCK, "outbox", f"{story.outbox} messages were never published")
    for queue, left in story.queues.items():
        if left:
            yield Violation("I11", STUCK, queue, f"{left} messages are left")
    for name, value in story.gauges.items():
        limit = story.gauges.get(f"{name} limit")
        if limit is not None and value > limit:
            yield Violation("I11", UNEXPECTED, name, f"{value} is more than {limit}")


def check_complaints(story: Story) -> Iterator[Violation]:
    """No worker met anything that its program does not expect."""
    for line in story.complaints:
        yield Violation("I11", UNEXPECTED, line["worker"], f"{line['event']}: {line['text'][:300]}")
