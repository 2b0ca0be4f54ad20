"""Scripts: what they can say, and how a mistake in them is told."""

from __future__ import annotations

import builtins
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flowmanager.core.activeflow import ReferenceType
from flowmanager.simulation.script import (
    Agent,
    Ai,
    Hangup,
    Hears,
    InvalidScript,
    Press,
    Reaches,
    Repeat,
    Resume,
    Say,
    Script,
    SetVariables,
    Silence,
)
from flowmanager.simulation.script_reader import read_script, script_from

QUEUE = "queue POST /v1/services/type/queuecall"


@pytest.mark.parametrize(
    ("yaml", "expected"),
    [
        ('press: "12#"', Press(keys="12#", path="steps[0].press")),
        ("press: 007", Press(keys="007", path="steps[0].press")),
        ("press: 1", Press(keys="1", path="steps[0].press")),
        ("press: {keys: 5, at: menu, after: 1s}", Press(keys="5", at="menu", after=1.0, path="steps[0].press")),
        ("silence: 5s", Silence(seconds=5.0, path="steps[0].silence")),
        ("silence: 1h30m", Silence(seconds=5400.0, path="steps[0].silence")),
        ("silence: 300ms", Silence(seconds=0.3, path="steps[0].silence")),
        ("silence: 2", Silence(seconds=2.0, path="steps[0].silence")),
        ("silence: until timeout", Silence(seconds=None, path="steps[0].silence")),
        ("hears: Welcome", Hears(text="Welcome", path="steps[0].hears")),
        ("hears: 'contains \"Welcome\"'", Hears(text="Welcome", path="steps[0].hears")),
        (r"hears: /press \d/", Hears(text=r"press \d", how="matches", path="steps[0].hears")),
        ("hears: {is: Bye, within: 10s}", Hears(text="Bye", how="is", within=10.0, path="steps[0].hears")),
        ("reaches: menu", Reaches(action="menu", path="steps[0].reaches")),
        ("say: hello", Say(text="hello", path="steps[0].say")),
        ("hangup", Hangup(path="steps[0]")),
        ("hangup:", Hangup(path="steps[0].hangup")),
        ("hangup: after 3s", Hangup(after=3.0, path="steps[0].hangup")),
        ("hangup: at menu", Hangup(at="menu", path="steps[0].hangup")),
        ("hangup: 2s after menu", Hangup(at="menu", after=2.0, path="steps[0].hangup")),
        ("hangup: {at: menu, after: 2s}", Hangup(at="menu", after=2.0, path="steps[0].hangup")),
        ("continue", Resume(path="steps[0]")),
        ("set: {a: 1, b: yes}", SetVariables(variables={"a": "1", "b": "yes"}, path="steps[0].set")),
        (
            "repeat: {times: 2, steps: [hangup]}",
            Repeat(times=2, steps=(Hangup(path="steps[0].repeat.steps[0]"),), path="steps[0].repeat"),
        ),
    ],
)
def test_a_step(yaml: str, expected: Any) -> None:
    """Every spelling of every step."""
    assert read_script(f"steps:\n  - {yaml}").steps == (expected,)


@pytest.mark.parametrize(
    ("yaml", "name", "expected"),
    [
        ("start: 09:30", "start", datetime(2026, 1, 5, 9, 30, tzinfo=UTC)),
        ("start: 2026-03-02 9:30", "start", datetime(2026, 3, 2, 9, 30, tzinfo=UTC)),
        ("start: 2026-03-02 09:30 Europe/Brussels", "start", datetime(2026, 3, 2, 8, 30, tzinfo=UTC)),
        ("start: 2026-07-02T09:30:00+01:00", "start", datetime(2026, 7, 2, 8, 30, tzinfo=UTC)),
        ("start: 2026-07-02T09:30:00Z", "start", datetime(2026, 7, 2, 9, 30, tzinfo=UTC)),
        ("reference: conversation", "reference", ReferenceType.CONVERSATION),
        ("agent: answers", "agent", Agent(how="answers")),
        ("agent: answers after 20s", "agent", Agent(how="answers", after=20.0)),
        ("agent: busy after 2m", "agent", Agent(how="busy", after=120.0)),
        ("agent: {is: none}", "agent", Agent(how="none")),
        ("agent: {after: 5s, talks: 1h}", "agent", Agent(after=5.0, talks=3600.0)),
        ("ai: ends after 5s", "ai", Ai(after=5.0)),
        ("ai: {variables: {mood: good}}", "ai", Ai(variables={"mood": "good"})),
        ("amd: machine", "amd", "machine"),
        ("limit: 1h", "limit", 3600.0),
        ("variables: {a: true, b: 1.50, c: 0123, d: NO, e: 12:30}", "variables", None),
        ("", "variables", {}),
    ],
)
def test_an_entry(yaml: str, name: str, expected: Any) -> None:
    """Words stay as they are written: no octal numbers, no booleans out of `NO`, no minutes out of a time of day."""
    found = getattr(read_script(yaml), name)
    wanted = {"a": "true", "b": "1.50", "c": "0123", "d": "NO", "e": "12:30"} if expected is None else expected
    assert found == wanted


@pytest.mark.parametrize(
    ("value", "fault", "times", "skip"),
    [
        ("fail 503", {"status_code": 503}, None, 0),
        ("fail 404 QUEUE_NOT_FOUND", {"status_code": 404, "reason": "QUEUE_NOT_FOUND"}, None, 0),
        ("timeout once", {"silent": True}, 1, 0),
        ("slow 4s twice", {"delay": 4.0}, 2, 0),
        ("garbled 5 times after 2 good", {"nonsense": "text"}, 5, 2),
    ],
)
def test_a_rule_for_another_manager(value: str, fault: dict[str, Any], times: int | None, skip: int) -> None:
    """What goes wrong, how often, and after how many times."""
    [rule] = read_script(f"peers:\n  {QUEUE.replace('queue ', 'queue-manager ')}: {value}").peers
    assert (rule.rule.manager, rule.rule.method, rule.rule.uri) == ("queue", "POST", "/v1/services/type/queuecall")
    assert {name: getattr(rule.rule.fault, name) for name in fault} == fault
    assert (rule.rule.times, rule.skip) == (times, skip)


@pytest.mark.parametrize(
    ("yaml", "where", "why"),
    [
        ("step: []", "line 1, step", "did you mean 'steps'?"),
        ("steps:\n  - pres: 1", "line 2, steps[0].pres", "did you mean 'press'?"),
        ("steps: [shout]", "line 1, steps[0]", "must be press,"),
        ("steps: [{press: 1, hangup: at x}]", "steps[0]", "a step is one thing"),
        ("steps: [{press: abx}]", "steps[0].press", "keys are 0 to 9"),
        ("steps: [{press: {at: menu}}]", "steps[0].press", "which keys?"),
        ("steps: [{press: {keys: 1, when: now}}]", "steps[0].press.when", "possible here: keys, at, after"),
        ("steps: [silence]", "steps[0]", "how long?"),
        ("steps: [{silence: long}]", "steps[0].silence", "how long?"),
        ("steps: [{silence: -5}]", "steps[0].silence", "how long?"),
        ("steps: [{hears: {within: 5s}}]", "steps[0].hears", "say one of"),
        ("steps: [{hears: /(/}]", "steps[0].hears", "not a regular expression"),
        ("steps: [{hears: {is: x, within: soon}}]", "steps[0].hears.within", "must be a time such as 5s"),
        ("steps: [{hangup: later}]", "steps[0].hangup", "when?"),
        ("steps: [{hangup: after lunch}]", "steps[0].hangup", "when?"),
        ("steps: [{say: [1]}]", "steps[0].say", "must be a text"),
        ("steps: [{set: 5}]", "steps[0].set", "must have entries"),
        ("steps: [{repeat: {times: 2}}]", "steps[0].repeat", "say `times:` and `steps:`"),
        ("steps: [{repeat: {times: 0, steps: []}}]", "steps[0].repeat.times", "a number from 1 to"),
        ("start: tomorrow", "line 1, start", "must be a moment such as"),
        ("start: 2026-02-30 10:00", "start", "no such date or time"),
        ("start: 10:00 Europe/Atlantis", "start", "no such time zone"),
        ("reference: phone", "reference", "must be ai, api, call"),
        ("agent: sleeps", "agent", "must be one of: answers, busy, none"),
        ("agent: answers after lunch", "agent", "must be one of"),
        ("agent: {is: away}", "agent.is", "must be answers, busy or none"),
        ("agent: {wait_flow: hold}", "agent.wait_flow", "must be a uuid"),
        ("ai: never", "ai", "must be one of: ends"),
        ("amd: robot", "amd", "must be human or machine"),
        ("peers: {queue POST: timeout}", "peers.queue POST", "must be manager, method and URI"),
        ("peers: {sms POST /v1/x: timeout}", "peers.sms POST /v1/x", "no such manager: sms"),
        ("peers: {queue POST /v1/x: sulks}", "peers.queue POST /v1/x", "must be one of `fail 503`"),
        ("peers: {queue POST /v1/x: slow soon}", "peers.queue POST /v1/x", "how slow?"),
        ("peers: {queue POST /v1/x: {}}", "peers.queue POST /v1/x", "what is answered?"),
        ("flows: {after: x.json}", "flows.after", "must be a uuid"),
        ("flows: {a0000000-0000-4000-8000-0000000000af: x.json}", "flows.a0000000", "cannot read"),
        ("expect: {ended: happily}", "expect.ended", "must be finished,"),
        ("expect: {seen: menu}", "expect.seen", "possible here: ended,"),
        ("limit: forever", "limit", "must be a time"),
        ("a: 1\na: 2", "line 2, a", "the same name twice"),
        ("? [1]\n: 2", "line 1", "a name must be a text"),
        ("steps: [", "line 1", "not YAML"),
        ("- 1", "line 1", "must have entries"),
        ("variables: {a: {b: 1}}", "variables.a", "must be a text"),
    ],
)
def test_a_mistake_is_told_with_its_place(yaml: str, where: str, why: str) -> None:
    """What is wrong, where, and what it could be."""
    with pytest.raises(InvalidScript) as caught:
        read_script(yaml)
    assert where in caught.value.sentence
    assert why in caught.value.sentence


def test_plain_values_say_the_same() -> None:
    """Tests write Python instead of YAML."""
    values = {"steps": [{"press": 12}, "hangup"], "variables": {"a": True, "b": 2}, "agent": "busy"}
    yaml = read_script("steps: [{press: 12}, hangup]\nvariables: {a: true, b: 2}\nagent: busy")
    assert script_from(values) == yaml


def test_a_single_step_needs_no_list() -> None:
    """As every other list of one."""
    assert read_script("steps: hangup").steps == (Hangup(path="steps"),)


def test_nothing_said_is_a_script() -> None:
    """The caller listens."""
    assert read_script("") == read_script("# nothing\n") == Script()


def test_without_the_package_for_yaml_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing and how to get it."""
    real = builtins.__import__

    def without(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "yaml":
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InvalidScript, match=r"pip install 'flowmanager\[simulate\]'"):
        read_script("steps: []")


def test_a_start_keeps_its_zone() -> None:
    """It is told as the author wrote it."""
    start = read_script("start: 2026-03-02 09:30 Europe/Brussels").start
    assert start.utcoffset() == timedelta(hours=1)
    assert str(start.tzinfo) == "Europe/Brussels"


def test_files_are_looked_for_beside_the_script(tmp_path: Path) -> None:
    """Other flows by the name of their file."""
    (tmp_path / "after.json").write_text("[]")
    script = read_script("flows: {a0000000-0000-4000-8000-0000000000af: after.json}", folder=tmp_path)
    assert script.flows == {"a0000000-0000-4000-8000-0000000000af": []}
