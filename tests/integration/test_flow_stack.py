"""The stack of active flows on one reference (Teneo, "Stack of active flows"), paragraph by paragraph."""

from __future__ import annotations

import pytest

from flowmanager.core.ids import Id
from flowmanager.settings import Settings
from tests.desk import Desk, Json, Run, act, during, new_id

WAIT = act("block")


def said(key: str) -> Json:
    """An action that leaves a trace."""
    return act("variable_set", key=key, value="yes")


class Talk:
    """One conversation and the flows that are triggered in it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.reference_id = new_id()

    def flow(self, *actions: Json, **fields: object) -> Id:
        """A flow that waits for its user before it goes on."""
        return self.desk.flow(*(actions or (said("before"), WAIT, said("after"))), **fields)

    def trigger(self, flow_id: Id, **fields: object) -> Run:
        """Start a flow in the conversation."""
        reference = {"reference_type": "conversation", "reference_id": self.reference_id}
        status, data = self.desk.create(flow_id, **reference, **fields)
        assert status == 200, data
        run = Run(self.desk, data["id"], self.reference_id)
        assert run.execute().status == 200
        return run

    @property
    def stack(self) -> list[tuple[Id, str]]:
        """The activeflows and their states, the top first."""
        status, data = self.desk.get(f"/v1/flow_stacks/conversation/{self.reference_id}")
        assert status == 200
        assert [one["active"] for one in data["activeflows"]] == [True, False, False, False][: len(data["activeflows"])]
        return [(one["id"], one["state"]) for one in data["activeflows"]]


@pytest.fixture
def talk(desk: Desk) -> Talk:
    """A conversation."""
    return Talk(desk)


def resume(run: Run) -> None:
    """Let the user of a blocked flow go on."""
    assert run.desk.post(f"{run.uri}/continue", {"current_action_id": run.current["id"]}).status == 200


def test_the_stack_is_made_of_triggered_flows_that_have_not_finished(talk: Talk) -> None:
    """ "The list of Flows that have been triggered but have not finished yet": a finished one is not on it."""
    first = talk.trigger(talk.flow())
    talk.trigger(talk.flow(said("at once")))
    assert talk.stack == [(first.id, "blocked")]


def test_the_top_flow_is_the_one_that_is_active(talk: Talk) -> None:
    """ "The top Flow is the Flow that is currently active": the one below is suspended and says so."""
    first, second = talk.trigger(talk.flow()), talk.trigger(talk.flow())
    assert talk.stack == [(second.id, "blocked"), (first.id, "suspended")]
    assert talk.desk.events(first)[-1] == "activeflow_suspended"


def test_three_flows_lie_on_top_of_each_other(talk: Talk) -> None:
    """ "A third Flow will be triggered … there would be three Flows on the stack"."""
    runs = [talk.trigger(talk.flow()) for _ in range(3)]
    assert [one for one, _ in talk.stack] == [run.id for run in reversed(runs)]


def test_a_finished_flow_leaves_and_the_next_is_resumed(talk: Talk) -> None:
    """ "If the third Flow is finished, it will be dropped and the next Flow … will be resumed"."""
    first, second = talk.trigger(talk.flow()), talk.trigger(talk.flow())
    resume(second)
    assert (second.ended, talk.stack) == ("finished", [(first.id, "blocked")])
    assert talk.desk.events(first)[-1] == "activeflow_resumed"
    resume(first)
    assert (first.ended, first.variables["after"]) == ("finished", "yes")


@pytest.mark.parametrize("end", [Run.stop, Run.delete])
def test_any_end_of_the_top_resumes_the_next(talk: Talk, end: object) -> None:
    """A flow that is stopped or deleted gives way as well."""
    first, second = talk.trigger(talk.flow()), talk.trigger(talk.flow())
    assert callable(end)
    end(second)
    assert talk.stack == [(first.id, "blocked")]


def test_the_end_of_a_lower_flow_leaves_the_top_alone(talk: Talk) -> None:
    """Only the end of the top brings another one up."""
    first, second, third = (talk.trigger(talk.flow()) for _ in range(3))
    second.stop()
    assert talk.stack == [(third.id, "blocked"), (first.id, "suspended")]


def test_any_number_of_flows_can_be_active(talk: Talk) -> None:
    """ "There can be any number of active Flows on the stack"."""
    for _ in range(4):
        talk.trigger(talk.flow())
    assert len(talk.stack) == 4


def test_a_cap_drops_the_lowest(desk: Desk) -> None:
    """ "If the number of active Flows is greater than the maximum …, the lowest active Flow will be dropped"."""
    talk = Talk(desk.colleague(max_active_flows=2))
    first, second, third = (talk.trigger(talk.flow()) for _ in range(3))
    assert (first.ended, [one for one, _ in talk.stack]) == ("dropped", [third.id, second.id])
    assert talk.desk.events(first)[-2:] == ["activeflow_updated", "activeflow_dropped"]


def test_sub_flows_do_not_count(desk: Desk) -> None:
    """ "Sub-flows do not count in the list of active Flows": nested stacks are part of their flow."""
    talk = Talk(desk.colleague(max_active_flows=1))
    inner = talk.flow(WAIT)
    run = talk.trigger(talk.flow(act("fetch_flow", flow_id=inner), said("after")))
    assert (run.record["stack_depth"], talk.stack) == (1, [(run.id, "blocked")])


def test_a_sub_flow_called_from_two_flows_has_two_instances(talk: Talk) -> None:
    """ "Different instances of the Sub-flow will be kept … called again … from the point where it was left"."""
    inner = talk.flow(said("one"), WAIT, said("two"))
    call = act("fetch_flow", flow_id=inner)
    first, second = talk.trigger(talk.flow(call, said("a"))), talk.trigger(talk.flow(call, said("b")))
    resume(second)
    assert (second.variables, first.variables) == ({"one": "yes", "two": "yes", "b": "yes"}, {"one": "yes"})
    resume(first)
    assert first.variables == {"one": "yes", "two": "yes", "a": "yes"}


def test_a_flow_triggered_again_starts_anew(talk: Talk) -> None:
    """ "When a Flow that is on the stack … is triggered again, the Flow (including Flow variables) will start anew"."""
    flow_id = talk.flow()
    old = talk.trigger(flow_id, variables={"colour": "red"})
    new = talk.trigger(flow_id)
    assert (old.ended, new.variables) == ("dropped", {"before": "yes"})


def test_only_one_version_of_a_flow_stays_on_the_stack(talk: Talk) -> None:
    """ "Older versions of the Flow will be removed from the stack", from wherever they lie."""
    again = talk.flow()
    old, between = talk.trigger(again), talk.trigger(talk.flow())
    new = talk.trigger(again)
    assert talk.stack == [(new.id, "blocked"), (between.id, "suspended")]
    assert old.ended == "dropped"


def test_on_drop_is_executed_and_on_complete_is_not(talk: Talk) -> None:
    """ "On-drop scripts will be executed in this case": with the variables of the flow that was dropped."""
    fields = {
        "on_drop_flow_id": talk.flow(said("dropped ${colour}")),
        "on_complete_flow_id": talk.flow(said("complete")),
    }
    flow_id = talk.flow(WAIT, **fields)
    old = talk.trigger(flow_id, variables={"colour": "red"})
    talk.trigger(flow_id)
    (child,) = talk.desk.children(old)
    assert (child.ended, child.variables["colour"]) == ("finished", "red")
    assert "complete" not in child.variables


def test_timers_of_a_suspended_flow_stand_still(talk: Talk) -> None:
    """A sleep does not run on below another flow, and goes on with what was left of it."""
    first = talk.trigger(talk.flow(act("sleep", duration=60_000), said("after")))
    second = talk.trigger(talk.flow())
    talk.desk.later(120)
    talk.desk.sweep()
    assert first.state == "suspended"
    second.stop()
    talk.desk.sweep()
    assert first.state == "waiting"
    talk.desk.later(61)
    talk.desk.sweep()
    assert first.ended == "finished"


def test_a_flow_in_the_middle_of_an_action_rests_when_that_is_done(talk: Talk) -> None:
    """A flow that is covered while a peer is asked finishes that action, and nothing after it."""
    talk.desk.outside.teach("message *", during(lambda: talk.trigger(talk.flow())))
    first = talk.trigger(talk.flow(act("message_send", text="x"), said("after")))
    assert (first.state, first.history) == ("suspended", ["message_send done"])
    talk.desk.run(talk.stack[0][0]).stop()
    assert (first.ended, first.variables) == ("finished", {"after": "yes"})


def test_execute_below_another_flow_takes_effect_later(talk: Talk) -> None:
    """A flow that was created first and started after another came on top runs when its turn comes."""
    reference = {"reference_type": "conversation", "reference_id": talk.reference_id}
    status, data = talk.desk.create(talk.flow(said("ran")), **reference)
    assert status == 200
    lower, upper = Run(talk.desk, data["id"], talk.reference_id), talk.trigger(talk.flow())
    assert lower.execute().status == 200
    assert lower.state == "suspended"
    upper.stop()
    assert (lower.ended, lower.variables) == ("finished", {"ran": "yes"})


def test_what_a_suspended_flow_is_asked_meanwhile_is_refused(talk: Talk) -> None:
    """The top alone receives what is meant to resume a flow."""
    first = talk.trigger(talk.flow())
    talk.trigger(talk.flow())
    answer = talk.desk.post(f"{first.uri}/continue", {"current_action_id": first.current["id"]})
    assert (answer.status, answer.reason) == (409, "STALE_ACTION")


def test_the_end_of_the_reference_ends_the_whole_stack(talk: Talk) -> None:
    """When the conversation is over, so are all flows on it."""
    runs = [talk.trigger(talk.flow()) for _ in range(2)]
    talk.desk.event({"type": "call", "event": "hangup", "reference_id": talk.reference_id})
    assert [run.ended for run in runs] == ["reference_ended"] * 2


def test_calls_have_no_stack(desk: Desk) -> None:
    """Only the reference types of the setting are stacked: two activeflows of a call run side by side."""
    call_id = new_id()
    runs = [desk.start(act("talk", text="x"), reference_id=call_id) for _ in range(2)]
    for run in runs:
        run.execute()
    assert [run.state for run in runs] == ["waiting", "waiting"]
    assert desk.get(f"/v1/flow_stacks/call/{call_id}").data["activeflows"] == []


def test_the_setting_says_which_references_are_stacked(desk: Desk) -> None:
    """Another setting, other stacks."""
    assert Settings().stacked_reference_types == "conversation"
    other = desk.colleague(stacked_reference_types="call,webchat")
    call_id = new_id()
    runs = [other.start(act("talk", text="x"), reference_id=call_id) for _ in range(2)]
    assert [run.state for run in runs] == ["suspended", "created"]


@pytest.mark.parametrize("uri", ["/v1/flow_stacks/nonsense/{id}", "/v1/flow_stacks/call/nonsense"])
def test_a_stack_of_nothing_is_refused(desk: Desk, uri: str) -> None:
    """An unknown reference type or an id that is none is the caller's fault."""
    assert desk.get(uri.format(id=new_id())).status in (400, 404)
