"""The steps of a script: one word says what happens, its value the rest."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from flowmanager.simulation.parts import Part, duration
from flowmanager.simulation.script import (
    Hangup,
    Hears,
    Press,
    Reaches,
    Repeat,
    Resume,
    Say,
    SetVariables,
    Silence,
    Step,
)
from flowmanager.simulation.script_events import event

KEYS = re.compile(r"[0-9A-Da-d*#]{1,64}")
MOST_TIMES = 1000
UNTIL_TIMEOUT = "until timeout"


def step(part: Part) -> Step:
    """Read one step: a word, or a word with a value. Raises InvalidScript."""
    if not isinstance(part.value, Mapping):
        return STEPS[part.word(*STEPS)](part.at("", None))
    given = part.fields(*STEPS)
    if len(given) != 1:
        raise part.fail("a step is one thing; begin the next one with a dash")
    [(name, value)] = given.items()
    return STEPS[name](value)


def press(part: Part) -> Step:
    """Read `press: "2"`, or `press: {keys: "2", at: menu, after: 1s}`."""
    if not isinstance(part.value, Mapping):
        return Press(keys=keys(part), path=part.path)
    given = part.fields("keys", "at", "after")
    if "keys" not in given:
        raise part.fail("which keys? say `keys:`")
    return Press(keys=keys(given["keys"]), at=text(given, "at"), after=seconds(given, "after"), path=part.path)


def keys(part: Part) -> str:
    """Read keys of a telephone."""
    found = part.text()
    if not KEYS.fullmatch(found):
        raise part.fail(f"keys are 0 to 9, *, # and A to D, not {found!r}")
    return found


def silence(part: Part) -> Step:
    """Read `silence: 5s` or `silence: until timeout`."""
    if part.value is not None and part.text() == UNTIL_TIMEOUT:
        return Silence(seconds=None, path=part.path)
    if part.value is None or duration(part.text()) is None:
        raise part.fail(f"how long? a time such as 5s, or `{UNTIL_TIMEOUT}`")
    return Silence(seconds=part.seconds(), path=part.path)


def hears(part: Part) -> Step:
    """Read `hears: Welcome`, `hears: /press \\d/`, or an object with `contains`, `is` or `matches`, and `within`."""
    if not isinstance(part.value, Mapping):
        found = part.text()
        pattern = len(found) > 2 and found.startswith("/") and found.endswith("/")
        return checked(part, Hears(text=found[1:-1], how="matches", path=part.path)) if pattern else plain(part, found)
    given = part.fields("contains", "is", "matches", "within")
    how = [name for name in given if name != "within"]
    if len(how) != 1:
        raise part.fail("say one of `contains:`, `is:`, `matches:`")
    within = given["within"].seconds() if "within" in given else None
    return checked(part, Hears(text=given[how[0]].text(), how=how[0], within=within, path=part.path))


def plain(part: Part, found: str) -> Hears:
    """Read `Welcome` or `contains "Welcome"`."""
    quoted = re.fullmatch(r'contains "(.*)"', found)
    return Hears(text=quoted[1] if quoted else found, path=part.path)


def checked(part: Part, heard: Hears) -> Hears:
    """Return the step unless its pattern is none."""
    try:
        re.compile(heard.text if heard.how == "matches" else "")
    except re.error as error:
        raise part.fail(f"not a regular expression: {error}") from error
    return heard


def hangup(part: Part) -> Step:
    """Read `hangup`, `hangup: after 3s`, `hangup: at menu`, `hangup: 2s after menu`, or an object."""
    if part.value is None:
        return Hangup(path=part.path)
    if isinstance(part.value, Mapping):
        given = part.fields("at", "after")
        return Hangup(at=text(given, "at"), after=seconds(given, "after"), path=part.path)
    found = re.fullmatch(r"(?:after (\S+)|at (.+)|(\S+) after (.+))", part.text())
    after = duration(found[1] or found[3] or "0") if found else None
    if found is None or after is None:
        raise part.fail("when? `after 3s`, `at menu`, `2s after menu`, or nothing at all: at once")
    return Hangup(at=found[2] or found[4] or "", after=after, path=part.path)


def repeat(part: Part) -> Step:
    """Read `repeat: {times: 3, steps: […]}`."""
    given = part.fields("times", "steps")
    if given.keys() != {"times", "steps"}:
        raise part.fail("say `times:` and `steps:`")
    times = given["times"].text()
    if not times.isdecimal() or not 0 < int(times) <= MOST_TIMES:
        raise given["times"].fail(f"how often? a number from 1 to {MOST_TIMES}, not {times!r}")
    inner = tuple(step(one) for one in given["steps"].items())
    return Repeat(times=int(times), steps=inner, path=part.path)


def text(given: Mapping[str, Part], name: str) -> str:
    """Return an entry, empty when it is absent."""
    return given[name].text() if name in given else ""


def seconds(given: Mapping[str, Part], name: str) -> float:
    """Return a time, 0 when it is absent."""
    return given[name].seconds() if name in given else 0.0


STEPS: Mapping[str, Callable[[Part], Step]] = {
    "press": press,
    "silence": silence,
    "hears": hears,
    "reaches": lambda part: Reaches(action=part.text(), path=part.path),
    "say": lambda part: Say(text=part.text(), path=part.path),
    "hangup": hangup,
    "repeat": repeat,
    "event": event,
    "continue": lambda part: Resume(path=part.path),
    "set": lambda part: SetVariables(variables=part.texts(), path=part.path),
}
