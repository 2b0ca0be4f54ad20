"""The page of action types, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from flowmanager.catalogue import catalogue
from flowmanager.contract.tables import GENERATED, field_rows, table

BEGINNING = f"""\
{GENERATED}
# Actions

What a flow can do. An action is an object with `type` and `option`, and if wanted `id` (a uuid or a name to refer to)
and `next_id` (where to go on). Instead of any value in `option` there may be a text with `${{name}}`: it is replaced by
the variable when the action runs. The same for programs: `GET /v1/actions`, or `flowmanager contract schemas`.
"""
RUNS_ON = {
    "any": "every activeflow",
    "rtc": "live calls only, else it is skipped",
    "non_rtc": "anything but live calls",
}
HANDLED = {
    "flow-manager": "flow-manager",
    "caller or flow-manager": "whoever asked for it with `next`, else flow-manager",
    "caller or call-manager": "whoever asked for it with `next`, else call-manager",
}


def actions_page() -> str:
    """Return the page as Markdown."""
    entries = catalogue()
    links = " · ".join(f"[{one['type']}](#{one['type']})" for one in entries)
    lines = [BEGINNING, links, ""]
    for one in entries:
        lines += action_part(one)
    return "\n".join(lines).rstrip() + "\n"


def told_of_all(sentence: str) -> Iterator[str]:
    """Yield what holds for the options together; those that stand each for itself have only a name."""
    yield from () if sentence.startswith("The options of ") else (sentence, "")


def action_part(one: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is told of an action type."""
    failure = "ends the flow" if one["ends_flow_on_error"] else "the flow goes on"
    yield from (f"## {one['type']}", "", one["description"], "")
    yield f"Runs on: {RUNS_ON[one['runs_on']]}. Done by: {HANDLED[one['handled_by']]}. When it fails: {failure}."
    yield ""
    if one["option"]["properties"]:
        yield from (*table(("option", "", "default", "meaning"), field_rows(one["option"])), "")
        yield from told_of_all(one["option"]["description"])
    for example in one["examples"]:
        yield from ("```json", orjson.dumps(example, option=orjson.OPT_INDENT_2).decode(), "```", "")
