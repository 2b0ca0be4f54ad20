"""What is noted of a step is small, is masked, and never belongs to another step."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from flowmanager.core import details as noted
from flowmanager.core import machine
from flowmanager.core.action import Action
from flowmanager.core.activeflow import Activeflow, Driver, State, StepResult
from flowmanager.core.limits import Limits
from flowmanager.core.machine import Moment
from flowmanager.core.masking import MASK
from flowmanager.core.outcomes import Comparison, Continue, Failed, Hold, Jump, Outcome, Push
from flowmanager.core.stacks import Place, StackMap

NOW = datetime(2026, 5, 4, 7, 8, 9, tzinfo=UTC)
MOMENT = Moment(NOW, "next")
FIRST, SECOND, STACK = ("00000000-0000-4000-8000-00000000000" + end for end in "123")
ACTIONS = (Action(FIRST, "variable_set"), Action(SECOND, "talk"))


def entered() -> Activeflow:
    """An activeflow whose first action runs."""
    stacks = StackMap.of(ACTIONS)
    made = Activeflow(id=STACK, stacks=stacks, state=State.EXECUTING, variables={"old": "1"})
    return machine.enter(made, Place("00000000-0000-0000-0000-000000000001", FIRST), ACTIONS[0], NOW)


def details_of(outcome: Outcome, flow: Activeflow | None = None) -> Any:
    """Settle an outcome and return the details of the step that it ends."""
    return machine.settle(flow or entered(), outcome, MOMENT, limits=Limits()).steps[0].details


def test_a_step_with_nothing_to_tell_has_no_details() -> None:
    """So its row has none either."""
    assert details_of(Continue()) is None
    assert details_of(Continue({"old": "1"})) is None
    assert details_of(Failed("no", fatal=False)) is None


def test_only_changed_variables_are_noted_and_secrets_are_not() -> None:
    changes = {"old": "1", "menu.choice": "2", "card.pin": "1234", "voipbin.activeflow.id": "x"}
    assert details_of(Continue(changes)) == {"variables": {"menu.choice": "2", "card.pin": MASK}}


def test_a_jump_tells_why_and_where_to() -> None:
    because = Comparison("menu.choice", "2", "is one of", "1, 2", result=True)
    told = {"name": "menu.choice", "operator": "is one of", "result": True, "left": "2", "right": "1, 2"}
    assert details_of(Jump(SECOND, because=because)) == {"target": SECOND, "condition": told}


def test_both_sides_of_a_secret_comparison_are_masked() -> None:
    because = Comparison("card.pin", "1234", "==", "4321", result=False)
    told = details_of(Continue(because=because))["condition"]
    assert (told["left"], told["right"], told["result"]) == (MASK, MASK, False)


def test_a_push_names_its_frame_and_the_steps_in_it_name_it_too() -> None:
    flow = entered()
    pushed = machine.settle(flow, Push(STACK, (Action(SECOND, "beep"),)), MOMENT, limits=Limits())
    assert pushed.steps[0].details == {"pushed": STACK}
    inside = machine.enter(pushed.flow, Place(STACK, SECOND), Action(SECOND, "beep"), NOW)
    assert details_of(Continue(), inside) == {"stack": STACK}


def test_a_wait_and_what_came_meanwhile_are_told_when_the_step_is_left() -> None:
    held = machine.settle(entered(), Hold(Driver.PUSH, None, {"a": "1"}), MOMENT, limits=Limits()).flow
    held = machine.hear(machine.set_variables(held, {"b": "2"}, limits=Limits()), "dtmf_received")
    left = machine.leave(held, StepResult.DONE, MOMENT)
    assert left.flow.details is None
    assert left.steps[0].details == {
        "variables": {"a": "1", "b": "2"},
        "wait": {"for": "push", "until": None},
        "heard": ["dtmf_received"],
    }


def test_requests_and_attempts_are_told() -> None:
    asked = machine.ask(machine.begin_again(machine.begin_again(entered())), [{"peer": "call"}])
    assert details_of(Continue(), machine.ask(asked, ())) == {"attempts": 3, "asked": [{"peer": "call"}]}


def test_notes_that_a_worker_of_another_version_left_behind_are_not_told_of_a_later_step() -> None:
    """It does not know the column and leaves it as it was."""
    stale = entered().evolve(details={"seq": 7, "attempts": 2})
    assert details_of(Continue({"a": "1"}), stale) == {"variables": {"a": "1"}}
    assert details_of(Continue(), stale) is None


def test_an_event_between_two_steps_is_nobodys() -> None:
    flow = entered().evolve(tm_execute=None)
    assert machine.hear(flow, "call_status") is flow


names = some.text(max_size=300)


@given(some.dictionaries(names, some.text(max_size=400), max_size=100), some.lists(names, max_size=60))
def test_details_are_bounded(variables: dict[str, str], events: list[str]) -> None:
    """However much happens in one step."""
    flow = machine.set_variables(entered(), variables, limits=Limits())
    for event in events:
        flow = machine.ask(machine.hear(flow, event), [{"peer": "call"}])
    found = machine.leave(flow, StepResult.DONE, MOMENT).steps[0].details or {}
    assert len(found.get("variables", ())) <= noted.VARIABLES
    assert len(found.get("heard", ())) <= noted.EVENTS
    assert len(found.get("asked", ())) <= noted.REQUESTS
