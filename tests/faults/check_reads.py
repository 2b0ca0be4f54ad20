"""Checks of what reads show: no answer is older than what was known before it was asked for (I6)."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate

from tests.faults.check_customers import records_of
from tests.faults.history import Json
from tests.faults.story import Asked, Story
from tests.faults.violation import UNEXPECTED, Violation

NEVER = datetime.min.replace(tzinfo=UTC)

Known = Sequence[tuple[float, datetime]]
"""When something came to be known of a record, and the latest change of it that was known by then."""


def check_reads(story: Story) -> Iterator[Violation]:
    """I6: a change that an event or another answer has told of is visible to whoever asks from then on."""
    known = latest_known(story)
    for asked in story.asked.values():
        for record in shown_by(asked):
            shown, latest = changed_at(record), latest_at(known[record["id"]], asked.at)
            if shown < latest:
                text = f"shows it as of {shown:%T.%f}; its change at {latest:%T.%f} was known before"
                yield Violation("I6", UNEXPECTED, record["id"], text)


def shown_by(asked: Asked) -> Sequence[Json]:
    """Return the records that answers to a read show, those with a time of their latest change."""
    return [one for one in records_of(asked) if "tm_update" in one] if asked.reads else []


def latest_known(story: Story) -> Mapping[str, Known]:
    """Return what was known of each record over time: by events, and by answers to reads."""
    found: dict[str, list[tuple[float, datetime]]] = defaultdict(list)
    for told in story.told:
        if told.data.get("tm_update"):
            found[told.data["id"]].append((told.at, changed_at(told.data)))
    for asked in story.asked.values():
        for record in shown_by(asked):
            # All attempts count as answered when the last one was: reads are kept in brief.
            found[record["id"]].append((max(answer.at for answer in asked.answers), changed_at(record)))
    return defaultdict(list, {key: rising(sorted(times)) for key, times in found.items()})


def rising(times: Known) -> Known:
    """Return for each moment the latest of all changes known until then."""
    latest = accumulate((changed for _, changed in times), max)
    return [(at, changed) for (at, _), changed in zip(times, latest, strict=True)]


def latest_at(known: Known, at: float) -> datetime:
    """Return the latest change that was known before a moment."""
    number = bisect_left(known, (at, NEVER))
    return known[number - 1][1] if number else NEVER


def changed_at(record: Json) -> datetime:
    """Return when a record was changed last."""
    return datetime.fromisoformat(record["tm_update"]) if record["tm_update"] else NEVER
