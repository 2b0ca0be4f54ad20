"""What each rule finds, and what comes near and is let alone. Times have a file of their own."""

from __future__ import annotations

from typing import Any

import pytest

from flowmanager.core.activeflow import ReferenceType
from flowmanager.core.ids import FINISH, NEXT, START
from flowmanager.core.limits import Limits
from flowmanager.lint.linter import lint
from flowmanager.lint.world import World
from tests.unit.lint.builders import ANYTHING, act, findings, known, short, talk, told

Flow = list[Any]
DIGITS = "voipbin.call.digits"
RECEIVE = act("digits_receive", duration=5000, length=1)
HANGUP = act("hangup", id="bye")


def of(rule: str, flow: Any, world: World | None = None) -> list[str]:
    """What one rule finds: `severity path`."""
    lines = told(flow, world) if world else told(flow)
    return [line.removeprefix(f"{rule} ") for line in lines if line.startswith(f"{rule} ")]


def branch(**option: Any) -> dict[str, Any]:
    """A branch with a default."""
    return act("branch", **{"target_ids": {"1": "bye"}, "default_target_id": "bye", **option})


@pytest.mark.parametrize(
    ("flow", "found"),
    [
        ([talk(next_id=known(1))], ["warning [0].next_id"]),
        ([talk(next_id=NEXT)], ["warning [0].next_id"]),
        ([talk(next_id=FINISH)], []),
        ([talk(next_id=START)], []),
        ([talk(next_id="bye"), HANGUP], []),
        ([talk(next_id=known(1).upper()), talk(id=known(1))], []),
        ([act("goto", target_id=known(1))], ["warning [0].option.target_id"]),
        ([act("goto", target_id=FINISH)], ["warning [0].option.target_id"]),
        ([act("goto")], ["warning [0].option.target_id"]),
        ([act("goto", target_id=START, loop_count=1)], []),
        ([act("goto", target_id="${x}")], []),
        ([act("goto", loop_count=0)], []),
        ([branch(target_ids={"1": known(1), "2": "bye"}), HANGUP], ["warning [0].option.target_ids.1"]),
        ([branch(default_target_id=known(1)), HANGUP], ["warning [0].option.default_target_id"]),
        ([branch(target_ids={"1": "${x}"}), HANGUP], []),
        ([act("condition_datetime", hour=9, false_target_id=known(1))], ["warning [0].option.false_target_id"]),
        ([talk(target_id=known(1))], []),
    ],
)
def test_dangling_target(flow: Flow, found: list[str]) -> None:
    assert of("dangling-target", flow) == found


def test_a_target_around_the_flow_that_is_fetched() -> None:
    """It is there when both are looked at together."""
    inner = {"id": known(1), "actions": [talk(next_id=known(9))]}
    outer = {"actions": [act("fetch_flow", flow_id=known(1)), talk(id=known(9))], "id": known(2)}
    alone, _ = lint({"inner": inner, "other": {"id": known(3), "actions": [talk(id=known(9))]}}, World())
    both = lint({"inner": inner, "outer": outer}, World())
    assert [short(one) for one in alone.findings] == ["dangling-target warning [0].next_id"]
    assert [one.findings for one in both] == [(), ()]


@pytest.mark.parametrize(
    ("flow", "found"),
    [
        ([talk(id=known(1)), talk(id=known(1)), talk(id=known(1))], ["warning [1].id", "warning [2].id"]),
        ([talk(id=known(10)), talk(id=known(10).upper())], ["warning [1].id"]),
        ([talk(id=known(1)), talk(id=known(2)), talk(), talk()], []),
        ([talk(id="a"), talk(id="a")], []),
    ],
)
def test_duplicate_id(flow: Flow, found: list[str]) -> None:
    """A name that is used twice is refused."""
    assert of("duplicate-id", flow) == found


@pytest.mark.parametrize(
    ("flow", "found"),
    [
        ([act("stop"), talk(), talk()], ["warning [1]"]),
        ([act("stop"), talk(), talk(next_id=FINISH), talk()], ["warning [1]"]),
        ([act("goto", target_id="bye"), talk(), HANGUP], ["warning [1]"]),
        ([act("goto", target_id="bye", loop_count=1), talk(), HANGUP], []),
        ([talk(next_id="bye"), talk(), HANGUP, talk(), act("stop"), talk()], ["warning [1]", "warning [5]"]),
        ([HANGUP, talk()], []),
        ([branch(), HANGUP], []),
        ([act("condition_variable", false_target_id="bye"), act("stop"), HANGUP], []),
        ([act("goto", target_id="${x}"), talk()], []),
        ([act("goto", target_id="nowhere"), talk()], []),
        ([act("fetch", event_url="https://x"), act("stop"), talk(id=known(1))], ["note [2]"]),
        ([act("fetch", event_url="https://x"), act("stop"), talk(id="named")], ["warning [2]"]),
        ([act("stop"), act("fetch", event_url="https://x"), talk(id=known(1))], ["warning [1]"]),
    ],
)
def test_unreachable_action(flow: Flow, found: list[str]) -> None:
    assert of("unreachable-action", flow) == found


@pytest.mark.parametrize(
    ("flow", "found"),
    [
        ([talk(id="a"), act("goto", target_id="a", loop_count=0)], ["warning [1].option.loop_count"]),
        ([talk(id="a"), act("goto", target_id="a", loop_count=-1)], ["warning [1].option.loop_count"]),
        ([talk(id="a"), act("goto", target_id="a", loop_count=1)], []),
        ([talk(id="a"), act("goto", target_id="a")], []),
        ([act("goto", target_id="a"), talk(id="a")], ["note [0].option.target_id"]),
        ([act("goto", target_id="a", next_id="b"), talk(id="a"), talk(id="b")], []),
    ],
)
def test_goto_never(flow: Flow, found: list[str]) -> None:
    assert of("goto-never", flow) == found


@pytest.mark.parametrize(
    ("flow", "found"),
    [
        ([act("goto", id="a", target_id="a")], ["warning [0]"]),
        ([act("email_send", id="a"), act("goto", target_id="a")], ["warning [1]"]),
        ([talk(id="a"), act("goto", target_id="a")], ["note [1]"]),
        ([talk(id="a", next_id="a")], ["note [0]"]),
        ([act("sleep", id="a", duration=1), act("goto", target_id="a")], ["note [1]"]),
        ([act("email_send", id="a"), act("goto", target_id="a", loop_count=5)], []),
        ([act("fetch", id="a", event_url="https://x"), act("goto", target_id="a")], ["note [1]"]),
        (
            [
                act("email_send", id="a"),
                act("condition_variable", false_target_id="b", next_id="a"),
                act("stop", id="b"),
            ],
            [],
        ),
        ([RECEIVE | {"id": "a"}, branch(target_ids={"1": "a"}, default_target_id="a")], ["note [1]"]),
        ([talk(id="a"), HANGUP, act("goto", target_id="a")], []),
        ([act("stop"), act("goto", id="a", target_id="a")], []),
    ],
)
def test_endless_loop(flow: Flow, found: list[str]) -> None:
    assert of("endless-loop", flow) == found


def test_a_loop_whose_pauses_are_skipped() -> None:
    """Nothing slows it down then."""
    flow = [talk(id="a"), act("goto", target_id="a")]
    assert of("endless-loop", flow, World(reference_type=ReferenceType.API)) == ["warning [1]"]
    assert of("endless-loop", flow, World(reference_type=ReferenceType.CALL)) == ["note [1]"]


@pytest.mark.parametrize(
    ("flow", "found"),
    [
        ([act("branch", target_ids={"1": "bye"}), HANGUP], ["warning [0].option"]),
        ([act("branch"), HANGUP], ["warning [0].option"]),
        ([branch(), HANGUP], []),
        ([branch(default_target_id="${x}"), HANGUP], []),
        ([act("condition_variable", variable="${x}"), HANGUP], ["warning [0].option"]),
        ([act("condition_datetime", hour=9)], ["warning [0].option"]),
        ([act("condition_call_digits", length=1)], ["warning [0].option"]),
        ([act("condition_call_status", status="ringing")], ["warning [0].option"]),
        ([act("condition_call_status", status="ringing", false_target_id="bye"), HANGUP], []),
    ],
)
def test_no_default(flow: Flow, found: list[str]) -> None:
    assert of("no-default", flow) == found


def sets(key: str, value: str = "x", **more: Any) -> dict[str, Any]:
    """An action that sets a variable."""
    return act("variable_set", key=key, value=value, **more)


def asks(variable: str, **option: Any) -> dict[str, Any]:
    """A condition on a variable."""
    given = {"condition": "==", "value_type": "string", "value_string": "x", "false_target_id": "bye", **option}
    return act("condition_variable", variable=variable, **given)


@pytest.mark.parametrize(
    ("flow", "found"),
    [
        ([talk("${a}"), sets("a")], ["warning [0].option.text"]),
        ([sets("a"), talk("${a}")], []),
        ([talk("${a}")], []),
        ([talk("${a}", id="t"), sets("a"), act("goto", target_id="t", loop_count=1)], []),
        ([sets("count", "${count}1"), talk("${count}")], []),
        ([asks("${a}", value_string=""), sets("a"), HANGUP], []),
        ([asks("${a}", value_type="length", value_length=0), sets("a"), HANGUP], []),
        ([asks("${a}"), sets("a"), HANGUP], ["warning [0].option.variable"]),
        ([asks("a"), sets("a"), HANGUP], ["warning [0].option.variable"]),
        ([act("fetch", event_url="https://x"), talk("${a}"), sets("a")], []),
        ([act("ai_talk", assistance_id=known(1)), talk("${a}"), sets("a")], []),
        ([sets("${name}"), talk("${a}"), sets("a")], []),
        # behind a branch
        ([RECEIVE, branch(), talk(f"${{{DIGITS}}}", id="bye")], ["warning [2].option.text"]),
        ([RECEIVE, branch(), talk(id="bye"), sets("c", f"${{{DIGITS}}}")], []),
        ([RECEIVE, branch(), act("email_send", subject=f"${{{DIGITS}}}", id="bye")], ["warning [2].option.subject"]),
        ([RECEIVE, branch(default_target_id="r"), RECEIVE | {"id": "r"}, sets("c", f"${{{DIGITS}}}", id="bye")], []),
        ([RECEIVE, branch(default_target_id="two"), branch(id="two"), HANGUP], ["warning [2].option.variable"]),
        ([RECEIVE, branch(default_target_id="two"), RECEIVE | {"id": "two"}, branch(), HANGUP], []),
        ([sets("c"), branch(variable="c"), sets("d", "${c}", id="bye")], ["warning [2].option.value"]),
        ([sets("d", "${c}"), branch(variable="c"), HANGUP], []),
        # what others set because of an action
        (
            [
                talk("${voipbin.webhook.response}"),
                act("webhook_send", sync=True, uri="https://x", data="{}"),
                talk("${voipbin.webhook.response}"),
            ],
            ["warning [0].option.text"],
        ),
        ([talk("${voipbin.webhook.response}"), act("webhook_send", uri="https://x", data="{}")], []),
        ([talk("${voipbin.recording.id}"), act("recording_start")], []),
    ],
)
def test_unset_variable(flow: Flow, found: list[str]) -> None:
    """A talk waits, and keys may be pressed meanwhile; but what it says itself is said before."""
    assert of("unset-variable", flow) == found


def test_a_flow_that_follows_another_inherits_its_variables() -> None:
    """So it may read before it sets."""
    flow = {"id": known(2), "actions": [act("email_send", subject="${a}"), sets("a")]}
    before = {"id": known(1), "on_complete_flow_id": known(2), "actions": []}
    assert [len(one.findings) for one in lint({"flow": flow}, World())] == [1]
    assert [len(one.findings) for one in lint({"flow": flow, "before": before}, World())] == [0, 0]


@pytest.mark.parametrize(
    ("flow", "found"),
    [
        ([talk("${voipbin.call.digit}")], ["warning [0].option.text"]),
        ([talk("${Voipbin.Call.Digits}")], ["warning [0].option.text"]),
        ([talk("${voipbin.call.source.target} ${voipbin.tts.aws.voice_id}")], []),
        ([talk("${voipbin.mine}"), sets("voipbin.mine")], ["note [1].option.key"]),
        ([talk("${call.digit} ${contact_case_id}")], []),
        ([talk("voipbin.call.digit")], []),
        ([branch(variable="voipbin.call.digit"), HANGUP], ["warning [0].option.variable"]),
        ([asks("voipbin.call.digit"), HANGUP], ["warning [0].option.variable"]),
        ([act("play", stream_urls=["x", "${voipbin.call.ids}"])], ["warning [0].option.stream_urls[1]"]),
    ],
)
def test_unknown_name(flow: Flow, found: list[str]) -> None:
    assert of("unknown-name", flow) == found


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("voipbin.call.caller_id", "voipbin.call.source.target"),
        ("voipbin.call.digit", "voipbin.call.digits"),
        ("VOIPBIN.CALL.DIGITS", "voipbin.call.digits"),
        ("voipbin.queue.nmae", "voipbin.queue.name"),
    ],
)
def test_the_name_that_was_meant(name: str, meant: str) -> None:
    """It is told."""
    assert [one.fix for one in findings([talk(f"${{{name}}}")])] == [f"Write {meant}."]


@pytest.mark.parametrize(
    ("flow", "found"),
    [
        ([branch(variable="${x}"), HANGUP], ["warning [0].option.variable"]),
        ([branch(variable="choice.${n}"), HANGUP], []),
        ([sets("${x}")], ["warning [0].option.key"]),
        ([sets("x.${n}")], []),
        ([branch(target_ids={"${x}": "bye"}), HANGUP], ["warning [0].option.target_ids.${x}"]),
        ([talk("${}")], ["warning [0].option.text"]),
        ([talk("${ x }")], ["warning [0].option.text"]),
        ([talk("${a${b}}")], ["warning [0].option.text"]),
        ([talk("${a")], ["warning [0].option.text"]),
        ([talk("${a\n}")], ["warning [0].option.text"]),
        ([talk("${a} ${b")], ["warning [0].option.text"]),
        ([talk("${a} {b} }")], []),
        ([talk("it costs $5, {really}")], []),
        ([talk("{{voipbin.call.digits}}")], ["warning [0].option.text"]),
        ([talk("{{ name }}")], ["note [0].option.text"]),
        ([sets("name"), talk("{{ name }}")], ["warning [1].option.text"]),
        ([sets("name"), talk("$name and $other")], ["warning [1].option.text"]),
        ([talk("$voipbin.call.digits.")], ["warning [0].option.text"]),
        ([talk("you pressed voipbin.call.digits")], ["warning [0].option.text"]),
        ([act("webhook_send", uri="https://voipbin.call.digits/x", data='"https://api.voipbin.net/v1"')], []),
        ([sets("voipbin.tts.aws.voice_id")], []),
        ([branch(variable=DIGITS), HANGUP], []),
        ([asks(DIGITS), HANGUP], []),
        ([asks("${x}"), HANGUP], []),
        ([asks(""), HANGUP], ["warning [0].option.variable"]),
        ([asks("lang"), HANGUP], ["note [0].option.variable"]),
        ([sets("lang"), asks("lang"), HANGUP], []),
    ],
)
def test_placeholder(flow: Flow, found: list[str]) -> None:
    assert of("placeholder", flow) == found


@pytest.mark.parametrize(
    ("reference_type", "flow", "found"),
    [
        ("call", [talk(), act("block"), act("ai_task"), HANGUP], ["warning [1]"]),
        ("call", [act("block"), talk(), act("block")], ["warning [0]", "warning [2]"]),
        ("call", [talk(), act("sleep", duration=1), act("email_send")], []),
        ("api", [talk(), act("sleep", duration=1), act("block")], ["warning [0]"]),
        ("", [talk(), act("block"), act("email_send")], ["warning [0]"]),
        ("api", [act("stop"), talk()], []),
        (None, [talk(), act("block")], ["note [1]"]),
        (None, [talk(), HANGUP], []),
        (None, [act("block"), act("ai_task")], []),
    ],
)
def test_skipped_action(reference_type: str | None, flow: Flow, found: list[str]) -> None:
    world = World(reference_type=None if reference_type is None else ReferenceType(reference_type))
    assert of("skipped-action", flow, world) == found


def test_what_follows_a_call_has_none() -> None:
    """The flow that the end of another one starts."""
    first = {"id": known(1), "on_complete_flow_id": known(2), "actions": [talk()]}
    after = {"id": known(2), "actions": [talk(), act("ai_summary")]}
    before, behind = lint({"first": first, "after": after}, World(reference_type=ReferenceType.CALL))
    assert before.findings == ()
    [finding] = behind.findings
    assert short(finding) == "skipped-action warning [0]"
    assert finding.reason == "talk is skipped: the end of first starts this flow, and the call is over then"


@pytest.mark.parametrize(
    ("flow", "found"),
    [
        ([asks("${x}", condition="="), HANGUP], ["warning [0].option.condition"]),
        ([asks("${x}", condition="${op}"), HANGUP], []),
        ([asks("${x}", value_type="text"), HANGUP], ["warning [0].option.value_type"]),
        ([asks("${x}", value_type="length", value_length=3), HANGUP], []),
        (
            [act("condition_datetime", condition="after", hour=9, false_target_id="bye"), HANGUP],
            ["warning [0].option.condition"],
        ),
        ([act("condition_datetime", weekdays=[1], false_target_id="bye"), HANGUP], []),
        ([act("condition_call_digits", false_target_id="bye"), HANGUP], ["warning [0].option"]),
        ([act("condition_call_digits", key="*", false_target_id="bye"), HANGUP], []),
        ([act("condition_call_status", status="busy", false_target_id="bye"), HANGUP], ["warning [0].option.status"]),
        ([act("condition_call_status", status="${s}", false_target_id="bye"), HANGUP], []),
    ],
)
def test_dead_condition(flow: Flow, found: list[str]) -> None:
    assert of("dead-condition", flow) == found


SMALL = World(limits=Limits(iterations=6, executions=4, variable_bytes=10, option_characters=200))


@pytest.mark.parametrize(
    ("flow", "found"),
    [
        ([sets("a")] * 6, []),
        ([sets("a")] * 7, ["warning [6]"]),
        ([*[sets("a")] * 5, act("block"), *[sets("a")] * 5], []),
        ([sets("a", id="a"), act("goto", target_id="a", loop_count=2)], []),
        ([sets("a", id="a"), act("goto", target_id="a", loop_count=3)], ["warning [1]"]),
        ([talk()] * 3, []),
        ([talk()] * 4, ["warning [3]"]),
        ([talk(id="a"), act("goto", target_id="a", loop_count=2)], []),
        ([talk(id="a"), act("goto", target_id="a", loop_count=3)], ["warning [1]"]),
        ([branch(target_ids={"1": "b"}, default_target_id="b"), talk(id="b"), talk(), talk()], []),
        ([sets("a", "x" * 11)], ["warning [0].option.value"]),
        ([sets("a", "ä" * 6)], ["warning [0].option.value"]),
        ([sets("a", "${abcdefghijkl}")], []),
        ([talk("x" * 201)], ["warning [0].option"]),
        ([sets("a", "${a}${a}", id="a"), act("goto", target_id="a", loop_count=1)], ["warning [0].option.value"]),
        ([sets("a", "${a}${a}")], []),
        ([sets("a", "${a}x", id="a"), act("goto", target_id="a", loop_count=1)], []),
    ],
)
def test_reachable_limit(flow: Flow, found: list[str]) -> None:
    """Limits are those of the service."""
    assert of("reachable-limit", flow, SMALL) == found


def test_actions_that_are_skipped_do_not_pause() -> None:
    """So they count as one turn."""
    flow = [talk()] * 7
    assert of("reachable-limit", flow, World(limits=SMALL.limits, reference_type=ReferenceType.API)) == ["warning [6]"]


def chain(*links: tuple[int, int]) -> dict[str, Any]:
    """Flows that start each other."""
    return {
        str(own): {"id": known(own), "on_complete_flow_id": known(other), "actions": [act("stop")]}
        for own, other in links
    }


def cycles(documents: dict[str, Any], world: World = ANYTHING) -> list[list[str]]:
    """What the rule finds in each flow."""
    reports = lint(documents, world)
    return [[short(one) for one in report.findings if one.rule == "flow-cycle"] for report in reports]


ON_COMPLETE = ["flow-cycle warning on_complete_flow_id"]


@pytest.mark.parametrize(
    ("links", "found"),
    [
        ([(1, 1)], [ON_COMPLETE]),
        ([(1, 2), (2, 1)], [ON_COMPLETE, ON_COMPLETE]),
        ([(1, 2), (2, 3), (3, 2)], [[], ON_COMPLETE, ON_COMPLETE]),
        ([(1, 2), (2, 3), (3, 4), (4, 5)], [[], [], [], []]),
        ([(1, 2), (2, 3), (3, 4), (4, 5), (5, 6)], [ON_COMPLETE, [], [], [], []]),
        ([(1, 9)], [[]]),
    ],
)
def test_flows_that_start_each_other(links: list[tuple[int, int]], found: list[list[str]]) -> None:
    """A circle, or more than five in a row; a flow that nobody has shown is not followed."""
    assert cycles(chain(*links)) == found


def test_flows_that_fetch_each_other() -> None:
    """Each runs inside the other until there are too many; a fetch that is never reached does not count."""
    first = {"id": known(1), "actions": [act("fetch_flow", flow_id=known(2))]}
    second = {"id": known(2), "actions": [act("fetch_flow", flow_id=known(1))]}
    stopped = {"id": known(2), "actions": [act("stop"), act("fetch_flow", flow_id=known(1))]}
    fetched = ["flow-cycle warning [0].option.flow_id"]
    assert cycles({"first": first, "second": second}) == [fetched, fetched]
    assert cycles({"first": first, "second": stopped}) == [[], []]


def test_flows_that_do_not_exist() -> None:
    """Where all that exist are known."""
    flow = {"on_complete_flow_id": known(7), "actions": [act("fetch_flow", flow_id=known(8))]}
    assert cycles({"flow": flow}, World(complete=True)) == [["flow-cycle warning [0].option.flow_id", *ON_COMPLETE]]
    assert cycles({"flow": flow}) == [[]]


CALL = {"source": {"target": "+1"}, "destinations": [{"target": "+2"}], "flow_id": known(1)}


@pytest.mark.parametrize(
    ("flow", "found"),
    [
        ([act("sleep", duration="${x}")], ["warning [0].option.duration"]),
        (
            [act("condition_datetime", weekdays=["${x}"], false_target_id="bye"), HANGUP],
            ["warning [0].option.weekdays"],
        ),
        ([act("talk", text="x", **{"async": "${x}"})], ["warning [0].option.async"]),
        ([act("queue_join", queue_id="${x}")], []),
        ([act("queue_join", queue_id="a-${x}")], ["warning [0].option.queue_id"]),
        ([act("connect", destinations=[{"target": "+2"}], anonymous="${x}")], []),
        ([act("connect")], ["warning [0].option"]),
        ([act("connect", destinations="${x}")], ["warning [0].option.destinations"]),
        ([act("webhook_send", data="{a: 1}")], ["warning [0].option.data"]),
        ([act("webhook_send")], ["warning [0].option.data"]),
        ([act("webhook_send", data='{"a": ${n}, "b": "${t}"}')], []),
        ([act("webhook_send", data="${voipbin.flow.reference_data}")], []),
        ([act("call", **CALL)], []),
        ([act("call", destinations=[])], ["warning [0].option", "warning [0].option"]),
        ([act("fetch")], ["warning [0].option"]),
        ([act("fetch", event_url="${x}")], []),
        ([act("fetch_flow")], ["warning [0].option"]),
        ([act("fetch_flow", flow_id="${x}")], []),
        ([sets("voipbin.activeflow.id")], ["warning [0].option.key"]),
        ([sets("")], ["warning [0].option"]),
        ([sets("${x}.y")], []),
    ],
)
def test_failing_option(flow: Flow, found: list[str]) -> None:
    assert of("failing-option", flow) == found


@pytest.mark.parametrize(
    ("flow", "found"),
    [
        ([act("talk", txt="hi")], ["warning [0].option.txt"]),
        ([act("talk", text="hi", **{"async": True})], []),
        ([act("talk", TEXT="hi", digitsHandle="next")], ["warning [0].option.digitsHandle"]),
        ([act("talk", text="hi", colour="red")], ["note [0].option.colour"]),
        ([act("email_send", subject="s", priority=1)], ["warning [0].option.priority"]),
        ([act("stop", now=True)], ["warning [0].option.now"]),
        ([act("answer", now=True)], ["note [0].option.now"]),
    ],
)
def test_unknown_option(flow: Flow, found: list[str]) -> None:
    assert of("unknown-option", flow) == found


@pytest.mark.parametrize(
    ("flow", "found"),
    [
        ([{"type": "talk", "options": {"text": "hi"}}], ["warning [0].options"]),
        ([{"type": "talk", "text": "hi"}], ["warning [0].text"]),
        ([{"type": "talk", "next": "bye"}, HANGUP], ["warning [0].next"]),
        ([{"TYPE": "talk", "Option": {"text": "hi"}}], []),
        ([{"type": "talk", "comment": "hi", "_x": 1, "$y": 1}], []),
        ([{"type": "talk", "colour": "red"}], ["note [0].colour"]),
        ([{"type": "dance", "text": "hi"}], ["note [0].text"]),
        ({"action": [talk()]}, ["warning action"]),
        ({"actions": [talk()], "colour": "red"}, ["note colour"]),
        ({"actions": [talk()], "tm_create": None, "direct_hash": "", "name": "x"}, []),
        ({"Actions": [{"type": "talk", "opton": {}}]}, ["warning [0].opton"]),
        ([act("call", **CALL | {"flow_id": None, "actions": [{"type": "talk", "txt": 1, "text": "x"}]})], None),
    ],
)
def test_unknown_key(flow: Any, found: list[str] | None) -> None:
    inner = ["warning [0].option.actions[0].text", "note [0].option.actions[0].txt"]
    assert of("unknown-key", flow) == (inner if found is None else found)
