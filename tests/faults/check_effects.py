"""Checks of what left the database: variables (I6), events (I7), requests to other managers (I8)."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator

import orjson

from flowmanager.core.ids import START
from tests.faults.history import Json
from tests.faults.story import DIGITS, NEWS, Row, Story, Told
from tests.faults.violation import DOUBLED, LOST, STALE, UNEXPECTED, Violation

MARK = re.compile(r"mark ([0-9a-f-]{36}) ([0-9a-f-]{36})")
EFFECTS = {"email": "/v1/emails", "message": "/v1/messages", "webhook": "/v1/webhook_destinations"}
STARTS = {("queue", "/v1/services/type/queuecall"): "queue_join", ("call", "/v1/confbridges"): "connect"}
"""Requests that begin a service, and the type of the action that sends them, of which a flow has one."""
MARKED = frozenset({"email_send", "message_send", "webhook_send"})
MEDIA = re.compile(r"/v1/calls/[0-9a-f-]{36}/actions")


def check_variables(story: Story) -> Iterator[Violation]:
    """I6: each acknowledged token is there once, in its writer's order, and nothing is there that nobody wrote."""
    for activeflow_id, row in story.rows.items():
        if row.facts["complete_count"]:
            continue
        found = [f"|{token}" for token in row.facts["variables"].get("log", "").split("|") if token]
        written = {asked.token: asked for asked in story.of(activeflow_id, "append")}
        for token, asked in written.items():
            if found.count(token) > 1:
                yield Violation("I6", DOUBLED, activeflow_id, f"{token} was appended {found.count(token)} times")
            if asked.accepted and token not in found:
                yield Violation("I6", LOST, activeflow_id, f"{token} was acknowledged and is not there")
        for token in set(found) - written.keys():
            yield Violation("I6", UNEXPECTED, activeflow_id, f"{token} was never written")


def check_news(story: Story) -> Iterator[Violation]:
    """I6: an event that the broker has taken is applied; an older one, sent again, changes nothing."""
    latest: dict[str, Json] = {}
    for news in story.news:
        latest[news["activeflow_id"]] = news
        if not news["applied"]:
            yield Violation("I6", LOST, news["activeflow_id"], f"the event {news['token']} was never applied")
    for activeflow_id, news in latest.items():
        row = story.rows.get(activeflow_id)
        if row is not None and news["applied"] and row.facts["variables"].get(NEWS) != news["token"]:
            text = f"{row.facts['variables'].get(NEWS)} replaced {news['token']}, which came later"
            yield Violation("I3", STALE, activeflow_id, text)


def check_keys(story: Story) -> Iterator[Violation]:
    """I6: of many events that the broker has taken each is applied, and once only."""
    for keys in story.keys:
        row = story.rows.get(keys["activeflow_id"])
        found = Counter(row.facts["variables"].get(DIGITS, "") if row else "")
        sent: Counter[str] = Counter(keys["sent"])
        if sent - found:
            yield Violation("I6", LOST, keys["activeflow_id"], f"{(sent - found).total()} keys were never applied")
        if found - sent:
            yield Violation("I6", DOUBLED, keys["activeflow_id"], f"{(found - sent).total()} keys were applied twice")


def check_creations(story: Story) -> Iterator[Violation]:
    """I7: what was acknowledged as created is there."""
    for asked in story.asked.values():
        if asked.operation == "create" and asked.accepted and asked.activeflow_id not in story.rows:
            yield Violation("I7", LOST, asked.activeflow_id, "was created and is not there")


def check_events(story: Story) -> Iterator[Violation]:
    """I7: events tell each activeflow's creation and every step, once and in order; repeats are the same event."""
    bodies: dict[str, str] = {}
    for told in story.told:
        if bodies.setdefault(told.message_id, told.body) != told.body:
            yield Violation("I7", UNEXPECTED, told.message_id, "two different events have this id")
    by_activeflow: dict[str, list[Told]] = defaultdict(list)
    for told in story.first_told():
        by_activeflow[told.data.get("id", "")].append(told)
    for activeflow_id, row in story.rows.items():
        yield from told_of(row, by_activeflow[activeflow_id])


def told_of(row: Row, told: list[Told]) -> Iterator[Violation]:
    """I7: what the events of one activeflow tell, in the order of their first arrival."""
    activeflow_id = row.facts["id"]
    wanted = {"activeflow_created": 1, "activeflow_deleted": int(bool(row.facts["tm_delete"]))}
    for kind, number in wanted.items():
        found = sum(one.type == kind for one in told)
        if found != number:
            yield Violation("I7", LOST if found < number else DOUBLED, activeflow_id, f"{found} events {kind}")
    updates = [one.data for one in told if one.type == "activeflow_updated"]
    steps = [step["id"] for data in updates for step in data["executed_actions"]]
    if steps != row.actions() and not (row.facts["state"] == "executing" and row.actions()[: len(steps)] == steps):
        missing = len(row.actions()) - len(steps)
        sort = LOST if missing > 0 else DOUBLED if missing < 0 else UNEXPECTED
        text = f"the events tell {len(steps)} steps, the history has {len(row.actions())}"
        yield Violation("I7", sort, activeflow_id, text if missing else "the events tell the steps in another order")
    counts = [data["executed_count"] for data in updates]
    if counts != sorted(counts):
        yield Violation("I7", UNEXPECTED, activeflow_id, f"the events came in another order: {counts}")


def check_effects(story: Story) -> Iterator[Violation]:
    """I8: each step that succeeded asked for its effect, a step asks under one key only, nothing else asks."""
    keys = effect_keys(story)
    for activeflow_id, row in story.rows.items():
        for (owner, action_id), used in keys.items():
            if owner != activeflow_id:
                continue
            visits = sum(action_id in (step["action"]["id"], step["action"]["type"]) for step in row.steps)
            if len(used) > visits and not under_way(row, action_id):
                text = f"{action_id} was executed {visits} times and asked for under {len(used)} keys"
                yield Violation("I8", DOUBLED, activeflow_id, text)
        for step in row.steps:
            action_id = step["action"]["id"]
            asks = step["action"]["type"] in MARKED and step["result"] == "done"
            if asks and (activeflow_id, action_id) not in keys:
                yield Violation("I8", LOST, activeflow_id, f"{action_id} is done, and nobody was asked for it")


def under_way(row: Row, action_id: str) -> bool:
    """Say whether an action may be asked for just now."""
    current = row.facts["current_action"]
    return not row.over and (action_id in (current["id"], current.get("type")) or current["id"] == START)


def effect_keys(story: Story) -> dict[tuple[str, str], set[str]]:
    """Return the keys under which each step's effect was asked for, by activeflow and action or type of action."""
    keys: dict[tuple[str, str], set[str]] = defaultdict(set)
    for seen in story.seen:
        if seen["manager"] == "call" and MEDIA.fullmatch(seen["uri"]):
            keys[seen["data"]["activeflow_id"], seen["data"]["action"]["id"]].add(seen["request_id"])
        elif (seen["manager"], seen["uri"]) in STARTS:
            keys[seen["data"]["activeflow_id"], STARTS[seen["manager"], seen["uri"]]].add(seen["request_id"])
        elif EFFECTS.get(seen["manager"]) == seen["uri"]:
            found = MARK.search(orjson.dumps(seen["data"]).decode())
            if found:
                keys[found[1], found[2]].add(seen["request_id"])
    return keys
