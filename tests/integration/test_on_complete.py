"""On-complete: the end of an activeflow starts another flow, exactly once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flowmanager.core.ids import NIL
from tests.desk import Desk, Killed, Run, act, during, new_id, peer_error, talk

DONE = act("variable_set", key="child", value="ran ${colour}")


def parent(desk: Desk, *actions: object, **fields: object) -> Run:
    """A call whose end starts a flow that runs through at once."""
    made = [one for one in actions if isinstance(one, dict)] or [talk("one")]
    return desk.start(*made, on_complete=desk.flow(DONE), variables={"colour": "red"}, **fields)


def finished(run: Run) -> None:
    """Reach the end."""
    run.walk()


def stopped(run: Run) -> None:
    """Reach a `stop`."""
    run.push(act("stop"))
    run.next()


def failed(run: Run) -> None:
    """Fail."""
    run.desk.outside.teach("message *", peer_error("message", 400, "NO_CREDIT"))
    run.push(act("message_send", text="x"))
    assert run.next().status == 400


def looped(run: Run) -> None:
    """Turn without a pause until the limit."""
    run.push(act("goto", id="a", target_id="a"))
    assert run.next().reason == "LIMIT_REACHED"


def resumed(run: Run) -> None:
    """Be resumed too often."""
    run.push(talk("again", id="again"), act("goto", target_id="again"))
    for _ in range(100):
        assert run.next().status == 200
    assert run.next().reason == "LIMIT_REACHED"


ENDS: list[tuple[str, Callable[[Run], object]]] = [
    ("finished", finished),
    ("stop_action", stopped),
    ("stop_request", Run.stop),
    ("deleted", Run.delete),
    ("reference_ended", Run.hang_up),
    ("error", failed),
    ("limit_iterations", looped),
    ("limit_executions", resumed),
]


@pytest.mark.parametrize(("reason", "end"), ENDS, ids=[reason for reason, _ in ENDS])
def test_every_kind_of_end_starts_the_flow_once(desk: Desk, reason: str, end: Callable[[Run], object]) -> None:
    """Ended again, by whatever, there is still one child."""
    run = parent(desk)
    end(run)
    assert run.ended == reason
    run.stop()
    run.hang_up()
    run.delete()
    desk.sweep()
    assert run.ended == reason
    children = desk.children(run)
    assert [child.ended for child in children] == ["finished"]
    assert desk.events(*children) == ["activeflow_created", "activeflow_updated"]


def test_the_child_inherits_who_it_belongs_to_and_the_variables(desk: Desk) -> None:
    """But not the customer's webhook, which was given for the parent."""
    run = parent(desk, webhook_uri="https://example.com", webhook_method="POST")
    run.stop()
    [child] = desk.children(run)
    record = child.record
    assert (record["customer_id"], record["reference_type"]) == (desk.customer_id, "call")
    assert (record["reference_id"], record["reference_activeflow_id"]) == (run.reference_id, run.id)
    assert child.variables == {"colour": "red", "child": "ran red"}
    assert record["variables"]["voipbin.activeflow.id"] == child.id
    assert record["variables"]["voipbin.activeflow.complete_count"] == "1"
    assert "webhook_uri" not in record


def test_the_childs_event_follows_its_parents_end(desk: Desk) -> None:
    """Whoever listens hears them in the order in which they happened."""
    run = parent(desk)
    run.stop()
    [child] = desk.children(run)
    assert desk.events(run, child)[-3:] == ["activeflow_updated", "activeflow_created", "activeflow_updated"]


def test_the_caller_is_answered_before_the_child_runs(desk: Desk) -> None:
    """A stop is not held up by what it starts."""
    desk.outside.teach("email *", lambda _: replies.append(len(desk.outside.replies)))
    replies: list[int] = []
    run = desk.start(talk("one"), on_complete=desk.flow(act("email_send", subject="x")))
    before = len(desk.outside.replies)
    run.stop()
    assert replies == [before + 1]


def test_the_child_of_a_call_has_no_media(desk: Desk) -> None:
    """The call is over: what needs it is skipped, what needs its absence runs."""
    desk.outside.teach("ai *", {"id": new_id()})
    after = desk.flow(talk("x"), act("queue_join", queue_id=new_id()), act("ai_summary"), act("block"))
    run = desk.start(talk("one"), on_complete=after)
    run.hang_up()
    [child] = desk.children(run)
    assert child.history == ["talk skipped", "queue_join skipped", "ai_summary done"]
    assert child.state == "blocked"
    assert child.execute().status == 200
    assert child.ended == "finished"


def test_a_child_can_sleep(desk: Desk) -> None:
    """The timer is our own."""
    run = desk.start(talk("one"), on_complete=desk.flow(act("sleep", duration=60_000), DONE))
    run.stop()
    [child] = desk.children(run)
    assert child.state == "waiting"
    desk.later(61)
    desk.sweep()
    assert child.ended == "finished"


def chain_of(desk: Desk, run: Run) -> list[Run]:
    """The run and its descendants."""
    found = [run]
    while children := desk.children(found[-1]):
        found += children
    return found


def test_a_chain_is_five_long(desk: Desk) -> None:
    """The fifth child is never created; the record of the fourth says so."""
    flow_id = NIL
    for _ in range(7):
        flow_id = desk.flow(DONE, on_complete_flow_id=flow_id)
    run = desk.run(desk.create(flow_id).data["id"])
    run.execute()
    chain = chain_of(desk, run)
    assert [one.record["variables"]["voipbin.activeflow.complete_count"] for one in chain] == ["0", "1", "2", "3", "4"]
    assert [one.record.get("on_complete_blocked", False) for one in chain] == [False, False, False, False, True]
    assert {one.ended for one in chain} == {"finished"}


def test_a_circular_chain_ends(desk: Desk) -> None:
    """A flow that names itself runs five times."""
    flow_id = desk.flow(DONE)
    desk.put(f"/v1/flows/{flow_id}", {"actions": [DONE], "on_complete_flow_id": flow_id})
    run = desk.run(desk.create(flow_id).data["id"])
    run.execute()
    assert len(chain_of(desk, run)) == 5


def test_a_short_chain_is_not_blocked(desk: Desk) -> None:
    """The last of a chain that simply ends says nothing of a limit."""
    run = parent(desk)
    run.stop()
    assert not any(one.record.get("on_complete_blocked") for one in chain_of(desk, run))


def test_the_limit_of_the_chain_also_holds_for_activeflows_that_peers_create(desk: Desk) -> None:
    """Recording and summary flows that name a parent count with it."""
    flow_id = desk.flow(DONE)
    last = NIL
    for _ in range(5):
        status, made = desk.create(flow_id, reference_type="recording", reference_activeflow_id=last)
        assert status == 200
        last = made["id"]
    status, error = desk.create(flow_id, reference_type="recording", reference_activeflow_id=last)
    assert (status, error["reason"]) == (409, "CHAIN_LIMIT")


@pytest.mark.parametrize("kind", ["missing", "foreign"])
def test_an_on_complete_flow_that_cannot_be_used_starts_nothing(desk: Desk, kind: str) -> None:
    """The end itself is not disturbed by a flow that is not there or belongs to somebody else."""
    stranger = Desk(desk.store, desk.engines)
    flow_id = new_id() if kind == "missing" else stranger.flow(DONE)
    run = desk.start(talk("one"), on_complete=flow_id)
    assert run.stop().status == 200
    assert (run.ended, desk.children(run)) == ("stop_request", [])


def test_a_child_whose_starter_died_is_started_by_the_sweeper(desk: Desk) -> None:
    """The child was created with the end; whoever looks next starts it."""
    after = desk.flow(act("email_send", subject="x"), DONE)
    run = desk.start(talk("one"), on_complete=after)
    desk.outside.dies_after_commit = True
    with pytest.raises(Killed):
        run.stop()
    desk.outside.dies_after_commit = False
    [child] = desk.children(run)
    assert child.state == "created"
    desk.colleague().sweep()
    assert child.ended == "finished"
    desk.sweep()
    assert [line.split()[0] for line in desk.asked] == ["email"]


def test_a_child_that_is_started_twice_runs_once(desk: Desk) -> None:
    """The stop's worker and the sweeper meet: the row lock decides."""
    desk.outside.teach("email *", during(desk.colleague().sweep))
    after = desk.flow(act("email_send", subject="x"), DONE)
    run = desk.start(talk("one"), on_complete=after)
    run.stop()
    desk.sweep()
    [child] = desk.children(run)
    assert (child.ended, len(desk.asked)) == ("finished", 1)
