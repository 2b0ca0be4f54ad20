"""The set of action types: which there are, who runs them, when they are allowed and what their failure does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from marshmallow import fields

from flowmanager import executors
from flowmanager.core.action import Action
from flowmanager.core.activeflow import Activeflow, Driver, ReferenceType
from flowmanager.core.outcomes import Continue, Hold
from flowmanager.core.signals import Signal, SignalKind
from flowmanager.core.stacks import StackMap
from flowmanager.core.variables import DIGITS
from flowmanager.discover import collect
from flowmanager.errors import InvalidRequest
from flowmanager.executor import Completion, Executor, Kind, Media, OnError, allowed, done_by_signal
from flowmanager.schemas.options import check_option, load_option
from tests.unit.executors.steps import task_of

ALL = {executor.name: executor for executor in collect(executors, Executor)}
FOLDER = Path(executors.__path__[0])
PURE, READING, TALKING, CALLER = Kind.PURE, Kind.READING, Kind.TALKING, Kind.CALLER
ANY, RTC, NON_RTC = Media.ANY, Media.RTC, Media.NON_RTC
FATAL, SKIP = OnError.END_FLOW, OnError.CONTINUE

TYPES: dict[str, tuple[Kind, Media, OnError]] = {
    "ai_summary": (TALKING, NON_RTC, FATAL),
    "ai_talk": (TALKING, ANY, FATAL),
    "ai_task": (TALKING, NON_RTC, FATAL),
    "amd": (CALLER, RTC, SKIP),
    "answer": (CALLER, RTC, SKIP),
    "beep": (CALLER, RTC, SKIP),
    "block": (PURE, NON_RTC, FATAL),
    "branch": (PURE, ANY, FATAL),
    "call": (TALKING, ANY, FATAL),
    "case_create": (TALKING, ANY, SKIP),
    "condition_call_digits": (TALKING, RTC, FATAL),
    "condition_call_status": (TALKING, RTC, FATAL),
    "condition_datetime": (PURE, ANY, FATAL),
    "condition_variable": (PURE, ANY, FATAL),
    "confbridge_join": (CALLER, RTC, SKIP),
    "conference_join": (TALKING, RTC, FATAL),
    "connect": (TALKING, RTC, FATAL),
    "conversation_send": (TALKING, ANY, SKIP),
    "digits_receive": (CALLER, RTC, SKIP),
    "digits_send": (CALLER, RTC, SKIP),
    "echo": (CALLER, RTC, SKIP),
    "email_send": (TALKING, ANY, SKIP),
    "external_media_start": (CALLER, RTC, SKIP),
    "external_media_stop": (CALLER, RTC, SKIP),
    "fetch": (TALKING, ANY, FATAL),
    "fetch_flow": (READING, ANY, FATAL),
    "goto": (PURE, ANY, FATAL),
    "hangup": (CALLER, RTC, SKIP),
    "message_send": (TALKING, ANY, FATAL),
    "mute": (TALKING, RTC, SKIP),
    "play": (CALLER, RTC, SKIP),
    "queue_join": (TALKING, RTC, FATAL),
    "recording_start": (CALLER, RTC, SKIP),
    "recording_stop": (CALLER, RTC, SKIP),
    "sleep": (CALLER, ANY, SKIP),
    "stop": (PURE, ANY, FATAL),
    "stream_echo": (CALLER, RTC, SKIP),
    "talk": (CALLER, RTC, SKIP),
    "transcribe_recording": (TALKING, ANY, SKIP),
    "transcribe_start": (TALKING, RTC, SKIP),
    "transcribe_stop": (TALKING, RTC, SKIP),
    "variable_set": (PURE, ANY, SKIP),
    "webhook_send": (TALKING, ANY, SKIP),
}
AT_ONCE = {"answer", "recording_start", "recording_stop", "external_media_start", "external_media_stop"}


def test_every_file_defines_one_executor_of_its_name() -> None:
    """The folder is the list of action types."""
    files = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
    assert files == sorted(executor.name for executor in collect(executors, Executor))


def test_the_types_of_the_wire_are_accepted_and_no_other() -> None:
    """`empty` is for services only."""
    assert {name for name, executor in ALL.items() if executor.public} == set(TYPES)
    assert set(ALL) - set(TYPES) == {"empty"}


@pytest.mark.parametrize("name", TYPES)
def test_who_runs_it_when_it_is_allowed_and_what_a_failure_does(name: str) -> None:
    """Each type has one kind, one requirement and one policy."""
    found = ALL[name]
    assert (found.kind, found.media, found.on_error) == TYPES[name]


@pytest.mark.parametrize("name", [name for name, (kind, _, _) in TYPES.items() if kind is CALLER])
def test_when_a_caller_action_is_complete(name: str) -> None:
    """What begins something is complete at once; what lasts is complete with an event."""
    option = load_option(ALL[name].option, None)
    expected = Completion.AT_ONCE if name in AT_ONCE else Completion.BY_EVENT
    assert ALL[name].completion(option) is expected


@pytest.mark.parametrize("name", ALL)
def test_no_option_is_required(name: str) -> None:
    """Absent, empty and null options are as good as their defaults; unknown keys are ignored."""
    form = ALL[name].option
    defaults = load_option(form, None)
    nulls = {field.data_key or key: None for key, field in form().fields.items()}
    assert load_option(form, {}) == load_option(form, nulls) == load_option(form, {"unknown": [1]}) == defaults
    check_option(form, None, "option")
    check_option(form, nulls, "option")


@pytest.mark.parametrize("name", ALL)
def test_a_placeholder_is_accepted_anywhere(name: str) -> None:
    """What is not known yet is checked when the action runs."""
    form = ALL[name].option
    option = {field.data_key or key: ["${x}"] for key, field in form().fields.items()}
    check_option(form, option, "option")


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("amd", {"async": "yes"}, "async"),
    ("branch", {"target_ids": {"1": "no-uuid"}}, "target_ids.1"),
    ("branch", {"target_ids": []}, "target_ids"),
    ("branch", {"variable": 1}, "variable"),
    ("call", {"actions": ["talk"]}, "actions[0]"),
    ("call", {"destinations": [{"target": 49}]}, "destinations[0].target"),
    ("call", {"source": "+49"}, "source"),
    ("condition_datetime", {"hour": 24}, "hour"),
    ("condition_datetime", {"minute": 60}, "minute"),
    ("condition_datetime", {"month": 13}, "month"),
    ("condition_datetime", {"day": 32}, "day"),
    ("condition_datetime", {"weekdays": [1, 7]}, "weekdays[1]"),
    ("condition_variable", {"value_length": 1.5}, "value_length"),
    ("condition_variable", {"value_number": "3"}, "value_number"),
    ("condition_variable", {"value_number": 1e39}, "value_number"),
    ("digits_send", {"duration": 10**15}, "duration"),
    ("email_send", {"attachments": [{"reference_id": ""}]}, "attachments[0].reference_id"),
    ("fetch_flow", {"flow_id": ""}, "flow_id"),
    ("goto", {"loop_count": True}, "loop_count"),
    ("hangup", {"reference_id": "not a uuid"}, "reference_id"),
    ("message_send", {"destinations": {"target": "+49"}}, "destinations"),
    ("play", {"stream_urls": ["http://a", 1]}, "stream_urls[1]"),
    ("webhook_send", {"data": {"a": 1}}, "data"),
]


@pytest.mark.parametrize(("name", "option", "path"), WRONG)
def test_a_wrong_option_is_refused_by_its_path(name: str, option: dict[str, Any], path: str) -> None:
    """When a flow is stored and when the action runs, the error says which option is wrong."""
    with pytest.raises(InvalidRequest) as stored:
        check_option(ALL[name].option, option, "actions[2].option")
    with pytest.raises(InvalidRequest) as executed:
        load_option(ALL[name].option, option)
    assert stored.value.facts["path"] == f"actions[2].option.{path}"
    assert executed.value.facts["path"] == f"option.{path}"


@pytest.mark.parametrize(
    ("media", "reference_type", "after_reference", "expected"),
    [
        (ANY, "", False, True),
        (ANY, "call", True, True),
        (RTC, "call", False, True),
        (RTC, "call", True, False),
        (RTC, "api", False, False),
        (RTC, "", False, False),
        (NON_RTC, "call", False, False),
        (NON_RTC, "call", True, True),
        (NON_RTC, "conversation", False, True),
        (NON_RTC, "", False, False),
    ],
)
def test_media_need_a_live_call(media: Media, reference_type: str, after_reference: bool, expected: bool) -> None:
    """After the call there is no media; without a reference there is neither."""
    flow = Activeflow(
        id="x",
        reference_type=ReferenceType(reference_type),
        after_reference=after_reference,
        stacks=StackMap.of((Action("a"),)),
    )
    assert allowed(media, flow) is expected


def test_an_event_completes_a_caller_action_and_brings_variables() -> None:
    """A key press meanwhile only replaces the digits; anything else means nothing."""
    task = task_of(ALL["play"])
    done = Signal(kind=SignalKind.DONE, cause="done", variables={"a": "1"})
    assert done_by_signal(task, done) == Continue({"a": "1"})
    assert done_by_signal(task, Signal(kind=SignalKind.DIGIT, cause="d", text="5")) == Hold(
        Driver.PUSH, None, {DIGITS: "5"}
    )
    assert done_by_signal(task, Signal(kind=SignalKind.FORWARD, cause="f")) is None


def test_option_fields_are_of_our_kinds() -> None:
    """Fields of marshmallow itself refuse null, which the wire takes as absent."""
    used = {type(field) for executor in ALL.values() for field in executor.option().fields.values()}
    assert not {kind for kind in used if kind.__module__ == fields.__name__}
