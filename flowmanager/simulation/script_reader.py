"""From YAML, or plain values, to a script; whatever cannot be meant is named with its line and path."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from flowmanager.core.activeflow import EndedReason, ReferenceType
from flowmanager.schemas.fields import parse_id
from flowmanager.simulation.parts import Origin, Part, duration, read_yaml
from flowmanager.simulation.script import MONDAY, PULL, PUSH, Agent, Ai, Expect, InvalidScript, Script
from flowmanager.simulation.script_events import event
from flowmanager.simulation.script_peers import peer_rule
from flowmanager.simulation.script_steps import step

FIELDS = (
    *(
        "about",
        "reference",
        "mode",
        "start",
        "caller",
        "called",
        "variables",
        "flows",
        "steps",
        "events",
        "agent",
        "ai",
        "amd",
    ),
    *("calls", "peers", "fetch", "webhooks", "limit", "expect"),
)
START = re.compile(r"(?:(\d{4}-\d{2}-\d{2})[ T])?(\d{1,2}:\d{2}(?::\d{2})?)(Z|[+-]\d{2}:\d{2})?(?: +(\S+))?")
REFERENCES = tuple(kind.value for kind in ReferenceType if kind.value)
STATES = ("waiting", "blocked")
"""How a simulation may end besides the reasons of the flow itself."""
ENDS = (*(reason.value for reason in EndedReason), *STATES)


def read_script_file(path: Path) -> Script:
    """Read a script from a file. Raises InvalidScript, OSError."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidScript(f"{path}: not a text in UTF-8") from error
    return script_of(read_yaml(text, str(path)), path.parent)


def read_script(text: str, *, folder: Path | None = None) -> Script:
    """Read a script from YAML. Files that it names are looked for in the folder. Raises InvalidScript."""
    return script_of(read_yaml(text, "script"), folder or Path())


def script_from(values: Mapping[str, Any], *, folder: Path | None = None) -> Script:
    """Make a script of plain values that say the same as the YAML would. Raises InvalidScript."""
    return script_of(Part(values, "", Origin("script")), folder or Path())


def script_of(part: Part, folder: Path) -> Script:
    """Return the script that a whole document says."""
    given = part.fields(*FIELDS)
    found = {name: READERS[name](one) for name, one in given.items() if name in READERS}
    if "flows" in given:
        found["flows"] = flows(given["flows"], folder)
    return Script(**found)


def start(part: Part) -> datetime:
    """Read `2026-03-02 09:30 Europe/Brussels`; without a zone it is UTC, without a date a Monday."""
    found = START.fullmatch(part.text().strip())
    if found is None:
        raise part.fail("must be a moment such as `2026-03-02 09:30 Europe/Brussels` or `09:30`")
    date, time, offset, zone = found.groups()
    try:
        padded = f"0{time}" if time[1] == ":" else time
        moment = datetime.fromisoformat(f"{date or MONDAY.date()}T{padded}")
    except ValueError as error:
        raise part.fail(f"no such date or time: {error}") from error
    if offset:
        return datetime.fromisoformat(f"{moment.isoformat()}{offset.replace('Z', '+00:00')}")
    return moment.replace(tzinfo=zone_of(part, zone) if zone else UTC)


def zone_of(part: Part, name: str) -> Any:
    """Return a time zone by name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise part.fail(f"no such time zone here: {name} (known are names such as Europe/Brussels)") from error


def flows(part: Part, folder: Path) -> dict[str, Any]:
    """Read the other flows: by id a file, or the flow itself."""
    return {flow_id(one, key): flow_body(one, folder) for key, one in part.pairs().items()}


def flow_id(part: Part, key: str) -> str:
    """Return the id of another flow."""
    found = parse_id(key)
    if found is None:
        raise part.fail("a flow's id must be a uuid: the one that on_complete_flow_id or fetch_flow names")
    return found


def flow_body(part: Part, folder: Path) -> Any:
    """Return the body of another flow."""
    if isinstance(part.value, Mapping | list):
        return part.value
    path = folder / part.text()
    try:
        return orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise part.fail(f"cannot read {path}: {error}") from error


def agent(part: Part) -> Agent:
    """Read `answers after 20s`, `busy`, `none`, or an object with more."""
    if not isinstance(part.value, Mapping):
        how, after = timed(part, ("answers", "busy", "none"))
        return Agent(how=how, after=after)
    given = part.fields("is", "after", "talks", "wait_flow")
    return Agent(
        how=given["is"].word("answers", "busy", "none") if "is" in given else "answers",
        after=given["after"].seconds() if "after" in given else None,
        talks=given["talks"].seconds() if "talks" in given else Agent().talks,
        wait_flow=flow_id(given["wait_flow"], given["wait_flow"].text()) if "wait_flow" in given else "",
    )


def ai(part: Part) -> Ai:
    """Read `ends after 30s`, or an object with variables that it sets."""
    if not isinstance(part.value, Mapping):
        _, after = timed(part, ("ends",))
        return Ai(after=Ai().after if after is None else after)
    given = part.fields("after", "variables")
    return Ai(
        after=given["after"].seconds() if "after" in given else Ai().after,
        variables=given["variables"].texts() if "variables" in given else {},
    )


def timed(part: Part, words: tuple[str, ...]) -> tuple[str, float | None]:
    """Read a word, perhaps with `after` and a time."""
    word, _, rest = part.text().partition(" after ")
    after = duration(rest) if rest else None
    if word not in words or (rest and after is None):
        examples = ", ".join(words)
        raise part.fail(f"must be one of: {examples}; with a time such as `{words[0]} after 20s` where it is wanted")
    return word, after


def expect(part: Part) -> Expect:
    """Read what must be true in the end."""
    given = part.fields(*EXPECTATIONS)
    return Expect(**{name: EXPECTATIONS[name](one) for name, one in given.items()})


def lines(part: Part) -> tuple[str, ...]:
    """Read a list of texts."""
    return tuple(one.text() for one in part.items())


def answers(part: Part) -> dict[str, Any]:
    """Read answers by address."""
    return {key: one.value for key, one in part.pairs().items()}


EXPECTATIONS: Mapping[str, Callable[[Part], Any]] = {
    "ended": lambda part: part.word(*ENDS),
    "variables": Part.texts,
    "visited": lines,
    "not_visited": lines,
    "said": lines,
    "not_said": lines,
    "requests": lines,
    "no_requests": lines,
    "lasts": Part.seconds,
}
READERS: Mapping[str, Callable[[Part], Any]] = {
    "about": Part.text,
    "reference": lambda part: ReferenceType("" if part.value is None else part.word(*REFERENCES)),
    "mode": lambda part: part.word(PUSH, PULL),
    "start": start,
    "caller": Part.text,
    "called": Part.text,
    "variables": Part.texts,
    "steps": lambda part: tuple(step(one) for one in part.items()),
    "events": lambda part: tuple(event(one) for one in part.items()),
    "agent": agent,
    "ai": ai,
    "amd": lambda part: part.word("human", "machine"),
    "calls": Part.texts,
    "peers": lambda part: tuple(peer_rule(key, one) for key, each in part.pairs().items() for one in each.items()),
    "fetch": answers,
    "webhooks": answers,
    "limit": Part.seconds,
    "expect": expect,
}
