"""Checks of what callers asked and were answered: I1, and acceptance in I2 and I3."""

from __future__ import annotations

from collections.abc import Iterator

from flowmanager.core.ids import START
from tests.faults.story import Asked, Story
from tests.faults.violation import DOUBLED, LOST, STALE, STUCK, UNEXPECTED, Violation

FAULTY = frozenset({"INTERNAL", "EXECUTOR_FAULT", "NO_ENVELOPE", "ANSWERED"})
"""Reasons that only a mistake in the program can give."""
NEXT = ("next", "rival-next", "stale-next")


def check_answers(story: Story) -> Iterator[Violation]:
    """I1: every request is answered, and every answer to it is the same."""
    for asked in story.asked.values():
        forms = {answer.form for answer in asked.definite}
        what = f"{asked.operation} {asked.activeflow_id}"
        if not forms:
            yield Violation("I1", STUCK, asked.id, f"{what} was never answered")
        if len(forms) > 1 and not asked.reads:
            shown = " / ".join(sorted(form[:160] for form in forms))
            yield Violation("I1", DOUBLED, asked.id, f"{what} was answered in {len(forms)} ways: {shown}")
        faulty = [answer for answer in asked.answers if answer.reason in FAULTY]
        if faulty:
            yield Violation("I1", UNEXPECTED, asked.id, f"{what} was answered {faulty[0].body[:200]}")


def check_acceptance(story: Story) -> Iterator[Violation]:
    """I2, I3: no more steps are accepted at an action than the history has of it; what is stale is refused."""
    for activeflow_id, row in story.rows.items():
        accepted = [asked for asked in story.of(activeflow_id, *NEXT) if asked.accepted]
        actions = row.actions()
        for seen in {seen_of(asked) for asked in accepted}:
            here = [asked for asked in accepted if seen_of(asked) == seen]
            visits = 1 if seen == START else actions.count(seen)
            if len(here) > visits:
                stale = any(asked.operation == "stale-next" for asked in here)
                text = f"{len(here)} steps were accepted at {seen}, which was left {visits} times"
                yield Violation("I3" if stale else "I2", STALE if stale else DOUBLED, activeflow_id, text)
        yield from stale_accepted(story, activeflow_id)


def stale_accepted(story: Story, activeflow_id: str) -> Iterator[Violation]:
    """I3: a continue for an action that was left is refused."""
    for asked in story.of(activeflow_id, "stale-continue"):
        if asked.accepted:
            yield Violation("I3", STALE, activeflow_id, f"{asked.operation} {asked.id} was accepted")


def check_chains(story: Story) -> Iterator[Violation]:
    """I2: callers are led where the flow says, and nobody who asks at the right place is refused."""
    for activeflow_id in story.scripts:
        served = {seen_of(asked) for asked in story.of(activeflow_id, *NEXT) if asked.accepted}
        for asked in story.of(activeflow_id, *NEXT):
            yield from misled(asked)
            refused = any(answer.reason == "STALE_ACTION" for answer in asked.answers)
            if asked.operation == "next" and refused and seen_of(asked) not in served:
                text = f"next at {seen_of(asked)} was refused as stale, and nobody else was served there"
                yield Violation("I2", LOST, activeflow_id, text)


def misled(asked: Asked) -> Iterator[Violation]:
    """I2: an answer names the action that must come."""
    for answer in asked.answers:
        found = answer.data.get("id") if answer.status < 300 and isinstance(answer.data, dict) else None
        if asked.expected and found is not None and found not in asked.expected:
            text = f"next at {seen_of(asked)} led to {found}, not to {', '.join(asked.expected)}"
            yield Violation("I2", UNEXPECTED, asked.activeflow_id, text)
            return


def seen_of(asked: Asked) -> str:
    """Return the action that a caller believed to be current."""
    return str((asked.data or {}).get("current_action_id", ""))
