"""Checks of whose everything is and whether it is still there: I9, and the events of flows in I7."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import Any

from tests.faults.story import Asked, Story
from tests.faults.violation import DOUBLED, LOST, UNEXPECTED, Violation


def check_customers(story: Story) -> Iterator[Violation]:
    """I9: no answer shows another customer's record, none shows as present what is deleted."""
    deleted = dict(deletions(story))
    for asked in story.asked.values():
        if not asked.customer_id:
            continue
        for record in records_of(asked):
            shown_to = record.get("customer_id", asked.customer_id)
            if shown_to != asked.customer_id:
                yield Violation("I9", UNEXPECTED, asked.id, f"shows {record.get('id')} of customer {shown_to}")
            gone = deleted.get(str(record.get("id")), deleted.get(str(shown_to)))
            if gone is not None and gone < asked.at and not record.get("tm_delete"):
                yield Violation("I9", UNEXPECTED, asked.id, f"shows {record.get('id')}, which was deleted before")


def deletions(story: Story) -> Iterator[tuple[str, float]]:
    """Yield what was deleted, an activeflow, a flow or a customer, and when that was known."""
    for asked in story.asked.values():
        if asked.operation in ("delete", "delete-flow") and asked.accepted:
            yield asked.uri.rpartition("/")[2], min(answer.at for answer in asked.answers if answer.status < 300)
    for customer_id, gone in story.gone.items():
        yield customer_id, gone["at"]


def records_of(asked: Asked) -> list[dict[str, Any]]:
    """Return the records that good answers show."""
    shown = [answer.data for answer in asked.answers if answer.status < 300]
    flat = [one for data in shown for one in (data if isinstance(data, list) else [data])]
    return [one for one in flat if isinstance(one, dict)]


def check_leaving(story: Story) -> Iterator[Violation]:
    """I9: of a customer who is gone nothing is left, and what was theirs does not come back."""
    for customer_id in story.leaving.keys() - story.gone.keys():
        yield Violation("I9", LOST, customer_id, "has left, and what was theirs was seen afterwards")
    records = chain((row.facts for row in story.rows.values()), story.stored)
    for record in records:
        if record["customer_id"] in story.gone and not record["tm_delete"]:
            text = f"of customer {record['customer_id']}, who is gone, is still there"
            yield Violation("I9", UNEXPECTED, record["id"], text)


def check_flow_events(story: Story) -> Iterator[Violation]:
    """I7: events tell of each flow that it was created, once, each of its changes, and its deletion, once."""
    told = Counter((one.type, one.data.get("id", "")) for one in story.first_told())
    accepted = [asked for asked in story.asked.values() if asked.operation == "update-flow" and asked.accepted]
    changes = Counter(asked.uri.rpartition("/")[2] for asked in accepted)
    for flow in story.stored:
        flow_id = flow["id"]
        wanted = {"created": 1, "updated": changes[flow_id], "deleted": int(bool(flow["tm_delete"]))}
        for change, number in wanted.items():
            found = told[f"flow_{change}", flow_id]
            if found != number:
                sort = LOST if found < number else DOUBLED
                yield Violation("I7", sort, flow_id, f"{found} events flow_{change}, {number} should be")


def check_flow_creations(story: Story) -> Iterator[Violation]:
    """I7: a flow that was acknowledged as stored is there, once for each request."""
    stored = {flow["id"] for flow in story.stored}
    acknowledged = set()
    for asked in story.asked.values():
        if asked.operation == "create-flow" and asked.accepted:
            made = {str(record.get("id")) for record in records_of(asked)}
            acknowledged |= made
            for flow_id in made - stored:
                yield Violation("I7", LOST, flow_id, "was stored and is not there")
    for flow_id in stored - acknowledged:
        yield Violation("I7", DOUBLED, flow_id, "was stored, and no answer told its caller")
