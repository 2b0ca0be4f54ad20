"""Text, Mermaid and SVG say what the trace says, and stay well formed whatever texts are in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import click
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as some

from flowmanager.core.ids import MAIN
from flowmanager.trace.labels import brief, value_text
from flowmanager.trace.mermaid import mermaid_of_flow, mermaid_of_trace
from flowmanager.trace.model import read_action, read_trace
from flowmanager.trace.svg import svg_of_flow, svg_of_trace
from flowmanager.trace.text import span_text, text_of
from tests.unit.trace_builders import ID, action, ended, frame, step, trace, wire

IMAGES = Path(__file__).parents[2] / "docs" / "images"
SVG = "{http://www.w3.org/2000/svg}"
FLOW = (frame(action("a", option={"text": "hello"}), action("b", "branch", **{"1": "a", "default": "c"}), action("c")),)


def plain(found: Any) -> str:
    """The timeline without colours."""
    return click.unstyle(text_of(found))


def test_the_heading_says_who_it_is_and_why_it_stands_there() -> None:
    told = plain(trace(*FLOW, reference_activeflow_id=ID, current=step(0, "a")))
    assert f"activeflow {ID} · front desk" in told
    assert "state     waiting since 07:00:00 UTC (60.00 s ago)" in told
    assert "because   its caller performs `talk`" in told
    assert f"belongs   to call {ID}" in told
    assert f"follows   activeflow {ID}" in told


def test_an_end_says_its_reason_and_its_error() -> None:
    told = plain(ended(*FLOW, state="error", ended_reason="error", error={"type": "branch", "message": "no target"}))
    assert "error     branch: no target" in told
    assert re.search(r"■ +\+59\.00 s +error: it ran to its end", told)


DETAILS: list[tuple[dict[str, Any], str]] = [
    ({"error": "no"}, "error    no"),
    ({"skipped": "it needs a live call"}, "skipped  it needs a live call"),
    (
        {"condition": {"name": "n", "left": "1", "operator": "<", "right": "2", "result": True}},
        "compared n '1' < 2: yes",
    ),
    ({"target": "a"}, "went to  talk hello"),
    ({"target": "00000000-0000-0000-0000-000000000002"}, "went to  the end"),
    ({"pushed": ID}, "pushed   actions as stack 5e0a3f7c…"),
    (
        {"asked": [{"peer": "call", "method": "GET", "uri": "/v1/calls", "ms": 12.4, "answer": {"status": "ringing"}}]},
        "asked    call-manager GET /v1/calls in 12 ms → status=ringing",
    ),
    (
        {"asked": [{"peer": "call", "method": "GET", "uri": "/v1/calls", "ms": 3000.0, "error": "no answer"}]},
        "asked    call-manager GET /v1/calls in 3000 ms ✗ no answer",
    ),
    (
        {"asked": [{"peer": "call", "method": "GET", "uri": "/v1/calls", "kept": True}]},
        "asked    call-manager GET /v1/calls (answer of the attempt before)",
    ),
    ({"attempts": 2}, "begun    2 times: the worker before was lost"),
    (
        {"wait": {"for": "push", "until": "2026-05-04T08:00:00+00:00"}},
        "waited   for an event, at the latest 05-04 08:00:00",
    ),
    ({"wait": {"for": "timer", "until": None}, "heard": ["dtmf_received"]}, "heard    dtmf_received"),
    ({"variables": {"a": "1"}}, "set      a = '1'"),
]


@pytest.mark.parametrize(("details", "line"), DETAILS, ids=[next(iter(details)) for details, _ in DETAILS])
def test_details_are_told_below_their_step(details: dict[str, Any], line: str) -> None:
    assert line in plain(trace(*FLOW, steps=[step(0, "a", **details)]))
    assert line in plain(trace(*FLOW, current=step(0, "a", result="", **details)))


def test_a_step_is_one_line() -> None:
    told = plain(trace(*FLOW, steps=[step(2, "a", option={"text": "hello"}, result="timeout", cause="timer")]))
    assert "    3     +2.00 s    500 ms  talk hello  timeout  ← timer (request)" in told


def test_what_is_left_out_is_said() -> None:
    told = plain(trace(*FLOW, steps=[step(5, "a")], since=5, next_since=6, executed_count=9))
    assert "… 5 earlier steps: --since 0, or --all" in told
    assert "… 3 later steps: --since 6, or --all" in told


def test_an_activeflow_that_was_not_started_says_so() -> None:
    told = plain(trace(*FLOW, state="created", why="it was not started yet", reference_type="", tm_create=None))
    assert "▶" in told
    assert "belongs   to nothing" in told
    assert "created   ?" in told


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0 ms"), (0.0125, "12 ms"), (1.5, "1.50 s"), (119.9, "119.90 s"), (121, "2 min 01 s"), (7261, "2 h 01 min")],
)
def test_lengths_of_time_are_as_exact_as_needed(seconds: float, text: str) -> None:
    assert span_text(seconds) == text


@pytest.mark.parametrize(
    ("action_type", "option", "text"),
    [
        ("talk", {"text": "hello", "language": "en"}, "hello"),
        ("variable_set", {"key": "a", "value": "1"}, "a = 1"),
        ("condition_variable", {"variable": "a", "condition": "<", "value_type": "number", "value_number": 3}, "a < 3"),
        ("condition_variable", {"variable": "a", "condition": "<", "value_type": "length", "value_length": 3}
         , "length of a < 3"),
        ("condition_datetime", {"condition": ">=", "hour": 22}, "now >= hour 22"),
        ("connect", {"destinations": [{"type": "tel", "target": "+1"}], "early_media": False}, "destinations=+1"),
        ("goto", {"target_id": "x", "loop_count": 3}, "loop_count=3"),
        ("queue_join", {"queue_id": ID}, "queue_id=5e0a3f7c…"),
        ("webhook_send", {"sync": True, "data": {"a": {"b": 1}}}, "sync=true data={a={b=1}}"),
    ],
)  # fmt: skip
def test_an_option_in_a_few_words(action_type: str, option: dict[str, Any], text: str) -> None:
    assert brief(action_type, option) == text


def test_a_picture_shows_the_path_the_cursor_and_the_heading() -> None:
    found = trace(*FLOW, steps=[step(0, "a"), step(1, "b", "branch")], current=step(2, "c"))
    root = ElementTree.fromstring(svg_of_trace(found))
    texts = [one.text for one in root.iter(f"{SVG}text")]
    assert texts[0] == "front desk"
    assert f"activeflow {ID} · call {ID}" in texts
    assert {"1", "2", "default", "▶ talk", "begin"} <= set(texts)
    looks = [one.get("class") for one in root.iter(f"{SVG}g") if one.get("class")]
    assert looks == ["seen", "seen", "here"]
    taken = [one for one in root.iter(f"{SVG}path") if one.get("class") == "line taken"]
    assert len(taken) == 3


def test_stacks_are_frames_in_both_forms() -> None:
    found = trace(
        frame(action("join", "queue_join"), action("after")),
        frame(action("hold"), name="wait", parent=(MAIN, "join"), omitted=3),
        steps=[step(0, "join", "queue_join", pushed="wait")],
        current=step(1, "hold", stack="wait"),
    )
    assert "pushed by queue_join" in svg_of_trace(found)
    assert "and 3 more actions" in svg_of_trace(found)
    assert re.search(r'subgraph n\d\["pushed by queue_join"\]', mermaid_of_trace(found))


def test_a_part_is_called_a_part() -> None:
    assert "steps 6 to 6 of 9" in svg_of_trace(trace(*FLOW, steps=[step(5, "a")], since=5, executed_count=9))


def test_an_error_is_in_the_heading() -> None:
    found = ended(*FLOW, error={"type": "branch", "message": "no target"}, ended_reason="error")
    assert "branch: no target" in svg_of_trace(found)


def test_mermaid_has_boxes_lines_and_marks() -> None:
    told = mermaid_of_trace(trace(*FLOW, steps=[step(0, "a")], current=step(1, "b", "branch")))
    assert told.splitlines()[1] == "flowchart TD"
    assert '["talk<br/>hello<br/>step 1"]:::seen' in told
    assert '["▶ branch"]:::here' in told
    assert '-->|"default"|' in told
    assert "linkStyle" in told


def test_mermaid_of_a_circle_has_no_end() -> None:
    told = mermaid_of_flow([read_action(action("a", "goto", **{"": "a"}))], "x")
    assert "([begin])" in told
    assert "([end])" not in told


def test_a_template_is_drawn_without_a_path() -> None:
    actions = [read_action(one) for one in FLOW[0]["actions"]]
    assert "linkStyle" not in mermaid_of_flow(actions, "x")
    assert 'class="line taken"' not in svg_of_flow(actions, "x")
    assert 'class="planned"' in svg_of_flow(actions, "x")


odd = some.text(max_size=80)


@given(odd, odd, odd)
def test_pictures_stay_well_formed(text: str, name: str, label: str) -> None:
    """Whatever a customer writes."""
    found = trace(
        frame(action("a", option={"text": text}), action("b", name, **{label: "a"})),
        flow_name=name,
        steps=[step(0, "a", option={"text": text})],
        why=text,
    )
    ElementTree.fromstring(svg_of_trace(found))
    boxes = [line for line in mermaid_of_trace(found).splitlines() if re.match(r"\s*n\d+\[", line)]
    assert len(boxes) == 2
    assert all(line.count('"') == 2 for line in boxes)
    assert plain(found)


@pytest.mark.parametrize("value", [None, [], "x", {}, {"id": "x"}])
def test_what_is_no_trace_is_refused(value: Any) -> None:
    with pytest.raises((TypeError, ValueError, KeyError)):
        read_trace(value)


def test_parts_are_joined() -> None:
    first = read_trace(wire(*FLOW, steps=[step(0, "a")], next_since=1, executed_count=2))
    whole = first.with_later(read_trace(wire(*FLOW, steps=[step(1, "b")], since=1, executed_count=2)))
    assert [one.seq for one in whole.steps] == [0, 1]
    assert (whole.since, whole.next_since) == (0, None)
    assert [one["seq"] for one in whole.wire["steps"]] == [0, 1]


def test_values_in_few_characters() -> None:
    assert value_text([{"target": "+1"}, {"type": "agent"}, {"a": 1}]) == "+1,agent,{a=1}"


def test_the_picture_of_the_readme_is_current() -> None:
    """`docs/trace.md` says how it is made."""
    found = read_trace(orjson.loads((IMAGES / "trace.json").read_bytes()))
    assert (IMAGES / "trace.svg").read_text() == svg_of_trace(found)
